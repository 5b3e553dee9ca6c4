"""A process in the publisher's place that passes on each frame of the feed as it is: what the way alone costs.

    python -m tools.bench.market.relay FEED STREAMS

Run by `live` as a process of its own. It is subscribed to all of FEED and binds STREAMS; it says `ready` at once and
ends with its input.
"""

import os
import sys
from typing import Final

import zmq

_NOBLOCK: Final = int(zmq.NOBLOCK)
_HIGH_WATER_MARK: Final = 1_000_000


def main(feed: str, streams: str) -> None:
    """Pass on until standard input ends."""
    context: zmq.Context[zmq.Socket[bytes]] = zmq.Context()
    heard, told = context.socket(zmq.SUB), context.socket(zmq.PUB)
    heard.setsockopt(zmq.RCVHWM, _HIGH_WATER_MARK)
    told.setsockopt(zmq.SNDHWM, _HIGH_WATER_MARK)
    heard.setsockopt(zmq.SUBSCRIBE, b"")
    told.bind(streams)
    heard.connect(feed)
    poller = zmq.Poller()
    poller.register(heard, zmq.POLLIN)
    poller.register(sys.stdin.fileno(), zmq.POLLIN)
    print(f"ready pid={os.getpid()}", flush=True)
    while all(source is heard for source, _ in poller.poll()):
        try:
            while True:
                told.send_multipart(heard.recv_multipart(_NOBLOCK))
        except zmq.Again:
            pass
    context.destroy(linger=0)


if __name__ == "__main__":
    main(*sys.argv[1:])
