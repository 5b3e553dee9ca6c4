"""Clients of the private history: the past of accounts, for services of the house.

    with HistoryClient(token=token) as history:
        page = history.ask(QueryPastOrders("alice", symbol="BTC-USD", state=OPEN))

    async with AsyncHistoryClient(token=token) as history:
        page = await history.ask(QueryExecutions("alice", newest_first=True, at_least=report.sequence))

What can be asked stands in `bus.protocol.history`; the client adds the token. Asking changes nothing, so what is not
answered is simply asked again, over lost connections and restarts of the history, until `timeout` seconds have passed
(NotConnected). What is refused raises NotTaken, whose `reason` and text say why; `not_yet` and `unavailable` are worth
another attempt later. An AsyncHistoryClient may ask many things at once: each waits for its own answer.
"""

import asyncio
from types import TracebackType
from typing import Any, Final, overload

import zmq
from msgspec.structs import replace

from bus.addresses import addresses
from bus.clock import monotonic_ns
from bus.errors import MatchbusError, NotConnected, NotTaken, SessionOver
from bus.protocol.codec import MalformedMessage, encode_message
from bus.protocol.control import Refused
from bus.protocol.exposure import Exposures, Positions, QueryExposures, QueryPositions
from bus.protocol.history import (
    Executions,
    HistoryAnswer,
    HistoryRequest,
    Movements,
    OrderLife,
    PastOrders,
    PastReports,
    QueryExecutions,
    QueryMovements,
    QueryOrderLife,
    QueryPastOrders,
    QueryRejections,
    QueryReports,
    Rejections,
)
from bus.protocol.history_codec import decode_history_envelope
from bus.protocol.reasons import TOO_MANY_REQUESTS, reason_name
from bus.protocol.status import ProcessStatus, QueryStatus
from bus.sockets.session.dealer import open_dealer

#: How long an answer is waited for when nothing else is said. Longer than the history waits for a sequence.
TIMEOUT_S: Final = 10.0
#: A question that is not answered by then is asked again: it may have been lost with a connection.
AGAIN_MS: Final = 3_000
#: Of one who asks more than may wait: what was too much is asked again after this long.
CROWDED_MS: Final = 50
_MS: Final = 1_000_000
#: Messages that one drain takes, so that the loop's other work has its turn.
_MESSAGES_PER_DRAIN_MAX: Final = 64


class _Question:
    """What was asked: its bytes, and when to ask it again."""

    __slots__ = ("again_ns", "answer", "correlation_id", "error", "future", "payload")

    def __init__(self, correlation_id: int, payload: bytes) -> None:
        self.correlation_id = correlation_id
        self.payload = payload
        self.again_ns = 0
        self.answer: HistoryAnswer | None = None
        self.error: MatchbusError | None = None
        self.future: asyncio.Future[Any] | None = None


class _Core:
    """Questions and answers without a socket. A shell sends `outgoing`, and gives what comes to `receive`."""

    def __init__(self, token: str) -> None:
        self._token = token
        self._next_id = 1
        self.open: dict[int, _Question] = {}

    def ask(self, request: HistoryRequest) -> _Question:
        """One more question."""
        if not isinstance(request, QueryStatus):
            request = replace(request, token=self._token)
        number = self._next_id
        self._next_id += 1
        question = _Question(number, encode_message(0, number, 0, [request]))
        self.open[number] = question
        return question

    def outgoing(self, now_ns: int) -> list[bytes]:
        """What is to be sent now."""
        payloads = []
        for question in self.open.values():
            if question.again_ns <= now_ns:
                question.again_ns = now_ns + AGAIN_MS * _MS
                payloads.append(question.payload)
        return payloads

    @property
    def deadline_ns(self) -> int | None:
        """When `outgoing` is to be called next; None while nothing is open."""
        return min((question.again_ns for question in self.open.values()), default=None)

    def receive(self, payload: bytes, now_ns: int) -> list[_Question]:
        """A message of the history; the questions that it ends, each with its answer or its error."""
        try:
            envelope = decode_history_envelope(payload)
        except MalformedMessage:
            return []
        ended = []
        for answer in envelope.items:
            question = self.open.get(answer.correlation_id)
            if question is None:
                continue  # it was asked twice, and answered twice
            if isinstance(answer, Refused):
                if answer.reason == TOO_MANY_REQUESTS:
                    question.again_ns = now_ns + CROWDED_MS * _MS
                    continue
                text = f"the history refused: {reason_name(answer.reason)}: {answer.text}"
                question.error = NotTaken(text, answer.reason)
            else:
                question.answer = answer
            del self.open[question.correlation_id]
            ended.append(question)
        return ended


