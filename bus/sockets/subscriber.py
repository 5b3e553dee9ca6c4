"""A reader of the feed for plain programs: every event once, in order, or a gap by name.

    with Subscriber(["trade.BTC-USD.", "level.BTC-USD."]) as subscriber:
        book = subscriber.book("BTC-USD")
        for topic, number, event in subscriber.events():
            print(topic, number, event, book.best(BUY))

It reads only while it is iterated. What came meanwhile waits inside ZeroMQ, and what is too much for that is lost and
then healed; a program that looks away for long gets a snapshot instead (`Resynced`), or is told (`Skipped`).
"""

from collections.abc import Iterable, Iterator, Mapping
from types import TracebackType
from typing import Any

import zmq

from bus.addresses import addresses
from bus.clock import monotonic_ns
from bus.errors import NotConnected
from bus.protocol.recovery import BookSnapshot
from bus.protocol.terms import L2
from bus.sockets.book_reader import BookReader
from bus.sockets.reading.feed_core import MS, FeedCore
from bus.sockets.reading.feed_items import Item, Resynced, Run
from bus.sockets.reading.reader_sockets import open_recovery, open_subscription

#: `(topic, number, event)`. A heartbeat has number 0; with Resynced, Skipped and Withdrawn stands the number of the
#: last event that they speak of.
Told = tuple[str, int, Any]


class Subscriber:
    """See above; the arguments are those of `FeedCore`. `drop.` is read from the drop-copy, and needs the token."""

    def __init__(
        self,
        topics: Iterable[str],
        connect: str = "127.0.0.1",
        port_base: int = 3000,
        *,
        from_numbers: Mapping[str, int] | None = None,
        snapshots: bool = True,
        token: str = "",
        context: "zmq.Context[zmq.Socket[bytes]] | None" = None,
    ) -> None:
        self._core = FeedCore(topics, from_numbers=from_numbers, snapshots=snapshots, token=token)
        self._addresses = addresses(port_base, connect)
        self._context = context or zmq.Context.instance()
        self._feed: zmq.Socket[bytes] | None = None
        self._recovery: zmq.Socket[bytes] | None = None
        self._books = Books(self._core)

    def open(self) -> None:
        """Connect. Nobody need be there yet."""
        self._feed = open_subscription(self._context, self._addresses, self._core.subscriptions)
        self._recovery = open_recovery(self._context, self._addresses)

    def close(self) -> None:
        """Disconnect. Safe to call twice."""
        for socket in (self._feed, self._recovery):
            if socket is not None:
                socket.close(0)
        self._feed = self._recovery = None

    def __enter__(self) -> "Subscriber":
        self.open()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def book(self, symbol: str, kind: int = L2) -> BookReader:
        """A book that is kept by what `events` gives, always at the event that was given last.

        Its topic must be among those that are read. When it is wrong it begins anew by itself (`Resynced`).
        """
        return self._books.add(symbol, kind)

    def next_number(self, topic: str) -> int:
        """The number of the event of a topic that comes next: what a next life gives in `from_numbers`."""
        return self._core.next_number(topic)

    def events(self, timeout: float | None = None) -> Iterator[Told]:
        """What comes, as it comes; ends when nothing at all (not even a heartbeat) comes for `timeout` seconds.

        Raises GapNotHealed when the recovery service does not answer, NotTaken when it refuses (a wrong token).
        """
        while True:
            items = self._next_items(timeout)
            if items is None:
                return
            for item in items:
                for told in tell(item):
                    self._books.take(told)
                    yield told

    def _next_items(self, timeout: float | None) -> list[Item] | None:
        """What the next message brings; None after the timeout."""
        feed, recovery, core = self._feed, self._recovery, self._core
        if feed is None or recovery is None:
            raise NotConnected("the subscriber is not open: use it in a with block, or call open()")
        now = monotonic_ns()
        deadline_ns = None if timeout is None else now + int(timeout * 1000) * MS
        poller = zmq.Poller()
        poller.register(recovery, zmq.POLLIN)
        poller.register(feed, zmq.POLLIN)
        while True:
            for request in core.requests(now):
                recovery.send(request, zmq.NOBLOCK)
            deadlines = [when for when in (deadline_ns, core.deadline_ns) if when is not None]
            wait_ms = max(0, (min(deadlines) - now + MS - 1) // MS) if deadlines else None
            ready = dict(poller.poll(wait_ms))
            now = monotonic_ns()
            if recovery in ready:
                return core.recovered(recovery.recv(), now)
            if feed in ready:
                parts = feed.recv_multipart()
                if len(parts) == 2:
                    return core.receive(parts[0].decode(errors="replace"), parts[1])
            elif deadline_ns is not None and now >= deadline_ns:
                return None


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
