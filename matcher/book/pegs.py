"""The pegged orders of one instrument: what they follow, and where they are to stand.

What a pegged order follows is the best displayed price of orders that are not pegged themselves, so that pegged orders
never chase each other: a level counts when it displays somebody who is not pegged (`Level.pegged`). Looking for it
costs O(1), and as much again for each level before it that displays nobody else.

    sell          asks of others       100 ◀── best ask
                  sells pegged to it   100, 101, ...
                  the middle between    97    buys and sells, hidden
                  buys pegged to it     95, 94, ...
    buy           bids of others        95 ◀── best bid
"""

from typing import Final

from bus.protocol.commands import EnterOrder
from bus.protocol.terms import BEST_ASK, BEST_BID, BUY, MIDPOINT, WAITING
from matcher.book.book import Book
from matcher.book.level import Order
from matcher.book.side import BookSide

#: No price: what was seen is not known, so that all pegged orders are to be looked at.
_UNSEEN: Final = -1


def best_displayed(side: BookSide) -> int:
    """The best price of a side at which somebody who is not pegged is displayed; 0 when there is none."""
    level = side.best
    if level is None:
        return 0
    if level.count > level.pegged:
        return level.price_ticks
    for other in side:
        if other.count > other.pegged:
            return other.price_ticks
    return 0


def pegged_ticks(command: EnterOrder, limit_ticks: int, bid_ticks: int, ask_ticks: int) -> int:
    """Where an order stands that follows these prices (0: none); 0 when it has nothing to follow.

    It is always on its own side of the best price of the other side: a buyer is below the best ask, a seller above the
    best bid. Of a midpoint that is no whole tick the buyer takes the lower, the seller the higher one.
    """
    buys = command.side == BUY
    peg = command.peg
    if peg == BEST_BID:
        reference = bid_ticks
    elif peg == BEST_ASK:
        reference = ask_ticks
    elif not bid_ticks or not ask_ticks:
        reference = 0
    else:
        reference = (bid_ticks + ask_ticks) // 2 if buys else (bid_ticks + ask_ticks + 1) // 2
    if not reference:
        return 0
    price = reference + command.peg_offset_ticks
    if limit_ticks and (price > limit_ticks if buys else price < limit_ticks):
        return limit_ticks
    return price


def keeps_its_side(side: int, peg: int, offset_ticks: int) -> bool:
    """Whether an offset keeps an order away from the other side, whatever the reference is."""
    if peg == MIDPOINT or (peg == BEST_BID) == (side == BUY):
        return offset_ticks <= 0 if side == BUY else offset_ticks >= 0
    return offset_ticks < 0 if side == BUY else offset_ticks > 0


class Pegs:
    """`orders`: all that follow, by sequence; those without a reference wait and are in no book.

    `returning`: the sequences of those that are on their way to another price, as a heap: the oldest comes first. Empty
    between commands. `bid_ticks`, `ask_ticks`: the references that were seen last, as of which all others stand.
    """

    __slots__ = ("ask_ticks", "bid_ticks", "orders", "returning")

    def __init__(self) -> None:
        self.orders: dict[int, Order] = {}
        self.returning: list[int] = []
        self.bid_ticks = self.ask_ticks = _UNSEEN

    def add(self, order: Order, book: Book) -> None:
        """The order follows its reference from now on."""
        if not self.orders:
            self.bid_ticks = best_displayed(book.bids)
            self.ask_ticks = best_displayed(book.asks)
        self.orders[order.sequence] = order

    def forget(self) -> None:
        """All pegged orders are to be looked at again, wherever the references are."""
        self.bid_ticks = self.ask_ticks = _UNSEEN

    def see(self, book: Book) -> bool:
        """Look at the references; whether one of them is another than it was."""
        bid = best_displayed(book.bids)
        ask = best_displayed(book.asks)
        if bid == self.bid_ticks and ask == self.ask_ticks:
            return False
        self.bid_ticks = bid
        self.ask_ticks = ask
        return True

    def target_ticks(self, order: Order, price_min_ticks: int, price_max_ticks: int) -> int:
        """Where an order is to stand now; 0 when there is no reference, or none that leads to an allowed price."""
        instructions = order.instructions
        assert instructions is not None, "a pegged order has instructions"
        price = pegged_ticks(instructions.command, instructions.limit_ticks, self.bid_ticks, self.ask_ticks)
        return price if price_min_ticks <= price <= price_max_ticks else 0

    def waiting_count(self) -> int:
        """How many of them wait for their reference. O(pegged orders)."""
        count = 0
        for order in self.orders.values():
            if order.status == WAITING:
                count += 1
        return count
