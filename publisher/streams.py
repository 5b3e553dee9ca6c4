"""What one symbol's market says, stream by stream: frames with their numbers, kept for who comes late.

Each stream has a chain (every frame names the one before), the newest frame, and, where a gap matters, a ring of the
last frames. All frames of a span of 10 s of engine time have one digest, so that publishers can compare what they said:
over topic, sequence, time and events, not over the chain, which begins where a publisher began.

No I/O: frames are collected in `departing` until somebody takes them. Called by `market`.
"""

from collections import deque
from collections.abc import Sequence
from hashlib import blake2b
from typing import Any, Final

from bus.protocol.codec import encode
from bus.protocol.market.codec import encode_market_frame
from bus.protocol.market.streams import RESYNC, STREAMS_HEARTBEAT, STREAMS_HEARTBEAT_TOPIC
from bus.protocol.topics import topic

#: The span of one digest.
SEGMENT_NS: Final = 10_000_000_000
DIGEST_BYTES: Final = 16
_NEVER: Final = 2**63

#: (topic, frame)
Frame = tuple[bytes, bytes]


class Stream:
    """One topic. `sequence` and `time_ns` are those of the last frame; `next_previous` what the next one names.

    `next_previous` is None while the chain has not begun.
    """

    __slots__ = ("last", "name", "next_previous", "ring", "sequence", "time_ns", "topic")

    def __init__(self, name: str, ring_frames_max: int) -> None:
        self.name = name
        self.topic = name.encode()
        self.sequence = 0
        self.time_ns = 0
        self.next_previous: int | None = None
        self.last = b""
        #: (previous sequence, sequence, frame); of length 0 for a stream whose frames are whole.
        self.ring: deque[tuple[int, int, bytes]] = deque(maxlen=ring_frames_max)


class SymbolStreams:
    """All streams of one symbol."""

    __slots__ = (
        "_digest",
        "_ring_frames_max",
        "_segment",
        "_streams",
        "_whole_from",
        "departing",
        "digest",
        "digest_segment",
        "epoch",
        "frames",
        "symbol",
    )

    def __init__(self, symbol: str, ring_frames_max: int) -> None:
        self.symbol = symbol
        self.epoch = 0
        self.departing: list[Frame] = []
        self.frames = 0  # how many were said
        #: The last span that was said from its beginning, and its digest.
        self.digest_segment = 0
        self.digest = b""
        self._ring_frames_max = ring_frames_max
        self._streams: dict[str, Stream] = {}
        self._segment = 0
        #: The first span that may have a digest: see StreamsHeartbeat.
        self._whole_from = _NEVER
        self._digest = blake2b(digest_size=DIGEST_BYTES)

    def stream(self, kind: str, *, chained: bool = False) -> Stream:
        """The stream of a kind, made when it is not there yet."""
        found = self._streams.get(kind)
        if found is None:
            ring = self._ring_frames_max if chained else 0
            found = self._streams[kind] = Stream(topic(kind, self.symbol), ring)
        return found

    def by_topic(self, name: str) -> Stream | None:
        """The stream of a topic, None when nothing was said on it."""
        kind, _, rest = name.partition(".")
        return self._streams.get(kind) if rest == f"{self.symbol}." else None

    def say(self, stream: Stream, sequence: int, time_ns: int, events: Sequence[Any]) -> None:
        """One frame of a chain that has begun, or of a stream whose frames are whole."""
        self.reach(time_ns)
        encoded = encode(events)
        self._digest.update(b"%b %d %d %b" % (stream.topic, sequence, time_ns, encoded))
        self._say(stream, stream.next_previous or 0, sequence, time_ns, encoded)

    def say_aside(self, stream: Stream, sequence: int, time_ns: int, events: Sequence[Any]) -> None:
        """A frame that other publishers need not say: it is in no digest."""
        self._say(stream, stream.next_previous or 0, sequence, time_ns, encode(events))

    def begin(self, stream: Stream, reason: int, sequence: int, time_ns: int, events: Sequence[Any]) -> None:
        """The chain begins with this frame. Its span has no digest: other publishers did not begin here."""
        self.reach(time_ns)
        self._whole_from = self._segment + 2
        stream.ring.clear()
        self._say(stream, 0, sequence, time_ns, encode([(RESYNC, reason), *events]))

    def spoil(self) -> None:
        """Something was not said that others said: no digest of any span until chains have begun anew."""
        self._whole_from = _NEVER

    def _say(self, stream: Stream, previous: int, sequence: int, time_ns: int, events: bytes) -> None:
        frame = encode_market_frame(self.epoch, sequence, previous, time_ns, events)
        stream.sequence = stream.next_previous = sequence
        stream.time_ns = time_ns
        stream.last = frame
        if stream.ring.maxlen:
            stream.ring.append((previous, sequence, frame))
        self.frames += 1
        self.departing.append((stream.topic, frame))

    def reach(self, time_ns: int) -> None:
        """The symbol's time is this: spans that are over get their digest."""
        segment = time_ns // SEGMENT_NS
        if segment == self._segment:
            return
        if segment - 1 >= self._whole_from:
            # When nothing happened for longer than a span, the last one is compared: it is empty for everybody.
            empty = self._segment != segment - 1
            self.digest = (blake2b(digest_size=DIGEST_BYTES) if empty else self._digest).digest()
            self.digest_segment = segment - 1
        self._segment = segment
        self._digest = blake2b(digest_size=DIGEST_BYTES)

    def heartbeat(
        self, publisher: str, time_ns: int, log_sequence: int, healing: bool, checksum: int
    ) -> Frame:
        """The last frame of each stream. Not part of any chain or digest."""
        rows = [
            (stream.name, stream.sequence, stream.time_ns) for stream in self._streams.values() if stream.last
        ]
        event = (STREAMS_HEARTBEAT, publisher, rows, self.digest_segment, self.digest, healing, checksum)
        frame = encode_market_frame(self.epoch, log_sequence, 0, time_ns, encode([event]))
        return topic(STREAMS_HEARTBEAT_TOPIC, self.symbol).encode(), frame

    def after(self, stream: Stream, sequence: int) -> list[bytes] | None:
        """The frames that follow for a reader who holds the stream as of `sequence`; None when they are not kept."""
        ring = stream.ring
        if ring.maxlen and stream.sequence <= sequence:
            return []
        found = [frame for _, of_frame, frame in ring if of_frame > sequence]
        if not ring.maxlen:
            return [stream.last]
        # A chain that begins (0) takes any reader along.
        return found if found and ring[-len(found)][0] <= sequence else None

    def latest(self, prefix: bytes) -> list[Frame]:
        """The newest frame of each stream without a ring whose topic begins so."""
        return [
            (stream.topic, stream.last)
            for stream in self._streams.values()
            if stream.last and not stream.ring.maxlen and stream.topic.startswith(prefix)
        ]
