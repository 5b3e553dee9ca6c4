"""The feed: what the engine tells everybody, as dense sequences of events, one a topic.

A publication has two parts: the topic (`trade.BTC-USD.`), and one frame:

    [version, shard, epoch, first_number, count, log_sequence, time_ns, [event, ...], numbers]

Event i of the frame has number `first_number + i` in its topic. A frame holds what one batch of the log caused in its
topic, all of it and nothing else; `log_sequence` and `time_ns` are those of the batch's last command. `numbers`, in
frames of a symbol's topics alone, are the last numbers of its trade, level, order and status topics behind that batch:
with any frame of a symbol a reader of several of its topics knows what it must have got by then. Each event starts
with its tag and the log `sequence` of the command that caused it: across topics only that orders.

Nothing here names an account, a client's id or an `order_id`. The matcher builds events as plain tuples of these
shapes. Readers ignore unknown trailing fields.
"""

from typing import Final

from msgspec import Struct

from bus.protocol.commands import DayRow

TRADE: Final = 60
LEVEL: Final = 61
ORDER_ADDED: Final = 62
ORDER_EXECUTED: Final = 63
ORDER_DELETED: Final = 64
ORDER_REDUCED: Final = 65
INSTRUMENT_DEFINED: Final = 66
PHASE_CHANGED: Final = 67
TICK: Final = 68
FEED_HEARTBEAT: Final = 69
STREAM_HEARTBEAT: Final = 70
TRADE_BUSTED: Final = 71
TRADE_CORRECTED: Final = 72
INDICATIVE: Final = 73
AUCTION_ENDED: Final = 74
PROTECTION_SET: Final = 75
BOOK_UNBALANCED: Final = 76
BREAKER_TRIPPED: Final = 77
EMERGENCY_SET: Final = 78
SCHEDULE_SET: Final = 79


class Trade(Struct, array_like=True, tag=TRADE, frozen=True, gc=False):
    """A trade. `trade_id` counts the symbol's trades, from 1. `aggressor` is the side of the taker, 0 in an auction."""

    sequence: int
    time_ns: int
    trade_id: int
    price_ticks: int
    quantity_lots: int
    aggressor: int


class TradeBusted(Struct, array_like=True, tag=TRADE_BUSTED, frozen=True, gc=False):
    """A trade of this trading day never counted. The price is what it was until then; the book is not touched."""

    sequence: int
    time_ns: int
    trade_id: int
    price_ticks: int
    quantity_lots: int


class TradeCorrected(Struct, array_like=True, tag=TRADE_CORRECTED, frozen=True, gc=False):
    """A trade of this trading day has another price than it had until then; the book is not touched."""

    sequence: int
    time_ns: int
    trade_id: int
    price_ticks: int
    quantity_lots: int
    previous_price_ticks: int


class Level(Struct, array_like=True, tag=LEVEL, frozen=True, gc=False):
    """A price level after a command: all of its quantity and its count of orders, both 0 when it is gone.

    One for each level that a command touched, after its trades, and so again for each order that it triggered.
    """

    sequence: int
    side: int
    price_ticks: int
    quantity_lots: int
    orders: int


class OrderAdded(Struct, array_like=True, tag=ORDER_ADDED, frozen=True, gc=False):
    """L3: an order rests at the back of its level. `public_id` counts the symbol's displayed orders, from 1."""

    sequence: int
    public_id: int
    side: int
    price_ticks: int
    quantity_lots: int


class OrderExecuted(Struct, array_like=True, tag=ORDER_EXECUTED, frozen=True, gc=False):
    """L3: a resting order traded `quantity_lots`; at `leaves_lots` 0 it is gone."""

    sequence: int
    public_id: int
    quantity_lots: int
    leaves_lots: int
    trade_id: int


class OrderDeleted(Struct, array_like=True, tag=ORDER_DELETED, frozen=True, gc=False):
    """L3: an order left the book without a trade (cancelled, or moved: it comes back under a new id)."""

    sequence: int
    public_id: int


class OrderReduced(Struct, array_like=True, tag=ORDER_REDUCED, frozen=True, gc=False):
    """L3: an order now shows `quantity_lots`, fewer than before, and keeps its place."""

    sequence: int
    public_id: int
    quantity_lots: int


class InstrumentDefined(Struct, array_like=True, tag=INSTRUMENT_DEFINED, frozen=True, gc=False):
    """An instrument is new, or its limits are. Fields as in DefineInstrument."""

    sequence: int
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
    matching: int = 0
    pro_rata_minimum_lots: int = 0


class PhaseChanged(Struct, array_like=True, tag=PHASE_CHANGED, frozen=True, gc=False):
    """An instrument has another phase, or was given the one that it has. `cause`: one of CAUSES.

    `ends_ns`: when the phase ends by itself, 0 when it does not. An auction may end later, by a random time that is not
    told.
    """

    sequence: int
    time_ns: int
    phase: int
    cause: int
    ends_ns: int


