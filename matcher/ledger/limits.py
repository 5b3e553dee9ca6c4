"""What an operator lets an account do: limits of each order, and of how many it may have open; or nothing any more.

They are of one instrument, or of all (symbol ""), and both hold. An account without any, and whose kill switch is off,
has none of these objects, and its orders pay one look for that. Whether an order keeps them is asked in
`matcher.gate.limits`.
"""

from collections import deque
from collections.abc import Iterable
from typing import Final

from bus.protocol.terms import NUMBER_MAX
from matcher.ledger.risk.limits import ALL_INSTRUMENTS
from matcher.ledger.risk.risk import Risk

#: Times of rejects are state, and each checkpoint has them all.
REJECTS_MAX: Final = 1_000
#: Whoever counts longer than a day means a limit of the day.
REJECTS_WINDOW_MS_MAX: Final = 24 * 3600 * 1000
_NS_PER_MS: Final = 1_000_000
_NS_PER_S: Final = 1_000_000_000


class Limit:
    """Limits of one symbol, or of all; 0 is none. `rejects_max` within `rejects_window_ms`: of all alone.

    `day_lots` and `day_notional`: what was traded in the trading day, while there is a limit of either. `commands`: how
    many came in the second of engine time `second`, while that is limited.
    """

    __slots__ = (
        "commands",
        "commands_per_s_max",
        "day_lots",
        "day_lots_max",
        "day_notional",
        "day_notional_max",
        "open_orders_max",
        "order_lots_max",
        "order_notional_max",
        "rejects_max",
        "rejects_window_ms",
        "second",
    )

    def __init__(
        self,
        order_lots_max: int,
        order_notional_max: int,
        open_orders_max: int,
        rejects_max: int = 0,
        rejects_window_ms: int = 0,
        day_lots_max: int = 0,
        day_notional_max: int = 0,
        commands_per_s_max: int = 0,
        day_lots: int = 0,
        day_notional: int = 0,
        second: int = 0,
        commands: int = 0,
    ) -> None:
        self.order_lots_max = order_lots_max
        self.order_notional_max = order_notional_max
        self.open_orders_max = open_orders_max
        self.rejects_max = rejects_max
        self.rejects_window_ms = rejects_window_ms
        self.day_lots_max = day_lots_max
        self.day_notional_max = day_notional_max
        self.commands_per_s_max = commands_per_s_max
        self.day_lots = day_lots
        self.day_notional = day_notional
        self.second = second
        self.commands = commands

    @property
    def is_of_day(self) -> bool:
        """Whether what is traded in a day is limited."""
        return self.day_lots_max != 0 or self.day_notional_max != 0

    @property
    def is_any(self) -> bool:
        """Whether anything is limited."""
        return (
            self.order_lots_max != 0
            or self.order_notional_max != 0
            or self.open_orders_max != 0
            or self.rejects_max != 0
            or self.is_of_day
            or self.commands_per_s_max != 0
        )

    def is_valid(self, symbol: str) -> bool:
        """Whether an operator may limit so: nothing below 0, and rejects only of all instruments, with a window."""
        counts = self.rejects_max != 0
        return (
            self.order_lots_max >= 0
            and self.order_notional_max >= 0
            and self.open_orders_max >= 0
            and self.day_lots_max >= 0
            and self.day_notional_max >= 0
            and self.commands_per_s_max >= 0
            and 0 <= self.rejects_max <= REJECTS_MAX
            and 0 <= self.rejects_window_ms <= REJECTS_WINDOW_MS_MAX
            and counts == (self.rejects_window_ms != 0)
            and not (counts and symbol)
        )

    def go_on(self, before: "Limit") -> None:
        """It takes the place of another one: what that has counted is counted, where it still matters."""
        if self.is_of_day:
            self.day_lots, self.day_notional = before.day_lots, before.day_notional
        if self.commands_per_s_max:
            self.second, self.commands = before.second, before.commands

    def traded(self, lots: int, notional: int) -> None:
        """So much was traded. What would be more than the wire carries is more than any limit."""
        self.day_lots = min(self.day_lots + lots, NUMBER_MAX)
        self.day_notional = min(self.day_notional + notional, NUMBER_MAX)

    def hurries(self, second: int) -> bool:
        """A command came in this second: whether they are too many."""
        if not self.commands_per_s_max:
            return False
        if second != self.second:
            self.second = second
            self.commands = 0
        self.commands += 1
        return self.commands > self.commands_per_s_max

    def check(self, symbol: str) -> None:
        """AssertionError when something is not as it must be."""
        assert self.is_valid(symbol), "limits are such as may be set"
        assert self.is_any, "a limit limits"
        assert min(self.day_lots, self.day_notional, self.second, self.commands) >= 0
        assert self.is_of_day or self.day_lots == self.day_notional == 0, (
            "what is traded is counted for a limit"
        )
        assert self.commands_per_s_max or self.second == self.commands == 0, "so are commands"


