"""The watch over the feed: how many readers are connected to it, and whether it counts as lost.

The rule guarded here: a market whose prices nobody gets is stopped (docs/rules.md, MB-STOP-018). `FeedLoss` has the
opinion and no socket; `FeedWatch` hears from libzmq who comes and goes. The node asks it when it keeps house.
"""

from struct import Struct
from typing import Final

import zmq

from bus.config import Protection

_NS_PER_MS: Final = 1_000_000
#: What a monitor tells: the event, and its value, of which ours have the file descriptor of a connection.
_TOLD: Final = Struct("=Hi")
_ADDRESS: Final = "inproc://readers-of-the-feed"


class FeedLoss:
    """Too few readers for too long is a loss. `readers_min` 0: never."""

    def __init__(self, readers_min: int, lost_ms: int, now_ns: int) -> None:
        self._readers_min = readers_min
        self._lost_ns = lost_ms * _NS_PER_MS
        self._read_ns = now_ns  # when it had enough readers last
        self._told = False

    def is_new(self, readers: int, now_ns: int) -> bool:
        """Whether it is lost, and was not when it was asked last. Once for each loss."""
        if readers >= self._readers_min:
            self._read_ns = now_ns
            self._told = False
            return False
        if self._told or now_ns - self._read_ns < self._lost_ns:
            return False
        self._told = True
        return True


class FeedWatch:
    """Counts the connections of a PUB that is not bound yet. `close` it before the PUB.

    A reader that is gone without a word (its machine lost its power, or it stands still) does not answer libzmq's
    heartbeats, and is disconnected by them after `protection.feed_lost_ms` at most.
    """

    def __init__(
        self,
        context: "zmq.Context[zmq.Socket[bytes]]",
        feed: "zmq.Socket[bytes]",
        settings: Protection,
        now_ns: int,
    ) -> None:
        self._loss = FeedLoss(settings.feed_readers_min, settings.feed_lost_ms, now_ns)
        self._connected: set[int] = set()  # by file descriptor
        self._events: zmq.Socket[bytes] | None = None
        if not settings.feed_readers_min:
            return
        feed.setsockopt(zmq.HEARTBEAT_IVL, settings.feed_lost_ms // 2)
        feed.setsockopt(zmq.HEARTBEAT_TIMEOUT, settings.feed_lost_ms // 2)
        feed.monitor(_ADDRESS, zmq.EVENT_ACCEPTED | zmq.EVENT_DISCONNECTED)
        self._events = context.socket(zmq.PAIR)
        # The sender is the thread that serves all sockets: it must not wait for a reader of its news (I7).
        self._events.setsockopt(zmq.RCVHWM, 0)
        self._events.setsockopt(zmq.LINGER, 0)
        self._events.connect(_ADDRESS)

    def is_lost(self, now_ns: int) -> bool:
        """Whether the feed is lost from now on. O(readers that have come or gone)."""
        events = self._events
        if events is None:
            return False
        while events.poll(0):
            event, descriptor = _TOLD.unpack(events.recv_multipart()[0])
            if event == zmq.EVENT_ACCEPTED:
                self._connected.add(descriptor)
            else:
                self._connected.discard(descriptor)
        return self._loss.is_new(len(self._connected), now_ns)

    @property
    def readers(self) -> int:
        """How many were connected when it was asked last."""
        return len(self._connected)

    def close(self) -> None:
        """Watch nothing more."""
        if self._events is not None:
            self._events.close()
            self._events = None
