"""What one account is told of itself: open orders and reports of them, executions, movements of money.

    session of the engine ─▶ Account (reports in their order, encoded once) ─▶ readers ─▶ connections
                  history ─▶ ╯ what was missed

The rule guarded here: every report is told once and in order, or a gap is told. Reports have dense numbers. Where some
are missing (the engine did not keep them while we were away, or there is another session of it) the history is asked
for them; where it cannot tell them all, a reader of orders gets the open orders anew, and any other reader is told
which numbers it has to ask for over REST. Where numbers are given again, the engine has lost what was told before,
and readers are told that. Called by `own`.
"""

import asyncio
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from typing import Final

import msgspec
import structlog

from bus.clock import utc_ns
from bus.errors import MatchbusError
from bus.protocol import reports as told
from bus.protocol.control import OpenOrder
from bus.protocol.history import ROWS_PER_PAGE_MAX, NumberedReport, QueryReports, executed, moved
from bus.protocol.reports import Report
from bus.sockets.history_client import AsyncHistoryClient
from bus.sockets.session.prices import Scale
from web import money_answers, order_answers
from web.assets import Assets
from web.errors import Refusal
from web.schemas.money import Movement
from web.schemas.own import (
    ExecutionsBegin,
    ExecutionTold,
    MovedTold,
    MovementsBegin,
    OrdersSnapshot,
    ReportGap,
)
from web.schemas.stream import Upstream
from web.session import Session
from web.sessions import Sessions
from web.stream.balances import StandingBalances
from web.stream.channels import BALANCES, EXECUTIONS, MOVEMENTS, ORDERS
from web.stream.readers import Connection, Reader
from web.stream.reporting import assets_of, execution_revised, report_told, standing, symbol_of
from web.turns import Turns

#: Open orders of one message: about 60 kB.
ORDERS_PER_MESSAGE: Final = 200
#: Reports that are asked of the history for who comes back: ten pages. Who has missed more asks over REST.
RESUMED_REPORTS_MAX: Final = 10_000
#: How long the history may take until it can tell what was missed: it may be some seconds behind, or away.
PAST_S_MAX: Final = 10.0
_AGAIN_S: Final = 0.25
#: How often is looked whether the engine is there, whether reports are missing, and whether anybody reads.
_LOOK_S: Final = 0.25
#: Why reports are not told.
MISSED: Final = "missed"
WITHDRAWN: Final = "withdrawn"
LOST: Final = "lost"
BACK: Final = "back"
_ENGINE: Final = "engine"
_LOG: Final = structlog.get_logger("matchbus.web")

_Numbered = tuple[int, Report]


