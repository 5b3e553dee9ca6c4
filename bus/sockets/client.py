"""A client for plain programs: every call does its work and returns, nothing runs in the background.

    with Client(account="alice") as client:
        order = client.enter("BTC-USD", "buy", "0.5", "30000")
        print(order.result())
        for report in client.reports(timeout=1):
            print(report)

Since nothing runs in the background, the session's lease is renewed by calls alone: a program that is silent for longer
than the lease loses its session (and, with cancel_on_disconnect, its orders); the next call opens another by itself.
Call `poll` now and then, or use `AsyncClient`. Not safe for threads: one client, one thread.
"""

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
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
from bus.sockets.session.client_core import MS, State
from bus.sockets.session.dealer import LINGER_MS, open_dealer
from bus.sockets.session.desk import Desk
from bus.sockets.session.orders import Word
from bus.sockets.session.prices import Scale
from bus.sockets.session.report_queue import REPORTS_WAITING_MAX

#: How long a call waits when nothing else is said.
TIMEOUT_S = 10.0


class PendingAnswer:
    """The answer to a command, once it is here."""

    __slots__ = ("_client", "_error", "_result", "client_order_id", "correlation_id", "symbol")

    def __init__(self, client: "Client", symbol: str, client_order_id: str) -> None:
        self.client_order_id = client_order_id
        self.symbol = symbol
        self.correlation_id = 0
        self._client = client
        self._result: Any = None
        self._error: Exception | None = None

    def done(self) -> bool:
        """Whether `result` would return (or raise) at once."""
        return self._result is not None or self._error is not None

    def result(self, timeout: float | None = None) -> Any:
        """Wait for the answer: a report, also when it is a refusal (`Rejected`).

        Raises TimedOut when it does not come in `timeout` seconds (the client's, when None): the command may still be
        carried out, and `result` may be called again. Raises Busy, NotTaken, AnswerLost, SessionOver, SessionRefused
        when there will be none.
        """
        if not self.done():
            self._client._wait(self.done, timeout, f"no answer to {self.client_order_id or 'the command'}")
        if self._error is not None:
            raise self._error
        return self._result

    def set_result(self, result: Any, /) -> None:
        """The client's: the answer is here."""
        self._result = result

    def set_exception(self, exception: Exception, /) -> None:
        """The client's: there will be no answer."""
        self._error = exception


