"""A client on an asyncio loop (uvloop or another).

    async with AsyncClient(account="alice") as client:
        order = client.enter("BTC-USD", "buy", "0.5", "30000")
        print(await order)
        async for report in client.reports():
            print(report)

What is entered in one turn of the loop leaves in one message. An answer is a bare future, no task is made for it. The
session lives by itself as long as the loop runs.

The socket's FD is edge-triggered and any send or receive may eat the edge: after every drain and every send EVENTS is
asked, and another drain is scheduled when a message waits. zmq.asyncio does one await a message and is several times
slower.
"""

import asyncio
from collections import deque
from collections.abc import Callable, Sequence
from types import TracebackType
from typing import Any

import zmq

from bus.addresses import addresses
from bus.clock import monotonic_ns, utc_ns
from bus.errors import MatchbusError, NotConnected, SessionOver, TimedOut, UnknownSymbol
from bus.protocol.commands import Command
from bus.protocol.control import (
    Balances,
    Fees,
    InstrumentState,
    OpenOrders,
    QueryBalances,
    QueryFees,
    QueryInstruments,
    QueryOrders,
    QuerySafeguards,
    QuerySchedule,
    Safeguards,
    TradingSchedule,
)
from bus.protocol.reports import Report
from bus.protocol.terms import TRADER
from bus.sockets.session.answers import OnReports
from bus.sockets.session.client_core import State
from bus.sockets.session.dealer import LINGER_MS, open_dealer
from bus.sockets.session.desk import Desk
from bus.sockets.session.happenings import Happening
from bus.sockets.session.orders import Word
from bus.sockets.session.prices import Scale
from bus.sockets.session.report_queue import REPORTS_WAITING_MAX
from bus.sockets.session.unanswered import Saying

#: How long opening, queries and logout wait when nothing else is said.
TIMEOUT_S = 10.0
#: Messages that one drain takes, so that a flood of reports lets the loop's other work have its turn.
MESSAGES_PER_DRAIN_MAX = 256


class AnswerFuture(asyncio.Future[Any]):
    """The answer to a command: awaited, it is a report, also when that is a refusal (`Rejected`).

    Raises Busy, NotTaken, AnswerLost, SessionOver, SessionRefused when there is none. Cancelling it takes nothing back:
    the command is on its way.
    """

    client_order_id: str
    symbol: str
    correlation_id: int


