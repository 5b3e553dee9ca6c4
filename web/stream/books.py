"""A symbol's book, kept from its depth stream, and what readers are told of it: changes, or its best levels.

Changes are gathered for a while and said together, each level as it is then, so that a busy book costs so many messages
a second and no more. One such message follows the other by `prev_seq`. A reader that holds something else than the
message before (it was slow, or comes back) is told everything behind what it holds in one message, or the whole book.
"""

from collections import deque
from itertools import islice
from typing import Final
from zlib import crc32

import msgspec

from bus.protocol.feed import Level
from bus.protocol.terms import BUY, SELL
from bus.sockets.market.depth_reader import DepthReader
from bus.sockets.market.stream_items import Item, Published, Resynced
from bus.sockets.session.prices import Scale
from web.schemas.stream import BookSnapshot, BookUpdate, Depth20
from web.schemas.values import PriceLevel
from web.stream.channels import BOOK, DEPTH20
from web.stream.feed import NOTHING, Held, StateFeed
from web.stream.source import Source

#: Changed levels that are kept for readers that are behind: about 100 bytes each. A reader behind more of them takes
#: the whole book, which is hardly larger.
KEPT_LEVELS_MAX: Final = 20_000
#: The best levels of each side that a checksum is over, as in the checksum of the streams.
CHECKSUM_LEVELS: Final = 25
_LEVELS: Final = 20
#: Of a level that is gone.
_GONE: Final = "0"
_MS: Final = 1_000_000

_Changes = dict[tuple[int, int], int]


class BookSource(Source):
    """One symbol's. `is_due`: something changed since it was last published; `is_planned`: when, is settled."""

    def __init__(self, topic: str, scale: Scale) -> None:
        super().__init__(topic)
        self.depth = DepthReader(scale.symbol)
        self.book = BookFeed(self.depth, scale)
        self.best = BestLevels(self.depth, scale)
        self.is_due = False
        self.is_planned = False

    @property
    def feeds(self) -> tuple[StateFeed, ...]:
        """See Source."""
        return (self.book, self.best)

    def take(self, item: Item) -> None:
        """See Source."""
        self.depth.take(item)
        if not isinstance(item, Published | Resynced) or item.topic != self.topic or not self.depth.ready:
            return
        self.is_due = self.best.is_stale = True
        if isinstance(item, Resynced):
            self.book.begin()
        else:
            self.book.gather(item)

    def publish(self) -> None:
        """Tell what has changed."""
        self.is_due = False
        self.book.publish()
        if self.best.listeners:
            self.best.say_changed()


class _Said:
    """One published change of a book."""

    __slots__ = ("changes", "sequence")

    def __init__(self, sequence: int, changes: _Changes) -> None:
        self.sequence = sequence
        self.changes = changes


