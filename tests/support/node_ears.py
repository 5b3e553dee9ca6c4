"""All that a running node says, heard over its real sockets and held together: the other half of `SocketDriver`.

One DEALER carries all sessions, one SUB hears the feed, another one the drop copy. Heard is what the node's own numbers
say that it must have said: every topic's events and every account's reports, densely, none twice. What the sessions of
an account are told is compared with each other and with the drop copy.
"""

import time
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import msgspec
import zmq

from bus.protocol.codec import decode_drop_frame, decode_envelope, decode_frame
from bus.protocol.control import Refused
from bus.protocol.topics import CLOCK
from matcher.engine import Engine
from tests.support.running_node import WAIT_S_MAX, RunningNode

#: How long a heartbeat may be on its way before another one is asked for.
_AGAIN_MS = 5
#: While nothing comes: how often one looks whether the node is still there.
_LOOK_MS = 100

#: `(account or topic, event)`, the event as the engine made it.
Said = tuple[str, tuple[Any, ...]]


@dataclass(frozen=True)
class Standing:
    """Where a node stands between two of its callbacks: its log, and the last numbers of topics and accounts."""

    sequence: int
    time_ns: int
    topics: Mapping[str, int]
    accounts: Mapping[str, int]


def standing(core: Engine) -> Standing:
    """Of the node's own thread."""
    state = core.state
    topics = {CLOCK: core.clock_number()}
    for instrument in state.instruments.values():
        names = (
            instrument.trade_topic,
            instrument.level_topic,
            instrument.order_topic,
            instrument.status_topic,
        )
        topics |= dict(zip(names, core.numbers(instrument.symbol), strict=True))
    accounts = {name: core.next_report(name) - 1 for name in state.accounts}
    return Standing(core.sequence, core.time_ns, _spoken(topics), _spoken(accounts))


def _spoken(numbers: Mapping[str, int]) -> dict[str, int]:
    return {name: last for name, last in numbers.items() if last}


class NodeEars:
    """Connections to one incarnation of a node. `before`: where its log stood when they were made."""

    def __init__(self, node: RunningNode, before: Standing) -> None:
        self._node = node
        addresses = node.addresses
        self._context: zmq.Context[zmq.Socket[bytes]] = zmq.Context()
        self._orders = self._socket(zmq.DEALER, addresses.orders)
        self._feed = self._socket(zmq.SUB, addresses.feed)
        self._drop = self._socket(zmq.SUB, addresses.drop_copy)
        self._topics = dict(before.topics)
        self._accounts = dict(before.accounts)
        self._told: dict[int, list[tuple[int, Any]]] = {}  # by session: numbers and reports
        self.answers: dict[int, Any] = {}  # by correlation id
        self.refused: set[int] = set()
        for socket in (self._feed, self._drop):
            socket.subscribe(b"")
        for socket in (self._feed, self._drop):  # a heartbeat heard: the subscription is in force
            while not socket.poll(_AGAIN_MS):
                node.keep_house()

    def _socket(self, kind: int, address: str) -> "zmq.Socket[bytes]":
        socket = self._context.socket(kind)
        socket.setsockopt(zmq.LINGER, 0)
        socket.connect(address)
        return socket

    def _received(self, socket: "zmq.Socket[bytes]") -> list[bytes]:
        """The parts of the next message. AssertionError when none comes."""
        deadline = time.monotonic() + WAIT_S_MAX
        while not socket.poll(_LOOK_MS):
            assert self._node.error is None, f"the node stopped: {self._node.error}"
            assert time.monotonic() < deadline, "the node fell silent"
        return socket.recv_multipart()

    def close(self) -> None:
        """Hear nothing more."""
        self._context.destroy(linger=0)

    def say(self, payload: bytes) -> None:
        """Send a message of any session."""
        self._orders.send(payload)

    def answer(self, correlation_id: int) -> Any:
        """The answer (no report) to a correlation id, waited for. All reports that left before it are heard by then."""
        while correlation_id not in self.answers:
            (payload,) = self._received(self._orders)
            envelope = decode_envelope(payload)
            if envelope.first_report:
                told = self._told.setdefault(envelope.session, [])
                told += enumerate(envelope.items, envelope.first_report)
                continue
            for item in envelope.items:
                number: int = getattr(item, "correlation_id", 0)
                self.answers[number] = item
                if isinstance(item, Refused):
                    self.refused |= set(range(number, number + item.count))
        return self.answers[correlation_id]

    def hear_tick(self) -> list[Said]:
        """Everything on the feed up to the next tick."""
        said: list[Said] = []
        before = self._topics.get(CLOCK, 0)
        while self._topics.get(CLOCK, 0) == before:
            said += self._frame()
        return said

    def hear_out(self, now: Standing, sessions: Mapping[int, str]) -> list[Said]:
        """What was said up to `now`, private before public. `sessions`: who must have been told, with their accounts.

        AssertionError when the drop copy, the sessions and the numbers do not agree.
        """
        private: list[tuple[str, int, Any]] = []
        while any(self._accounts.get(account, 0) < last for account, last in now.accounts.items()):
            private += self._drop_frame()
        public: list[Said] = []
        while any(self._topics.get(name, 0) < last for name, last in now.topics.items()):
            public += self._frame()
        assert (self._accounts, self._topics) == (now.accounts, now.topics), "more was said than there is"
        for session, account in sessions.items():
            told = self._told.pop(session, [])
            wanted = [(number, report) for whose, number, report in private if whose == account]
            assert told == wanted, f"session {session} of {account} was told {told}, and not {wanted}"
        assert not self._told, f"reports came to sessions that are not open: {self._told}"
        return [(account, _as_made(report)) for account, _, report in private] + public

    def _frame(self) -> list[Said]:
        topic, payload = self._received(self._feed)
        name = topic.decode()
        if name.startswith("heartbeat."):
            return []
        frame = decode_frame(payload)
        self._count(self._topics, name, frame.first_number, len(frame.events))
        return [(name, _as_made(event)) for event in frame.events]

    def _drop_frame(self) -> list[tuple[str, int, Any]]:
        topic, payload = self._received(self._drop)
        if topic.startswith(b"heartbeat."):
            return []
        said = []
        for group in decode_drop_frame(payload).events:
            self._count(self._accounts, group.account, group.first_report, len(group.reports))
            said += [
                (group.account, group.first_report + i, report) for i, report in enumerate(group.reports)
            ]
        return said

    @staticmethod
    def _count(numbers: dict[str, int], name: str, first: int, count: int) -> None:
        expected = numbers.get(name, 0) + 1
        assert first == expected, f"{name} goes on with {first}, not {expected}"
        numbers[name] = first + count - 1


def _as_made(said: msgspec.Struct) -> tuple[Any, ...]:
    """A report or event of the wire in the shape in which the engine made it."""
    return (said.__struct_config__.tag, *msgspec.structs.astuple(said))
