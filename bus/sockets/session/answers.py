"""Answers: what was asked, and what is awaited for it. The same for every shell.

A shell owns a socket and a clock, and says what an answer that is awaited looks like: something with `set_result` and
`set_exception` that is made once a command. Nothing here waits or sends.

What a command is answered with is a report (a refusal by the market is a value: `Rejected`); what is raised is that
there is no such report: Busy, NotTaken, AnswerLost, SessionOver, SessionRefused.
"""

import secrets
from collections.abc import Callable, Sequence
from typing import Any, Final, Generic, Protocol, TypeVar

from bus.errors import (
    AnswerLost,
    Busy,
    MatchbusError,
    NotTaken,
    ReportsLost,
    SessionOver,
    SessionRefused,
    UnknownSymbol,
)
from bus.protocol.codec import encode
from bus.protocol.commands import Command, DefineInstrument
from bus.protocol.control import Hello, Instruments, InstrumentState, Query
from bus.protocol.reasons import QUEUE_FULL, RATE_EXCEEDED, reason_name
from bus.protocol.reports import Accepted, Cancelled, Completed, Duplicate, Rejected, Replaced
from bus.protocol.terms import ROLES
from bus.sockets.session import happenings as told
from bus.sockets.session import orders
from bus.sockets.session.client_core import ClientCore, State
from bus.sockets.session.orders import Word
from bus.sockets.session.prices import Scale
from bus.sockets.session.report_queue import REPORTS_WAITING_MAX, ReportQueue
from bus.sockets.session.unanswered import Saying

Answer = Accepted | Rejected | Cancelled | Replaced | Duplicate | Completed
#: Takes the new reports of one envelope, in the place of the queue.
OnReports = Callable[[told.Reports], None]

#: Bytes of chance in the ids that a client makes up, so that two clients of an account do not make the same.
_ID_BYTES: Final = 6


class Pending(Protocol):
    """An answer that is awaited. `symbol` is "" and `client_order_id` is "" where a command has none."""

    client_order_id: str
    symbol: str
    correlation_id: int

    def done(self) -> bool:
        """Whether it is here."""

    def set_result(self, result: Any, /) -> None:
        """It is here."""

    def set_exception(self, exception: Any, /) -> None:
        """It will not come."""


A = TypeVar("A", bound=Pending)


