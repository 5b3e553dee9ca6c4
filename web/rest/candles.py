"""Candles of a symbol, and lines over them."""

from typing import Final

from bus.errors import NotTaken
from bus.protocol.reasons import NOT_OFFERED
from bus.sockets.market import questions
from web import market_data
from web.asking import ask
from web.call import Call
from web.errors import INVALID_FIELD, Refusal
from web.market_data import INTERVALS_MS, MS
from web.routes import MARKET, Route
from web.schemas.candles import Indicator, IndicatorQuery, Klines, KlinesQuery

#: An open candle changes ten times a second, and who wants to see that reads the stream.
_CACHE_S: Final = 1


async def klines(call: Call) -> Klines:
    """The candles of a symbol in an interval."""
    query: KlinesQuery = call.query
    scale = await call.house.symbols.scale(call.path["symbol"])
    interval = _interval(call)
    from_ns, to_ns = _bounds(query)
    question = questions.candles(scale.symbol, interval, from_ns=from_ns, to_ns=to_ns, limit=query.limit + 1)
    found = (await ask(call.house.market, question, query.at_least)).answer.candles
    wanted = found[: query.limit] if from_ns else found[-query.limit :]
    rows = [market_data.kline(scale, candle, query.time_ns) for candle in wanted]
    return Klines(scale.symbol, interval, rows, len(found) > query.limit)


async def indicator(call: Call) -> Indicator:
    """A line over the closed candles of a symbol in an interval."""
    query: IndicatorQuery = call.query
    scale = await call.house.symbols.scale(call.path["symbol"])
    interval, name = _interval(call), call.path["indicator"]
    from_ns, to_ns = _bounds(query)
    # Of the last candles one may be open, and has no value.
    limit = query.limit if from_ns else query.limit + 1
    question = questions.indicator(
        scale.symbol, interval, name[:20], [query.period], from_ns=from_ns, to_ns=to_ns, limit=limit
    )
    try:
        found = (await ask(call.house.market, question, query.at_least)).answer.values
    except NotTaken as error:
        if error.reason != NOT_OFFERED:
            raise
        raise Refusal(NOT_OFFERED, str(error), "indicator") from None
    rows = [
        market_data.indicator_value(scale, open_time_ns, value, query.time_ns)
        for open_time_ns, value in found[-query.limit :]
    ]
    return Indicator(scale.symbol, interval, name, query.period, rows)


def _interval(call: Call) -> str:
    interval = call.path["interval"]
    if interval not in INTERVALS_MS:
        raise Refusal(INVALID_FIELD, f"there is no such interval: {', '.join(INTERVALS_MS)}", "interval")
    return interval


def _bounds(query: KlinesQuery) -> tuple[int, int]:
    """As publishers have them: 0 is none, so that whoever means 1970 gets the nanosecond behind it."""
    from_ns = 0 if query.from_ms is None else max(query.from_ms * MS, 1)
    return from_ns, (query.to_ms or 0) * MS


ROUTES: Final = (
    Route(
        method="GET",
        path="/api/v1/klines/{symbol}/{interval}",
        handler=klines,
        summary="The candles of a symbol in an interval",
        scope=None,
        cost=MARKET,
        query=KlinesQuery,
        answer=Klines,
        cache_s=_CACHE_S,
    ),
    Route(
        method="GET",
        path="/api/v1/indicators/{symbol}/{interval}/{indicator}",
        handler=indicator,
        summary="A line over the closed candles of a symbol: sma, ema or vwap",
        scope=None,
        cost=MARKET,
        query=IndicatorQuery,
        answer=Indicator,
        cache_s=_CACHE_S,
    ),
)
