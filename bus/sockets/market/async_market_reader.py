"""A reader of market data on an asyncio loop: the streams of one or several publishers, each change once, in order.

    async with AsyncMarketReader(["candle-1m."]) as reader:
        async for item in reader.items():
            ...

A user who is slower than the streams does not fill the memory: beyond a bound the sockets are left alone, ZeroMQ's own
bound fills, and what is lost there is noticed and healed.
"""

import asyncio
from collections.abc import AsyncIterator, Iterable, Mapping
from types import TracebackType
from typing import Final

import zmq

from bus.clock import monotonic_ns
from bus.errors import MatchbusError, NotConnected
from bus.protocol.market.streams import DEPTH
from bus.sockets.market.depth_reader import DepthReader
from bus.sockets.market.giving import Giving
from bus.sockets.market.market_reader import take_publications
from bus.sockets.market.market_sockets import (
    PublisherAddress,
    ask,
    change_subscriptions,
    open_requests,
    open_streams,
    publisher_at,
)
from bus.sockets.market.roster import SILENCE_MS_MAX
from bus.sockets.market.stream_core import StreamCore
from bus.sockets.market.stream_items import Item, Position

#: Events, and rows of books, that wait for the user before the sockets are left alone. About 200 bytes each.
EVENTS_WAITING_MAX: Final = 65_536
#: Messages that one drain takes of each socket, so that a flood lets the loop's other work have its turn.
MESSAGES_PER_DRAIN_MAX: Final = 256


class AsyncMarketReader:
    """See above; the arguments are those of `MarketReader`."""

    def __init__(
        self,
        topics: Iterable[str],
        publishers: Iterable[PublisherAddress] | None = None,
        *,
        from_positions: Mapping[str, Position] | None = None,
        silence_ms: int = SILENCE_MS_MAX,
        context: "zmq.Context[zmq.Socket[bytes]] | None" = None,
    ) -> None:
        self._publishers = [publisher_at()] if publishers is None else list(publishers)
        self._core = StreamCore(
            topics,
            [publisher.streams for publisher in self._publishers],
            from_positions=from_positions,
            silence_ms=silence_ms,
        )
        self._context = context or zmq.Context.instance()
        self._loop: asyncio.AbstractEventLoop | None = None
        self._streams: list[zmq.Socket[bytes]] = []
        self._requests: list[zmq.Socket[bytes]] = []
        self._giving = Giving(self._core)
        self._scheduled = False
        self._timer: asyncio.TimerHandle | None = None
        self._failure: MatchbusError | None = None
        self._reader: asyncio.Future[None] | None = None

    async def open(self) -> None:
        """Connect. Nobody need be there yet."""
        self._loop = asyncio.get_running_loop()
        for publisher in self._publishers:
            self._streams.append(open_streams(self._context, publisher, self._core.subscriptions))
            self._requests.append(open_requests(self._context, publisher))
        for socket in (*self._streams, *self._requests):
            self._loop.add_reader(socket.fileno(), self._drain)
        self._schedule()

    def close(self) -> None:
        """Disconnect; whoever iterates gets what has come, then an end. Safe to call twice."""
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        for socket in (*self._streams, *self._requests):
            if self._loop is not None:
                self._loop.remove_reader(socket.fileno())
            socket.close(0)
        self._streams, self._requests = [], []
        self._wake()

    async def __aenter__(self) -> "AsyncMarketReader":
        await self.open()
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def depth(self, symbol: str, stream: str = DEPTH) -> DepthReader:
        """A book that is kept by what `items` gives, always at the item that was given last.

        Its topic must be among those that are read. When it is wrong it begins anew by itself (`Resynced`).
        """
        return self._giving.add_book(symbol, stream)

    def position(self, topic: str) -> Position | None:
        """How far trades or depth were given: what a next life gives in `from_positions`. None while nothing was."""
        return self._giving.position(topic)

    def follow(self, topics: Iterable[str], *, from_positions: Mapping[str, Position] | None = None) -> None:
        """Read these as well."""
        more = self._core.follow(topics, from_positions=from_positions)
        for socket in self._streams:
            change_subscriptions(socket, more=more)
        self._schedule()

    def unfollow(self, topics: Iterable[str]) -> None:
        """Read these no longer. What has come of them is still given."""
        less = self._core.unfollow(topics)
        for socket in self._streams:
            change_subscriptions(socket, less=less)
        self._schedule()

    async def items(self) -> AsyncIterator[Item]:
        """What comes, as it comes, until `close`. One iteration at a time.

        Raises GapNotHealed when publishers that are there do not answer, NotTaken when they do not understand.
        """
        if self._loop is None:
            raise NotConnected("the reader is not open: use it in an async with block, or await open()")
        while True:
            while (item := self._giving.next()) is not None:
                yield item
            if self._failure is not None:
                raise self._failure
            if not self._streams:
                return
            self._reader = self._loop.create_future()
            self._schedule()
            await self._reader

    # The shell.

    def _schedule(self) -> None:
        if not self._scheduled and self._loop is not None and self._streams:
            self._scheduled = True
            self._loop.call_soon(self._drain_scheduled)

    def _drain_scheduled(self) -> None:
        self._scheduled = False
        self._drain()

    def _drain(self) -> None:
        """Take what waits, ask for what is missing, and look whether more waits: its edge may be gone."""
        if not self._streams or self._failure is not None:
            return
        try:
            self._take()
            items, requests = self._core.advance(monotonic_ns(), self._has_room() and not self._more_waits())
            self._giving.keep(items)
            for publisher, request in requests:
                ask(self._requests[publisher], request)
        except MatchbusError as failure:
            self._failure = failure
            self._wake()
            return
        if len(self._giving):
            self._wake()
        if self._has_room() and self._more_waits():
            self._schedule()
        self._arm()

    def _take(self) -> None:
        """Answers before publications: they are what publications wait for."""
        for publisher, socket in enumerate(self._requests):
            try:
                for _ in range(MESSAGES_PER_DRAIN_MAX):
                    if not self._has_room():
                        return
                    payload = socket.recv(zmq.NOBLOCK)
                    self._giving.keep(self._core.answered(publisher, payload, monotonic_ns()))
            except zmq.Again:
                pass
        for publisher, socket in enumerate(self._streams):
            if not self._has_room():
                return
            self._giving.keep(
                take_publications(self._core, publisher, socket, monotonic_ns(), MESSAGES_PER_DRAIN_MAX)
            )

    def _more_waits(self) -> bool:
        return any(
            int(socket.getsockopt(zmq.EVENTS)) & zmq.POLLIN for socket in (*self._streams, *self._requests)
        )

    def _has_room(self) -> bool:
        return self._giving.events < EVENTS_WAITING_MAX

    def _arm(self) -> None:
        """Ask again when an answer is late, and look who is silent; not while the user is slower than the streams."""
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        deadline_ns = self._core.deadline_ns
        if deadline_ns is not None and self._loop is not None and self._has_room():
            self._timer = self._loop.call_later(max(0, deadline_ns - monotonic_ns()) / 1e9, self._drain)

    def _wake(self) -> None:
        reader, self._reader = self._reader, None
        if reader is not None and not reader.done():
            reader.set_result(None)
