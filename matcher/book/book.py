"""The order book of one instrument: both sides, and what can be asked of them."""

from bus.protocol.checksum import CHECKSUM_LEVELS, book_checksum
from bus.protocol.terms import BUY, SELL
from matcher.book.level import Level
from matcher.book.side import MARKET_KEY, BookSide


class Book:
    """Bids and asks. The invariant: the best bid is below the best ask, unless orders collect for an auction."""

    __slots__ = ("asks", "bids")

    def __init__(self) -> None:
        self.bids = BookSide(BUY)
        self.asks = BookSide(SELL)

    def would_trade(self, side: int, price_ticks: int) -> bool:
        """Whether a limit order would meet an order of the other side at once."""
        if side == BUY:
            best = self.asks.best
            return best is not None and best.price_ticks <= price_ticks
        best = self.bids.best
        return best is not None and best.price_ticks >= price_ticks

    def passive_price(self, side: int, price_ticks: int) -> int:
        """The price nearest to this one at which an order would not trade at once."""
        if not self.would_trade(side, price_ticks):
            return price_ticks
        if side == BUY:
            assert self.asks.best is not None
            return self.asks.best.price_ticks - 1
        assert self.bids.best is not None
        return self.bids.best.price_ticks + 1

    def levels(self, side: int) -> list[tuple[int, int, int]]:
        """L2: `(price_ticks, quantity_lots, orders)` of one side, best first. O(levels)."""
        levels = self.bids if side == BUY else self.asks
        return [(level.price_ticks, level.quantity_lots, level.count) for level in levels if level.count]

    def orders(self, side: int) -> list[tuple[int, int, int]]:
        """L3: `(public_id, price_ticks, leaves_lots)` of one side, best level first, oldest first. O(orders)."""
        rows: list[tuple[int, int, int]] = []
        for level in self.bids if side == BUY else self.asks:
            order = level.head
            while order is not level.first_hidden:
                assert order is not None
                rows.append((order.public_id, level.price_ticks, order.shown_lots))
                order = order.newer
        return rows

    def checksum(self) -> int:
        """As readers compute it. O(best levels)."""
        return book_checksum(_rows(self.bids), _rows(self.asks))

    def order_count(self) -> int:
        """How many orders rest here, hidden ones too. O(orders)."""
        count = 0
        for side in (self.bids, self.asks):
            for level in side:
                order = level.head
                while order is not None:
                    count += 1
                    order = order.newer
        return count

    def check(self, *, collecting: bool) -> None:
        """Walk every order of every level; AssertionError for the first thing that is not as it must be. O(orders).

        `collecting`: orders may stand here that would trade, and market orders.
        """
        for side in (self.bids, self.asks):
            keys = list(side.levels)
            assert keys == sorted(keys), "levels are in price order"
            first = side.levels.peekitem(0)[1] if side.levels else None
            assert side.best is first, "the best level is the first"
            for key, level in side.levels.items():
                if level.price_ticks or not collecting:
                    assert key == level.key == level.price_ticks * side.sign, "a level stands at its price"
                else:
                    assert key == level.key == MARKET_KEY, "market orders come first"
                    assert not level.count, "and are not displayed"
                assert level.side == side.side, "a level is of its side"
                _check_level(level)
        bid, ask = self.bids.best, self.asks.best
        if not collecting:
            assert bid is None or ask is None or bid.price_ticks < ask.price_ticks, "the book is not crossed"


def _rows(side: BookSide) -> list[tuple[int, int, int]]:
    rows: list[tuple[int, int, int]] = []
    for level in side:
        if len(rows) == CHECKSUM_LEVELS:
            break
        if level.count:
            rows.append((level.price_ticks, level.quantity_lots, level.count))
    return rows


def _check_level(level: Level) -> None:
    count = quantity = reserve = pegged = 0
    older = None
    hidden = False
    order = level.head
    assert order is not None, "a level is never empty"
    while order is not None:
        assert order.level is level, "an order knows its level"
        assert order.older is older, "neighbours know each other"
        assert order.price_ticks == level.price_ticks, "an order rests at its price"
        assert order.side == level.side, "an order rests on its side"
        leaves = order.quantity_lots - order.filled_lots
        assert 0 < order.shown_lots <= leaves <= order.quantity_lots, (
            "an order that rests has something to trade"
        )
        assert order.account.open.get(order.sequence) is order, "an order that rests is open in its account"
        if order is level.first_hidden:
            hidden = True
        instructions = order.instructions
        assert hidden == (instructions is not None and instructions.hidden), "hidden orders stand behind"
        assert hidden == (order.public_id == 0), "what is displayed has a public id"
        if hidden:
            assert order.shown_lots == leaves, "a hidden order can trade all of itself"
            reserve += leaves
        else:
            count += 1
            if instructions is not None and instructions.pegged:
                pegged += 1
            quantity += order.shown_lots
            reserve += leaves - order.shown_lots
        older = order
        order = order.newer
    assert level.tail is older, "the tail is the last order"
    assert hidden == (level.first_hidden is not None), "the first hidden order is in its level"
    assert level.count == count, "a level counts its displayed orders"
    assert level.pegged == pegged, "a level counts those of them that are pegged"
    assert level.quantity_lots == quantity, "a level's quantity is the sum of what its orders display"
    assert level.reserve_lots == reserve, "a level's reserve is the sum of what its orders do not display"
