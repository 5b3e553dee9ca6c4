"""The client's half of a session, without any I/O: it takes messages and time, and gives messages and happenings.

A shell owns a DEALER and a clock and does nothing else:

    while core.wants_connection: open a new DEALER, core.connected(now)
    for each message that waits: happenings = core.receive(message, now)
    core.tick(now)                      (after what waits was received: an unread heartbeat is no silence)
    for each of core.outgoing(now, utc): send it

The states of a session, and what moves them:

    LOST ──connected──▶ GREETING ──Welcome──▶ RESUMING ──no report missing──▶ OPEN ──logout──▶ LEAVING ──▶ ENDED
      ▲                    │ ▲                    │                             │                  │
      │                    │ └── PAUSING ◀────────┴── a report is missing, or the engine has ──────┤
      │                    │                          another connection for our session           │
      └────────────────────┴── silence ─────────────────────────────────────────┴──────────────────┘

What it promises:

- Each report of the account is given once, in order; a missing one is asked for again, and one that is no longer kept
  is named (`ReportsLost`).
- Each command gets one answer: the first report that carries it, `NotTaken`, or `AnswersLost`.
- Commands reach the engine in the order of `add`. While reports are missing nothing is sent. When all are here, what
  the engine took before is answered; so what is still unanswered was not taken, and is sent again before anything
  new. Only when reports were lost may the engine get a command twice: an order or a replace is then answered with
  Duplicate, a cancel may be answered with UNKNOWN_ORDER or ORDER_ENDED although it was the one that ended the
  order, and a mass cancel is not sent again (it would take orders entered after it) but given as `AnswersLost`.
"""

import enum
from collections.abc import Sequence
from typing import Final

import msgspec

from bus.errors import Busy
from bus.protocol.codec import Envelope, MalformedMessage, decode_envelope, encode_message
from bus.protocol.commands import CancelAllAfter, Command, MassCancel
from bus.protocol.control import (
    Balances,
    EngineHeartbeat,
    Fees,
    Heartbeat,
    Hello,
    Instruments,
    LoggedOut,
    Logout,
    OpenOrders,
    Query,
    Refused,
    Resumed,
    Safeguards,
    TradingSchedule,
    Welcome,
)
from bus.protocol.reasons import (
    BY_MASS_CANCEL,
    HELLO_FIRST,
    NOT_YOUR_SESSION,
    QUEUE_FULL,
    QUOTE_REPLACED,
    RATE_EXCEEDED,
    UNSUPPORTED_VERSION,
)
from bus.protocol.reports import Accepted, Cancelled, Completed, Duplicate, Rejected, Replaced, Report
from bus.protocol.terms import CLOCK_COMMANDS, PROTOCOL_VERSION
from bus.sockets.session.happenings import (
    Answered,
    AnswersLost,
    Ended,
    Happening,
    NotTaken,
    Opened,
    Reports,
    ReportsLost,
    ReportsWithdrawn,
)
from bus.sockets.session.unanswered import Saying, Unanswered

MS: Final = 1_000_000

#: Commands in flight. What is beyond it would wait in memory only; the engine holds no more than this either.
UNANSWERED_COMMANDS_MAX: Final = 65_536
#: How long a Hello may take. Longer than a slow disk needs, short for a person.
HELLO_TIMEOUT_MS: Final = 2_000
#: Hellos of one connection are at least this far apart, so that a confused session is not a flood.
HELLO_INTERVAL_MS: Final = 100
#: Heartbeats of the engine that may be missing before the connection counts as lost.
HEARTBEATS_MISSED: Final = 3
#: Correlation ids of control items start here, so that those of commands stay dense.
CONTROL_IDS: Final = 2**62

_ANSWERS: Final = (Accepted, Rejected, Cancelled, Replaced, Duplicate, Completed)


class State(enum.Enum):
    """Where the session stands; see the picture above."""

    LOST = "lost"
    GREETING = "greeting"
    PAUSING = "pausing"
    RESUMING = "resuming"
    OPEN = "open"
    LEAVING = "leaving"
    ENDED = "ended"


#: The engine knows the session, and talks.
_LIVE: Final = (State.RESUMING, State.OPEN, State.LEAVING)


