"""What can be asked of a publisher, on its ROUTER, and what it answers.

Requests come in a client's envelope with session 0 (`[version, 0, correlation_id, 0, [request, ...]]`), answers in
the engine's (`first_report` 0), as on the engine's recovery socket; `log_sequence` and `time_ns` of the envelope are
those of the symbol that was asked for, when it was one. What is not offered is Refused. Limits stand beside the
requests; a request beyond one is refused, never cut silently.
"""

from typing import Annotated, Final

from msgspec import Meta, Struct

from bus.protocol.commands import Unsigned
from bus.protocol.control import Refused
from bus.protocol.feed import Trade
from bus.protocol.market.streams import CandleUpdated, MiniStatistics, Statistics, Symbol
from bus.protocol.status import ProcessStatus, QueryStatus

DEPTH_REQUEST: Final = 110
ORDERS_REQUEST: Final = 111
TRADES_REQUEST: Final = 112
CANDLES_REQUEST: Final = 113
STATISTICS_REQUEST: Final = 114
MINI_REQUEST: Final = 115
INDICATOR_REQUEST: Final = 116
SYMBOLS_REQUEST: Final = 117
STREAM_REPLAY: Final = 118
ARM_ALERT: Final = 119
DISARM_ALERT: Final = 150
ALERTS_REQUEST: Final = 151

DEPTH_ANSWER: Final = 140
ORDERS_ANSWER: Final = 141
TRADES_ANSWER: Final = 142
CANDLES_ANSWER: Final = 143
STATISTICS_ANSWER: Final = 144
MINI_ANSWER: Final = 145
INDICATOR_ANSWER: Final = 146
SYMBOLS_ANSWER: Final = 147
STREAM_REPLAYED: Final = 148
ALERTS_ANSWER: Final = 149

#: Trades of one answer: about 40 kB.
TRADES_PER_ANSWER_MAX: Final = 1_000
#: Candles of one answer: about 100 kB.
CANDLES_PER_ANSWER_MAX: Final = 1_500
#: Values of an indicator in one answer.
VALUES_PER_ANSWER_MAX: Final = 1_500
#: Parameters of an indicator.
PARAMETERS_MAX: Final = 8

Text20 = Annotated[str, Meta(max_length=20)]
Text64 = Annotated[str, Meta(min_length=1, max_length=64)]


class DepthRequest(Struct, array_like=True, tag=DEPTH_REQUEST, forbid_unknown_fields=True, frozen=True):
    """A symbol's price levels: the best `levels` of each side (0: all).

    `step_ticks`: levels are put together into steps of so many ticks, bids downwards, asks upwards.
    """

    symbol: Text20
    levels: Unsigned = 0
    step_ticks: Unsigned = 1


class OrdersRequest(Struct, array_like=True, tag=ORDERS_REQUEST, forbid_unknown_fields=True, frozen=True):
    """A symbol's displayed orders (L3). The first request for a symbol may be refused with `not_yet`."""

    symbol: Text20


class TradesRequest(Struct, array_like=True, tag=TRADES_REQUEST, forbid_unknown_fields=True, frozen=True):
    """Trades of a symbol, oldest first: from an id or a time on, up to one (exclusive); 0 is no bound.

    Without a lower bound the last `limit` below the upper one.
    """

    symbol: Text20
    from_trade_id: Unsigned = 0
    to_trade_id: Unsigned = 0
    from_ns: Unsigned = 0
    to_ns: Unsigned = 0
    limit: Unsigned = 100


class CandlesRequest(Struct, array_like=True, tag=CANDLES_REQUEST, forbid_unknown_fields=True, frozen=True):
    """Candles of an interval that open from `from_ns` on, before `to_ns`; 0 is no bound. Oldest first.

    Without a lower bound the last `limit` of them, the open one included.
    """

    symbol: Text20
    interval: Text20
    from_ns: Unsigned = 0
    to_ns: Unsigned = 0
    limit: Unsigned = 500


class StatisticsRequest(
    Struct, array_like=True, tag=STATISTICS_REQUEST, forbid_unknown_fields=True, frozen=True
):
    """A symbol's statistics of 24 hours."""

    symbol: Text20


class MiniRequest(Struct, array_like=True, tag=MINI_REQUEST, forbid_unknown_fields=True, frozen=True):
    """The mini-statistics of all symbols."""


class IndicatorRequest(
    Struct, array_like=True, tag=INDICATOR_REQUEST, forbid_unknown_fields=True, frozen=True
):
    """An indicator over the closed candles of an interval; `parameters` in the order of its description."""

    symbol: Text20
    interval: Text20
    indicator: Text20
    parameters: Annotated[list[Unsigned], Meta(max_length=PARAMETERS_MAX)]
    from_ns: Unsigned = 0
    to_ns: Unsigned = 0
    limit: Unsigned = 500


class SymbolsRequest(Struct, array_like=True, tag=SYMBOLS_REQUEST, forbid_unknown_fields=True, frozen=True):
    """All symbols that this publisher carries."""


class StreamReplay(Struct, array_like=True, tag=STREAM_REPLAY, forbid_unknown_fields=True, frozen=True):
    """The frames of a chained topic whose `sequence` is larger than this, as they were published.

    Of a topic whose frames are whole the newest one, whatever `after_sequence` is: a reader that lost it gets it again.
    """

    topic: Text64
    after_sequence: Unsigned


