"""Trades of a symbol, in pages by id or time, from either end.

newest first:  the last ones below `to_id` and `to`; the next page has `to_id` = the last id that was given
oldest first:  from `from_id` and `from` on;         the next page has `from_id` = the last id that was given + 1
"""

from typing import Final

from bus.protocol.market.requests import TradeRow
from bus.sockets.market import questions
from web import market_data
from web.asking import ask
from web.call import Call
from web.market_data import MS
from web.routes import MARKET, Route
from web.schemas.trades import Trades, TradesQuery


async def executions(call: Call) -> Trades:
    """The trades of a symbol."""
    query: TradesQuery = call.query
    scale = await call.house.symbols.scale(call.path["symbol"])
    rows, more = await (_newest if query.order == "newest" else _oldest)(call, scale.symbol, query)
    return Trades(scale.symbol, [market_data.trade(scale, row, query.time_ns) for row in rows], more)


async def _oldest(call: Call, symbol: str, query: TradesQuery) -> tuple[list[TradeRow], bool]:
    question = questions.trades(
        symbol,
        from_trade_id=max(query.from_id, 1),  # a lower bound, without which the last ones would come
        to_trade_id=query.to_id or 0,
        from_ns=query.from_ms * MS,
        to_ns=(query.to_ms or 0) * MS,
        limit=query.limit,
    )
    answer = (await ask(call.house.market, question, query.at_least)).answer
    return answer.trades, answer.more


async def _newest(call: Call, symbol: str, query: TradesQuery) -> tuple[list[TradeRow], bool]:
    """Publishers count from a lower bound upwards, so that here it is looked at behind them: ids rise with time."""
    question = questions.trades(
        symbol, to_trade_id=query.to_id or 0, to_ns=(query.to_ms or 0) * MS, limit=query.limit + 1
    )
    answer = (await ask(call.house.market, question, query.at_least)).answer
    rows = [
        row
        for row in reversed(answer.trades)
        if row.trade.trade_id >= query.from_id and row.trade.time_ns >= query.from_ms * MS
    ]
    return rows[: query.limit], len(rows) > query.limit


ROUTES: Final = (
    Route(
        method="GET",
        path="/api/v1/executions/{symbol}",
        handler=executions,
        summary="The trades of a symbol",
        scope=None,
        cost=MARKET,
        query=TradesQuery,
        answer=Trades,
        cache_s=0,
    ),
)
