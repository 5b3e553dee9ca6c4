"""The operator's desk: what rules over the market. Each path has a POST that sets, and a GET that tells."""

from typing import Final

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


ROUTES: Final = (
    Route(
        method="POST",
        path="/api/v1/admin/phase",
        handler=set_phase,
        summary="Give an instrument its phase, for operators",
        scope=OPERATOR,
        cost=ADMIN,
        query=TimedQuery,
        body=said.NewPhase,
        answer=said.Operated,
    ),
    Route(
        method="GET",
        path="/api/v1/admin/phase",
        handler=phases,
        summary="The phases of all instruments, as the engine has them, for operators",
        scope=OPERATOR,
        cost=ADMIN,
        answer=said.Phases,
    ),
)
