"""The operator's desk: what rules over the market. A POST sets, a GET tells how it stands, where that can be asked."""

from collections.abc import Awaitable, Callable
from typing import Final

from msgspec import Struct

from web import operating
from web.call import Call
from web.guard.principal import OPERATOR
from web.risk import risk
from web.routes import ADMIN, Route
from web.schemas import admin as said
from web.schemas.risk import AccountRisk, AllRisk, GroupKillSwitch, GroupRisk
from web.schemas.values import TimedQuery


async def phases(call: Call) -> said.Phases:
    """The phases of all instruments."""
    return await operating.phases(call.house, call.caller)


async def protections(call: Call) -> said.Protections:
    """The price bands of all instruments that have any."""
    return await operating.protections(call.house, call.caller)


async def schedule(call: Call) -> said.TradingHours:
    """The trading hours of an instrument, and what comes next of them."""
    return await operating.schedule(call.house, call.caller, call.query.symbol)


async def kill_switches(call: Call) -> said.StoppedAccounts:
    """The accounts whose kill switch is on."""
    return await operating.kill_switches(call.house, call.caller)


async def breakers(call: Call) -> said.BreakersKnown:
    """The circuit breakers of the market."""
    return await operating.breakers(call.house, call.caller)


async def limits(call: Call) -> said.AllLimits:
    """The limits of all accounts that have any."""
    return await operating.limits(call.house, call.caller)


async def risks(call: Call) -> AllRisk:
    """All accounts and groups whose risk is limited."""
    return await risk(call.house, call.caller)


def _command(
    name: str, operate: Callable[..., Awaitable[said.Operated]], summary: str, body: type[Struct]
) -> Route:
    """A path where an operator sets something: `operate` of `web.operating` takes its body."""

    async def handler(call: Call) -> said.Operated:
        return await operate(call.house, call.caller, call.body, call.query.time_ns)

    handler.__doc__ = operate.__doc__
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
    _command("phase", operating.set_phase, "Give an instrument its phase", said.NewPhase),
    Route(
        method="GET",
        path="/api/v1/admin/phase",
        handler=phases,
        summary="The phases of all instruments, as the engine has them, for operators",
        scope=OPERATOR,
        cost=ADMIN,
        answer=said.Phases,
    ),
    _command(
        "protection", operating.set_protection, "Give an instrument its price bands", said.NewProtection
    ),
    Route(
        method="GET",
        path="/api/v1/admin/protection",
        handler=protections,
        summary="The price bands of all instruments that have any, as the engine has them, for operators",
        scope=OPERATOR,
        cost=ADMIN,
        answer=said.Protections,
    ),
    _command("schedule", operating.set_schedule, "Give an instrument its trading hours", said.NewSchedule),
    Route(
        method="GET",
        path="/api/v1/admin/schedule",
        handler=schedule,
        summary="The trading hours of an instrument, as the engine has them, for operators",
        scope=OPERATOR,
        cost=ADMIN,
        query=said.ScheduleQuery,
        answer=said.TradingHours,
    ),
    _command(
        "kill_switch", operating.set_kill_switch, "Stop an account, or let it trade again", said.KillSwitch
    ),
    Route(
        method="GET",
        path="/api/v1/admin/kill_switch",
        handler=kill_switches,
        summary="The accounts whose kill switch is on, as the engine has them, for operators",
        scope=OPERATOR,
        cost=ADMIN,
        answer=said.StoppedAccounts,
    ),
    _command("emergency", operating.set_emergency, "Stop the whole market, or let it go on", said.Emergency),
    _command("breakers", operating.set_breakers, "Give the market its circuit breakers", said.Breakers),
    Route(
        method="GET",
        path="/api/v1/admin/breakers",
        handler=breakers,
        summary="The circuit breakers of the market, as the engine has them, for operators",
        scope=OPERATOR,
        cost=ADMIN,
        answer=said.BreakersKnown,
    ),
    Route(
        method="GET",
        path="/api/v1/admin/limits",
        handler=limits,
        summary="The limits of all accounts that have any, as the engine has them, for operators",
        scope=OPERATOR,
        cost=ADMIN,
        answer=said.AllLimits,
    ),
    _command(
        "risk",
        operating.set_risk,
        "Limit what an account has at stake, in an instrument or in all",
        AccountRisk,
    ),
    _command(
        "group_risk",
        operating.set_group_risk,
        "Limit what all members of a group have at stake together, in an instrument or in all",
        GroupRisk,
    ),
    _command(
        "group_kill_switch",
        operating.set_group_kill_switch,
        "Stop all members of a group, or let them trade again",
        GroupKillSwitch,
    ),
    Route(
        method="GET",
        path="/api/v1/admin/risk",
        handler=risks,
        summary="What limited accounts and groups have at stake, as the engine has it, for operators",
        scope=OPERATOR,
        cost=ADMIN,
        answer=AllRisk,
    ),
    _command(
        "limits",
        operating.set_limits,
        "Give an account its limits, in an instrument or in all",
        said.AccountLimits,
    ),
)
