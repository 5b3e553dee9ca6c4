"""What a shadow answers on its recovery socket: the engine's messages, and any event from number 1 on.

    Replay ─▶ in a ring? ─▶ at once                              Snapshot, QueryInstruments, QueryStatus ─▶ at once
                 └ older ─▶ a page to be walked for ─┬─▶ walked soon: all who ask for the page are answered
                                                     └─▶ not yet: "ask again"; the page is kept when it is there

A page is the events of a topic from some number on. One walk is under way at a time; other pages wait in the order in
which they were asked for. How many one reader and all readers together may have waiting is bounded, and each request
gets exactly one answer, within half a second. No I/O, no clock: `now_ns` is set by `shadow`, which calls it.
"""

from collections.abc import Callable
from typing import Final

from bus.core import Core
from bus.protocol import reasons
from bus.protocol.control import Refused
from bus.protocol.recovery import NotKept, RecoveryRequest, Replay, Replayed
from bus.protocol.status import ProcessStatus, QueryStatus
from bus.replication.numbers import last_number
from bus.replication.walk_protocol import WalkAnswer, WalkRequest
from bus.sockets.publication import Publication
from bus.sockets.recovery import Recovery

#: Pages that one reader may wait for: the topics of a symbol, and as much again.
WAITING_PER_READER_MAX: Final = 8
#: Pages that may wait in all. Each takes some bytes, and its turn may come minutes later.
WAITING_MAX: Final = 256
#: After so long a request is answered in any case: less than readers take for the silence of one who is gone.
PATIENCE_MS: Final = 500
#: A page that nobody has asked for again for so long is not walked for.
FORGOTTEN_MS: Final = 10_000
#: Pages that were walked for while nobody waited, kept for who asks again; about 1 MiB each.
WALKED_MAX: Final = 16

_NS_PER_MS: Final = 1_000_000

#: (topic, number of the first event)
_Key = tuple[str, int]


class _Page:
    """A page that is to be walked for. `waiting`: by reader, the correlation id of its request, and since when."""

    __slots__ = ("asked_ns", "last_number", "readers", "waiting")

    def __init__(self) -> None:
        self.last_number = 0
        self.asked_ns = 0
        self.readers: dict[bytes, None] = {}
        self.waiting: dict[bytes, tuple[int, int]] = {}


