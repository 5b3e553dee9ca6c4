"""What all members of a group of accounts have at stake together: their positions, and what they trade in a day.

The positions are the sums of those of the members, who hand on whatever changes of theirs (`matcher.ledger.risk.risk`).
"""

from collections.abc import Iterable

from mypy_extensions import mypyc_attr

from bus.protocol.terms import NUMBER_MAX
from matcher.ledger.risk.limits import ALL_INSTRUMENTS, RiskLimit
from matcher.ledger.risk.position import Position


@mypyc_attr(acyclic=True)
class DayLimit:
    """What may be traded in a trading day; 0 is no limit. `lots` and `notional`: what was, while either is limited."""

    __slots__ = ("lots", "lots_max", "notional", "notional_max")

    def __init__(self, lots_max: int, notional_max: int, lots: int = 0, notional: int = 0) -> None:
        self.lots_max = lots_max
        self.notional_max = notional_max
        self.lots = lots
        self.notional = notional

    def traded(self, lots: int, notional: int) -> None:
        """So much was traded. What would be more than the wire carries is more than any limit."""
        self.lots = min(self.lots + lots, NUMBER_MAX)
        self.notional = min(self.notional + notional, NUMBER_MAX)


class GroupRisk:
    """`by_symbol` and `days`: limits by symbol, as they were set first; `stopped`: its kill switch is on."""

    __slots__ = ("by_symbol", "days", "positions", "stopped")

    def __init__(self) -> None:
        self.by_symbol: dict[str, RiskLimit] = {}
        self.days: dict[str, DayLimit] = {}
        self.positions: dict[str, Position] = {}
        self.stopped = False

    @property
    def is_any(self) -> bool:
        """Whether the group is limited in anything."""
        return self.stopped or bool(self.by_symbol) or bool(self.days)

    def position(self, symbol: str) -> Position:
        """Of an instrument, from now on there."""
        position = self.positions.get(symbol)
        if position is None:
            position = self.positions[symbol] = Position()
        return position

    def add(self, positions: dict[str, Position]) -> None:
        """What a member has comes to what the group has."""
        for symbol, position in positions.items():
            self.position(symbol).add(position)

    def take(self, positions: dict[str, Position]) -> None:
        """What a member has does not count any more."""
        for symbol, position in positions.items():
            self.position(symbol).take(position)

    def count_again(self, members: Iterable[dict[str, Position]]) -> None:
        """The positions of all members, and of nobody else."""
        self.positions = {}
        for positions in members:
            self.add(positions)

    def traded(self, symbol: str, lots: int, notional: int) -> None:
        """A member has traded, whose position is counted elsewhere."""
        own = self.days.get(symbol)
        if own is not None:
            own.traded(lots, notional)
        common = self.days.get(ALL_INSTRUMENTS)
        if common is not None:
            common.traded(lots, notional)

    def begin_day(self) -> None:
        """In this trading day nothing was traded yet."""
        for day in self.days.values():
            day.lots = day.notional = 0

    def copy(self) -> "GroupRisk":
        """The same for whoever judges: only what orders change is its own."""
        copied = GroupRisk()
        copied.by_symbol = self.by_symbol
        copied.days = self.days
        copied.stopped = self.stopped
        copied.add(self.positions)
        return copied

    def check(self, members: Iterable[dict[str, Position]]) -> None:
        """AssertionError when something is not as it must be. O(members)."""
        assert self.is_any, "a group without limits has no such object"
        for limit in self.by_symbol.values():
            limit.check()
        for day in self.days.values():
            assert day.lots_max != 0 or day.notional_max != 0, "a limit limits"
            assert min(day.lots_max, day.notional_max, day.lots, day.notional) >= 0
        again = GroupRisk()
        again.count_again(members)
        for symbol in dict.fromkeys([*again.positions, *self.positions]):
            counted, anew = self.positions.get(symbol, Position()), again.positions.get(symbol, Position())
            assert counted.values == anew.values, "a group has what its members have"
