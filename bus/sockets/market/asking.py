"""One question on its way: whom it is put to, and what becomes of it. No I/O.

All requests can be repeated, so a question that is not answered in time is put to the next publisher. A publisher that
did not answer comes last for a while, so that not every question waits for it.
"""

from typing import Final, Generic

from bus.errors import MatchbusError, NotTaken, TimedOut
from bus.protocol.codec import encode_message
from bus.protocol.control import Refused
from bus.protocol.market.codec import MarketEnvelope
from bus.protocol.reasons import MALFORMED, UNSUPPORTED_VERSION, reason_name
from bus.sockets.market.questions import A, Answered, Question

#: How long a publisher that did not answer is asked only after the others.
AVOIDED_NS: Final = 10_000_000_000


class Preferences:
    """In which order publishers are asked: as they were given, those that failed of late at the end."""

    def __init__(self, endpoints: list[str]) -> None:
        if not endpoints:
            raise ValueError("a client needs at least one publisher")
        self.endpoints = endpoints
        self._avoided_until_ns = [0] * len(endpoints)
        self._next_id = 1

    def begin(self, question: Question[A], now_ns: int, only: int | None = None) -> "Asking[A]":
        """A question is asked of whoever answers, or of one publisher only."""
        if only is not None:
            order = [only]
        else:
            order = sorted(range(len(self.endpoints)), key=lambda i: self._avoided_until_ns[i] > now_ns)
        asking = Asking(question, order, self._next_id, self.endpoints)
        self._next_id += 1
        return asking

    def late(self, publisher: int, now_ns: int) -> None:
        """It did not answer."""
        self._avoided_until_ns[publisher] = now_ns + AVOIDED_NS


class Asking(Generic[A]):
    """See above. `publisher`: whom to send `message` to now, None when all have been asked."""

    def __init__(
        self, question: Question[A], order: list[int], correlation_id: int, endpoints: list[str]
    ) -> None:
        self.correlation_id = correlation_id
        self.message = encode_message(0, correlation_id, 0, [question.request])
        self._question = question
        self._order = order
        self._endpoints = endpoints
        self._asked = 0
        self._refused: Refused | None = None
        self._silent: list[str] = []

    @property
    def publisher(self) -> int | None:
        """Whom to ask now."""
        return self._order[self._asked] if self._asked < len(self._order) else None

    def late(self) -> None:
        """No answer in time: the next one is asked."""
        self._silent.append(self._endpoints[self._order[self._asked]])
        self._asked += 1

    def answered(self, envelope: MarketEnvelope) -> Answered[A] | None:
        """What came under the correlation id: the answer; None when the next publisher is to be asked."""
        publisher = self._order[self._asked]
        for item in envelope.items:
            if item.correlation_id == self.correlation_id:
                if isinstance(item, self._question.kind):
                    return Answered(item, publisher, envelope.epoch, envelope.log_sequence, envelope.time_ns)
                if isinstance(item, Refused):
                    self._refused = self._refused or item
                    if item.reason in (MALFORMED, UNSUPPORTED_VERSION):
                        self._asked = len(self._order)  # nobody will understand it
                        return None
        self._asked += 1
        return None

    def failure(self) -> MatchbusError:
        """Why there is no answer, when all have been asked."""
        refused, silent = self._refused, ", ".join(self._silent)
        if refused is not None:
            also = f"; no answer from {silent}" if silent else ""
            return NotTaken(f"{reason_name(refused.reason)}: {refused.text}{also}", refused.reason)
        return TimedOut(f"no publisher answered in time: {silent or 'what came was no answer'}")