class HistoryClient:
    """See above. One question at a time, from one thread."""

    def __init__(
        self,
        connect: str = "127.0.0.1",
        port_base: int = 3000,
        *,
        token: str,
        timeout: float = TIMEOUT_S,
        context: "zmq.Context[zmq.Socket[bytes]] | None" = None,
    ) -> None:
        self._core = _Core(token)
        self._endpoint = addresses(port_base, connect).history
        self._timeout = timeout
        self._socket: zmq.Socket[bytes] | None = open_dealer(
            context or zmq.Context.instance(), self._endpoint
        )

    def close(self) -> None:
        """Disconnect. Safe to call twice."""
        if self._socket is not None:
            self._socket.close(0)
            self._socket = None

    def __enter__(self) -> "HistoryClient":
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    @overload
    def ask(self, request: QueryPastOrders, timeout: float | None = None) -> PastOrders: ...
    @overload
    def ask(self, request: QueryOrderLife, timeout: float | None = None) -> OrderLife: ...
    @overload
    def ask(self, request: QueryExecutions, timeout: float | None = None) -> Executions: ...
    @overload
    def ask(self, request: QueryRejections, timeout: float | None = None) -> Rejections: ...
    @overload
    def ask(self, request: QueryReports, timeout: float | None = None) -> PastReports: ...
    @overload
    def ask(self, request: QueryPositions, timeout: float | None = None) -> Positions: ...
    @overload
    def ask(self, request: QueryMovements, timeout: float | None = None) -> Movements: ...
    @overload
    def ask(self, request: QueryExposures, timeout: float | None = None) -> Exposures: ...
    @overload
    def ask(self, request: QueryStatus, timeout: float | None = None) -> ProcessStatus: ...

    def ask(self, request: HistoryRequest, timeout: float | None = None) -> Any:
        """The answer. Raises NotTaken when it is refused, NotConnected when none comes in time."""
        socket = self._socket
        if socket is None:
            raise SessionOver("the client was closed")
        question = self._core.ask(request)
        seconds = self._timeout if timeout is None else timeout
        now = monotonic_ns()
        end_ns = now + int(seconds * 1e9)
        try:
            while now < end_ns:
                for payload in self._core.outgoing(now):
                    socket.send(payload, zmq.NOBLOCK)
                until_ns = min(end_ns, self._core.deadline_ns or end_ns)
                if socket.poll(max(1, (until_ns - now) // _MS)):
                    self._core.receive(socket.recv(), monotonic_ns())
                    if question.error is not None:
                        raise question.error
                    if question.answer is not None:
                        return question.answer
                now = monotonic_ns()
        finally:
            self._core.open.pop(question.correlation_id, None)
        raise NotConnected(f"no history answered at {self._endpoint} within {seconds:g} s")


class AsyncHistoryClient:
    """See above. `open` (or `async with`) before the first question."""

    def __init__(
        self,
        connect: str = "127.0.0.1",
        port_base: int = 3000,
        *,
        token: str,
        timeout: float = TIMEOUT_S,
        context: "zmq.Context[zmq.Socket[bytes]] | None" = None,
    ) -> None:
        self._core = _Core(token)
        self._endpoint = addresses(port_base, connect).history
        self._timeout = timeout
        self._context = context or zmq.Context.instance()
        self._socket: zmq.Socket[bytes] | None = None
        self._loop: asyncio.AbstractEventLoop | None = None
        self._timer: asyncio.TimerHandle | None = None
        self._scheduled = False

    async def open(self) -> None:
        """Connect. Nobody need be there yet."""
        self._loop = asyncio.get_running_loop()
        self._socket = open_dealer(self._context, self._endpoint)
        self._loop.add_reader(self._socket.fileno(), self._drain)

    def close(self) -> None:
        """Disconnect; what is not answered raises SessionOver. Safe to call twice."""
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        if self._socket is not None:
            assert self._loop is not None, "an open client has a loop"
            self._loop.remove_reader(self._socket.fileno())
            self._socket.close(0)
            self._socket = None
        for question in self._core.open.values():
            if question.future is not None and not question.future.done():
                question.future.set_exception(SessionOver("the client was closed"))
        self._core.open.clear()

    async def __aenter__(self) -> "AsyncHistoryClient":
        await self.open()
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    @overload
    async def ask(self, request: QueryPastOrders, timeout: float | None = None) -> PastOrders: ...
    @overload
    async def ask(self, request: QueryOrderLife, timeout: float | None = None) -> OrderLife: ...
    @overload
    async def ask(self, request: QueryExecutions, timeout: float | None = None) -> Executions: ...
    @overload
    async def ask(self, request: QueryRejections, timeout: float | None = None) -> Rejections: ...
    @overload
    async def ask(self, request: QueryReports, timeout: float | None = None) -> PastReports: ...
    @overload
    async def ask(self, request: QueryPositions, timeout: float | None = None) -> Positions: ...
    @overload
    async def ask(self, request: QueryMovements, timeout: float | None = None) -> Movements: ...
    @overload
    async def ask(self, request: QueryExposures, timeout: float | None = None) -> Exposures: ...
    @overload
    async def ask(self, request: QueryStatus, timeout: float | None = None) -> ProcessStatus: ...

    async def ask(self, request: HistoryRequest, timeout: float | None = None) -> Any:
        """The answer. Raises NotTaken when it is refused, NotConnected when none comes in time."""
        if self._loop is None or self._socket is None:
            raise SessionOver("the client is not open: use it in an async with block, or await open()")
        question = self._core.ask(request)
        question.future = self._loop.create_future()
        seconds = self._timeout if timeout is None else timeout
        self._send()
        try:
            return await asyncio.wait_for(question.future, seconds)
        except TimeoutError:
            raise NotConnected(f"no history answered at {self._endpoint} within {seconds:g} s") from None
        finally:
            self._core.open.pop(question.correlation_id, None)

    # The shell.

    def _send(self) -> None:
        socket, loop = self._socket, self._loop
        if socket is None or loop is None:
            return
        now = monotonic_ns()
        for payload in self._core.outgoing(now):
            socket.send(payload, zmq.NOBLOCK)
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        deadline_ns = self._core.deadline_ns
        if deadline_ns is not None:
            self._timer = loop.call_later(max(0, deadline_ns - now) / 1e9, self._drain)
        # A send may have eaten the edge of what has come meanwhile.
        if not self._scheduled and int(socket.getsockopt(zmq.EVENTS)) & zmq.POLLIN:
            self._scheduled = True
            loop.call_soon(self._drain)

    def _drain(self) -> None:
        self._scheduled = False
        socket = self._socket
        if socket is None:
            return
        try:
            for _ in range(_MESSAGES_PER_DRAIN_MAX):
                for question in self._core.receive(socket.recv(zmq.NOBLOCK), monotonic_ns()):
                    self._end(question)
        except zmq.Again:
            pass
        self._send()

    def _end(self, question: _Question) -> None:
        future = question.future
        if future is None or future.done():
            return
        if question.error is not None:
            future.set_exception(question.error)
        else:
            future.set_result(question.answer)
