"""Where the sockets of one node listen: a fixed offset each from one port base.

One number moves a whole node, so two nodes on one machine need no list of ports. Asked by whatever binds or
connects; nobody else adds to a port number.
"""

import msgspec


class Addresses(msgspec.Struct, frozen=True):
    """The ZeroMQ endpoints of one engine."""

    orders: str  # ROUTER: commands in, private reports out
    feed: str  # PUB: the public numbered stream
    recovery: str  # ROUTER: what a reader of the feed has missed
    drop_copy: str  # PUB: every private report, for the house


def addresses(port_base: int, host: str) -> Addresses:
    """The endpoints for a port base; with base 0 each socket binds whatever port is free (`:*`)."""
    return Addresses(
        orders=_endpoint(port_base, 1, host),
        feed=_endpoint(port_base, 2, host),
        recovery=_endpoint(port_base, 3, host),
        drop_copy=_endpoint(port_base, 4, host),
    )


def _endpoint(port_base: int, offset: int, host: str) -> str:
    return f"tcp://{host}:{port_base + offset if port_base else '*'}"
