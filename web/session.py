"""One account's connection to the engine: commands go out, and what became of each is put together from the reports.

    command ─▶ Outcome
       └─▶ listeners: every report of the account, as it comes

The rule guarded here: what is not known to have happened is not said to have failed. A command is sent only while the
engine is there, so before that "nothing was changed" is true; once it is sent, an answer that does not come leaves
its execution unknown. Each command carries a deadline of `web.answer_timeout_ms`: what the engine gets later than that
(it was away, and is back) is refused as too late, so an unknown execution becomes known, and no order of the past is
carried out when nobody waits for it any more.

Called by `sessions`, which has one for each account that is served here.
"""

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from typing import Final, TypeVar, final

import structlog
import zmq

from bus.clock import monotonic_ns
from bus.config import Config
from bus.errors import MatchbusError, NotConnected, SessionOver, TimedOut, UnknownSymbol
from bus.protocol.commands import Command
from bus.protocol.control import (
    Balances,
    Fees,
    InstrumentState,
    OpenOrder,
    OpenOrders,
    Safeguards,
    TradingSchedule,
)
from bus.protocol.order_life import first_status, status_after, status_of
from bus.protocol.reports import Accepted, Cancelled, Filled, Report
from bus.protocol.terms import BROKER, WAITING
from bus.sockets.async_client import AnswerFuture, AsyncClient
from bus.sockets.session.happenings import Reports
from bus.sockets.session.orders import OrderName
from bus.sockets.session.prices import Scale

_LOG: Final = structlog.get_logger("matchbus.web")

T = TypeVar("T")

#: Takes the reports of an account: the number of the first one, and all of them in order.
Listener = Callable[[int, Sequence[Report]], None]


@final
class KnownOrder:
    """What is known of an open order: enough to see that a request means it."""

    __slots__ = ("client_order_id", "order_type", "symbol", "waiting")

    def __init__(self, symbol: str, client_order_id: str, order_type: int, waiting: bool) -> None:
        self.symbol = symbol
        self.client_order_id = client_order_id
        self.order_type = order_type
        self.waiting = waiting


@final
class Outcome:
    """What became of a command: its answer, and the reports about the same order that it caused at once.

    `first_report`: the number of the answer among the account's reports; the others follow it, `numbers` are theirs.
    `waiting`: whether the order waits, behind all of them.
    """

    __slots__ = ("answer", "following", "numbers", "waiting")

    def __init__(self, answer: Report) -> None:
        self.answer = answer
        self.following: list[Report] = []
        self.numbers: list[int] = []
        self.waiting = False


