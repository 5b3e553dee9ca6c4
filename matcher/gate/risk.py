"""What an account has at stake against its limits: a reason, or 0 when an order may pass.

Only orders of accounts with such limits come here. Those of the instrument and those of all instruments both hold; of
several reasons the lowest is named. All that is open is thought to trade: a position is judged by the worst that it
could become, and no order is held back that makes it smaller.
"""

from typing import Final

from bus.protocol.commands import EnterOrder
from bus.protocol.reasons import (
    DAILY_LOSS_LIMIT,
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
    return _reason(
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
    return _reason(
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
    own = risk.by_symbol.get(symbol)
    common = risk.by_symbol.get(ALL_INSTRUMENTS)
    position = risk.positions.get(symbol)
    if position is None:
        position = Position()
    worst = worst_lots(position, side) + max(0, more_lots)
    if more_lots > 0 and (
        _exceeds_position(own, side, worst)
        or _exceeds_position(common, side, worst)
        or worst > POSITION_LOTS_MAX
    ):
        return POSITION_LIMIT
    if more_notional > 0:
        if own is not None and 0 < own.open_notional_max < position.open_notional + more_notional:
            return OPEN_NOTIONAL_LIMIT
        if common is not None and 0 < common.open_notional_max < open_notional(risk, "") + more_notional:
            return OPEN_NOTIONAL_LIMIT
    if worst > 0 and is_lost(risk, instruments, symbol):
        return DAILY_LOSS_LIMIT
    last: int = instrument.last_price_ticks
    if price_ticks and last and (_is_beyond(own, price_ticks, last) or _is_beyond(common, price_ticks, last)):
        return PRICE_COLLAR
    if chatters:
        return ORDER_TO_TRADE_LIMIT
    return REDUCE_ONLY if worst > 0 and only_reduces(risk, symbol) else 0


def open_notional(risk: Risk, symbol: str) -> int:
    """What the open orders of an account are worth, in an instrument or in all. O(1), O(positions) for all."""
    if symbol:
        position = risk.positions.get(symbol)
        return 0 if position is None else position.open_notional
    return sum([position.open_notional for position in risk.positions.values()])


def only_reduces(risk: Risk, symbol: str) -> bool:
    """Whether the account's position in an instrument may only become smaller, by an operator's word."""
    own = risk.by_symbol.get(symbol)
    common = risk.by_symbol.get(ALL_INSTRUMENTS)
    return (own is not None and own.reduce_only) or (common is not None and common.reduce_only)


def is_lost(risk: Risk, instruments: dict[str, Instrument], symbol: str) -> bool:
    """Whether all that may be lost in a day is lost, of an instrument or of all. O(1), O(positions) for all."""
    own = risk.by_symbol.get(symbol)
    common = risk.by_symbol.get(ALL_INSTRUMENTS)
    return is_reached(own, risk, instruments, symbol) or is_reached(
        common, risk, instruments, ALL_INSTRUMENTS
    )


def is_reached(limit: RiskLimit | None, risk: Risk, instruments: dict[str, Instrument], symbol: str) -> bool:
    """Whether the loss of one limit, which is of this symbol or of all, is reached."""
    return limit is not None and 0 < limit.day_loss_max <= -result_of_day(risk, instruments, symbol)


def result_of_day(risk: Risk, instruments: dict[str, Instrument], symbol: str) -> int:
    """What the day has brought an account in an instrument, or in all, in ticks times lots. Below 0: a loss."""
    if symbol:
        position = risk.positions.get(symbol)
        return 0 if position is None else position.result(instruments[symbol].last_price_ticks)
    result = 0
    for one, position in risk.positions.items():
        result += position.result(instruments[one].last_price_ticks)
    return result


def worst_lots(position: Position, side: int) -> int:
    """What a position would be if all that is open on a side traded, as one of that side. Up to 0: it gets smaller."""
    return position.lots + position.buying if side == BUY else position.selling - position.lots


def _exceeds_position(limit: RiskLimit | None, side: int, worst_lots: int) -> bool:
    if limit is None:
        return False
    return 0 < (limit.long_lots_max if side == BUY else limit.short_lots_max) < worst_lots


def _is_beyond(limit: RiskLimit | None, price_ticks: int, last_ticks: int) -> bool:
    """Whether a price is further away from the last one than a collar allows, in either direction."""
    if limit is None or not limit.collar_basis_points:
        return False
    return abs(price_ticks - last_ticks) * _BASIS_POINTS > limit.collar_basis_points * last_ticks
