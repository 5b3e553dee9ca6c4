"""One session and one subscription on one thread: what a replay needs of an engine, and no more.

The session is the core of the clients (`bus.sockets.session.client_core`); this file owns its DEALER, a SUB and nothing
else.
Events of the feed are given once and in order, see `continuity`.
"""

import time
from collections.abc import Sequence
from types import TracebackType
from typing import Final

import zmq

from bus.addresses import Addresses
from bus.errors import NotConnected, SessionRefused
from bus.protocol.codec import decode_frame
from bus.protocol.commands import Command
from bus.protocol.control import Hello, Instruments, InstrumentState, QueryInstruments
from bus.protocol.feed import Event
from bus.protocol.reasons import reason_name
from bus.protocol.topics import HEARTBEAT, LEVEL, TRADE, topic
from bus.sockets.session.client_core import ClientCore, State
from bus.sockets.session.dealer import open_dealer
from bus.sockets.session.happenings import Answered, Ended, Happening
from tools.replay.continuity import Continuity

#: A local engine answers a Hello within milliseconds; a slow disk takes a second.
OPEN_TIMEOUT_S: Final = 10
#: The longest that a call of `poll` waits inside here; any message ends it sooner.
_POLL_MS: Final = 100
_NS_PER_S: Final = 1_000_000_000


class Connection:
    """Use as a context manager; `open` first."""

    def __init__(self, addresses: Addresses, hello: Hello, open_timeout_s: float = OPEN_TIMEOUT_S) -> None:
        self.addresses = addresses
        self.core = ClientCore(hello)
        #: Of the feed that was subscribed.
        self.continuity: Continuity | None = None
        self._open_timeout_s = open_timeout_s
        self._open_ns = time.monotonic_ns()
        self._context = zmq.Context()
        self._dealer: zmq.Socket[bytes] | None = None
        self._feed = self._context.socket(zmq.SUB)
        self._feed.rcvhwm = 0  # what waits here is what the engine just made of our own commands
        self._poller = zmq.Poller()
        self._poller.register(self._feed, zmq.POLLIN)

    def __enter__(self) -> "Connection":
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._context.destroy(linger=0)

    def open(self) -> None:
        """Wait for the Welcome. `NotConnected` when nobody answers, `SessionRefused` when the engine says no."""
        while self.core.state is not State.OPEN:
            self.poll(_POLL_MS)

    def leave(self) -> None:
        """End the session; its orders stay."""
        self.core.logout()
        while self.core.state is not State.ENDED:
            self.poll(_POLL_MS)

    def instruments(self) -> list[InstrumentState]:
        """All instruments of the engine."""
        number = self.core.query(QueryInstruments())
        while True:
            for happening in self.poll(_POLL_MS)[0]:
                if isinstance(happening, Answered) and happening.correlation_id == number:
                    assert isinstance(happening.answer, Instruments), "what was asked for"
                    return happening.answer.instruments

    def subscribe(self, symbol: str) -> Continuity:
        """Trades and levels of a symbol, and wait until they are sure to come."""
        self.continuity = Continuity(symbol)
        self._feed.connect(self.addresses.feed)
        # The heartbeat last: when one comes, the subscriptions before it are in force.
        for kind in (TRADE, LEVEL, HEARTBEAT):
            self._feed.subscribe(topic(kind, symbol))
        while not self.continuity.sequence:
            self.poll(_POLL_MS)
        return self.continuity

    def send(self, commands: Sequence[Command]) -> None:
        """Commands, on their way when this returns (or when a lost connection is back)."""
        if commands:
            self.core.add(commands)
            self._send()

    def poll(self, timeout_ms: int) -> tuple[list[Happening], list[Event]]:
        """What has come, after at most so long; keeps the session alive, and takes it back when it is lost.

        Raises `NotConnected` when that does not succeed in time.
        """
        if self.core.wants_connection:
            self._connect()
        self._send()
        happenings: list[Happening] = []
        events: list[Event] = []
        for socket, _ in self._poller.poll(timeout_ms):
            if socket is self._feed:
                self._receive_feed(events)
            else:
                self._receive(happenings)
        now_ns = time.monotonic_ns()
        self.core.tick(now_ns)
        self._send()
        for happening in happenings:
            if isinstance(happening, Ended) and happening.refused is not None:
                reason = happening.refused.reason
                raise SessionRefused(
                    f"the engine refuses the session: {reason_name(reason)}: {happening.refused.text}", reason
                )
        if self.core.state is State.OPEN:
            self._open_ns = now_ns
        elif now_ns > self._open_ns + int(self._open_timeout_s * _NS_PER_S):
            raise NotConnected(f"{self.addresses.orders}: no engine answered in {self._open_timeout_s:g} s")
        return happenings, events

    def _connect(self) -> None:
        if self._dealer is not None:
            self._poller.unregister(self._dealer)
            self._dealer.close(linger=0)
        self._dealer = open_dealer(self._context, self.addresses.orders)
        self._poller.register(self._dealer, zmq.POLLIN)
        self.core.connected(time.monotonic_ns())

    def _send(self) -> None:
        if self._dealer is not None and self.core.has_outgoing:
            for message in self.core.outgoing(time.monotonic_ns(), time.time_ns()):
                self._dealer.send(message)

    def _receive(self, happenings: list[Happening]) -> None:
        assert self._dealer is not None, "it was polled"
        while True:
            try:
                payload = self._dealer.recv(zmq.DONTWAIT)
            except zmq.Again:
                return
            happenings.extend(self.core.receive(payload, time.monotonic_ns()))

    def _receive_feed(self, events: list[Event]) -> None:
        assert self.continuity is not None, "it was subscribed"
        while True:
            try:
                name, payload = self._feed.recv_multipart(zmq.DONTWAIT)
            except zmq.Again:
                return
            events.extend(self.continuity.take(name.decode(), decode_frame(payload)))
