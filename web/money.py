"""Money over HTTP: what accounts have, transfers, deposits and withdrawals, assets.

    body ─▶ units of the asset ─▶ Transfer ─▶ session ─▶ Completed, or Duplicate: it had happened ─▶ answer
                                                         └ Rejected ─▶ the engine's own reason, and its field

An account's holder moves what is its own, through the session of its account, as a broker's client; an operator moves
through his own. The rule guarded here: a decimal is exactly so many units, or refused. And as in `web.trading`: what
may have happened after all is unknown, and here it is safe to send it again.
"""

from typing import Final

from msgspec import UNSET

from bus.errors import AnswerLost, SessionOver, TimedOut
from bus.protocol import commands, history
from bus.protocol import reasons as engine
from bus.protocol.reports import Duplicate, Rejected
from bus.protocol.terms import EXTERNAL
from bus.sockets.session.amounts import amount_of, units_of
from web import money_answers, operating, trading
from web.errors import CONFLICT, INVALID_FIELD, UNKNOWN, Refusal
from web.guard.principal import Principal
from web.house import House
from web.market_data import text
from web.schemas.admin import Operated
from web.schemas.money import (
    AssetAtVenue,
    AssetsAtVenue,
    Balances,
    Fees,
    Movements,
    MovementsQuery,
    NewAsset,
    NewTransfer,
    OperatorTransfer,
    Transferred,
    Withdrawal,
)
from web.session import Session

_MS: Final = 1_000_000

#: Which field a refusal of the engine is about.
_FIELD_OF: Final = {
    engine.INVALID_ID: "transfer_id",
    engine.ID_TAKEN: "transfer_id",
    engine.UNKNOWN_ASSET: "asset",
    engine.AMOUNT_NOT_POSITIVE: "amount",
    engine.INSUFFICIENT_FUNDS: "amount",
    engine.BALANCE_TOO_LARGE: "amount",
    engine.INVALID_TRANSFER: "target",
}


async def balances(house: House, who: Principal) -> Balances:
    """What the caller's account has, as the engine has it now."""
    return money_answers.balances(await house.assets.balances(await house.sessions.of(who.account)))


async def balances_of(house: House, who: Principal, account: str) -> Balances:
    """What an account has, for an operator."""
    return money_answers.balances(await house.assets.balances(await house.operators.of(who.account), account))


async def transfer(house: House, who: Principal, body: NewTransfer, time_ns: bool) -> Transferred:
    """Move money to another account of the family."""
    session = await house.sessions.of(who.account)
    return await _move(house, session, who, who.account, body.target, body, time_ns)


async def withdraw(house: House, who: Principal, body: Withdrawal, time_ns: bool) -> Transferred:
    """Take money out of the venue."""
    session = await house.sessions.of(who.account)
    return await _move(house, session, who, who.account, EXTERNAL, body, time_ns)


async def deposit_for(house: House, who: Principal, body: OperatorTransfer, time_ns: bool) -> Transferred:
    """Give an account money that came from outside."""
    session = await house.operators.of(who.account)
    return await _move(house, session, who, EXTERNAL, body.account, body, time_ns)


async def withdraw_for(house: House, who: Principal, body: OperatorTransfer, time_ns: bool) -> Transferred:
    """Take money of an account that leaves the venue."""
    session = await house.operators.of(who.account)
    return await _move(house, session, who, body.account, EXTERNAL, body, time_ns)


async def define_asset(house: House, who: Principal, body: NewAsset, time_ns: bool) -> Operated:
    """Define an asset that accounts may have."""
    return await operating.operate(house, who, commands.DefineAsset(body.asset, body.decimals), time_ns)


async def assets(house: House, who: Principal) -> AssetsAtVenue:
    """All assets, and how much of each is at the venue."""
    found = await house.assets.balances(await house.operators.of(who.account), EXTERNAL)
    return AssetsAtVenue(
        assets=[
            AssetAtVenue(
                asset=row.asset, decimals=row.decimals, at_venue=text(amount_of(-row.total, row.decimals))
            )
            for row in sorted(found.balances, key=lambda row: row.asset)
        ]
    )


async def fees(house: House, who: Principal) -> Fees:
    """What trading costs the caller's account, as the engine has it now."""
    session = await house.sessions.of(who.account)
    await house.assets.check_clearing(session)
    return money_answers.fees(await session.fees())


async def movements(house: House, who: Principal, query: MovementsQuery) -> Movements:
    """A page of what moved the caller's balances, as the history has it."""
    if query.to_ms is not None and query.to_ms <= query.from_ms:
        raise Refusal(INVALID_FIELD, "it is not behind from", "to", status=CONFLICT)
    session = await house.sessions.of(who.account)
    await house.assets.check_clearing(session)
    page = await house.history.ask(
        history.QueryMovements(
            who.account,
            query.asset or "",
            query.transfer_id or "",
            query.from_ms * _MS,
            (query.to_ms or 0) * _MS,
            query.after,
            query.limit,
            query.order == "newest",
            query.at_least,
        )
    )
    return Movements(
        movements=[
            money_answers.movement(row, await house.assets.decimals(session, row.asset), query.time_ns)
            for row in page.movements
        ],
        sequence=page.log_sequence,
        more=page.more,
    )


async def _move(
    house: House,
    session: Session,
    who: Principal,
    source: str,
    target: str,
    body: NewTransfer | Withdrawal | OperatorTransfer,
    time_ns: bool,
) -> Transferred:
    """Send it. Raises Refusal when it was refused, now or the first time, and when nobody knows."""
    transfer_id = body.transfer_id or trading.derived_id(who)
    decimals = await house.assets.decimals(session, body.asset)
    try:
        units = units_of(body.amount, decimals)
    except ValueError as error:
        raise Refusal(INVALID_FIELD, str(error), "amount", status=CONFLICT) from None
    command = commands.Transfer(transfer_id, source, target, body.asset, units, body.why)
    try:
        answer = (await session.command(command)).answer
    except (TimedOut, AnswerLost, SessionOver):
        raise Refusal(
            UNKNOWN,
            f"execution status unknown: send the same again with transfer_id {transfer_id!r}, it happens once",
        ) from None
    if isinstance(answer, Rejected | Duplicate) and answer.reason:
        field = _FIELD_OF.get(answer.reason)
        if field == "target" and not isinstance(body, NewTransfer):
            field = "account" if isinstance(body, OperatorTransfer) else None
        raise Refusal(answer.reason, field=field)
    return Transferred(
        transfer_id=transfer_id,
        account=who.account,
        source=source,
        target=target,
        asset=body.asset,
        amount=text(amount_of(units, decimals)),
        sequence=answer.sequence,
        time_ms=answer.time_ns // _MS,
        time_ns=answer.time_ns if time_ns else UNSET,
        duplicate=isinstance(answer, Duplicate),
    )
