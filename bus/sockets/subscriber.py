"""A reader of the feed for plain programs: every event once, in order, or a gap by name.

    with Subscriber(["trade.BTC-USD.", "level.BTC-USD."]) as subscriber:
        book = subscriber.book("BTC-USD")
        for topic, number, event in subscriber.events():
            print(topic, number, event, book.best(BUY))

It reads only while it is iterated. What came meanwhile waits inside ZeroMQ, and what is too much for that is lost and
then healed; a program that looks away for long gets a snapshot instead (`Resynced`), or is told (`Skipped`).
"""

from collections.abc import Iterator
from types import TracebackType

import zmq

from bus.clock import monotonic_ns
from bus.errors import NotConnected
from bus.sockets.reading.asking import MS
from bus.sockets.reading.feed_items import Item
from bus.sockets.reading.reader_shell import ReaderShell
from bus.sockets.reading.telling import Told, tell


class Subscriber(ReaderShell):
    """See above, and `ReaderShell` for the arguments and for what else it can do."""

    def open(self) -> None:
        """Connect. Nobody need be there yet."""
        self._open_sockets()

    def close(self) -> None:
        """Disconnect. Safe to call twice."""
        if self._sockets is not None:
            self._sockets.close()
        self._sockets = None

    def __enter__(self) -> "Subscriber":
        self.open()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def events(self, timeout: float | None = None) -> Iterator[Told]:
        """What comes, as it comes; ends when nothing at all (not even a heartbeat) comes for `timeout` seconds.

        Raises GapNotHealed when no recovery service answers, NotTaken when one refuses (a wrong token).
        """
        for item in self.items(timeout):
            for told in tell(item):
                self._books.take(told)
                yield told

    def items(self, timeout: float | None = None) -> Iterator[Item]:
        """The same run by run, each with its batch (`Run.log_sequence`, `Run.numbers`). Keeps no books."""
        while True:
            items = self._next_items(timeout)
            if items is None:
                return
            yield from items

    def _next_items(self, timeout: float | None) -> list[Item] | None:
        """What the next message brings; None after the timeout."""
        sockets, core = self._sockets, self._core
        if sockets is None:
            raise NotConnected("the subscriber is not open: use it in a with block, or call open()")
        now = monotonic_ns()
        deadline_ns = None if timeout is None else now + int(timeout * 1000) * MS
        poller = zmq.Poller()
        for socket in sockets.all:
            poller.register(socket, zmq.POLLIN)
        while True:
            sockets.ask(core, now)
            deadlines = [when for when in (deadline_ns, core.deadline_ns) if when is not None]
            wait_ms = max(0, (min(deadlines) - now + MS - 1) // MS) if deadlines else None
            ready = dict(poller.poll(wait_ms))
            now = monotonic_ns()
            for service in sockets.services:
                if service in ready:
                    return core.recovered(service.recv(), now)
            if sockets.feed in ready:
                parts = sockets.feed.recv_multipart()
                if len(parts) == 2:
                    return core.receive(parts[0].decode(errors="replace"), parts[1])
            elif deadline_ns is not None and now >= deadline_ns:
                return None
