"""What accounts have at stake, worked out slowly: positions and results from reports alone, the rest from open orders.

Nothing here looks at what the matcher has counted, but for the prices of orders that were released without one. So
whoever drives an engine tells what it was told, and compares.
"""

from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any

from bus.protocol import reasons
from bus.protocol.commands import EnterOrder, SetRisk
from bus.protocol.reports import FILLED
from bus.protocol.terms import BUY, LIMIT, MARKET, PEGGED, SELL
from matcher.book.level import Order
from matcher.engine import Engine
from matcher.instruments import Instrument

DAY_NS = 24 * 3600 * 10**9


@dataclass
class NaivePosition:
    """`fills`: of today, as `(signed lots, price)`; what was there before them, and at which price."""

    before: int = 0
    mark: int = 0
    fills: list[tuple[int, int]] = field(default_factory=list)

    @property
    def lots(self) -> int:
        """Bought less sold."""
        return self.before + sum(lots for lots, _ in self.fills)

    def result(self, last: int) -> int:
        """Each fill against the last price, and what was there against the price that it had then."""
        moved = self.before * (last - self.mark) if self.mark else 0
        return moved + sum(lots * (last - price) for lots, price in self.fills)


class NaiveRisk:
    """Of all accounts that have limits. `limits`: by account and symbol."""

    def __init__(self) -> None:
        self.limits: dict[str, dict[str, SetRisk]] = {}
        self.positions: dict[tuple[str, str], NaivePosition] = {}
        self.valued: dict[tuple[str, int], int] = {}  # by order, if it says no price
        self.day = 0

    def is_set(self, command: SetRisk, instruments: dict[str, Instrument]) -> None:
        """An operator's word was taken."""
        mine = self.limits.setdefault(command.account, {})
        limits = (command.long_lots_max, command.short_lots_max, command.open_notional_max)
        others = (command.day_loss_max, command.collar_basis_points, command.commands_per_fill_max)
        if any((*limits, *others, command.reduce_only)):
            mine[command.symbol] = command
        else:
            mine.pop(command.symbol, None)
        if command.position_lots is not None:
            last = instruments[command.symbol].last_price_ticks
            self.positions[command.account, command.symbol] = NaivePosition(command.position_lots, last)
        if not mine:
            del self.limits[command.account]
            self.positions = {at: one for at, one in self.positions.items() if at[0] != command.account}
            self.valued = {at: one for at, one in self.valued.items() if at[0] != command.account}

    def begin(self, time_ns: int, lasts: dict[str, int]) -> None:
        """Time is this now, and these were the last prices until now."""
        if time_ns // DAY_NS != self.day:
            self.day = time_ns // DAY_NS
            for (_, symbol), one in self.positions.items():
                one.before, one.mark, one.fills = one.lots, lasts[symbol], []

    def reduced(self) -> set[tuple[str, str]]:
        """Accounts with the symbols in which their positions may only become smaller."""
        return {
            at
            for at in self.positions
            if any(self.limits[at[0]][one].reduce_only for one in ("", at[1]) if one in self.limits[at[0]])
        }

    def hear(self, told: Iterable[tuple[str, tuple[Any, ...]]]) -> set[tuple[str, str]]:
        """Reports with their accounts. Which positions have become larger by a fill."""
        larger = set()
        for account, event in told:
            if event[0] != FILLED or account not in self.limits:
                continue
            symbol, side, price, lots = event[7], event[8], event[10], event[11]
            position = self.positions.setdefault((account, symbol), NaivePosition())
            before = position.lots
            position.fills.append((lots if side == BUY else -lots, price))
            if abs(position.lots) > abs(before) or position.lots * before < 0:
                larger.add((account, symbol))
        return larger

    def verdict(self, engine: Engine, account: str, command: EnterOrder, expect: int) -> int:
        """Why an order is refused for its risk, if for nothing else; 0 when it is not. Ratios are not looked at.

        `expect`: what it is valued at if it says no price.
        """
        mine = self.limits.get(account, {})
        limits = [mine[symbol] for symbol in ("", command.symbol) if symbol in mine]
        if not limits or command.triggered_by:
            return 0
        instrument = engine.state.instruments[command.symbol]
        ours = self.open_orders(engine, account)
        price = command.price_ticks or command.trigger_price_ticks
        price = price or expect
        partner = engine.state.accounts[account].requests.get(command.cancels_with)
        group = 0
        if command.cancels_with:
            assert isinstance(partner, Order)
            (group,) = [one.group or one.number for one in ours if one.number == partner.sequence] or [-1]
            for one in ours:
                one.group = group if one.number == partner.sequence else one.group
        new = NaiveOpen(0, command.symbol, command.side, command.quantity_lots, price, group)
        position = self.positions.get((account, command.symbol), NaivePosition())
        sign = 1 if command.side == BUY else -1
        before = lots_open(ours, command.symbol, command.side)
        after = lots_open([*ours, new], command.symbol, command.side)
        worst = sign * position.lots + after
        broken = []
        result = {"": 0}
        for (name, symbol), held in self.positions.items():
            if name == account:
                result[symbol] = held.result(engine.state.instruments[symbol].last_price_ticks)
                result[""] += result[symbol]
        for limit in limits:
            most = limit.long_lots_max if command.side == BUY else limit.short_lots_max
            if after > before and 0 < most < worst:
                broken.append(reasons.POSITION_LIMIT)
            was = notional_open(ours, limit.symbol)
            becomes = notional_open([*ours, new], limit.symbol)
            if becomes > was and 0 < limit.open_notional_max < becomes:
                broken.append(reasons.OPEN_NOTIONAL_LIMIT)
            if 0 < limit.day_loss_max <= -result.get(limit.symbol, 0) and worst > 0:
                broken.append(reasons.DAILY_LOSS_LIMIT)
            last = instrument.last_price_ticks
            if limit.collar_basis_points and last and command.order_type in (LIMIT, MARKET):
                away = abs(command.price_ticks - last) if command.price_ticks else 0
                if away * 10_000 > limit.collar_basis_points * last:
                    broken.append(reasons.PRICE_COLLAR)
            if limit.reduce_only and worst > 0:
                broken.append(reasons.REDUCE_ONLY)
        return min(broken, default=0)

    def value(self, engine: Engine, expect: dict[int, int]) -> None:
        """What orders that say no price are valued at. `expect`: of those that came alone, by number."""
        for account in self.limits:
            for order in engine.state.accounts[account].open.values():
                assert isinstance(order, Order)
                if said_price(order) or (account, order.sequence) in self.valued or is_held(order):
                    continue
                if order.sequence in expect:
                    self.valued[account, order.sequence] = expect[order.sequence]
                else:  # released, or there before its account was limited
                    limits = engine.state.accounts[account].limits
                    assert limits is not None
                    assert limits.risk is not None
                    self.valued[account, order.sequence] = limits.risk.orders[order.sequence].ticks

    def open_orders(self, engine: Engine, account: str) -> "list[NaiveOpen]":
        """What the account has open and counts."""
        found = []
        for order in engine.state.accounts[account].open.values():
            assert isinstance(order, Order)
            if is_held(order):
                continue
            group = 0
            if order.instructions is not None and order.instructions.group is not None:
                group = order.instructions.group.number
            price = said_price(order) or self.valued[account, order.sequence]
            left = order.quantity_lots - order.filled_lots
            found.append(NaiveOpen(order.sequence, order.symbol, order.side, left, price, group))
        return found

    def states(self, engine: Engine, account: str) -> list[tuple[Any, ...]]:
        """Rows as in PositionState, of each instrument in which there is, or was, anything."""
        ours = self.open_orders(engine, account)
        rows = []
        for symbol, instrument in engine.state.instruments.items():
            position = self.positions.get((account, symbol), NaivePosition())
            row = (
                position.lots,
                lots_open(ours, symbol, BUY),
                lots_open(ours, symbol, SELL),
                notional_open(ours, symbol),
                position.result(instrument.last_price_ticks),
            )
            if any(row):
                rows.append((symbol, *row))
        return sorted(rows)