class BookFeed(StateFeed):
    """A snapshot, then changes."""

    def __init__(self, depth: DepthReader, scale: Scale) -> None:
        super().__init__(BOOK, depth.symbol)
        self._depth = depth
        self._text = Text(scale)
        #: Counts the beginnings: what is held of an earlier one is worth nothing.
        self._generation = 0
        self._sequence = self._time_ns = self._checksum = 0
        self._changes: _Changes = {}
        self._said: deque[_Said] = deque()
        self._said_levels = 0
        #: What is held by somebody at or behind this sequence can be gone on from.
        self._floor = 0
        #: Messages by what their reader holds, -1 for nothing; of the book as it is.
        self._encoded: dict[int, tuple[bytes, int]] = {}
        #: How many messages were made, however many readers they had.
        self.encodings = 0

    def begin(self) -> None:
        """The book is another one."""
        self._generation += 1
        self._stand()
        self._floor = self._sequence
        self._changes = {}
        self._said.clear()
        self._said_levels = 0
        self._encoded.clear()

    def gather(self, item: Published) -> None:
        """Changes that were applied to the book."""
        for event in item.events:
            if isinstance(event, Level):
                self._changes[event.side, event.price_ticks] = event.quantity_lots

    def publish(self) -> None:
        """Whoever reads is told."""
        self._encoded.clear()
        if self._depth.sequence != self._sequence:
            self._stand()
            self._said.append(_Said(self._sequence, self._changes))
            self._said_levels += len(self._changes)
            self._changes = {}
            while self._said_levels > KEPT_LEVELS_MAX:
                oldest = self._said.popleft()
                self._said_levels -= len(oldest.changes)
                self._floor = oldest.sequence
        self.say_changed()

    def held_from(self, sequence: int) -> Held:
        """See StateFeed."""
        if self._generation and self._floor <= sequence <= self._sequence:
            return (self._generation, sequence)
        return NOTHING

    def messages(self, held: Held) -> tuple[list[bytes], Held]:
        """See StateFeed."""
        generation, sequence = held
        if not self._generation or (generation == self._generation and sequence >= self._sequence):
            return [], held
        if generation != self._generation or sequence < self._floor:
            sequence = -1
        known = self._encoded.get(sequence)
        if known is None:
            self.encodings += 1
            known = self._encoded[sequence] = self._snapshot() if sequence < 0 else self._update(sequence)
        message, now = known
        return [message], (self._generation, now)

    def _update(self, after: int) -> tuple[bytes, int]:
        changes: _Changes = {}
        # From the newest on: most readers hold the message before it.
        newer = []
        for said in reversed(self._said):
            if said.sequence <= after:
                break
            newer.append(said.changes)
        for one in reversed(newer):
            changes.update(one)
        update = BookUpdate(
            "update",
            self.symbol,
            self._sequence,
            after,
            self._time_ns // _MS,
            self._checksum,
            self._text.changed(changes, BUY),
            self._text.changed(changes, SELL),
        )
        return msgspec.json.encode(update), self._sequence

    def _snapshot(self) -> tuple[bytes, int]:
        bids, asks = self._text.levels(self._depth, BUY), self._text.levels(self._depth, SELL)
        snapshot = BookSnapshot(
            "snapshot",
            self.symbol,
            self._depth.sequence,
            self._depth.time_ns // _MS,
            checksum(bids, asks),
            bids,
            asks,
        )
        return msgspec.json.encode(snapshot), self._depth.sequence

    def _stand(self) -> None:
        """The book as it is now is what was published last; readers that are behind are told of it later."""
        self._sequence, self._time_ns = self._depth.sequence, self._depth.time_ns
        self._checksum = checksum(
            self._text.levels(self._depth, BUY, CHECKSUM_LEVELS),
            self._text.levels(self._depth, SELL, CHECKSUM_LEVELS),
        )


class BestLevels(StateFeed):
    """The best levels of each side, whole. `is_stale`: the book has changed since they were looked at."""

    def __init__(self, depth: DepthReader, scale: Scale) -> None:
        super().__init__(DEPTH20, depth.symbol)
        self._depth = depth
        self._text = Text(scale)
        self.is_stale = False
        self._number = 0
        self._rows: tuple[list[PriceLevel], list[PriceLevel]] | None = None
        self._message = b""

    def held_from(self, sequence: int) -> Held:
        """See StateFeed: it is whole, so what was held before does not matter."""
        del sequence
        return NOTHING

    def messages(self, held: Held) -> tuple[list[bytes], Held]:
        """See StateFeed. What has changed behind the best levels only is nothing new."""
        if self.is_stale:
            self._look()
        if held[1] == self._number:
            return [], held
        return [self._message], (0, self._number)

    def _look(self) -> None:
        self.is_stale = False
        rows = self._text.levels(self._depth, BUY, _LEVELS), self._text.levels(self._depth, SELL, _LEVELS)
        if rows == self._rows:
            return
        self._rows = rows
        self._number += 1
        told = Depth20(self.symbol, self._depth.sequence, self._depth.time_ns // _MS, *rows)
        self._message = msgspec.json.encode(told)


class Text:
    """Levels as people write them."""

    def __init__(self, scale: Scale) -> None:
        self._scale = scale

    def levels(self, depth: DepthReader, side: int, count: int | None = None) -> list[PriceLevel]:
        """Those of a side, or the best of them, best first."""
        price, quantity = self._scale.price, self._scale.quantity
        rows = islice(depth.levels(side), count)
        return [(f"{price(ticks):f}", f"{quantity(lots):f}") for ticks, lots, _ in rows]

    def changed(self, changes: _Changes, side: int) -> list[PriceLevel]:
        """Those of a side that have changed."""
        price, quantity = self._scale.price, self._scale.quantity
        return [
            (f"{price(ticks):f}", f"{quantity(lots):f}" if lots else _GONE)
            for (of, ticks), lots in changes.items()
            if of == side
        ]


def checksum(bids: list[PriceLevel], asks: list[PriceLevel]) -> int:
    """CRC-32 over `price:quantity;` of the best 25 bids, then asks, in the text in which they are told."""
    rows = (*bids[:CHECKSUM_LEVELS], *asks[:CHECKSUM_LEVELS])
    return crc32("".join(f"{price}:{quantity};" for price, quantity in rows).encode())
