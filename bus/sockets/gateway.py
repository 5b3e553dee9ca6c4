"""The gateway: who may say what on the orders socket.

Commands of a permitted session go to the sequencer. Everything else is answered here: a refusal at once, since a
client that hears Busy must hear it now, and what tells of state behind the batch of this drain. What is refused here
(band 1xx) was not logged and changed nothing. Bad input is always answered, never with silence and never with a crash.
"""

from typing import Final

from bus.config import Limits
from bus.core import Core
from bus.protocol import reasons
from bus.protocol.codec import (
    CommandMessage,
    ControlMessage,
    Malformed,
    MalformedMessage,
    PartialCommandMessage,
    decode_client_message,
    encode_envelope,
)
from bus.protocol.commands import CancelAllAfter, CancelOrder, MassCancel
from bus.protocol.control import (
    BALANCES,
    FEES,
    INSTRUMENTS,
    OPEN_ORDERS,
    SAFEGUARDS,
    ClientControl,
    EngineHeartbeat,
    Heartbeat,
    Hello,
    LoggedOut,
    Logout,
    QueryBalances,
    QueryFees,
    QueryInstruments,
    QueryOrders,
    QuerySafeguards,
    QuerySchedule,
    Refused,
    Resumed,
    Welcome,
)
from bus.protocol.records import SessionEnded, SessionOpened
from bus.protocol.terms import OPERATOR, ROLES, TRADER
from bus.protocol.topics import ACCOUNT
from bus.sequencer import Sequencer
from bus.sessions import LEASE_MS_MAX, LEASE_MS_MIN, Seat, Sessions, lease_of, same_secret, session_key
from bus.sockets.outbound import Departure, Outbound
from bus.sockets.publication import Publication
from bus.sockets.schedules import schedule_answer, unknown_zone

#: libzmq makes routing ids of five bytes, the first of them 0. A client that sets its own without thought has another;
#: one that imitates this shape on purpose can only be told apart by its key, under CURVE.
_ROUTE_BYTES: Final = 5

_ASK_AGAIN: Final = "many ask for much at the moment; ask again"

#: How many accounts there may be. Each one that a Hello names is kept for good, about a KiB.
ACCOUNTS_MAX = 1_000_000  # not Final: a compiled one could not be made small by a test

#: How many questions whose answer may be large (open orders, instruments, a Hello that wants old reports) one drain
#: takes; the rest are told to ask again. A question of 20 bytes may have an answer of megabytes.
LARGE_ANSWERS_MAX: Final = 16

#: What is to be answered once this drain's batch is applied, and on which connection it was asked.
Question = tuple[Seat, bytes, int, ClientControl]


