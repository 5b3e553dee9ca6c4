"""What the two subscribers have in common: what they are made of, what they follow, and the books that they keep.

A shell owns sockets and has no opinions: those are `feed_core`'s. Subclassed by `subscriber` and `async_subscriber`.
"""

from collections.abc import Iterable, Mapping

import zmq

from bus.addresses import addresses
from bus.protocol.terms import L2
from bus.sockets.book_reader import BookReader
from bus.sockets.reading.feed_core import FeedCore
from bus.sockets.reading.reader_sockets import ReaderSockets
from bus.sockets.reading.telling import Books


class ReaderShell:
    """The arguments are those of `FeedCore`. `drop.` is read from the drop-copy, and needs the token.

    `deep`: what the engine no longer keeps is asked for at the exchange's deep recovery service.
    """

    def __init__(
        self,
        topics: Iterable[str],
        connect: str = "127.0.0.1",
        port_base: int = 3000,
        *,
        from_numbers: Mapping[str, int] | None = None,
        snapshots: bool = True,
        token: str = "",
        deep: bool = False,
        never_skip: bool = False,
        context: "zmq.Context[zmq.Socket[bytes]] | None" = None,
    ) -> None:
        self._core = FeedCore(
            topics,
            from_numbers=from_numbers,
            snapshots=snapshots,
            token=token,
            deep=deep,
            never_skip=never_skip,
        )
        self._deep = deep
        self._addresses = addresses(port_base, connect)
        self._context = context or zmq.Context.instance()
        self._sockets: ReaderSockets | None = None
        self._books = Books(self._core)

    def book(self, symbol: str, kind: int = L2) -> BookReader:
        """A book that is kept by what `events` gives, always at the event that was given last.

        Its topic must be among those that are read. When it is wrong it begins anew by itself (`Resynced`).
        """
        return self._books.add(symbol, kind)

    def next_number(self, topic: str) -> int:
        """The number of the event of a topic that is received next: what a next life gives in `from_numbers`.

        What was received and still waits for the user is below it.
        """
        return self._core.next_number(topic)

    def follow(self, topics: Iterable[str], from_numbers: Mapping[str, int] | None = None) -> None:
        """Read more whole topics, from now on or from a number on. ValueError for what is none."""
        added = self._core.follow(topics, from_numbers)
        if self._sockets is not None:
            self._sockets.subscribe(added)

    def unfollow(self, topics: Iterable[str]) -> None:
        """Read these topics no longer; what of them waits for the user is given all the same. ValueError as above.

        A book of theirs stays as it is.
        """
        removed = self._core.unfollow(topics)
        if self._sockets is not None:
            self._sockets.unsubscribe(removed)

    @property
    def healing(self) -> dict[str, int]:
        """The topics of which something is missing, and since when, in nanoseconds of `bus.clock.monotonic_ns`."""
        return self._core.healing

    def _open_sockets(self) -> ReaderSockets:
        self._sockets = ReaderSockets(
            self._context, self._addresses, self._core.subscriptions, deep=self._deep
        )
        return self._sockets
