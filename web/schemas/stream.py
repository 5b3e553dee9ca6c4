"""What travels over a WebSocket: what a client says, by `op`, and what it is told, by `type`."""

from typing import Annotated, Any

from msgspec import Meta, Struct

from web.schemas.candles import Kline
from web.schemas.market import Bands, Indicative, Statistics, Ticker
from web.schemas.own import Cancel, Enter, Login, Replace
from web.schemas.values import MessageId, PriceLevel

_Name = Annotated[str, Meta(min_length=1, max_length=32)]
_Sequence = Annotated[int, Meta(ge=0, le=2**63 - 1)]


class Subscribe(Struct, frozen=True, forbid_unknown_fields=True, tag_field="op", tag="subscribe"):
    """Be told of each of these channels, of each of these symbols where they are of symbols.

    `from_seq`: up to where a book or trades are held. `after_report`: the number of the last report that is held of own
    orders or executions.
    """

    channels: Annotated[list[_Name], Meta(min_length=1, max_length=32)]
    symbols: Annotated[list[_Name], Meta(max_length=200)] = []
    id: MessageId = None
    from_seq: _Sequence | None = None
    after_report: _Sequence | None = None


class Unsubscribe(Struct, frozen=True, forbid_unknown_fields=True, tag_field="op", tag="unsubscribe"):
    """Be told of these no longer. What is on its way may still come."""

    channels: Annotated[list[_Name], Meta(min_length=1, max_length=32)]
    symbols: Annotated[list[_Name], Meta(max_length=200)] = []
    id: MessageId = None


class Ping(Struct, frozen=True, forbid_unknown_fields=True, tag_field="op", tag="ping"):
    """Ask for the server's time, and for a sign of life."""

    id: MessageId = None


ClientMessage = Subscribe | Unsubscribe | Ping | Login | Enter | Cancel | Replace


class ExecutionsStreamQuery(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Where executions begin. `symbols`: those whose public trades are told, separated by commas; not given, all."""

    symbols: Annotated[str, Meta(max_length=4_096)] | None = None
    from_seq: _Sequence | None = None
    after_report: _Sequence | None = None


class AnyMessage(Struct, frozen=True):
    """Of a message that cannot be read otherwise: whose it is."""

    id: Any = None


class Subscribed(Struct, frozen=True, tag_field="type", tag="subscribed"):
    """From here on these are told."""

    id: MessageId
    channels: list[str]
    symbols: list[str]


class Unsubscribed(Struct, frozen=True, tag_field="type", tag="unsubscribed"):
    """From here on nothing new of these is told."""

    id: MessageId
    channels: list[str]
    symbols: list[str]


class Pong(Struct, frozen=True, tag_field="type", tag="pong"):
    """The server's time."""

    id: MessageId
    time_ms: int


class Failed(Struct, frozen=True, tag_field="type", tag="error"):
    """Why a message changed nothing. The words are those of errors over HTTP."""

    id: MessageId
    code: int
    reason: str
    message: str
    field: str | None


class Upstream(Struct, frozen=True, tag_field="type", tag="upstream"):
    """What is told here comes from there (`engine`, `publishers`), and the connection to it is `lost`, or `back`.

    What was missed meanwhile is told when it is back, or a gap says what is not.
    """

    name: str
    state: str
    time_ms: int


class Heartbeat(Struct, frozen=True, tag_field="type", tag="heartbeat"):
    """The connection lives, also when nothing happens."""

    time_ms: int


class BookSnapshot(Struct, frozen=True, tag_field="type", tag="book"):
    """The whole book as of `seq`, best first: forget what you hold."""

    event: str
    symbol: str
    seq: int
    time_ms: int
    checksum: int
    bids: list[PriceLevel]
    asks: list[PriceLevel]


class BookUpdate(Struct, frozen=True, tag_field="type", tag="book"):
    """The levels that changed behind `prev_seq`, as they are as of `seq`; quantity "0": the level is gone."""

    event: str
    symbol: str
    seq: int
    prev_seq: int
    time_ms: int
    checksum: int
    bids: list[PriceLevel]
    asks: list[PriceLevel]


class Depth20(Struct, frozen=True, tag_field="type", tag="depth20"):
    """The best 20 levels of each side, whole."""

    symbol: str
    sequence: int
    time_ms: int
    bids: list[PriceLevel]
    asks: list[PriceLevel]


class LastAuction(Struct, frozen=True):
    """How an auction ended: at a price (null: nothing was traded), with so much traded, and so much left."""

    phase: str
    price: str | None
    quantity: str
    imbalance: str
    time_ms: int


class StatusTold(Struct, frozen=True, tag_field="type", tag="status"):
    """What the market of a symbol does at the moment, as of `sequence`; the whole of it, whatever has changed.

    `cause`: why the phase began (operator, schedule, time, band, imbalance, breaker, emergency), where that is known.
    `phase_ends_ms`, `auction_price`, `indicative`, `bands`: as over REST. `last_auction`: the one that ended last, as
    far as it was heard of here.
    """

    symbol: str
    sequence: int
    time_ms: int
    phase: str
    cause: str | None
    phase_ends_ms: int | None
    indicative: Indicative | None
    auction_price: str | None
    last_auction: LastAuction | None
    bands: Bands | None


class TradeTold(Struct, frozen=True, tag_field="type", tag="trade"):
    """A trade. `taker_side`: what the order that came in did; null in an auction, where none did."""

    symbol: str
    trade_id: int
    sequence: int
    time_ms: int
    price: str
    quantity: str
    taker_side: str | None


class TradeRevised(Struct, frozen=True, tag_field="type", tag="trade_revised"):
    """A trade never counted (`state` "busted"), or has this price ("corrected")."""

    symbol: str
    trade_id: int
    sequence: int
    time_ms: int
    state: str
    price: str
    quantity: str


class KlineTold(Kline, frozen=True, kw_only=True, tag_field="type", tag="kline"):
    """A candle as it stands, as over REST."""

    symbol: str
    interval: str


class StatisticsTold(Statistics, frozen=True, tag_field="type", tag="statistics"):
    """What the last 24 hours traded, as over REST."""


class TickerTold(Ticker, frozen=True, tag_field="type", tag="ticker"):
    """The short form of statistics, as over REST."""


class Gap(Struct, frozen=True, tag_field="type", tag="gap"):
    """What a channel told behind `after_seq`, up to `seq`, is not told here: ask for it over REST.

    `reason`: "missed" (it is no longer kept), or "withdrawn": the engine lost its last events, and what was told behind
    `after_seq` before may never have happened.
    """

    channel: str
    symbol: str
    after_seq: int
    seq: int
    reason: str
