"""A book kept from one of the depth streams: a snapshot and the changes behind it, and checked.

No I/O. A heartbeat says since when the book has not changed, and its checksum: one that stands there or later must have
the same. When it has not, `is_wrong` says so until the stream begins anew.

    depth = DepthReader("BTC-USD")
    for item in reader.items():
        depth.take(item)
"""

from collections.abc import Iterator
from itertools import islice

from sortedcontainers import SortedDict

from bus.protocol.checksum import CHECKSUM_LEVELS, book_checksum
from bus.protocol.feed import Level
from bus.protocol.market.streams import DEPTH, STREAMS_HEARTBEAT_TOPIC, Book, StreamsHeartbeat
from bus.protocol.terms import BUY, SELL
from bus.protocol.topics import topic
from bus.sockets.market.stream_items import Item, Published, Resynced


class DepthReader:
    """One symbol's book by price levels. `stream`: the kind of its topic, `depth` or one of the conflated ones.

    `sequence`, `time_ns`: as of which it stands; 0 before the first snapshot, when it is not a book yet (`ready`).
    """

    def __init__(self, symbol: str, stream: str = DEPTH) -> None:
        self.symbol = symbol
        self.topic = topic(stream, symbol)
        self.epoch = 0
        self.sequence = 0
        self.time_ns = 0
        self.ready = False
        self.is_wrong = False
        self.checks = 0  # how many heartbeats have proved it
        self._heartbeat_topic = topic(STREAMS_HEARTBEAT_TOPIC, symbol)
        self._depth_topic = topic(DEPTH, symbol)
        # Keys: prices, negated for bids, so that the best comes first.
        self._bids: SortedDict[int, tuple[int, int]] = SortedDict()
        self._asks: SortedDict[int, tuple[int, int]] = SortedDict()

    def take(self, item: Item) -> None:
        """One item of a reader, of whatever topic; what does not belong here is passed over."""
        if isinstance(item, Published):
            if item.topic == self.topic:
                if self.ready:
                    self.epoch, self.sequence, self.time_ns = item.epoch, item.sequence, item.time_ns
                    for event in item.events:
                        if isinstance(event, Level):
                            self._set(event.side, event.price_ticks, event.quantity_lots, event.orders)
            elif item.topic == self._heartbeat_topic:
                for event in item.events:
                    if isinstance(event, StreamsHeartbeat) and item.epoch >= self.epoch:
                        self._check(event, item.sequence)
        elif isinstance(item, Resynced) and item.topic == self.topic and item.book is not None:
            self.epoch, self.time_ns = item.epoch, item.time_ns
            self._begin(item.book, item.sequence)

    def is_asked_by(self, item: Item) -> bool:
        """Whether an item is a heartbeat of this symbol."""
        return isinstance(item, Published) and item.topic == self._heartbeat_topic

    def levels(self, side: int) -> list[tuple[int, int, int]]:
        """`(price_ticks, quantity_lots, orders)` of one side, best first. O(levels)."""
        return list(self._levels(side))

    def best(self, side: int) -> tuple[int, int, int] | None:
        """The best level of one side."""
        return next(self._levels(side), None)

    def checksum(self) -> int:
        """As the publisher computes it."""
        return book_checksum(
            islice(self._levels(BUY), CHECKSUM_LEVELS), islice(self._levels(SELL), CHECKSUM_LEVELS)
        )

    def _levels(self, side: int) -> Iterator[tuple[int, int, int]]:
        sign = -1 if side == BUY else 1
        for key, level in self._side(side).items():
            yield (key * sign, *level)

    def _side(self, side: int) -> "SortedDict[int, tuple[int, int]]":
        return self._bids if side == BUY else self._asks

    def _begin(self, book: Book, sequence: int) -> None:
        self._bids = SortedDict({-price: (quantity, orders) for price, quantity, orders in book.bids})
        self._asks = SortedDict({price: (quantity, orders) for price, quantity, orders in book.asks})
        self.sequence = sequence
        self.ready = True
        self.is_wrong = self.checksum() != book.checksum

    def _set(self, side: int, price_ticks: int, quantity_lots: int, orders: int) -> None:
        levels = self._side(side)
        key = -price_ticks if side == BUY else price_ticks
        if quantity_lots:
            levels[key] = (quantity_lots, orders)
        else:
            levels.pop(key, None)

    def _check(self, heartbeat: StreamsHeartbeat, reached: int) -> None:
        """The checksum holds from the last frame of `depth.` up to where the publisher has come."""
        if heartbeat.checksum < 0 or not self.ready or self.is_wrong or self.sequence > reached:
            return
        changed = next((last for name, last, _ in heartbeat.streams if name == self._depth_topic), 0)
        if changed <= self.sequence:
            self.is_wrong = self.checksum() != heartbeat.checksum
            self.checks += not self.is_wrong
