"""Replays of old history: a core that walks the log, from a checkpoint or the beginning, up to what is asked for.

    checkpoints     0 ─────────────── 4,000,000 ───────────── 8,000,000 ──── head
                    │                     │
    walks           └─▶ core ─▶ ...       └──────▶ core: rings hold what it passed last

What it encodes on its way is what the engine published, byte for byte: frames are a function of the log. A walk stays
where it ended, so the page that follows costs only its own commands, and what it passed last is in its rings, for
whoever asks for another topic of the same time. Runs in a process of its own (`tools.walker`), called by `serve` alone;
it reads files and owns no socket.
"""

from collections import deque
from typing import BinaryIO, Final

from bus.core import Core
from bus.errors import CheckpointDamaged, JournalDamaged, LogReplaced, MatchbusError
from bus.journal.batch import Batch
from bus.journal.checkpoint import EMPTY_STATE, CheckpointHeader, CheckpointStore
from bus.journal.disk import Disk
from bus.journal.follower import LogFollower
from bus.journal.skips import read_skips
from bus.protocol.topics import DROP
from bus.replay import apply_logged_batch
from bus.replication.following import MakeCore, is_usable
from bus.replication.numbers import Numbers, last_number, noted
from bus.replication.walk_protocol import LENGTH, WalkAnswer, WalkRequest, decode_request, framed
from bus.sessions import Sessions
from bus.sockets.outbound import Departure
from bus.sockets.publication import Publication
from bus.sockets.recovery import REPLAY_BYTES_MAX, frames_of

#: Walks that are kept for the page that follows: of two readers at two places, neither sends the other one back. Each
#: costs as much memory as an engine.
WALKS_KEPT: Final = 2


