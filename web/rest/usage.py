"""The analysis of use, for operators: who asks for what, and how long it takes, over all instances."""

from typing import Final

from bus.errors import MatchbusError
from web.call import Call
from web.errors import NOT_FOUND, UNREACHABLE, Refusal
from web.guard.principal import OPERATOR
from web.routes import HISTORY, Route
from web.schemas.usage import Usage, UsageQuery

PATH: Final = "/api/v1/usage"


async def usage(call: Call) -> Usage:
    """Calls by key, route, symbol and status, the slowest routes, and the market data that was wanted most.

    What this instance has counted is in it until now, what others have until two seconds ago.
    """
    if not call.house.usage.is_on:
        raise Refusal(NOT_FOUND, "the analysis of use is not kept (web.usage_hours)")
    try:
        return await call.house.usage.ask(call.query)
    except MatchbusError:
        raise Refusal(UNREACHABLE, "where the analysis of use is kept is not there at the moment") from None


ROUTES: Final = (
    Route(
        method="GET",
        path=PATH,
        handler=usage,
        summary="Who asks for what, and how long it takes, for operators",
        scope=OPERATOR,
        cost=HISTORY,
        query=UsageQuery,
        answer=Usage,
    ),
)
