"""How a subscriber tells what it has read: item by item as `(topic, number, event)`, and in books that are kept by it.

Called by the two subscribers; no I/O.
"""

from collections.abc import Iterator
from typing import Any

from bus.protocol.recovery import BookSnapshot
from bus.protocol.terms import L2
from bus.sockets.book_reader import BookReader
from bus.sockets.reading.feed_core import FeedCore
from bus.sockets.reading.feed_items import Item, Resynced, Run

#: `(topic, number, event)`. A heartbeat has number 0; with Resynced, Skipped and Withdrawn stands the number of the
#: last event that they speak of.
Told = tuple[str, int, Any]


class Books:
    """The books that a subscriber keeps, whatever its shell."""

    def __init__(self, core: FeedCore) -> None:
        self._core = core
        self._books: list[BookReader] = []

    def add(self, symbol: str, kind: int) -> BookReader:
        """One more."""
        book = BookReader(symbol, kind)
        self._books.append(book)
        return book

    def take(self, told: Told) -> None:
        """An item that is about to be given; a book that turns out wrong begins anew."""
        for book in self._books:
            was_wrong = book.is_wrong
            book.take(*told)
            if book.is_wrong and not was_wrong:
                self._core.resync(book.symbol, book.kind)


def tell(item: Item) -> Iterator[Told]:
    """An item as `(topic, number, event)`."""
    if isinstance(item, Run):
        step = 1 if item.first_number else 0
        number = item.first_number
        for event in item.events:
            yield item.topic, number, event
            number += step
    elif isinstance(item, Resynced):
        yield item.topic, snapshot_number(item.snapshot), item
    else:
        yield item.topic, item.next_number - 1, item


def snapshot_number(snapshot: BookSnapshot) -> int:
    """The number of the last event that a snapshot holds."""
    return snapshot.level_number if snapshot.kind == L2 else snapshot.order_number
