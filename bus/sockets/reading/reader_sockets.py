"""The sockets of a reader: a SUB to the feed or the drop-copy (or both), and a DEALER to each recovery service."""

from collections.abc import Iterable

import zmq

from bus.addresses import Addresses
from bus.protocol.topics import DROP, HEARTBEAT
from bus.sockets.reading.feed_core import FeedCore
from bus.sockets.session.dealer import open_dealer

#: Publications that wait for a reader inside libzmq. Beyond it they are lost, which shows and is healed.
RECEIVE_HIGH_WATER_MARK = 10_000
#: Requests for a service that does not take them. They would all be answered when it is there again, for nothing.
REQUESTS_WAITING_MAX = 1_000
#: A connection whose other end vanished without a word is noticed after some of these, and made anew.
_KEEP_ALIVE_S = 5
_KEEP_ALIVE_TRIES = 2

_OF_DROP = frozenset((DROP, f"{HEARTBEAT}.{DROP}"))


class ReaderSockets:
    """All sockets of one reader, connected. `services`: those to ask, whose answers are to be taken."""

    def __init__(
        self,
        context: "zmq.Context[zmq.Socket[bytes]]",
        addresses: Addresses,
        subscriptions: Iterable[str],
        *,
        deep: bool,
    ) -> None:
        self._addresses = addresses
        self.feed = open_subscription(context, addresses, subscriptions)
        self._recovery = open_recovery(context, addresses)
        self._deep = open_deep_recovery(context, addresses) if deep else None
        self.services = [self._recovery] if self._deep is None else [self._recovery, self._deep]

    @property
    def all(self) -> list["zmq.Socket[bytes]"]:
        """Those that something may come from."""
        return [*self.services, self.feed]

    def subscribe(self, subscriptions: Iterable[str]) -> None:
        """Hear these topics as well."""
        subscribe(self.feed, self._addresses, subscriptions)

    def unsubscribe(self, subscriptions: Iterable[str]) -> None:
        """Hear these topics no longer."""
        for name in subscriptions:
            self.feed.setsockopt(zmq.UNSUBSCRIBE, name.encode())

    def ask(self, core: FeedCore, now_ns: int) -> None:
        """Send what is to be asked now. Raises GapNotHealed."""
        _send(self._recovery, core.requests(now_ns))
        if self._deep is not None:
            _send(self._deep, core.deep_requests(now_ns))

    def close(self) -> None:
        """Disconnect."""
        for socket in self.all:
            socket.close(0)


def open_subscription(
    context: "zmq.Context[zmq.Socket[bytes]]", addresses: Addresses, subscriptions: Iterable[str]
) -> "zmq.Socket[bytes]":
    """A SUB that hears these topics wherever they are published."""
    socket = context.socket(zmq.SUB)
    socket.setsockopt(zmq.LINGER, 0)
    socket.setsockopt(zmq.RCVHWM, RECEIVE_HIGH_WATER_MARK)
    socket.setsockopt(zmq.RECONNECT_IVL, 50)
    socket.setsockopt(zmq.RECONNECT_IVL_MAX, 1000)
    keep_alive(socket)
    subscribe(socket, addresses, subscriptions)
    return socket


def keep_alive(socket: "zmq.Socket[bytes]") -> None:
    """Let the kernel find out whether the other end is still there.

    Not ZeroMQ's own ping: while a reader is so far behind that nothing more is received, its answer is not seen, the
    connection is taken for dead and made anew, and then libzmq 4.3.5 ends the process (`Assertion failed:
    _input_stopped`, its issues 3937 and 4767).
    """
    for option, value in (
        (zmq.TCP_KEEPALIVE, 1),
        (zmq.TCP_KEEPALIVE_IDLE, _KEEP_ALIVE_S),
        (zmq.TCP_KEEPALIVE_INTVL, _KEEP_ALIVE_S),
        (zmq.TCP_KEEPALIVE_CNT, _KEEP_ALIVE_TRIES),
    ):
        socket.setsockopt(option, value)


def subscribe(socket: "zmq.Socket[bytes]", addresses: Addresses, subscriptions: Iterable[str]) -> None:
    """Hear these topics as well, wherever they are published. (A SUB connects to an address once only.)"""
    wanted = list(subscriptions)
    for name in wanted:
        socket.setsockopt(zmq.SUBSCRIBE, name.encode())
    if _OF_DROP & set(wanted):
        socket.connect(addresses.drop_copy)
    if set(wanted) - _OF_DROP:
        socket.connect(addresses.feed)


def open_recovery(context: "zmq.Context[zmq.Socket[bytes]]", addresses: Addresses) -> "zmq.Socket[bytes]":
    """A DEALER to ask the engine for what was missed."""
    return open_dealer(context, addresses.recovery, REQUESTS_WAITING_MAX)


def open_deep_recovery(
    context: "zmq.Context[zmq.Socket[bytes]]", addresses: Addresses
) -> "zmq.Socket[bytes]":
    """A DEALER to ask for what the engine no longer keeps."""
    return open_dealer(context, addresses.deep_recovery, REQUESTS_WAITING_MAX)


def _send(socket: "zmq.Socket[bytes]", requests: Iterable[bytes]) -> None:
    """What there is no room for is as good as lost, and asked again."""
    try:
        for request in requests:
            socket.send(request, zmq.NOBLOCK)
    except zmq.Again:
        pass
