"""The two sockets of a reader: a SUB to the feed or the drop-copy (or both), and a DEALER to the recovery service."""

from collections.abc import Iterable

import zmq

from bus.addresses import Addresses
from bus.protocol.topics import DROP, HEARTBEAT
from bus.sockets.session.dealer import open_dealer

#: Publications that wait for a reader inside libzmq. Beyond it they are lost, which shows and is healed.
RECEIVE_HIGH_WATER_MARK = 10_000
#: A connection whose other end vanished without a word is noticed after about this long, and made anew.
_PING_INTERVAL_MS = 5_000


def open_subscription(
    context: "zmq.Context[zmq.Socket[bytes]]", addresses: Addresses, subscriptions: Iterable[str]
) -> "zmq.Socket[bytes]":
    """A SUB that hears these topics wherever they are published."""
    wanted = list(subscriptions)
    of_drop = {DROP, f"{HEARTBEAT}.{DROP}"}
    socket = context.socket(zmq.SUB)
    socket.setsockopt(zmq.LINGER, 0)
    socket.setsockopt(zmq.RCVHWM, RECEIVE_HIGH_WATER_MARK)
    socket.setsockopt(zmq.RECONNECT_IVL, 50)
    socket.setsockopt(zmq.RECONNECT_IVL_MAX, 1000)
    socket.setsockopt(zmq.HEARTBEAT_IVL, _PING_INTERVAL_MS)
    for name in wanted:
        socket.setsockopt(zmq.SUBSCRIBE, name.encode())
    if of_drop & set(wanted):
        socket.connect(addresses.drop_copy)
    if set(wanted) - of_drop:
        socket.connect(addresses.feed)
    return socket


def open_recovery(context: "zmq.Context[zmq.Socket[bytes]]", addresses: Addresses) -> "zmq.Socket[bytes]":
    """A DEALER to ask for what was missed."""
    return open_dealer(context, addresses.recovery)
