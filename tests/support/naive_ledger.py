"""What accounts have and hold, worked out slowly: totals from reports alone, holds from the open orders alone.

Nothing here looks at what the ledger has counted. `Outsider` hears reports, as a reader of the drop copy does.
"""

from collections.abc import Iterable
from typing import Any

import msgspec

from bus.protocol.reports import MOVED, SETTLED, Moved, Settled
from bus.protocol.terms import BUY, PEGGED
from matcher.book.level import Order
from matcher.engine import Engine


class Outsider:
    """Totals by account and asset, from 0 on. Each report must say what they come to."""

    def __init__(self) -> None:
        self.totals: dict[tuple[str, str], int] = {}

    def hear(self, told: Iterable[tuple[str, tuple[Any, ...]]]) -> None:
        """Reports with their accounts. What one command moves adds up to nothing, asset by asset."""
        moved: dict[tuple[int, str], int] = {}
        for account, event in told:
            if event[0] == MOVED:
                report = msgspec.convert(event, Moved)
                amount = report.amount if account == report.target else -report.amount
                assert account in (report.source, report.target)
                self._move(moved, report.sequence, account, report.asset, amount)
                assert self.totals[account, report.asset] == report.total
            elif event[0] == SETTLED:
                fill = msgspec.convert(event, Settled)
                self._move(moved, fill.sequence, account, fill.paid_asset, -fill.paid)
                self._move(moved, fill.sequence, account, fill.received_asset, fill.received)
        assert not any(moved.values()), "what leaves one account comes to another"

    def _move(
        self, moved: dict[tuple[int, str], int], sequence: int, account: str, asset: str, amount: int
    ) -> None:
        self.totals[account, asset] = self.totals.get((account, asset), 0) + amount
        moved[sequence, asset] = moved.get((sequence, asset), 0) + amount


def totals_of(engine: Engine) -> dict[tuple[str, str], int]:
    """What the engine says that accounts have."""
    return {
        (account, row[0]): row[2] for account in engine.state.accounts for row in engine.balances(account)
    }


def holds_of(engine: Engine) -> dict[tuple[str, str], int]:
    """What the engine says that their orders hold, where that is anything."""
    return {
        (account, row[0]): row[3]
        for account in engine.state.accounts
        for row in engine.balances(account)
        if row[3]
    }


def naive_holds(engine: Engine) -> dict[tuple[str, str], int]:
    """The same, from the open orders and the definitions of what they trade."""
    single: dict[tuple[str, str], int] = {}
    grouped: dict[tuple[str, str, int], int] = {}
    for name, account in engine.state.accounts.items():
        for order in account.open.values():
            assert isinstance(order, Order)
            asset, units = _need(engine, order)
            group = None if order.instructions is None else order.instructions.group
            if group is None:
                single[name, asset] = single.get((name, asset), 0) + units
            else:
                key = (name, asset, group.number)
                grouped[key] = max(grouped.get(key, 0), units)
    for (name, asset, _), units in grouped.items():
        single[name, asset] = single.get((name, asset), 0) + units
    return {place: units for place, units in single.items() if units}


def _need(engine: Engine, order: Order) -> tuple[str, int]:
    definition = engine.state.instruments[order.symbol].definition
    assert engine.state.ledger is not None
    decimals = engine.state.ledger.assets
    lots = order.quantity_lots - order.filled_lots
    instructions = order.instructions
    if instructions is not None and instructions.held_by:
        lots = 0
    if order.side != BUY:
        scale = 10 ** decimals[definition.base]
        return definition.base, lots * definition.lot_mantissa * scale // 10**definition.lot_decimals
    price = order.price_ticks
    if order.order_type == PEGGED:
        assert instructions is not None
        price = instructions.limit_ticks
    scale = 10 ** decimals[definition.quote]
    notional = price * definition.tick_mantissa * lots * definition.lot_mantissa * scale
    return definition.quote, notional // 10 ** (definition.tick_decimals + definition.lot_decimals)
