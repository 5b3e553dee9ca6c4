"""An engine and a network in memory: the real matcher, the real codec, simulated time, and frames that get lost.

`SimulatedEngine` is the other side of the orders socket and the recovery socket, and the source of the feed, as the
protocol's pages say, in the simplest way: everything is durable at once. It can be started again (`restart`): a new
epoch, no connection known, nothing of the rings kept unless asked; or with the last commands forgotten, as after a
loss of power under `sync = "os"`.

`Pipe` is one direction of a connection. In order, like TCP, until told otherwise: `drop`, `repeat`, `swap`.
"""

import random
from collections import deque
from collections.abc import Iterable
from typing import Any

import msgspec
from msgspec.structs import astuple

from bus.protocol import reasons
from bus.protocol.codec import (
    CommandMessage,
    decode_client_message,
    decode_recovery_message,
    encode_envelope,
    encode_frame,
)
from bus.protocol.commands import DefineInstrument, EnterOrder
from bus.protocol.control import (
    EngineHeartbeat,
    Heartbeat,
    Hello,
    Instruments,
    InstrumentState,
    LoggedOut,
    Logout,
    OpenOrder,
    OpenOrders,
    PhaseState,
    QueryInstruments,
    QueryOrders,
    Refused,
    Resumed,
    Welcome,
)
from bus.protocol.feed import FEED_HEARTBEAT, STREAM_HEARTBEAT
from bus.protocol.records import (
    SEMANTICS_VERSION,
    EngineStarted,
    Rules,
    SessionEnded,
    SessionOpened,
    TimeTicked,
)
from bus.protocol.recovery import BookSnapshot, NotKept, Replay, Replayed, Snapshot
from bus.protocol.reports import Accepted
from bus.protocol.terms import BUY, CLOCK_SYSTEM, L2, SELL
from bus.protocol.topics import CLOCK, DROP, HEARTBEAT, parse, topic
from matcher.book.level import Order
from matcher.engine import Engine
from matcher.ledger.request import Request
from matcher.views import instrument_state, phase_state

#: The fields of an Accepted that every one has.
PLAIN_ACCEPTED_FIELDS = 13

MS = 1_000_000

#: About how many events one answer of the recovery socket holds: few, so that long answers are cut.
EVENTS_REPLAYED_MAX = 20

#: The instrument that stories are told with: a tick of 0.01 USD, a lot of 0.001 BTC.
BTC_USD = DefineInstrument("BTC-USD", "BTC", "USD", 1, 2, 1, 3, 1, 10_000_000, 1, 1_000_000)


class Pipe:
    """One direction of a connection, with a mind of its own."""

    def __init__(self) -> None:
        self.messages: deque[Any] = deque()

    def put(self, message: Any) -> None:
        self.messages.append(message)

    def take(self) -> list[Any]:
        taken = list(self.messages)
        self.messages.clear()
        return taken

    def shake(self, chance: random.Random, *, drop: float = 0, repeat: float = 0, swap: float = 0) -> None:
        """Lose, repeat and swap what is under way, each message with these chances."""
        shaken: list[Any] = []
        for message in self.messages:
            if chance.random() < drop:
                continue
            shaken.append(message)
            if chance.random() < repeat:
                shaken.insert(chance.randrange(len(shaken) + 1), message)
        for place in range(len(shaken) - 1):
            if chance.random() < swap:
                shaken[place], shaken[place + 1] = shaken[place + 1], shaken[place]
        self.messages = deque(shaken)


