"""A reader that asks for a whole book by orders, each second.

    python -m tools.bench.snapshots RECOVERY_ENDPOINT SYMBOL

Run by `shadow` as a process of its own. It ends with its standard input, and says then how many snapshots came and how
many orders the last one had.
"""

import os
import sys

import zmq

from bus.protocol.codec import decode_recovery_envelope, encode_message
from bus.protocol.recovery import BookSnapshot, Snapshot
from bus.protocol.terms import L3
from tools.bench.session import Dealer

_INTERVAL_MS = 1_000


def main(endpoint: str, symbol: str) -> None:
    """Ask until standard input ends."""
    taken = orders = 0
    with Dealer(endpoint) as dealer:
        poller = zmq.Poller()
        poller.register(sys.stdin.fileno(), zmq.POLLIN)
        print(f"ready pid={os.getpid()}", flush=True)
        while not poller.poll(_INTERVAL_MS):
            dealer.send(encode_message(0, 1, 0, [Snapshot(symbol, L3)]), 0)
            (answer,) = decode_recovery_envelope(dealer.receive()).items
            assert isinstance(answer, BookSnapshot), f"no snapshot: {answer}"
            orders = len(answer.bids) + len(answer.asks)
            taken += 1
    print(f"snapshots={taken} orders={orders}", flush=True)


if __name__ == "__main__":
    main(sys.argv[1], sys.argv[2])