class ArmAlert(Struct, array_like=True, tag=ARM_ALERT, forbid_unknown_fields=True, frozen=True):
    """Watch a symbol for a condition. The same id again replaces the alert.

    `condition`: a name of `publisher.alerts`; `parameters` in the order of its description. `repeating`: fires
    again after the value has gone back by `hysteresis`.
    """

    alert_id: Text64
    symbol: Text20
    condition: Text20
    parameters: Annotated[list[Unsigned], Meta(max_length=PARAMETERS_MAX)]
    repeating: bool = False
    hysteresis: Unsigned = 0


class DisarmAlert(Struct, array_like=True, tag=DISARM_ALERT, forbid_unknown_fields=True, frozen=True):
    """Watch no longer."""

    alert_id: Text64


class AlertsRequest(Struct, array_like=True, tag=ALERTS_REQUEST, forbid_unknown_fields=True, frozen=True):
    """The alerts of a symbol, or with "" of all."""

    symbol: Text20 = ""


class DepthAnswer(Struct, array_like=True, tag=DEPTH_ANSWER, frozen=True):
    """A book as of `sequence`: what a reader of `depth.<S>.` goes on from.

    `checksum`: of the whole book, whatever part of it this is. `spread_ticks`: 0 while a side is empty.
    `imbalance_ppm`: (bid - ask) / (bid + ask) of the best quantities, in parts per million. `microprice_microticks`:
    the best prices, each weighted by the quantity of the other side, in millionths of a tick; 0 while a side is empty.
    All three are 0 while the book is crossed, as it may be where orders collect for an auction.
    """

    correlation_id: int
    symbol: str
    sequence: int
    time_ns: int
    level_number: int
    checksum: int
    step_ticks: int
    spread_ticks: int
    imbalance_ppm: int
    microprice_microticks: int
    bids: list[tuple[int, int, int]]
    asks: list[tuple[int, int, int]]


class OrdersAnswer(Struct, array_like=True, tag=ORDERS_ANSWER, frozen=True):
    """Displayed orders as of `sequence`, in the order in which they will trade: `[public_id, price, quantity]`."""

    correlation_id: int
    symbol: str
    sequence: int
    order_number: int
    bids: list[tuple[int, int, int]]
    asks: list[tuple[int, int, int]]


class TradeRow(Struct, array_like=True, frozen=True, gc=False):
    """A trade as it counts now: `state` 0 as it happened, 1 busted, 2 corrected."""

    trade: Trade
    state: int


class TradesAnswer(Struct, array_like=True, tag=TRADES_ANSWER, frozen=True):
    """Trades, oldest first. `more`: there are further ones behind the last."""

    correlation_id: int
    symbol: str
    trades: list[TradeRow]
    more: bool


class CandlesAnswer(Struct, array_like=True, tag=CANDLES_ANSWER, frozen=True):
    """Candles, oldest first. `more`: there are further ones behind the last."""

    correlation_id: int
    symbol: str
    interval: str
    candles: list[CandleUpdated]
    more: bool


class StatisticsAnswer(Struct, array_like=True, tag=STATISTICS_ANSWER, frozen=True):
    """Statistics as they stand."""

    correlation_id: int
    symbol: str
    statistics: Statistics


class MiniAnswer(Struct, array_like=True, tag=MINI_ANSWER, frozen=True):
    """Mini-statistics by symbol."""

    correlation_id: int
    symbols: list[tuple[str, MiniStatistics]]


class IndicatorAnswer(Struct, array_like=True, tag=INDICATOR_ANSWER, frozen=True):
    """`[open_time_ns, value_microticks]` for each candle that has a value, oldest first."""

    correlation_id: int
    symbol: str
    interval: str
    indicator: str
    values: list[tuple[int, int]]


class SymbolsAnswer(Struct, array_like=True, tag=SYMBOLS_ANSWER, frozen=True):
    """All symbols of this publisher, by name."""

    correlation_id: int
    symbols: list[Symbol]


class StreamReplayed(Struct, array_like=True, tag=STREAM_REPLAYED, frozen=True):
    """Frames as they were published, oldest first. The first begins a chain, or goes on from `after_sequence`.

    Empty when there is nothing newer as of the envelope's `log_sequence`. They may be fewer than there are when the
    answer would grow too large: ask again from where they end, until it is empty.
    """

    correlation_id: int
    topic: str
    frames: list[bytes]


class Alert(Struct, array_like=True, frozen=True):
    """An alert as it stands. `fired`: how often; `armed`: whether it can fire now."""

    alert_id: str
    symbol: str
    condition: str
    parameters: list[int]
    repeating: bool
    hysteresis: int
    armed: bool
    fired: int


class AlertsAnswer(Struct, array_like=True, tag=ALERTS_ANSWER, frozen=True):
    """Alerts; after ArmAlert and DisarmAlert the one that it was about, when what was said is stored."""

    correlation_id: int
    alerts: list[Alert]


MarketRequest = (
    DepthRequest
    | OrdersRequest
    | TradesRequest
    | CandlesRequest
    | StatisticsRequest
    | MiniRequest
    | IndicatorRequest
    | SymbolsRequest
    | StreamReplay
    | ArmAlert
    | DisarmAlert
    | AlertsRequest
    | QueryStatus
)
MarketAnswer = (
    DepthAnswer
    | OrdersAnswer
    | TradesAnswer
    | CandlesAnswer
    | StatisticsAnswer
    | MiniAnswer
    | IndicatorAnswer
    | SymbolsAnswer
    | StreamReplayed
    | AlertsAnswer
    | ProcessStatus
    | Refused
)
