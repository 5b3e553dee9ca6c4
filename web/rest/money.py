"""Money: what accounts have, and how it moves, where the venue clears.

The rule guarded here: what leaves the venue needs a key of scope `withdraw`, whatever else the key may. A transfer
stays within the family of accounts, so that whoever trades may make it.
"""

from collections.abc import Awaitable, Callable
from typing import Final

from msgspec import Struct

from web import money
from web.call import Call
from web.guard.principal import OPERATOR, READ, TRADE, WITHDRAW
from web.routes import ADMIN, HISTORY, MONEY, Route
from web.schemas import money as said
from web.schemas.admin import Operated
from web.schemas.values import TimedQuery


async def balances(call: Call) -> said.Balances:
    """What the account has of each asset, as the engine has it now: total, held by open orders, free."""
    return await money.balances(call.house, call.caller)


async def fees(call: Call) -> said.Fees:
    """What trading costs the account: its tier, its rates, the discount of its group, as the engine has it now."""
    return await money.fees(call.house, call.caller)


async def movements(call: Call) -> said.Movements:
    """A page of what moved the balances of the account, with what it had afterwards, as the history has it."""
    with call.house.turns.fresh(call.caller.account):
        return await money.movements(call.house, call.caller, call.query)


async def balances_of(call: Call) -> said.Balances:
    """What an account has of each asset."""
    return await money.balances_of(call.house, call.caller, call.query.account)


async def assets(call: Call) -> said.AssetsAtVenue:
    """All assets, and how much of each is at the venue."""
    return await money.assets(call.house, call.caller)


def _moving(
    path: str,
    move: Callable[..., Awaitable[Struct]],
    summary: str,
    body: type[Struct],
    scope: str,
    answer: type[Struct] = said.Transferred,
) -> Route:
    """A path where something is moved or set: `move` of `web.money` takes its body."""

    async def handler(call: Call) -> Struct:
        return await move(call.house, call.caller, call.body, call.query.time_ns)

    handler.__doc__ = move.__doc__
    return Route(
        method="POST",
        path=f"/api/v1/{path}",
        handler=handler,
        summary=summary,
        scope=scope,
        cost=ADMIN if scope == OPERATOR else MONEY,
        query=TimedQuery,
        body=body,
        answer=answer,
    )


ROUTES: Final = (
    Route(
        method="GET",
        path="/api/v1/balances",
        handler=balances,
        summary="What the account has of each asset",
        scope=READ,
        cost=MONEY,
        query=said.BalancesQuery,
        answer=said.Balances,
    ),
    Route(
        method="GET",
        path="/api/v1/fees",
        handler=fees,
        summary="What trading costs the account",
        scope=READ,
        cost=MONEY,
        query=said.BalancesQuery,
        answer=said.Fees,
    ),
    Route(
        method="GET",
        path="/api/v1/movements",
        handler=movements,
        summary="What moved the balances of the account",
        scope=READ,
        cost=HISTORY,
        query=said.MovementsQuery,
        answer=said.Movements,
    ),
    _moving(
        "transfers",
        money.transfer,
        "Move money to another account of the family",
        said.NewTransfer,
        TRADE,
    ),
    _moving(
        "withdrawals", money.withdraw, "Take money of the account out of the venue", said.Withdrawal, WITHDRAW
    ),
    _moving(
        "admin/deposits",
        money.deposit_for,
        "Give an account money that came from outside, for operators",
        said.OperatorTransfer,
        OPERATOR,
    ),
    _moving(
        "admin/withdrawals",
        money.withdraw_for,
        "Take money of an account out of the venue, for operators",
        said.OperatorTransfer,
        OPERATOR,
    ),
    _moving(
        "admin/assets",
        money.define_asset,
        "Define an asset that accounts may have, for operators",
        said.NewAsset,
        OPERATOR,
        Operated,
    ),
    Route(
        method="GET",
        path="/api/v1/admin/assets",
        handler=assets,
        summary="All assets, and how much of each is at the venue, for operators",
        scope=OPERATOR,
        cost=ADMIN,
        query=said.BalancesQuery,
        answer=said.AssetsAtVenue,
    ),
    Route(
        method="GET",
        path="/api/v1/admin/balances",
        handler=balances_of,
        summary="What an account has of each asset, for operators",
        scope=OPERATOR,
        cost=ADMIN,
        query=said.BalancesOfQuery,
        answer=said.Balances,
    ),
)
