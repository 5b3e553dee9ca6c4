"""One candle: what the trades of one interval of engine time come to.

The rule guarded here: a candle is a function of the trades of its interval. Without any it is flat at the last price
before it. So an empty part adds nothing to a longer candle, whose open is the price of its first trade. Made and
joined by the series; what a series hands out is never changed afterwards.
"""

from collections.abc import Sequence
from typing import final

from bus.protocol.feed import Trade
from bus.protocol.terms import BUY

#: All fields of a candle, in the order of its constructor.
CandleRow = tuple[int, int, int, int, int, int, int, int, int, int, int, int, int, bool, int]


@final
class Candle:
    """Prices in ticks, volumes in lots; `quote_volume` and `taker_buy_quote` in ticks times lots: may leave 64 bits.

    `taker_buy_*` is the part whose aggressor bought. `last_sequence` is the log sequence of its last trade. A candle
    without trades has its four prices equal and all else 0. `revision` counts how often a bust or a correction of a
    trade has changed it since it closed; of an open one it is 0, since an open one changes anyway.
    """

    __slots__ = (
        "close_ticks",
        "closed",
        "first_trade_id",
        "high_ticks",
        "last_sequence",
        "last_trade_id",
        "low_ticks",
        "open_ticks",
        "open_time_ns",
        "quote_volume",
        "revision",
        "taker_buy_lots",
        "taker_buy_quote",
        "trades",
        "volume_lots",
    )

    def __init__(
        self,
        open_time_ns: int,
        open_ticks: int,
        high_ticks: int,
        low_ticks: int,
        close_ticks: int,
        volume_lots: int = 0,
        quote_volume: int = 0,
        trades: int = 0,
        taker_buy_lots: int = 0,
        taker_buy_quote: int = 0,
        first_trade_id: int = 0,
        last_trade_id: int = 0,
        last_sequence: int = 0,
        closed: bool = False,
        revision: int = 0,
    ) -> None:
        self.open_time_ns = open_time_ns
        self.open_ticks = open_ticks
        self.high_ticks = high_ticks
        self.low_ticks = low_ticks
        self.close_ticks = close_ticks
        self.volume_lots = volume_lots
        self.quote_volume = quote_volume
        self.trades = trades
        self.taker_buy_lots = taker_buy_lots
        self.taker_buy_quote = taker_buy_quote
        self.first_trade_id = first_trade_id
        self.last_trade_id = last_trade_id
        self.last_sequence = last_sequence
        self.closed = closed
        self.revision = revision

    def row(self) -> CandleRow:
        """All fields, in the order of the constructor: `Candle(*candle.row())` is an equal candle."""
        return (
            self.open_time_ns,
            self.open_ticks,
            self.high_ticks,
            self.low_ticks,
            self.close_ticks,
            self.volume_lots,
            self.quote_volume,
            self.trades,
            self.taker_buy_lots,
            self.taker_buy_quote,
            self.first_trade_id,
            self.last_trade_id,
            self.last_sequence,
            self.closed,
            self.revision,
        )

    def add(self, newer: "Candle") -> None:
        """Take in the part that follows. What is said of the candle itself (open time, closed, revision) stays."""
        if not newer.trades:
            return
        if not self.trades:
            self.open_ticks = newer.open_ticks
            self.high_ticks = newer.high_ticks
            self.low_ticks = newer.low_ticks
            self.first_trade_id = newer.first_trade_id
        else:
            if newer.high_ticks > self.high_ticks:
                self.high_ticks = newer.high_ticks
            if newer.low_ticks < self.low_ticks:
                self.low_ticks = newer.low_ticks
        self.close_ticks = newer.close_ticks
        self.volume_lots += newer.volume_lots
        self.quote_volume += newer.quote_volume
        self.trades += newer.trades
        self.taker_buy_lots += newer.taker_buy_lots
        self.taker_buy_quote += newer.taker_buy_quote
        self.last_trade_id = newer.last_trade_id
        self.last_sequence = newer.last_sequence

    def opened(self, open_time_ns: int) -> "Candle":
        """A copy that opens at this time, is not closed and was never revised: the first part of a longer one."""
        return Candle(
            open_time_ns,
            self.open_ticks,
            self.high_ticks,
            self.low_ticks,
            self.close_ticks,
            self.volume_lots,
            self.quote_volume,
            self.trades,
            self.taker_buy_lots,
            self.taker_buy_quote,
            self.first_trade_id,
            self.last_trade_id,
            self.last_sequence,
        )

    def says_the_same(self, other: "Candle") -> bool:
        """Whether the two differ at most in `closed` and `revision`."""
        return self.row()[:-2] == other.row()[:-2]

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Candle) and self.row() == other.row()

    def __hash__(self) -> int:
        return hash(self.row())

    def __repr__(self) -> str:
        return f"Candle{self.row()!r}"


def flat(open_time_ns: int, price_ticks: int) -> Candle:
    """A candle without trades."""
    return Candle(open_time_ns, price_ticks, price_ticks, price_ticks, price_ticks)


def of_trades(open_time_ns: int, trades: Sequence[Trade], last_price_ticks: int) -> Candle:
    """The candle of these trades, oldest first; without any it is flat at the last price before."""
    if not trades:
        return flat(open_time_ns, last_price_ticks)
    prices = [trade.price_ticks for trade in trades]
    bought = [trade for trade in trades if trade.aggressor == BUY]
    first, last = trades[0], trades[-1]
    return Candle(
        open_time_ns,
        first.price_ticks,
        max(prices),
        min(prices),
        last.price_ticks,
        sum(trade.quantity_lots for trade in trades),
        sum(trade.price_ticks * trade.quantity_lots for trade in trades),
        len(trades),
        sum(trade.quantity_lots for trade in bought),
        sum(trade.price_ticks * trade.quantity_lots for trade in bought),
        first.trade_id,
        last.trade_id,
        last.sequence,
    )
