"""Candles, and lines over them."""

from typing import Annotated

from msgspec import UNSET, Meta, Struct, field

from web.schemas.values import BeforeMilliseconds, DecimalText, FreshQuery, Milliseconds, Nanoseconds

#: Some more are asked for, to know whether there are any; a publisher gives 1,500 at the most.
CANDLES_MAX = 1_000
#: As publishers have it.
PERIOD_MAX = 500


class KlinesQuery(FreshQuery, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """Which candles are wanted. Without `from` the last ones before `to`."""

    limit: Annotated[int, Meta(ge=1, le=CANDLES_MAX, description="So many at the most.")] = 500
    from_ms: (
        Annotated[Milliseconds, Meta(description="Candles that open at this time or after it, in ms.")] | None
    ) = field(default=None, name="from")
    to_ms: (
        Annotated[BeforeMilliseconds, Meta(description="Candles that open before this time, in ms.")] | None
    ) = field(default=None, name="to")


class Kline(Struct, frozen=True):
    """A candle. One that is closed is final, unless an operator revises a trade in it (`revision`).

    Flat at the last price where nothing was traded, without trade ids then. It ends before `close_time_ms`. `volume` is
    in the base asset, `quote_volume` in the quote asset; `taker_buy_`: the part that takers bought.
    """

    open_time_ms: int
    close_time_ms: int
    open: DecimalText
    high: DecimalText
    low: DecimalText
    close: DecimalText
    volume: DecimalText
    quote_volume: DecimalText
    trades: int
    taker_buy_volume: DecimalText
    taker_buy_quote_volume: DecimalText
    first_trade_id: int | None
    last_trade_id: int | None
    closed: bool
    revision: int
    open_time_ns: Nanoseconds = UNSET
    close_time_ns: Nanoseconds = UNSET


class Klines(Struct, frozen=True):
    """Candles, oldest first.

    `more`: there are further ones: after `from` behind the last, without `from` before the first.
    """

    symbol: str
    interval: str
    klines: list[Kline]
    more: bool


class IndicatorQuery(KlinesQuery, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """Which values are wanted: of which candles, and over how many each averages."""

    period: Annotated[int, Meta(ge=1, le=PERIOD_MAX, description="Over how many candles it averages.")]


class IndicatorValue(Struct, frozen=True):
    """The value as of the end of a candle."""

    open_time_ms: int
    value: DecimalText
    open_time_ns: Nanoseconds = UNSET


class Indicator(Struct, frozen=True):
    """Values of the closed candles that were asked for, oldest first; none for a candle that has none."""

    symbol: str
    interval: str
    indicator: str
    period: int
    values: list[IndicatorValue]
