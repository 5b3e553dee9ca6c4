"""The levels of one side of a book, best first.

The sorted mapping is touched only when a level appears or vanishes; the best level is kept at hand. Keys are prices
on the ask side and negated prices on the bid side, so that the best key is always the first.
"""

from collections.abc import Iterator

from sortedcontainers import SortedDict

from bus.protocol.terms import BUY
from matcher.book.level import Level, Order


class BookSide:
    """One side. `best` is None when it is empty."""

    __slots__ = ("best", "levels", "side", "sign")

    def __init__(self, side: int) -> None:
        self.side = side
        self.sign = -1 if side == BUY else 1
        self.levels: SortedDict[int, Level] = SortedDict()
        self.best: Level | None = None

    def rest(self, order: Order) -> Level:
        """The order rests at its price, behind all that are there. O(1), and O(log levels) for a new level."""
        price = order.price_ticks
        key = price * self.sign
        level: Level | None = self.levels.get(key)
        if level is None:
            level = Level(self.side, price)
            self.levels[key] = level
            best = self.best
            if best is None or key < best.price_ticks * self.sign:
                self.best = level
        level.join(order)
        return level

    def remove(self, order: Order) -> Level:
        """The order leaves the book. Returns its level, which is gone from the book when its head is None."""
        level = order.level
        assert level is not None, f"order {order.sequence} does not rest"
        level.leave(order)
        if level.head is None:
            self.drop(level)
        return level

    def drop(self, level: Level) -> None:
        """An empty level vanishes. O(log levels)."""
        del self.levels[level.price_ticks * self.sign]
        if level is self.best:
            self.best = self.levels.peekitem(0)[1] if self.levels else None

    def available_lots(self, limit_ticks: int, wanted_lots: int) -> int:
        """What can be bought or sold here up to a limit price (0: any), counted no further than `wanted_lots`.

        What is not displayed counts too.

        Cost: O(levels that are needed).
        """
        found = 0
        for level in self.levels.values():
            if limit_ticks and (level.price_ticks - limit_ticks) * self.sign > 0:
                break
            found += level.quantity_lots + level.reserve_lots
            if found >= wanted_lots:
                break
        return found

    def __iter__(self) -> Iterator[Level]:
        """Levels, best first."""
        return iter(self.levels.values())
