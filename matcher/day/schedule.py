"""A schedule: the trading hours of an instrument, and what they come to next, as the node has planned it.

The hours are in the clocks of a time zone, and no such thing is known here: the node expands them to moments of engine
time, and logs these (`PhasesPlanned`). The rule guarded here: a row begins only when it is known what follows it, so of
each phase that a schedule begins it is known when it ends. Who acts on it is `matcher.day.scheduling`.
"""

from bus.protocol.commands import SetSchedule
from bus.protocol.terms import CLOSED
from matcher.book.stage import Stage

#: When something happens: engine time, the phase that begins, and by how many ms an auction may last longer.
PlannedRow = tuple[int, int, int]


class Schedule:
    """`number` and `set_ns`: sequence and time of the command that set it. `acts`: the phase that is on began by it.

    `rows`: those that are still to come, first first; there is always one more to come than may begin.
    """

    __slots__ = ("acts", "command", "number", "rows", "set_ns")

    def __init__(self, command: SetSchedule, number: int, set_ns: int) -> None:
        self.command = command
        self.number = number
        self.set_ns = set_ns
        self.acts = False
        self.rows: list[PlannedRow] = []

    def planned_ns(self) -> int:
        """Up to when it is known what happens."""
        return self.rows[-1][0] if self.rows else self.set_ns

    def due_ns(self, stage: Stage | None) -> int:
        """When the next row begins, as far as that is known; 0 when it is not. `stage`: of the phase that is on.

        An auction that the schedule began lasts as much longer as was drawn; the rows behind it are not moved.
        """
        if len(self.rows) < 2:
            return 0
        due_ns = self.rows[0][0]
        if self.acts and stage is not None:
            if stage.wants_draw:
                return 0
            due_ns += stage.drawn_ns
        return due_ns

    def closes_ns(self) -> int:
        """When the first row closes, whatever waits before it; 0 when none is known that does."""
        for row in self.rows[:-1]:
            if row[1] == CLOSED:
                return row[0]
        return 0

    def pass_by(self, time_ns: int) -> None:
        """Rows that have waited up to now begin no more. O(rows)."""
        while len(self.rows) > 1 and self.rows[0][0] <= time_ns:
            self.rows.pop(0)

    def check(self, stage: Stage | None) -> None:
        """Walk its invariants; AssertionError for the first that does not hold."""
        times = [row[0] for row in self.rows]
        assert times == sorted(times), "planned rows stand in order of time"
        assert not times or times[0] > self.set_ns, "a schedule acts from when it was set on"
        if self.acts:
            assert times, "it is known what follows a phase that a schedule began"
            assert stage is None or stage.ends_ns == times[0], "a phase that a schedule began ends by it"
