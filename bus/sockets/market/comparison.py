"""What publishers of the same symbols say, compared: frame by frame, and span by span. No I/O.

They say the same, for what they say is a function of the log. If two do not, one of them has a fault, and a reader who
takes whichever comes first would never know. Not compared: heartbeats (each says its own), alerts (each has its own),
and the frame that begins a chain (each begins where it was started).
"""

from typing import Final

from bus.protocol.market.codec import MarketFrameHeader
from bus.protocol.market.streams import StreamsHeartbeat
from bus.sockets.market.stream_items import Differs

#: Frames that wait for another publisher to say them as well. About 300 bytes each. One that is further behind than
#: these is compared by the digests of spans alone.
FRAMES_COMPARED_MAX: Final = 16_384
#: Spans of a symbol that wait for another publisher's digest.
SPANS_COMPARED_MAX: Final = 8
#: How often a topic that differs is told.
TOLD_EVERY_NS: Final = 10_000_000_000


class Comparison:
    """See above. `endpoints`: how the publishers are called when they differ."""

    def __init__(self, endpoints: list[str]) -> None:
        self._endpoints = endpoints
        self._frames: dict[tuple[str, int, int, int, int], tuple[int, int]] = {}
        self._spans: dict[str, dict[int, tuple[bytes, int]]] = {}
        self._told: dict[str, int] = {}

    def frame(self, topic: str, header: MarketFrameHeader, publisher: int, chained: bool) -> list[Differs]:
        """A frame of a publisher. In a chained stream those are the same that name the same frame before them."""
        previous = header.previous_sequence
        if len(self._endpoints) < 2 or (chained and not previous):
            return []
        key = (topic, header.epoch, header.sequence, header.time_ns, previous if chained else 0)
        said = hash(bytes(header.events))
        known = self._frames.get(key)
        if known is None:
            self._frames[key] = (said, publisher)
            if len(self._frames) > FRAMES_COMPARED_MAX:
                del self._frames[next(iter(self._frames))]
            return []
        if known[0] == said:
            return []
        return self._differs(topic, header, known[1], publisher)

    def digest(
        self, topic: str, header: MarketFrameHeader, heartbeat: StreamsHeartbeat, publisher: int
    ) -> list[Differs]:
        """A heartbeat of a publisher, with the digest of the last span that it has said wholly."""
        if len(self._endpoints) < 2 or not heartbeat.digest:
            return []
        spans = self._spans.setdefault(topic, {})
        known = spans.get(heartbeat.segment)
        if known is None:
            spans[heartbeat.segment] = (heartbeat.digest, publisher)
            if len(spans) > SPANS_COMPARED_MAX:
                del spans[min(spans)]
            return []
        if known[0] == heartbeat.digest:
            return []
        return self._differs(topic, header, known[1], publisher)

    def _differs(self, topic: str, header: MarketFrameHeader, first: int, second: int) -> list[Differs]:
        if first == second:
            return []  # the engine took something back, and it was said anew
        told = self._told.get(topic)
        if told is not None and told <= header.time_ns < told + TOLD_EVERY_NS:
            return []
        self._told[topic] = header.time_ns
        endpoints = (self._endpoints[first], self._endpoints[second])
        return [Differs(topic, header.sequence, header.time_ns, endpoints)]
