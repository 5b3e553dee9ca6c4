"""Orders and executions of an account as the history has them: what is open, what has ended, what was traded.

The rule guarded here: "there is no such order" is said only when the history has everything that the engine had when it
was asked; so whoever was told "execution status unknown" knows by it that nothing was carried out.
"""

from typing import Final

from bus.errors import NotTaken
from bus.protocol import history
from bus.protocol.reasons import NOT_OFFERED, UNKNOWN_ORDER
from web import order_answers
from web.call import Call
from web.errors import CONFLICT, INVALID_FIELD, MISSING_FIELD, Refusal
from web.guard.principal import READ
from web.order_commands import one_name
from web.routes import HISTORY, Route
from web.schemas import orders as said

_MS: Final = 1_000_000
_STATES: Final = {name: number for number, name in history.ORDER_STATES.items()}


async def order(call: Call) -> said.Order:
    """One order, open or ended."""
    query: said.OrderQuery = call.query
    # Documents cannot say of a query that two parameters need each other.
    name = one_name(query.order_id, query.client_order_id, CONFLICT)
    try:
        life = await _life(call, name, query.at_least)
    except NotTaken as refused:
        if refused.reason != NOT_OFFERED:
            raise
        session = await call.house.sessions.of(call.caller.account)
        await session.until_open()
        life = await _life(call, name, max(query.at_least, await session.present()), last=True)
    scale = await call.house.symbols.scale(life.order.entered.symbol)
    return order_answers.order(scale, life.order, query.time_ns)


async def open_orders(call: Call) -> said.Orders:
    """A page of open orders."""
    query: said.OpenOrdersQuery = call.query
    asked = history.QueryPastOrders(
        call.caller.account,
        query.symbol or "",
        history.OPEN,
        after=query.after,
        limit=query.limit,
        newest_first=query.order == "newest",
        at_least=query.at_least,
    )
    return await _orders(call, asked, query.time_ns)


async def past_orders(call: Call) -> said.Orders:
    """A page of orders, open and ended ones."""
    query: said.PastOrdersQuery = call.query
    _check_times(query)
    asked = history.QueryPastOrders(
        call.caller.account,
        query.symbol or "",
        _STATES[query.state],
        query.client_order_id or "",
        query.from_ms * _MS,
        (query.to_ms or 0) * _MS,
        query.after,
        query.limit,
        query.order == "newest",
        query.at_least,
    )
    return await _orders(call, asked, query.time_ns)


async def executions(call: Call) -> said.Executions:
    """A page of executions."""
    query: said.ExecutionsQuery = call.query
    _check_times(query)
    if query.trade_id is not None and query.symbol is None:
        raise Refusal(MISSING_FIELD, "a trade_id counts within a symbol", "symbol", status=CONFLICT)
    asked = history.QueryExecutions(
        call.caller.account,
        query.symbol or "",
        query.order_id or 0,
        query.trade_id or 0,
        query.from_ms * _MS,
        (query.to_ms or 0) * _MS,
        query.after,
        query.limit,
        query.order == "newest",
        query.at_least,
    )
    with call.house.turns.fresh(call.caller.account):
        page = await call.house.history.ask(asked)
    scale = call.house.symbols.scale
    decimals = await call.house.assets.decimals_of(
        {one.fee_asset for one in page.executions if one.fee}, call.house.sessions, page.account
    )
    return said.Executions(
        executions=[
            order_answers.execution(await scale(one.symbol), one, query.time_ns, decimals)
            for one in page.executions
        ],
        sequence=page.log_sequence,
        more=page.more,
    )


async def _life(call: Call, name: int | str, at_least: int, last: bool = False) -> history.OrderLife:
    order_id, client_order_id = (name, "") if isinstance(name, int) else (0, name)
    asked = history.QueryOrderLife(call.caller.account, order_id, client_order_id, limit=1, at_least=at_least)
    if not last:
        with call.house.turns.fresh(call.caller.account):
            return await call.house.history.ask(asked)
    try:
        with call.house.turns.of(asked.account):
            return await call.house.history.ask(asked)
    except NotTaken as refused:
        if refused.reason == NOT_OFFERED:
            raise Refusal(UNKNOWN_ORDER) from None
        raise


async def _orders(call: Call, asked: history.QueryPastOrders, time_ns: bool) -> said.Orders:
    with call.house.turns.fresh(call.caller.account):
        page = await call.house.history.ask(asked)
    scale = call.house.symbols.scale
    return said.Orders(
        orders=[order_answers.order(await scale(one.entered.symbol), one, time_ns) for one in page.orders],
        sequence=page.log_sequence,
        more=page.more,
    )


def _check_times(query: said.PastOrdersQuery | said.ExecutionsQuery) -> None:
    if query.to_ms is not None and query.to_ms <= query.from_ms:
        raise Refusal(INVALID_FIELD, "it is not behind from", "to", status=CONFLICT)


ROUTES: Final = (
    Route(
        method="GET",
        path="/v1/order",
        handler=order,
        summary="One order, open or ended, by one of its ids",
        scope=READ,
        cost=HISTORY,
        query=said.OrderQuery,
        answer=said.Order,
    ),
    Route(
        method="GET",
        path="/v1/orders",
        handler=open_orders,
        summary="Open orders",
        scope=READ,
        cost=HISTORY,
        query=said.OpenOrdersQuery,
        answer=said.Orders,
    ),
    Route(
        method="GET",
        path="/v1/orders/history",
        handler=past_orders,
        summary="Orders, open and ended ones",
        scope=READ,
        cost=HISTORY,
        query=said.PastOrdersQuery,
        answer=said.Orders,
    ),
    Route(
        method="GET",
        path="/v1/execution",
        handler=executions,
        summary="Own executions",
        scope=READ,
        cost=HISTORY,
        query=said.ExecutionsQuery,
        answer=said.Executions,
    ),
)
