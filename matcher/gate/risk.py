"""What an account has at stake against its limits: a reason, or 0 when an order may pass.

Only orders of accounts with such limits come here. Those of the account and those of its group all hold, of the
instrument and of all; of several reasons the lowest is named. All that is open is thought to trade: a position is
judged by the worst that it could become, and no order is held back that makes it smaller.
"""

from typing import Final

from bus.protocol.commands import EnterOrder
from bus.protocol.reasons import (
    DAILY_LOSS_LIMIT,
    DAY_NOTIONAL_LIMIT,
    DAY_QUANTITY_LIMIT,
    OPEN_NOTIONAL_LIMIT,
    ORDER_TO_TRADE_LIMIT,
    POSITION_LIMIT,
    PRICE_COLLAR,
    REDUCE_ONLY,
)
from bus.protocol.terms import BUY, LIMIT, MARKET, PEGGED, WAITING
from matcher.book.level import Order
from matcher.gate.limits import price_to_expect
from matcher.instruments import Instrument
from matcher.ledger.account import Account
from matcher.ledger.products.spot import price_to_hold
from matcher.ledger.risk.limits import ALL_INSTRUMENTS, RiskLimit
from matcher.ledger.risk.position import POSITION_LOTS_MAX, Position
from matcher.ledger.risk.risk import Risk

_BASIS_POINTS: Final = 10_000


def enter_reason(
    risk: Risk,
    instruments: dict[str, Instrument],
    instrument: Instrument,
    account: Account,
    command: EnterOrder,
    chatters: bool,
) -> int:
    """Why an order may not enter. What waits for the fill of another one is judged at its release.

    `chatters`: the account sends too many commands for its fills.
    """
    if command.triggered_by:
        return ORDER_TO_TRADE_LIMIT if chatters else 0
    side = command.side
    price = command.price_ticks
    lots = command.quantity_lots
    ticks = price or command.trigger_price_ticks or price_to_expect(instrument, side)
    with_lots = with_notional = 0
    partner = account.requests.get(command.cancels_with) if command.cancels_with else None
    if isinstance(partner, Order):
        with_lots, with_notional = risk.counted_with(partner.sequence, side)
    collared = price if command.order_type in (LIMIT, MARKET) else 0
    return _day_reason(risk, instrument.symbol, lots, lots * ticks) or _reason(
        risk,
        instruments,
        instrument,
        side,
        lots - with_lots,
        lots * ticks - with_notional,
        collared,
        chatters,
    )


def replaced_reason(
    risk: Risk,
    instruments: dict[str, Instrument],
    instrument: Instrument,
    order: Order,
    price_ticks: int,
    quantity_lots: int,
    chatters: bool,
) -> int:
    """Why an open order may not become this; 0 keeps a value as it is. Just smaller it may become, whatever it is."""
    quantity = quantity_lots or order.quantity_lots
    grows = quantity > order.quantity_lots or (price_ticks != 0 and price_ticks != price_to_hold(order))
    if not grows or (order.instructions is not None and order.instructions.held_by):
        return ORDER_TO_TRADE_LIMIT if chatters else 0
    lots = max(0, quantity - order.filled_lots)
    ticks = price_ticks or risk.orders[order.sequence].ticks
    with_lots, with_notional = risk.counted_with(order.sequence, order.side)
    price: int = price_ticks or order.price_ticks
    more = lots if quantity > order.quantity_lots else 0
    return _day_reason(risk, instrument.symbol, more, lots * ticks) or _reason(
        risk,
        instruments,
        instrument,
        order.side,
        lots - with_lots,
        lots * ticks - with_notional,
        0 if order.status == WAITING or order.order_type == PEGGED else price,
        chatters,
    )


def release_reason(
    risk: Risk, instruments: dict[str, Instrument], instrument: Instrument, order: Order
) -> int:
    """Why an order that waited may not become active. Who waited for a price has counted all the while."""
    instructions = order.instructions
    assert instructions is not None, "only instructions make an order wait"
    side: int = order.side
    price: int = order.price_ticks
    if order.sequence in risk.orders:
        return _reason(risk, instruments, instrument, side, 0, 0, price, False)
    lots = order.quantity_lots - order.filled_lots
    ticks = price_to_hold(order) or instructions.command.trigger_price_ticks
    if not ticks:
        ticks = price_to_expect(instrument, side)
    with_lots = with_notional = 0
    if instructions.group is not None:
        with_lots, with_notional = risk.counted_together(instructions.group.number, side)
    collared = price if order.order_type in (LIMIT, MARKET) else 0
    return _reason(
        risk,
        instruments,
        instrument,
        side,
        lots - with_lots,
        lots * ticks - with_notional,
        collared,
        False,
    )


def _reason(
    risk: Risk,
    instruments: dict[str, Instrument],
    instrument: Instrument,
    side: int,
    more_lots: int,
    more_notional: int,
    price_ticks: int,
    chatters: bool,
) -> int:
    """Why an order may not become what it is to be. O(1); O(positions) where something of all of them is limited.

    `more_lots` and `more_notional`: what would be open more than now, on its side and in all. `price_ticks`: its limit
    if it may trade now, else 0.
    """
    symbol = instrument.symbol
    position = risk.positions.get(symbol)
    if position is None:
        position = Position()
    grows = worst_lots(position, side) + max(0, more_lots) > 0
    of_group = 0
    group = risk.group
    if group is not None:
        of_group = _stake_reason(
            group.by_symbol, group.positions, instruments, symbol, side, more_lots, more_notional, grows
        )
        if of_group == POSITION_LIMIT:
            return of_group
    reason = _stake_reason(
        risk.by_symbol, risk.positions, instruments, symbol, side, more_lots, more_notional, grows
    )
    if of_group and (not reason or of_group < reason):
        reason = of_group
    if reason:
        return reason
    last: int = instrument.last_price_ticks
    if price_ticks and last and _is_beyond_collar(risk, symbol, price_ticks, last):
        return PRICE_COLLAR
    if chatters:
        return ORDER_TO_TRADE_LIMIT
    return REDUCE_ONLY if grows and only_reduces(risk, symbol) else 0