@final
class Session:
    """One account's. Made and closed by Sessions."""

    def __init__(
        self,
        config: Config,
        account: str,
        token: str,
        context: "zmq.Context[zmq.Socket[bytes]]",
        role: int = BROKER,
    ) -> None:
        engine = config.engine
        self.account = account
        self.used_ns = monotonic_ns()
        self.commands_max = 0
        self._timeout_s = config.web.answer_timeout_ms / 1000
        self._client = AsyncClient(
            engine.host,
            engine.port_base,
            account=account,
            role=role,
            token=token,
            timeout=self._timeout_s,
            deadline=self._timeout_s,
            on_reports=self._take,
            context=context,
        )
        self._listeners: list[Listener] = []
        self._awaited: dict[int, Outcome | None] = {}
        self._orders: dict[int, KnownOrder] = {}
        self._ids: dict[str, int] = {}
        self._next_report = 0
        self._meanwhile: list[tuple[int, Report]] | None = (
            None  # reports that came while open orders are asked for
        )
        self._learning: asyncio.Task[None] | None = None

    async def open(self) -> None:
        """Connect. Raises NotConnected, SessionRefused."""
        await self._client.open()
        await self._learn()

    async def close(self) -> None:
        """End the session."""
        if self._learning is not None:
            self._learning.cancel()
        try:
            if self._client.is_open:
                await self._client.logout(1.0)
        except MatchbusError as error:
            _LOG.info("a session was left without a goodbye", account=self.account, why=str(error))
        finally:
            self._client.close()

    @property
    def idle(self) -> bool:
        """Whether nobody waits for anything of it."""
        return not self._listeners and not self._awaited and self._client.unanswered == 0

    @property
    def over(self) -> bool:
        """Whether it can be used no more: it was closed, or the engine has refused it."""
        return self._client.is_over

    @property
    def is_open(self) -> bool:
        """Whether the engine is there, so that what is given now leaves at once."""
        return self._client.is_open

    @property
    def next_report(self) -> int:
        """The number of the report that comes next."""
        return self._client.next_report

    @property
    def log_sequence(self) -> int:
        """How far the engine's log had come when it was heard last; every report before `next_report` is in it."""
        return self._client.log_sequence

    def listen(self, listener: Listener) -> Callable[[], None]:
        """Give all reports from now on to a listener; returns what ends that."""
        self._listeners.append(listener)

        def unlisten() -> None:
            if listener in self._listeners:
                self._listeners.remove(listener)
                self.used_ns = monotonic_ns()

        return unlisten

    async def until_open(self, seconds: float | None = None) -> None:
        """The engine is there, within so many seconds. Raises NotConnected: nothing was changed."""
        await self._client.until_open(self._timeout_s if seconds is None else seconds)

    async def scale(self, symbol: str) -> Scale:
        """The scale of a symbol. Raises UnknownSymbol, NotConnected."""
        return await _asked(self._client.scale(symbol))

    def scale_at_hand(self, symbol: str) -> Scale | None:
        """The scale of a symbol, when it is known here."""
        try:
            return self._client.known_scale(symbol)
        except UnknownSymbol:
            return None

    async def open_orders(self) -> OpenOrders:
        """All open orders, and the number of the report before which they stood so. Raises NotConnected."""
        return await _asked(self._client.open_orders(self._timeout_s))

    async def instruments(self) -> dict[str, InstrumentState]:
        """All instruments by symbol, as they stand. Raises NotConnected."""
        return await _asked(self._client.instruments(self._timeout_s))

    async def schedule(self, symbol: str) -> TradingSchedule:
        """The trading hours of a symbol that there is, and what comes next. Raises NotConnected."""
        return await _asked(self._client.schedule(symbol, self._timeout_s))

    async def safeguards(self) -> Safeguards:
        """Breakers, limits and kill switches; of an operator's session. Raises NotConnected."""
        return await _asked(self._client.safeguards(self._timeout_s))

    async def balances(self, account: str = "") -> Balances:
        """What an account has: its own, or any other one of an operator's session. Raises NotConnected."""
        return await _asked(self._client.balances(account, self._timeout_s))

    async def fees(self) -> Fees:
        """What trading costs the account. Raises NotConnected."""
        return await _asked(self._client.fees(timeout=self._timeout_s))

    async def present(self) -> int:
        """A log sequence behind everything that was sent through this session before. Raises NotConnected."""
        await self.instruments()
        return self._client.log_sequence

    async def order(self, name: OrderName) -> KnownOrder | None:
        """An open order by one of its ids; None when there is none. Asks the engine about one that is not known."""
        found = self.known_order(name)
        if found is None:
            await self._learn()
            found = self.known_order(name)
        return found

    async def command(self, command: Command) -> Outcome:
        """Send a command, and wait for what becomes of it.

        Raises NotConnected, Busy, NotTaken: nothing was changed; TimedOut, AnswerLost, SessionOver: nobody knows.
        """
        await self.until_open()
        return await self._outcome(self.send(command))

    def send(self, command: Command) -> AnswerFuture:
        """Send a command without waiting, for who has seen that the session `is_open`; `outcome` tells the rest.

        Raises NotConnected, Busy: nothing was sent.
        """
        answer = self._given(command)
        self.used_ns = monotonic_ns()
        self._awaited[answer.correlation_id] = None
        return answer

    def outcome(self, answer: AnswerFuture) -> Outcome:
        """What became of a command that was sent, once its answer is done. Cancelled: it did not come in time.

        Raises NotTaken, Busy: nothing was changed; TimedOut, AnswerLost, SessionOver: nobody knows.
        """
        outcome = self._awaited.pop(answer.correlation_id, None)
        if answer.cancelled():
            raise TimedOut("the engine did not answer in time")
        report = answer.result()
        return outcome or Outcome(report)

    async def batch(
        self, commands: Sequence[Command], *, all_or_nothing: bool, validate_only: bool
    ) -> list[Outcome | MatchbusError]:
        """Send commands in one message; what became of each. Raises as `command`, where it is so of all of them."""
        await self.until_open()
        with self._client.batch(
            all_or_nothing=all_or_nothing, validate_only=validate_only, deadline=self._timeout_s
        ):
            answers = [self._given(one) for one in commands]
        for answer in answers:
            self._awaited[answer.correlation_id] = None
        found: list[Outcome | MatchbusError] = []
        end_ns = monotonic_ns() + int(self._timeout_s * 1e9)
        try:
            for answer in answers:
                try:
                    found.append(await self._outcome(answer, max(0.0, (end_ns - monotonic_ns()) / 1e9)))
                except MatchbusError as error:
                    found.append(error)
        finally:
            for answer in answers:
                self._awaited.pop(answer.correlation_id, None)
        return found

    def _given(self, command: Command) -> AnswerFuture:
        try:
            return self._client.command(command)
        except SessionOver as error:
            raise NotConnected(str(error)) from None  # nothing was sent

    async def _outcome(self, answer: AnswerFuture, seconds: float | None = None) -> Outcome:
        number = answer.correlation_id
        self.used_ns = monotonic_ns()
        # What `asyncio.wait_for` does, at a third of its cost.
        timer = asyncio.get_running_loop().call_later(
            self._timeout_s if seconds is None else seconds, _give_up, answer
        )
        try:
            report = await answer
            return self._awaited[number] or Outcome(report)
        finally:
            timer.cancel()
            self._awaited.pop(number, None)

    # What comes.

    def _take(self, told: Reports) -> None:
        """Reports, in order. What they answer is put together with what follows from it."""
        if told.first_report != self._next_report and self._next_report:
            self._learn_later()  # some are lost for good, or never happened
        self._next_report = told.first_report + len(told.reports)
        answers = {id(report): number for number, report in told.answers if number in self._awaited}
        current: Outcome | None = None
        for number, report in enumerate(told.reports, told.first_report):
            if self._meanwhile is not None:
                self._meanwhile.append((number, report))
            order = self._follow(report)
            awaited = answers.get(id(report)) if answers else None
            if awaited is not None:
                current = self._awaited[awaited] = Outcome(report)
            elif current is not None and _same_order(current.answer, report):
                current.following.append(report)
                current.numbers.append(number)
            else:
                continue
            current.waiting = order is not None and order.waiting
        for listener in tuple(self._listeners):
            listener(told.first_report, told.reports)

    def _follow(self, report: Report) -> KnownOrder | None:
        """Keep what is known of open orders; the order that a report is about, when it is one of them."""
        if isinstance(report, Accepted):
            waiting = first_status(report) == WAITING
            order = KnownOrder(report.symbol, report.client_order_id, report.order_type, waiting)
            self._orders[report.order_id] = order
            self._ids[report.client_order_id] = report.order_id
            return order
        known = self._orders.get(getattr(report, "order_id", 0))
        if known is None:
            return None
        if isinstance(report, Cancelled) or (isinstance(report, Filled) and not report.leaves_lots):
            del self._orders[report.order_id]
            if self._ids.get(known.client_order_id) == report.order_id:
                del self._ids[known.client_order_id]
        elif (status := status_after(report, known.order_type)) is not None:
            known.waiting = status == WAITING
        return known

    def known_order(self, name: OrderName) -> KnownOrder | None:
        """An open order by one of its ids, as far as the reports have come."""
        return self._orders.get(name if isinstance(name, int) else self._ids.get(name, 0))

    async def _learn(self) -> None:
        """Know the open orders as the engine has them; asked for once by all who want to know at the same time."""
        if self._learning is None or self._learning.done():
            self._learning = asyncio.ensure_future(self._ask_orders())
        await asyncio.shield(self._learning)

    async def _ask_orders(self) -> None:
        """What comes before the answer is read is put on top of it."""
        meanwhile: list[tuple[int, Report]] = []
        self._meanwhile = meanwhile
        try:
            found = await self.open_orders()
        finally:
            self._meanwhile = None
        self._orders = {order.order_id: _known(order) for order in found.orders}
        self._ids = {order.entered.client_order_id: order.order_id for order in found.orders}
        for number, report in meanwhile:
            if number >= found.next_report:
                self._follow(report)

    def _learn_later(self) -> None:
        if self._learning is None or self._learning.done():
            self._learning = asyncio.ensure_future(self._ask_orders())
            self._learning.add_done_callback(self._learned)

    def _learned(self, learning: asyncio.Task[None]) -> None:
        if not learning.cancelled() and (error := learning.exception()) is not None:
            _LOG.warning("open orders are not known", account=self.account, why=str(error))


def _give_up(answer: AnswerFuture) -> None:
    if not answer.done():
        answer.set_exception(TimedOut("the engine did not answer in time"))


async def _asked(question: Awaitable[T]) -> T:
    """An answer to a question. One that does not come has changed nothing: raises NotConnected, never TimedOut."""
    try:
        return await question
    except (TimedOut, SessionOver) as error:
        raise NotConnected(str(error)) from None


def _known(order: OpenOrder) -> KnownOrder:
    entered = order.entered
    return KnownOrder(
        entered.symbol, entered.client_order_id, entered.order_type, status_of(order) == WAITING
    )


def _same_order(answer: Report, report: Report) -> bool:
    """Whether a report tells more of what a command did to its own order."""
    return (
        report.sequence == answer.sequence
        and getattr(answer, "order_id", 0) != 0
        and getattr(report, "order_id", 0) == getattr(answer, "order_id", 0)
    )
