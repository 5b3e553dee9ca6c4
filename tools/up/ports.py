"""A port base for an exchange whose processes have to find each other, when none was named.

Each process could take whatever port is free, but then the others would not know it. Called by `command` alone.
"""

import socket
from contextlib import ExitStack
from typing import Final

from bus.addresses import HIGHEST_OFFSET, OFFSETS
from bus.errors import AddressInUse

#: So often is looked for a place where all ports are free.
_ATTEMPTS: Final = 100


def free_port_base(host: str) -> int:
    """A port base of which all ports are free at the moment. Raises AddressInUse when none is found."""
    for _ in range(_ATTEMPTS):
        with ExitStack() as stack:
            first = stack.enter_context(socket.socket())
            first.bind((host, 0))
            base = int(first.getsockname()[1])
            if base + HIGHEST_OFFSET > 65_535:
                continue
            try:
                for offset in OFFSETS.values():
                    stack.enter_context(socket.socket()).bind((host, base + offset))
            except OSError:
                continue
            return base
    raise AddressInUse(f"{host}: no {HIGHEST_OFFSET} free ports in a row; name a port base")
