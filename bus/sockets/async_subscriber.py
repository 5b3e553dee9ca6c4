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

from bus.clock import monotonic_ns
from bus.errors import MatchbusError, NotConnected
from bus.sockets.reading.feed_items import Item, Run
from bus.sockets.reading.reader_shell import ReaderShell
from bus.sockets.reading.telling import Told, tell

#: Events that wait for the user before the sockets are left alone. About 200 bytes each.
EVENTS_WAITING_MAX = 65_536
#: Messages that one drain takes, so that a flood lets the loop's other work have its turn.
MESSAGES_PER_DRAIN_MAX = 256


class AsyncSubscriber(ReaderShell):
    """See above, and `ReaderShell` for the arguments and for what else it can do."""

    # Until `open`.
    _loop: asyncio.AbstractEventLoop | None = None
    _items: deque[Item]
    _events_waiting = 0
    _scheduled = False
    _timer: asyncio.TimerHandle | None = None
    _failure: MatchbusError | None = None
    _reader: asyncio.Future[None] | None = None

    async def open(self) -> None:
        """Connect. Nobody need be there yet."""
        self._loop = asyncio.get_running_loop()
        self._items = deque()
        for socket in self._open_sockets().all:
            self._loop.add_reader(socket.fileno(), self._drain)
        self._schedule()

    def close(self) -> None:
        """Disconnect; whoever iterates gets what has come, then an end. Safe to call twice."""
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        if self._sockets is not None and self._loop is not None:
            for socket in self._sockets.all:
                self._loop.remove_reader(socket.fileno())
            self._sockets.close()
        self._sockets = None
        self._wake()

    async def __aenter__(self) -> "AsyncSubscriber":
        await self.open()
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def follow(self, topics: Iterable[str], from_numbers: Mapping[str, int] | None = None) -> None:
        """As of every subscriber; what is missing is asked for at once."""
        super().follow(topics, from_numbers)
        self._schedule()

    async def events(self) -> AsyncIterator[Told]:
        """What comes, as it comes, until `close`. One iteration at a time, of this or of `items`.

        Raises GapNotHealed when no recovery service answers, NotTaken when one refuses (a wrong token).
        """
        async for item in self.items():
            for told in tell(item):
                self._books.take(told)
                yield told

    async def items(self) -> AsyncIterator[Item]:
        """The same run by run, each with its batch (`Run.log_sequence`, `Run.numbers`). Keeps no books."""
        if self._loop is None:
            raise NotConnected("the subscriber is not open: use it in an async with block, or await open()")
        while True:
            while self._items:
                item = self._items.popleft()
                if isinstance(item, Run):
                    self._events_waiting -= len(item.events)
                yield item
            if self._failure is not None:
                raise self._failure
            if self._sockets is None:
                return
            self._reader = self._loop.create_future()
            self._schedule()
            await self._reader

    def take_waiting(self, events_max: int) -> list[Item]:
        """What waits behind the item that `items` gave last, of about so many events at most: for who works on many."""
        taken: list[Item] = []
        while self._items and events_max > 0:
            item = self._items.popleft()
            if isinstance(item, Run):
                self._events_waiting -= len(item.events)
                events_max -= len(item.events)
            taken.append(item)
        return taken

    # The shell.

    def _schedule(self) -> None:
        if not self._scheduled and self._loop is not None and self._sockets is not None:
            self._scheduled = True
            self._loop.call_soon(self._drain_scheduled)

    def _drain_scheduled(self) -> None:
        self._scheduled = False
        self._drain()

    def _drain(self) -> None:
        """Take what waits, ask for what is missing, and look whether more waits: its edge may be gone."""
        sockets = self._sockets
        if sockets is None or self._failure is not None:
            return
        try:
            for service in sockets.services:
                self._take_answers(service)
            self._take_publications(sockets.feed)
            sockets.ask(self._core, monotonic_ns())
        except MatchbusError as failure:
            self._failure = failure
            self._wake()
            return
        if self._items:
            self._wake()
        readable = sockets.all if self._has_room() else sockets.services
        if any(int(socket.getsockopt(zmq.EVENTS)) & zmq.POLLIN for socket in readable):
            self._schedule()
        self._arm()

    def _take_answers(self, service: "zmq.Socket[bytes]") -> None:
        try:
            for _ in range(MESSAGES_PER_DRAIN_MAX):
                self._keep(self._core.recovered(service.recv(zmq.NOBLOCK), monotonic_ns()))
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
