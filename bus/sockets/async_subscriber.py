"""A reader of the feed on an asyncio loop: every event once, in order, or a gap by name.

    async with AsyncSubscriber(["trade."]) as subscriber:
        async for topic, number, event in subscriber.events():
            ...

A user who is slower than the feed does not fill the memory: beyond a bound the sockets are left alone, ZeroMQ's own
bound fills, and what is lost there is noticed and healed.
"""

import asyncio
from collections import deque
from collections.abc import AsyncIterator, Iterable, Mapping
from types import TracebackType

import zmq

from bus.addresses import addresses
from bus.clock import monotonic_ns
from bus.errors import MatchbusError, NotConnected
from bus.protocol.terms import L2
from bus.sockets.book_reader import BookReader
from bus.sockets.reading.feed_core import FeedCore
from bus.sockets.reading.feed_items import Item, Run
from bus.sockets.reading.reader_sockets import open_recovery, open_subscription
from bus.sockets.subscriber import Books, Told, tell

#: Events that wait for the user before the sockets are left alone. About 200 bytes each.
EVENTS_WAITING_MAX = 65_536
#: Messages that one drain takes, so that a flood lets the loop's other work have its turn.
MESSAGES_PER_DRAIN_MAX = 256


class AsyncSubscriber:
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
        self._loop: asyncio.AbstractEventLoop | None = None
        self._feed: zmq.Socket[bytes] | None = None
        self._recovery: zmq.Socket[bytes] | None = None
        self._books = Books(self._core)
        self._items: deque[Item] = deque()
        self._events_waiting = 0
        self._scheduled = False
        self._timer: asyncio.TimerHandle | None = None
        self._failure: MatchbusError | None = None
        self._reader: asyncio.Future[None] | None = None

    async def open(self) -> None:
        """Connect. Nobody need be there yet."""
        self._loop = asyncio.get_running_loop()
        self._feed = open_subscription(self._context, self._addresses, self._core.subscriptions)
        self._recovery = open_recovery(self._context, self._addresses)
        for socket in (self._feed, self._recovery):
            self._loop.add_reader(socket.fileno(), self._drain)
        self._schedule()

    def close(self) -> None:
        """Disconnect; whoever iterates gets what has come, then an end. Safe to call twice."""
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        for socket in (self._feed, self._recovery):
            if socket is not None and self._loop is not None:
                self._loop.remove_reader(socket.fileno())
                socket.close(0)
        self._feed = self._recovery = None
        self._wake()

    async def __aenter__(self) -> "AsyncSubscriber":
        await self.open()
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def book(self, symbol: str, kind: int = L2) -> BookReader:
        """A book that is kept by what `events` gives, always at the event that was given last.

        Its topic must be among those that are read. When it is wrong it begins anew by itself (`Resynced`).
        """
        return self._books.add(symbol, kind)

    def next_number(self, topic: str) -> int:
        """The number of the event of a topic that is received next; what waits for the user is below it."""
        return self._core.next_number(topic)

    async def events(self) -> AsyncIterator[Told]:
        """What comes, as it comes, until `close`. One iteration at a time.

        Raises GapNotHealed when the recovery service does not answer, NotTaken when it refuses (a wrong token).
        """
        if self._loop is None:
            raise NotConnected("the subscriber is not open: use it in an async with block, or await open()")
        while True:
            while self._items:
                item = self._items.popleft()
                if isinstance(item, Run):
                    self._events_waiting -= len(item.events)
                for told in tell(item):
                    self._books.take(told)
                    yield told
            if self._failure is not None:
                raise self._failure
            if self._feed is None:
                return
            self._reader = self._loop.create_future()
            self._schedule()
            await self._reader

    # The shell.

    def _schedule(self) -> None:
        if not self._scheduled and self._loop is not None and self._feed is not None:
            self._scheduled = True
            self._loop.call_soon(self._drain_scheduled)

    def _drain_scheduled(self) -> None:
        self._scheduled = False
        self._drain()

    def _drain(self) -> None:
        """Take what waits, ask for what is missing, and look whether more waits: its edge may be gone."""
        feed, recovery = self._feed, self._recovery
        if feed is None or recovery is None or self._failure is not None:
            return
        core = self._core
        try:
            self._take_answers(recovery)
            self._take_publications(feed)
            for request in core.requests(monotonic_ns()):
                recovery.send(request, zmq.NOBLOCK)
        except MatchbusError as failure:
            self._failure = failure
            self._wake()
            return
        if self._items:
            self._wake()
        if int(recovery.getsockopt(zmq.EVENTS)) & zmq.POLLIN or (
            self._has_room() and int(feed.getsockopt(zmq.EVENTS)) & zmq.POLLIN
        ):
            self._schedule()
        self._arm()

    def _take_answers(self, recovery: "zmq.Socket[bytes]") -> None:
        try:
            for _ in range(MESSAGES_PER_DRAIN_MAX):
                self._keep(self._core.recovered(recovery.recv(zmq.NOBLOCK), monotonic_ns()))
        except zmq.Again:
            pass

    def _take_publications(self, feed: "zmq.Socket[bytes]") -> None:
        try:
            for _ in range(MESSAGES_PER_DRAIN_MAX):
                if not self._has_room():
                    return
                parts = feed.recv_multipart(zmq.NOBLOCK)
                if len(parts) == 2:
                    self._keep(self._core.receive(parts[0].decode(errors="replace"), parts[1]))
        except zmq.Again:
            pass

    def _has_room(self) -> bool:
        return self._events_waiting < EVENTS_WAITING_MAX

    def _keep(self, items: list[Item]) -> None:
        for item in items:
            self._items.append(item)
            if isinstance(item, Run):
                self._events_waiting += len(item.events)

    def _arm(self) -> None:
        """Ask again when an answer is late."""
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        deadline_ns = self._core.deadline_ns
        if deadline_ns is not None and self._loop is not None:
            self._timer = self._loop.call_later(max(0, deadline_ns - monotonic_ns()) / 1e9, self._drain)

    def _wake(self) -> None:
        reader, self._reader = self._reader, None
        if reader is not None and not reader.done():
            reader.set_result(None)
