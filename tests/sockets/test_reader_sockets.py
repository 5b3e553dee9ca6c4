"""A reader that is far behind stays alive: what its SUB may not do is ping."""

from collections.abc import Callable

import pytest
import zmq

from bus.addresses import addresses
from bus.sockets.market.market_sockets import open_streams, publisher_at
from bus.sockets.reading.reader_sockets import open_subscription


def of_the_feed(context: "zmq.Context[zmq.Socket[bytes]]") -> "zmq.Socket[bytes]":
    return open_subscription(context, addresses(9, "127.0.0.1"), ["clock."])


def of_a_publisher(context: "zmq.Context[zmq.Socket[bytes]]") -> "zmq.Socket[bytes]":
    return open_streams(context, publisher_at(9), ["depth."])


@pytest.mark.parametrize("opened", [of_the_feed, of_a_publisher])
def test_the_kernel_looks_after_the_connection_and_not_a_ping(
    opened: Callable[["zmq.Context[zmq.Socket[bytes]]"], "zmq.Socket[bytes]"],
) -> None:
    """With a ping libzmq 4.3.5 aborts the process when the reader has been behind for longer than that takes."""
    with zmq.Context() as context, opened(context) as socket:
        assert socket.getsockopt(zmq.HEARTBEAT_IVL) == 0
        assert socket.getsockopt(zmq.TCP_KEEPALIVE) == 1
        assert socket.getsockopt(zmq.TCP_KEEPALIVE_IDLE) == 5
