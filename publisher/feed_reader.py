"""The feed as the publisher reads it: a SUB, and a DEALER each to the engine's recovery service and to the shadow's.

Drained on the loop, bounded, and never asleep while a message waits: after every drain the sockets' EVENTS are asked,
those of publications and those of answers apart, since publications come by the thousand. Each message's items are
given at once; `on_drained` follows the last one of a drain. Called by `service`.
"""

import asyncio
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress

import msgspec
import zmq

from bus.addresses import Addresses
from bus.clock import monotonic_ns
from bus.errors import MatchbusError
from bus.protocol.codec import (
    MalformedMessage,
    RecoveryEnvelope,
    decode_frame_header,
    decode_recovery_envelope,
    encode_message,
)
from bus.protocol.control import Instruments, InstrumentState, QueryInstruments, Refused
from bus.protocol.reasons import NOT_OFFERED
from bus.protocol.recovery import NotKept, Replay, Replayed
from bus.sockets.reading.event_decoding import decode_events
from bus.sockets.reading.feed_core import FeedCore
from bus.sockets.reading.feed_items import Item
from bus.sockets.reading.reader_sockets import open_deep_recovery, open_recovery, open_subscription
from publisher.lineage import NOT_THERE, UNKNOWN, Identity
from publisher.symbols import Place

#: Messages of one drain: what a publisher says of them leaves behind the last, so more of them would only be later.
MESSAGES_PER_DRAIN_MAX = 32
#: A topic that is heard is one that was subscribed to; beyond this many it is somebody's mistake.
_NAMES_MAX = 100_000
_NOBLOCK = int(zmq.NOBLOCK)
_EVENTS = int(zmq.EVENTS)
_POLLIN = int(zmq.POLLIN)
_RCVMORE = int(zmq.RCVMORE)
#: How often the instruments are asked for while nobody answers.
_ASK_AGAIN_S = 1.0
#: A shadow that says nothing for so long is not there.
_DEEP_ATTEMPTS_MAX = 3


class _EventQuestion:
    """What a log says under a number of a topic. `answer(identity, epoch)`, see `publisher.lineage`."""

    __slots__ = ("answer", "attempts", "deep", "number", "topic")

    def __init__(self, topic: str, number: int, answer: Callable[[Identity | None, int], None]) -> None:
        self.topic = topic
        self.number = number
        self.answer = answer
        self.deep = False
        self.attempts = 0


