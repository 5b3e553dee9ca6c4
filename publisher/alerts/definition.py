"""What an alert may be asked for, and why not. Read by whoever takes requests, and by the alerts themselves.

| kind | looks at | its value, a whole number | directions |
|---|---|---|---|
| price crossing | the last price | ticks | above, below, either |
| move | the last price against the last one before the window | millionths, towards zero | above, below, either |
| volume spike | the volume of the window against the average of the `windows` before it | percent, down | above |
| spread in ticks | best ask less best bid | ticks | above |
| spread in basis points | the same against the middle of both | basis points, down | above |

A threshold has the unit of the value. Above: the value reaches the threshold from below. Below: from above; of a move
the threshold is then negative: -5% for 50,000. Rounding is such that a rounded value reaches a whole threshold when
the exact one does.
"""

from typing import Final, final

from publisher.statistics.trailing import LENGTH_SECONDS_MAX

PRICE_CROSSING: Final = 1
MOVE: Final = 2
VOLUME_SPIKE: Final = 3
SPREAD_TICKS: Final = 4
SPREAD_BASIS_POINTS: Final = 5
ALERT_KINDS: Final = {
    PRICE_CROSSING: "price-crossing",
    MOVE: "move",
    VOLUME_SPIKE: "volume-spike",
    SPREAD_TICKS: "spread-ticks",
    SPREAD_BASIS_POINTS: "spread-basis-points",
}

ABOVE: Final = 1
BELOW: Final = 2
EITHER: Final = 3
DIRECTIONS: Final = {ABOVE: "above", BELOW: "below", EITHER: "either"}

#: Enough for any id that somebody makes up: two UUIDs.
ALERT_ID_LENGTH_MAX: Final = 64
#: Prices are below 2**63.
THRESHOLD_MAX: Final = 2**63 - 1

#: alert_id, symbol, kind, direction, threshold, hysteresis, window_seconds, windows, repeats: the fields below.
DefinitionRow = tuple[str, str, int, int, int, int, int, int, bool]


@final
class AlertDefinition:
    """What somebody asks for. `alert_id` is opaque. Of kinds without a window, `window_seconds` and `windows` are 0.

    After firing it fires again only when the value has gone back from the threshold by `hysteresis`, at least 1, in the
    unit of the threshold. One that does not repeat is over once it has fired.
    """

    __slots__ = (
        "alert_id",
        "direction",
        "hysteresis",
        "kind",
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
        kind: int,
        direction: int,
        threshold: int,
        hysteresis: int = 1,
        window_seconds: int = 0,
        windows: int = 0,
        repeats: bool = False,
    ) -> None:
        self.alert_id = alert_id
        self.symbol = symbol
        self.kind = kind
        self.direction = direction
        self.threshold = threshold
        self.hysteresis = hysteresis
        self.window_seconds = window_seconds
        self.windows = windows
        self.repeats = repeats

    def row(self) -> DefinitionRow:
        """All fields, in the order of the constructor."""
        return (
            self.alert_id,
            self.symbol,
            self.kind,
            self.direction,
            self.threshold,
            self.hysteresis,
            self.window_seconds,
            self.windows,
            self.repeats,
        )

    def refusal(self) -> str:
        """Why there can be no such alert, in one sentence; "" when there can."""
        if not 1 <= len(self.alert_id) <= ALERT_ID_LENGTH_MAX:
            return f"an alert id has 1 to {ALERT_ID_LENGTH_MAX} characters"
        if self.kind not in ALERT_KINDS:
            return f"there is no kind of alert {self.kind}"
        if self.direction not in DIRECTIONS:
            return f"there is no direction {self.direction}"
        if self.direction != ABOVE and self.kind not in (PRICE_CROSSING, MOVE):
            return f"an alert of kind {ALERT_KINDS[self.kind]} is above"
        if not 1 <= self.threshold <= THRESHOLD_MAX:
            return "a threshold is at least 1 and below 2**63"
        if not 1 <= self.hysteresis <= self.threshold:
            return "a hysteresis is at least 1 and at most the threshold"
        return self._window_refusal()

    def _window_refusal(self) -> str:
        seconds_max = 0
        if self.kind == MOVE:
            seconds_max = LENGTH_SECONDS_MAX
        elif self.kind == VOLUME_SPIKE:
            if not 1 <= self.windows < LENGTH_SECONDS_MAX:
                return f"a volume is compared with 1 to {LENGTH_SECONDS_MAX - 1} windows"
            seconds_max = LENGTH_SECONDS_MAX // (self.windows + 1)
        if self.windows and self.kind != VOLUME_SPIKE:
            return f"an alert of kind {ALERT_KINDS[self.kind]} has no windows to compare with"
        if not seconds_max:
            return f"an alert of kind {ALERT_KINDS[self.kind]} has no window" if self.window_seconds else ""
        if not 1 <= self.window_seconds <= seconds_max:
            return f"such a window has 1 to {seconds_max} seconds"
        return ""
