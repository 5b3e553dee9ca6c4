"""A reader that comes late, under load: from nothing to a book that goes on by itself, and how long that takes.

    connect, subscribe to depth. ─▶ ask for the whole book ─▶ drop what it holds ─▶ the first change behind it

The rule of the protocol; what was missed between the snapshot and the first frame is asked for. Called by `live`.
"""

import time
from typing import Final

import zmq

from bus.addresses import Addresses
from bus.errors import NotConnected
from bus.protocol.codec import encode_message
from bus.protocol.feed import Level
from bus.protocol.market.codec import MarketFrame, decode_market_envelope, decode_market_frame
from bus.protocol.market.requests import DepthAnswer, DepthRequest, StreamReplay, StreamReplayed
from bus.protocol.market.streams import DEPTH
from bus.protocol.terms import BUY
from bus.protocol.topics import topic
from bus.sockets.session.dealer import open_dealer

_TIMEOUT_MS: Final = 10_000


class Joiner:
    """One reader, from its beginning on; `levels` is how many its book has at the end."""

    def __init__(self, where: Addresses, symbol: str) -> None:
        self._where = where
        self._symbol = symbol
        self._topic = topic(DEPTH, symbol)
        self._book: dict[tuple[int, int], int] = {}
        self._sequence = 0
        self._waiting: list[MarketFrame] = []
        self._asked = False

    @property
    def levels(self) -> int:
        """Of its book."""
        return len(self._book)

    def join(self) -> int:
        """Nanoseconds until the first change behind the snapshot was in the book. Raises NotConnected."""
        start_ns = time.perf_counter_ns()
        context: zmq.Context[zmq.Socket[bytes]] = zmq.Context()
        try:
            streams = context.socket(zmq.SUB)
            streams.setsockopt(zmq.SUBSCRIBE, self._topic.encode())
            streams.connect(self._where.market_data)
            requests = open_dealer(context, self._where.market_requests)
            requests.send(encode_message(0, 1, 0, [DepthRequest(self._symbol)]))
            poller = zmq.Poller()
            poller.register(streams, zmq.POLLIN)
            poller.register(requests, zmq.POLLIN)
            while True:
                sources = dict(poller.poll(_TIMEOUT_MS))
                if not sources:
                    raise NotConnected(f"nothing came within {_TIMEOUT_MS // 1000} s")
                if requests in sources:
                    self._take_answer(requests.recv())
                if streams in sources:
                    self._waiting.append(decode_market_frame(streams.recv_multipart()[1]))
                if self._go_on(requests):
                    return time.perf_counter_ns() - start_ns
        finally:
            context.destroy(linger=0)

    def _take_answer(self, payload: bytes) -> None:
        for answer in decode_market_envelope(payload).items:
            if isinstance(answer, DepthAnswer):
                self._sequence = answer.sequence
                for side, rows in enumerate((answer.bids, answer.asks), BUY):
                    self._book.update({(side, price): quantity for price, quantity, _ in rows})
            elif isinstance(answer, StreamReplayed):
                self._asked = False
                self._waiting[:0] = map(decode_market_frame, answer.frames)
            else:
                raise AssertionError(f"it is not given: {answer}")

    def _go_on(self, requests: "zmq.Socket[bytes]") -> bool:
        """Whether a change behind the snapshot is in the book."""
        if not self._sequence:
            return False
        done = False
        while self._waiting:
            frame = self._waiting[0]
            if frame.sequence <= self._sequence:
                del self._waiting[0]
                continue
            if frame.previous_sequence > self._sequence:
                if not self._asked:
                    self._asked = True
                    requests.send(encode_message(0, 2, 0, [StreamReplay(self._topic, self._sequence)]))
                return False
            for event in frame.events:
                if isinstance(event, Level):
                    self._apply(event)
            self._sequence = frame.sequence
            del self._waiting[0]
            done = True
        return done

    def _apply(self, level: Level) -> None:
        key = (level.side, level.price_ticks)
        if level.quantity_lots:
            self._book[key] = level.quantity_lots
        else:
            self._book.pop(key, None)
