"""A client's DEALER: the options that every client of the engine's ROUTERs uses."""

import zmq

#: After a close, what was handed to ZeroMQ has this long to leave: a last cancel is worth a moment, not a hang.
LINGER_MS = 100


def open_dealer(
    context: "zmq.Context[zmq.Socket[bytes]]", endpoint: str, send_high_water_mark: int = 0
) -> "zmq.Socket[bytes]":
    """A new socket that connects to an endpoint, and again whenever the connection breaks.

    No routing id of our own: the engine refuses chosen ones. No bound on what waits to be sent, because the client's
    core bounds what is unanswered, and a bound here would only make sending fail half way through a message. Who asks
    without end gives one.
    """
    socket = context.socket(zmq.DEALER)
    socket.setsockopt(zmq.LINGER, 0)
    socket.setsockopt(zmq.SNDHWM, send_high_water_mark)
    socket.setsockopt(zmq.RECONNECT_IVL, 50)
    socket.setsockopt(zmq.RECONNECT_IVL_MAX, 1000)
    socket.connect(endpoint)
    return socket