class Limits:
    """Of one account: by symbol, in the order in which they were set first; and how many orders it has open in each.

    The counts follow from the open orders; they are kept so that no order has to wait for a walk over the others.

    `shut`: the account is closed. `stopped`: the kill switch is on. `rejected_ns`: when its last commands were
    rejected, as far as that is limited. `counted`: the sequence of the command that was counted last, and `hurried` and
    `chattered` what came of that; no state. `risk`: what the account has at stake, if that is limited.
    """

    __slots__ = (
        "by_symbol",
        "chattered",
        "counted",
        "hurried",
        "open_orders",
        "rejected_ns",
        "risk",
        "shut",
        "stopped",
    )

    def __init__(self, open_symbols: Iterable[str]) -> None:
        """`open_symbols`: of each open order of the account. O(these)."""
        self.by_symbol: dict[str, Limit] = {}
        self.open_orders: dict[str, int] = {}
        self.shut = False
        self.stopped = False
        self.counted = 0
        self.hurried = False
        self.chattered = False
        self.risk: Risk | None = None
        self.rejected_ns: deque[int] = deque()
        for symbol in open_symbols:
            self.opened(symbol)

    @property
    def is_stopped(self) -> bool:
        """Whether its kill switch is on, or that of its group."""
        return self.stopped or (
            self.risk is not None and self.risk.group is not None and self.risk.group.stopped
        )

    @property
    def is_any(self) -> bool:
        """Whether the account is limited in anything."""
        return self.stopped or self.shut or bool(self.by_symbol) or self.risk is not None

    def opened(self, symbol: str) -> None:
        """The account has an order more."""
        self.open_orders[symbol] = self.open_orders.get(symbol, 0) + 1

    def ended(self, symbol: str, sequence: int) -> None:
        """The account has an order less."""
        if self.risk is not None:
            self.risk.uncount(sequence)
        self.closed(symbol)

    def closed(self, symbol: str) -> None:
        """An order less is counted among those that are open."""
        left = self.open_orders[symbol] - 1
        if left:
            self.open_orders[symbol] = left
        else:
            del self.open_orders[symbol]

    def hurries(self, symbol: str, sequence: int, time_ns: int) -> bool:
        """A command that is no cancel has come: whether there are too many of them in its second. Counted once.

        `symbol` is "" for a command that turned out to be of none.
        """
        if sequence != self.counted:
            self.counted = sequence
            self.hurried = False
            self.chattered = self.risk is not None and self.risk.sent(symbol)
            second = time_ns // _NS_PER_S
            own = self.by_symbol.get(symbol) if symbol else None
            common = self.by_symbol.get(ALL_INSTRUMENTS)
            if own is not None and own.hurries(second):
                self.hurried = True
            if common is not None and common.hurries(second):
                self.hurried = True
        return self.hurried

    def cancels(self, symbol: str) -> None:
        """A command that ends orders has come: it counts where commands do for fills. Called once for each."""
        if self.risk is not None:
            self.risk.sent(symbol)

    def traded(self, symbol: str, lots: int, notional: int) -> None:
        """The account has traded."""
        own = self.by_symbol.get(symbol)
        if own is not None and own.is_of_day:
            own.traded(lots, notional)
        common = self.by_symbol.get(ALL_INSTRUMENTS)
        if common is not None and common.is_of_day:
            common.traded(lots, notional)

    def begin_day(self, last_ticks: dict[str, int]) -> None:
        """In this trading day nothing was traded yet. `last_ticks`: the last trade's price of each instrument."""
        if self.risk is not None:
            self.risk.begin_day(last_ticks)
        for limit in self.by_symbol.values():
            limit.day_lots = limit.day_notional = 0

    def rejected(self, time_ns: int) -> int:
        """A command was rejected: how many were within the window, if these are too many; else 0. Amortized O(1)."""
        common = self.by_symbol.get(ALL_INSTRUMENTS)
        if self.is_stopped or common is None or not common.rejects_max:
            return 0
        times = self.rejected_ns
        times.append(time_ns)
        while times[0] <= time_ns - common.rejects_window_ms * _NS_PER_MS:
            times.popleft()
        return len(times) if len(times) > common.rejects_max else 0

    def check(self, open_symbols: Iterable[str]) -> None:
        """AssertionError when something is not as it must be. O(open orders)."""
        assert self.is_any, "an account without limits has no such object"
        for symbol, limit in self.by_symbol.items():
            limit.check(symbol)
        assert self.open_orders == Limits(open_symbols).open_orders, "open orders are counted by symbol"
        assert not ((self.is_stopped or self.shut) and self.open_orders), "who is stopped has no open orders"
        assert self.risk is None or self.risk.is_any, "risk that is not limited is not counted"
        common = self.by_symbol.get(ALL_INSTRUMENTS)
        counts = common is not None and common.rejects_max != 0 and not self.is_stopped
        assert counts or not self.rejected_ns, "rejects are counted where they are limited"
        times = list(self.rejected_ns)
        assert times == sorted(times), "they came one after the other"
