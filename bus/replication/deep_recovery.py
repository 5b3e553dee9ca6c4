"""What a shadow answers on its recovery socket: the engine's messages, and any event from number 1 on.

    Replay ─▶ in a ring? ─▶ at once                              Snapshot, QueryInstruments, QueryStatus ─▶ at once
                 └ older ─▶ waits for a walk ─▶ walked ─▶ answered, all who wait for the same one

One walk is under way at a time; the others wait in the order in which they were asked for. How much one reader and all
readers together may have waiting is bounded, and each request gets exactly one answer. No I/O. Called by `shadow`.
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

#: Walks that one reader may wait for: the topics of a symbol, and as much again.
WAITING_PER_READER_MAX: Final = 8
#: Walks that may wait in all. Each takes some bytes, and its turn may come minutes later.
WAITING_MAX: Final = 256

#: (topic, number of the first event)
_Page = tuple[str, int]


class _Waiter:
    """A request that waits for a walk."""

    __slots__ = ("correlation_id", "last_number")

    def __init__(self, correlation_id: int, last_number: int) -> None:
        self.correlation_id = correlation_id
        self.last_number = last_number


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
        self._waiting: dict[_Page, dict[bytes, _Waiter]] = {}
        self._walked: _Page | None = None  # the one that is under way

    def next_walk(self) -> WalkRequest | None:
        """What to walk for now; None when nothing waits, or one is under way. `walked` must follow."""
        if self._walked is not None or not self._waiting or self.unable:
            return None
        self._walked = page = next(iter(self._waiting))
        topic, first = page
        last = max(waiter.last_number for waiter in self._waiting[page].values())
        return WalkRequest(topic, first, last, self._core.sequence)

    def walked(self, answer: WalkAnswer) -> None:
        """The walk that was under way has ended: answer all who waited for it."""
        page, self._walked = self._walked, None
        assert page is not None, "a walk was under way"
        for route, waiter in self._waiting.pop(page, {}).items():
            self._answers.append((route, self._walked_for(page, waiter.correlation_id, answer)))

    def give_up(self, why: str) -> None:
        """Nothing that waits will be walked for; a walk that is under way is of no use either."""
        for waiters in self._waiting.values():
            for route, waiter in waiters.items():
                self._answers.append((route, _ask_again(waiter.correlation_id, why)))
        self._waiting = {}
        self._walked = None

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
        page = (topic, request.first_number)
        waiters = self._waiting.get(page, {})
        asked_before = waiters.get(route)
        if asked_before is not None:
            text = "the same was asked for again, and is answered once"
            self._answers.append((route, _ask_again(asked_before.correlation_id, text)))
        elif sum(route in readers for readers in self._waiting.values()) >= WAITING_PER_READER_MAX:
            text = f"{WAITING_PER_READER_MAX} pages of old history are waited for by this reader, no more are taken"
            return _ask_again(correlation_id, text)
        elif not waiters and len(self._waiting) >= WAITING_MAX:
            return _ask_again(correlation_id, f"{WAITING_MAX} pages of old history wait, no more are taken")
        # What came of the walk that is under way is known to end where it was asked to.
        waiters[route] = _Waiter(correlation_id, min(request.last_number, last))
        self._waiting[page] = waiters
        return None

    def _walked_for(self, page: _Page, correlation_id: int, answer: WalkAnswer) -> object:
        topic, first = page
        if answer.problem:
            if answer.replaced:
                return _ask_again(correlation_id, answer.problem)
            return Refused(correlation_id, 1, reasons.NOT_OFFERED, f"history cannot be had: {answer.problem}")
        if answer.frames:
            self.replays += 1
            return Replayed(correlation_id, topic, answer.frames)
        last = last_number(self._core, self._publication, topic) or 0
        return NotKept(correlation_id, topic, max(answer.oldest_number, first + 1), last + 1)


def _ask_again(correlation_id: int, why: str) -> Refused:
    return Refused(correlation_id, 1, reasons.QUEUE_FULL, why)
