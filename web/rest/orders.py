"""Orders: what changes the book, and what leaves it."""

from typing import Final

from web import trading
from web.call import Call
from web.guard.principal import TRADE
from web.routes import CANCELS, ORDERS, Route
from web.schemas import orders as said
from web.schemas.values import TimedQuery


async def enter(call: Call) -> said.OrderAnswer:
    """Enter an order."""
    return await trading.enter(
        call.house, call.caller.account, call.body, trading.derived_id(call.caller), call.query.time_ns
    )


async def cancel(call: Call) -> said.OrderAnswer:
    """Cancel an open order."""
    return await trading.cancel(call.house, call.caller.account, call.body, call.query.time_ns)


async def replace(call: Call) -> said.OrderAnswer:
    """Give an open order another price, another quantity, or both."""
    return await trading.replace(
        call.house, call.caller.account, call.body, trading.derived_id(call.caller), call.query.time_ns
    )


async def cancel_all(call: Call) -> said.CancelledAll:
    """Cancel all open orders."""
    return await trading.cancel_all(call.house, call.caller.account, call.body, call.query.time_ns)


async def cancel_all_after(call: Call) -> said.Countdown:
    """Begin or stop the countdown."""
    return await trading.cancel_all_after(call.house, call.caller.account, call.body, call.query.time_ns)


async def batch(call: Call) -> said.BatchAnswer:
    """Many at once."""
    return await trading.batch(
        call.house, call.caller.account, call.body, trading.derived_id(call.caller), call.query.time_ns
    )


ROUTES: Final = (
    Route(
        method="POST",
        path="/v1/order",
        handler=enter,
        summary="Enter an order",
        scope=TRADE,
        cost=ORDERS,
        query=TimedQuery,
        body=said.NewOrder,
        answer=said.OrderAnswer,
    ),
    Route(
        method="POST",
        path="/v1/order/cancel",
        handler=cancel,
        summary="Cancel an open order",
        scope=TRADE,
        cost=CANCELS,
        query=TimedQuery,
        body=said.OrderCancel,
        answer=said.OrderAnswer,
    ),
    Route(
        method="POST",
        path="/v1/order/replace",
        handler=replace,
        summary="Give an open order another price, another quantity, or both",
        scope=TRADE,
        cost=ORDERS,
        query=TimedQuery,
        body=said.OrderReplace,
        answer=said.OrderAnswer,
    ),
    Route(
        method="POST",
        path="/v1/order/cancel_all",
        handler=cancel_all,
        summary="Cancel all open orders, of a symbol and a side or all",
        scope=TRADE,
        cost=CANCELS,
        query=TimedQuery,
        body=said.CancelAll,
        answer=said.CancelledAll,
    ),
    Route(
        method="POST",
        path="/v1/order/cancel_all_after",
        handler=cancel_all_after,
        summary="Let all open orders be cancelled so long from now, unless this is said again before",
        scope=TRADE,
        cost=CANCELS,
        query=TimedQuery,
        body=said.CancelAllAfter,
        answer=said.Countdown,
    ),
    Route(
        method="POST",
        path="/v1/orders",
        handler=batch,
        summary="Enter, cancel and replace many orders at once",
        scope=TRADE,
        cost=ORDERS,
        query=TimedQuery,
        body=said.Batch,
        answer=said.BatchAnswer,
    ),
)
