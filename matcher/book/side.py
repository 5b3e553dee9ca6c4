"""The levels of one side of a book, best first.

The sorted mapping is touched only when a level appears or vanishes; the best level is kept at hand. Keys are prices
on the ask side and negated prices on the bid side, so that the best key is always the first. While an auction collects
orders its market orders have a level before all others.
"""

from collections.abc import Iterator
from typing import Final

from sortedcontainers import SortedDict

from bus.protocol.terms import BUY
from matcher.book.level import Level, Order

#: The key of the level of market orders: before that of any price.
MARKET_KEY: Final = -(2**62)


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
        key = price * self.sign if price else MARKET_KEY
        level: Level | None = self.levels.get(key)
        if level is None:
            level = Level(self.side, price, key)
            self.levels[key] = level
            best = self.best
            if best is None or key < best.key:
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
        del self.levels[level.key]
        if level is self.best:
            self.best = self.levels.peekitem(0)[1] if self.levels else None

    def drop_first(self, count: int) -> None:
        """So many levels, best first, vanish at once: all of them are empty. O(these), and O(log levels) for each when
        they are few of very many.
        """
        if not count:
            return
        levels = self.levels
        if 2 * count > len(levels):  # those that stay are fewer: each takes a look-up less than one that goes
            stay = levels.items()[count:]
            levels.clear()
            levels.update(stay)
        else:
            keys = levels.keys()
            del keys[:count]
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

    def market_lots(self) -> int:
        """What the market orders of an auction want here. O(1)."""
        best = self.best
        return best.reserve_lots if best is not None and not best.price_ticks else 0

    def best_limit_ticks(self) -> int:
        """The best price of a limit order, 0 when there is none. O(log levels)."""
        best = self.best
        if best is None or best.price_ticks:
            return 0 if best is None else best.price_ticks
        return self.levels.peekitem(1)[1].price_ticks if len(self.levels) > 1 else 0

    def lots_at(self, price_ticks: int) -> int:
        """All that the limit orders of a price want, hidden or not. O(1)."""
        level: Level | None = self.levels.get(price_ticks * self.sign)
        return 0 if level is None else level.quantity_lots + level.reserve_lots

    def keys_after(self, key: int) -> Iterator[int]:
        """The keys of prices behind this one, the nearest first."""
        return self.levels.irange(key, None, (False, True))

    def keys_before(self, key: int) -> Iterator[int]:
        """The keys of prices before this one, the nearest first; market orders have none."""
        return self.levels.irange(MARKET_KEY, key, (False, False), True)

    def __iter__(self) -> Iterator[Level]:
        """Levels, best first."""
        return iter(self.levels.values())


class Front:
    """The levels of a side that take a price, best first, while their orders trade: `level` is the first that has any.

    Those that are empty stay in the side until `close`: taking a hundred thousand out one by one takes as long as all
    of their trades.
    """

    __slots__ = ("_emptied", "_levels", "_limit", "_side", "level")

    def __init__(self, side: BookSide, price_ticks: int) -> None:
        self._side = side
        self._limit = price_ticks
        self._levels = iter(side)
        self._emptied = 0
        self.level: Level | None = side.best
        next(self._levels, None)

    def head(self) -> Order | None:
        """The first order; None when there is none that takes the price."""
        side, limit = self._side, self._limit
        while True:
            level = self.level
            if level is None or (level.price_ticks and (level.price_ticks - limit) * side.sign > 0):
                return None
            order = level.head
            if order is not None:
                return order
            self._emptied += 1
            self.level = next(self._levels, None)

    def close(self) -> None:
        """The levels that were found empty vanish. O(these)."""
        self._side.drop_first(self._emptied)
