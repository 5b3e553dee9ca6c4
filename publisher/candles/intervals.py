"""The intervals of candles, as a table: how long they are, what they are made from, how many are kept.

The rule guarded here: an interval begins and ends where its parts do, so each candle but the shortest is exactly a
whole number of candles of the interval that it is made from. Read by the rings and series of candles, and by whoever
checks what a request asks for.
"""

from typing import Final, final

SECOND_NS: Final = 10**9
MINUTE_NS: Final = 60 * SECOND_NS
HOUR_NS: Final = 60 * MINUTE_NS
DAY_NS: Final = 24 * HOUR_NS
WEEK_NS: Final = 7 * DAY_NS

#: 1970 began on a Thursday; the first Monday was the 5th of January. Weeks open on Mondays (ISO 8601).
FIRST_MONDAY_NS: Final = 4 * DAY_NS


@final
class Interval:
    """One row. `made_from` names the interval of its parts; of 1m it is "", since that one is made from trades.

    Intervals open at `first_ns` and every `length_ns` before and after that. `ring_length` closed candles are kept.
    """

    __slots__ = ("first_ns", "length_ns", "made_from", "name", "ring_length")

    def __init__(
        self, name: str, length_ns: int, ring_length: int, made_from: str = "", first_ns: int = 0
    ) -> None:
        self.name = name
        self.length_ns = length_ns
        self.ring_length = ring_length
        self.made_from = made_from
        self.first_ns = first_ns

    def open_time_ns(self, time_ns: int) -> int:
        """When the interval that holds this time opens. It ends `length_ns` later, and that end is the next one's."""
        return time_ns - (time_ns - self.first_ns) % self.length_ns


#: Shortest first; each is made from the one before it. One day of minutes is kept, since a trade may be revised as long
#: as its trading day lasts. The others: four days, ten days, three weeks, a month, four months, a year, three years.
INTERVALS: Final = {
    interval.name: interval
    for interval in (
        Interval("1m", MINUTE_NS, 1440),
        Interval("5m", 5 * MINUTE_NS, 1152, "1m"),
        Interval("15m", 15 * MINUTE_NS, 960, "5m"),
        Interval("30m", 30 * MINUTE_NS, 1008, "15m"),
        Interval("1h", HOUR_NS, 720, "30m"),
        Interval("4h", 4 * HOUR_NS, 720, "1h"),
        Interval("1d", DAY_NS, 365, "4h"),
        Interval("1w", WEEK_NS, 156, "1d", FIRST_MONDAY_NS),
    )
}


def open_time_ns(interval: str, time_ns: int) -> int:
    """When the interval of this name that holds `time_ns` opens. KeyError for a name that is not in the table."""
    return INTERVALS[interval].open_time_ns(time_ns)
