"""Books, symbols and the statistics of a day."""

from typing import Annotated

from msgspec import UNSET, Meta, Struct

from web.schemas.values import (
    DecimalText,
    FreshQuery,
    Nanoseconds,
    PriceLevel,
    SignedText,
    TimedQuery,
)


class OrderbookQuery(FreshQuery, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """What part of a book is wanted."""

    depth: Annotated[int, Meta(ge=0, le=5_000, description="Levels of each side, 0 for all.")] = 100
    step: (
        Annotated[DecimalText, Meta(description="Levels are put together into steps of this size.")] | None
    ) = None


class Orderbook(Struct, frozen=True):
    """A book as of `sequence`: `[price, quantity]`, best first. `feed_checksum`: of the whole book."""

    symbol: str
    sequence: int
    time_ms: int
    feed_checksum: int
    bids: list[PriceLevel]
    asks: list[PriceLevel]
    time_ns: Nanoseconds = UNSET


class Indicative(Struct, frozen=True):
    """What an auction would do if it ended now: its price (null: none), how much it would trade, and what is left.

    `imbalance`: what buyers of that price want beyond what is offered, less than nothing when sellers are more.
    """

    price: DecimalText | None
    quantity: DecimalText
    imbalance: SignedText


class Bands(Struct, frozen=True):
    """Within which prices a market trades without an auction, in basis points; 0 is no such band.

    `static_low`, `static_high`: the outermost prices of the static band, null without one. The dynamic one is around
    the last trade.
    """

    static_basis_points: int
    static_low: DecimalText | None
    static_high: DecimalText | None
    dynamic_basis_points: int


class Instrument(Struct, frozen=True):
    """What is traded under a symbol. Prices are multiples of `tick`, quantities of `lot`.

    `matching`: price-time or pro-rata. `phase`: what its market does at the moment. `phase_ends_ms`: when that ends by
    itself; an auction may end later, by chance. `auction_price`: of the last auction in which anything was traded.
    `indicative`: of the auction that is on. `bands`: beyond which prices an auction begins.
    """

    symbol: str
    base: str
    quote: str
    tick: DecimalText
    lot: DecimalText
    price_min: DecimalText
    price_max: DecimalText
    quantity_min: DecimalText
    quantity_max: DecimalText
    matching: str
    phase: str
    trading_hours: str
    product: str
    phase_ends_ms: int | None
    auction_price: DecimalText | None
    indicative: Indicative | None
    bands: Bands | None


class Instruments(Struct, frozen=True):
    """All that is traded, by symbol."""

    symbols: list[Instrument]


class StatisticsQuery(FreshQuery, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """Nothing but what others have as well."""


class Statistics(Struct, frozen=True):
    """What the last 24 hours traded, as of `time_ms`; the session is the UTC day.

    A price is null where nothing was traded, or nobody bids or asks. `change` and `change_percent`: of `last` against
    `open`. Volumes are in the base asset, quote volumes in the quote asset. `vwap`: the volume-weighted average price.
    """

    symbol: str
    time_ms: int
    open: DecimalText | None
    high: DecimalText | None
    low: DecimalText | None
    last: DecimalText | None
    change: SignedText
    change_percent: SignedText
    volume: DecimalText
    quote_volume: DecimalText
    trades: int
    vwap: DecimalText | None
    best_bid: DecimalText | None
    best_bid_quantity: DecimalText | None
    best_ask: DecimalText | None
    best_ask_quantity: DecimalText | None
    session_open: DecimalText | None
    session_volume: DecimalText
    session_vwap: DecimalText | None
    time_ns: Nanoseconds = UNSET


class Ticker(Struct, frozen=True):
    """The short form of statistics: for a list of all symbols."""

    symbol: str
    time_ms: int
    open: DecimalText | None
    high: DecimalText | None
    low: DecimalText | None
    last: DecimalText | None
    volume: DecimalText
    quote_volume: DecimalText
    time_ns: Nanoseconds = UNSET


class TickersQuery(TimedQuery, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """Nothing but what others have as well."""


class Tickers(Struct, frozen=True):
    """The short statistics of all symbols that have traded, by symbol."""

    statistics: list[Ticker]
