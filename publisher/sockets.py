"""The publisher's XPUB: frames out, and who subscribes to what, in.

The rule guarded here: a send never blocks. A reader that is too slow loses frames, notices by their numbers and heals
itself. Who subscribes gets the newest frame of what it subscribed to: everybody who reads that topic gets it once more,
and drops it by its number. Called by `service`.
"""

import asyncio
from collections.abc import Callable, Iterable

import zmq

from bus.sockets.router import bind, plain_send

_SNDMORE = int(zmq.SNDMORE)
_NOBLOCK = int(zmq.NOBLOCK)
#: Subscriptions that one look takes; each may cost a frame for each symbol.
SUBSCRIPTIONS_PER_LOOK_MAX = 64
#: A topic is short; what is longer is no subscription of ours.
_SUBSCRIPTION_BYTES_MAX = 256


class Streamer:
    """The socket. `on_subscription(prefix)` gives the frames that a new reader of it is to have."""

    def __init__(
        self,
        loop: asyncio.AbstractEventLoop,
        context: "zmq.Context[zmq.Socket[bytes]]",
        endpoint: str,
        send_high_water_mark: int,
        on_subscription: Callable[[bytes], Iterable[tuple[bytes, bytes]]],
    ) -> None:
        self._loop = loop
        self._on_subscription = on_subscription
        self._scheduled = False
        self._closed = False
        self._socket = context.socket(zmq.XPUB)
        self._socket.setsockopt(zmq.SNDHWM, send_high_water_mark)
        self._socket.setsockopt(zmq.LINGER, 0)
        # A second reader of a topic is told of as well: it needs the newest frame like the first one.
        self._socket.setsockopt(zmq.XPUB_VERBOSE, 1)
        self._socket.setsockopt(zmq.MAXMSGSIZE, 64 * _SUBSCRIPTION_BYTES_MAX)
        self.endpoint = bind(self._socket, endpoint)
        self._send = plain_send(self._socket)
        self.subscriptions = 0  # how many were taken
        self.frames = 0  # how many were published

    def start(self) -> None:
        """From here on subscriptions are answered."""
        self._loop.add_reader(self._socket.fileno(), self._look)
        self._schedule()

    def send(self, frames: Iterable[tuple[bytes, bytes]]) -> None:
        """Publish; call `check` when the callback is at its end."""
        send = self._send
        for topic, frame in frames:
            send(topic, _SNDMORE | _NOBLOCK)
            send(frame, _NOBLOCK)
            self.frames += 1

    def check(self) -> None:
        """After every callback that sent: a subscription may wait whose edge is gone."""
        if not self._scheduled and not self._closed and int(self._socket.getsockopt(zmq.EVENTS)) & zmq.POLLIN:
            self._schedule()

    def close(self, linger_ms: int) -> None:
        """Let the port go."""
        if not self._closed:
            self._closed = True
            self._loop.remove_reader(self._socket.fileno())
            self._socket.close(linger_ms)

    def _schedule(self) -> None:
        self._scheduled = True
        self._loop.call_soon(self._look)

    def _look(self) -> None:
        self._scheduled = False
        if self._closed:
            return
        prefixes: dict[bytes, None] = {}
        try:
            for _ in range(SUBSCRIPTIONS_PER_LOOK_MAX):
                parts = self._socket.recv_multipart(_NOBLOCK)
                message = parts[0]
                if len(parts) == 1 and message[:1] == b"\1" and len(message) <= _SUBSCRIPTION_BYTES_MAX:
                    prefixes[message[1:]] = None
                    self.subscriptions += 1
        except zmq.Again:
            pass
        # Many that ask for the same at once are answered with one frame.
        for prefix in prefixes:
            self.send(self._on_subscription(prefix))
        self.check()
