"""What an account holds and has made of it, as the history has it."""

from typing import Final

from bus.protocol.exposure import QueryPositions
from web import positions as answers
from web.call import Call
from web.guard.principal import READ
from web.routes import HISTORY, Route
from web.schemas import positions as said


async def positions(call: Call) -> said.Positions:
    """What the account holds of each instrument, what that cost and is worth, and what open orders may still do.

    At average cost: what makes a position smaller takes its share of the cost out, rounded down to the smallest amount,
    and the difference to its price is realised; what is rounded off goes out with the last of it. Trades that were
    busted or corrected count as if they had never been otherwise. Fees are not in it, but told beside it.
    """
    query: said.PositionsQuery = call.query
    asked = QueryPositions(
        call.caller.account, query.symbol or "", query.after or "", query.limit, query.at_least
    )
    with call.house.turns.fresh(asked.account):
        page = await call.house.history.ask(asked)
    decimals = await call.house.assets.decimals_of(
        {asset for one in page.positions for asset, _ in one.fees}, call.house.sessions, page.account
    )
    scale = call.house.symbols.scale
    return said.Positions(
        account=page.account,
        cost_method="average",
        positions=[
            answers.position(await scale(one.symbol), one, decimals, query.time_ns) for one in page.positions
        ],
        sequence=page.log_sequence,
        more=page.more,
    )


ROUTES: Final = (
    Route(
        method="GET",
        path="/api/v1/positions",
        handler=positions,
        summary="Positions: what is held, its cost, its profit",
        scope=READ,
        cost=HISTORY,
        query=said.PositionsQuery,
        answer=said.Positions,
    ),
)
