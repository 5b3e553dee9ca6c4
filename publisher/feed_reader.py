"""The feed as the publisher reads it: a SUB, and a DEALER each to the engine's recovery service and to the shadow's.

Drained on the loop, bounded, and never asleep while a message waits: after every drain the sockets' EVENTS are asked.
Each message's items are given at once; `on_drained` follows the last one of a drain. Called by `service`.
"""

import asyncio
from collections.abc import Callable, Mapping, Sequence

import zmq

from bus.addresses import Addresses
from bus.clock import monotonic_ns
from bus.errors import MatchbusError
from bus.protocol.codec import MalformedMessage, decode_recovery_envelope, encode_message
from bus.protocol.control import Instruments, InstrumentState, QueryInstruments
from bus.sockets.reading.feed_core import FeedCore
from bus.sockets.reading.feed_items import Item
from bus.sockets.reading.reader_sockets import open_recovery, open_subscription
from bus.sockets.session.dealer import open_dealer

#: Messages of one drain: what a publisher says of them leaves behind the last, so more of them would only be later.
MESSAGES_PER_DRAIN_MAX = 32
_NOBLOCK = int(zmq.NOBLOCK)
#: How often the instruments are asked for while nobody answers.
_ASK_AGAIN_S = 1.0


class FeedReader:
    """See above. `on_items` for each message that brought something, `on_instruments` for each answer about them."""

    def __init__(
        self,
        loop: asyncio.AbstractEventLoop,
        context: "zmq.Context[zmq.Socket[bytes]]",
        engine: Addresses,
        core: FeedCore,
        *,
        on_items: Callable[[Sequence[Item]], None],
        on_instruments: Callable[[Sequence[InstrumentState]], None],
        on_drained: Callable[[], None],
        on_failure: Callable[[MatchbusError], None],
    ) -> None:
        self._loop = loop
        self._core = core
        self._on_items = on_items
        self._on_instruments = on_instruments
        self._on_drained = on_drained
        self._on_failure = on_failure
        self._feed = open_subscription(context, engine, core.subscriptions)
        self._recovery = open_recovery(context, engine)
        self._deep = open_dealer(context, engine.deep_recovery)
        self._questions = open_recovery(context, engine)
        self._scheduled = False
        self._closed = False
        self._paused = False
        self._timer: asyncio.TimerHandle | None = None
        self._asking: asyncio.TimerHandle | None = None
        self._question = 0
        self._names: dict[bytes, str] = {}
        self.messages = 0  # how many publications were taken

    def start(self) -> None:
        """From here on the feed is read."""
        self._loop.add_reader(self._feed.fileno(), self._drain)
        for socket in (self._recovery, self._deep, self._questions):
            self._loop.add_reader(socket.fileno(), self._drain)
        self.ask_instruments()
        self._schedule()

    def follow(self, topics: Mapping[str, int]) -> None:
        """Read further topics, each from a number on (0: from where it is)."""
        for name in self._core.follow(
            list(topics), {name: number for name, number in topics.items() if number}
        ):
            self._feed.setsockopt(zmq.SUBSCRIBE, name.encode())
        self._schedule()

    def unfollow(self, topics: Sequence[str]) -> None:
        """Read them no longer."""
        for name in self._core.unfollow(list(topics)):
            self._feed.setsockopt(zmq.UNSUBSCRIBE, name.encode())

    def ask_instruments(self) -> None:
        """Ask the engine for all instruments, until it answers."""
        if self._asking is not None:
            self._asking.cancel()
        if self._closed:
            return
        self._question += 1
        self._questions.send(encode_message(0, self._question, 0, [QueryInstruments()]), _NOBLOCK)
        self._asking = self._loop.call_later(_ASK_AGAIN_S, self.ask_instruments)

    def pause(self, *, paused: bool) -> None:
        """While paused nothing of the feed is taken: ZeroMQ's own bound fills, and what is lost there heals."""
        if self._paused != paused:
            self._paused = paused
            if not paused:
                self._schedule()

    def close(self) -> None:
        """Read no more. Safe to call twice."""
        if self._closed:
            return
        self._closed = True
        for timer in (self._timer, self._asking):
            if timer is not None:
                timer.cancel()
        for socket in (self._feed, self._recovery, self._deep, self._questions):
            self._loop.remove_reader(socket.fileno())
            socket.close(0)

    def check(self) -> None:
        """Look whether something waits; to be called by a timer, too: the net under a missed edge."""
        if not self._closed and not self._scheduled and self._waits():
            self._schedule()

    def _schedule(self) -> None:
        if not self._scheduled and not self._closed:
            self._scheduled = True
            self._loop.call_soon(self._drain)

    def _drain(self) -> None:
        self._scheduled = False
        if self._closed:
            return
        try:
            self._take_answers()
            if not self._paused:
                self._take_publications()
            self._on_drained()
            self._ask()
        except MatchbusError as failure:
            self._on_failure(failure)
            return
        if self._waits():
            self._schedule()

    def _waits(self) -> bool:
        sockets = [self._recovery, self._deep, self._questions]
        if not self._paused:
            sockets.append(self._feed)
        return any(int(socket.getsockopt(zmq.EVENTS)) & zmq.POLLIN for socket in sockets)

    def _take_publications(self) -> None:
        receive, core, names = self._feed.recv_multipart, self._core, self._names
        try:
            for _ in range(MESSAGES_PER_DRAIN_MAX):
                parts = receive(_NOBLOCK)
                if len(parts) != 2:
                    continue
                topic = parts[0]
                name = names.get(topic)
                if name is None:
                    name = topic.decode(errors="replace")
                    if len(names) < 100_000:
                        names[topic] = name
                self.messages += 1
                items = core.receive(name, parts[1])
                if items:
                    self._on_items(items)
        except zmq.Again:
            pass

    def _take_answers(self) -> None:
        for socket in (self._recovery, self._deep):
            try:
                for _ in range(MESSAGES_PER_DRAIN_MAX):
                    items = self._core.recovered(socket.recv(_NOBLOCK), monotonic_ns())
                    if items:
                        self._on_items(items)
            except zmq.Again:
                pass
        try:
            while True:
                self._take_instruments(self._questions.recv(_NOBLOCK))
        except zmq.Again:
            pass

    def _take_instruments(self, payload: bytes) -> None:
        try:
            envelope = decode_recovery_envelope(payload)
        except MalformedMessage:
            return
        for answer in envelope.items:
            if isinstance(answer, Instruments) and answer.correlation_id == self._question:
                if self._asking is not None:
                    self._asking.cancel()
                    self._asking = None
                self._on_instruments(answer.instruments)

    def _ask(self) -> None:
        """Ask for what is missing, and again when an answer is late."""
        now = monotonic_ns()
        for socket, requests in (
            (self._recovery, self._core.requests(now)),
            (self._deep, self._core.deep_requests(now)),
        ):
            for request in requests:
                socket.send(request, _NOBLOCK)
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        deadline_ns = self._core.deadline_ns
        if deadline_ns is not None:
            self._timer = self._loop.call_later(max(0, deadline_ns - monotonic_ns()) / 1e9, self._drain)
