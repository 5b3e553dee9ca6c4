"""A book as a reader of the feed knows it: rebuilt from a snapshot and the events behind it, and checked.

No I/O, and nothing of the matcher: that it can be built so is what the feed promises. It knows that it is the engine's
book whenever a heartbeat stands at the same number and has the same checksum; when the checksum differs, `is_wrong`
says so until a new snapshot comes.

    reader = BookReader("BTC-USD", L2)
    for topic, number, event in subscriber:
        reader.take(topic, number, event)
"""

from collections.abc import Iterable, Iterator
from itertools import chain, islice
from typing import Any

from sortedcontainers import SortedDict

from bus.protocol.checksum import CHECKSUM_LEVELS, book_checksum
from bus.protocol.feed import FeedHeartbeat, Level, OrderAdded, OrderDeleted, OrderExecuted, OrderReduced
from bus.protocol.recovery import BookSnapshot
from bus.protocol.terms import BUY, L2, L3, SELL
from bus.protocol.topics import HEARTBEAT, LEVEL, ORDER, topic
from bus.sockets.reading.feed_items import Resynced


class BookReader:
    """One symbol's book, by price levels (L2) or by orders (L3).

    `number`: that of the last event in it; 0 before the first snapshot, when it is not a book yet (`ready`).
    """

    def __init__(self, symbol: str, kind: int = L2) -> None:
        assert kind in (L2, L3), "a book is L2 or L3"
        self.symbol = symbol
        self.kind = kind
        self.topic = topic(LEVEL if kind == L2 else ORDER, symbol)
        self.number = 0
        self.ready = False
        self.is_wrong = False
        self.checks = 0  # how many heartbeats have proved it
        self._heartbeat_topic = topic(HEARTBEAT, symbol)
        # Keys: prices, negated for bids, so that the best comes first.
        self._bids: SortedDict[int, Any] = SortedDict()
        self._asks: SortedDict[int, Any] = SortedDict()
        # L3 only: public_id -> (side, price_ticks).
        self._places: dict[int, tuple[int, int]] = {}

    def take(self, name: str, number: int, event: object) -> None:
        """One item of a Subscriber, of whatever topic; what does not belong here is passed over."""
        if name == self.topic:
            if isinstance(event, Resynced):
                self._begin(event.snapshot, number)
            elif self.ready and number:
                assert number == self.number + 1, "a subscriber gives events without a gap"
                self.number = number
                self._apply(event)
        elif name == self._heartbeat_topic and isinstance(event, FeedHeartbeat):
            self._check(event)

    def levels(self, side: int) -> list[tuple[int, int, int]]:
        """`(price_ticks, quantity_lots, orders)` of one side, best first. O(levels), for L3 O(orders)."""
        return list(self._levels(side))

    def orders(self, side: int) -> list[tuple[int, int, int]]:
        """L3 only: `(public_id, price_ticks, quantity_lots)` of one side, in the order in which they will trade."""
        assert self.kind == L3, "a book by price levels does not know orders"
        sign = -1 if side == BUY else 1
        return [
            (public_id, key * sign, quantity)
            for key, level in self._side(side).items()
            for public_id, quantity in level.items()
        ]

    def best(self, side: int) -> tuple[int, int, int] | None:
        """The best level of one side."""
        return next(self._levels(side), None)

    def checksum(self) -> int:
        """As the engine computes it."""
        return book_checksum(
            islice(self._levels(BUY), CHECKSUM_LEVELS), islice(self._levels(SELL), CHECKSUM_LEVELS)
        )

    def _levels(self, side: int) -> Iterator[tuple[int, int, int]]:
        sign = -1 if side == BUY else 1
        for key, level in self._side(side).items():
            if self.kind == L2:
                yield (key * sign, *level)
            else:
                yield key * sign, sum(level.values()), len(level)

    def _side(self, side: int) -> "SortedDict[int, Any]":
        return self._bids if side == BUY else self._asks

    def _begin(self, snapshot: BookSnapshot, number: int) -> None:
        self._bids = SortedDict()
        self._asks = SortedDict()
        self._places = {}
        self.number = number
        self.ready = True
        rows: Iterable[tuple[int, tuple[int, int, int]]] = chain(
            ((BUY, row) for row in snapshot.bids), ((SELL, row) for row in snapshot.asks)
        )
        for side, (first, second, third) in rows:
            if self.kind == L2:
                self._set_level(side, first, second, third)
            else:
                self._add_order(side, first, second, third)
        self.is_wrong = self.checksum() != snapshot.checksum

    def _check(self, heartbeat: FeedHeartbeat) -> None:
        number = heartbeat.level_number if self.kind == L2 else heartbeat.order_number
        if self.ready and not self.is_wrong and number == self.number:
            self.is_wrong = self.checksum() != heartbeat.checksum
            self.checks += not self.is_wrong

    def _apply(self, event: object) -> None:
        if isinstance(event, Level):
            self._set_level(event.side, event.price_ticks, event.quantity_lots, event.orders)
        elif isinstance(event, OrderAdded):
            self._add_order(event.side, event.public_id, event.price_ticks, event.quantity_lots)
        elif isinstance(event, OrderExecuted):
            self._set_order(event.public_id, event.leaves_lots)
        elif isinstance(event, OrderDeleted):
            self._set_order(event.public_id, 0)
        elif isinstance(event, OrderReduced):
            self._set_order(event.public_id, event.quantity_lots)

    def _set_level(self, side: int, price_ticks: int, quantity_lots: int, orders: int) -> None:
        levels = self._side(side)
        key = -price_ticks if side == BUY else price_ticks
        if quantity_lots:
            levels[key] = (quantity_lots, orders)
        else:
            levels.pop(key, None)

    def _add_order(self, side: int, public_id: int, price_ticks: int, quantity_lots: int) -> None:
        key = -price_ticks if side == BUY else price_ticks
        levels = self._side(side)
        if key not in levels:
            levels[key] = {}
        levels[key][public_id] = quantity_lots
        self._places[public_id] = (side, key)

    def _set_order(self, public_id: int, quantity_lots: int) -> None:
        place = self._places.get(public_id)
        if place is None:
            self.is_wrong = True  # an order that was never added: a new snapshot will tell
            return
        side, key = place
        levels = self._side(side)
        if quantity_lots:
            levels[key][public_id] = quantity_lots
            return
        del levels[key][public_id]
        del self._places[public_id]
        if not levels[key]:
            del levels[key]
