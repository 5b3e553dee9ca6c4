"""Market data as it stands: symbols, books, the statistics of a day."""

from contextlib import suppress
from itertools import chain
from typing import Final

from bus.errors import NotTaken, OffTick
from bus.protocol.market import streams
from bus.protocol.reasons import NOT_OFFERED
from bus.protocol.terms import AUCTIONS
from bus.sockets.market import questions
from bus.sockets.session.prices import Scale
from web import market_data
from web.asking import ask, ask_all
from web.call import Call
from web.errors import CONFLICT, INVALID_FIELD, Refusal
from web.routes import MARKET, Route
from web.schemas.market import (
    Instrument,
    Instruments,
    Orderbook,
    OrderbookQuery,
    Statistics,
    StatisticsQuery,
    Tickers,
    TickersQuery,
)

#: Phases change, and what an auction would do; whoever wants each change reads the stream.
_SYMBOLS_CACHE_S: Final = 1
#: No price is larger.
_STEP_TICKS_MAX: Final = 2**63 - 1
#: Statistics are said once a second.
_STATISTICS_CACHE_S: Final = 1


async def symbols(call: Call) -> Instruments:
    """All instruments, by symbol."""
    known = await call.house.symbols.all()
    return Instruments([await _instrument(call, symbol) for _, symbol in sorted(known.items())])


async def symbol(call: Call) -> Instrument:
    """One instrument."""
    known = (await call.house.symbols.all()).get(call.path["symbol"])
    if known is None:
        raise call.house.symbols.unknown()
    return await _instrument(call, known)


async def _instrument(call: Call, known: streams.Symbol) -> Instrument:
    auction = call.house.hub.statuses.indicative(known.symbol) if known.phase in AUCTIONS else None
    return market_data.instrument(await call.house.symbols.scale(known.symbol), known, auction)


async def orderbook(call: Call) -> Orderbook:
    """The price levels of a symbol, best first."""
    query: OrderbookQuery = call.query
    scale = await call.house.symbols.scale(call.path["symbol"])
    step_ticks = 1 if query.step is None else _step_ticks(scale, query.step)
    question = questions.depth(scale.symbol, query.depth, step_ticks)
    answer = (await ask(call.house.market, question, query.at_least)).answer
    return market_data.orderbook(scale, answer, query.at_least, query.time_ns)


def _step_ticks(scale: Scale, step: str) -> int:
    try:
        ticks = scale.price_ticks(step)
    except OffTick as error:
        raise Refusal(INVALID_FIELD, str(error), "step", status=CONFLICT) from None
    if not 1 <= ticks <= _STEP_TICKS_MAX:
        text = "a step is at least one tick, and no larger than any price"
        raise Refusal(INVALID_FIELD, text, "step", status=CONFLICT)
    return ticks


async def statistics(call: Call) -> Statistics:
    """What a symbol traded in the last 24 hours."""
    query: StatisticsQuery = call.query
    market = call.house.market
    scale = await call.house.symbols.scale(call.path["symbol"])
    try:
        found = (await ask(market, questions.statistics(scale.symbol), query.at_least)).answer.statistics
    except NotTaken as error:
        if error.reason != NOT_OFFERED:
            raise
        # It has never traded. Whoever shows it wants its best prices all the same.
        best = (await ask(market, questions.depth(scale.symbol, 1), query.at_least)).answer
        found = _untraded(best.time_ns, best.bids, best.asks)
    return market_data.statistics(scale, scale.symbol, found, query.time_ns)


def _untraded(
    time_ns: int, bids: list[tuple[int, int, int]], asks: list[tuple[int, int, int]]
) -> streams.Statistics:
    """The statistics of a symbol without trades."""
    bid_ticks, bid_lots, _ = bids[0] if bids else (0, 0, 0)
    ask_ticks, ask_lots, _ = asks[0] if asks else (0, 0, 0)
    return streams.Statistics(
        *(time_ns, 0, 0, 0, 0, 0, 0, "0", "0", 0, 0),
        *(bid_ticks, bid_lots, ask_ticks, ask_lots, 0, "0", 0),
    )


async def tickers(call: Call) -> Tickers:
    """The short statistics of all symbols that have traded."""
    query: TickersQuery = call.query
    answers = await ask_all(call.house.market, questions.mini())
    rows = dict(chain.from_iterable(answered.answer.symbols for answered in answers))
    said = []
    for name, found in sorted(rows.items()):
        with suppress(Refusal):  # defined and traded within the last second: it comes with the next answer
            scale = await call.house.symbols.scale(name)
            said.append(market_data.ticker(scale, name, found, query.time_ns))
    return Tickers(said)


ROUTES: Final = (
    Route(
        method="GET",
        path="/api/v1/symbols",
        handler=symbols,
        summary="All symbols, and what is traded under each",
        scope=None,
        cost=MARKET,
        answer=Instruments,
        cache_s=_SYMBOLS_CACHE_S,
    ),
    Route(
        method="GET",
        path="/api/v1/symbols/{symbol}",
        handler=symbol,
        summary="What is traded under a symbol",
        scope=None,
        cost=MARKET,
        answer=Instrument,
        cache_s=_SYMBOLS_CACHE_S,
    ),
    Route(
        method="GET",
        path="/api/v1/orderbook/{symbol}",
        handler=orderbook,
        summary="The price levels of a symbol, best first",
        scope=None,
        cost=MARKET,
        query=OrderbookQuery,
        answer=Orderbook,
        cache_s=0,
    ),
    Route(
        method="GET",
        path="/api/v1/statistics",
        handler=tickers,
        summary="The short statistics of all symbols that have traded",
        scope=None,
        cost=MARKET,
        query=TickersQuery,
        answer=Tickers,
        cache_s=_STATISTICS_CACHE_S,
    ),
    Route(
        method="GET",
        path="/api/v1/statistics/{symbol}",
        handler=statistics,
        summary="What a symbol traded in the last 24 hours",
        scope=None,
        cost=MARKET,
        query=StatisticsQuery,
        answer=Statistics,
        cache_s=_STATISTICS_CACHE_S,
    ),
)
