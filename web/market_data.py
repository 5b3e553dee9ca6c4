"""What publishers say, as JSON has it: ticks and lots become decimals, numbers names, 0 for nothing becomes null.

Called by whoever answers with market data, so that a candle is the same wherever it is said. `with_ns`: whether times
stand there in nanoseconds, too.
"""

from decimal import Decimal
from typing import Final

from msgspec import UNSET, UnsetType

from bus.protocol import feed
from bus.protocol.control import Protection
from bus.protocol.market import streams
from bus.protocol.market.requests import DepthAnswer, TradeRow
from bus.protocol.terms import MATCHINGS, PHASES, PRICE_TIME, SIDES
from bus.sockets.session.prices import Scale
from web.schemas.candles import IndicatorValue, Kline
from web.schemas.market import Bands, Indicative, Instrument, Orderbook, Statistics, Ticker
from web.schemas.trades import Trade
from web.schemas.values import PriceLevel

MS: Final = 1_000_000
_UNITS_MS: Final = {"m": 60_000, "h": 3_600_000, "d": 86_400_000, "w": 604_800_000}
#: How long each interval of candles is.
INTERVALS_MS: Final = {name: int(name[:-1]) * _UNITS_MS[name[-1]] for name in streams.INTERVALS}
#: The names of `TradeRow.state`.
_STATES: Final = ("valid", "busted", "corrected")
#: Parts per million in a percent.
_PPM_DIGITS: Final = -4


def orderbook(scale: Scale, book: DepthAnswer, at_least: int, with_ns: bool) -> Orderbook:
    """A book, which its publisher has found to be that of `at_least` as well, when that is later."""
    return Orderbook(
        book.symbol,
        max(book.sequence, at_least),
        book.time_ns // MS,
        book.checksum,
        levels(scale, book.bids),
        levels(scale, book.asks),
        _ns(book.time_ns, with_ns),
    )


def levels(scale: Scale, rows: list[tuple[int, int, int]]) -> list[PriceLevel]:
    """Price and quantity of each level."""
    return [(text(scale.price(price)), text(scale.quantity(quantity))) for price, quantity, _ in rows]


def instrument(scale: Scale, symbol: streams.Symbol, auction: feed.Indicative | None) -> Instrument:
    """An instrument as it was announced last. `auction`: what the one that is on would do."""
    return Instrument(
        symbol.symbol,
        symbol.base,
        symbol.quote,
        text(scale.price(1)),
        text(scale.quantity(1)),
        text(scale.price(symbol.price_min_ticks)),
        text(scale.price(symbol.price_max_ticks)),
        text(scale.quantity(symbol.quantity_min_lots)),
        text(scale.quantity(symbol.quantity_max_lots)),
        MATCHINGS[symbol.matching or PRICE_TIME],
        PHASES[symbol.phase],
        symbol.trading_hours,
        symbol.product,
        end_ms(symbol.phase_ends_ns),
        price_text(scale, symbol.auction_ticks),
        None if auction is None else indicative(scale, auction),
        None if symbol.protection is None else bands(scale, symbol.protection),
    )


def bands(scale: Scale, known: Protection) -> Bands:
    """Price bands."""
    return Bands(
        known.static_basis_points,
        price_text(scale, known.static_low_ticks),
        price_text(scale, known.static_high_ticks),
        known.dynamic_basis_points,
    )


def indicative(scale: Scale, found: feed.Indicative) -> Indicative:
    """What an auction would do."""
    return Indicative(
        price_text(scale, found.price_ticks),
        text(scale.quantity(found.quantity_lots)),
        text(scale.quantity(found.imbalance_lots)),
    )


