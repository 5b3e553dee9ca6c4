"""One alert with its state: whether it is armed, in which direction, and how often it fired.

The rule guarded here: an alert fires when the value reaches its threshold, and is then disarmed until the value has
gone back by the hysteresis. The first value that it sees arms it, on the side where that value is, and fires nothing:
an alert that is made while its condition holds already waits until it no longer does.

    value
    threshold      ------------*--------------------*---    * fires
                              / \\      /\\          /
    less h         ----------/---\\----/--\\--------/-----
                            /     \\  /    \\      /
                       armed       \\/ armed again
"""

from typing import Final, final

from publisher.alerts.definition import (
    ABOVE,
    BELOW,
    MOVE,
    AlertDefinition,
    DefinitionRow,
)

#: Beyond all values.
LOWEST: Final = -(2**200)
HIGHEST: Final = 2**200

#: The definition, whether it has seen a value, whether it is armed above and below, how often it fired.
AlertRow = tuple[DefinitionRow, bool, bool, bool, int]


@final
class AlertFired:
    """An alert fired: its condition, with which trade or quote of its symbol, at which value and for which threshold.

    `threshold` is negative for a move down. `ended` when it does not repeat: there is no such alert any more.
    """

    __slots__ = ("alert_id", "condition", "ended", "sequence", "symbol", "threshold", "time_ns", "value")

    def __init__(
        self,
        alert_id: str,
        symbol: str,
        condition: str,
        sequence: int,
        time_ns: int,
        value: int,
        threshold: int,
        ended: bool,
    ) -> None:
        self.alert_id = alert_id
        self.symbol = symbol
        self.condition = condition
        self.sequence = sequence
        self.time_ns = time_ns
        self.value = value
        self.threshold = threshold
        self.ended = ended

    def row(self) -> tuple[str, str, str, int, int, int, int, bool]:
        """All fields, in the order of the constructor."""
        return (
            *(self.alert_id, self.symbol, self.condition, self.sequence, self.time_ns),
            *(self.value, self.threshold, self.ended),
        )

    def __eq__(self, other: object) -> bool:
        return isinstance(other, AlertFired) and self.row() == other.row()

    def __hash__(self) -> int:
        return hash(self.row())

    def __repr__(self) -> str:
        return f"AlertFired{self.row()!r}"


@final
class Alert:
    """`above` and `below` are the thresholds, HIGHEST and LOWEST where it looks in the other direction only."""

    __slots__ = ("above", "armed_above", "armed_below", "below", "definition", "fired", "hysteresis", "seen")

    def __init__(self, definition: AlertDefinition) -> None:
        self.definition = definition
        threshold = definition.threshold
        self.above = HIGHEST if definition.direction == BELOW else threshold
        self.below = LOWEST
        if definition.direction != ABOVE:
            self.below = -threshold if definition.kind == MOVE else threshold
        self.hysteresis = max(definition.hysteresis, 1)
        self.seen = False
        self.armed_above = False
        self.armed_below = False
        self.fired = 0

    def armed(self) -> bool:
        """Whether it can fire now."""
        return self.armed_above or self.armed_below

    def arm(self, value: int) -> bool:
        """See a value that cannot fire. Whether the state changed."""
        before = (self.seen, self.armed_above, self.armed_below)
        if not self.seen:
            self.seen = True
            self.armed_above = self.above != HIGHEST and value < self.above
            self.armed_below = self.below != LOWEST and value > self.below
        else:
            if self.above != HIGHEST and value <= self.above - self.hysteresis:
                self.armed_above = True
            if self.below != LOWEST and value >= self.below + self.hysteresis:
                self.armed_below = True
        return before != (self.seen, self.armed_above, self.armed_below)

    def look(self, value: int) -> int:
        """See a value: the threshold for which it fires, or 0. Fired, it is disarmed there; then `arm` sees the value.

        A jump over the threshold of an alert in either direction thus fires it and arms it for the way back.
        """
        threshold = 0
        if self.armed_above and value >= self.above:
            self.armed_above = False
            threshold = self.above
        elif self.armed_below and value <= self.below:
            self.armed_below = False
            threshold = self.below
        if threshold:
            self.fired += 1
        self.arm(value)
        return threshold

    def quiet_above(self) -> int:
        """No value above this, and below what `quiet_below` says, changes anything."""
        if not self.seen:
            return HIGHEST
        low = self.below if self.armed_below else LOWEST
        if self.above != HIGHEST and not self.armed_above:
            low = max(low, self.above - self.hysteresis)
        return low

    def quiet_below(self) -> int:
        """See `quiet_above`."""
        if not self.seen:
            return LOWEST
        high = self.above if self.armed_above else HIGHEST
        if self.below != LOWEST and not self.armed_below:
            high = min(high, self.below + self.hysteresis)
        return high

    def row(self) -> AlertRow:
        """What `restored` wants."""
        return (self.definition.row(), self.seen, self.armed_above, self.armed_below, self.fired)


def restored(row: AlertRow) -> Alert:
    """The alert of a row."""
    definition, seen, armed_above, armed_below, fired = row
    alert = Alert(AlertDefinition(*definition))
    alert.seen = seen
    alert.armed_above = armed_above
    alert.armed_below = armed_below
    alert.fired = fired
    return alert
