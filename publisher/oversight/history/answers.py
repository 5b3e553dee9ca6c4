"""Requests of the ROUTER: refused at once, waiting for the history to come as far as they ask for, or read.

No I/O: messages and times in, and out come refusals, and queries that a reader's thread is to read. The rule guarded
here: whoever asks too much is told so by name and keeps nobody else waiting; whoever waits has a deadline.

    message ─▶ take ─▶ refused
                 └──▶ waits for its sequence ──reached──▶ ready ─▶ read ─▶ answered
                                  └──too long──▶ not_yet
"""

from collections import deque
from collections.abc import Callable
from typing import Final, final

from bus.protocol import reasons
from bus.protocol.codec import MalformedMessage
from bus.protocol.control import Refused
from bus.protocol.history import HistoryQuery
from bus.protocol.history_codec import decode_history_message
from bus.protocol.status import ProcessStatus, QueryStatus
from bus.sessions import same_secret
from publisher.oversight.history.queries import problem_of

#: How many requests one message may hold, as on the recovery socket: each may cost a page.
REQUESTS_PER_MESSAGE_MAX: Final = 16
#: Requests of one connection that wait or are being read: enough to keep the threads busy, not to fill the queue.
REQUESTS_PER_CONNECTION_MAX: Final = 32
#: Of all connections together: some seconds of work.
REQUESTS_WAITING_MAX: Final = 1_024
#: How long a request waits for the history to come as far as it asks for. An order is there within some ms; a reader
#: that waits so long in vain knows more by being told than by waiting on.
AT_LEAST_WAIT_MS: Final = 2_000

_MS: Final = 1_000_000

#: What leaves: the connection, and the answer.
Letter = tuple[bytes, object]


@final
class Asked:
    """A query that can be answered."""

    __slots__ = ("correlation_id", "deadline_ns", "query", "route")

    def __init__(self, route: bytes, correlation_id: int, query: HistoryQuery, deadline_ns: int) -> None:
        self.route = route
        self.correlation_id = correlation_id
        self.query = query
        self.deadline_ns = deadline_ns


@final
class Answers:
    """Everything that was asked and is not answered yet. `reached`: the log sequence that the history has come to."""

    def __init__(self, token: str, message_bytes_max: int, status: Callable[[int], ProcessStatus]) -> None:
        self._token = token
        self._message_bytes_max = message_bytes_max
        self._status = status
        self._of_connection: dict[bytes, int] = {}
        self._early: deque[Asked] = (
            deque()
        )  # wait for a sequence; all equally long, so who came first goes first
        self._ready: deque[Asked] = deque()
        self.waiting = 0  # how many are not answered, all of these and those that are being read
        self.reached = 0
        # For whoever tells of it.
        self.requests = 0
        self.refused = 0

    @property
    def deadline_ns(self) -> int | None:
        """When `expire` is to be called; None while nobody waits for a sequence."""
        return self._early[0].deadline_ns if self._early else None

    def take(self, route: bytes, payload: bytes, now_ns: int) -> list[Letter]:
        """A message; what can be said at once."""
        if len(payload) > self._message_bytes_max:
            text = f"{len(payload)} bytes, {self._message_bytes_max} are allowed"
            return self._refuse(route, 0, reasons.MESSAGE_TOO_LARGE, text)
        try:
            message = decode_history_message(payload)
        except MalformedMessage as error:
            return self._refuse(route, error.correlation_id, error.reason, error.text, error.count)
        count = len(message.items)
        if count > REQUESTS_PER_MESSAGE_MAX:
            text = f"{count} requests, {REQUESTS_PER_MESSAGE_MAX} are allowed"
            return self._refuse(route, message.correlation_id, reasons.MESSAGE_TOO_LARGE, text, count)
        letters: list[Letter] = []
        for correlation_id, item in enumerate(message.items, message.correlation_id):
            self.requests += 1
            if isinstance(item, QueryStatus):
                letters.append((route, self._status(correlation_id)))
            else:
                letters += self._take_query(route, correlation_id, item, now_ns)
        return letters

    def take_extra_parts(self, route: bytes) -> list[Letter]:
        """A message of more than one part."""
        return self._refuse(route, 0, reasons.MALFORMED, "a message has exactly one part")

    def reach(self, sequence: int) -> None:
        """The history has come as far as this, perhaps back: whoever waits for no more is ready. O(who waits)."""
        self.reached = sequence
        if self._early:
            self._ready.extend(asked for asked in self._early if asked.query.at_least <= sequence)
            self._early = deque(asked for asked in self._early if asked.query.at_least > sequence)

    def expire(self, now_ns: int) -> list[Letter]:
        """Who has waited too long is told."""
        letters: list[Letter] = []
        while self._early and self._early[0].deadline_ns <= now_ns:
            asked = self._early.popleft()
            text = f"the history has come to sequence {self.reached}, not to {asked.query.at_least} yet"
            letters += self.refuse(asked, reasons.NOT_YET, text)
        return letters

    def next_ready(self) -> Asked | None:
        """The next one to be read. `answered` or `refuse` must follow."""
        return self._ready.popleft() if self._ready else None

    def answered(self, asked: Asked) -> None:
        """It was answered."""
        self.waiting -= 1
        left = self._of_connection[asked.route] - 1
        if left:
            self._of_connection[asked.route] = left
        else:
            del self._of_connection[asked.route]

    def refuse(self, asked: Asked, reason: int, text: str) -> list[Letter]:
        """It cannot be answered."""
        self.answered(asked)
        return self._refuse(asked.route, asked.correlation_id, reason, text)

    # Inside.

    def _take_query(
        self, route: bytes, correlation_id: int, query: HistoryQuery, now_ns: int
    ) -> list[Letter]:
        if not same_secret(self._token, query.token):
            return self._refuse(
                route, correlation_id, reasons.BAD_TOKEN, reasons.REASONS[reasons.BAD_TOKEN][1]
            )
        problem = problem_of(query)
        if problem is not None:
            return self._refuse(route, correlation_id, *problem)
        here = self._of_connection.get(route, 0)
        if here >= REQUESTS_PER_CONNECTION_MAX:
            text = f"{here} requests of this connection wait already"
            return self._refuse(route, correlation_id, reasons.TOO_MANY_REQUESTS, text)
        if self.waiting >= REQUESTS_WAITING_MAX:
            text = f"{self.waiting} requests of all connections wait already"
            return self._refuse(route, correlation_id, reasons.TOO_MANY_REQUESTS, text)
        self._of_connection[route] = here + 1
        self.waiting += 1
        asked = Asked(route, correlation_id, query, now_ns + AT_LEAST_WAIT_MS * _MS)
        if query.at_least <= self.reached:
            self._ready.append(asked)
        else:
            self._early.append(asked)
        return []

    def _refuse(
        self, route: bytes, correlation_id: int, reason: int, text: str, count: int = 1
    ) -> list[Letter]:
        self.refused += 1
        return [(route, Refused(correlation_id, count, reason, text))]
