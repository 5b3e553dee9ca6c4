"""What accounts have, hold and pay, worked out slowly: totals from reports, holds from open orders, fees from fills.

Nothing here looks at what the ledger has counted. `Outsider` hears reports, as a reader of the drop copy does.
"""

from collections.abc import Iterable, Mapping
from typing import Any

import msgspec

from bus.protocol.commands import DefineInstrument
from bus.protocol.reports import FILLED, MOVED, SETTLED, Filled, Moved, Settled
from bus.protocol.terms import (
    BUY,
    IN_AUCTION,
    IN_BASE,
    IN_QUOTE,
    IN_RECEIVED,
    IN_THIRD,
    MAKER,
    PEGGED,
    TAKER,
    VENUE_FEES,
)
from matcher.book.level import Order
from matcher.engine import Engine
from matcher.ledger.account import AccountGroup
from matcher.ledger.fees.schedule import FeeSchedule
from tests.support.naive_fees import NaiveVolumes, naive_fee, naive_worst_fee


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
                if fill.fee_asset:
                    self._move(moved, fill.sequence, account, fill.fee_asset, -fill.fee)
                    self._move(moved, fill.sequence, VENUE_FEES, fill.fee_asset, fill.fee)
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
            group = None if order.instructions is None else order.instructions.group
            for asset, units in needs(engine, order).items():
                if group is None:
                    single[name, asset] = single.get((name, asset), 0) + units
                else:
                    key = (name, asset, group.number)
                    grouped[key] = max(grouped.get(key, 0), units)
    for (name, asset, _), units in grouped.items():
        single[name, asset] = single.get((name, asset), 0) + units
    return {place: units for place, units in single.items() if units}


def needs(engine: Engine, order: Order) -> dict[str, int]:
    """What an order is to hold of each asset: what backs it, and its worst fee."""
    asset, units = _backing(engine, order)
    found = {asset: units}
    known = engine.state.ledger
    assert known is not None
    charging = known.products[order.symbol].fees
    if charging is not None and units:
        schedule, buys = charging.schedule, order.side == BUY
        fee_asset, of_proceeds = paid_with(engine.state.instruments[order.symbol].definition, schedule, buys)
        if not of_proceeds:
            lots = order.quantity_lots - order.filled_lots
            price = _worst_price(order) if buys else charging.price_high_ticks
            base, quote = amounts(engine, order.symbol, lots, price)
            worst = naive_worst_fee(schedule, lots, base, quote, price, buys)
            found[fee_asset] = found.get(fee_asset, 0) + worst
    return found


def paid_with(definition: DefineInstrument, schedule: FeeSchedule, buys: bool) -> tuple[str, bool]:
    """The asset of a fee, and whether the fill brings it."""
    received = definition.base if buys else definition.quote
    asset = {
        IN_QUOTE: definition.quote,
        IN_BASE: definition.base,
        IN_RECEIVED: received,
        IN_THIRD: schedule.asset,
    }[schedule.paid_in]
    return asset, asset == received


def amounts(engine: Engine, symbol: str, lots: int, price_ticks: int) -> tuple[int, int]:
    """What a fill of so much comes to, in units of the base and of the quote asset."""
    definition = engine.state.instruments[symbol].definition
    assert engine.state.ledger is not None
    decimals = engine.state.ledger.assets
    base = lots * definition.lot_mantissa * 10 ** decimals[definition.base] // 10**definition.lot_decimals
    notional = price_ticks * definition.tick_mantissa * lots * definition.lot_mantissa
    decimal_places = definition.tick_decimals + definition.lot_decimals
    return base, notional * 10 ** decimals[definition.quote] // 10**decimal_places


def _worst_price(order: Order) -> int:
    if order.order_type != PEGGED:
        return order.price_ticks
    assert order.instructions is not None
    return order.instructions.limit_ticks


def _backing(engine: Engine, order: Order) -> tuple[str, int]:
    definition = engine.state.instruments[order.symbol].definition
    lots = order.quantity_lots - order.filled_lots
    if order.instructions is not None and order.instructions.held_by:
        lots = 0
    base, quote = amounts(engine, order.symbol, lots, _worst_price(order))
    return (definition.quote, quote) if order.side == BUY else (definition.base, base)


class NaiveCharges:
    """Each fee worked out again: from the fills, from what was set, and from everything that was ever traded."""

    def __init__(self) -> None:
        self.volumes: dict[str, NaiveVolumes] = {}
        #: how many there were of each kind: charges, rebates, by who took and who did not, in which asset
        self.seen: dict[str, int] = {}

    def hear(
        self, engine: Engine, terms: Mapping[str, FeeSchedule], told: Iterable[tuple[str, tuple[Any, ...]]]
    ) -> None:
        """The reports of one command. `terms`: the schedules by symbol that hold for its fills."""
        fills: dict[tuple[str, int, int], Filled] = {}
        for account, event in told:
            if event[0] == FILLED:
                fill = msgspec.convert(event, Filled)
                fills[account, fill.order_id, fill.trade_id] = fill
            elif event[0] == SETTLED:
                settled = msgspec.convert(event, Settled)
                fill = fills.pop((account, settled.order_id, settled.trade_id))
                fee, asset = self._fee(engine, terms.get(fill.symbol), account, fill)
                assert (settled.fee, settled.fee_asset) == (fee, asset if fee else ""), (account, fill)

    def _fee(
        self, engine: Engine, schedule: FeeSchedule | None, account: str, fill: Filled
    ) -> tuple[int, str]:
        if schedule is None:
            return 0, ""
        base, quote = amounts(engine, fill.symbol, fill.quantity_lots, fill.price_ticks)
        day = fill.time_ns // (24 * 3600 * 10**9)
        volume = self.volumes.setdefault(account, NaiveVolumes())
        assert engine.state.ledger is not None
        traded = volume.at(day)
        tier = sum(traded >= threshold for threshold in engine.state.ledger.thresholds)
        volume.add(day, quote * schedule.volume_numerator // schedule.volume_denominator)
        maker, taker = schedule.rates[min(tier, len(schedule.rates) - 1)]
        rate = {MAKER: maker, TAKER: taker, IN_AUCTION: max(maker, taker)}[fill.liquidity]
        group = next(
            (one for one in engine.state.groups.values() if account in one.members), AccountGroup("none", 0)
        )
        buys = fill.side == BUY
        fee = naive_fee(schedule, rate, group.discount, base, quote, fill.price_ticks, buys)
        for word in (
            f"tier {tier}",
            f"role {fill.liquidity}",
            "rebate" if fee < 0 else "fee" if fee else "free",
        ):
            self.seen[word] = self.seen.get(word, 0) + 1
        return fee, paid_with(engine.state.instruments[fill.symbol].definition, schedule, buys)[0]
