"""The operator's desk: what rules over the market. A POST sets, a GET tells how it stands, where that can be asked."""

from collections.abc import Awaitable, Callable
from typing import Final

from msgspec import Struct

from web import operating
from web.call import Call
from web.guard.principal import OPERATOR
from web.routes import ADMIN, Route
from web.schemas import admin as said
from web.schemas.values import TimedQuery


async def set_phase(call: Call) -> said.Operated:
    """Give an instrument its phase."""
    return await operating.set_phase(call.house, call.caller, call.body, call.query.time_ns)


async def phases(call: Call) -> said.Phases:
    """The phases of all instruments."""
    return await operating.phases(call.house, call.caller)


async def set_protection(call: Call) -> said.Operated:
    """Give an instrument its price bands."""
    return await operating.set_protection(call.house, call.caller, call.body, call.query.time_ns)


async def protections(call: Call) -> said.Protections:
    """The price bands of all instruments that have any."""
    return await operating.protections(call.house, call.caller)


async def set_schedule(call: Call) -> said.Operated:
    """Give an instrument its trading hours."""
    return await operating.set_schedule(call.house, call.caller, call.body, call.query.time_ns)


async def set_kill_switch(call: Call) -> said.Operated:
    """Stop an account, or let it trade again."""
    return await operating.set_kill_switch(call.house, call.caller, call.body, call.query.time_ns)


async def set_emergency(call: Call) -> said.Operated:
    """Stop the whole market, or let it go on."""
    return await operating.set_emergency(call.house, call.caller, call.body, call.query.time_ns)


async def set_breakers(call: Call) -> said.Operated:
    """Give the market its circuit breakers."""
    return await operating.set_breakers(call.house, call.caller, call.body, call.query.time_ns)


async def set_limits(call: Call) -> said.Operated:
    """Give an account its limits."""
    return await operating.set_limits(call.house, call.caller, call.body, call.query.time_ns)


def _command(
    name: str, handler: Callable[[Call], Awaitable[said.Operated]], summary: str, body: type[Struct]
) -> Route:
    """A path where an operator sets something."""
    return Route(
        method="POST",
        path=f"/api/v1/admin/{name}",
        handler=handler,
        summary=f"{summary}, for operators",
        scope=OPERATOR,
        cost=ADMIN,
        query=TimedQuery,
        body=body,
        answer=said.Operated,
    )


ROUTES: Final = (
    _command("phase", set_phase, "Give an instrument its phase", said.NewPhase),
    Route(
        method="GET",
        path="/api/v1/admin/phase",
        handler=phases,
        summary="The phases of all instruments, as the engine has them, for operators",
        scope=OPERATOR,
        cost=ADMIN,
        answer=said.Phases,
    ),
    _command("protection", set_protection, "Give an instrument its price bands", said.NewProtection),
    Route(
        method="GET",
        path="/api/v1/admin/protection",
        handler=protections,
        summary="The price bands of all instruments that have any, as the engine has them, for operators",
        scope=OPERATOR,
        cost=ADMIN,
        answer=said.Protections,
    ),
    _command("schedule", set_schedule, "Give an instrument its trading hours", said.NewSchedule),
    _command("kill_switch", set_kill_switch, "Stop an account, or let it trade again", said.KillSwitch),
    _command("emergency", set_emergency, "Stop the whole market, or let it go on", said.Emergency),
    _command("breakers", set_breakers, "Give the market its circuit breakers", said.Breakers),
    _command(
        "limits", set_limits, "Give an account its limits, in an instrument or in all", said.AccountLimits
    ),
)