class SimulatedEngine:
    """See above. Connections are any hashable names; `sent` and `published` hold what left and was not taken yet."""

    def __init__(
        self,
        *,
        heartbeat_ms: int = 1000,
        lease_ms: int = 10_000,
        report_ring_max: int = 10_000,
        feed_ring_max: int = 10_000,
        commands_per_message_max: int = 1024,
        message_bytes_max: int = 65_536,
        clock: int = CLOCK_SYSTEM,
        time_ns: int = 1_000_000_000,
    ) -> None:
        self.heartbeat_ms = heartbeat_ms
        self.lease_ms = lease_ms
        self.report_ring_max = report_ring_max
        self.feed_ring_max = feed_ring_max
        self.commands_per_message_max = commands_per_message_max
        self.message_bytes_max = message_bytes_max
        self.clock = clock
        self.busy = False  # refuses commands with queue_full
        self.log: list[tuple[Any, ...]] = []
        self.sent: deque[tuple[object, bytes]] = deque()
        self.published: deque[tuple[str, bytes]] = deque()
        self.dropped_copies: deque[tuple[str, bytes]] = deque()
        self.reports: dict[str, list[tuple[Any, ...]]] = {}  # every report of an account, from number 1
        self.events: dict[str, list[tuple[Any, ...]]] = {}  # every event of a topic, from number 1
        self.drops: list[tuple[str, int, tuple[Any, ...]]] = []
        self.frames: dict[str, list[tuple[int, int, bytes]]] = {}  # of a topic: first number, count, frame
        self.epoch = 0
        self.time_ns = time_ns
        self._begin()

    def _begin(self) -> None:
        self.engine = Engine()
        self.reports, self.events, self.drops, self.frames = {}, {}, [], {}
        self.routes: dict[int, object] = {}  # session -> connection
        self.accounts: dict[int, str] = {}  # session -> account, of those with a route
        log, self.log = self.log, []
        for time_ns, what, *entry in log:
            self._apply(time_ns, what, *entry)
        self.published.clear()
        self.dropped_copies.clear()
        # What the ring of each stream starts with: nothing older than the ring is long, see `restart`.
        self.feed_floor: dict[str, int] = {}
        self.epoch += 1
        rules = Rules(100_000, 100_000, 100)
        self._do("record", EngineStarted(self.epoch, SEMANTICS_VERSION, self.clock, rules))

    def restart(self, *, forget: int = 0, keep_rings: bool = True) -> None:
        """The engine stops and starts again, without the last `forget` entries of its log."""
        started = 1 + max(i for i, entry in enumerate(self.log) if isinstance(entry[2], EngineStarted))
        if forget:
            del self.log[max(started, len(self.log) - forget) :]
        self._begin()
        if not keep_rings:
            self.feed_floor = {name: len(events) + 1 for name, events in self.events.items()}

    # What happens in the log.

    def _do(self, what: str, *entry: Any) -> None:
        self.time_ns += 1000
        self._apply(self.time_ns, what, *entry)

    def _apply(self, time_ns: int, what: str, *entry: Any) -> None:
        self.log.append((time_ns, what, *entry))
        if what == "record":
            self.engine.apply_record(entry[0], time_ns)
        else:
            session, correlation_id, created_ns, items = entry
            self.engine.apply_message(session, correlation_id, created_ns, items, time_ns)
        self.time_ns = max(self.time_ns, self.engine.state.time_ns)
        self._give_out()

    def _give_out(self) -> None:
        state = self.engine.state
        private, public = self.engine.take_outputs()
        groups = []
        for account, first, events in private:
            kept = self.reports.setdefault(account, [])
            assert first == len(kept) + 1
            kept.extend(events)
            groups.append((account, first, events))
            for session, route in self.routes.items():
                if self.accounts[session] == account:
                    self._send(route, session, events, first)
        if groups:
            first = len(self.drops) + 1
            self.drops.extend(
                (account, start + i, event)
                for account, start, events in groups
                for i, event in enumerate(events)
            )
            count = len(self.drops) + 1 - first
            frame = encode_frame(self.engine.epoch, first, count, state.sequence, state.time_ns, groups)
            self.frames.setdefault(DROP, []).append((first, count, frame))
            self.dropped_copies.append((DROP, frame))
        for name, first, events in public:
            kept = self.events.setdefault(name, [])
            assert first == len(kept) + 1
            kept.extend(events)
            symbol = parse(name)[1]
            numbers = self.engine.numbers(symbol) if symbol else ()
            frame = encode_frame(
                self.engine.epoch, first, len(events), state.sequence, state.time_ns, events, numbers
            )
            self.frames.setdefault(name, []).append((first, len(events), frame))
            self.published.append((name, frame))

    def tick(self) -> None:
        """An idle second passes."""
        self.time_ns += 1000 * MS
        self._do("record", TimeTicked())

    def end_session(self, session: int) -> None:
        """A lease runs out."""
        self._do("record", SessionEnded(session))
        self.routes.pop(session, None)

    def command(self, session: int, *items: Any) -> None:
        """Commands of a session, without a network between."""
        self._do("message", session, 0, self.time_ns, list(items))

    def open_session(self, account: str, role: int = 1, cancel_on_disconnect: bool = False) -> int:
        """A session of somebody who is not the one that the test is about."""
        session = self.engine.state.next_session
        self._do("record", SessionOpened(session, account, role, self.lease_ms, cancel_on_disconnect))
        return session

    # The orders socket.

    def receive(self, connection: object, payload: bytes) -> None:
        """A message of a client."""
        message = decode_client_message(payload)
        if isinstance(message, CommandMessage):
            count = len(message.items)
            assert count <= self.commands_per_message_max
            assert len(payload) <= self.message_bytes_max or count == 1
            if self._stranger(connection, message.session, message.correlation_id, count):
                return
            if self.busy:
                refused = Refused(message.correlation_id, count, reasons.QUEUE_FULL, "busy")
                self._send(connection, message.session, [refused])
                return
            self._do("message", message.session, message.correlation_id, message.created_ns, message.items)
            return
        for index, item in enumerate(message.items):
            number = message.correlation_id + index
            if isinstance(item, Hello):
                assert len(message.items) == 1
                assert message.session == 0
                self._hello(connection, number, item)
            elif not self._stranger(connection, message.session, number, 1):
                self._control(connection, message.session, number, item)

    def _stranger(self, connection: object, session: int, correlation_id: int, count: int) -> bool:
        if self.routes.get(session) == connection:
            return False
        reason = reasons.NOT_YOUR_SESSION if session else reasons.HELLO_FIRST
        self._send(connection, session, [Refused(correlation_id, count, reason, "stranger")])
        return True

    def _hello(self, connection: object, number: int, hello: Hello) -> None:
        state = self.engine.state
        if hello.account == "nobody":
            self._send(connection, 0, [Refused(number, 1, reasons.INVALID_ACCOUNT, "nobody is nobody")])
            return
        if hello.session:
            known = state.sessions.get(hello.session)
            mine = known is not None and known.account.name == hello.account
            if not mine or hello.session_key != f"key {hello.session}":
                self._send(connection, 0, [Refused(number, 1, reasons.NOT_YOUR_SESSION, "not yours")])
                return
            session = hello.session
        else:
            session = self.open_session(hello.account, hello.role, hello.cancel_on_disconnect)
        self.routes[session] = connection
        self.accounts[session] = hello.account
        reports = self.reports.get(hello.account, [])
        following = len(reports) + 1
        oldest = max(1, following - self.report_ring_max)
        welcome = Welcome(
            number,
            session,
            f"key {session}",
            hello.account,
            hello.role,
            self.clock,
            following,
            oldest,
            hello.lease_ms or self.lease_ms,
            self.heartbeat_ms,
            self.message_bytes_max,
            self.commands_per_message_max,
        )
        self._send(connection, session, [welcome])
        if hello.resume_from:
            first = min(max(hello.resume_from, oldest), following)
            self._send(connection, session, [Resumed(number, first, following)])
            for start in range(first, following, 3):
                self._send(connection, session, reports[start - 1 : min(start + 2, following - 1)], start)
        if hello.want_orders:
            self._control(connection, session, number, QueryOrders())

    def _control(self, connection: object, session: int, number: int, item: Any) -> None:
        state = self.engine.state
        account = state.sessions[session].account
        if isinstance(item, Heartbeat):
            self._send(connection, session, [EngineHeartbeat(number, account.next_report)])
        elif isinstance(item, QueryOrders):
            orders = [_open_order(order) for order in account.open.values()]
            self._send(connection, session, [OpenOrders(number, account.next_report, orders)])
        elif isinstance(item, QueryInstruments):
            self._send(connection, session, [self._instruments(number)])
        else:
            assert isinstance(item, Logout)
            self.end_session(session)
            self._send(connection, session, [LoggedOut(number)])

    def _instruments(self, number: int) -> Instruments:
        instruments = self.engine.state.instruments.values()
        return Instruments(
            number, [msgspec.convert(instrument_state(i), InstrumentState) for i in instruments]
        )

    def heartbeats(self) -> None:
        """To each session, and on the feed."""
        state = self.engine.state
        for session, route in list(self.routes.items()):
            account = state.sessions[session].account
            self._send(route, session, [EngineHeartbeat(0, account.next_report)])
        for symbol, i in state.instruments.items():
            numbers = (i.trade_number, i.level_number, i.order_number, i.status_number)
            self._publish_heartbeat(f"{symbol}.", (FEED_HEARTBEAT, *numbers, i.book.checksum()))
        self._publish_heartbeat(CLOCK, (STREAM_HEARTBEAT, len(self.events.get(CLOCK, []))))
        beat = (STREAM_HEARTBEAT, len(self.drops))
        frame = encode_frame(self.epoch, 0, 1, state.sequence, state.time_ns, [beat])
        self.dropped_copies.append((f"{HEARTBEAT}.{DROP}", frame))

    def _publish_heartbeat(self, of: str, event: tuple[int, ...]) -> None:
        state = self.engine.state
        frame = encode_frame(self.epoch, 0, 1, state.sequence, state.time_ns, [event])
        self.published.append((f"{HEARTBEAT}.{of}", frame))

    def _send(self, connection: object, session: int, items: Any, first_report: int = 0) -> None:
        state = self.engine.state
        payload = encode_envelope(session, self.epoch, first_report, state.sequence, state.time_ns, items)
        self.sent.append((connection, payload))

    # The recovery socket.

    def recover(self, payload: bytes) -> list[bytes]:
        """The answers to a reader's message."""
        message = decode_recovery_message(payload)
        state = self.engine.state
        answers: list[Any] = []
        for index, item in enumerate(message.items):
            number = message.correlation_id + index
            if isinstance(item, Replay):
                answers.append(self._replay(number, item))
            elif isinstance(item, Snapshot):
                answers.append(self._snapshot(number, item))
            else:
                answers.append(self._instruments(number))
        return [
            encode_envelope(0, self.epoch, 0, state.sequence, state.time_ns, [answer]) for answer in answers
        ]

    def _replay(self, number: int, item: Replay) -> Any:
        events: list[Any] = [*self.drops] if item.topic == DROP else [*self.events.get(item.topic, [])]
        if not events:
            return Refused(number, 1, reasons.NOT_OFFERED, "nothing there")
        oldest = max(1, len(events) + 1 - self.feed_ring_max, self.feed_floor.get(item.topic, 1))
        if not oldest <= item.first_number <= len(events):
            return NotKept(number, item.topic, oldest, len(events) + 1)
        return Replayed(number, item.topic, frames_to_replay(self.frames[item.topic], item))

    def _snapshot(self, number: int, item: Snapshot) -> Any:
        instrument = self.engine.state.instruments.get(item.symbol)
        if instrument is None:
            return Refused(number, 1, reasons.NOT_OFFERED, "no such symbol")
        book = instrument.book
        rows = book.levels if item.kind == L2 else book.orders
        return BookSnapshot(
            number,
            item.symbol,
            item.kind,
            self.engine.state.sequence,
            self.engine.state.time_ns,
            instrument.trade_number,
            instrument.level_number,
            instrument.order_number,
            instrument.status_number,
            instrument.phase,
            instrument.last_price_ticks,
            book.checksum(),
            rows(BUY),
            rows(SELL),
            PhaseState(*phase_state(instrument)),
        )


