"""Where publishers are, and the two sockets of a reader for each: a SUB to its streams, a DEALER to its ROUTER."""

from collections.abc import Iterable
from contextlib import suppress
from typing import Final

import zmq
from msgspec import Struct

from bus.addresses import addresses
from bus.sockets.reading.reader_sockets import RECEIVE_HIGH_WATER_MARK, keep_alive
from bus.sockets.session.dealer import open_dealer

#: Requests that wait for a publisher that is not there. Some 100 bytes each; when it comes, it answers them in vain.
REQUESTS_WAITING_MAX: Final = 1_000


class PublisherAddress(Struct, frozen=True):
    """The endpoints of one publisher."""

    streams: str  # XPUB
    requests: str  # ROUTER


def publisher_at(port_base: int = 3000, connect: str = "127.0.0.1") -> PublisherAddress:
    """The publisher of an exchange."""
    found = addresses(port_base, connect)
    return PublisherAddress(found.market_data, found.market_requests)


def open_streams(
    context: "zmq.Context[zmq.Socket[bytes]]", publisher: PublisherAddress, subscriptions: Iterable[str]
) -> "zmq.Socket[bytes]":
    """A SUB that hears these topics of one publisher."""
    socket = context.socket(zmq.SUB)
    socket.setsockopt(zmq.LINGER, 0)
    socket.setsockopt(zmq.RCVHWM, RECEIVE_HIGH_WATER_MARK)
    socket.setsockopt(zmq.RECONNECT_IVL, 50)
    socket.setsockopt(zmq.RECONNECT_IVL_MAX, 1000)
    keep_alive(socket)
    for name in subscriptions:
        socket.setsockopt(zmq.SUBSCRIBE, name.encode())
    socket.connect(publisher.streams)
    return socket


def open_requests(
    context: "zmq.Context[zmq.Socket[bytes]]", publisher: PublisherAddress
) -> "zmq.Socket[bytes]":
    """A DEALER to ask one publisher."""
    return open_dealer(context, publisher.requests, send_high_water_mark=REQUESTS_WAITING_MAX)


def ask(socket: "zmq.Socket[bytes]", request: bytes) -> None:
    """Send a request; when too many wait for a publisher that is gone, it is as good as lost."""
    with suppress(zmq.Again):
        socket.send(request, zmq.NOBLOCK)


def change_subscriptions(
    socket: "zmq.Socket[bytes]", *, more: Iterable[str] = (), less: Iterable[str] = ()
) -> None:
    """Hear these topics as well, and those no longer."""
    for name in more:
        socket.setsockopt(zmq.SUBSCRIBE, name.encode())
    for name in less:
        socket.setsockopt(zmq.UNSUBSCRIBE, name.encode())
