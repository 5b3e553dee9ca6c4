"""Sockets that have the address of the web, for one process alone or shared by several instances.

Called by `web.server`, and by whoever looks after instances.
"""

import socket
from typing import Final

from bus.addresses import HostPort
from bus.errors import AddressInUse

_LISTEN_QUEUE: Final = 1_024
#: What the kernel holds for one connection. It bounds how old it is what a slow reader of streams reads, and after how
#: much a reader that has stalled is noticed: of itself the kernel would hold megabytes.
_SEND_BUFFER_BYTES: Final = 131_072


def bound(where: HostPort, *, shared: bool) -> socket.socket:
    """A socket that has an address and does not listen: it is given no connections. Raises AddressInUse."""
    found = socket.socket()
    try:
        found.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        # Each new connection is given to one of those who listen; who is gone is given none.
        found.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT, shared)
        found.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, _SEND_BUFFER_BYTES)
        found.setblocking(False)
        found.bind(where)
    except OSError as error:
        found.close()
        raise _not_there(where, error) from None
    return found


def listening(where: HostPort, *, shared: bool) -> socket.socket:
    """A socket that listens. `shared`: others may, too, if they share. Raises AddressInUse."""
    found = bound(where, shared=shared)
    try:
        found.listen(_LISTEN_QUEUE)
    except OSError as error:
        found.close()
        raise _not_there(where, error) from None
    return found


def _not_there(where: HostPort, error: OSError) -> AddressInUse:
    return AddressInUse(f"http://{where[0]}:{where[1]}: cannot be served there: {error.strerror}")
