"""How far a publisher's depth is behind the engine's feed: one reader that hears both, and one clock.

A frame of `level.` and the frame of `depth.` that is made of it are told by the log sequence of their last event. The
lag is the time from the receipt of the one to the receipt of the other, so it has the way through the publisher and two
ways through the network less one. One symbol is looked at, so that the reader itself costs little. Where a relay takes
the publisher's place, its frames are the engine's. Called by `live`.
"""

import time
from typing import Final

import zmq

from bus.addresses import Addresses
from bus.protocol.codec import decode_frame
from bus.protocol.feed import Level
from bus.protocol.market.codec import decode_market_frame_header
from bus.protocol.market.streams import DEPTH
from bus.protocol.topics import LEVEL, topic

_NOBLOCK: Final = int(zmq.NOBLOCK)
_RECEIVE_HIGH_WATER_MARK: Final = 1_000_000
_NS_PER_S: Final = 1_000_000_000
_QUIET_S: Final = 0.5


class Lags:
    """Subscribed from the beginning on; `take` for so long, or `take_all`."""

    def __init__(self, where: Addresses, symbol: str, *, relayed: bool = False) -> None:
        self._context: zmq.Context[zmq.Socket[bytes]] = zmq.Context()
        self._feed = self._subscribed(where.feed, topic(LEVEL, symbol))
        self._streams = self._subscribed(where.market_data, topic(LEVEL if relayed else DEPTH, symbol))
        self._sequence_told = _last_sequence if relayed else _sequence_of_stream
        self._poller = zmq.Poller()
        self._poller.register(self._feed, zmq.POLLIN)
        self._poller.register(self._streams, zmq.POLLIN)
        #: By log sequence, when the engine's frame was received, and when the publisher's.
        self._said_ns: dict[int, int] = {}
        self._told_ns: dict[int, int] = {}

    def take(self, seconds: float) -> None:
        """Read what comes."""
        end_ns = time.perf_counter_ns() + int(seconds * _NS_PER_S)
        while (left_ns := end_ns - time.perf_counter_ns()) > 0:
            self._poller.poll(max(1, left_ns // 1_000_000))
            self._take_feed()
            self._take_streams()

    def take_all(self) -> None:
        """Read until nothing new has come for half a second."""
        before = -1
        while before != len(self._said_ns):
            before = len(self._said_ns)
            self.take(_QUIET_S)

    def found(self) -> list[tuple[int, int]]:
        """`(when the engine's frame came, lag)` in ns, in their order."""
        told = self._told_ns
        return [(said, told[sequence] - said) for sequence, said in self._said_ns.items() if sequence in told]

    @property
    def missing(self) -> int:
        """Frames of the engine without one of the publisher, up to the last that came."""
        last = max(self._told_ns, default=0)
        return sum(1 for sequence in self._said_ns if sequence < last and sequence not in self._told_ns)

    def close(self) -> None:
        """Disconnect."""
        self._context.destroy(linger=0)

    def _take_feed(self) -> None:
        receive, now = self._feed.recv, time.perf_counter_ns
        try:
            while True:
                receive(_NOBLOCK)
                self._said_ns.setdefault(_last_sequence(receive()), now())
        except zmq.Again:
            pass

    def _take_streams(self) -> None:
        receive, now = self._streams.recv, time.perf_counter_ns
        try:
            while True:
                receive(_NOBLOCK)
                self._told_ns.setdefault(self._sequence_told(receive()), now())
        except zmq.Again:
            pass

    def _subscribed(self, endpoint: str, name: str) -> "zmq.Socket[bytes]":
        socket = self._context.socket(zmq.SUB)
        socket.setsockopt(zmq.RCVHWM, _RECEIVE_HIGH_WATER_MARK)
        socket.setsockopt(zmq.SUBSCRIBE, name.encode())
        socket.connect(endpoint)
        return socket


def _last_sequence(payload: bytes) -> int:
    """Of a frame of `level.`."""
    last = decode_frame(payload).events[-1]
    assert isinstance(last, Level), "what the topic has"
    return last.sequence


def _sequence_of_stream(payload: bytes) -> int:
    """Of a frame of `depth.`."""
    return decode_market_frame_header(payload).sequence
