"""Who is connected, how many may be, and who has to go when it would be too many.

A connection waits (for a request, or for the rest of one) or works (its request is being answered). When there is no
room for one more, the one goes that has waited longest: whoever connects and says nothing makes room for who does. Who
works stays; a WebSocket works as long as it is open. Where all work, the newcomer is refused. And who waits for too
long goes: a look at the first ones now and then costs less than a timer for each request.

Called by `web.server` and `web.edge.reading`.
"""

from collections.abc import Iterable
from itertools import takewhile
from typing import Final

from tornado.http1connection import HTTP1Connection

from bus.clock import monotonic_ns
from web.edge.stream import Stream
from web.errors import TOO_MANY_CONNECTIONS, Refusal

_NS_PER_S: Final = 1_000_000_000


class Connections:
    """See above.

    Counters since the start: `accepted`, `refused`, `evicted` (who had to go), `stalled` (who read nothing),
    `unread` (who sent what is no request).
    """

    def __init__(self, connections_max: int) -> None:
        self._connections_max = connections_max
        # Since when (monotonic, ns); the one that waits longest stands first.
        self._waiting: dict[Stream, int] = {}
        self._working: dict[Stream, HTTP1Connection] = {}
        self.accepted = 0
        self.refused = 0
        self.evicted = 0
        self.stalled = 0
        self.unread = 0

    @property
    def waiting(self) -> int:
        """How many wait for a request or for the rest of one."""
        return len(self._waiting)

    @property
    def working(self) -> int:
        """How many requests are being answered, or taken by their clients; open WebSockets included."""
        return len(self._working)

    def take(self, stream: Stream) -> bool:
        """One more; whether there is room for it. Refused, it is ended."""
        self.accepted += 1
        if len(self._waiting) + len(self._working) >= self._connections_max and not self.evict():
            self.refused += 1
            stream.refuse(Refusal(TOO_MANY_CONNECTIONS, headers={"Retry-After": "1"}))
            return False
        self._waiting[stream] = monotonic_ns()
        return True

    def evict(self) -> bool:
        """End the connection that has waited longest; whether there was one."""
        longest = next(iter(self._waiting), None)
        if longest is None:
            return False
        self.evicted += 1
        longest.close()
        return True

    def waits(self, stream: Stream) -> None:
        """It begins to wait: for its next request, or, with a head, for its body."""
        self._working.pop(stream, None)
        if not stream.closed():
            self._waiting.pop(stream, None)
            self._waiting[stream] = monotonic_ns()

    def works(self, stream: Stream, connection: HTTP1Connection) -> None:
        """Its request is there as a whole."""
        if stream in self._waiting:
            del self._waiting[stream]
            self._working[stream] = connection

    def ended(self, stream: Stream) -> None:
        """It is over."""
        if stream in self._waiting:
            del self._waiting[stream]
            self.unread += stream.was_refused
        self._working.pop(stream, None)

    def end_idle(self, idle_s: float) -> None:
        """End those that have waited so long, and those whose client has not taken its answer for so long.

        WebSockets look after the latter themselves.
        """
        long_ago_ns = monotonic_ns() - int(idle_s * _NS_PER_S)
        for stream in list(takewhile(lambda one: self._waiting[one] < long_ago_ns, self._waiting)):
            stream.close()
        for stream in list(_stalled(self._working, long_ago_ns)):
            self.stalled += 1
            stream.close()


def _stalled(working: dict[Stream, HTTP1Connection], long_ago_ns: int) -> Iterable[Stream]:
    for stream, connection in working.items():
        since_ns = stream.writing_since_ns
        if since_ns and since_ns < long_ago_ns and connection.stream is stream:
            yield stream
