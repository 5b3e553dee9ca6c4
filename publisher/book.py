"""A symbol's price levels as the feed tells them, and what can be read off them.

Made for many changes and few looks: a change is an entry in a dictionary; the order of the prices is brought up to
date when somebody looks. What has changed is kept for each period of conflation until it is taken.

Called by `market`. No I/O.
"""

from bisect import bisect_left
from collections.abc import Iterable, Iterator, Sequence
from itertools import islice
from typing import Final

from bus.protocol.checksum import CHECKSUM_LEVELS, book_checksum
from bus.protocol.feed import Level
from bus.protocol.terms import BUY, SELL

#: [price_ticks, quantity_lots, orders]
Row = tuple[int, int, int]
NO_ROW: Final = (0, 0, 0)
_MILLION: Final = 1_000_000
#: From so many changed prices on it is cheaper to sort all than to insert one by one.
_SORT_FROM: Final = 256


class BookSide:
    """One side. Keys are prices, negated for bids, so that the best key is the smallest."""

    __slots__ = ("_keys", "changed", "dirty", "levels", "sign")

    def __init__(self, side: int, periods: int) -> None:
        self.sign = -1 if side == BUY else 1
        #: `(quantity_lots, orders)` by key.
        self.levels: dict[int, tuple[int, int]] = {}
        self._keys: list[int] = []
        #: Keys that are not where they belong in the order of the keys yet.
        self.dirty: set[int] = set()
        #: For each period the keys that changed since they were taken.
        self.changed: list[set[int]] = [set() for _ in range(periods)]

    def set(self, price_ticks: int, quantity_lots: int, orders: int) -> None:
        """A level is this now; quantity 0: it is gone."""
        key = price_ticks * self.sign
        if quantity_lots:
            self.levels[key] = (quantity_lots, orders)
        else:
            self.levels.pop(key, None)
        self.dirty.add(key)

    def settle(self) -> None:
        """Bring the order of the keys up to date."""
        dirty = self.dirty
        if not dirty:
            return
        for changed in self.changed:
            changed |= dirty
        levels, keys = self.levels, self._keys
        if len(dirty) >= _SORT_FROM:
            self._keys = sorted(levels)
        else:
            size = len(keys)
            for key in dirty:
                index = bisect_left(keys, key)
                there = index < size and keys[index] == key
                if key in levels:
                    if not there:
                        keys.insert(index, key)
                        size += 1
                elif there:
                    del keys[index]
                    size -= 1
        dirty.clear()

    def rows(self) -> Iterator[Row]:
        """All levels, best first."""
        self.settle()
        sign, levels = self.sign, self.levels
        for key in self._keys:
            quantity, orders = levels[key]
            yield key * sign, quantity, orders

    def best(self, count: int) -> list[Row]:
        """The best `count` levels, best first."""
        self.settle()
        sign, levels = self.sign, self.levels
        return [(key * sign, *levels[key]) for key in self._keys[:count]]

    def take_changes(self, period: int) -> list[Row]:
        """Levels that changed since this was called last, best price first; quantity 0: gone."""
        self.settle()
        changed = self.changed[period]
        if not changed:
            return []
        sign, levels = self.sign, self.levels
        found = [(key * sign, *levels.get(key, (0, 0))) for key in sorted(changed)]
        changed.clear()
        return found

    def __len__(self) -> int:
        return len(self.levels)


