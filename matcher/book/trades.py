"""The trades of the trading day, kept so that an operator can bust or correct them.

One flat list, since every trade pays for it: maker, taker, price and quantity of each, in the order of their ids, which
are dense. In an auction nobody takes: its trades have buyer and seller there, and a quantity below 0. What was revised
stands beside it. A trading day is a UTC calendar day of engine time; when one begins the trades of the one before are
dropped (`matcher.expiry`).
"""

from typing import Any, Final

from bus.protocol.reasons import TRADE_BUSTED, TRADE_NOT_KEPT, TRADE_OF_ANOTHER_DAY, UNKNOWN_TRADE
from matcher.book.level import Order

#: Places of a trade in `items`.
PLACES: Final = 4
#: What `revised` says of a trade that was busted.
BUSTED: Final = 0


class KeptTrades:
    """Of one instrument. `items` begins with trade `first`; the day began with trade `day_first`.

    `revised` has, by trade id, the price to which a trade was corrected, or BUSTED.
    """

    __slots__ = ("day_first", "first", "items", "revised")

    def __init__(self) -> None:
        self.items: list[Any] = []
        self.first = 1
        self.day_first = 1
        self.revised: dict[int, int] = {}

    def begin_day(self, next_trade_id: int) -> None:
        """From here on trades are of another day."""
        self.items = []
        self.revised = {}
        self.first = self.day_first = next_trade_id

    def trim(self, kept_max: int) -> None:
        """Drop the oldest beyond so many. O(trades that are kept): called when there are a quarter too many."""
        excess = len(self.items) // PLACES - kept_max
        if excess <= 0:
            return
        del self.items[: excess * PLACES]
        self.first += excess
        for trade_id in [one for one in self.revised if one < self.first]:
            del self.revised[trade_id]

    def reason(self, trade_id: int, next_trade_id: int, kept_max: int) -> int:
        """Why a trade cannot be revised; 0 when it can."""
        if not 0 < trade_id < next_trade_id:
            return UNKNOWN_TRADE
        if trade_id < self.day_first:
            return TRADE_OF_ANOTHER_DAY
        if trade_id < self.first or trade_id < next_trade_id - kept_max:
            return TRADE_NOT_KEPT
        if self.revised.get(trade_id) == BUSTED:
            return TRADE_BUSTED
        return 0

    def maker(self, trade_id: int) -> Order:
        """Of a trade that is kept."""
        order = self.items[(trade_id - self.first) * PLACES]
        assert isinstance(order, Order)
        return order

    def taker(self, trade_id: int) -> Order:
        """Of a trade that is kept."""
        order = self.items[(trade_id - self.first) * PLACES + 1]
        assert isinstance(order, Order)
        return order

    def price_ticks(self, trade_id: int) -> int:
        """Of a trade that is kept, as it was corrected last."""
        price = self.revised.get(trade_id)
        if price is None:
            price = self.items[(trade_id - self.first) * PLACES + 2]
        return price

    def quantity_lots(self, trade_id: int) -> int:
        """Of a trade that is kept."""
        quantity: int = self.items[(trade_id - self.first) * PLACES + 3]
        return quantity if quantity > 0 else -quantity

    def is_of_auction(self, trade_id: int) -> bool:
        """Of a trade that is kept."""
        quantity: int = self.items[(trade_id - self.first) * PLACES + 3]
        return quantity < 0

    def check(self, next_trade_id: int, symbol: str) -> None:
        """AssertionError for the first thing that is not as it must be. O(trades)."""
        assert len(self.items) == (next_trade_id - self.first) * PLACES, (
            "each trade is kept from the first on"
        )
        assert 1 <= self.day_first <= self.first <= next_trade_id, (
            "trades of the day are kept, the newest ones"
        )
        for trade_id in range(self.first, next_trade_id):
            maker, taker = self.maker(trade_id), self.taker(trade_id)
            assert maker.symbol == taker.symbol == symbol, "a trade is of its instrument"
            assert maker.side + taker.side == 3, "a trade has two sides"
            assert self.price_ticks(trade_id) >= 0
            assert self.quantity_lots(trade_id) > 0
        for trade_id in self.revised:
            assert self.first <= trade_id < next_trade_id, "what was revised is kept"