class Account:
    """One account's own channels, for all connections that read them here."""

    def __init__(
        self, name: str, sessions: Sessions, history: AsyncHistoryClient, turns: Turns, assets: Assets
    ) -> None:
        self.name = name
        self._sessions = sessions
        self._history = history
        self._turns = turns
        self._assets = assets
        self._readers: dict[str, dict[Connection, Reader]] = {ORDERS: {}, EXECUTIONS: {}, MOVEMENTS: {}}
        self._balances = StandingBalances(self._any_session, assets)
        self._session: Session | None = None
        self._unlisten: Callable[[], None] = _nothing
        self._scales: dict[str, Scale] = {}
        #: The number of the report that is told next; 0 while there was no session yet.
        self._next = 0
        #: Reports that came and are not told yet: something has to be found out first.
        self._waiting: deque[_Numbered] = deque()
        self._telling: asyncio.Task[None] | None = None
        self._is_away = False
        self._tasks: set[asyncio.Task[None]] = set()
        self._living = asyncio.ensure_future(self._live())

    @property
    def is_read(self) -> bool:
        """Whether anybody reads any of it."""
        return self._balances.is_read or any(self._readers.values())

    def join(self, channel: str, connection: Connection, after_report: int | None) -> None:
        """Read a channel, from now on or behind a report."""
        if channel == BALANCES:
            self._balances.join(connection)
            return
        reader = self._readers[channel][connection] = Reader(channel, connection, after_report)
        if self._is_away:
            connection.tell(_upstream(LOST))
        self._begin(reader)

    def leave(self, channel: str, connection: Connection) -> None:
        """Read it no longer. Safe to call for who does not read."""
        if channel == BALANCES:
            self._balances.leave(connection)
            return
        reader = self._readers[channel].pop(connection, None)
        if reader is not None:
            reader.begin()  # whatever tells it of the past, stops

    def close(self) -> None:
        """Tell nobody anything. Safe to call twice."""
        self._unlisten()
        self._unlisten = _nothing
        self._balances.close()
        for task in (self._living, self._telling, *self._tasks):
            if task is not None:
                task.cancel()

    # The session.

    async def _any_session(self) -> Session:
        """That of the account. Raises NotConnected, SessionRefused; Refusal when there are too many."""
        return self._session or await self._sessions.of(self.name)

    async def _live(self) -> None:
        """Have a session, see to it that no report is missing, and tell when the engine is away."""
        while True:
            try:
                self._look(await self._any_session())
            except (MatchbusError, Refusal) as error:
                self._say_away(True)
                _LOG.info("no session of the engine", account=self.name, why=str(error))
            await asyncio.sleep(_LOOK_S)

    def _look(self, session: Session) -> None:
        if session.over:
            self._unlisten()
            self._session = None
            self._say_away(True)
            return
        if self._session is None:
            self._session = session
            self._unlisten = session.listen(self._take)
            self._balances.touched()
        self._say_away(not session.is_open)
        if session.is_open:
            if not self._next:
                self._next = session.next_report
                for reader in self._all_readers():
                    self._begin(reader)
            elif self._waiting or session.next_report != self._expected:
                self._tell_later()

    @property
    def _expected(self) -> int:
        """The number of the report that comes next, if none is missing."""
        return self._waiting[-1][0] + 1 if self._waiting else self._next

    def _say_away(self, is_away: bool) -> None:
        if is_away != self._is_away:
            self._is_away = is_away
            message = _upstream(LOST if is_away else BACK)
            for connection in {reader.connection: None for reader in self._all_readers()}:
                connection.tell(message)

    def _all_readers(self) -> list[Reader]:
        return [reader for readers in self._readers.values() for reader in readers.values()]

    # Reports.

    def _take(self, first: int, reports: Sequence[Report]) -> None:
        """What the session gives, in order."""
        self._balances.touched()
        if not self._next:
            self._next = first
            for reader in self._all_readers():
                self._begin(reader)
        for number, report in enumerate(reports, first):
            if self._waiting or number != self._next or not self._is_known(report):
                self._waiting.append((number, report))
            else:
                self._tell(number, report)
        if self._waiting:
            self._tell_later()

    def _is_known(self, report: Report) -> bool:
        if any(self._assets.decimals_at_hand(asset) is None for asset in assets_of(report)):
            return False
        symbol = symbol_of(report)
        if not symbol or symbol in self._scales:
            return True
        scale = self._session.scale_at_hand(symbol) if self._session is not None else None
        if scale is None:
            return False
        self._scales[symbol] = scale
        return True

    def _tell(self, number: int, report: Report) -> None:
        self._next = number + 1
        for channel, readers in self._readers.items():
            if readers:
                message = self._message(channel, number, report)
                if message is not None:
                    for reader in list(readers.values()):
                        reader.take(number, message)

    def _message(self, channel: str, number: int, report: Report) -> bytes | None:
        """What readers of a channel are told of a report; None where it is nothing to them."""
        scale = self._scales.get(symbol_of(report))
        if channel == ORDERS:
            return msgspec.json.encode(report_told(scale, number, report))
        if channel == MOVEMENTS:
            if not isinstance(report, told.Moved | told.Settled):
                return None
            return msgspec.json.encode(MovedTold(number, self._movements(number, report)))
        if isinstance(report, told.Filled):
            assert scale is not None, "it was found out before"
            done = order_answers.execution(scale, executed(number, report), False)
            return msgspec.json.encode(ExecutionTold(**msgspec.structs.asdict(done)))
        if isinstance(report, told.TradeRevised):
            assert scale is not None, "it was found out before"
            return msgspec.json.encode(execution_revised(scale, number, report))
        return None

    def _movements(self, number: int, report: told.Moved | told.Settled) -> list[Movement]:
        found = []
        for row in moved(self.name, number, report):
            decimals = self._assets.decimals_at_hand(row.asset)
            assert decimals is not None, "it was found out before"
            found.append(money_answers.movement(row, decimals))
        return found

    def _tell_later(self) -> None:
        if self._telling is None or self._telling.done():
            self._telling = asyncio.ensure_future(self._tell_waiting())
            self._telling.add_done_callback(_report_failure)

    async def _tell_waiting(self) -> None:
        """Tell what waits, once what is missing before it is here."""
        while True:
            session = self._session
            if session is None:
                return  # with the next one it is looked again
            following = self._waiting[0][0] if self._waiting else session.next_report
            if following > self._next:
                await self._heal(following)
            elif following < self._next:
                self._withdraw(following)
            elif not self._waiting:
                return
            else:
                number, report = self._waiting[0]
                if not self._is_known(report):
                    await self._learn(report)
                self._waiting.popleft()
                self._tell(number, report)

    async def _learn(self, report: Report) -> None:
        symbol = symbol_of(report)
        while not self._is_known(report):
            try:
                session = await self._any_session()
                if symbol:
                    self._scales[symbol] = await session.scale(symbol)
                for asset in assets_of(report):
                    await self._assets.decimals(session, asset)
            except (MatchbusError, Refusal):
                await asyncio.sleep(_AGAIN_S)

    async def _heal(self, following: int) -> None:
        """Reports up to this one are missing: tell them as the history has them, or that there is a gap."""
        after = self._next - 1
        past = await self._past(after, following)
        if past is None:
            self._next = following
            self._gap(after, following, MISSED)
        else:
            for number, report in past:
                self._tell(number, report)

    def _withdraw(self, following: int) -> None:
        """The engine has lost its last events: it gives their numbers again."""
        self._next = following
        self._gap(following - 1, following, WITHDRAWN)

    def _gap(self, after: int, following: int, reason: str) -> None:
        for reader in self._all_readers():
            reader.connection.tell(_gap(reader.channel, after, following, reason))
            reader.after_report = None
            self._begin(reader)

    # Readers.

    def _begin(self, reader: Reader) -> None:
        generation = reader.begin()
        if self._next:
            task = asyncio.ensure_future(self._bring_up(reader, generation))
            self._tasks.add(task)
            task.add_done_callback(self._tasks.discard)
            task.add_done_callback(_report_failure)

    async def _bring_up(self, reader: Reader, generation: int) -> None:
        """Tell a reader what it has to know first. From here on what comes is held for it."""
        following, after = self._next, reader.after_report
        if after is not None:
            if after >= following and await self._present(reader, generation) > after:
                await reader.go_live(after + 1, generation)
                return
            past = await self._past(after, following) if after < following else None
            if reader.generation != generation:
                return
            if past is not None:
                messages = [self._message(reader.channel, number, report) for number, report in past]
                await reader.tell_all([message for message in messages if message is not None])
                await reader.go_live(following, generation)
                return
            reason = MISSED if after < following else WITHDRAWN
            reader.connection.tell(_gap(reader.channel, min(after, following - 1), following, reason))
        if reader.channel == ORDERS:
            following = await self._tell_open_orders(reader, generation)
        else:
            sequence = self._session.log_sequence if self._session is not None else 0
            kind = ExecutionsBegin if reader.channel == EXECUTIONS else MovementsBegin
            reader.connection.tell(msgspec.json.encode(kind(following, sequence)))
        if reader.generation == generation:
            await reader.go_live(following, generation)

    async def _present(self, reader: Reader, generation: int) -> int:
        """The number of the report that comes next, no older than what was told to anybody else before this."""
        while reader.generation == generation and not reader.connection.is_closed:
            try:
                session = await self._any_session()
                await session.present()
            except (MatchbusError, Refusal):
                await asyncio.sleep(_AGAIN_S)
            else:
                return session.next_report
        return 0

    async def _tell_open_orders(self, reader: Reader, generation: int) -> int:
        """As the engine has them; the number of the report before which they stood so."""
        while reader.generation == generation and not reader.connection.is_closed:
            try:
                session = await self._any_session()
                found = await session.open_orders()
                for symbol in {order.entered.symbol for order in found.orders} - self._scales.keys():
                    self._scales[symbol] = await session.scale(symbol)
            except (MatchbusError, Refusal):
                await asyncio.sleep(_AGAIN_S)
                continue
            if reader.generation == generation:
                for message in self._snapshot(found.next_report, found.orders):
                    reader.connection.tell(message)
                    await reader.connection.drained()
                    if reader.generation != generation:
                        break
            return found.next_report
        return 0

    def _snapshot(self, next_report: int, orders: list[OpenOrder]) -> Iterator[bytes]:
        for start in range(0, max(1, len(orders)), ORDERS_PER_MESSAGE):
            piece = orders[start : start + ORDERS_PER_MESSAGE]
            rows = [standing(self._scales[order.entered.symbol], order) for order in piece]
            more = start + ORDERS_PER_MESSAGE < len(orders)
            yield msgspec.json.encode(OrdersSnapshot(not start, more, next_report, rows))

    # What was.

    async def _past(self, after: int, following: int) -> list[_Numbered] | None:
        """All reports between two, as the history has them; None when it cannot tell them all, or it is too much."""
        if following - after - 1 > RESUMED_REPORTS_MAX:
            return None
        found: list[_Numbered] = []
        end_s = asyncio.get_running_loop().time() + PAST_S_MAX
        while after + 1 < following:
            page = await self._page(after)
            for row in page:
                if row.report_number >= following:
                    break  # what is told as it comes
                if row.report_number != after + 1:
                    return None  # it has lost some, or has others
                found.append((row.report_number, row.report))
                after = row.report_number
            if not page:
                if asyncio.get_running_loop().time() > end_s:
                    return None
                await asyncio.sleep(_AGAIN_S)
        for _, report in found:
            if not self._is_known(report):
                await self._learn(report)
        return found

    async def _page(self, after: int) -> Sequence[NumberedReport]:
        """A page of reports behind one; nothing when the history cannot tell now."""
        try:
            with self._turns.of(self.name):
                query = QueryReports(self.name, after, ROWS_PER_PAGE_MAX)
                return (await self._history.ask(query)).reports
        except (MatchbusError, Refusal) as error:
            _LOG.info("reports of the past are not told yet", account=self.name, why=str(error))
            return []


def _nothing() -> None:
    """Before there is anything to end."""


def _upstream(state: str) -> bytes:
    return msgspec.json.encode(Upstream(_ENGINE, state, utc_ns() // 1_000_000))


def _gap(channel: str, after_report: int, next_report: int, reason: str) -> bytes:
    return msgspec.json.encode(ReportGap(channel, after_report, next_report, reason))


def _report_failure(task: "asyncio.Task[None]") -> None:
    if not task.cancelled() and (failure := task.exception()) is not None:
        _LOG.error("a task of own channels ended", reason=repr(failure))
