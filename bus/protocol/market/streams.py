"""The streams of a publisher: market data that is made from the feed, each kind under a topic of its own.

A publication has two parts: the topic (`depth.BTC-USD.`), and one frame:

    [version, shard, epoch, sequence, previous_sequence, time_ns, [event, ...]]

Numbers are those of the log: `sequence` is the last log sequence that is contained, `previous_sequence` that of the
frame before in this topic. So all publishers of a symbol say the same frames, and a reader may go from one to another.
A reader that holds a stream as of sequence q drops what has a `sequence` up to q, takes a frame whose
`previous_sequence` is at most q, and has a gap otherwise. With `previous_sequence` 0 there was no frame before, ever;
or, when the first event is a Resync, the chain begins anew, and what follows is whole, not a change. A frame that only
time made (a candle that nobody traded in) has the `sequence` of the one before; `time_ns` orders them.

    trades.<S>.            every trade, bust and correction          chained
    depth.<S>.             changes of price levels, a frame a batch  chained
    depth-100ms.<S>.       the same, conflated                       chained
    depth-1s.<S>.
    top5-100ms.<S>.        the best 5 (10, 20) levels, whole         latest value
    ... top20-1s.<S>.
    candle-1m.<S>. ... candle-1w.<S>.                                latest value
    statistics.<S>.        rolling 24 hours                          latest value
    mini.<S>.              the same, short                           latest value
    alert.<S>.             alerts that fired                         numbered by their events
    symbol.<S>.            the instrument as last announced          latest value
    indicative.<S>.        phases, what an auction would do, and did latest value
    heartbeat.<S>.         last numbers of the symbol's streams, and their digest

Conflated streams leave each 100 ms or 1 s of engine time, when something has changed since: at whole multiples and the
offset of their symbol, so that not all symbols fall due together.
Sums may leave 64 bits and are decimal text. Quote amounts are in tick-lots: price in ticks times quantity in lots.
Readers ignore unknown trailing fields.
"""

import zlib
from typing import Final

from msgspec import Struct

from bus.protocol.control import Protection
from bus.protocol.feed import (
    AuctionEnded,
    Indicative,
    Level,
    PhaseChanged,
    Trade,
    TradeBusted,
    TradeCorrected,
)

BOOK: Final = 100
TOP: Final = 101
CANDLE: Final = 102
STATISTICS: Final = 103
MINI_STATISTICS: Final = 104
ALERT_FIRED: Final = 105
SYMBOL: Final = 106
RESYNC: Final = 107
STREAMS_HEARTBEAT: Final = 108

TRADES: Final = "trades"
DEPTH: Final = "depth"
#: Levels of the streams that hold the best part of a book, whole.
TOPS: Final = (5, 10, 20)
#: Names of the periods of conflation, in nanoseconds of engine time.
PERIODS: Final = {"100ms": 100_000_000, "1s": 1_000_000_000}
CANDLES: Final = "candle"
#: The intervals of candles; weeks open Monday 00:00 UTC.
INTERVALS: Final = ("1m", "5m", "15m", "30m", "1h", "4h", "1d", "1w")
STATISTICS_TOPIC: Final = "statistics"
MINI: Final = "mini"
ALERT_TOPIC: Final = "alert"
SYMBOL_TOPIC: Final = "symbol"
INDICATIVE_TOPIC: Final = "indicative"
STREAMS_HEARTBEAT_TOPIC: Final = "heartbeat"

#: Why a chain begins: the first field of Resync.
STARTED: Final = 1
GAP: Final = 2
WRONG_BOOK: Final = 3
WITHDRAWN: Final = 4
RESYNC_REASONS: Final = {STARTED: "started", GAP: "gap", WRONG_BOOK: "wrong book", WITHDRAWN: "withdrawn"}


class Book(Struct, array_like=True, tag=BOOK, frozen=True, gc=False):
    """All price levels as of `sequence`. `level_number`: that of the last Level of the feed that is in it.

    Rows are `[price_ticks, quantity_lots, orders]`, best first. `checksum` as in `bus.protocol.checksum`.
    """

    sequence: int
    level_number: int
    checksum: int
    bids: list[tuple[int, int, int]]
    asks: list[tuple[int, int, int]]


class Top(Struct, array_like=True, tag=TOP, frozen=True, gc=False):
    """The best levels of each side, whole. Rows as in Book."""

    bids: list[tuple[int, int, int]]
    asks: list[tuple[int, int, int]]


class CandleUpdated(Struct, array_like=True, tag=CANDLE, frozen=True, gc=False):
    """A candle as it stands; with `closed` it is final, unless an operator revises a trade in it (`revision`).

    An interval without trades is flat at the last close, with sums, counts and ids of 0. Before a symbol's first trade
    there are no candles.
    """

    interval: str
    open_time_ns: int
    open_ticks: int
    high_ticks: int
    low_ticks: int
    close_ticks: int
    volume_lots: str
    quote_volume: str
    trades: int
    taker_buy_lots: str
    taker_buy_quote: str
    first_trade_id: int
    last_trade_id: int
    closed: bool
    revision: int


