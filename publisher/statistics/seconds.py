"""What was traded in each second of the last 24 hours, for those seconds in which something was.

The rule guarded here: memory is bounded by the seconds of the window. Buckets stand in one array of 64-bit integers as
a ring, which doubles until it holds a whole day (6.9 MB); sums take two places each, as in `publisher.candles.ring`. A
bucket has a dense number, from 0, that stays its own: whoever stands at one knows it by that. A revision may leave a
bucket without trades in the middle; it goes when its time comes.

    place   0   second   open   high   low   last   volume (low, high)   quote_volume (low, high)   trades
            10  the next bucket

Written by `publisher.statistics.rolling`, read by that and by `publisher.statistics.trailing`.
"""

from array import array
from collections import deque
from collections.abc import Sequence
from typing import Final, final

from bus.protocol.feed import Trade

SECOND_NS: Final = 10**9
#: The length of the window.
DAY_SECONDS: Final = 86_400

#: second, open_ticks, high_ticks, low_ticks, last_ticks, volume_lots, quote_volume, trades: one bucket.
#: `second` counts from 1970.
BucketRow = tuple[int, int, int, int, int, int, int, int]

WIDTH: Final = 10
WORD_BITS: Final = 63
WORD_MASK: Final = 2**WORD_BITS - 1
#: To begin with, so that a symbol with few trades costs little.
CAPACITY_MIN: Final = 64


def bucket_of(second: int, trades: Sequence[Trade]) -> BucketRow:
    """What these trades of one second, oldest first, come to. Without any: all 0 but the second."""
    if not trades:
        return (second, 0, 0, 0, 0, 0, 0, 0)
    prices = [trade.price_ticks for trade in trades]
    return (
        second,
        prices[0],
        max(prices),
        min(prices),
        prices[-1],
        sum(trade.quantity_lots for trade in trades),
        sum(trade.price_ticks * trade.quantity_lots for trade in trades),
        len(trades),
    )


@final
class SecondRing:
    """The buckets numbered `first` to `end` - 1, oldest first. `revisions` counts how often one was changed.

    `before_ticks` is the last price before all of them, 0 when there was none: whoever takes a bucket out sets it.
    """

    __slots__ = ("before_ticks", "capacity", "end", "first", "places", "revisions")

    def __init__(self) -> None:
        self.capacity = CAPACITY_MIN
        self.places = array("q", bytes(8 * WIDTH * self.capacity))
        self.first = 0
        self.end = 0
        self.revisions = 0
        self.before_ticks = 0

    def push(self, row: BucketRow) -> None:
        """The bucket of a later second than any before. AssertionError when a whole day is there already."""
        if self.end - self.first == self.capacity:
            self._grow()
        self._write(self.end, row)
        self.end += 1

    def pop(self) -> BucketRow:
        """Take out the oldest."""
        row = self.row(self.first)
        self.first += 1
        return row

    def revise(self, number: int, row: BucketRow) -> None:
        """Another content for a bucket, of the same second."""
        self._write(number, row)
        self.revisions += 1

    def second(self, number: int) -> int:
        """The second of a bucket."""
        return self.places[number % self.capacity * WIDTH]

    def row(self, number: int) -> BucketRow:
        """All of a bucket."""
        at = number % self.capacity * WIDTH
        second, opened, high, low, last, volume, volume_high, quote, quote_high, trades = self.places[
            at : at + WIDTH
        ]
        return (
            *(second, opened, high, low, last),
            (volume_high << WORD_BITS) + volume,
            (quote_high << WORD_BITS) + quote,
            trades,
        )

    def open_ticks(self, number: int) -> int:
        """Its first price."""
        return self.places[number % self.capacity * WIDTH + 1]

    def high_ticks(self, number: int) -> int:
        """Its highest price."""
        return self.places[number % self.capacity * WIDTH + 2]

    def low_ticks(self, number: int) -> int:
        """Its lowest price."""
        return self.places[number % self.capacity * WIDTH + 3]

    def last_ticks(self, number: int) -> int:
        """Its last price."""
        return self.places[number % self.capacity * WIDTH + 4]

    def volume_lots(self, number: int) -> int:
        """Its volume."""
        at = number % self.capacity * WIDTH
        return (self.places[at + 6] << WORD_BITS) + self.places[at + 5]

    def trades(self, number: int) -> int:
        """Its count of trades; 0 after all were busted."""
        return self.places[number % self.capacity * WIDTH + 9]

    def number_of(self, second: int) -> int:
        """The number of the first bucket of this second or a later one; `end` when there is none. O(log buckets)."""
        low, high = self.first, self.end
        while low < high:
            middle = (low + high) // 2
            if self.second(middle) < second:
                low = middle + 1
            else:
                high = middle
        return low

    def extremes(self) -> tuple[deque[int], deque[int]]:
        """The numbers of buckets with a higher high than all newer ones, and with a lower low; oldest first. O(n)."""
        highs, lows = self.places[2::WIDTH], self.places[3::WIDTH]
        higher: deque[int] = deque()
        lower: deque[int] = deque()
        highest, lowest = 0, WORD_MASK + 1
        for number in range(self.end - 1, self.first - 1, -1):
            place = number % self.capacity
            if highs[place] > highest:
                highest = highs[place]
                higher.appendleft(number)
            if 0 < lows[place] < lowest:
                lowest = lows[place]
                lower.appendleft(number)
        return higher, lower

    def _write(self, number: int, row: BucketRow) -> None:
        at = number % self.capacity * WIDTH
        second, opened, high, low, last, volume, quote, trades = row
        self.places[at : at + WIDTH] = array(
            "q",
            (
                *(second, opened, high, low, last),
                *(volume & WORD_MASK, volume >> WORD_BITS, quote & WORD_MASK, quote >> WORD_BITS),
                trades,
            ),
        )

    def _grow(self) -> None:
        assert self.capacity < DAY_SECONDS, "a day has no more seconds"
        rows = [self.row(number) for number in range(self.first, self.end)]
        self.capacity = min(2 * self.capacity, DAY_SECONDS)
        self.places = array("q", bytes(8 * WIDTH * self.capacity))
        for number, row in enumerate(rows, self.first):
            self._write(number, row)
