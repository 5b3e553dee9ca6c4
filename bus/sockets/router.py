"""A ROUTER socket on the loop: drained in one go, bounded, and never asleep while a message waits.

The socket's FD is edge-triggered: any send or receive may eat the edge, so after every drain, and after every
callback that sends, the socket's EVENTS are asked and another drain is scheduled when a message waits. Without that,
messages slept until the next one came (measured: 20 times in 94,000).

Hearing "none" from the socket costs an exception, four times as much as a look at EVENTS. So while messages come one
at a time a drain takes one, and the look that is due after it finds out whether there are more. Once one waited, the
next drain looks again behind its first message, and takes all that there is only when another is there.

A drain is bounded by bytes, not by messages, since a message holds one to many commands; ROUTER takes from its
clients in turn, and with a low receive high-water mark a flooder waits in its own TCP window.
"""

import asyncio
from collections.abc import Callable

import zmq

from bus.errors import AddressInUse

# Plain integers: combining zmq's flags as enums costs as much as sending.
_NOBLOCK = int(zmq.NOBLOCK)
_NOBLOCK_MORE = int(zmq.NOBLOCK) | int(zmq.SNDMORE)
_EVENTS = int(zmq.EVENTS)
_POLLIN = int(zmq.POLLIN)

#: What a message costs of a drain's budget beside its bytes, so that a flood of empty ones is bounded as well.
MESSAGE_OVERHEAD_BYTES = 32
#: What libzmq takes from the network at all, in multiples of the largest message that is answered politely.
HARD_LIMIT_FACTOR = 16


class Router:
    """One ROUTER. `on_message(route, payload)` for each message of a drain, then `on_drained()` once.

    `messages`: how many were taken.

    While `may_take()` does not hold nothing is taken, and senders wait; call `check` when it may hold again.
    """

    def __init__(
        self,
        loop: asyncio.AbstractEventLoop,
        context: "zmq.Context[zmq.Socket[bytes]]",
        endpoint: str,
        *,
        receive_high_water_mark: int,
        send_high_water_mark: int,
        message_bytes_max: int,
        drain_bytes_max: int,
        message_overhead_bytes: int = MESSAGE_OVERHEAD_BYTES,
        may_take: Callable[[], bool] = lambda: True,
        on_message: Callable[[bytes, bytes], None],
        on_extra_parts: Callable[[bytes], None],
        on_drained: Callable[[], None],
    ) -> None:
        self._loop = loop
        self._drain_bytes_max = drain_bytes_max
        self._message_overhead_bytes = message_overhead_bytes
        self._may_take = may_take
        self._on_message = on_message
        self._on_extra_parts = on_extra_parts
        self._on_drained = on_drained
        self._scheduled = False
        self._paused = False
        self._burst = True
        self.messages = 0
        self._socket = context.socket(zmq.ROUTER)
        self._socket.setsockopt(zmq.ROUTER_MANDATORY, 1)
        self._socket.setsockopt(zmq.LINGER, 0)
        self._socket.setsockopt(zmq.RCVHWM, receive_high_water_mark)
        self._socket.setsockopt(zmq.SNDHWM, send_high_water_mark)
        self._socket.setsockopt(zmq.MAXMSGSIZE, message_bytes_max * HARD_LIMIT_FACTOR)
        self.endpoint = bind(self._socket, endpoint)
        self._send = plain_send(self._socket)
        # Bound once: a socket looks its attributes up in Python.
        self._receive = self._socket.recv
        self._ask = self._socket.getsockopt

    def start(self) -> None:
        """From here on messages are taken."""
        self._loop.add_reader(self._socket.fileno(), self._drain)
        self._schedule()

    def send(self, route: bytes, payload: bytes) -> bool | None:
        """True: sent. False: the connection takes no more for now. None: it is gone. Then call `check`."""
        try:
            self._send(route, _NOBLOCK_MORE)
            self._send(payload, _NOBLOCK)
        except zmq.Again:
            return False
        except zmq.ZMQError as error:
            if error.errno == zmq.EHOSTUNREACH:
                return None
            raise
        return True

    def check(self) -> None:
        """Look whether a message waits; to be called after every callback that sends."""
        if self._scheduled or self._paused:
            return
        if self._waits():
            self._burst = True
            self._schedule()

    def pause(self) -> None:
        """Take no more messages; sending still works."""
        if not self._paused:
            self._paused = True
            self._loop.remove_reader(self._socket.fileno())

    def close(self, linger_ms: int) -> None:
        """Let the port go; what was sent has `linger_ms` to leave."""
        self.pause()
        self._socket.close(linger_ms)

    def _schedule(self) -> None:
        self._scheduled = True
        self._loop.call_soon(self._drain)

    def _drain(self) -> None:
        self._scheduled = False
        if self._paused or not self._may_take():
            return
        burst = self._burst
        self._burst = False
        budget = self._drain_bytes_max
        overhead = self._message_overhead_bytes
        receive = self._receive
        on_message = self._on_message
        first = True
        try:
            while budget > 0:
                route = receive(_NOBLOCK)
                # Not copied: a frame knows whether more parts follow, and asking the socket costs as much as receiving.
                frame = receive(_NOBLOCK, False)
                self.messages += 1
                if frame.more:
                    budget -= self._skip_parts()
                    self._on_extra_parts(route)
                else:
                    payload = frame.bytes
                    budget -= len(payload) + overhead
                    on_message(route, payload)
                if first:
                    if not burst or not self._waits():
                        break
                    first = False
        except zmq.Again:
            pass
        self._on_drained()
        self.check()

    def _waits(self) -> bool:
        """Whether there is a message to take."""
        return bool(int(self._ask(_EVENTS)) & _POLLIN)

    def _skip_parts(self) -> int:
        """Drop the rest of a message of too many parts; its bytes."""
        skipped = MESSAGE_OVERHEAD_BYTES
        while True:
            frame = self._socket.recv(_NOBLOCK, copy=False)
            skipped += len(frame.bytes) + MESSAGE_OVERHEAD_BYTES
            if not frame.more:
                return skipped


def plain_send(socket: "zmq.Socket[bytes]") -> Callable[[bytes, int], object]:
    """`send(part, flags)` without the Python layer of pyzmq around it, which costs half as much again."""
    send: Callable[[bytes, int], object] = super(zmq.Socket, socket).send
    return send


def bind(socket: "zmq.Socket[bytes]", endpoint: str) -> str:
    """Bind, and the address that was bound (port 0 or * is any free one). Raises AddressInUse with one line."""
    try:
        socket.bind(endpoint)
    except zmq.ZMQError as error:
        socket.close()
        if error.errno == zmq.EADDRINUSE:
            raise AddressInUse(
                f"{endpoint}: something listens there already; choose another --port-base"
            ) from None
        raise AddressInUse(f"{endpoint}: cannot be bound: {error}") from None
    return socket.getsockopt_string(zmq.LAST_ENDPOINT).rstrip("\0")