class Gateway:
    """Takes messages of a drain one by one, then gives the answers. `now_ns` is set by the node before each drain.

    `commands`: how many went to the sequencer; `refused`: how many items were refused here, by reason.
    """

    def __init__(
        self,
        core: Core,
        sessions: Sessions,
        sequencer: Sequencer,
        publication: Publication,
        outbound: Outbound,
        limits: Limits,
        token: str,
        heartbeat_ms: int,
    ) -> None:
        self._core = core
        self._sessions = sessions
        self._sequencer = sequencer
        self._publication = publication
        self._outbound = outbound
        self._limits = limits
        # Looked at for each message.
        self._message_bytes_max = limits.message_bytes_max
        self._commands_max = limits.commands_per_message_max
        self._room_for_all = limits.unsynced_commands_max - limits.cancel_reserve_commands
        self._token = token
        self._heartbeat_ms = heartbeat_ms
        self._opened = 0  # sessions that this drain opens; the core does not know them yet
        self._questions: list[Question] = []
        self._large_answers = 0  # that this drain asks for
        self._refusals: list[tuple[bytes, bytes]] = []
        self.now_ns = 0
        self.commands = 0
        self.refused: dict[int, int] = {}

    def take(self, route: bytes, payload: bytes) -> None:
        """One message of a drain."""
        if len(payload) > self._message_bytes_max:
            text = f"{len(payload)} bytes, {self._message_bytes_max} are allowed"
            self._refuse(route, 0, 0, 1, reasons.MESSAGE_TOO_LARGE, text)
            return
        try:
            message = decode_client_message(payload, self._commands_max)
        except MalformedMessage as error:
            self._refuse(route, 0, error.correlation_id, error.count, error.reason, error.text)
            return
        if isinstance(message, ControlMessage):
            self._take_control(route, message)
            return
        items = message.items
        count = len(items)
        seat = self._sessions.get(message.session)
        if seat is None or seat.route != route:
            self._refuse_stranger(route, message, count)
            return
        now_ns = self.now_ns
        seat.renew(now_ns)
        if count > self._commands_max:
            text = f"{count} commands, {self._commands_max} are allowed"
            self._refuse(route, seat.session, message.correlation_id, count, reasons.MESSAGE_TOO_LARGE, text)
            return
        waiting = self._outbound.waiting_commands + self._sequencer.count + count
        if waiting > self._room_for_all and not self._has_room_for_cancels(message, waiting):
            text = f"{self._outbound.waiting_commands} commands wait for the disk"
            self._refuse(route, seat.session, message.correlation_id, count, reasons.QUEUE_FULL, text)
            return
        if seat.role == OPERATOR and (text := unknown_zone(items)):
            self._refuse(route, seat.session, message.correlation_id, count, reasons.MALFORMED, text)
            return
        if not seat.allow(count, now_ns, self._limits.commands_per_s_max):
            text = f"{self._limits.commands_per_s_max} commands a second are allowed"
            self._refuse(route, seat.session, message.correlation_id, count, reasons.RATE_EXCEEDED, text)
            return
        if type(message) is PartialCommandMessage:
            count -= self._refuse_malformed(route, message)
        self._sequencer.add_message(message, payload, count)
        self.commands += count

    def take_extra_parts(self, route: bytes) -> None:
        """A message of more than one part; the rest of it was dropped."""
        self._refuse(route, 0, 0, 1, reasons.MALFORMED, "a message has exactly one part")

    def end(self, seat: Seat) -> None:
        """A session's lease has run out."""
        self._log_end(seat, 0)

    def answer(self, departure: Departure) -> None:
        """After this drain's batch was applied and collected: answer what was asked."""
        questions = self._questions
        if not questions:
            return
        self._questions = []
        self._opened = self._large_answers = 0
        for seat, route, correlation_id, item in questions:
            self._answer(departure, seat, route, correlation_id, item)

    def heartbeats(self, departure: Departure) -> None:
        """To each session the number of its account's next report."""
        for seat in self._sessions.all():
            if seat.route:
                self._heartbeat(departure, seat, seat.route, 0)

    @property
    def idle(self) -> bool:
        """Whether nothing waits to be answered."""
        return not self._questions

    def take_refusals(self) -> list[tuple[bytes, bytes]]:
        """`(route, bytes)` of what this drain refused. It tells of no state, so it need not wait for the disk."""
        refusals = self._refusals
        if refusals:
            self._refusals = []
        return refusals

    # What is refused.

    def _refuse(
        self, route: bytes, session: int, correlation_id: int, count: int, reason: int, text: str
    ) -> None:
        self.refused[reason] = self.refused.get(reason, 0) + count
        refused = Refused(correlation_id, count, reason, text)
        self._refusals.append((route, encode_envelope(session, self._core.epoch, 0, 0, 0, (refused,))))

    def _refuse_stranger(self, route: bytes, message: CommandMessage | ControlMessage, count: int) -> None:
        """A message under a session that is not open on this connection."""
        session = message.session
        reason = reasons.NOT_YOUR_SESSION if session else reasons.HELLO_FIRST
        self._refuse(route, session, message.correlation_id, count, reason, reasons.REASONS[reason][1])

    def _refuse_malformed(self, route: bytes, message: PartialCommandMessage) -> int:
        """Answer each malformed item of a message by its index; how many there are."""
        refused = 0
        for index, item in enumerate(message.items):
            if isinstance(item, Malformed):
                refused += 1
                correlation_id = message.correlation_id + index
                text = f"item {index}: {item.text}"
                self._refuse(route, message.session, correlation_id, 1, reasons.MALFORMED, text)
        return refused

    def _has_room_for_cancels(self, message: CommandMessage, waiting: int) -> bool:
        """Whether the part of the queue for the disk that is kept for messages of cancels alone takes this one."""
        if waiting > self._limits.unsynced_commands_max:
            return False
        return all(isinstance(item, (CancelOrder, MassCancel, CancelAllAfter)) for item in message.items)

    # Control.

    def _take_control(self, route: bytes, message: ControlMessage) -> None:
        items = message.items
        count = len(items)
        if any(isinstance(item, Hello) for item in items):
            hello = items[0]
            if count > 1 or not isinstance(hello, Hello) or message.session:
                text = "Hello stands alone in its message, with session 0"
                self._refuse(route, 0, message.correlation_id, count, reasons.MALFORMED, text)
            else:
                self._hello(route, message.correlation_id, hello)
            return
        seat = self._sessions.get(message.session)
        if seat is None or seat.route != route:
            self._refuse_stranger(route, message, count)
            return
        seat.renew(self.now_ns)
        if count > self._limits.commands_per_message_max:
            text = f"{count} items, {self._limits.commands_per_message_max} are allowed"
            self._refuse(route, seat.session, message.correlation_id, count, reasons.MESSAGE_TOO_LARGE, text)
            return
        if not seat.allow(count, self.now_ns, self._limits.commands_per_s_max):
            text = f"{self._limits.commands_per_s_max} items a second are allowed"
            self._refuse(route, seat.session, message.correlation_id, count, reasons.RATE_EXCEEDED, text)
            return
        for index, item in enumerate(items):
            if isinstance(item, Logout):
                self._log_end(seat, message.correlation_id + index)
                left = count - index - 1
                if left:
                    first = message.correlation_id + index + 1
                    reason = reasons.NOT_YOUR_SESSION
                    self._refuse(route, seat.session, first, left, reason, "the session has ended")
                return
            if not isinstance(item, Heartbeat) and not self._may_ask_for_more():
                correlation_id = message.correlation_id + index
                self._refuse(route, seat.session, correlation_id, 1, reasons.QUEUE_FULL, _ASK_AGAIN)
            else:
                self._questions.append((seat, route, message.correlation_id + index, item))

    def _hello(self, route: bytes, correlation_id: int, hello: Hello) -> None:
        reason, text = self._hello_refusal(route, hello)
        if reason:
            self._refuse(route, 0, correlation_id, 1, reason, text or reasons.REASONS[reason][1])
            return
        if (hello.resume_from or hello.want_orders) and not self._may_ask_for_more():
            self._refuse(route, 0, correlation_id, 1, reasons.QUEUE_FULL, _ASK_AGAIN)
            return
        lease_ms = lease_of(hello.lease_ms) or 0
        if hello.session:
            seat = self._sessions.get(hello.session)
            assert seat is not None, "a session that is taken back is open"
            seat.route = route
            seat.renew(self.now_ns)
        else:
            session = self._core.next_session + self._opened
            self._opened += 1
            record = SessionOpened(session, hello.account, hello.role, lease_ms, hello.cancel_on_disconnect)
            self._sequencer.add_record(record)
            seat = self._sessions.open(session, hello.account, hello.role, lease_ms, route, self.now_ns)
        # Nothing before its Welcome: that tells by a number what of this very drain is already told.
        seat.suspended = True
        self._questions.append((seat, route, correlation_id, hello))

    def _hello_refusal(self, route: bytes, hello: Hello) -> tuple[int, str]:
        """Why a Hello is not welcome, and a text if there is more to say than the reason does; (0, "") when it is."""
        if len(route) != _ROUTE_BYTES or route[0]:
            return reasons.CHOSEN_ROUTING_ID, ""
        if hello.role not in ROLES:
            return reasons.MALFORMED, f"no role {hello.role}"
        if lease_of(hello.lease_ms) is None:
            return (
                reasons.INVALID_LEASE,
                f"{hello.lease_ms} ms; {LEASE_MS_MIN} to {LEASE_MS_MAX}, or 0, are offered",
            )
        if hello.session:
            seat = self._sessions.get(hello.session)
            key = session_key(self._token, hello.session)
            mine = seat is not None and seat.account == hello.account and seat.role == hello.role
            return (0, "") if mine and same_secret(key, hello.session_key) else (reasons.NOT_YOUR_SESSION, "")
        if hello.role != TRADER and not same_secret(self._token, hello.token):
            return reasons.BAD_TOKEN, ""
        if ACCOUNT.fullmatch(hello.account) is None:
            return reasons.INVALID_ACCOUNT, ""
        if (
            not self._core.has_account(hello.account)
            and self._core.account_count() + self._opened >= ACCOUNTS_MAX
        ):
            return reasons.INVALID_ACCOUNT, f"there are {ACCOUNTS_MAX} accounts, no more are taken"
        if len(self._sessions) >= self._limits.sessions_max:
            return reasons.TOO_MANY_SESSIONS, f"{self._limits.sessions_max} sessions are open"
        return 0, ""

    def _may_ask_for_more(self) -> bool:
        """Whether this drain takes one more question whose answer may be large."""
        self._large_answers += 1
        return self._large_answers <= LARGE_ANSWERS_MAX

    def _log_end(self, seat: Seat, correlation_id: int) -> None:
        """A session is over for whatever comes from here on; its last reports still go to it."""
        self._sequencer.add_record(SessionEnded(seat.session))
        self._sessions.close(seat)
        self._questions.append((seat, seat.route, correlation_id, Logout()))

    # Answers, after the batch.

    def _answer(
        self, departure: Departure, seat: Seat, route: bytes, correlation_id: int, item: ClientControl
    ) -> None:
        core = self._core
        if isinstance(item, Heartbeat):
            self._heartbeat(departure, seat, route, correlation_id)
        elif isinstance(item, Hello):
            if route == seat.route:
                self._welcome(departure, seat, correlation_id, item)
            else:
                text = "another connection took the session back right after"
                self._send(departure, seat, route, Refused(correlation_id, 1, reasons.NOT_YOUR_SESSION, text))
        elif isinstance(item, Logout):
            self._sessions.forget(seat)
            self._send(departure, seat, route, LoggedOut(correlation_id))
        elif isinstance(item, QueryOrders):
            self._open_orders(departure, seat, route, correlation_id)
        elif isinstance(item, QueryInstruments):
            self._send(departure, seat, route, (INSTRUMENTS, correlation_id, core.instruments()))
        elif isinstance(item, QueryBalances):
            self._send(departure, seat, route, self._balances(seat, correlation_id, item))
        elif isinstance(item, QueryFees):
            self._send(departure, seat, route, self._fees(seat, correlation_id, item))
        elif isinstance(item, QuerySafeguards):
            self._send(departure, seat, route, self._safeguards(seat, correlation_id))
        else:
            assert isinstance(item, QuerySchedule), "every question has its answer"
            self._send(departure, seat, route, schedule_answer(core, correlation_id, item))

    def _welcome(self, departure: Departure, seat: Seat, correlation_id: int, hello: Hello) -> None:
        """Welcome, then what was asked for: old reports, open orders."""
        core = self._core
        route = seat.route
        ring = self._publication.report_rings.get(seat.account)
        next_report = core.next_report(seat.account)
        oldest_report = ring.oldest_number if ring is not None else next_report
        seat.suspended = False
        self._send(
            departure,
            seat,
            route,
            Welcome(
                correlation_id,
                seat.session,
                session_key(self._token, seat.session),
                seat.account,
                seat.role,
                core.clock,
                next_report,
                oldest_report,
                seat.lease_ms,
                self._heartbeat_ms,
                self._limits.message_bytes_max,
                self._limits.commands_per_message_max,
            ),
        )
        if hello.resume_from:
            first_report = min(max(hello.resume_from, oldest_report), next_report)
            self._send(departure, seat, route, Resumed(correlation_id, first_report, next_report))
            if ring is not None:
                for first, _, reports in ring.since(first_report):
                    envelope = encode_envelope(
                        seat.session, core.epoch, first, core.sequence, core.time_ns, reports
                    )
                    departure.letters.append((seat, route, envelope))
        if hello.want_orders:
            self._open_orders(departure, seat, route, correlation_id)

    def _open_orders(self, departure: Departure, seat: Seat, route: bytes, correlation_id: int) -> None:
        core = self._core
        answer = (OPEN_ORDERS, correlation_id, core.next_report(seat.account), core.open_orders(seat.account))
        self._send(departure, seat, route, answer)

    def _balances(self, seat: Seat, correlation_id: int, query: QueryBalances) -> object:
        core = self._core
        account = query.account or seat.account
        if account != seat.account and seat.role != OPERATOR:
            text = "the balances of other accounts are for operators"
            return Refused(correlation_id, 1, reasons.NOT_OFFERED, text)
        rows = core.balances(account)
        about = (core.clearing(), core.assets())
        return (BALANCES, correlation_id, account, core.next_report(account), rows, *about)

    def _fees(self, seat: Seat, correlation_id: int, query: QueryFees) -> object:
        core = self._core
        account = query.account or seat.account
        is_operator = seat.role == OPERATOR
        if account != seat.account and not is_operator:
            text = "what others pay is for operators"
            return Refused(correlation_id, 1, reasons.NOT_OFFERED, text)
        return (FEES, correlation_id, account, core.next_report(account), *core.fees(account, is_operator))

    def _safeguards(self, seat: Seat, correlation_id: int) -> object:
        if seat.role != OPERATOR:
            return Refused(correlation_id, 1, reasons.NOT_OFFERED, "safeguards are for operators")
        return (SAFEGUARDS, correlation_id, *self._core.safeguards())

    def _heartbeat(self, departure: Departure, seat: Seat, route: bytes, correlation_id: int) -> None:
        answer = EngineHeartbeat(correlation_id, self._core.next_report(seat.account))
        self._send(departure, seat, route, answer)

    def _send(self, departure: Departure, seat: Seat, route: bytes, answer: object) -> None:
        departure.letters.append((seat, route, self._letter(seat.session, answer)))

    def _letter(self, session: int, answer: object) -> bytes:
        core = self._core
        return encode_envelope(session, core.epoch, 0, core.sequence, core.time_ns, (answer,))