class Client(Desk[PendingAnswer]):
    """See above. `open` (or `with`) before the first command; what can be asked for is in `Desk`.

    `resume_from`: the number of the first report that is wanted, from an earlier life's `next_report`; 0: only what
    is new. `on_reports`: takes the reports of each envelope as they come, in the place of `reports()`.
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
        )
        self._endpoint = addresses(port_base, connect).orders
        self._timeout = timeout
        self._context = context or zmq.Context.instance()
        self._socket: zmq.Socket[bytes] | None = None
        self._batches = 0
        self._messages_received = 0

    # A session's life.

    def open(self) -> None:
        """Connect and open the session. Raises NotConnected, SessionRefused."""
        self._flush()
        try:
            self._wait(lambda: self._core.state is State.OPEN, None, "no engine answered")
        except TimedOut:
            self.close()
            raise NotConnected(f"no engine answered at {self._endpoint} within {self._timeout:g} s") from None
        except MatchbusError:
            self.close()
            raise
        self.instruments()

    def logout(self, timeout: float | None = None) -> None:
        """End the session when everything that was entered is answered or lost; then nothing more can be asked for.

        With cancel_on_disconnect its orders are cancelled. Raises TimedOut: then its lease will end it.
        """
        if self._over is None:
            self._core.logout()
            self._wait(lambda: self._over is not None, timeout, "the logout was not answered", ending=True)

    def close(self) -> None:
        """Leave without a word: the session goes on until its lease ends. Safe to call twice."""
        self._end(SessionOver("the client was closed"))
        if self._socket is not None:
            self._socket.close(LINGER_MS)
            self._socket = None

    def __enter__(self) -> "Client":
        self.open()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        try:
            if self._socket is not None and kind is None:
                self.logout()
        finally:
            self.close()

    # What comes.

    def reports(self, timeout: float | None = None) -> "ReportIterator":
        """The account's reports, from the first that was not taken yet; ends when none comes for `timeout` seconds.

        Raises ReportsLost where some are missing; iterating further goes on behind them. SessionOver at the end.
        """
        return ReportIterator(self, self._timeout if timeout is None else timeout)

    def poll(self, timeout: float = 0.0) -> None:
        """Let the session live: send what waits, then take what came, or comes first within `timeout` seconds.

        Raises SessionOver.
        """
        self._check_open()
        received = self._messages_received
        self._pump_until(
            monotonic_ns() + int(timeout * 1000) * MS, lambda: self._messages_received > received
        )
        self._check_open()

    def open_orders(self, timeout: float | None = None) -> OpenOrders:
        """The account's open orders, and the number of the report before which they stood so."""
        found: OpenOrders = self._ask(QueryOrders()).result(timeout)
        return found

    def balances(self, account: str = "", timeout: float | None = None) -> Balances:
        """What an account has, its own by default; others only for an operator, else NotTaken."""
        found: Balances = self._ask(QueryBalances(account)).result(timeout)
        return found

    def fees(self, account: str = "", timeout: float | None = None) -> Fees:
        """What trading costs an account, its own by default; others only for an operator, else NotTaken."""
        found: Fees = self._ask(QueryFees(account)).result(timeout)
        return found

    def instruments(self, timeout: float | None = None) -> dict[str, InstrumentState]:
        """All instruments by symbol, asked for now."""
        self._ask(QueryInstruments()).result(timeout)
        return dict(self._definitions)

    def schedule(self, symbol: str, timeout: float | None = None) -> TradingSchedule:
        """An instrument's trading hours, and what they come to next. NotTaken when there is no such instrument."""
        found: TradingSchedule = self._ask(QuerySchedule(symbol)).result(timeout)
        return found

    def safeguards(self, timeout: float | None = None) -> Safeguards:
        """Circuit breakers, and who is stopped or limited. For operators, else NotTaken."""
        found: Safeguards = self._ask(QuerySafeguards()).result(timeout)
        return found

    def scale(self, symbol: str) -> Scale:
        """Converts between decimals and the ticks and lots of reports. Raises UnknownSymbol."""
        if symbol not in self._scales:
            self.instruments()
            if symbol not in self._scales:
                raise UnknownSymbol(f"{symbol!r} is no instrument of this engine")
        return self._scales[symbol]

    @contextmanager
    def batch(
        self, *, all_or_nothing: bool = False, validate_only: bool = False, deadline: float | None = None
    ) -> Iterator[None]:
        """What is entered inside leaves together, in as few messages as the engine takes; waiting sends it before.

        With one of the options it is one message, sent when the block ends: see `Desk.batch`.
        """
        self._batches += 1
        try:
            if all_or_nothing or validate_only or deadline is not None:
                with super().batch(
                    all_or_nothing=all_or_nothing, validate_only=validate_only, deadline=deadline
                ):
                    yield
            else:
                yield
        finally:
            self._batches -= 1
            self._added()

    # The shell.

    def _new_pending(self, symbol: str, client_order_id: str) -> PendingAnswer:
        return PendingAnswer(self, symbol, client_order_id)

    def _give(self, pending: PendingAnswer, symbol: str, build: Callable[[Scale], Command]) -> None:
        self._check_open()
        self._put(pending, build(self._scales.get(symbol) or self.scale(symbol)))

    def _added(self) -> None:
        if self._socket is None:
            raise NotConnected("the client is not open: use it in a with block, or call open()")
        if not self._batches:
            self._flush()

    def send_commands(self, commands: Sequence[Command]) -> int:
        """As `Desk.send_commands`; what waits at the socket is taken on the way, so that it cannot pile up."""
        first = super().send_commands(commands)
        self._receive()
        return first

    def _wait(
        self, ready: Callable[[], bool], timeout: float | None, what: str, *, ending: bool = False
    ) -> None:
        """Do the client's work until something is so; TimedOut when it is not so in time."""
        seconds = self._timeout if timeout is None else timeout
        self._pump_until(monotonic_ns() + int(seconds * 1000) * MS, ready)
        if not ready():
            if not ending:
                self._check_open()
            raise TimedOut(
                f"{what} within {seconds:g} s; it may still happen: wait again, or ask open_orders()"
            )

    def _pump_until(self, deadline_ns: int, ready: Callable[[], bool]) -> None:
        while True:
            self._receive()
            self._flush()
            now = monotonic_ns()
            if ready() or now >= deadline_ns or self._over is not None or self._socket is None:
                return
            until = min(deadline_ns, self._core.deadline_ns or deadline_ns)
            self._socket.poll(max(0, (until - now + MS - 1) // MS))

    def _receive(self) -> None:
        """Take everything that waits, then let the core look at the time."""
        socket = self._socket
        if socket is None:
            return
        core = self._core
        now = monotonic_ns()
        try:
            while True:
                self._take(core.receive(socket.recv(zmq.NOBLOCK), now))
                self._messages_received += 1
        except zmq.Again:
            pass
        core.tick(now)

    def _flush(self) -> None:
        """Send everything that wants to leave, on a new connection when the old one is lost."""
        core = self._core
        if core.wants_connection:
            if self._socket is not None:
                self._socket.close(0)
            self._socket = open_dealer(self._context, self._endpoint)
            core.connected(monotonic_ns())
        socket = self._socket
        if socket is not None and core.has_outgoing:
            for message in core.outgoing(monotonic_ns(), utc_ns()):
                socket.send(message, zmq.NOBLOCK)


class ReportIterator:
    """Reports as they come. A raised ReportsLost does not end it."""

    def __init__(self, client: Client, timeout: float) -> None:
        self._client = client
        self._timeout = timeout

    def __iter__(self) -> "ReportIterator":
        return self

    def __next__(self) -> Report:
        client = self._client
        report = client._queue.take()
        if report is None:
            deadline_ns = monotonic_ns() + int(self._timeout * 1000) * MS
            client._pump_until(deadline_ns, lambda: client._queue.stirring)
            report = client._queue.take()
        if report is None:
            raise StopIteration
        return report
