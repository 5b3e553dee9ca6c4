"""What accounts have at stake beside what they may have, as the engine has it, in decimals. For operators.

Called by `web.rest.admin`; who sets these limits is `web.operating`.
"""

from bus.protocol.control import GroupRiskState, LimitedAccount, LimitedGroup, PositionState, RiskState
from bus.sockets.session.prices import Scale
from web import market_data
from web.guard.principal import Principal
from web.house import House
from web.schemas.risk import (
    AllRisk,
    GroupRiskKnown,
    PositionKnown,
    RiskKnown,
    RiskOfAccount,
    RiskOfGroup,
)


async def risk(house: House, who: Principal) -> AllRisk:
    """All accounts and groups whose risk is limited. Raises NotConnected."""
    session = await house.operators.of(who.account)
    known = await session.safeguards()
    found = sorted((one for one in known.accounts if one.risk), key=lambda one: one.account)
    groups = sorted(known.groups, key=lambda one: one.group)
    symbols = {row.symbol for one in found for row in one.risk} | {
        row.symbol for one in groups for row in one.risk
    }
    symbols |= {row.symbol for one in found for row in one.positions}
    symbols |= {row.symbol for one in groups for row in one.positions}
    scales = {symbol: await session.scale(symbol) for symbol in sorted(symbols - {""})}
    return AllRisk(
        accounts=[_account(one, scales) for one in found], groups=[_group(one, scales) for one in groups]
    )


def _group(one: LimitedGroup, scales: dict[str, Scale]) -> RiskOfGroup:
    return RiskOfGroup(
        group=one.group,
        stopped=one.stopped,
        limits=[_group_limits(row, scales.get(row.symbol)) for row in one.risk],
        positions=[_position(row, scales[row.symbol]) for row in one.positions],
        members=one.members,
    )


def _group_limits(row: GroupRiskState, scale: Scale | None) -> GroupRiskKnown:
    return GroupRiskKnown(
        symbol=row.symbol or None,
        long=_quantity(scale, row.long_lots_max),
        short=_quantity(scale, row.short_lots_max),
        open_notional=_amount(scale, row.open_notional_max),
        open_now=_amount(scale, row.open_notional),
        day_quantity=_quantity(scale, row.day_lots_max),
        traded_quantity=_quantity(scale, row.day_lots),
        day_notional=_amount(scale, row.day_notional_max),
        traded_notional=_amount(scale, row.day_notional),
        day_loss=_amount(scale, row.day_loss_max),
        day_result=_amount(scale, row.day_result),
        loss_stops=row.loss_stops,
    )


def _account(one: LimitedAccount, scales: dict[str, Scale]) -> RiskOfAccount:
    return RiskOfAccount(
        account=one.account,
        limits=[_limits(row, scales.get(row.symbol)) for row in one.risk],
        positions=[_position(row, scales[row.symbol]) for row in one.positions],
    )


def _limits(row: RiskState, scale: Scale | None) -> RiskKnown:
    return RiskKnown(
        symbol=row.symbol or None,
        long=_quantity(scale, row.long_lots_max),
        short=_quantity(scale, row.short_lots_max),
        open_notional=_amount(scale, row.open_notional_max),
        open_now=_amount(scale, row.open_notional),
        day_loss=_amount(scale, row.day_loss_max),
        day_result=_amount(scale, row.day_result),
        loss_stops=row.loss_stops,
        collar_basis_points=row.collar_basis_points,
        commands_per_fill=row.commands_per_fill_max,
        commands_from=row.commands_from,
        commands=row.commands,
        fills=row.fills,
        reduce_only=row.reduce_only,
    )


def _position(row: PositionState, scale: Scale) -> PositionKnown:
    return PositionKnown(
        symbol=row.symbol,
        position=_quantity(scale, row.position_lots),
        buying=_quantity(scale, row.buying_lots),
        selling=_quantity(scale, row.selling_lots),
        open_notional=_amount(scale, row.open_notional),
        day_result=_amount(scale, row.day_result),
    )


def _quantity(scale: Scale | None, lots: int) -> str:
    return str(lots) if scale is None else market_data.text(scale.quantity(lots))


def _amount(scale: Scale | None, tick_lots: int) -> str:
    return str(tick_lots) if scale is None else market_data.text(scale.amount(tick_lots))
