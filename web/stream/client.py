"""One connection's way out: what waits for it, within a bound.

Messages that count wait in a queue; of feeds whose newest counts only their names wait, and the message is taken when
the connection has carried what was before. So whoever is slow gets fewer and newer books, and holds up nobody. Who does
not take even that is cut off, with a code that says so.
"""

import asyncio
from collections import deque
from collections.abc import Callable
from typing import Final

from bus.clock import monotonic_ns
from web.stream.feed import NOTHING, Held, StateFeed

#: Messages that count and wait for one connection, and their bytes: the trades of minutes.
QUEUE_MESSAGES_MAX: Final = 4_096
QUEUE_BYTES_MAX: Final = 1 << 20

# Close codes, beside those of RFC 6455.
GOING_AWAY: Final = 1001
LOGIN_NEEDED: Final = 4001
TOO_MANY_MISTAKES: Final = 4002
KEY_ENDED: Final = 4003
TOO_SLOW: Final = 4008
#: code -> what is said with it
CLOSE_REASONS: Final = {
    GOING_AWAY: "the server stops; connect again",
    LOGIN_NEEDED: "nobody has logged in, and here somebody has to",
    TOO_MANY_MISTAKES: "too many messages that were refused",
    KEY_ENDED: "the key is not good any more: it was revoked, or has expired",
    TOO_SLOW: "too slow: what waited was not taken in time",
}


class Client:
    """See above.

    `write`: puts messages on their way, and gives a future that ends when the connection has taken them. `close`: ends
    the connection, with a code and a reason.
    """

    def __init__(
        self, write: "Callable[[list[bytes]], asyncio.Future[None]]", close: Callable[[int, str], None]
    ) -> None:
        self._write = write
        self._close = close
        self._loop = asyncio.get_running_loop()
        self._queue: deque[bytes] = deque()
        self._queue_bytes = 0
        self._changed: dict[StateFeed, None] = {}
        self._held: dict[StateFeed, Held] = {}
        self._scheduled = False
        #: Since when something is on its way; 0 while nothing is.
        self._under_way_ns = 0
        #: Who waits until nothing waits here.
        self._drains: list[asyncio.Future[None]] = []
        self.is_closed = self.was_too_slow = False
        #: With which code it is to be ended, 0 for none: who has logged in may be somebody no longer.
        self.judge: Callable[[], int] = _fine

    def begin(self, feed: StateFeed, from_sequence: int | None = None) -> None:
        """Follow a feed, of which everything up to a sequence is held already, or nothing."""
        self._held[feed] = NOTHING if from_sequence is None else feed.held_from(from_sequence)
        feed.join(self)

    def end(self, feed: StateFeed) -> None:
        """Follow it no longer."""
        feed.leave(self)
        self._held.pop(feed, None)
        self._changed.pop(feed, None)

    def tell(self, message: bytes) -> None:
        """See Listener."""
        if self.is_closed:
            return
        self._queue.append(message)
        self._queue_bytes += len(message)
        if len(self._queue) > QUEUE_MESSAGES_MAX or self._queue_bytes > QUEUE_BYTES_MAX:
            self.close(TOO_SLOW)
            return
        self._schedule()

    def changed(self, feed: StateFeed) -> None:
        """See Listener."""
        self._changed[feed] = None
        self._schedule()

    def look(self, now_ns: int, slow_ms: int) -> None:
        """Cut it off when what was on its way so long ago has still not been taken."""
        if self._under_way_ns and now_ns - self._under_way_ns > slow_ms * 1_000_000:
            self.close(TOO_SLOW)

    def close(self, code: int) -> None:
        """End the connection. Safe to call twice."""
        if not self.is_closed:
            self.was_too_slow = code == TOO_SLOW
            if not self.was_too_slow:
                self._flush()  # why it ends was said in what still waits
            self.closed()
            self._close(code, CLOSE_REASONS[code])

    def closed(self) -> None:
        """The connection has ended."""
        self.is_closed = True
        for feed in list(self._held):
            self.end(feed)
        self._queue.clear()
        self._queue_bytes = 0
        self._drained()

    @property
    def waiting(self) -> int:
        """How many messages that count wait for it."""
        return len(self._queue)

    async def drained(self) -> None:
        """Nothing waits for it any more and nothing is under way, or it has ended."""
        if not self.is_closed and (self._queue or self._under_way_ns):
            drain = self._loop.create_future()
            self._drains.append(drain)
            await drain

    def _drained(self) -> None:
        drains, self._drains = self._drains, []
        for drain in drains:
            if not drain.done():
                drain.set_result(None)

    def _schedule(self) -> None:
        if not self._scheduled and not self._under_way_ns and not self.is_closed:
            self._scheduled = True
            self._loop.call_soon(self._flush)

    def _flush(self) -> None:
        self._scheduled = False
        if self.is_closed:
            return
        messages = list(self._queue)
        self._queue.clear()
        self._queue_bytes = 0
        changed, self._changed = self._changed, {}
        for feed in changed:
            newest, self._held[feed] = feed.messages(self._held[feed])
            messages.extend(newest)
        if messages:
            self._under_way_ns = monotonic_ns()
            self._write(messages).add_done_callback(self._taken)

    def _taken(self, written: "asyncio.Future[None]") -> None:
        """All that was on its way has left, or the connection has ended."""
        self._under_way_ns = 0
        if not written.cancelled():
            written.exception()  # the connection has ended: its socket is told, too
        if self._queue or self._changed:
            self._schedule()
        elif self._drains:
            self._drained()


def _fine() -> int:
    return 0