class AsyncClient(Desk[AnswerFuture]):
    """See above. `open` (or `async with`) before the first command; what can be asked for is in `Desk`.

    Prices of a symbol that is not known yet make the client ask for the instruments; that order, and all commands
    given after it, leave when they are here, and OffTick, OffLot or UnknownSymbol are then raised by awaiting it.
    Arguments as for `Client`; `deadline`: the engine carries out no command, outside of a batch, more than so many
    seconds after it was sent first (0: whenever it comes).
    """

    def __init__(
        self,
        connect: str = "127.0.0.1",
        port_base: int = 3000,
        *,
        account: str,
        role: Word = TRADER,
        token: str = "",
        cancel_on_disconnect: bool = False,
        lease_ms: int = 0,
        resume_from: int = 0,
        timeout: float = TIMEOUT_S,
        reports_waiting_max: int = REPORTS_WAITING_MAX,
        on_reports: OnReports | None = None,
        deadline: float = 0,
        context: "zmq.Context[zmq.Socket[bytes]] | None" = None,
    ) -> None:
        super().__init__(
            account,
            role,
            token,
            cancel_on_disconnect,
            lease_ms,
            resume_from,
            reports_waiting_max,
            on_reports,
            deadline,
        )
        self._endpoint = addresses(port_base, connect).orders
        self._timeout = timeout
        self._context = context or zmq.Context.instance()
        self._socket: zmq.Socket[bytes] | None = None
        self._loop: asyncio.AbstractEventLoop | None = None
        self._timer: asyncio.TimerHandle | None = None
        self._drain_scheduled = False
        self._flush_scheduled = False
        self._held: deque[tuple[AnswerFuture, str, Callable[[Scale], Command] | Command]] = deque()
        self._readers: list[asyncio.Future[None]] = []

    # A session's life.

    async def open(self) -> None:
        """Connect and open the session. Raises NotConnected, SessionRefused."""
        self._loop = asyncio.get_running_loop()
        self._flush()
        try:
            await asyncio.wait_for(self._until(lambda: self._core.state is State.OPEN), self._timeout)
        except TimeoutError:
            self.close()
            raise NotConnected(f"no engine answered at {self._endpoint} within {self._timeout:g} s") from None
        except BaseException:
            self.close()
            raise
        await self.instruments()

    async def until_open(self, timeout: float | None = None) -> None:
        """Wait until commands leave at once (again). Raises NotConnected, and what ended the session."""
        if self.is_open:
            return
        seconds = self._timeout if timeout is None else timeout
        try:
            await asyncio.wait_for(self._until(lambda: self.is_open), seconds)
        except TimeoutError:
            raise NotConnected(f"no engine answered at {self._endpoint} within {seconds:g} s") from None

    async def logout(self, timeout: float | None = None) -> None:
        """End the session behind everything that was entered; then nothing more can be asked for.

        With cancel_on_disconnect its orders are cancelled. Raises TimedOut: then its lease will end it.
        """
        if self._over is not None:
            return
        self._core.logout()
        self._added()
        seconds = self._timeout if timeout is None else timeout
        try:
            await asyncio.wait_for(self._until(lambda: self._over is not None), seconds)
        except TimeoutError:
            raise TimedOut(
                f"the logout was not answered within {seconds:g} s; the lease will end it"
            ) from None

    def close(self) -> None:
        """Leave without a word: the session goes on until its lease ends. Safe to call twice."""
        self._end(SessionOver("the client was closed"))
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        self._drop_socket(LINGER_MS)

    async def __aenter__(self) -> "AsyncClient":
        await self.open()
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        try:
            if self._socket is not None and kind is None:
                await self.logout()
        finally:
            self.close()

    # What comes.

    def reports(self) -> "AsyncReportIterator":
        """The account's reports, from the first that was not taken yet; ends with the session.

        Raises ReportsLost where some are missing; iterating further goes on behind them.
        """
        return AsyncReportIterator(self)

    async def open_orders(self, timeout: float | None = None) -> OpenOrders:
        """The account's open orders, and the number of the report before which they stood so."""
        found: OpenOrders = await self._answer_of(self._ask(QueryOrders()), timeout)
        return found

    async def balances(self, account: str = "", timeout: float | None = None) -> Balances:
        """What an account has, its own by default; others only for an operator, else NotTaken."""
        found: Balances = await self._answer_of(self._ask(QueryBalances(account)), timeout)
        return found

    async def fees(self, account: str = "", timeout: float | None = None) -> Fees:
        """What trading costs an account, its own by default; others only for an operator, else NotTaken."""
        found: Fees = await self._answer_of(self._ask(QueryFees(account)), timeout)
        return found

    async def instruments(self, timeout: float | None = None) -> dict[str, InstrumentState]:
        """All instruments by symbol, asked for now."""
        await self._answer_of(self._ask(QueryInstruments()), timeout)
        return dict(self._definitions)

    async def schedule(self, symbol: str, timeout: float | None = None) -> TradingSchedule:
        """An instrument's trading hours, and what they come to next. NotTaken when there is no such instrument."""
        found: TradingSchedule = await self._answer_of(self._ask(QuerySchedule(symbol)), timeout)
        return found

    async def safeguards(self, timeout: float | None = None) -> Safeguards:
        """Circuit breakers, and who is stopped or limited. For operators, else NotTaken."""
        found: Safeguards = await self._answer_of(self._ask(QuerySafeguards()), timeout)
        return found

    async def scale(self, symbol: str) -> Scale:
        """Converts between decimals and the ticks and lots of reports. Raises UnknownSymbol."""
        if symbol not in self._scales:
            await self.instruments()
            if symbol not in self._scales:
                raise _unknown(symbol)
        return self._scales[symbol]

    # Commands.

    def _new_pending(self, symbol: str, client_order_id: str) -> AnswerFuture:
        pending = AnswerFuture(loop=self._loop)
        pending.symbol = symbol
        pending.client_order_id = client_order_id
        pending.correlation_id = 0
        return pending

    def _give(self, pending: AnswerFuture, symbol: str, build: Callable[[Scale], Command]) -> None:
        scale = self._scales.get(symbol)
        if self._collected is not None:
            if scale is None:
                raise _unknown(symbol)
            super()._put(pending, build(scale))
        elif self._held or scale is None:
            self._hold(pending, symbol, build)
        else:
            super()._put(pending, build(scale))

    def _put(self, pending: AnswerFuture, command: Command) -> None:
        if self._held and self._collected is None:
            self._hold(pending, "", command)
        else:
            super()._put(pending, command)

    def _put_all(self, collected: list[tuple[AnswerFuture, Command]], saying: Saying) -> None:
        if self._held:
            raise ValueError("commands wait for their instruments: await them before a batch")
        super()._put_all(collected, saying)

    def _hold(
        self, pending: AnswerFuture, symbol: str, command: Callable[[Scale], Command] | Command
    ) -> None:
        """Commands wait for a definition in their order."""
        self._check_open()
        if not self._held:
            asked = self._ask(QueryInstruments())
            asked.add_done_callback(self._release)
        self._held.append((pending, symbol, command))

    def _release(self, asked: asyncio.Future[Any]) -> None:
        """The definitions are here, or will not come."""
        error = SessionOver("the client was closed") if asked.cancelled() else asked.exception()
        held, self._held = self._held, deque()
        for pending, symbol, command in held:
            if pending.done():
                continue
            try:
                if error is not None:
                    raise error
                if callable(command):
                    scale = self._scales.get(symbol)
                    if scale is None:
                        raise _unknown(symbol)
                    command = command(scale)
                super()._put(pending, command)
            except (MatchbusError, ValueError, TypeError) as failure:
                pending.set_exception(failure)

    # The shell.

    def _added(self) -> None:
        if self._loop is None or self._socket is None:
            raise NotConnected("the client is not open: use it in an async with block, or await open()")
        if not self._flush_scheduled:
            self._flush_scheduled = True
            self._loop.call_soon(self._flush)

    def _flush(self) -> None:
        """Send everything that wants to leave, on a new connection when the old one is lost."""
        self._flush_scheduled = False
        if self._over is not None:
            return
        core = self._core
        if core.wants_connection:
            self._renew_socket()
        socket = self._socket
        assert socket is not None, "a client that is not over has a socket"
        if core.has_outgoing:
            for message in core.outgoing(monotonic_ns(), utc_ns()):
                socket.send(message, zmq.NOBLOCK)
        self._check()
        self._arm()

    def _drain(self) -> None:
        """Take what waits, then send what follows from it."""
        self._drain_scheduled = False
        socket = self._socket
        if socket is None:
            return
        core = self._core
        now = monotonic_ns()
        try:
            for _ in range(MESSAGES_PER_DRAIN_MAX):
                self._take(core.receive(socket.recv(zmq.NOBLOCK), now))
        except zmq.Again:
            core.tick(now)
        self._flush()

    def _check(self) -> None:
        """Schedule a drain when a message waits: its edge may be gone."""
        socket = self._socket
        assert socket is not None, "only an open socket is checked"
        if not self._drain_scheduled and int(socket.getsockopt(zmq.EVENTS)) & zmq.POLLIN:
            self._drain_scheduled = True
            assert self._loop is not None, "an open client has a loop"
            self._loop.call_soon(self._drain)

    def _arm(self) -> None:
        """Let the timer ring no later than the core's deadline. One that rings too early does no harm."""
        deadline_ns = self._core.deadline_ns
        if deadline_ns is None:
            return
        loop = self._loop
        assert loop is not None, "an open client has a loop"
        when = loop.time() + max(0, deadline_ns - monotonic_ns()) / 1e9
        if self._timer is not None:
            if self._timer.when() <= when + 0.001:
                return
            self._timer.cancel()
        self._timer = loop.call_at(when, self._ring)

    def _ring(self) -> None:
        self._timer = None
        self._drain()

    def _renew_socket(self) -> None:
        self._drop_socket(0)
        loop = self._loop
        assert loop is not None, "an open client has a loop"
        self._socket = open_dealer(self._context, self._endpoint)
        loop.add_reader(self._socket.fileno(), self._drain)
        self._core.connected(monotonic_ns())

    def _drop_socket(self, linger_ms: int) -> None:
        if self._socket is not None:
            assert self._loop is not None, "an open client has a loop"
            self._loop.remove_reader(self._socket.fileno())
            self._socket.close(linger_ms)
            self._socket = None

    def _take(self, happened: Sequence[Happening]) -> None:
        super()._take(happened)
        if happened and self._readers:
            self._wake()

    def _end(self, error: MatchbusError) -> None:
        futures = [*self._pendings.values(), *self._queries.values()]
        super()._end(error)
        for future in futures:
            # Nobody need have asked for them: an end is no news to be logged once for each.
            if future.done() and not future.cancelled():
                future.exception()
        self._wake()

    def _wake(self) -> None:
        readers, self._readers = self._readers, []
        for reader in readers:
            if not reader.done():
                reader.set_result(None)

    async def _until(self, ready: Callable[[], bool]) -> None:
        """Wait until something is so; looks whenever something happens. Raises what ended the session."""
        assert self._loop is not None, "an open client has a loop"
        while not ready():
            self._check_open()
            reader = self._loop.create_future()
            self._readers.append(reader)
            await reader

    async def _answer_of(self, pending: AnswerFuture, timeout: float | None) -> Any:
        seconds = self._timeout if timeout is None else timeout
        try:
            return await asyncio.wait_for(pending, seconds)
        except TimeoutError:
            raise TimedOut(f"the question was not answered within {seconds:g} s; ask again") from None


class AsyncReportIterator:
    """Reports as they come. A raised ReportsLost does not end it."""

    def __init__(self, client: AsyncClient) -> None:
        self._client = client

    def __aiter__(self) -> "AsyncReportIterator":
        return self

    async def __anext__(self) -> Report:
        client = self._client
        while True:
            report = client._queue.take()
            if report is not None:
                return report
            if client._over is not None:
                raise StopAsyncIteration
            try:
                await client._until(lambda: client._queue.stirring)
            except MatchbusError:
                continue


def _unknown(symbol: str) -> UnknownSymbol:
    return UnknownSymbol(f"{symbol!r} is no instrument of this engine")
