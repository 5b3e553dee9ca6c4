"""A port base for an exchange whose processes have to find each other, when none was named.

Each process could take whatever port is free, but then the others would not know it. Called by `command` alone.
"""

import os
import socket
from contextlib import ExitStack
from typing import Final

from bus.addresses import HIGHEST_OFFSET, OFFSETS
from bus.errors import AddressInUse

#: Where to look: below the ports that systems give away by themselves (from 32,768 on Linux), of which one could be
#: taken by anybody between the look and the use.
_LOWEST: Final = 10_000
_HIGHEST: Final = 32_000


def free_port_base(host: str) -> int:
    """A port base of which all ports are free at the moment. Raises AddressInUse when there is none."""
    places = range(_LOWEST, _HIGHEST, HIGHEST_OFFSET + 1)
    start = os.getpid() % len(places)  # two that look at the same time look at two places
    for index in range(len(places)):
        base = places[(start + index) % len(places)]
        with ExitStack() as stack:
            try:
                for offset in OFFSETS.values():
                    stack.enter_context(socket.socket()).bind((host, base + offset))
            except OSError:
                continue
            return base
    raise AddressInUse(f"{host}: no free ports from {_LOWEST} to {_HIGHEST}; name a port base")
