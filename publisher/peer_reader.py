"""The heartbeats of other publishers: a SUB to each of them. Called by `service`, which compares."""

import asyncio
from collections.abc import Callable, Sequence

import msgspec
import zmq

from bus.protocol.market.streams import STREAMS_HEARTBEAT_TOPIC

_NOBLOCK = int(zmq.NOBLOCK)
#: A second of heartbeats of many symbols; what is more waits for the next look.
_MESSAGES_PER_LOOK_MAX = 256
#: Heartbeats that wait inside libzmq; older ones are of no use.
_RECEIVE_HIGH_WATER_MARK = 10_000


class PeerReader:
    """One socket, connected to all peers. `on_heartbeat(topic, frame)`."""

    def __init__(
        self,
        loop: asyncio.AbstractEventLoop,
        context: "zmq.Context[zmq.Socket[bytes]]",
        peers: Sequence[str],
        on_heartbeat: Callable[[str, bytes], None],
    ) -> None:
        self._loop = loop
        self._on_heartbeat = on_heartbeat
        self._closed = False
        self._socket = context.socket(zmq.SUB)
        self._socket.setsockopt(zmq.LINGER, 0)
        self._socket.setsockopt(zmq.RCVHWM, _RECEIVE_HIGH_WATER_MARK)
        self._socket.setsockopt(zmq.SUBSCRIBE, f"{STREAMS_HEARTBEAT_TOPIC}.".encode())
        for peer in peers:
            self._socket.connect(peer)
        loop.add_reader(self._socket.fileno(), self.look)

    def look(self) -> None:
        """Take what waits; to be called by a timer, too: the net under a missed edge."""
        if self._closed:
            return
        try:
            for _ in range(_MESSAGES_PER_LOOK_MAX):
                parts = self._socket.recv_multipart(_NOBLOCK)
                if len(parts) == 2:
                    try:
                        self._on_heartbeat(parts[0].decode(errors="replace"), parts[1])
                    except (msgspec.MsgspecError, ValueError):
                        continue  # no heartbeat of this protocol
        except zmq.Again:
            pass

    def close(self) -> None:
        """Hear no more."""
        if not self._closed:
            self._closed = True
            self._loop.remove_reader(self._socket.fileno())
            self._socket.close(0)
