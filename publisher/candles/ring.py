"""The closed candles of one interval, the newest so many: constant memory from the first one on.

The rule guarded here: candles follow each other without a gap. So the place of a candle follows from its open time, and
finding one is arithmetic. Numbers stand in one array of 64-bit integers, so a ring of n candles takes n times 136
bytes, whatever is in it. The four sums may leave 64 bits and take two places each: exact up to 2**126, which is 2**63
trades of the largest notional.

    place   0     open_ticks   high   low   close   volume (low, high)   quote_volume (low, high)   ...   revision
            17    the next candle
"""

from array import array
from typing import Final, final

from publisher.candles.candle import Candle
from publisher.candles.intervals import Interval

#: Places of a candle: its fields without open time and closed, which are known, and four more for the second words.
WIDTH: Final = 17
WORD_BITS: Final = 63
WORD_MASK: Final = 2**WORD_BITS - 1


@final
class CandleRing:
    """Of one interval. `count` candles are kept; the oldest opens at `oldest_ns()`, the newest at `newest_ns`."""

    __slots__ = ("capacity", "count", "interval", "newest_ns", "places")

    def __init__(self, interval: Interval) -> None:
        self.interval = interval
        self.capacity = interval.ring_length
        self.places = array("q", bytes(8 * WIDTH * self.capacity))
        self.count = 0
        self.newest_ns = 0

    def oldest_ns(self) -> int:
        """The open time of the oldest candle that is kept. Means nothing while `count` is 0."""
        return self.newest_ns - (self.count - 1) * self.interval.length_ns

    def holds(self, open_time_ns: int) -> bool:
        """Whether the candle that opens then is kept."""
        return self.count > 0 and self.oldest_ns() <= open_time_ns <= self.newest_ns

    def push(self, candle: Candle) -> None:
        """The next candle; the oldest makes room. ValueError when it does not follow the newest one."""
        if self.count:
            if candle.open_time_ns != self.newest_ns + self.interval.length_ns:
                raise ValueError(
                    f"a candle of {self.interval.name} that opens at {candle.open_time_ns} does not follow"
                    f" the one that opens at {self.newest_ns}"
                )
        elif self.interval.open_time_ns(candle.open_time_ns) != candle.open_time_ns:
            raise ValueError(f"no candle of {self.interval.name} opens at {candle.open_time_ns}")
        self.newest_ns = candle.open_time_ns
        if self.count < self.capacity:
            self.count += 1
        self._write(candle)

    def replace(self, candle: Candle) -> None:
        """Another version of a candle that is kept. KeyError when it is not kept."""
        if not self.holds(candle.open_time_ns):
            raise KeyError(candle.open_time_ns)
        self._write(candle)

    def at(self, open_time_ns: int) -> Candle:
        """The candle that opens then. KeyError when it is not kept."""
        if not self.holds(open_time_ns):
            raise KeyError(open_time_ns)
        at = self._place(open_time_ns)
        words = self.places[at : at + WIDTH]
        open_ticks, high, low, close, volume, volume_high, quote, quote_high = words[:8]
        trades, buy, buy_high, buy_quote, buy_quote_high, first_id, last_id, sequence, revision = words[8:]
        return Candle(
            open_time_ns,
            open_ticks,
            high,
            low,
            close,
            (volume_high << WORD_BITS) + volume,
            (quote_high << WORD_BITS) + quote,
            trades,
            (buy_high << WORD_BITS) + buy,
            (buy_quote_high << WORD_BITS) + buy_quote,
            first_id,
            last_id,
            sequence,
            True,
            revision,
        )

    def between(self, from_ns: int, to_ns: int, limit: int) -> list[Candle]:
        """The newest `limit` of those that open at `from_ns` or later and before `to_ns`, oldest first."""
        if not self.count or limit <= 0:
            return []
        length_ns = self.interval.length_ns
        first = max(self.oldest_ns(), self.interval.open_time_ns(from_ns + length_ns - 1))
        last = min(self.newest_ns, self.interval.open_time_ns(to_ns - 1))
        first = max(first, last - (limit - 1) * length_ns)
        return [self.at(open_time_ns) for open_time_ns in range(first, last + 1, length_ns)]

    def _place(self, open_time_ns: int) -> int:
        return open_time_ns // self.interval.length_ns % self.capacity * WIDTH

    def _write(self, candle: Candle) -> None:
        at = self._place(candle.open_time_ns)
        self.places[at : at + WIDTH] = array(
            "q",
            (
                candle.open_ticks,
                candle.high_ticks,
                candle.low_ticks,
                candle.close_ticks,
                candle.volume_lots & WORD_MASK,
                candle.volume_lots >> WORD_BITS,
                candle.quote_volume & WORD_MASK,
                candle.quote_volume >> WORD_BITS,
                candle.trades,
                candle.taker_buy_lots & WORD_MASK,
                candle.taker_buy_lots >> WORD_BITS,
                candle.taker_buy_quote & WORD_MASK,
                candle.taker_buy_quote >> WORD_BITS,
                candle.first_trade_id,
                candle.last_trade_id,
                candle.last_sequence,
                candle.revision,
            ),
        )