class Indicative(Struct, array_like=True, tag=INDICATIVE, frozen=True, gc=False):
    """What an auction would do if it ended now: its price (0: none), how many lots it would trade, and what is left.

    `imbalance_lots`: what the buyers of that price ask for beyond what is offered, negative when it is the sellers who
    are more; without a price, of market orders alone. Told when an auction begins and when this has changed, at most
    once in 100 ms.
    """

    sequence: int
    time_ns: int
    price_ticks: int
    quantity_lots: int
    imbalance_lots: int


class AuctionEnded(Struct, array_like=True, tag=AUCTION_ENDED, frozen=True, gc=False):
    """An auction has ended at this price (0: nobody traded); its trades have the same sequence.

    `phase` is that of the auction; the phase that follows is told behind it. `imbalance_lots`: as in Indicative, of
    what remained.
    """

    sequence: int
    time_ns: int
    phase: int
    price_ticks: int
    quantity_lots: int
    imbalance_lots: int


class ProtectionSet(Struct, array_like=True, tag=PROTECTION_SET, frozen=True, gc=False):
    """Within which bands an instrument trades: told when they are set, and when an auction has moved the reference.

    `reference_ticks` 0: there is none. `static_low_ticks` and `static_high_ticks` are the first and the last price in
    the static band, both 0 when it does not act. The dynamic band is `dynamic_basis_points` (0: none) around the last
    trade before each command, rounded inwards. The rest as in SetProtection.
    """

    sequence: int
    time_ns: int
    reference_ticks: int
    static_basis_points: int
    static_low_ticks: int
    static_high_ticks: int
    dynamic_basis_points: int
    auction_ms: int
    random_ms: int
    rebalance: int


class BookUnbalanced(Struct, array_like=True, tag=BOOK_UNBALANCED, frozen=True, gc=False):
    """Trades have left a book that cannot be traded on, and an auction has begun for that.

    `kind`: one of UNBALANCES. `side`: the side that is empty, or that of the triggered order; 0 for both.
    """

    sequence: int
    time_ns: int
    kind: int
    side: int


class ScheduleSet(Struct, array_like=True, tag=SCHEDULE_SET, frozen=True):
    """An instrument has another schedule. Fields as in SetSchedule; no `days`: it has none any more."""

    sequence: int
    time_ns: int
    zone: str
    days: list[tuple[int, list[DayRow]]]
    holidays: list[tuple[str, list[DayRow]]]


class Tick(Struct, array_like=True, tag=TICK, frozen=True, gc=False):
    """Engine time moved although nothing else happened: 100 ms after the last change of a symbol, and then once in each
    second in which nothing is published. Readers close candles by it.
    """

    sequence: int
    time_ns: int


class BreakerTripped(Struct, array_like=True, tag=BREAKER_TRIPPED, frozen=True, gc=False):
    """On `clock.`: a level of the market's circuit breakers has tripped, 1 to 3; everything is halted until `ends_ns`.

    `ends_ns` 0: until further notice. `decline_basis_points`: how far the index is below its reference, rounded down.
    """

    sequence: int
    time_ns: int
    level: int
    decline_basis_points: int
    ends_ns: int


class EmergencySet(Struct, array_like=True, tag=EMERGENCY_SET, frozen=True, gc=False):
    """On `clock.`: the whole market stands still, or goes on. `cause`: one of STOP_CAUSES, 0 when it goes on.

    What it makes of each instrument is told there, by PhaseChanged.
    """

    sequence: int
    time_ns: int
    cause: int


class FeedHeartbeat(Struct, array_like=True, tag=FEED_HEARTBEAT, frozen=True, gc=False):
    """On `heartbeat.<SYMBOL>.`: the last number of each of the symbol's topics, so that a lost last frame is noticed.

    `checksum` is that of the book (see `bus.protocol.checksum`) as of `level_number`. Not numbered itself: its frame
    has `first_number` 0.
    """

    trade_number: int
    level_number: int
    order_number: int
    status_number: int
    checksum: int


class StreamHeartbeat(Struct, array_like=True, tag=STREAM_HEARTBEAT, frozen=True, gc=False):
    """On `heartbeat.clock.` and, on the drop-copy, `heartbeat.drop.`: the last number of that one topic.

    `output_hash`, of the clock's alone: the chain of SHA-256 over all frames that the engine has published since it was
    started, up to the frame's `log_sequence` (see `bus.sockets.publication`). `stopped`, too: why the whole market
    stands still, one of STOP_CAUSES, so that who comes late knows it; 0 when it does not.
    """

    number: int
    output_hash: bytes = b""
    stopped: int = 0


Event = (
    Trade
    | Level
    | OrderAdded
    | OrderExecuted
    | OrderDeleted
    | OrderReduced
    | InstrumentDefined
    | PhaseChanged
    | Tick
    | FeedHeartbeat
    | StreamHeartbeat
    | TradeBusted
    | TradeCorrected
    | Indicative
    | AuctionEnded
    | ProtectionSet
    | BookUnbalanced
    | BreakerTripped
    | EmergencySet
    | ScheduleSet
)
