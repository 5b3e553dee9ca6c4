"""A stranger who listens to a publisher and asks it, over real sockets, with nothing of the client classes."""

from collections.abc import Callable
from types import TracebackType
from typing import Any, TypeVar

import zmq

from bus.clock import monotonic_ns
from bus.protocol.codec import encode_message
from bus.protocol.control import Refused
from bus.protocol.market.codec import (
    MarketEnvelope,
    MarketFrame,
    decode_market_envelope,
    decode_market_frame,
)

T = TypeVar("T")

#: Nothing is waited for longer unless it is broken.
PATIENCE_S = 30.0


class MarketEars:
    """`heard` has every frame since the start, by topic."""

    def __init__(self, port: int, *prefixes: str) -> None:
        self._context: zmq.Context[zmq.Socket[bytes]] = zmq.Context()
        self._streams = self._context.socket(zmq.SUB)
        self._requests = self._context.socket(zmq.DEALER)
        self._streams.setsockopt(zmq.RCVHWM, 0)
        self._streams.setsockopt(zmq.RECONNECT_IVL, 20)
        self._requests.setsockopt(zmq.RECONNECT_IVL, 20)
        for prefix in prefixes:
            self._streams.setsockopt(zmq.SUBSCRIBE, prefix.encode())
        self._streams.connect(f"tcp://127.0.0.1:{port}")
        self._requests.connect(f"tcp://127.0.0.1:{port + 1}")
        self._next_id = 1
        self.heard: dict[str, list[MarketFrame]] = {}

    def subscribe(self, prefix: str) -> None:
        """Listen to more."""
        self._streams.setsockopt(zmq.SUBSCRIBE, prefix.encode())

    def until(self, holds: Callable[[], bool]) -> None:
        """Listen until the condition holds."""
        deadline = monotonic_ns() + int(PATIENCE_S * 1e9)
        while not holds():
            assert monotonic_ns() < deadline, f"it did not happen; heard {_counts(self.heard)}"
            self.listen(50)

    def listen(self, wait_ms: int = 0) -> None:
        """Take what waits."""
        while self._streams.poll(wait_ms):
            name, payload = self._streams.recv_multipart()
            self.heard.setdefault(name.decode(), []).append(decode_market_frame(payload))
            wait_ms = 0

    def frames(self, topic: str) -> list[MarketFrame]:
        """What was heard on a topic."""
        return self.heard.get(topic, [])

    def envelope(self, payload: bytes) -> MarketEnvelope:
        """The answer to raw bytes."""
        self._requests.send(payload)
        assert self._requests.poll(int(PATIENCE_S * 1000)), "it does not answer"
        return decode_market_envelope(self._requests.recv())

    def send_parts(self, *parts: bytes) -> MarketEnvelope:
        """The answer to a message of several parts."""
        self._requests.send_multipart(parts)
        assert self._requests.poll(int(PATIENCE_S * 1000)), "it does not answer"
        return decode_market_envelope(self._requests.recv())

    def ask(self, request: object) -> Any:
        """The answer to a request, refused or not."""
        self._next_id += 1
        envelope = self.envelope(encode_message(0, self._next_id, 0, [request]))
        (answer,) = envelope.items
        assert answer.correlation_id == self._next_id
        return answer

    def answer(self, request: object, kind: type[T]) -> T:
        """The answer to a request, asked for again while it is refused: something may not be known yet."""
        deadline = monotonic_ns() + int(PATIENCE_S * 1e9)
        while isinstance(answer := self.ask(request), Refused):
            assert monotonic_ns() < deadline, answer
            self.listen(20)
        assert isinstance(answer, kind), answer
        return answer

    def __enter__(self) -> "MarketEars":
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._context.destroy(linger=0)


def _counts(heard: dict[str, list[MarketFrame]]) -> dict[str, int]:
    return {name: len(frames) for name, frames in heard.items()}
