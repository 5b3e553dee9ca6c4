"""What an operator lets an account do: limits of each order, and of how many it may have open.

They are of one instrument, or of all (symbol ""), and both hold. An account without any has none of these objects, and
its orders pay one look for that. Whether an order keeps them is asked in `matcher.gate.limits`.
"""

from collections.abc import Iterable
from typing import Final

ALL_INSTRUMENTS: Final = ""


class Limit:
    """Limits of one symbol, or of all; 0 is none."""

    __slots__ = ("open_orders_max", "order_lots_max", "order_notional_max")

    def __init__(self, order_lots_max: int, order_notional_max: int, open_orders_max: int) -> None:
        self.order_lots_max = order_lots_max
        self.order_notional_max = order_notional_max
        self.open_orders_max = open_orders_max


class Limits:
    """Of one account: by symbol, in the order in which they were set first; and how many orders it has open in each.

    The counts follow from the open orders; they are kept so that no order has to wait for a walk over the others.
    """

    __slots__ = ("by_symbol", "open_orders")

    def __init__(self, open_symbols: Iterable[str]) -> None:
        """`open_symbols`: of each open order of the account. O(these)."""
        self.by_symbol: dict[str, Limit] = {}
        self.open_orders: dict[str, int] = {}
        for symbol in open_symbols:
            self.opened(symbol)

    def opened(self, symbol: str) -> None:
        """The account has an order more."""
        self.open_orders[symbol] = self.open_orders.get(symbol, 0) + 1

    def ended(self, symbol: str) -> None:
        """The account has an order less."""
        left = self.open_orders[symbol] - 1
        if left:
            self.open_orders[symbol] = left
        else:
            del self.open_orders[symbol]

    def check(self, open_symbols: Iterable[str]) -> None:
        """AssertionError when something is not as it must be. O(open orders)."""
        assert self.by_symbol, "an account without limits has no such object"
        for limit in self.by_symbol.values():
            assert min(limit.order_lots_max, limit.order_notional_max, limit.open_orders_max) >= 0
            assert limit.order_lots_max or limit.order_notional_max or limit.open_orders_max, "a limit limits"
        assert self.open_orders == Limits(open_symbols).open_orders, "open orders are counted by symbol"
