"""What accounts have at stake, worked out slowly: positions and results from reports alone, the rest from open orders.

Nothing here looks at what the matcher has counted, but for the prices of orders that were released without one. So
whoever drives an engine tells what it was told, and compares.
"""

from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any

from bus.protocol import reasons
from bus.protocol.commands import (
    EnterOrder,
    JoinGroup,
    SetGroup,
    SetGroupKillSwitch,
    SetGroupRisk,
    SetRisk,
)
from bus.protocol.reports import FILLED, KILL_SWITCH_SET
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
    """Of all accounts that have limits. `limits`: by account and symbol; `group_limits`: by group and symbol.

    `traded_by`: what each account has traded today; `traded`: what counts for each limit of the day of a group. Each a
    symbol, lots and notional.
    """

    def __init__(self) -> None:
        self.limits: dict[str, dict[str, SetRisk]] = {}
        self.positions: dict[tuple[str, str], NaivePosition] = {}
        self.valued: dict[tuple[str, int], int] = {}  # by order, if it says no price
        self.day = 0
        self.group_limits: dict[str, dict[str, SetGroupRisk]] = {}
        self.members: dict[str, list[str]] = {}
        self.stopped: set[str] = set()
        self.traded: dict[tuple[str, str], list[tuple[str, int, int]]] = {}
        self.traded_by: dict[str, list[tuple[str, int, int]]] = {}

    def is_said(self, command: object, instruments: dict[str, Instrument]) -> None:
        """An operator's word was taken."""
        before = self.counted()
        if isinstance(command, SetRisk):
            mine = self.limits.setdefault(command.account, {})
            limits = (command.long_lots_max, command.short_lots_max, command.open_notional_max)
            others = (command.day_loss_max, command.collar_basis_points, command.commands_per_fill_max)
            _put(mine, command, any((*limits, *others, command.reduce_only)))
            if command.position_lots is not None:
                last = instruments[command.symbol].last_price_ticks
                self.positions[command.account, command.symbol] = NaivePosition(command.position_lots, last)
            if not mine:
                del self.limits[command.account]
        elif isinstance(command, SetGroup):
            self.members.setdefault(command.group, [])
        elif isinstance(command, JoinGroup):
            self._join(command.account, command.group)
        elif isinstance(command, SetGroupKillSwitch):
            (self.stopped.add if command.on else self.stopped.discard)(command.group)
        elif isinstance(command, SetGroupRisk):
            self._limit_group(command)
        self.positions = {at: one for at, one in self.positions.items() if at[0] in self.counted()}
        gone = before - self.counted()
        self.valued = {at: one for at, one in self.valued.items() if at[0] not in gone}

    def _join(self, account: str, group: str) -> None:
        if account in self.members.get(group, []):
            return
        for members in self.members.values():
            if account in members:
                members.remove(account)
        if group:
            self.members[group].append(account)

    def _limit_group(self, command: SetGroupRisk) -> None:
        theirs = self.group_limits.setdefault(command.group, {})
        limits = (command.long_lots_max, command.short_lots_max, command.open_notional_max)
        day = (command.day_lots_max, command.day_notional_max)
        _put(theirs, command, any((*limits, *day, command.day_loss_max)))
        place = (command.group, command.symbol)
        if not any(day):
            self.traded.pop(place, None)
        elif place not in self.traded:
            traded = [one for member in self.members[command.group] for one in self.traded_by.get(member, [])]
            self.traded[place] = [one for one in traded if command.symbol in ("", one[0])]
        if not theirs:
            del self.group_limits[command.group]

    def counted(self) -> set[str]:
        """Accounts of which, or of whose group, anything is limited."""
        limited = {*self.group_limits, *self.stopped}
        return {*self.limits} | {one for group in limited for one in self.members[group]}

    def group_of(self, account: str) -> str:
        """Its group, "" when it is in none."""
        return next((group for group, members in self.members.items() if account in members), "")

    def traded_of(self, group: str, symbol: str) -> tuple[int, int]:
        """Lots and notional of today, of a limit of a group."""
        trades = self.traded.get((group, symbol), [])
        return sum(lots for _, lots, _ in trades), sum(notional for _, _, notional in trades)

    def begin(self, time_ns: int, lasts: dict[str, int]) -> None:
        """Time is this now, and these were the last prices until now."""
        if time_ns // DAY_NS != self.day:
            self.day = time_ns // DAY_NS
            self.traded_by = {}
            self.traded = {place: [] for place in self.traded}
            for (_, symbol), one in self.positions.items():
                one.before, one.mark, one.fills = one.lots, lasts[symbol], []

    def reduced(self) -> set[tuple[str, str]]:
        """Accounts with the symbols in which their positions may only become smaller."""
        found = set()
        for account, symbol in self.positions:
            limits = self.limits.get(account, {})
            if any(limits[one].reduce_only for one in ("", symbol) if one in limits):
                found.add((account, symbol))
        return found

    def hear(self, told: Iterable[tuple[str, tuple[Any, ...]]]) -> set[tuple[str, str]]:
        """Reports with their accounts. Which positions have become larger by a fill."""
        larger = set()
        for account, event in told:
            if event[0] == KILL_SWITCH_SET and event[9]:  # the engine may have done it
                (self.stopped.add if event[6] else self.stopped.discard)(event[9])
            if event[0] != FILLED:
                continue
            symbol, side, price, lots = event[7], event[8], event[10], event[11]
            self.traded_by.setdefault(account, []).append((symbol, lots, lots * price))
            for (group, of), trades in self.traded.items():
                if account in self.members[group] and of in ("", symbol):
                    trades.append((symbol, lots, lots * price))
            if account not in self.counted():
                continue
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
        if account not in self.counted() or command.triggered_by:
            return 0
        price = command.price_ticks or command.trigger_price_ticks or expect
        group = 0
        partner = engine.state.accounts[account].requests.get(command.cancels_with)
        ours = self.open_orders(engine, [account])
        if command.cancels_with:
            assert isinstance(partner, Order)
            (group,) = [one.group or one.number for one in ours if one.number == partner.sequence] or [-1]
        joined = partner.sequence if isinstance(partner, Order) else 0
        new = NaiveOpen(joined, command.symbol, command.side, command.quantity_lots, price, group)
        grows = self._worst(engine, [account], new) > 0
        broken = []
        mine = self.limits.get(account, {})
        for limit in [mine[symbol] for symbol in ("", command.symbol) if symbol in mine]:
            broken += self._broken(engine, limit, [account], new, grows)
            last = engine.state.instruments[command.symbol].last_price_ticks
            if limit.collar_basis_points and last and command.order_type in (LIMIT, MARKET):
                away = abs(command.price_ticks - last) if command.price_ticks else 0
                if away * 10_000 > limit.collar_basis_points * last:
                    broken.append(reasons.PRICE_COLLAR)
            if limit.reduce_only and grows:
                broken.append(reasons.REDUCE_ONLY)
        name = self.group_of(account)
        theirs = self.group_limits.get(name, {})
        for one in [theirs[symbol] for symbol in ("", command.symbol) if symbol in theirs]:
            broken += self._broken(engine, one, self.members[name], new, grows)
            lots, notional = self.traded_of(name, one.symbol)
            if 0 < one.day_lots_max < lots + new.lots:
                broken.append(reasons.DAY_QUANTITY_LIMIT)
            if 0 < one.day_notional_max < notional + new.lots * price:
                broken.append(reasons.DAY_NOTIONAL_LIMIT)
        return min(broken, default=0)

    def _worst(self, engine: Engine, accounts: list[str], new: "NaiveOpen") -> int:
        """What the position could become on the side of a new order."""
        after = lots_open(self._with(engine, accounts, new), new.symbol, new.side)
        sign = 1 if new.side == BUY else -1
        return after + sign * sum(self._position(one, new.symbol).lots for one in accounts)

    def _broken(
        self,
        engine: Engine,
        limit: SetRisk | SetGroupRisk,
        accounts: list[str],
        new: "NaiveOpen",
        grows: bool,
    ) -> list[int]:
        """What a limit of these accounts says against a new order."""
        broken = []
        before, after = self.open_orders(engine, accounts), self._with(engine, accounts, new)
        most = limit.long_lots_max if new.side == BUY else limit.short_lots_max
        more = lots_open(after, new.symbol, new.side) > lots_open(before, new.symbol, new.side)
        if more and 0 < most < self._worst(engine, accounts, new):
            broken.append(reasons.POSITION_LIMIT)
        becomes = notional_open(after, limit.symbol)
        if becomes > notional_open(before, limit.symbol) and 0 < limit.open_notional_max < becomes:
            broken.append(reasons.OPEN_NOTIONAL_LIMIT)
        if limit.day_loss_max and grows:
            result = sum(
                one.result(engine.state.instruments[symbol].last_price_ticks)
                for (name, symbol), one in self.positions.items()
                if name in accounts and limit.symbol in ("", symbol)
            )
            if result <= -limit.day_loss_max:
                broken.append(reasons.DAILY_LOSS_LIMIT)
        return broken

    def _with(self, engine: Engine, accounts: list[str], new: "NaiveOpen") -> "list[NaiveOpen]":
        """The open orders and a new one, whose number is that of the order with which it cancels."""
        orders = self.open_orders(engine, accounts)
        for one in orders:
            one.group = new.group if one.number == new.number else one.group
        return [*orders, new]

    def _position(self, account: str, symbol: str) -> NaivePosition:
        return self.positions.get((account, symbol), NaivePosition())

    def value(self, engine: Engine, expect: dict[int, int]) -> None:
        """What orders that say no price are valued at. `expect`: of those that came alone, by number."""
        for account in sorted(self.counted()):
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

    def open_orders(self, engine: Engine, accounts: list[str]) -> "list[NaiveOpen]":
        """What these accounts have open and count."""
        found = []
        for account in accounts:
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

    def states(self, engine: Engine, accounts: list[str]) -> list[tuple[Any, ...]]:
        """Rows as in PositionState of these accounts together, where there is, or was, anything."""
        ours = self.open_orders(engine, accounts)
        rows = []
        for symbol, instrument in engine.state.instruments.items():
            positions = [self._position(account, symbol) for account in accounts]
            row = (
                sum(one.lots for one in positions),
                lots_open(ours, symbol, BUY),
                lots_open(ours, symbol, SELL),
                notional_open(ours, symbol),
                sum(one.result(instrument.last_price_ticks) for one in positions),
            )
            if any(row):
                rows.append((symbol, *row))
        return sorted(rows)


def _put(limits: dict[str, Any], command: SetRisk | SetGroupRisk, is_any: bool) -> None:
    if is_any:
        limits[command.symbol] = command
    else:
        limits.pop(command.symbol, None)


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