class Answers(Generic[A]):
    """What is asked, and what is awaited. Not used by itself."""

    def __init__(
        self,
        account: str,
        role: Word,
        token: str,
        cancel_on_disconnect: bool,
        lease_ms: int,
        resume_from: int,
        reports_waiting_max: int = REPORTS_WAITING_MAX,
        on_reports: OnReports | None = None,
        deadline: float = 0,
    ) -> None:
        number = orders.number_of(role, ROLES, "role")
        hello = Hello(account, number, token, 0, "", resume_from, lease_ms, cancel_on_disconnect)
        self._core = ClientCore(hello)
        self._queue = ReportQueue(reports_waiting_max)
        self._on_reports = on_reports
        # One for all of them: commands of one saying may leave in one message.
        self._saying = Saying(0, round(deadline * 10**9)) if deadline else None
        self._pendings: dict[int, A] = {}
        self._queries: dict[int, A] = {}
        self._definitions: dict[str, InstrumentState] = {}
        self._scales: dict[str, Scale] = {}
        self._id_prefix = secrets.token_hex(_ID_BYTES)
        self._ids = 0
        self._over: MatchbusError | None = None
        self._collected: list[tuple[A, Command]] | None = None  # inside a batch with options

    # What a shell provides.

    def _new_pending(self, symbol: str, client_order_id: str) -> A:
        """An answer to wait for."""
        raise NotImplementedError

    def _give(self, pending: A, symbol: str, build: Callable[[Scale], Command]) -> None:
        """Build a command with the scale of a symbol, which may have to be asked for first, and `_put` it."""
        raise NotImplementedError

    def _added(self) -> None:
        """Commands or queries were added: they want to leave soon."""
        raise NotImplementedError

    # Commands, ready made.

    def send_commands(self, commands: Sequence[Command]) -> int:
        """Ready commands, without an answer to wait for; returns the correlation id of the first.

        The others follow it. Their answers are in the reports; when reports are given to `on_reports`, which of them
        answer what is beside them. What is refused before the log (Busy and its like) shows only as missing there.
        """
        self._check_open()
        first = self._core.add(commands)
        self._added()
        return first

    def command(self, command: Command) -> A:
        """A ready command, whose answer is awaited. ValueError for one that no message can hold."""
        pending = self._new_pending("", "")
        self._put(pending, command)
        return pending

    @property
    def log_sequence(self) -> int:
        """How far the engine's log had come when it was heard last."""
        return self._core.log_sequence

    @property
    def is_over(self) -> bool:
        """Whether the session has ended for good."""
        return self._over is not None

    @property
    def is_open(self) -> bool:
        """Whether commands leave at once; else they wait for the engine to be back, or for missing reports."""
        return self._core.state is State.OPEN

    @property
    def unanswered(self) -> int:
        """How many commands have no answer yet."""
        return self._core.unanswered

    @property
    def session(self) -> int:
        """The number of the session, 0 before there is one."""
        return self._core.session

    @property
    def next_report(self) -> int:
        """The number of the report that the user gets next: what a next life gives as `resume_from`."""
        if self._on_reports is not None:
            return self._core.next_report
        return self._queue.next_report

    def known_scale(self, symbol: str) -> Scale:
        """Converts ticks and lots of a report into decimals. UnknownSymbol when the symbol was not asked for yet."""
        scale = self._scales.get(symbol)
        if scale is None:
            raise UnknownSymbol(f"{symbol!r} is not known here: ask instruments()")
        return scale

    # For shells.

    def _put(self, pending: A, command: Command) -> None:
        """A command of which an answer is awaited. ValueError for one that no message can hold."""
        self._check_open()
        _check_encodable(command)
        if self._collected is not None:
            self._collected.append((pending, command))
            return
        pending.correlation_id = number = self._core.add((command,), self._saying)
        self._pendings[number] = pending
        self._added()

    def _put_all(self, collected: list[tuple[A, Command]], saying: Saying) -> None:
        """Commands of one message."""
        self._check_open()
        number = self._core.add([command for _, command in collected], saying)
        for pending, _ in collected:
            pending.correlation_id = number
            self._pendings[number] = pending
            number += 1
        self._added()

    def _ask(self, query: Query) -> A:
        """A query whose answer is awaited."""
        self._check_open()
        pending = self._new_pending("", "")
        pending.correlation_id = number = self._core.query(query)
        self._queries[number] = pending
        self._added()
        return pending

    def _check_open(self) -> None:
        if self._over is not None:
            raise self._over

    def _new_id(self) -> str:
        self._ids += 1
        return f"{self._id_prefix}-{self._ids}"

    def _take(self, happened: Sequence[told.Happening]) -> None:
        """What the core tells: answers to whom they belong, reports to the user."""
        for what in happened:
            if type(what) is told.Reports:
                if self._pendings:
                    self._answer(what.answers)
                if self._on_reports is None:
                    self._queue.put(what)
                else:
                    self._on_reports(what)
            else:
                self._take_rare(what)

    def _answer(self, answers: list[tuple[int, Any]]) -> None:
        pendings = self._pendings
        for number, report in answers:
            pending = pendings.pop(number, None)
            if pending is not None and not pending.done():
                pending.set_result(report)

    def _take_rare(self, what: told.Happening) -> None:
        if isinstance(what, told.Opened):
            self._queue.begin(self._core.next_report)
        elif isinstance(what, told.Answered):
            if isinstance(what.answer, Instruments):
                self._learn(what.answer)
            pending = self._queries.pop(what.correlation_id, None)
            if pending is not None and not pending.done():
                pending.set_result(what.answer)
        elif isinstance(what, told.NotTaken):
            error = _not_taken(what.refused.reason, what.refused.text)
            self._fail(what.correlation_ids, error)
        elif isinstance(what, told.AnswersLost):
            text = "the engine no longer keeps the reports that would tell; ask open_orders()"
            self._fail(what.correlation_ids, AnswerLost(text))
        elif isinstance(what, told.ReportsLost):
            text = (
                f"reports {what.first_report} to {what.next_report - 1} are no longer kept; ask open_orders()"
            )
            self._queue.lose(ReportsLost(text, what.first_report, what.next_report))
        elif isinstance(what, told.ReportsWithdrawn):
            text = (
                f"reports {what.first_report} to {what.next_report - 1} never happened: the engine started again"
                " without them; ask open_orders()"
            )
            self._queue.lose(ReportsLost(text, what.first_report, what.first_report))
        elif isinstance(what, told.Ended):
            if what.refused is None:
                self._end(SessionOver("the session has ended"))
            else:
                name = reason_name(what.refused.reason)
                self._end(SessionRefused(f"not let in: {name}: {what.refused.text}", what.refused.reason))

    def _learn(self, instruments: Instruments) -> None:
        """What there is to trade. Definitions only change their limits, which are the engine's to check."""
        for state in instruments.instruments:
            definition: DefineInstrument = state.definition
            self._definitions[definition.symbol] = state
            if definition.symbol not in self._scales:
                self._scales[definition.symbol] = Scale(definition)

    def _fail(self, numbers: Sequence[int], error: MatchbusError) -> None:
        for number in numbers:
            pending = self._pendings.pop(number, None) or self._queries.pop(number, None)
            if pending is not None and not pending.done():
                pending.set_exception(error)

    def _end(self, error: MatchbusError) -> None:
        """Nothing more will be answered, and nothing more is taken."""
        if self._over is None:
            self._over = error
            self._fail([*self._pendings, *self._queries], error)


def _check_encodable(command: Command) -> None:
    """Found out only when it is sent, it would take with it what leaves beside it."""
    try:
        encode(command)
    except OverflowError:
        raise ValueError(f"a number of this {type(command).__name__} does not fit into 64 bits") from None


def _not_taken(reason: int, text: str) -> MatchbusError:
    told_text = f"{reason_name(reason)}: {text}"
    if reason in (QUEUE_FULL, RATE_EXCEEDED):
        return Busy(f"{told_text}; nothing was taken, send it again", reason)
    return NotTaken(told_text, reason)