class FeedReader:
    """See above. `on_items` for each message that brought something, `on_instruments` for each answer about them.

    With the place in the log at which it was given: the feed may be ahead of it, or behind.
    """

    def __init__(
        self,
        loop: asyncio.AbstractEventLoop,
        context: "zmq.Context[zmq.Socket[bytes]]",
        engine: Addresses,
        core: FeedCore,
        *,
        on_items: Callable[[Sequence[Item]], None],
        on_instruments: Callable[[Sequence[InstrumentState], Place], None],
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
        self._deep = open_deep_recovery(context, engine)
        self._questions = open_recovery(context, engine)
        self._deep_questions = open_deep_recovery(context, engine)
        self._answering = (self._recovery, self._deep, self._questions, self._deep_questions)
        # Bound once: a socket looks its attributes up in Python.
        self._receive = self._feed.recv
        self._option = self._feed.getsockopt
        #: By correlation id; each stays until it is answered.
        self._events_asked: dict[int, _EventQuestion] = {}
        self._asking_events: asyncio.TimerHandle | None = None
        self._scheduled = False
        self._answers_scheduled = False
        self._closed = False
        self._paused = False
        self._timer: asyncio.TimerHandle | None = None
        self._asking: asyncio.TimerHandle | None = None
        self._question = 0
        self._event_question = 2**62  # the instruments' have the ids below
        self._names: dict[bytes, str] = {}
        self.messages = 0  # how many publications were taken

    def start(self) -> None:
        """From here on the feed is read."""
        self._loop.add_reader(self._feed.fileno(), self._drain)
        for socket in self._answering:
            self._loop.add_reader(socket.fileno(), self._drain_answers)
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
        # An engine that is away takes none of many: what there is no room for is as good as lost, and asked again.
        with suppress(zmq.Again):
            self._questions.send(encode_message(0, self._question, 0, [QueryInstruments()]), _NOBLOCK)
        self._asking = self._loop.call_later(_ASK_AGAIN_S, self.ask_instruments)

    def ask_event(self, topic: str, number: int, answer: Callable[[Identity | None, int], None]) -> None:
        """Ask what the engine has under this number, and the shadow where the engine no longer keeps it.

        `answer` gets its log sequence and time, NOT_THERE or UNKNOWN, and the engine's epoch; asked until it comes.
        """
        self._send_event_question(_EventQuestion(topic, number, answer))
        if self._asking_events is None:
            self._asking_events = self._loop.call_later(_ASK_AGAIN_S, self._ask_events_again)

    def _send_event_question(self, asked: _EventQuestion) -> None:
        self._event_question += 1
        asked.attempts += 1
        self._events_asked[self._event_question] = asked
        socket = self._deep_questions if asked.deep else self._questions
        request = Replay(asked.topic, asked.number, asked.number)
        with suppress(zmq.Again):
            socket.send(encode_message(0, self._event_question, 0, [request]), _NOBLOCK)

    def _ask_events_again(self) -> None:
        self._asking_events = None
        if self._closed or not self._events_asked:
            return
        late, self._events_asked = list(self._events_asked.values()), {}
        for asked in late:
            if asked.deep and asked.attempts >= _DEEP_ATTEMPTS_MAX:
                asked.answer(UNKNOWN, 0)
            else:
                self._send_event_question(asked)
        if self._asking_events is None:
            self._asking_events = self._loop.call_later(_ASK_AGAIN_S, self._ask_events_again)

    def _take_event(self, answer: object, epoch: int) -> None:
        if not isinstance(answer, (Replayed, NotKept, Refused)):
            return
        asked = self._events_asked.get(answer.correlation_id)
        if asked is None:
            return
        said: Identity | None = UNKNOWN
        if isinstance(answer, Replayed):
            said = _identity(asked, answer.frames)
        elif isinstance(answer, NotKept):
            if answer.next_number <= asked.number and not asked.deep:
                said = NOT_THERE
        elif answer.reason != NOT_OFFERED:
            return  # asked again in a while
        del self._events_asked[answer.correlation_id]
        if said is UNKNOWN and not asked.deep:
            asked.deep, asked.attempts = True, 0
            self._send_event_question(asked)
        else:
            asked.answer(said, epoch)

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
        for timer in (self._timer, self._asking, self._asking_events):
            if timer is not None:
                timer.cancel()
        for socket in (self._feed, *self._answering):
            self._loop.remove_reader(socket.fileno())
            socket.close(0)

    def check(self) -> None:
        """Look whether something waits; to be called by a timer, too: the net under a missed edge."""
        if self._closed:
            return
        if not self._scheduled and self._waits():
            self._schedule()
        self._check_answers()

    def _schedule(self) -> None:
        if not self._scheduled and not self._closed:
            self._scheduled = True
            self._loop.call_soon(self._drain)

    def _drain(self) -> None:
        self._scheduled = False
        if self._closed:
            return
        try:
            if not self._paused:
                self._take_publications()
            if self._closed:
                return
            self._on_drained()
            self._ask()
        except MatchbusError as failure:
            self._on_failure(failure)
            return
        if self._waits():
            self._schedule()

    def _waits(self) -> bool:
        """Whether a publication waits."""
        return not self._paused and bool(int(self._option(_EVENTS)) & _POLLIN)

    def _take_publications(self) -> None:
        receive, core, names = self._receive, self._core, self._names
        # Part by part: to receive a message as a list costs eight times as much.
        try:
            for _ in range(MESSAGES_PER_DRAIN_MAX):
                topic = receive(_NOBLOCK)
                frame = receive(_NOBLOCK)
                name = names.get(topic)
                if name is None:
                    name = self._new_name(topic)
                self.messages += 1
                items = core.receive(name, frame)
                if items:
                    self._on_items(items)
                    if self._closed:  # whoever took them has found that this is not its engine
                        return
        except zmq.Again:
            pass

    def _new_name(self, topic: bytes) -> str:
        """The text of a topic that was not heard before; a message that has not two parts ends here."""
        while self._option(_RCVMORE):
            self._receive(_NOBLOCK)
        name = topic.decode(errors="replace")
        if len(self._names) < _NAMES_MAX:
            self._names[topic] = name
        return name

    # Answers.

    def _check_answers(self) -> None:
        if not self._answers_scheduled and any(
            int(socket.getsockopt(zmq.EVENTS)) & _POLLIN for socket in self._answering
        ):
            self._answers_scheduled = True
            self._loop.call_soon(self._drain_answers)

    def _drain_answers(self) -> None:
        self._answers_scheduled = False
        if self._closed:
            return
        try:
            self._take_answers()
            if self._closed:
                return
            self._on_drained()
            self._ask()
        except MatchbusError as failure:
            self._on_failure(failure)
            return
        self._check_answers()

    def _take_answers(self) -> None:
        for socket in (self._recovery, self._deep):
            try:
                for _ in range(MESSAGES_PER_DRAIN_MAX):
                    items = self._core.recovered(socket.recv(_NOBLOCK), monotonic_ns())
                    if items:
                        self._on_items(items)
                        if self._closed:
                            return
            except zmq.Again:
                pass
        for socket in (self._questions, self._deep_questions):
            with suppress(zmq.Again):
                while not self._closed:
                    self._take_answer(socket.recv(_NOBLOCK))

    def _take_answer(self, payload: bytes) -> None:
        try:
            envelope = decode_recovery_envelope(payload)
        except MalformedMessage:
            return
        for answer in envelope.items:
            self._take_event(answer, envelope.epoch)
        self._take_instruments(envelope)

    def _take_instruments(self, envelope: RecoveryEnvelope) -> None:
        for answer in envelope.items:
            if isinstance(answer, Instruments) and answer.correlation_id == self._question:
                if self._asking is not None:
                    self._asking.cancel()
                    self._asking = None
                self._on_instruments(answer.instruments, (envelope.epoch, envelope.log_sequence))

    def _ask(self) -> None:
        """Ask for what is missing, and again when an answer is late."""
        now = monotonic_ns()
        for socket, requests in (
            (self._recovery, self._core.requests(now)),
            (self._deep, self._core.deep_requests(now)),
        ):
            with suppress(zmq.Again):
                for request in requests:
                    socket.send(request, _NOBLOCK)
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        deadline_ns = self._core.deadline_ns
        if deadline_ns is not None:
            self._timer = self._loop.call_later(max(0, deadline_ns - now) / 1e9, self._drain)
            # What was sent may have eaten the edge of an answer.
            self._check_answers()


def _identity(asked: _EventQuestion, frames: list[bytes]) -> Identity | None:
    """The event among these frames; UNKNOWN when it is not there."""
    for frame in frames:
        try:
            header = decode_frame_header(frame)
        except msgspec.MsgspecError:
            continue
        at = asked.number - header.first_number
        if 0 <= at < header.count:
            events = decode_events(asked.topic, header.events)
            if at < len(events):
                return events[at].sequence, events[at].time_ns
    return UNKNOWN
