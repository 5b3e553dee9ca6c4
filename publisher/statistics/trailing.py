"""Windows of the last so many seconds, shorter than a day, over the seconds that the statistics keep anyway.

The rule guarded here: a window of n seconds covers, in second k, the seconds k-n to k-1 and what has come of second k:
as the window of 24 hours does. It stands at the bucket that leaves it next and only moves forward, so a trade costs
O(1), amortized; after a revision it is summed up anew. Used by alerts.
"""

from typing import Final, final

from publisher.statistics.seconds import DAY_SECONDS, SecondRing

#: The longest window: half a day. So a window that is used has left a bucket long before the ring gives its place away.
LENGTH_SECONDS_MAX: Final = DAY_SECONDS // 2


@final
class TrailingWindow:
    """Of closed seconds. `slide` brings it to a second; before that it says nothing."""

    __slots__ = ("_end", "_first", "_revisions", "_seconds", "length_seconds", "volume_lots")

    def __init__(self, seconds: SecondRing, length_seconds: int) -> None:
        assert 0 < length_seconds <= LENGTH_SECONDS_MAX
        self._seconds = seconds
        self.length_seconds = length_seconds
        self._first = 0
        self._end = 0
        self._revisions = -1
        self.volume_lots = 0

    def slide(self, second: int) -> None:
        """`second` is the one that is not over; the statistics have been brought there."""
        seconds = self._seconds
        from_second = second - self.length_seconds
        if self._revisions != seconds.revisions or self._first < seconds.first:
            self._revisions = seconds.revisions
            self._first = self._end = seconds.number_of(from_second)
            self.volume_lots = 0
        while self._end < seconds.end:
            self.volume_lots += seconds.volume_lots(self._end)
            self._end += 1
        while self._first < self._end and seconds.second(self._first) < from_second:
            self.volume_lots -= seconds.volume_lots(self._first)
            self._first += 1

    def open_ticks(self) -> int:
        """The price of the first trade in the closed seconds of the window; 0 when there is none."""
        seconds = self._seconds
        for number in range(self._first, self._end):
            if seconds.trades(number):
                return seconds.open_ticks(number)
        return 0

    def before_ticks(self) -> int:
        """The last price before the window; 0 when there was no trade before it."""
        seconds = self._seconds
        for number in range(self._first - 1, seconds.first - 1, -1):
            if seconds.trades(number):
                return seconds.last_ticks(number)
        return seconds.before_ticks
