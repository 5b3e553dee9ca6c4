"""Counting: what each open order of an account with limits of its risk counts with, and all of them anew.

Lots are those that an order has left. They are valued at its price, that of a pegged order at its worst price; without
one at its trigger; without either at the price that was to be expected when it began to count, which stays.
"""

from matcher.book.level import Order, open_orders_of
from matcher.gate.limits import price_to_expect
from matcher.instruments import Instrument
from matcher.ledger.account import Account
from matcher.ledger.products.spot import price_to_hold
from matcher.ledger.risk.position import Position
from matcher.ledger.risk.risk import Risk


def count_order(risk: Risk, order: Order, instrument: Instrument, group: int = 0) -> None:
    """An open order counts as it is now. O(1), O(its group) when linked. `group`: unless it is in one."""
    lots = order.quantity_lots - order.filled_lots
    ticks = ticks_of(order)
    instructions = order.instructions
    if instructions is not None:
        if instructions.held_by:
            lots = 0
        if instructions.group is not None:
            group = instructions.group.number
    if not ticks:
        before = risk.orders.get(order.sequence)
        ticks = before.ticks if before is not None else price_to_expect(instrument, order.side)
    risk.count(order.sequence, order.symbol, order.side, lots, ticks, group)


def ticks_of(order: Order) -> int:
    """The price that an order says itself; 0 when it says none."""
    price = price_to_hold(order)
    if price or order.instructions is None:
        return price
    trigger: int = order.instructions.command.trigger_price_ticks
    return trigger


def count_all(
    risk: Risk, account: Account, instruments: dict[str, Instrument], valued: dict[int, int]
) -> None:
    """All open orders of an account count, which none did. `valued`: the prices that stay, by order. O(open orders)."""
    for order in open_orders_of(account):
        ticks = valued.get(order.sequence)
        if ticks is not None and not ticks_of(order):
            risk.value(order.sequence, order.symbol, order.side, ticks)
        count_order(risk, order, instruments[order.symbol])


def valued_rows(risk: Risk, account: Account) -> list[tuple[int, int]]:
    """The orders that say no price themselves, with what each of their lots counts. O(open orders)."""
    rows: list[tuple[int, int]] = []
    for order in open_orders_of(account):
        counted = risk.orders.get(order.sequence)
        if counted is not None and not ticks_of(order):
            rows.append((order.sequence, counted.ticks))
    return rows


def check_risk(account: Account, risk: Risk, instruments: dict[str, Instrument]) -> None:
    """AssertionError when something counts otherwise than the open orders say. O(open orders)."""
    for limit in risk.by_symbol.values():
        limit.check()
    again = Risk()
    count_all(again, account, instruments, dict(valued_rows(risk, account)))
    assert sorted(again.orders) == sorted(risk.orders), "all open orders count, and no others"
    for symbol in dict.fromkeys([*again.positions, *risk.positions]):
        counted = risk.positions.get(symbol, Position())
        anew = again.positions.get(symbol, Position())
        assert (counted.buying, counted.selling, counted.open_notional) == (
            anew.buying,
            anew.selling,
            anew.open_notional,
        ), f"what {account.name} has open in {symbol} is counted"
