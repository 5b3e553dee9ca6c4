"""Questions to the publishers, for plain programs: books, trades, candles, statistics, as they stand.

    with MarketClient() as client:
        book = client.ask(depth("BTC-USD", levels=10)).answer
        print(book.bids, book.asks)

What can be asked stands in `questions`. When a publisher does not answer in time, or refuses, the next one is asked.
"""

from collections.abc import Iterable
from types import TracebackType
from typing import Final

import zmq

from bus.clock import monotonic_ns
from bus.errors import MatchbusError, NotConnected
from bus.protocol.codec import MalformedMessage
from bus.protocol.market.codec import MarketEnvelope, decode_market_envelope
from bus.sockets.market.asking import Asking, Preferences
from bus.sockets.market.market_sockets import PublisherAddress, ask, open_requests, publisher_at
from bus.sockets.market.questions import A, Answered, Question

#: How long one publisher may take, in seconds, before the next one is asked.
TIMEOUT_S: Final = 2.0


class MarketClient:
    """See above. `publishers`: the preferred one first. `timeout`: seconds for each of them. Of one thread."""

    def __init__(
        self,
        publishers: Iterable[PublisherAddress] | None = None,
        *,
        timeout: float = TIMEOUT_S,
        context: "zmq.Context[zmq.Socket[bytes]] | None" = None,
    ) -> None:
        self._publishers = [publisher_at()] if publishers is None else list(publishers)
        self._preferences = Preferences([publisher.requests for publisher in self._publishers])
        self._timeout = timeout
        self._context = context or zmq.Context.instance()
        self._sockets: list[zmq.Socket[bytes]] = []

    def open(self) -> None:
        """Connect. Nobody need be there yet."""
        self._sockets = [open_requests(self._context, publisher) for publisher in self._publishers]

    def close(self) -> None:
        """Disconnect. Safe to call twice."""
        for socket in self._sockets:
            socket.close(0)
        self._sockets = []

    def __enter__(self) -> "MarketClient":
        self.open()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def ask(self, question: Question[A]) -> Answered[A]:
        """The answer of the first publisher that gives one.

        Raises NotTaken when it was refused (and nobody else answered it), TimedOut when nobody said anything.
        """
        return self._carry(self._preferences.begin(question, monotonic_ns()))

    def ask_each(self, question: Question[A]) -> list[Answered[A] | MatchbusError]:
        """What every publisher says to it, in the order in which they were given: an answer, or NotTaken, or TimedOut.

        For what each does for itself: how it is, and which alerts it watches for.
        """
        found: list[Answered[A] | MatchbusError] = []
        for publisher in range(len(self._publishers)):
            try:
                found.append(self._carry(self._preferences.begin(question, monotonic_ns(), publisher)))
            except MatchbusError as error:
                if isinstance(error, NotConnected):
                    raise
                found.append(error)
        return found

    def _carry(self, asking: Asking[A]) -> Answered[A]:
        if not self._sockets:
            raise NotConnected("the client is not open: use it in a with block, or call open()")
        while (publisher := asking.publisher) is not None:
            socket = self._sockets[publisher]
            ask(socket, asking.message)
            envelope = self._next_envelope(socket, asking.correlation_id)
            if envelope is None:
                asking.late()
                self._preferences.late(publisher, monotonic_ns())
            elif (answered := asking.answered(envelope)) is not None:
                return answered
        raise asking.failure()

    def _next_envelope(self, socket: "zmq.Socket[bytes]", correlation_id: int) -> MarketEnvelope | None:
        """What answers this; late answers to something else are passed over. None after the timeout."""
        deadline_ns = monotonic_ns() + int(self._timeout * 1e9)
        while (left_ns := deadline_ns - monotonic_ns()) > 0 and socket.poll(left_ns // 1_000_000 + 1):
            try:
                envelope = decode_market_envelope(socket.recv())
            except MalformedMessage:
                continue
            if any(item.correlation_id == correlation_id for item in envelope.items):
                return envelope
        return None
