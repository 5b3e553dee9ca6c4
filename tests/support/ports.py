"""Ports for what tests start: free ones, which no other run of tests takes at the same time.

The rule guarded here: between the choice of a port and its use nobody else chooses it. So each process of tests has a
region of its own, which it claims by listening on the region's last port, and goes round in it.
"""

import contextlib
import functools
import socket
from itertools import cycle

from bus.addresses import OFFSETS

#: All regions: above what servers use, below what the system gives away by itself.
FIRST, END, REGION, STEP = 10_000, 32_000, 1_000, 50


def free_port_base() -> int:
    """A port base whose ports are free. It comes again when all others of the region have been given away."""
    bases = _bases()
    for _ in range(REGION // STEP):
        base = next(bases)
        with contextlib.ExitStack() as stack:
            try:
                for offset in OFFSETS.values():
                    _listen(stack.enter_context(socket.socket()), base + offset)
            except OSError:
                continue
            return base
    raise AssertionError("no free ports")


@functools.cache
def _bases() -> "cycle[int]":
    for start in range(FIRST, END, REGION):
        claim = socket.socket()
        try:
            _listen(claim, start + REGION - 1)
        except OSError:
            claim.close()
            continue
        _CLAIMS.append(claim)
        return cycle(range(start, start + REGION - STEP, STEP))
    raise AssertionError("no free region of ports")


_CLAIMS: list[socket.socket] = []


def _listen(listener: socket.socket, port: int) -> None:
    # As our own sockets do: connections that have ended do not keep a port for another minute.
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    listener.bind(("127.0.0.1", port))
    listener.listen()