def _stake_reason(
    by_symbol: dict[str, RiskLimit],
    positions: dict[str, Position],
    instruments: dict[str, Instrument],
    symbol: str,
    side: int,
    more_lots: int,
    more_notional: int,
    grows: bool,
) -> int:
    """The same of what an account, or its group, has at stake. `grows`: the account's position could become larger."""
    own = by_symbol.get(symbol)
    common = by_symbol.get(ALL_INSTRUMENTS)
    if more_lots > 0:
        position = positions.get(symbol)
        worst = more_lots if position is None else worst_lots(position, side) + more_lots
        if _exceeds_position(own, side, worst) or _exceeds_position(common, side, worst):
            return POSITION_LIMIT
        if worst > POSITION_LOTS_MAX:
            return POSITION_LIMIT
    if more_notional > 0 and (
        _exceeds_notional(own, positions, symbol, more_notional)
        or _exceeds_notional(common, positions, ALL_INSTRUMENTS, more_notional)
    ):
        return OPEN_NOTIONAL_LIMIT
    return DAILY_LOSS_LIMIT if grows and is_lost(by_symbol, positions, instruments, symbol) else 0


def _day_reason(risk: Risk, symbol: str, lots: int, notional: int) -> int:
    """Why the members of the account's group may not trade so much more today."""
    if risk.group is None:
        return 0
    days = [day for day in (risk.group.days.get(symbol), risk.group.days.get(ALL_INSTRUMENTS)) if day]
    for day in days:
        if 0 < day.lots_max < day.lots + lots:
            return DAY_QUANTITY_LIMIT
    for day in days:
        if 0 < day.notional_max < day.notional + notional:
            return DAY_NOTIONAL_LIMIT
    return 0


def open_notional(positions: dict[str, Position], symbol: str) -> int:
    """What open orders are worth, in an instrument or in all. O(1), O(positions) for all."""
    if symbol:
        position = positions.get(symbol)
        return 0 if position is None else position.open_notional
    return sum([position.open_notional for position in positions.values()])


def only_reduces(risk: Risk, symbol: str) -> bool:
    """Whether the account's position in an instrument may only become smaller, by an operator's word."""
    own = risk.by_symbol.get(symbol)
    common = risk.by_symbol.get(ALL_INSTRUMENTS)
    return (own is not None and own.reduce_only) or (common is not None and common.reduce_only)


def is_lost(
    by_symbol: dict[str, RiskLimit],
    positions: dict[str, Position],
    instruments: dict[str, Instrument],
    symbol: str,
) -> bool:
    """Whether all that may be lost in a day is lost, in an instrument or in all. O(1), O(positions) for all."""
    own = by_symbol.get(symbol)
    common = by_symbol.get(ALL_INSTRUMENTS)
    return is_reached(own, positions, instruments, symbol) or is_reached(
        common, positions, instruments, ALL_INSTRUMENTS
    )


def is_reached(
    limit: RiskLimit | None, positions: dict[str, Position], instruments: dict[str, Instrument], symbol: str
) -> bool:
    """Whether the loss of one limit, which is of this symbol or of all, is reached."""
    if limit is None or not limit.day_loss_max:
        return False
    return limit.day_loss_max <= -result_of_day(positions, instruments, symbol)


def result_of_day(positions: dict[str, Position], instruments: dict[str, Instrument], symbol: str) -> int:
    """What the day has brought in an instrument, or in all, in ticks times lots. Below 0: a loss."""
    if symbol:
        position = positions.get(symbol)
        return 0 if position is None else position.result(instruments[symbol].last_price_ticks)
    result = 0
    for one, position in positions.items():
        result += position.result(instruments[one].last_price_ticks)
    return result


def worst_lots(position: Position, side: int) -> int:
    """What a position would be if all that is open on a side traded, as one of that side. Up to 0: it gets smaller."""
    return position.lots + position.buying if side == BUY else position.selling - position.lots


def _exceeds_position(limit: RiskLimit | None, side: int, worst_lots: int) -> bool:
    if limit is None:
        return False
    return 0 < (limit.long_lots_max if side == BUY else limit.short_lots_max) < worst_lots


def _exceeds_notional(
    limit: RiskLimit | None, positions: dict[str, Position], symbol: str, more_notional: int
) -> bool:
    if limit is None or not limit.open_notional_max:
        return False
    return limit.open_notional_max < open_notional(positions, symbol) + more_notional


def _is_beyond_collar(risk: Risk, symbol: str, price_ticks: int, last_ticks: int) -> bool:
    """Whether a price is further away from the last one than a collar allows, in either direction."""
    for limit in (risk.by_symbol.get(symbol), risk.by_symbol.get(ALL_INSTRUMENTS)):
        if limit is None or not limit.collar_basis_points:
            continue
        if abs(price_ticks - last_ticks) * _BASIS_POINTS > limit.collar_basis_points * last_ticks:
            return True
    return False
