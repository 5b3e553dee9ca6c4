"""What has come and waits for the user of a reader, how far it was given, and the books that are kept by it. No I/O."""

from collections import deque

from bus.protocol.feed import Trade
from bus.sockets.market.depth_reader import DepthReader
from bus.sockets.market.stream_core import StreamCore
from bus.sockets.market.stream_items import Item, Position, Published, Resynced


class Giving:
    """See above. `events`: how many events, and rows of books, wait."""

    def __init__(self, core: StreamCore) -> None:
        self.events = 0
        self._core = core
        self._items: deque[Item] = deque()
        self._books: list[DepthReader] = []
        self._positions: dict[str, Position] = {}

    def add_book(self, symbol: str, stream: str) -> DepthReader:
        """One more book to keep."""
        book = DepthReader(symbol, stream)
        self._books.append(book)
        return book

    def keep(self, items: list[Item]) -> None:
        """They wait."""
        for item in items:
            self._items.append(item)
            self.events += _weight(item)

    def next(self) -> Item | None:
        """The next one, as it is given; None when nothing waits. A book that it shows to be wrong begins anew."""
        if not self._items:
            return None
        item = self._items.popleft()
        self.events -= _weight(item)
        for book in self._books:
            was_wrong = book.is_wrong
            book.take(item)
            # Also with each heartbeat while it is wrong: what it began with may have been wrong as well.
            if book.is_wrong and (not was_wrong or book.is_asked_by(item)):
                self._core.resync(book.topic)
        if isinstance(item, Published | Resynced):
            trade_id = _last_trade_id(item)
            if not trade_id and item.topic in self._positions:
                trade_id = self._positions[item.topic].trade_id
            self._positions[item.topic] = Position(item.epoch, item.sequence, item.time_ns, trade_id)
        return item

    def position(self, topic: str) -> Position | None:
        """How far a stream was given; None while nothing of it was."""
        return self._positions.get(topic)

    def __len__(self) -> int:
        return len(self._items)


def _last_trade_id(item: Published | Resynced) -> int:
    if isinstance(item, Resynced):
        return item.trades[-1].trade.trade_id if item.trades else 0
    return next((event.trade_id for event in reversed(item.events) if isinstance(event, Trade)), 0)


def _weight(item: Item) -> int:
    """What waits with an item, as a count of events."""
    if isinstance(item, Published):
        return len(item.events)
    if isinstance(item, Resynced):
        book = item.book
        return 1 + len(item.trades) + (len(book.bids) + len(book.asks) if book is not None else 0)
    return 1
