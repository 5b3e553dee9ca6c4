"""One reader of everything that an engine publishes on its feed: it takes each frame and looks at its numbers.

    python -m tools.bench.reader ENDPOINT

Run by `parts` as a process of its own. It says `ready` once something came, and at its end (that of its standard
input) how much it read and how much it missed.
"""

import os
import sys

import zmq

from bus.protocol.codec import decode_frame_header

_NOBLOCK = int(zmq.NOBLOCK)
#: Publications that wait here; beyond it some are lost, which is counted.
_RECEIVE_HIGH_WATER_MARK = 100_000


class Count:
    """What was read."""

    def __init__(self) -> None:
        self.frames = self.events = self.missed = 0
        self._next: dict[bytes, int] = {}

    def take(self, topic: bytes, payload: bytes) -> None:
        """One publication."""
        header = decode_frame_header(payload)
        self.frames += 1
        if not header.first_number:
            return  # a heartbeat
        self.events += header.count
        self.missed += header.first_number - self._next.get(topic, header.first_number)
        self._next[topic] = header.first_number + header.count


def main(endpoint: str) -> None:
    """Read until standard input ends."""
    context: zmq.Context[zmq.Socket[bytes]] = zmq.Context()
    socket = context.socket(zmq.SUB)
    socket.setsockopt(zmq.RCVHWM, _RECEIVE_HIGH_WATER_MARK)
    socket.setsockopt(zmq.SUBSCRIBE, b"")
    socket.connect(endpoint)
    poller = zmq.Poller()
    poller.register(socket, zmq.POLLIN)
    poller.register(sys.stdin.fileno(), zmq.POLLIN)
    count = Count()
    receive = socket.recv
    ready = ended = False
    while not ended:
        ended = any(source is not socket for source, _ in poller.poll())
        try:
            while True:
                topic = receive(_NOBLOCK)
                count.take(topic, receive())
        except zmq.Again:
            pass
        if count.frames and not ready:
            ready = True
            print(f"ready pid={os.getpid()}", flush=True)
    print(f"frames={count.frames} events={count.events} missed={count.missed}", flush=True)
    context.destroy(linger=0)


if __name__ == "__main__":
    main(sys.argv[1])