class Book:
    """Both sides. `level_number`: of the last Level that is in it; `sequence`: the log sequence of that one.

    `ready`: it began with a snapshot.
    """

    __slots__ = ("_periods", "asks", "begun", "bids", "level_number", "ready", "sequence")

    def __init__(self, periods: int) -> None:
        self._periods = periods
        self.bids = BookSide(BUY, periods)
        self.asks = BookSide(SELL, periods)
        self.level_number = 0
        self.sequence = 0
        self.ready = False
        self.begun = 0  # how often: at one number a book may be another one than before

    def begin(self, sequence: int, level_number: int, bids: Iterable[Row], asks: Iterable[Row]) -> None:
        """Forget all, and stand as this snapshot says."""
        self.bids = BookSide(BUY, self._periods)
        self.asks = BookSide(SELL, self._periods)
        for side, rows in ((self.bids, bids), (self.asks, asks)):
            for price, quantity, orders in rows:
                side.set(price, quantity, orders)
            side.settle()
            for changed in side.changed:
                changed.clear()
        self.sequence = sequence
        self.level_number = level_number
        self.ready = True
        self.begun += 1

    def take(self, changes: Sequence[object]) -> None:
        """Changes of the feed, the next ones in their order; others than of levels only count.

        What `BookSide.set` does, in one loop: nothing else is done as often as this.
        """
        bids, asks = self.bids, self.asks
        bid_levels, ask_levels = bids.levels, asks.levels
        bid_dirty, ask_dirty = bids.dirty, asks.dirty
        for event in changes:
            if type(event) is not Level:
                continue
            if event.side == BUY:
                key, levels, dirty = -event.price_ticks, bid_levels, bid_dirty
            else:
                key, levels, dirty = event.price_ticks, ask_levels, ask_dirty
            quantity = event.quantity_lots
            if quantity:
                levels[key] = (quantity, event.orders)
            else:
                levels.pop(key, None)
            dirty.add(key)
            self.sequence = event.sequence
        self.level_number += len(changes)

    def checksum(self) -> int:
        """As the engine computes it."""
        return book_checksum(self.bids.best(CHECKSUM_LEVELS), self.asks.best(CHECKSUM_LEVELS))

    def quotes(self) -> tuple[Row, Row]:
        """The best bid and the best ask at which somebody could trade, NO_ROW for one that is not there.

        Orders that collect for an auction may cross: then nobody can trade at either, so neither is there.
        """
        bids, asks = self.bids.best(1), self.asks.best(1)
        if bids and asks and bids[0][0] >= asks[0][0]:
            return NO_ROW, NO_ROW
        return bids[0] if bids else NO_ROW, asks[0] if asks else NO_ROW

    def spread_ticks(self) -> int:
        """Best ask less best bid; 0 while a side is empty or the book is crossed."""
        (bid, _, _), (ask, _, _) = self.quotes()
        return ask - bid if bid and ask else 0

    def imbalance_ppm(self) -> int:
        """(bid - ask) / (bid + ask) of the best quantities, in parts per million, towards zero; 0 without quotes."""
        (_, bid, _), (_, ask, _) = self.quotes()
        if not bid + ask:
            return 0
        parts = abs(bid - ask) * _MILLION // (bid + ask)
        return parts if bid >= ask else -parts

    def microprice_microticks(self) -> int:
        """The best prices, each weighted by the other side's quantity, in millionths of a tick, downwards.

        0 while a side is empty or the book is crossed. (Stoikov, "The micro-price", calls this the weighted mid-price.)
        """
        (bid, bid_lots, _), (ask, ask_lots, _) = self.quotes()
        if not bid or not ask:
            return 0
        return (bid * ask_lots + ask * bid_lots) * _MILLION // (bid_lots + ask_lots)


def aggregated(rows: Iterable[Row], side: int, step_ticks: int, count: int) -> list[Row]:
    """The best `count` (0: all) steps of `step_ticks`: bids fall to the step below, asks rise to the one above.

    So an aggregated book never shows a better price than there is. `rows` best first.
    """
    steps: list[Row] = []
    price = quantity = orders = 0
    for row_price, row_quantity, row_orders in rows:
        step = row_price // step_ticks if side == BUY else -(-row_price // step_ticks)
        step *= step_ticks
        if quantity and step == price:
            quantity += row_quantity
            orders += row_orders
            continue
        if quantity:
            steps.append((price, quantity, orders))
            if count and len(steps) == count:
                return steps
        price, quantity, orders = step, row_quantity, row_orders
    if quantity:
        steps.append((price, quantity, orders))
    return steps


def limited(rows: Iterator[Row], count: int) -> list[Row]:
    """The first `count` rows, all with 0."""
    return list(islice(rows, count)) if count else list(rows)