class Walk:
    """One replay under way. `core`: a state of the log; the follower stands behind its sequence."""

    def __init__(
        self, log: LogFollower, core: Core, feed_ring_events_max: int, skipped: frozenset[int]
    ) -> None:
        self.core = core
        self.publication = Publication(core, Sessions(), 1, feed_ring_events_max)
        self._log = log
        self._skipped = skipped
        self._waiting: deque[Batch] = deque()
        # A page must still be in the ring when it is complete.
        self._page_events_max = max(1, feed_ring_events_max // 2)

    def has_to_come(self, topic: str, number: int) -> bool:
        """Whether this event is still before the walk."""
        return (last_number(self.core, self.publication, topic) or 0) < number

    def page(self, topic: str, first_number: int, last_number: int) -> list[bytes]:
        """What the ring has of a page; none when it does not have its beginning."""
        ring = self.publication.feed_rings.get(topic)
        return frames_of(ring, first_number, last_number) if ring is not None else []

    def walk(self, request: WalkRequest) -> None:
        """Go on until the page that is asked for is complete, or the log ends."""
        name = request.topic
        size = sum(map(len, self.page(name, request.first_number, request.last_number)))
        while not self._is_complete(request, size) and self.core.sequence < request.until_sequence:
            said = self._apply_next(request.until_sequence)
            for topic, frame in said.drop if name == DROP else said.public:
                if topic == name.encode():
                    size += len(frame)
            if self._is_before(request):
                size = 0

    def close(self) -> None:
        """Let the log go."""
        self._log.close()

    def _is_before(self, request: WalkRequest) -> bool:
        ring = self.publication.feed_rings.get(request.topic)
        return ring is None or ring.next_number <= request.first_number

    def _is_complete(self, request: WalkRequest, size: int) -> bool:
        if self._is_before(request):
            return False
        ring = self.publication.feed_rings[request.topic]
        got = ring.next_number - request.first_number
        return (
            ring.next_number > request.last_number or size > REPLAY_BYTES_MAX or got >= self._page_events_max
        )

    def _apply_next(self, until_sequence: int) -> Departure:
        """One batch more, and what the engine said behind it."""
        if not self._waiting:
            self._waiting += self._log.read()
            if not self._waiting:
                self._log.require(until_sequence)
        batch = self._waiting.popleft()
        apply_logged_batch(self.core, batch, self._skipped)
        return self.publication.encode_for_rings()


class Walks:
    """The walks that are under way, and how a new one begins."""

    def __init__(
        self,
        disk: Disk,
        directory: str,
        store: CheckpointStore,
        make_core: MakeCore,
        feed_ring_events_max: int,
    ) -> None:
        self._disk = disk
        self._directory = directory
        self._store = store
        self._make_core = make_core
        self._feed_ring_events_max = feed_ring_events_max
        self._walks: list[Walk] = []  # the one that was used last is the first
        self._numbers: dict[CheckpointHeader, Numbers] = {}
        self._bad: set[CheckpointHeader] = set()
        self._decoded: tuple[CheckpointHeader, Core] | None = None

    def answer(self, request: WalkRequest) -> WalkAnswer:
        """Walk. What goes wrong becomes a part of the answer."""
        try:
            walk = self._walk_for(request)
            if isinstance(walk, int):
                return WalkAnswer([], walk)
            walk.walk(request)
            return WalkAnswer(walk.page(request.topic, request.first_number, request.last_number))
        except MatchbusError as error:
            for walk in self._walks:
                walk.close()
            self._walks = []
            return WalkAnswer([], 1, str(error), isinstance(error, LogReplaced))

    def _walk_for(self, request: WalkRequest) -> Walk | int:
        """A walk that has the beginning of a page or will come to it soonest; or the oldest number that can be had."""
        topic, number = request.topic, request.first_number
        chosen = next((walk for walk in self._walks if walk.page(topic, number, number)), None)
        if chosen is None:
            before = [walk for walk in self._walks if walk.has_to_come(topic, number)]
            chosen = max(before, key=lambda walk: walk.core.sequence, default=None)
            while True:
                found = self._nearest(request)
                if isinstance(found, int):
                    return found
                if chosen is not None and chosen.core.sequence >= found.sequence:
                    break
                try:
                    chosen = self._begin(found)
                    break
                except CheckpointDamaged:
                    self._bad.add(found)
        if chosen in self._walks:
            self._walks.remove(chosen)
        self._walks.insert(0, chosen)
        for walk in self._walks[WALKS_KEPT:]:
            walk.close()
        del self._walks[WALKS_KEPT:]
        return chosen

    def _begin(self, header: CheckpointHeader) -> Walk:
        core = self._core_of(header)
        self._decoded = None  # it will walk away from there
        log = LogFollower(self._disk, self._directory)
        try:
            log.batches(header.sequence, header.journal_hash)
        except MatchbusError:
            log.close()
            raise
        skipped = frozenset(skip.sequence for skip in read_skips(self._directory, self._disk))
        return Walk(log, core, self._feed_ring_events_max, skipped)

    def _nearest(self, request: WalkRequest) -> CheckpointHeader | int:
        """The last state before an event; or the number of the first one that has a state before it.

        JournalDamaged when there is no state to begin with at all.
        """
        begins = LogFollower(self._disk, self._directory).first_sequence
        found, _ = self._store.candidates()
        there = (EMPTY_STATE, *reversed(found))
        self._numbers = {header: numbers for header, numbers in self._numbers.items() if header in there}
        self._bad.intersection_update(there)
        headers = [
            header
            for header in there
            if begins - 1 <= header.sequence <= request.until_sequence
            and (header is EMPTY_STATE or is_usable(header))
            and header not in self._bad
        ]
        low, high = 0, len(headers)
        oldest = 0
        while low < high:
            middle = (low + high) // 2
            try:
                number = self._number_at(headers[middle], request.topic)
            except CheckpointDamaged:
                self._bad.add(headers.pop(middle))
                high -= 1
                continue
            if number < request.first_number:
                low = middle + 1
            else:
                high = middle
                oldest = number + 1
        if low:
            return headers[low - 1]
        if not headers:
            raise JournalDamaged(
                f"{self._directory}: the log begins with sequence {begins}, and no state before it"
            )
        return oldest

    def _number_at(self, header: CheckpointHeader, topic: str) -> int:
        """The last number of a topic as of a checkpoint, which is decoded once."""
        if header not in self._numbers:
            core = self._core_of(header)
            self._numbers[header] = noted(core, Publication(core, Sessions(), 1, 1))
        return self._numbers[header].of(topic)

    def _core_of(self, header: CheckpointHeader) -> Core:
        if self._decoded is None or self._decoded[0] != header:
            self._decoded = None  # not two of them at once
            self._decoded = header, self._make_core(self._store.load(header).payload)
        return self._decoded[1]


def serve(requests: BinaryIO, answers: BinaryIO, walks: Walks) -> None:
    """Answer until the requests end."""
    while length := requests.read(LENGTH.size):
        request = decode_request(requests.read(*LENGTH.unpack(length)))
        answers.write(framed(walks.answer(request)))
        answers.flush()
