"""Questions to the publishers, on an asyncio loop; many may be under way at once.

    async with AsyncMarketClient() as client:
        candles = (await client.ask(candles("BTC-USD", "1m"))).answer.candles

What can be asked stands in `questions`. When a publisher does not answer in time, or refuses, the next one is asked.
"""

import asyncio
from collections.abc import Iterable
from types import TracebackType
from typing import Final

import zmq

from bus.clock import monotonic_ns
from bus.errors import MatchbusError, NotConnected, SessionOver
from bus.protocol.codec import MalformedMessage
from bus.protocol.market.codec import MarketEnvelope, decode_market_envelope
from bus.sockets.market.asking import Asking, Preferences
from bus.sockets.market.market_client import TIMEOUT_S
from bus.sockets.market.market_sockets import PublisherAddress, ask, open_requests, publisher_at
from bus.sockets.market.questions import A, Answered, Question

#: Answers that one drain takes of each publisher, so that a flood lets the loop's other work have its turn.
MESSAGES_PER_DRAIN_MAX: Final = 64


class AsyncMarketClient:
    """See above; the arguments are those of `MarketClient`."""

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
        self._loop: asyncio.AbstractEventLoop | None = None
        self._sockets: list[zmq.Socket[bytes]] = []
        #: Who waits for what, by publisher and correlation id.
        self._waiting: dict[tuple[int, int], asyncio.Future[MarketEnvelope]] = {}
        self._scheduled = False

    @property
    def publishers(self) -> int:
        """How many there are to ask."""
        return len(self._publishers)

    async def open(self) -> None:
        """Connect. Nobody need be there yet."""
        self._loop = asyncio.get_running_loop()
        self._sockets = [open_requests(self._context, publisher) for publisher in self._publishers]
        for socket in self._sockets:
            self._loop.add_reader(socket.fileno(), self._drain)
        self._schedule()

    def close(self) -> None:
        """Disconnect; questions that are under way fail with SessionOver. Safe to call twice."""
        for socket in self._sockets:
            if self._loop is not None:
                self._loop.remove_reader(socket.fileno())
            socket.close(0)
        self._sockets = []
        for waiting in self._waiting.values():
            if not waiting.done():
                waiting.set_exception(SessionOver("the client was closed before this was answered"))

    async def __aenter__(self) -> "AsyncMarketClient":
        await self.open()
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    async def ask(self, question: Question[A]) -> Answered[A]:
        """The answer of the first publisher that gives one.

        Raises NotTaken when it was refused (and nobody else answered it), TimedOut when nobody said anything.
        """
        return await self._carry(self._preferences.begin(question, monotonic_ns()))

    async def ask_each(
        self, question: Question[A], timeout: float | None = None
    ) -> list[Answered[A] | MatchbusError]:
        """What every publisher says to it, in the order in which they were given: an answer, or NotTaken, or TimedOut.

        For what each does for itself: how it is, and which alerts it watches for. `timeout`: in s, that of the client
        when it is None.
        """

        async def of(publisher: int) -> Answered[A] | MatchbusError:
            try:
                return await self._carry(
                    self._preferences.begin(question, monotonic_ns(), publisher), timeout
                )
            except MatchbusError as error:
                if isinstance(error, NotConnected | SessionOver):
                    raise
                return error

        return list(await asyncio.gather(*map(of, range(len(self._publishers)))))

    async def _carry(self, asking: Asking[A], timeout: float | None = None) -> Answered[A]:
        while (publisher := asking.publisher) is not None:
            if self._loop is None or not self._sockets:
                raise NotConnected("the client is not open: use it in an async with block, or await open()")
            key = (publisher, asking.correlation_id)
            self._waiting[key] = self._loop.create_future()
            ask(self._sockets[publisher], asking.message)
            self._schedule()  # sending may have taken the edge of what arrived
            try:
                envelope = await asyncio.wait_for(
                    self._waiting[key], self._timeout if timeout is None else timeout
                )
            except TimeoutError:
                asking.late()
                self._preferences.late(publisher, monotonic_ns())
                continue
            finally:
                self._waiting.pop(key, None)
            answered = asking.answered(envelope)
            if answered is not None:
                return answered
        raise asking.failure()

    # The shell.

    def _schedule(self) -> None:
        if not self._scheduled and self._loop is not None and self._sockets:
            self._scheduled = True
            self._loop.call_soon(self._drain_scheduled)

    def _drain_scheduled(self) -> None:
        self._scheduled = False
        self._drain()

    def _drain(self) -> None:
        """Take what waits, and look whether more does: its edge may be gone."""
        for publisher, socket in enumerate(self._sockets):
            try:
                for _ in range(MESSAGES_PER_DRAIN_MAX):
                    self._take(publisher, socket.recv(zmq.NOBLOCK))
            except zmq.Again:
                pass
        if any(int(socket.getsockopt(zmq.EVENTS)) & zmq.POLLIN for socket in self._sockets):
            self._schedule()

    def _take(self, publisher: int, payload: bytes) -> None:
        try:
            envelope = decode_market_envelope(payload)
        except MalformedMessage:
            return
        for item in envelope.items:
            waiting = self._waiting.get((publisher, item.correlation_id))
            if waiting is not None and not waiting.done():
                waiting.set_result(envelope)
