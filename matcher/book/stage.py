"""A stage: a phase of an instrument in which orders collect, or that ends by itself, and what is known of its end.

Continuous trading without an end of its own has none, and pays one look for that. Called by `matcher.day.phases`; and a
pause, what an instrument goes on with when the whole market does (`matcher.safety.emergency`).
"""

from typing import Final

from matcher.book.crossing import Crossing

#: How long a pause has left that lasts until further notice.
NO_END_NS: Final = -1
#: And of one that is of a schedule: the hours go on, whatever stands still. It lasts until the next row.
UNTIL_ROW_NS: Final = -2
#: Nothing was told yet.
_UNTOLD: Final = (-1, -1, 0)


class Stage:
    """`number`: the sequence of the command or record that began it.

    `ends_ns`: when it is planned to end, 0 for until further notice. `random_ms`: how much later it may end;
    `drawn_ns` is what was drawn of that, -1 while it was not. `next_phase`: what follows; `next_ms`: for how long, 0
    for until further notice; `next_random_ms`: how much longer, by chance.

    `is_prolonged`: it is an auction that was to end before, at a price beyond a band. `outlasts_rows`: it is of a
    circuit breaker, and rows of a schedule wait for its end.

    `told`: price, quantity and imbalance that were told last; `told_ns` and `told_number`: when, and by which sequence.
    `due_ns`: when what would come of it is looked at again, 0 while nothing has changed. `crossing`: where demand and
    supply of an auction cross, None while nobody has asked; it follows from the book and is no state.
    """

    __slots__ = (
        "crossing",
        "drawn_ns",
        "due_ns",
        "ends_ns",
        "is_prolonged",
        "next_ms",
        "next_phase",
        "next_random_ms",
        "number",
        "outlasts_rows",
        "random_ms",
        "told",
        "told_ns",
        "told_number",
    )

    def __init__(
        self,
        number: int,
        ends_ns: int,
        random_ms: int,
        next_phase: int,
        next_ms: int = 0,
        next_random_ms: int = 0,
        outlasts_rows: bool = False,
    ) -> None:
        self.number = number
        self.ends_ns = ends_ns
        self.random_ms = random_ms
        self.next_phase = next_phase
        self.next_ms = next_ms
        self.next_random_ms = next_random_ms
        self.drawn_ns = -1 if random_ms else 0
        self.told: tuple[int, int, int] = _UNTOLD
        self.told_ns = 0
        self.told_number = 0
        self.due_ns = 0
        self.is_prolonged = False
        self.outlasts_rows = outlasts_rows
        self.crossing: Crossing | None = None

    @property
    def wants_draw(self) -> bool:
        """Whether it ends by a chance that was not drawn yet."""
        return self.drawn_ns < 0

    def last_until_further_notice(self) -> None:
        """Its end is not known any more, nor is one to be drawn."""
        self.ends_ns = self.random_ms = self.drawn_ns = 0

    def end_ns(self) -> int:
        """When it ends, as far as that is known; 0 when it is not."""
        if not self.ends_ns or self.drawn_ns < 0:
            return 0
        return self.ends_ns + self.drawn_ns


class Pause:
    """`phase` is what begins when the market goes on, and `next_phase` what follows, 0 for the usual, as in a stage.

    `left_ns`: how long it then lasts, NO_END_NS for until further notice, UNTIL_ROW_NS for until the next row of the
    schedule; `random_ms`: how much longer, by chance. `outlasts_rows`: as in a stage.
    """

    __slots__ = ("left_ns", "next_ms", "next_phase", "next_random_ms", "outlasts_rows", "phase", "random_ms")

    def __init__(
        self,
        phase: int,
        left_ns: int,
        random_ms: int,
        next_phase: int,
        next_ms: int = 0,
        next_random_ms: int = 0,
        outlasts_rows: bool = False,
    ) -> None:
        self.phase = phase
        self.left_ns = left_ns
        self.random_ms = random_ms
        self.next_phase = next_phase
        self.next_ms = next_ms
        self.next_random_ms = next_random_ms
        self.outlasts_rows = outlasts_rows