class ClientCore:
    """One client's session, over as many connections as it takes.

    `wishes` is the Hello to begin with; `session` and `session_key` in it are filled in here. Public to read: `state`,
    `session` (0: none yet), `next_report` (0: not known yet), `epoch`, `time_ns` and `log_sequence` (the last engine
    time heard, and how far the log had come then) and `welcome`. Times: `now_ns` on any monotonic clock, `utc_ns` the
    time of day.
    """

    def __init__(self, wishes: Hello, unanswered_commands_max: int = UNANSWERED_COMMANDS_MAX) -> None:
        self.state = State.LOST
        self.session = 0
        self.next_report = wishes.resume_from
        self.epoch = 0
        self.time_ns = 0
        self.log_sequence = 0
        self.welcome: Welcome | None = None
        self._wishes = wishes
        self._session_key = ""
        # Answers to our commands carry the session under which they were sent first or again.
        self._own_sessions: set[int] = set()
        self._unanswered = Unanswered()
        self._unanswered_max = unanswered_commands_max
        self._queries: dict[int, Query] = {}
        self._queries_unsent: list[int] = []
        self._next_control_id = CONTROL_IDS
        self._hello_id = 0
        self._hello_ns = 0
        self._resume_until = 0
        self._reports_lost = False
        self._report_at_heartbeat = 0
        self._report_epoch = 0
        self._send_again = False
        self._logout_wanted = False
        self._heard_ns = 0
        self._sent_ns = 0
        self._control_out: list[bytes] = []

    @property
    def wants_connection(self) -> bool:
        """The shell is to open a new socket, then call `connected`."""
        return self.state is State.LOST

    @property
    def unanswered(self) -> int:
        """How many commands have no answer yet."""
        return len(self._unanswered)

    @property
    def has_outgoing(self) -> bool:
        """Whether `outgoing` would give something now (a cheap look before the clock is read)."""
        return bool(
            self._control_out
            or (
                self.state is State.OPEN
                and (
                    self._unanswered.waiting
                    or self._send_again
                    or self._queries_unsent
                    or self._logout_wanted
                )
            )
        )

    @property
    def deadline_ns(self) -> int | None:
        """When `tick` has something to do; None when it never will without a message or a connection."""
        if self.state is State.GREETING:
            return self._hello_ns + HELLO_TIMEOUT_MS * MS
        if self.state is State.PAUSING:
            return self._hello_ns + HELLO_INTERVAL_MS * MS
        if self.state in _LIVE:
            return min(self._silent_ns(), self._heartbeat_ns())
        return None

    # What the user wants.

    def add(self, commands: Sequence[Command], saying: Saying | None = None) -> int:
        """Commands to send; returns the correlation id of the first, the others follow it.

        They leave with the next `outgoing`, or as soon as the session is open. Raises Busy, and takes none, when
        too many are unanswered.
        """
        if len(self._unanswered) + len(commands) > self._unanswered_max:
            raise Busy(
                f"{len(self._unanswered)} commands are unanswered, {self._unanswered_max} may be:"
                " read answers, then send again"
            )
        return self._unanswered.add(commands, saying)

    def query(self, item: Query) -> int:
        """Ask for something; returns the correlation id of the `Answered` that will come."""
        number = self._control_id()
        self._queries[number] = item
        self._queries_unsent.append(number)
        return number

    def logout(self) -> None:
        """End the session when everything that was added has been sent. `Ended` will come."""
        self._logout_wanted = True

    # What the shell does.

    def connected(self, now_ns: int) -> None:
        """There is a new socket, on which nothing was sent yet."""
        self._say_hello(now_ns)

    def lost(self) -> None:
        """The shell knows that the socket is of no use any more."""
        if self.state is not State.ENDED:
            self.state = State.LOST
            self._control_out.clear()

    def outgoing(self, now_ns: int, utc_ns: int) -> list[bytes]:
        """The messages to send now, in this order. They count as sent."""
        messages = self._control_out
        self._control_out = []
        if self.state is State.OPEN:
            messages.extend(self._outgoing_of_open(utc_ns))
        if messages:
            self._sent_ns = now_ns
        return messages

    def tick(self, now_ns: int) -> None:
        """Time has passed. Everything that waits at the socket must have been received before."""
        if self.state is State.GREETING:
            if now_ns >= self._hello_ns + HELLO_TIMEOUT_MS * MS:
                self.lost()
        elif self.state is State.PAUSING:
            if now_ns >= self._hello_ns + HELLO_INTERVAL_MS * MS:
                self._say_hello(now_ns)
        elif self.state in _LIVE:
            if now_ns >= self._silent_ns():
                self.lost()
            elif now_ns >= self._heartbeat_ns():
                # Counts as sent from here on, else each tick before the next `outgoing` would add one.
                self._sent_ns = now_ns
                self._control_out.append(self._control(Heartbeat(), self._control_id()))

    def receive(self, payload: bytes, now_ns: int) -> list[Happening]:
        """One message of the engine. What cannot be decoded is of no engine: the connection counts as lost."""
        if self.state is State.ENDED or self.state is State.LOST:
            return []
        try:
            envelope = decode_envelope(payload)
        except MalformedMessage:
            self.lost()
            return []
        if envelope.version != PROTOCOL_VERSION:
            text = f"the engine speaks version {envelope.version}, this client {PROTOCOL_VERSION}"
            return self._end(Refused(0, 1, UNSUPPORTED_VERSION, text))
        if envelope.epoch < self.epoch:
            return []  # of an engine that is no longer the engine
        self._heard_ns = now_ns
        self.epoch = envelope.epoch
        if envelope.time_ns:  # a refusal tells of no state, and so of no time
            self.time_ns = envelope.time_ns
            self.log_sequence = envelope.log_sequence
        if envelope.first_report:
            return self._take_reports(envelope, now_ns)
        return [happening for item in envelope.items for happening in self._take_answer(item, now_ns)]

    # Reports.

    def _take_reports(self, envelope: Envelope, now_ns: int) -> list[Happening]:
        first = envelope.first_report
        reports: list[Report] = envelope.items  # type: ignore[assignment]  # first_report says that they are
        following = first + len(reports)
        expected = self.next_report
        if not expected:
            return []  # before the first Welcome nobody knows where to begin
        if first > expected:
            if self.state in _LIVE:
                self._greet_again(now_ns)
            return []
        if following <= expected:
            return []
        if first < expected:
            reports = reports[expected - first :]
        self.next_report = following
        self._report_epoch = envelope.epoch
        own = self._own_sessions
        unanswered = self._unanswered
        answers = [
            (report.correlation_id, report)
            for report in reports
            if report.session in own
            and type(report) in _ANSWERS
            # A mass cancel and a quote are answered by what follows the orders that they ended.
            and not (type(report) is Cancelled and report.reason in (BY_MASS_CANCEL, QUOTE_REPLACED))
            and unanswered.answer(report.correlation_id)
        ]
        taken = Reports(expected, reports, answers, envelope.epoch, envelope.log_sequence, envelope.time_ns)
        if self.state is State.RESUMING and following >= self._resume_until:
            return [taken, *self._resumed()]
        return [taken]

    # Answers.

    def _take_answer(self, item: object, now_ns: int) -> list[Happening]:
        if isinstance(item, EngineHeartbeat):
            self._take_heartbeat(item, now_ns)
        elif isinstance(item, Welcome):
            return self._take_welcome(item)
        elif isinstance(item, Resumed):
            return self._take_resumed(item)
        elif isinstance(item, Refused):
            return self._take_refused(item, now_ns)
        elif isinstance(item, OpenOrders | Instruments | TradingSchedule | Balances | Fees | Safeguards):
            if self._queries.pop(item.correlation_id, None) or item.correlation_id == self._hello_id:
                return [Answered(item.correlation_id, item)]
        elif isinstance(item, LoggedOut) and self.state is State.LEAVING:
            return self._end(None)
        return []

    def _take_heartbeat(self, heartbeat: EngineHeartbeat, now_ns: int) -> None:
        if self.state not in _LIVE:
            return
        missing = heartbeat.next_report > self.next_report
        # While missed reports stream in, only a heartbeat that finds nothing new since the last one is a sign of loss.
        moving = self.state is State.RESUMING and self.next_report != self._report_at_heartbeat
        self._report_at_heartbeat = self.next_report
        if missing and not moving:
            self._greet_again(now_ns)

    def _take_welcome(self, welcome: Welcome) -> list[Happening]:
        if self.state is not State.GREETING or welcome.correlation_id != self._hello_id:
            return []
        renewed = self.session not in (0, welcome.session)
        if welcome.session != self.session and not self._unanswered:
            self._own_sessions.clear()
        self._own_sessions.add(welcome.session)
        self.session = welcome.session
        self._session_key = welcome.session_key
        self.welcome = welcome
        happenings: list[Happening] = [Opened(welcome, self.epoch, renewed)]
        expected = self.next_report
        if not expected:
            self.next_report = expected = welcome.next_report
        elif welcome.next_report < expected and self.epoch > self._report_epoch:
            happenings.append(ReportsWithdrawn(welcome.next_report, expected))
            self.next_report = expected = welcome.next_report
        self.state = State.RESUMING
        self._resume_until = welcome.next_report
        self._report_at_heartbeat = 0
        if expected >= welcome.next_report:
            happenings.extend(self._resumed())
        return happenings

    def _take_resumed(self, resumed: Resumed) -> list[Happening]:
        if self.state is not State.RESUMING or resumed.correlation_id != self._hello_id:
            return []
        first = min(resumed.first_report, resumed.next_report)
        happenings: list[Happening] = []
        if first > self.next_report:
            happenings.append(ReportsLost(self.next_report, first))
            self.next_report = first
            self._reports_lost = True
        if self.next_report >= self._resume_until:
            happenings.extend(self._resumed())
        return happenings

    def _resumed(self) -> list[Happening]:
        """No report is missing any more: what is unanswered now was not taken, or its answer is lost."""
        self.state = State.OPEN
        self._send_again = len(self._unanswered) > self._unanswered.waiting
        self._queries_unsent = list(self._queries)
        if not self._reports_lost:
            return []
        self._reports_lost = False
        unsafe = sorted([*self._unanswered.sent_of(MassCancel), *self._unanswered.sent_of(CancelAllAfter)])
        for number in unsafe:
            self._unanswered.answer(number)
        return [AnswersLost(unsafe)] if unsafe else []

    def _take_refused(self, refused: Refused, now_ns: int) -> list[Happening]:
        if self.state is State.GREETING and refused.correlation_id in (self._hello_id, 0):
            if refused.reason == NOT_YOUR_SESSION and self._session_key:
                # It has ended. The number is kept, to tell a renewed session from a first one.
                self._session_key = ""
                self._say_hello(now_ns)
                return []
            if refused.reason in (QUEUE_FULL, RATE_EXCEEDED):
                self._hello_ns = now_ns
                self.state = State.PAUSING
                return []
            return self._end(refused)
        if refused.reason in (HELLO_FIRST, NOT_YOUR_SESSION):
            # ZeroMQ made a new connection behind our back, or the session has ended. The commands stay unanswered.
            if self.state in _LIVE:
                self._greet_again(now_ns)
            return []
        numbers = self._unanswered.ids(refused.correlation_id, refused.count)
        for number in numbers:
            self._unanswered.answer(number)
        if self._queries.pop(refused.correlation_id, None):
            numbers.append(refused.correlation_id)
        return [NotTaken(numbers, refused)] if numbers else []

    # Messages.

    def _outgoing_of_open(self, utc_ns: int) -> list[bytes]:
        welcome = self.welcome
        assert welcome is not None, "an open session was welcomed"
        bytes_max, commands_max = welcome.message_bytes_max, welcome.commands_per_message_max
        messages: list[bytes] = []
        if self._send_again:
            self._send_again = False
            messages.extend(self._unanswered.messages_again(self.session, bytes_max, commands_max))
        messages.extend(self._control(self._queries[number], number) for number in self._queries_unsent)
        self._queries_unsent = []
        if self._unanswered.waiting:
            created_ns = self.time_ns if welcome.clock == CLOCK_COMMANDS else utc_ns
            messages.extend(
                self._unanswered.first_messages(self.session, created_ns, bytes_max, commands_max)
            )
        if self._logout_wanted:
            self.state = State.LEAVING
            messages.append(self._control(Logout(), self._control_id()))
        return messages

    def _say_hello(self, now_ns: int) -> None:
        self.state = State.GREETING
        self._hello_id = self._control_id()
        self._hello_ns = self._heard_ns = self._sent_ns = now_ns
        hello = msgspec.structs.replace(
            self._wishes,
            session=self.session if self._session_key else 0,
            session_key=self._session_key,
            resume_from=self.next_report,
        )
        self._control_out = [encode_message(0, self._hello_id, 0, [hello])]

    def _greet_again(self, now_ns: int) -> None:
        """On the same connection: take the session back, with the reports that are missing."""
        if now_ns >= self._hello_ns + HELLO_INTERVAL_MS * MS:
            self._say_hello(now_ns)
        else:
            self.state = State.PAUSING

    def _end(self, refused: Refused | None) -> list[Happening]:
        self.state = State.ENDED
        self._control_out.clear()
        return [Ended(refused)]

    def _control(self, item: Heartbeat | Logout | Query, number: int) -> bytes:
        return encode_message(self.session, number, 0, [item])

    def _control_id(self) -> int:
        number = self._next_control_id
        self._next_control_id = number + 1
        return number

    def _silent_ns(self) -> int:
        assert self.welcome is not None, "a live session was welcomed"
        return self._heard_ns + HEARTBEATS_MISSED * self.welcome.heartbeat_ms * MS

    def _heartbeat_ns(self) -> int:
        assert self.welcome is not None, "a live session was welcomed"
        return self._sent_ns + self.welcome.lease_ms * MS // 3
