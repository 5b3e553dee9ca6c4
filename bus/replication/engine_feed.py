"""What a shadow hears of its engine: how far it is durable, and the hash over what it has said.

Frames of the feed leave only when what they tell of is durable. The clock's stream is enough: a tick soon after the
last change, and a heartbeat each interval. Owns the socket, and has no opinions. Called by `shadow`.
"""

from typing import Final

import msgspec
import zmq
from msgspec import Struct

from bus.addresses import Addresses
from bus.clock import monotonic_ns
from bus.protocol.codec import decode_frame
from bus.protocol.feed import StreamHeartbeat
from bus.protocol.topics import CLOCK, HEARTBEAT
from bus.sockets.reading.reader_sockets import open_subscription

_NOBLOCK: Final = int(zmq.NOBLOCK)
_TOPICS: Final = (CLOCK, f"{HEARTBEAT}.{CLOCK}")


class Heard(Struct, frozen=True):
    """The engine of this epoch is durable up to this sequence. `output_hash`: as of then, b"" when it was not told."""

    epoch: int
    log_sequence: int
    output_hash: bytes


class EngineFeed:
    """A SUB. `heard_ns`: when the engine was last heard, or this was made."""

    def __init__(self, context: "zmq.Context[zmq.Socket[bytes]]", addresses: Addresses) -> None:
        self._socket = open_subscription(context, addresses, _TOPICS)
        self.heard_ns = monotonic_ns()

    def fileno(self) -> int:
        """Readable at an edge: then `take`."""
        return self._socket.fileno()

    def take(self) -> list[Heard]:
        """All that has come since the last time; the socket is edge-triggered, so none is left. Not blocking."""
        heard: list[Heard] = []
        while True:
            try:
                *_, payload = self._socket.recv_multipart(_NOBLOCK)
            except zmq.Again:
                return heard
            self.heard_ns = monotonic_ns()
            try:
                frame = decode_frame(payload)
            except msgspec.MsgspecError:
                continue
            for event in frame.events:
                output_hash = event.output_hash if isinstance(event, StreamHeartbeat) else b""
                heard.append(Heard(frame.epoch, frame.log_sequence, output_hash))

    def close(self) -> None:
        """Hear nothing more."""
        self._socket.close(0)
