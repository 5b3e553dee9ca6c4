"""The conditions of alerts: their parameters, and the value that each looks at.

Read by whoever takes requests, and by the alerts themselves.

    price-above, price-below, price-crossing  ticks
        the last price
    move-up, move-down, move-either           millionths, window_seconds
        the last price against the last one before the window, in millionths of that, rounded towards zero
    volume-spike                              percent, window_seconds, windows
        the volume of the window in percent of the average of so many windows before it, rounded down
    spread-ticks                              ticks
        best ask less best bid
    spread-basis-points                       basis points
        the same against the middle of both, rounded down

The first parameter is the threshold, in the unit of the value. `-above`, `-up` and the last three: the value reaches it
from below. `-below`: from above; `-down`: a move reaches the threshold with a minus before it. `-crossing` and
`-either`: both. A value is rounded such that it reaches a whole threshold exactly when the exact value does.
"""

from collections.abc import Sequence
from typing import Final, final

from publisher.statistics.trailing import LENGTH_SECONDS_MAX

PRICE: Final = 1
MOVE: Final = 2
VOLUME_SPIKE: Final = 3
SPREAD_TICKS: Final = 4
SPREAD_BASIS_POINTS: Final = 5

ABOVE: Final = 1
BELOW: Final = 2
EITHER: Final = 3

#: The parameters of each kind, by name.
PARAMETERS: Final = {
    PRICE: ("threshold",),
    MOVE: ("threshold", "window_seconds"),
    VOLUME_SPIKE: ("threshold", "window_seconds", "windows"),
    SPREAD_TICKS: ("threshold",),
    SPREAD_BASIS_POINTS: ("threshold",),
}

#: The conditions by name: kind and direction.
CONDITIONS: Final = {
    "price-above": (PRICE, ABOVE),
    "price-below": (PRICE, BELOW),
    "price-crossing": (PRICE, EITHER),
    "move-up": (MOVE, ABOVE),
    "move-down": (MOVE, BELOW),
    "move-either": (MOVE, EITHER),
    "volume-spike": (VOLUME_SPIKE, ABOVE),
    "spread-ticks": (SPREAD_TICKS, ABOVE),
    "spread-basis-points": (SPREAD_BASIS_POINTS, ABOVE),
}

#: Enough for any id that somebody makes up: two UUIDs.
ALERT_ID_LENGTH_MAX: Final = 64
#: Prices are below 2**63.
THRESHOLD_MAX: Final = 2**63 - 1

#: alert_id, symbol, condition, parameters, repeats, hysteresis: the fields of a definition.
DefinitionRow = tuple[str, str, str, tuple[int, ...], bool, int]


@final
class AlertDefinition:
    """What somebody asks for. `alert_id` is opaque.

    An alert that repeats fires again when the value has gone back from the threshold by `hysteresis`, in the unit of
    the threshold; 0 is as good as 1: it has to leave the threshold. One that does not repeat is over once it has fired.
    `kind`, `direction`, `threshold`, `window_seconds` and `windows` follow from the condition and its parameters; they
    are 0 when there is no such condition, and those of which it says nothing.
    """

    __slots__ = (
        "alert_id",
        "condition",
        "direction",
        "hysteresis",
        "kind",
        "parameters",
        "repeats",
        "symbol",
        "threshold",
        "window_seconds",
        "windows",
    )

    def __init__(
        self,
        alert_id: str,
        symbol: str,
        condition: str,
        parameters: Sequence[int],
        repeats: bool = False,
        hysteresis: int = 0,
    ) -> None:
        self.alert_id = alert_id
        self.symbol = symbol
        self.condition = condition
        self.parameters = tuple(parameters)
        self.repeats = repeats
        self.hysteresis = hysteresis
        self.kind, self.direction = CONDITIONS.get(condition, (0, 0))
        given = [*self.parameters, 0, 0, 0]
        self.threshold = given[0]
        self.window_seconds = given[1]
        self.windows = given[2]

    def row(self) -> DefinitionRow:
        """The fields of the constructor, in its order."""
        return (
            *(self.alert_id, self.symbol, self.condition, self.parameters),
            *(self.repeats, self.hysteresis),
        )

    def refusal(self) -> str:
        """Why there can be no such alert, in one sentence; "" when there can."""
        if not 1 <= len(self.alert_id) <= ALERT_ID_LENGTH_MAX:
            return f"an alert id has 1 to {ALERT_ID_LENGTH_MAX} characters"
        if self.condition not in CONDITIONS:
            return f"{self.condition!r} is no condition: {', '.join(CONDITIONS)}"
        names = PARAMETERS[self.kind]
        if len(self.parameters) != len(names):
            return f"the parameters of {self.condition} are {', '.join(names)}"
        if not 1 <= self.threshold <= THRESHOLD_MAX:
            return "a threshold is at least 1 and below 2**63"
        if not 0 <= self.hysteresis <= self.threshold:
            return "a hysteresis is 0 up to the threshold"
        seconds_max = LENGTH_SECONDS_MAX
        if self.kind == VOLUME_SPIKE:
            if not 1 <= self.windows < LENGTH_SECONDS_MAX:
                return f"a volume is compared with 1 to {LENGTH_SECONDS_MAX - 1} windows"
            seconds_max = LENGTH_SECONDS_MAX // (self.windows + 1)
        if "window_seconds" in names and not 1 <= self.window_seconds <= seconds_max:
            return f"such a window has 1 to {seconds_max} seconds"
        return ""
