"""Market data."""

from typing import Final

from bus.errors import OffTick
from bus.sockets.market import questions
from bus.sockets.session.prices import Scale
from web.call import Call
from web.errors import INVALID_FIELD, Refusal
from web.routes import MARKET, Route
from web.schemas.market import Orderbook, OrderbookQuery


async def orderbook(call: Call) -> Orderbook:
    """The price levels of a symbol, best first."""
    query: OrderbookQuery = call.query
    scale = await call.house.symbols.scale(call.path["symbol"])
    step_ticks = 1 if query.step is None else _step_ticks(scale, query.step)
    answer = (await call.house.market.ask(questions.depth(scale.symbol, query.depth, step_ticks))).answer
    return Orderbook(
        answer.symbol,
        answer.sequence,
        answer.time_ns // 1_000_000,
        answer.checksum,
        [(str(scale.price(price)), str(scale.quantity(quantity))) for price, quantity, _ in answer.bids],
        [(str(scale.price(price)), str(scale.quantity(quantity))) for price, quantity, _ in answer.asks],
    )


def _step_ticks(scale: Scale, step: str) -> int:
    try:
        ticks = scale.price_ticks(step)
    except OffTick as error:
        raise Refusal(INVALID_FIELD, str(error), "step") from None
    if not ticks:
        raise Refusal(INVALID_FIELD, "a step is at least one tick", "step")
    return ticks


ROUTES: Final = (
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
)