def statistics(scale: Scale, symbol: str, found: streams.Statistics, with_ns: bool) -> Statistics:
    """Statistics of 24 hours."""
    has_bid, has_ask = found.best_bid_ticks, found.best_ask_ticks
    return Statistics(
        symbol,
        found.time_ns // MS,
        price_text(scale, found.open_ticks),
        price_text(scale, found.high_ticks),
        price_text(scale, found.low_ticks),
        price_text(scale, found.last_ticks),
        text(scale.price(found.change_ticks)),
        text(Decimal(found.change_ppm).scaleb(_PPM_DIGITS)),
        text(scale.quantity(int(found.volume_lots))),
        text(scale.amount(int(found.quote_volume))),
        found.trades,
        _mean(scale, found.vwap_microticks),
        price_text(scale, found.best_bid_ticks),
        text(scale.quantity(found.best_bid_lots)) if has_bid else None,
        price_text(scale, found.best_ask_ticks),
        text(scale.quantity(found.best_ask_lots)) if has_ask else None,
        price_text(scale, found.session_open_ticks),
        text(scale.quantity(int(found.session_volume_lots))),
        _mean(scale, found.session_vwap_microticks),
        _ns(found.time_ns, with_ns),
    )


def ticker(scale: Scale, symbol: str, found: streams.MiniStatistics, with_ns: bool) -> Ticker:
    """The short form of statistics."""
    return Ticker(
        symbol,
        found.time_ns // MS,
        price_text(scale, found.open_ticks),
        price_text(scale, found.high_ticks),
        price_text(scale, found.low_ticks),
        price_text(scale, found.last_ticks),
        text(scale.quantity(int(found.volume_lots))),
        text(scale.amount(int(found.quote_volume))),
        _ns(found.time_ns, with_ns),
    )


def trade(scale: Scale, row: TradeRow, with_ns: bool) -> Trade:
    """A trade as it counts now."""
    said = row.trade
    return Trade(
        said.trade_id,
        said.sequence,
        text(scale.price(said.price_ticks)),
        text(scale.quantity(said.quantity_lots)),
        SIDES.get(said.aggressor),  # type: ignore[arg-type]  # the same words, from their table; none in auctions
        _STATES[row.state],
        said.time_ns // MS,
        _ns(said.time_ns, with_ns),
    )


def kline(scale: Scale, candle: streams.CandleUpdated, with_ns: bool) -> Kline:
    """A candle as it stands."""
    length_ms = INTERVALS_MS[candle.interval]
    return Kline(
        candle.open_time_ns // MS,
        candle.open_time_ns // MS + length_ms,
        text(scale.price(candle.open_ticks)),
        text(scale.price(candle.high_ticks)),
        text(scale.price(candle.low_ticks)),
        text(scale.price(candle.close_ticks)),
        text(scale.quantity(int(candle.volume_lots))),
        text(scale.amount(int(candle.quote_volume))),
        candle.trades,
        text(scale.quantity(int(candle.taker_buy_lots))),
        text(scale.amount(int(candle.taker_buy_quote))),
        candle.first_trade_id or None,
        candle.last_trade_id or None,
        candle.closed,
        candle.revision,
        _ns(candle.open_time_ns, with_ns),
        _ns(candle.open_time_ns + length_ms * MS, with_ns),
    )


def indicator_value(scale: Scale, open_time_ns: int, microticks: int, with_ns: bool) -> IndicatorValue:
    """A value of an indicator, whose unit is a mean price."""
    return IndicatorValue(open_time_ns // MS, text(scale.mean_price(microticks)), _ns(open_time_ns, with_ns))


def text(number: Decimal) -> str:
    """All its decimals, never an exponent: `str` would write 0.00000005 as 5E-8."""
    return f"{number:f}"


def price_text(scale: Scale, ticks: int) -> str | None:
    """A price; None where there is none."""
    return text(scale.price(ticks)) if ticks else None


def end_ms(time_ns: int) -> int | None:
    """When something ends; None where that is not known. Upwards, so that it is not over before it is."""
    return -(-time_ns // MS) if time_ns else None


def _mean(scale: Scale, microticks: int) -> str | None:
    return text(scale.mean_price(microticks)) if microticks else None


def _ns(time_ns: int, with_ns: bool) -> int | UnsetType:
    return time_ns if with_ns else UNSET