class DeepRecovery(Recovery):
    """See above. `unable`: why nothing can be said about the market for now, "" when it can."""

    def __init__(
        self,
        core: Core,
        publication: Publication,
        message_bytes_max: int,
        token: str,
        status: Callable[[int], ProcessStatus],
    ) -> None:
        super().__init__(core, publication, message_bytes_max, token, status)
        self.unable = ""
        self.replays = 0
        self.now_ns = 0
        self._pages: dict[_Key, _Page] = {}
        self._walking: _Key | None = None
        self._walked: dict[_Key, WalkAnswer] = {}

    @property
    def pages_waiting(self) -> int:
        """How many pages are to be walked for, the one that is under way among them."""
        return len(self._pages)

    def next_walk(self) -> WalkRequest | None:
        """What to walk for now; None when nothing waits, or one is under way. `walked` must follow."""
        if self._walking is not None or not self._pages or self.unable:
            return None
        self._walking = key = next(iter(self._pages))
        return WalkRequest(*key, self._pages[key].last_number, self._core.sequence)

    def walked(self, answer: WalkAnswer) -> None:
        """The walk that was under way has ended: answer all who wait for it, or keep it for who asks again."""
        key, self._walking = self._walking, None
        assert key is not None, "a walk was under way"
        waiting = self._pages.pop(key).waiting
        for route, (correlation_id, _) in waiting.items():
            self._answers.append((route, self._answer_of(key, correlation_id, answer)))
        self.replays += len(waiting) if answer.frames else 0
        if not waiting and not answer.problem:
            self._walked[key] = answer
            if len(self._walked) > WALKED_MAX:
                del self._walked[next(iter(self._walked))]

    def pass_time(self) -> None:
        """It is `now_ns`: let nobody wait for too long, and forget pages that nobody wants any longer."""
        patience_ns = self.now_ns - PATIENCE_MS * _NS_PER_MS
        forgotten_ns = self.now_ns - FORGOTTEN_MS * _NS_PER_MS
        for key, page in list(self._pages.items()):
            for route, (correlation_id, since_ns) in list(page.waiting.items()):
                if since_ns <= patience_ns:
                    del page.waiting[route]
                    text = "old history: it is walked for, ask again"
                    self._answers.append((route, _ask_again(correlation_id, text)))
            if page.asked_ns <= forgotten_ns and key != self._walking:
                del self._pages[key]

    def give_up(self, why: str) -> None:
        """Nothing that waits will be walked for; a walk that is under way is of no use either."""
        for page in self._pages.values():
            for route, (correlation_id, _) in page.waiting.items():
                self._answers.append((route, _ask_again(correlation_id, why)))
        self._pages = {}
        self._walked = {}
        self._walking = None

    def move_to(self, core: Core, publication: Publication) -> None:
        """Speak of another core from now on: everything began anew."""
        self._core = core
        self._publication = publication
        self._snapshots = {}

    def _answer(self, route: bytes, correlation_id: int, item: RecoveryRequest) -> object | None:
        if self.unable and not isinstance(item, QueryStatus):
            return _ask_again(correlation_id, self.unable)
        answer = super()._answer(route, correlation_id, item)
        self.replays += isinstance(answer, Replayed)
        return answer

    def _not_in_ring(self, route: bytes, correlation_id: int, request: Replay) -> object | None:
        topic = request.topic
        last = last_number(self._core, self._publication, topic)
        if last is None:
            return Refused(correlation_id, 1, reasons.NOT_OFFERED, f"nothing is published on {topic!r}")
        if not 1 <= request.first_number <= last:
            return NotKept(correlation_id, topic, 1, last + 1)
        key = (topic, request.first_number)
        walked = self._walked.pop(key, None)
        if walked is not None:
            return self._answer_of(key, correlation_id, walked)
        page = self._pages.get(key) or _Page()
        if route in page.waiting:
            text = "the same was asked for again, and is answered once"
            self._answers.append((route, _ask_again(page.waiting[route][0], text)))
        elif (
            route not in page.readers
            and sum(route in other.readers for other in self._pages.values()) >= WAITING_PER_READER_MAX
        ):
            text = f"{WAITING_PER_READER_MAX} pages of old history are waited for by this reader, no more are taken"
            return _ask_again(correlation_id, text)
        elif key not in self._pages and len(self._pages) >= WAITING_MAX:
            return _ask_again(correlation_id, f"{WAITING_MAX} pages of old history wait, no more are taken")
        # What is walked for already ends where it was asked to: the rest is another page.
        page.last_number = max(page.last_number, min(request.last_number, last))
        page.asked_ns = self.now_ns
        page.readers[route] = None
        page.waiting[route] = (correlation_id, self.now_ns)
        self._pages[key] = page
        return None

    def _answer_of(self, key: _Key, correlation_id: int, answer: WalkAnswer) -> object:
        topic, first = key
        if answer.problem:
            if answer.replaced:
                return _ask_again(correlation_id, answer.problem)
            return Refused(correlation_id, 1, reasons.NOT_OFFERED, f"history cannot be had: {answer.problem}")
        if answer.frames:
            return Replayed(correlation_id, topic, answer.frames)
        last = last_number(self._core, self._publication, topic) or 0
        return NotKept(correlation_id, topic, max(answer.oldest_number, first + 1), last + 1)


def _ask_again(correlation_id: int, why: str) -> Refused:
    return Refused(correlation_id, 1, reasons.QUEUE_FULL, why)
