"""The other side of a node's sockets, by hand: raw sockets that speak the protocol through the codec and nothing else.

A Party is one DEALER with one session (more by `hello` again). It keeps every report of its account by number, and
fails as soon as a number comes twice with another report.
"""

import itertools
import time
from collections.abc import Callable, Iterator
from types import TracebackType
from typing import Any

import zmq

from bus.addresses import Addresses
from bus.protocol.codec import (
    DropFrame,
    Envelope,
    Frame,
    decode_drop_frame,
    decode_envelope,
    decode_frame,
    decode_recovery_envelope,
    encode_message,
)
from bus.protocol.commands import DefineInstrument, EnterOrder
from bus.protocol.control import Hello, Refused, Welcome
from bus.protocol.reasons import QUEUE_FULL
from bus.protocol.terms import BUY, OPERATOR, SELL
from tests.support.running_node import TOKEN, WAIT_S_MAX

#: A tick of 0.01 USD, a lot of 0.001 BTC; at most 10,000 lots and 1,000,000 ticks.
BTC_USD = DefineInstrument("BTC-USD", "BTC", "USD", 1, 2, 1, 3, 1, 1_000_000, 1, 10_000)
WAIT_MS_MAX = int(WAIT_S_MAX * 1000)
#: How long a test looks for what must not come. Too short can only hide a failure, never make one.
QUIET_MS = 150

Topic = str

#: One count for all parties: who takes a session back does not use a number again.
_CORRELATION_IDS = itertools.count(1)


class Party:
    """A client. `account` is the one of the last Hello."""

    def __init__(self, orders: str, *, receive_high_water_mark: int = 0, routing_id: bytes = b"") -> None:
        self._context: zmq.Context[zmq.Socket[bytes]] = zmq.Context()
        self.socket = self._context.socket(zmq.DEALER)
        self.socket.setsockopt(zmq.LINGER, 0)
        self.socket.setsockopt(zmq.SNDHWM, 0)
        self.socket.setsockopt(zmq.RCVHWM, receive_high_water_mark)
        self.socket.setsockopt(zmq.RCVTIMEO, WAIT_MS_MAX)
        if routing_id:
            self.socket.setsockopt(zmq.ROUTING_ID, routing_id)
        self.socket.connect(orders)
        self.welcome: Welcome
        self.session = 0
        self.reports: dict[int, Any] = {}
        self._first_reports: dict[tuple[int, int], Any] = {}  # by session and correlation id
        self.answers: dict[int, Any] = {}  # the first to each correlation id
        self.log_sequence = 0

    def __enter__(self) -> "Party":
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        """The connection is lost."""
        self._context.destroy(linger=0)

    def hello(self, account: str, **fields: Any) -> Welcome:
        """Open a session, or take one back with `session` and `session_key`; wait for the Welcome."""
        number = self.say_hello(account, **fields)
        answer = self.answer(number)
        assert isinstance(answer, Welcome), answer
        self.welcome = answer
        self.session = answer.session
        return answer

    def say_hello(self, account: str, **fields: Any) -> int:
        """A Hello, without waiting; its correlation id."""
        return self.send(Hello(account, **fields), session=0)

    def again(self, **fields: Any) -> Hello:
        """The Hello that takes this party's session back."""
        w = self.welcome
        return Hello(w.account, w.role, session=w.session, session_key=w.session_key, **fields)

    def send(self, *items: Any, session: int | None = None, created_ns: int | None = None) -> int:
        """One message; its correlation id. Item i answers to that plus i."""
        number = next(_CORRELATION_IDS)
        for _ in items[1:]:
            next(_CORRELATION_IDS)
        self.socket.send(self.encode(number, *items, session=session, created_ns=created_ns))
        return number

    def encode(
        self, number: int, *items: Any, session: int | None = None, created_ns: int | None = None
    ) -> bytes:
        """The bytes of a message."""
        of = self.session if session is None else session
        return encode_message(of, number, time.time_ns() if created_ns is None else created_ns, items)

    def receive(self, wait_ms: int = WAIT_MS_MAX) -> Envelope | None:
        """The next message, None when none comes in time. Reports are kept."""
        if not self.socket.poll(wait_ms):
            return None
        envelope = decode_envelope(self.socket.recv())
        if envelope.first_report:
            report: Any
            for number, report in enumerate(envelope.items, envelope.first_report):
                assert self.reports.setdefault(number, report) == report, f"report {number} has changed"
                self._first_reports.setdefault((report.session, report.correlation_id), report)
        else:
            for item in envelope.items:
                first: int = getattr(item, "correlation_id", 0)
                for number in range(first, first + (item.count if isinstance(item, Refused) else 1)):
                    self.answers.setdefault(number, item)
        self.log_sequence = max(self.log_sequence, envelope.log_sequence)
        return envelope

    def until(self, wanted: Callable[[Envelope], Any]) -> Any:
        """Receive until `wanted` gives something for a message: that."""
        deadline = time.monotonic() + WAIT_S_MAX
        while True:
            envelope = self.receive()
            assert envelope is not None, "no message came"
            if found := wanted(envelope):
                return found
            assert time.monotonic() < deadline, "messages came, but not the one that was waited for"

    def answer(self, number: int) -> Any:
        """The first report or answer to a correlation id, waited for. It may have come before others."""
        deadline = time.monotonic() + WAIT_S_MAX
        while True:
            if (self.session, number) in self._first_reports:
                return self._first_reports[self.session, number]
            if number in self.answers:
                return self.answers[number]
            assert time.monotonic() < deadline, "messages came, but not the one that was waited for"
            assert self.receive() is not None, "no message came"

    def ask(self, *items: Any, **how: Any) -> Any:
        """Send, and the answer to the first item."""
        return self.answer(self.send(*items, **how))

    def expect_quiet(self) -> None:
        """Nothing comes."""
        envelope = self.receive(QUIET_MS)
        assert envelope is None, envelope

    def assert_dense(self) -> None:
        """The reports that came have numbers without a gap, up to the newest."""
        numbers = sorted(self.reports)
        assert numbers == list(range(numbers[0], numbers[0] + len(numbers))) if numbers else True


