"""The statistics of one symbol: a window of 24 hours, exact to the second, and the trading day.

The rule guarded here: in second k the window covers the seconds k-86400 to k-1 and what has come of second k; the
trading day is the UTC day. Both are a function of the trades and of engine time. They change with a trade, and at
the beginning of a second without one: when an old second leaves the window, or a day ends.

    ├─ left ─┤ k-86400 ────────── closed seconds, in a ring, with sums and high and low ────────── k-1 ┤ k: open ...

The high is the first of a queue of buckets whose highs fall from the oldest to the newest: whatever is older and lower
than another can never be the highest again. So a second costs O(1), amortized; a trade touches only the open second.

Called by the market of the symbol: `advance` to the time of a trade, then `trade`.
"""

from bisect import insort
from collections import deque
from collections.abc import Iterable, Sequence
from typing import Final, final

from bus.protocol.feed import Trade
from publisher.statistics.seconds import DAY_SECONDS, SECOND_NS, BucketRow, SecondRing, bucket_of
from publisher.statistics.values import Statistics

#: Later than any engine time.
NEVER_NS: Final = 2**63 - 1


@final
class RollingStatistics:
    """Of one symbol. `seconds` is the closed seconds of the window; a `TrailingWindow` reads them, too."""

    __slots__ = (
        "_highs",
        "_last_ticks",
        "_lows",
        "_next_ns",
        "_open_high_ticks",
        "_open_low_ticks",
        "_open_quote",
        "_open_second",
        "_open_ticks",
        "_open_trades",
        "_open_volume_lots",
        "_quote",
        "_session_end",
        "_session_open_ticks",
        "_session_quote",
        "_session_trades",
        "_session_volume_lots",
        "_trades",
        "_volume_lots",
        "seconds",
    )

    def __init__(self) -> None:
        self.seconds = SecondRing()
        # Numbers of buckets whose highs fall, and of buckets whose lows rise, from the oldest to the newest.
        self._highs: deque[int] = deque()
        self._lows: deque[int] = deque()
        # Sums of the closed seconds: of the window, and of those of the trading day that ends at `_session_end`.
        self._volume_lots = 0
        self._quote = 0
        self._trades = 0
        self._session_volume_lots = 0
        self._session_quote = 0
        self._session_trades = 0
        self._session_open_ticks = 0
        self._session_end = 0
        # The open second. Without trades it is none, and only `_open_trades` means something.
        self._open_second = 0
        self._open_ticks = 0
        self._open_high_ticks = 0
        self._open_low_ticks = 0
        self._open_volume_lots = 0
        self._open_quote = 0
        self._open_trades = 0
        self._last_ticks = 0
        self._next_ns = NEVER_NS

    def trade(self, time_ns: int, price_ticks: int, quantity_lots: int) -> None:
        """A trade; `advance` has brought time to `time_ns` already. O(1)."""
        assert time_ns < self._next_ns, "advance() comes before trade()"
        quote = price_ticks * quantity_lots
        if self._open_trades:
            if price_ticks > self._open_high_ticks:
                self._open_high_ticks = price_ticks
            elif price_ticks < self._open_low_ticks:
                self._open_low_ticks = price_ticks
            self._open_volume_lots += quantity_lots
            self._open_quote += quote
            self._open_trades += 1
        else:
            second = time_ns // SECOND_NS
            self._open((second, price_ticks, price_ticks, price_ticks, price_ticks, quantity_lots, quote, 1))
        self._last_ticks = price_ticks

    def advance(self, time_ns: int) -> list[int]:
        """Bring time forward. The times, in ns, at which a second began and what is said changed with it.

        O(1) when nothing changes, else O(seconds that leave), however long the way is. To see what is said at each of
        these times, go there step by step: `next_change_ns` has the next one.
        """
        changed: list[int] = []
        if time_ns < self._next_ns:
            return changed
        now = time_ns // SECOND_NS
        if self._open_trades and self._open_second < now:
            self._slide(self._open_second + 1, changed)
            self._close_second()
        self._slide(now, changed)
        if self._session_end <= now:
            if self._session_trades and self._session_end not in changed:
                insort(changed, self._session_end)
            self._begin_session(now)
        self._find_next()
        return [second * SECOND_NS for second in changed]

    def next_change_ns(self) -> int:
        """The first second boundary at which what is said changes if nobody trades; NEVER_NS when none will."""
        if self._trades:
            leaves = self.seconds.second(self.seconds.first) + DAY_SECONDS + 1
        elif self._open_trades:
            leaves = self._open_second + DAY_SECONDS + 1
        else:
            return NEVER_NS
        if self._session_trades or self._open_trades:
            leaves = min(leaves, self._session_end)
        return leaves * SECOND_NS

    def values(self) -> Statistics | None:
        """What is to be said at the time that it was brought to; None before the first trade. O(1)."""
        last = self._last_ticks
        if not last:
            return None
        opened, high, low = last, last, last
        if self._open_trades:
            opened, high, low = self._open_ticks, self._open_high_ticks, self._open_low_ticks
        if self._trades:
            seconds = self.seconds
            closed_high, closed_low = seconds.high_ticks(self._highs[0]), seconds.low_ticks(self._lows[0])
            opened = seconds.open_ticks(seconds.first)
            high = max(high, closed_high) if self._open_trades else closed_high
            low = min(low, closed_low) if self._open_trades else closed_low
        open_volume_lots, open_quote = 0, 0
        if self._open_trades:
            open_volume_lots, open_quote = self._open_volume_lots, self._open_quote
        session_trades = self._session_trades + self._open_trades
        return Statistics(
            opened,
            high,
            low,
            last,
            self._volume_lots + open_volume_lots,
            self._quote + open_quote,
            self._trades + self._open_trades,
            self._session_open_ticks if session_trades else 0,
            self._session_volume_lots + open_volume_lots,
            self._session_quote + open_quote,
            session_trades,
        )

    def last_ticks(self) -> int:
        """The last price; 0 before the first trade."""
        return self._last_ticks

    def open_volume_lots(self) -> int:
        """What has been traded in the second that is not over."""
        return self._open_volume_lots if self._open_trades else 0

    def open_second_open_ticks(self) -> int:
        """The first price of the second that is not over; 0 without trades in it."""
        return self._open_ticks if self._open_trades else 0

    def buckets(self) -> list[BucketRow]:
        """What `restore` wants: the seconds of the window with trades in them, the one that is not over last."""
        seconds = self.seconds
        rows = [seconds.row(number) for number in range(seconds.first, seconds.end) if seconds.trades(number)]
        return [*rows, self._open_row()] if self._open_trades else rows

    def restore(self, time_ns: int, buckets: Iterable[BucketRow], before_ticks: int) -> None:
        """Take up what was: the seconds of the window that ends at `time_ns`, and the last price before them.

        Buckets of seconds that have left the window are passed over. `before_ticks` is 0 when there was no trade
        before. ValueError when they do not rise, or one has no trades.
        """
        assert not self._last_ticks, "restored before anything else"
        self._last_ticks = self.seconds.before_ticks = before_ticks
        previous = -1
        for row in buckets:
            second, trades = row[0], row[7]
            if not previous < second <= time_ns // SECOND_NS or trades <= 0:
                raise ValueError(
                    f"the second {second} does not belong behind {previous}, with {trades} trades"
                )
            previous = second
            if self._open_trades:
                self._slide(self._open_second + 1, [])
                self._close_second()
            self._open(row)
            self._last_ticks = row[4]
        if self._open_trades:
            self._next_ns = 0
            self.advance(time_ns)

    def revise(self, second: int, trades: Sequence[Trade]) -> None:
        """The trades of this second are these, oldest first.

        When no trade is left at all, it is as before the first one. ValueError when there were none in that second or
        it is no longer in the window, or a trade is of another one. O(seconds of the window).
        """
        if any(trade.time_ns // SECOND_NS != second for trade in trades):
            raise ValueError(f"a trade is not of the second {second}")
        if self._open_trades and second == self._open_second:
            self._open_trades = 0
            if trades:
                self._open(bucket_of(second, trades))
                self._last_ticks = trades[-1].price_ticks
        else:
            self._revise_closed(second, trades)
        self._last_ticks = self._find_last()
        self._session_open_ticks = self._find_session_open()
        # `_next_ns` may be too early now, and never too late: trades have gone and none has come.

    # The parts of the above.

    def _open(self, row: BucketRow) -> None:
        """This second is the open one, and has these trades so far."""
        (
            self._open_second,
            self._open_ticks,
            self._open_high_ticks,
            self._open_low_ticks,
            _,
            self._open_volume_lots,
            self._open_quote,
            self._open_trades,
        ) = row
        if self._session_end <= self._open_second:
            self._begin_session(self._open_second)
        if not self._session_trades:
            self._session_open_ticks = self._open_ticks
        self._next_ns = min(self._next_ns, (self._open_second + 1) * SECOND_NS)

    def _open_row(self) -> BucketRow:
        return (
            self._open_second,
            self._open_ticks,
            self._open_high_ticks,
            self._open_low_ticks,
            self._last_ticks,
            self._open_volume_lots,
            self._open_quote,
            self._open_trades,
        )

    def _close_second(self) -> None:
        """The open second becomes the newest of the closed ones."""
        seconds, highs, lows = self.seconds, self._highs, self._lows
        while highs and seconds.high_ticks(highs[-1]) <= self._open_high_ticks:
            highs.pop()
        highs.append(seconds.end)
        while lows and seconds.low_ticks(lows[-1]) >= self._open_low_ticks:
            lows.pop()
        lows.append(seconds.end)
        seconds.push(self._open_row())
        self._volume_lots += self._open_volume_lots
        self._quote += self._open_quote
        self._trades += self._open_trades
        self._session_volume_lots += self._open_volume_lots
        self._session_quote += self._open_quote
        self._session_trades += self._open_trades
        self._open_trades = 0

    def _slide(self, now: int, changed: list[int]) -> None:
        """Let go of the closed seconds that are not in the window of second `now`."""
        seconds = self.seconds
        while seconds.first < seconds.end and seconds.second(seconds.first) < now - DAY_SECONDS:
            second, _, _, _, last, volume, quote, trades = seconds.pop()
            self._volume_lots -= volume
            self._quote -= quote
            self._trades -= trades
            seconds.before_ticks = last
            changed.append(second + DAY_SECONDS + 1)
            self._drop_empty()

    def _drop_empty(self) -> None:
        """The oldest bucket has trades, and the queues name none that has gone."""
        seconds = self.seconds
        while seconds.first < seconds.end and not seconds.trades(seconds.first):
            seconds.pop()
        while self._highs and self._highs[0] < seconds.first:
            self._highs.popleft()
        while self._lows and self._lows[0] < seconds.first:
            self._lows.popleft()

    def _begin_session(self, second: int) -> None:
        """The trading day of this second."""
        self._session_end = second - second % DAY_SECONDS + DAY_SECONDS
        self._session_open_ticks = 0
        self._session_volume_lots = 0
        self._session_quote = 0
        self._session_trades = 0

    def _find_next(self) -> None:
        """When `advance` has something to do next."""
        self._next_ns = self.next_change_ns()
        if self._open_trades:
            self._next_ns = min(self._next_ns, (self._open_second + 1) * SECOND_NS)

    def _revise_closed(self, second: int, trades: Sequence[Trade]) -> None:
        seconds = self.seconds
        number = seconds.number_of(second)
        if number == seconds.end or seconds.second(number) != second or not seconds.trades(number):
            raise ValueError(f"no trades of the second {second} are in the window")
        old, new = seconds.row(number), bucket_of(second, trades)
        self._volume_lots += new[5] - old[5]
        self._quote += new[6] - old[6]
        self._trades += new[7] - old[7]
        if second >= self._session_end - DAY_SECONDS:
            self._session_volume_lots += new[5] - old[5]
            self._session_quote += new[6] - old[6]
            self._session_trades += new[7] - old[7]
        seconds.revise(number, new)
        self._highs, self._lows = seconds.extremes()
        self._drop_empty()

    def _find_last(self) -> int:
        """The last price of all; 0 when no trade is left."""
        if self._open_trades:
            return self._last_ticks
        seconds = self.seconds
        for number in range(seconds.end - 1, seconds.first - 1, -1):
            if seconds.trades(number):
                return seconds.last_ticks(number)
        return seconds.before_ticks

    def _find_session_open(self) -> int:
        """The first price of the trading day; 0 without trades in it."""
        seconds = self.seconds
        for number in range(seconds.number_of(self._session_end - DAY_SECONDS), seconds.end):
            if seconds.trades(number):
                return seconds.open_ticks(number)
        return self._open_ticks if self._open_trades else 0
