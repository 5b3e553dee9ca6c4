"""A reader of market data for plain programs: the streams of one or several publishers, each change once, in order.

    with MarketReader(["trades.BTC-USD.", "depth.BTC-USD."]) as reader:
        depth = reader.depth("BTC-USD")
        for item in reader.items():
            print(item, depth.best(BUY))

It reads only while it is iterated. What came meanwhile waits inside ZeroMQ, and what is too much for that is lost and
then healed; a program that looks away for long is told so (`Resynced`, `Skipped`).
"""

from collections.abc import Iterable, Iterator, Mapping
from types import TracebackType
from typing import Final

import zmq

from bus.clock import monotonic_ns
from bus.errors import NotConnected
from bus.protocol.market.streams import DEPTH
from bus.sockets.market.depth_reader import DepthReader
from bus.sockets.market.giving import Giving
from bus.sockets.market.market_sockets import (
    PublisherAddress,
    ask,
    change_subscriptions,
    open_requests,
    open_streams,
    publisher_at,
)
from bus.sockets.market.roster import MS, SILENCE_MS_MAX
from bus.sockets.market.stream_core import StreamCore
from bus.sockets.market.stream_items import Item, Position

#: Messages that are taken from one socket before the others have their turn.
MESSAGES_PER_TURN_MAX: Final = 64


class MarketReader:
    """See above. `publishers`: the preferred one first; all are listened to at once. The rest as for `StreamCore`."""

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
        self._streams: list[zmq.Socket[bytes]] = []
        self._requests: list[zmq.Socket[bytes]] = []
        self._poller = zmq.Poller()
        self._giving = Giving(self._core)

    def open(self) -> None:
        """Connect. Nobody need be there yet."""
        for publisher in self._publishers:
            self._streams.append(open_streams(self._context, publisher, self._core.subscriptions))
            self._requests.append(open_requests(self._context, publisher))
        for socket in (*self._streams, *self._requests):
            self._poller.register(socket, zmq.POLLIN)

    def close(self) -> None:
        """Disconnect. Safe to call twice."""
        for socket in (*self._streams, *self._requests):
            self._poller.unregister(socket)
            socket.close(0)
        self._streams, self._requests = [], []

    def __enter__(self) -> "MarketReader":
        self.open()
        return self

    def __exit__(
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

    def unfollow(self, topics: Iterable[str]) -> None:
        """Read these no longer. Some of them may still come."""
        less = self._core.unfollow(topics)
        for socket in self._streams:
            change_subscriptions(socket, less=less)

    def items(self, timeout: float | None = None) -> Iterator[Item]:
        """What comes, as it comes; ends when nothing at all (not even a heartbeat) comes for `timeout` seconds.

        Raises GapNotHealed when publishers that are there do not answer, NotTaken when they do not understand.
        """
        while True:
            while (item := self._giving.next()) is not None:
                yield item
            if not self._wait(timeout):
                return

    def _wait(self, timeout: float | None) -> bool:
        """Until something is to be given; False after the timeout."""
        if not self._streams:
            raise NotConnected("the reader is not open: use it in a with block, or call open()")
        core = self._core
        now = monotonic_ns()
        deadline_ns = None if timeout is None else now + int(timeout * 1000) * MS
        all_taken = False
        while True:
            items, requests = core.advance(now, all_taken)
            for publisher, request in requests:
                ask(self._requests[publisher], request)
            self._giving.keep(items)
            if len(self._giving):
                return True
            deadlines = [when for when in (deadline_ns, core.deadline_ns) if when is not None]
            wait_ms = max(0, (min(deadlines) - now + MS - 1) // MS) if deadlines else None
            ready = dict(self._poller.poll(wait_ms))
            now = monotonic_ns()
            all_taken = not ready
            self._take(ready, now)
            if all_taken and deadline_ns is not None and now >= deadline_ns:
                return False

    def _take(self, ready: "dict[zmq.Socket[bytes], int]", now: int) -> None:
        """Answers before publications: they are what publications wait for."""
        for publisher, socket in enumerate(self._requests):
            if socket in ready:
                self._giving.keep(self._core.answered(publisher, socket.recv(), now))
        for publisher, socket in enumerate(self._streams):
            if socket in ready:
                self._giving.keep(
                    take_publications(self._core, publisher, socket, now, MESSAGES_PER_TURN_MAX)
                )


def take_publications(
    core: StreamCore, publisher: int, socket: "zmq.Socket[bytes]", now_ns: int, messages_max: int
) -> list[Item]:
    """What waits at the SUB of a publisher, up to so many messages."""
    items: list[Item] = []
    try:
        for _ in range(messages_max):
            parts = socket.recv_multipart(zmq.NOBLOCK)
            if len(parts) == 2:
                items.extend(core.receive(publisher, parts[0].decode(errors="replace"), parts[1], now_ns))
    except zmq.Again:
        pass
    return items