class Statistics(Struct, array_like=True, tag=STATISTICS, frozen=True, gc=False):
    """What the last 24 hours traded, as of the second that ends at `time_ns`; prices are 0 when nothing traded.

    `change_ppm`: of `last_ticks` against `open_ticks`, in parts per million, half away from zero. `vwap_microticks`: in
    millionths of a tick, half to even. The session is the UTC day. Best prices are 0 for an empty side, and
    both while the book is crossed.
    """

    time_ns: int
    open_ticks: int
    high_ticks: int
    low_ticks: int
    last_ticks: int
    change_ticks: int
    change_ppm: int
    volume_lots: str
    quote_volume: str
    trades: int
    vwap_microticks: int
    best_bid_ticks: int
    best_bid_lots: int
    best_ask_ticks: int
    best_ask_lots: int
    session_open_ticks: int
    session_volume_lots: str
    session_vwap_microticks: int


class MiniStatistics(Struct, array_like=True, tag=MINI_STATISTICS, frozen=True, gc=False):
    """The short form of Statistics: for a list of all symbols."""

    time_ns: int
    open_ticks: int
    high_ticks: int
    low_ticks: int
    last_ticks: int
    volume_lots: str
    quote_volume: str


class AlertFired(Struct, array_like=True, tag=ALERT_FIRED, frozen=True, gc=False):
    """An alert's condition came true at `sequence`. Whose alert it is only its maker knows.

    Each firing has its own `alert_id` and `sequence`; after a crash of the publisher it may be said again with these.
    `value` and `threshold` are in the unit of the condition (ticks, parts per million, lots).
    """

    sequence: int
    alert_id: str
    condition: str
    value: int
    threshold: int


class Symbol(Struct, array_like=True, tag=SYMBOL, frozen=True, gc=False):
    """An instrument as it was announced last. `trading_hours`: "always", or "scheduled" when it has a schedule.

    `phase_ends_ns`: when the phase ends by itself, 0 when it does not. `auction_ticks`: the price of the last auction
    in which anything traded, 0 before the first; `auction_lots`: how much traded there. `protection`: its price bands,
    None without any.
    """

    symbol: str
    base: str
    quote: str
    tick_mantissa: int
    tick_decimals: int
    lot_mantissa: int
    lot_decimals: int
    price_min_ticks: int
    price_max_ticks: int
    quantity_min_lots: int
    quantity_max_lots: int
    matching: int
    phase: int
    trading_hours: str
    product: str
    phase_ends_ns: int = 0
    auction_ticks: int = 0
    auction_lots: int = 0
    protection: Protection | None = None


class Resync(Struct, array_like=True, tag=RESYNC, frozen=True, gc=False):
    """The chain of this topic begins here: forget what you hold. `reason`: one of RESYNC_REASONS."""

    reason: int


class StreamsHeartbeat(Struct, array_like=True, tag=STREAMS_HEARTBEAT, frozen=True, gc=False):
    """The last frame of each of the symbol's streams: `[topic, sequence, time_ns]`, so that a lost last one is noticed.

    Its frame's `sequence` and `time_ns` are how far the symbol has come. Said by the publisher's own clock, also while
    the engine is silent, so its absence means that the publisher is gone.

    `publisher`: the name of the process. `segment` counts spans of 10 s of engine time; `digest` is over all frames of
    the last span that this publisher has said from its beginning (empty: none yet). Publishers of a symbol agree in it;
    a span has none when a chain began in it or in the one before (whose conflated changes may leave in this one).
    `healing`: the feed has a gap that is not healed yet; nothing of the symbol is published meanwhile. `checksum`: of
    the book as of the last frame of `depth.<S>.` in `streams`, as in `bus.protocol.checksum`; -1: not said.
    """

    publisher: str
    streams: list[tuple[str, int, int]]
    segment: int
    digest: bytes
    healing: bool
    checksum: int = -1


def offset_ns(symbol: str) -> int:
    """How long after whole multiples of their period a symbol's conflated streams leave, below 100 ms."""
    return zlib.crc32(symbol.encode()) % 100 * 1_000_000


#: Events of the feed that `trades`, `depth` and `indicative` carry as they are.
FeedEvent = Trade | TradeBusted | TradeCorrected | Level | PhaseChanged | Indicative | AuctionEnded
#: What a publisher says itself.
StreamEvent = (
    Book | Top | CandleUpdated | Statistics | MiniStatistics | AlertFired | Symbol | Resync | StreamsHeartbeat
)
