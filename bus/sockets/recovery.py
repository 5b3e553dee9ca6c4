"""Recovery: the socket on which readers of the feed ask for what they missed.

Answers tell of state, so they wait behind the last batch that was written, like everything else that leaves (I3).
"""

from collections.abc import Callable
from typing import Final

from bus.core import Core
from bus.protocol import reasons
from bus.protocol.codec import MalformedMessage, decode_recovery_message, encode_envelope
from bus.protocol.control import INSTRUMENTS, QuerySchedule, Refused
from bus.protocol.recovery import BOOK_SNAPSHOT, NotKept, RecoveryRequest, Replay, Replayed, Snapshot
from bus.protocol.status import ProcessStatus, QueryStatus
from bus.protocol.terms import BOOK_KINDS
from bus.protocol.topics import DROP
from bus.sessions import same_secret
from bus.sockets.outbound import Departure
from bus.sockets.publication import Publication
from bus.sockets.rings import Ring
from bus.sockets.schedules import schedule_answer

#: How large an answer of replayed frames grows; the reader asks again for the rest. Bounds what one reader can make
#: the engine send in one go.
REPLAY_BYTES_MAX: Final = 1_048_576
#: How many requests one message may hold: each may cost a snapshot.
REQUESTS_PER_MESSAGE_MAX: Final = 16
#: How many messages one drain takes, so that orders have their turn soon: each may cost some MiB of answers.
MESSAGES_PER_DRAIN: Final = 2
#: How many answers may wait for one reader. They are large; who does not read them is not given more, and asks again.
SEND_HIGH_WATER_MARK: Final = 32


def frames_of(ring: Ring[bytes], first_number: int, last_number: int) -> list[bytes]:
    """The frames of a ring from the one that holds `first_number` on, as many as one answer holds; or none."""
    frames: list[bytes] = []
    size = 0
    for number, _, frame in ring.since(first_number):
        if number > last_number or (frames and size + len(frame) > REPLAY_BYTES_MAX):
            break
        frames.append(frame)
        size += len(frame)
    return frames


class Recovery:
    """Collects the requests of a drain, then answers them. `status`: how the process is, for a correlation id."""

    def __init__(
        self,
        core: Core,
        publication: Publication,
        message_bytes_max: int,
        token: str,
        status: Callable[[int], ProcessStatus],
    ) -> None:
        self._core = core
        self._publication = publication
        self._message_bytes_max = message_bytes_max
        self._token = token
        self._status = status
        self._answers: list[tuple[bytes, object]] = []
        #: (symbol, kind) -> (log sequence, row of the snapshot without its correlation id)
        self._snapshots: dict[tuple[str, int], tuple[int, tuple[object, ...]]] = {}

    @property
    def idle(self) -> bool:
        """Whether nothing waits to be answered."""
        return not self._answers

    def take(self, route: bytes, payload: bytes) -> None:
        """One message of a drain."""
        if len(payload) > self._message_bytes_max:
            text = f"{len(payload)} bytes, {self._message_bytes_max} are allowed"
            self._answers.append((route, Refused(0, 1, reasons.MESSAGE_TOO_LARGE, text)))
            return
        try:
            message = decode_recovery_message(payload)
        except MalformedMessage as error:
            refused = Refused(error.correlation_id, error.count, error.reason, error.text)
            self._answers.append((route, refused))
            return
        count = len(message.items)
        if count > REQUESTS_PER_MESSAGE_MAX:
            text = f"{count} requests, {REQUESTS_PER_MESSAGE_MAX} are allowed"
            self._answers.append(
                (route, Refused(message.correlation_id, count, reasons.MESSAGE_TOO_LARGE, text))
            )
            return
        for index, item in enumerate(message.items):
            correlation_id = message.correlation_id + index
            answer = self._answer(route, correlation_id, item)
            if answer is not None:
                self._answers.append((route, answer))

    def take_extra_parts(self, route: bytes) -> None:
        """A message of more than one part; the rest of it was dropped."""
        self._answers.append((route, Refused(0, 1, reasons.MALFORMED, "a message has exactly one part")))

    def answer(self, departure: Departure) -> None:
        """Address all answers of this drain."""
        core = self._core
        for route, answer in self._answers:
            payload = encode_envelope(0, core.epoch, 0, core.sequence, core.time_ns, (answer,))
            departure.recovery.append((route, payload))
        self._answers = []

    def _answer(self, route: bytes, correlation_id: int, item: RecoveryRequest) -> object | None:
        """The answer to one request; None when it comes later."""
        if isinstance(item, Replay):
            return self._replay(route, correlation_id, item)
        if isinstance(item, Snapshot):
            return self._snapshot(correlation_id, item)
        if isinstance(item, QueryStatus):
            return self._status(correlation_id)
        if isinstance(item, QuerySchedule):
            return schedule_answer(self._core, correlation_id, item)
        return (INSTRUMENTS, correlation_id, self._core.instruments())

    def _replay(self, route: bytes, correlation_id: int, request: Replay) -> object | None:
        if request.topic == DROP and not same_secret(self._token, request.token):
            return Refused(correlation_id, 1, reasons.BAD_TOKEN, reasons.REASONS[reasons.BAD_TOKEN][1])
        ring = self._publication.feed_rings.get(request.topic)
        frames = frames_of(ring, request.first_number, request.last_number) if ring is not None else []
        if not frames:
            return self._not_in_ring(route, correlation_id, request)
        return Replayed(correlation_id, request.topic, frames)

    def _not_in_ring(self, _: bytes, correlation_id: int, request: Replay) -> object | None:
        """The answer to a replay of what no ring has; None when it comes later."""
        ring = self._publication.feed_rings.get(request.topic)
        if ring is None:
            text = f"nothing was published on {request.topic!r}"
            return Refused(correlation_id, 1, reasons.NOT_OFFERED, text)
        return NotKept(correlation_id, request.topic, ring.oldest_number, ring.next_number)

    def _snapshot(self, correlation_id: int, request: Snapshot) -> object:
        """A book as it stands between two batches; cut once a sequence, however many ask for it."""
        symbol = request.symbol
        if symbol not in self._core.symbols() or request.kind not in BOOK_KINDS:
            return Refused(
                correlation_id, 1, reasons.NOT_OFFERED, f"no snapshot of {symbol!r}, kind {request.kind}"
            )
        core = self._core
        cached = self._snapshots.get((symbol, request.kind))
        if cached is None or cached[0] != core.sequence:
            phase, last_price, bids, asks = core.book(symbol, request.kind)
            numbers = core.numbers(symbol)
            row = (
                symbol,
                request.kind,
                core.sequence,
                core.time_ns,
                *numbers,
                phase,
                last_price,
                core.checksum(symbol),
                bids,
                asks,
                core.phase_state(symbol),
            )
            cached = (core.sequence, row)
            self._snapshots[(symbol, request.kind)] = cached
        return (BOOK_SNAPSHOT, correlation_id, *cached[1])
