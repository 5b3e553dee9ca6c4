"""One reader of a publisher's streams: it takes each frame, and looks at its numbers.

    python -m tools.bench.market.listener ENDPOINT [heartbeat.]

Run by `throughput` and `memory` as a process of its own. It says `ready` once it hears something. For each line of
input, `SEQUENCE SYMBOLS`, it reads until the heartbeats of so many symbols have come that far, and tells what it read,
and when the last frame came. A frame whose previous one it does not have is counted as missed.
"""

import os
import sys
import time
from typing import Final

import zmq

from bus.protocol.market.codec import decode_market_frame_header
from bus.protocol.topics import HEARTBEAT

_NOBLOCK: Final = int(zmq.NOBLOCK)
_HEARTBEAT: Final = f"{HEARTBEAT}.".encode()
_CHAINED: Final = (b"trades.", b"depth.", b"depth-100ms.", b"depth-1s.")
#: Nothing is to be lost here: the listener is the one that is waited for.
_RECEIVE_HIGH_WATER_MARK: Final = 1_000_000


class Listener:
    """What was read so far."""

    def __init__(self, endpoint: str, prefix: str) -> None:
        context: zmq.Context[zmq.Socket[bytes]] = zmq.Context()
        self._socket = context.socket(zmq.SUB)
        self._socket.setsockopt(zmq.RCVHWM, _RECEIVE_HIGH_WATER_MARK)
        self._socket.setsockopt(zmq.SUBSCRIBE, prefix.encode())
        self._socket.connect(endpoint)
        self._poller = zmq.Poller()
        self._poller.register(self._socket, zmq.POLLIN)
        self._poller.register(sys.stdin.fileno(), zmq.POLLIN)
        self._last: dict[bytes, int] = {}
        self._reached: dict[bytes, int] = {}
        self._frames = self._bytes = self._missed = self._last_ns = 0

    def run(self) -> None:
        """Until standard input ends."""
        ready = False
        wanted, symbols = 0, 0
        while True:
            sources = [source for source, _ in self._poller.poll()]
            self._take()
            if self._reached and not ready:
                ready = True
                print(f"ready pid={os.getpid()}", flush=True)
            if sys.stdin.fileno() in sources:
                line = sys.stdin.readline()
                if not line:
                    return
                wanted, symbols = map(int, line.split())
            if wanted and sum(1 for sequence in self._reached.values() if sequence >= wanted) >= symbols:
                wanted = 0
                print(
                    f"reached frames={self._frames} bytes={self._bytes} missed={self._missed}"
                    f" last_ns={self._last_ns}",
                    flush=True,
                )

    def _take(self) -> None:
        receive = self._socket.recv
        try:
            while True:
                topic = receive(_NOBLOCK)
                self._look(topic, receive())
        except zmq.Again:
            pass

    def _look(self, topic: bytes, payload: bytes) -> None:
        header = decode_market_frame_header(payload)
        if topic.startswith(_HEARTBEAT):
            self._reached[topic] = header.sequence
            return
        self._frames += 1
        self._bytes += len(topic) + len(payload)
        self._last_ns = time.monotonic_ns()
        if topic.startswith(_CHAINED):
            if header.previous_sequence > self._last.get(topic, header.previous_sequence):
                self._missed += 1
            self._last[topic] = header.sequence


if __name__ == "__main__":
    Listener(sys.argv[1], sys.argv[2] if len(sys.argv) > 2 else "").run()
