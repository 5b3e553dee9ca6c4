"""What one account has at stake: limits by symbol, positions, and what each of its open orders adds to them.

An order counts with the lots that it has left, at its price (`matcher.counting` says which one that is).
Orders that cancel each other count once: the most lots of each side, and the largest notional, since only one of them
trades. What waits for the fill of another order counts from its release on.
"""

from mypy_extensions import mypyc_attr

from bus.protocol.terms import BUY
from matcher.ledger.risk.group import GroupRisk
from matcher.ledger.risk.limits import ALL_INSTRUMENTS, RiskLimit
from matcher.ledger.risk.position import Position


@mypyc_attr(acyclic=True)
class Counted:
    """What an open order counts with. `group`: the number of the group that it counts with, 0 for none."""

    __slots__ = ("group", "lots", "side", "symbol", "ticks")

    def __init__(self, symbol: str, side: int, lots: int, ticks: int, group: int) -> None:
        self.symbol = symbol
        self.side = side
        self.lots = lots
        self.ticks = ticks
        self.group = group


@mypyc_attr(acyclic=True)
class Together:
    """What a group of orders that cancel each other counts with. `members`: by the sequence of their orders."""

    __slots__ = ("buying", "members", "notional", "selling")

    def __init__(self) -> None:
        self.members: dict[int, Counted] = {}
        self.buying = 0
        self.selling = 0
        self.notional = 0


class Risk:
    """Of one account. `by_symbol`: as they were set first. `orders`: those that count, by sequence."""

    __slots__ = ("by_symbol", "group", "groups", "orders", "positions")

    def __init__(self) -> None:
        #: that of the group in which the account is, if anything of that is limited
        self.group: GroupRisk | None = None
        self.by_symbol: dict[str, RiskLimit] = {}
        self.positions: dict[str, Position] = {}
        self.orders: dict[int, Counted] = {}
        self.groups: dict[int, Together] = {}

    @property
    def is_any(self) -> bool:
        """Whether anything is limited, of the account or of its group."""
        return bool(self.by_symbol) or self.group is not None

    @property
    def limits_loss(self) -> bool:
        """Whether the loss of a day is limited."""
        if any(limit.day_loss_max != 0 for limit in self.by_symbol.values()):
            return True
        group = self.group
        return group is not None and any(limit.day_loss_max != 0 for limit in group.by_symbol.values())

    def position(self, symbol: str) -> Position:
        """Of an instrument, from now on there."""
        position = self.positions.get(symbol)
        if position is None:
            position = self.positions[symbol] = Position()
        return position

    # What is open.

    def count(self, sequence: int, symbol: str, side: int, lots: int, ticks: int, group: int) -> None:
        """An open order counts so from now on; with 0 lots it does not. O(1), O(its group) when linked."""
        before = self.orders.get(sequence)
        if before is not None:
            if not group and not before.group and lots:  # nearly every time
                self._open(symbol, side, lots - before.lots, lots * ticks - before.lots * before.ticks)
                before.lots = lots
                before.ticks = ticks
                return
            self.uncount(sequence)
        if not lots:
            return
        counted = self.orders[sequence] = Counted(symbol, side, lots, ticks, group)
        if not group:
            self._open(symbol, side, lots, lots * ticks)
            return
        together = self.groups.get(group)
        if together is None:
            together = self.groups[group] = Together()
        together.members[sequence] = counted
        self._count_together(together, symbol)

    def value(self, sequence: int, symbol: str, side: int, ticks: int) -> None:
        """An order that says no price itself is valued so, before it counts for the first time."""
        self.orders[sequence] = Counted(symbol, side, 0, ticks, 0)

    def uncount(self, sequence: int) -> None:
        """An order counts no more: it has ended."""
        counted = self.orders.pop(sequence, None)
        if counted is None:
            return
        if not counted.group:
            self._open(counted.symbol, counted.side, -counted.lots, -counted.lots * counted.ticks)
            return
        together = self.groups[counted.group]
        del together.members[sequence]
        self._count_together(together, counted.symbol)
        if not together.members:
            del self.groups[counted.group]

    def counted_with(self, sequence: int, side: int) -> tuple[int, int]:
        """Lots of a side and notional with which an order counts, or its group does."""
        counted = self.orders.get(sequence)
        if counted is None:
            return 0, 0
        if not counted.group:
            return counted.lots if counted.side == side else 0, counted.lots * counted.ticks
        return self.counted_together(counted.group, side)

    def counted_together(self, group: int, side: int) -> tuple[int, int]:
        """The same, of a group of orders that cancel each other."""
        together = self.groups.get(group)
        if together is None:
            return 0, 0
        return together.buying if side == BUY else together.selling, together.notional

    def _open(self, symbol: str, side: int, lots: int, notional: int) -> None:
        buying, selling = (lots, 0) if side == BUY else (0, lots)
        self._opened(symbol, buying, selling, notional)

    def _opened(self, symbol: str, buying: int, selling: int, notional: int) -> None:
        self.position(symbol).opened(buying, selling, notional)
        if self.group is not None:
            self.group.position(symbol).opened(buying, selling, notional)

    def _count_together(self, together: Together, symbol: str) -> None:
        buying = selling = notional = 0
        for one in together.members.values():
            if one.side == BUY:
                buying = max(buying, one.lots)
            else:
                selling = max(selling, one.lots)
            notional = max(notional, one.lots * one.ticks)
        self._opened(
            symbol, buying - together.buying, selling - together.selling, notional - together.notional
        )
        together.buying, together.selling, together.notional = buying, selling, notional

    # What has happened.

    def filled(self, symbol: str, side: int, lots: int, notional: int) -> None:
        """So much of an order has traded; what is left of it is counted by the caller."""
        self.position(symbol).filled(side, lots, notional)
        if self.group is not None:
            self.group.position(symbol).filled(side, lots, notional)
            self.group.traded(symbol, lots, notional)
        own = self.by_symbol.get(symbol)
        if own is not None:
            own.filled()
        common = self.by_symbol.get(ALL_INSTRUMENTS)
        if common is not None:
            common.filled()

    def sent(self, symbol: str) -> bool:
        """A command has come, of an instrument or, with "", of none: whether they are too many for so few fills."""
        own = self.by_symbol.get(symbol) if symbol else None
        common = self.by_symbol.get(ALL_INSTRUMENTS)
        too_many = own is not None and own.sent()
        if common is not None and common.sent():
            too_many = True
        return too_many

    def begin_day(self, last_ticks: dict[str, int]) -> None:
        """In this trading day nothing has happened yet. `last_ticks`: the last trade's price of each instrument.

        What its group has is counted again by the caller.
        """
        for symbol, position in self.positions.items():
            position.begin_day(last_ticks[symbol])
        for limit in self.by_symbol.values():
            limit.commands = limit.fills = 0

    def copy(self) -> "Risk":
        """The same, sharing nothing. O(open orders)."""
        copied = Risk()
        copied.group = None if self.group is None else self.group.copy()
        for symbol, limit in self.by_symbol.items():
            copied.by_symbol[symbol] = limit.copy()
        for symbol, position in self.positions.items():
            copied.positions[symbol] = position.copy()
        for sequence, one in self.orders.items():
            copied.orders[sequence] = counted = Counted(one.symbol, one.side, one.lots, one.ticks, one.group)
            if one.group:
                together = copied.groups.get(one.group)
                if together is None:
                    before = self.groups[one.group]
                    together = copied.groups[one.group] = Together()
                    together.buying, together.selling = before.buying, before.selling
                    together.notional = before.notional
                together.members[sequence] = counted
        return copied