class Reader:
    """A subscriber; by default of everything. Frames by topic, as they came."""

    def __init__(self, feed: str, *topics: str, receive_high_water_mark: int = 0) -> None:
        self._context: zmq.Context[zmq.Socket[bytes]] = zmq.Context()
        self.socket = self._context.socket(zmq.SUB)
        self.socket.setsockopt(zmq.RCVHWM, receive_high_water_mark)
        for topic in topics or ("",):
            self.socket.subscribe(topic)
        self.socket.connect(feed)

    def __enter__(self) -> "Reader":
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._context.destroy(linger=0)

    def receive(self, wait_ms: int = WAIT_MS_MAX) -> tuple[Topic, Frame | DropFrame] | None:
        """The next frame with its topic, None when none comes in time."""
        if not self.socket.poll(wait_ms):
            return None
        topic, payload = self.socket.recv_multipart()
        name = topic.decode()
        return name, decode_drop_frame(payload) if name == "drop." else decode_frame(payload)

    def ready(self) -> "Reader":
        """Wait for a heartbeat: the subscription is in force."""
        self.until(lambda name, _: name.startswith("heartbeat."))
        return self

    def until(self, wanted: Callable[[Topic, Any], bool]) -> list[tuple[Topic, Any]]:
        """All frames up to the first that is wanted, it included."""
        deadline = time.monotonic() + WAIT_S_MAX
        frames = []
        while True:
            got = self.receive()
            assert got is not None, "no frame came"
            frames.append(got)
            if wanted(*got):
                return frames
            assert time.monotonic() < deadline, "frames came, but not the one that was waited for"

    def up_to(self, log_sequence: int) -> list[tuple[Topic, Any]]:
        """All frames up to the first heartbeat that knows of this log sequence: all numbered ones before it came."""
        return self.until(
            lambda name, frame: name.startswith("heartbeat.") and frame.log_sequence >= log_sequence
        )

    def expect_quiet(self) -> None:
        """Nothing comes."""
        got = self.receive(QUIET_MS)
        assert got is None, got


class Asker:
    """A client of the recovery socket."""

    def __init__(self, recovery: str) -> None:
        self._context: zmq.Context[zmq.Socket[bytes]] = zmq.Context()
        self.socket = self._context.socket(zmq.DEALER)
        self.socket.connect(recovery)

    def __enter__(self) -> "Asker":
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._context.destroy(linger=0)

    def send(self, *items: Any) -> int:
        """One message of requests; its correlation id."""
        number = next(_CORRELATION_IDS)
        for _ in items[1:]:
            next(_CORRELATION_IDS)
        self.socket.send(encode_message(0, number, 0, items))
        return number

    def receive(self, wait_ms: int = WAIT_MS_MAX) -> Any:
        """The next answer, None when none comes in time."""
        if not self.socket.poll(wait_ms):
            return None
        envelope = decode_recovery_envelope(self.socket.recv())
        assert len(envelope.items) == 1
        return envelope.items[0]

    def ask(self, *items: Any) -> Any:
        """Send, and the answer to the first item."""
        number = self.send(*items)
        answer = self.receive()
        assert answer is not None, "no answer came"
        assert answer.correlation_id == number
        return answer

    def ask_patiently(self, item: Any) -> Any:
        """The answer to a request, which is sent again as long as the other side is busy."""
        deadline = time.monotonic() + WAIT_S_MAX
        while True:
            answer = self.ask(item)
            if not isinstance(answer, Refused) or answer.reason != QUEUE_FULL:
                return answer
            assert time.monotonic() < deadline, f"it is still busy: {answer}"

    def expect_quiet(self) -> None:
        """Nothing comes."""
        answer = self.receive(QUIET_MS)
        assert answer is None, answer


def open_market(addresses: Addresses, instrument: DefineInstrument = BTC_USD) -> None:
    """An operator defines the instrument, and stays as a session that soon ends."""
    with Party(addresses.orders) as operator:
        operator.hello("ops", role=OPERATOR, token=TOKEN)
        answer = operator.ask(instrument)
        assert type(answer).__name__ == "Completed", answer


def buy(client_order_id: str, price_ticks: int = 100, quantity_lots: int = 1, **fields: Any) -> EnterOrder:
    """A limit order to buy."""
    return EnterOrder(client_order_id, "BTC-USD", BUY, quantity_lots, price_ticks, **fields)


def sell(client_order_id: str, price_ticks: int = 100, quantity_lots: int = 1, **fields: Any) -> EnterOrder:
    """A limit order to sell."""
    return EnterOrder(client_order_id, "BTC-USD", SELL, quantity_lots, price_ticks, **fields)


def numbered(frames: list[tuple[Topic, Any]]) -> Iterator[tuple[Topic, int, int]]:
    """`(topic, first number, count)` of those frames that are numbered."""
    for name, frame in frames:
        if not name.startswith("heartbeat."):
            yield name, frame.first_number, frame.count


def assert_continuous(
    frames: list[tuple[Topic, Any]], following: dict[Topic, int] | None = None
) -> dict[Topic, int]:
    """Each topic's numbers follow each other; the next number of each. `following`: what must come next, if known."""
    known = dict(following or {})
    for name, first, count in numbered(frames):
        assert known.setdefault(name, first) == first, f"{name} goes on with {first}, not {known[name]}"
        known[name] = first + count
    return known