@dataclass
class NaiveOpen:
    """An open order. `group`: of those that cancel each other."""

    number: int
    symbol: str
    side: int
    lots: int
    price: int
    group: int


def lots_open(orders: list[NaiveOpen], symbol: str, side: int) -> int:
    """Of a group the most that one of it has."""
    most: dict[tuple[int, int], int] = {}
    for one in orders:
        if (one.symbol, one.side) == (symbol, side):
            key = (one.group, 0 if one.group else one.number)
            most[key] = max(most.get(key, 0), one.lots)
    return sum(most.values())


def notional_open(orders: list[NaiveOpen], symbol: str) -> int:
    """The same of what they are worth, of both sides; of all instruments with ""."""
    most: dict[tuple[int, int], int] = {}
    for one in orders:
        if symbol in ("", one.symbol):
            key = (one.group, 0 if one.group else one.number)
            most[key] = max(most.get(key, 0), one.lots * one.price)
    return sum(most.values())


def said_price(order: Order) -> int:
    """The limit, that of a pegged order too, or the trigger."""
    instructions = order.instructions
    price: int = order.price_ticks
    if order.order_type == PEGGED:
        assert instructions is not None
        price = instructions.limit_ticks
    if price or instructions is None:
        return price
    trigger: int = instructions.command.trigger_price_ticks
    return trigger


def expected(engine: Engine, symbol: str, side: int) -> int:
    """The best price of the other side, hidden orders too, unless a market order is first there; else the last one."""
    prices = [
        order.price_ticks
        for account in engine.state.accounts.values()
        for order in account.open.values()
        if isinstance(order, Order)
        and (order.symbol, order.level is not None) == (symbol, True)
        and order.side != side
    ]
    if not prices or 0 in prices:
        return engine.state.instruments[symbol].last_price_ticks
    return min(prices) if side == BUY else max(prices)


def is_held(order: Order) -> bool:
    """It waits for the fill of another one."""
    return order.instructions is not None and order.instructions.held_by != 0
