"""A position: what was bought of an instrument less what was sold, what is open, and what the day has brought."""

from typing import Final

from mypy_extensions import mypyc_attr

from bus.protocol.terms import BUY

#: No position is stated, and none is let grow by an order, beyond this: so all that are open can trade and stay below
#: 2**63, which no checkpoint could hold.
POSITION_LOTS_MAX: Final = 2**62


@mypyc_attr(acyclic=True)
class Position:
    """Of one account, or of all members of a group together, in one instrument.

    `lots`: bought less sold. `buying` and `selling`: lots that open orders may still buy and sell, `open_notional` what
    they are worth, in ticks times lots; these follow from the open orders.

    The result of the day, in ticks times lots, is `flow` + (`lots` - `unmarked`) x the last trade's price: `flow` is
    what was taken in by sales less what was paid since the day began, less what the position was worth then;
    `unmarked` what there was of it then that had no price yet. Of any size, unlike all else here.
    """

    __slots__ = ("buying", "flow", "lots", "open_notional", "selling", "unmarked")

    def __init__(self) -> None:
        self.lots = 0
        self.flow = 0
        self.unmarked = 0
        self.buying = 0
        self.selling = 0
        self.open_notional = 0

    @property
    def is_any(self) -> bool:
        """Whether there is, or was today, anything of it that a checkpoint must keep."""
        return self.lots != 0 or self.flow != 0 or self.unmarked != 0

    def result(self, last_ticks: int) -> int:
        """What the day has brought so far at this price, realised and not; below 0 it is a loss."""
        return self.flow + (self.lots - self.unmarked) * last_ticks

    def filled(self, side: int, lots: int, notional: int) -> None:
        """So much was bought or sold."""
        if side == BUY:
            self.lots += lots
            self.flow -= notional
        else:
            self.lots -= lots
            self.flow += notional

    def begin_day(self, last_ticks: int) -> None:
        """From here on the day's result counts, at the last trade's price; 0 when there is none."""
        self.flow = -self.lots * last_ticks
        self.unmarked = 0 if last_ticks else self.lots

    def opened(self, buying: int, selling: int, notional: int) -> None:
        """So much more is open, or less."""
        self.buying += buying
        self.selling += selling
        self.open_notional += notional

    def add(self, other: "Position") -> None:
        """The position of a member of a group comes to that of the group."""
        self.lots += other.lots
        self.flow += other.flow
        self.unmarked += other.unmarked
        self.opened(other.buying, other.selling, other.open_notional)

    def take(self, other: "Position") -> None:
        """The position of a member leaves that of the group."""
        self.lots -= other.lots
        self.flow -= other.flow
        self.unmarked -= other.unmarked
        self.opened(-other.buying, -other.selling, -other.open_notional)

    @property
    def values(self) -> tuple[int, int, int, int, int, int]:
        """All of it."""
        return self.lots, self.flow, self.unmarked, self.buying, self.selling, self.open_notional

    def copy(self) -> "Position":
        """The same, sharing nothing."""
        copied = Position()
        copied.add(self)
        return copied