def frames_to_replay(frames: Iterable[tuple[int, int, bytes]], item: Replay) -> list[bytes]:
    """What answers a request, of `(first number, count, frame)` of its topic."""
    wanted: list[bytes] = []
    for first, count, frame in frames:
        if first + count > item.first_number:
            if first > item.last_number or first >= item.first_number + EVENTS_REPLAYED_MAX:
                break
            wanted.append(frame)
    return wanted


def _open_order(order: Request) -> OpenOrder:
    assert isinstance(order, Order)
    entered = EnterOrder(
        order.request_id, order.symbol, order.side, order.entered_quantity_lots, order.entered_price_ticks
    )
    return OpenOrder(order.sequence, entered, order.price_ticks, order.quantity_lots, order.filled_lots)


def topics_of(symbol: str) -> list[str]:
    """The numbered topics of a symbol."""
    return [topic(kind, symbol) for kind in ("trade", "level", "order", "status")]


def as_tuple(told: Any) -> tuple[Any, ...]:
    """A report or event as the matcher makes it: Accepted of an order without instructions ends with its quantity."""
    fields = astuple(told)
    if isinstance(told, Accepted) and not any(fields[PLAIN_ACCEPTED_FIELDS:]):
        fields = fields[:PLAIN_ACCEPTED_FIELDS]
    return (type(told).__struct_config__.tag, *fields)
