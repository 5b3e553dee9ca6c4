"""Outputs of the core into bytes: an envelope for each session, a frame for each topic, and rings to replay from.

Each batch is encoded once: reports of an account become one Raw that goes into the envelopes of all its sessions,
into the drop-copy and into the ring. Frames are kept in rings just as they left.

The frames of each batch are hashed into a chain that begins anew with each incarnation of the engine. They are a
function of the log, so whoever encodes the same log has the same hash: `bus.replication` compares.
"""

from hashlib import sha256
from typing import Any, Final

from msgspec import Raw

from bus.core import Core
from bus.protocol.codec import encode, encode_envelope, encode_frame
from bus.protocol.feed import FEED_HEARTBEAT, STREAM_HEARTBEAT
from bus.protocol.topics import CLOCK, DROP, HEARTBEAT, parse, topic
from bus.sessions import Sessions
from bus.sockets.outbound import Departure
from bus.sockets.rings import Ring

_DROP_TOPIC: Final = DROP.encode()
_DROP_HEARTBEAT_TOPIC: Final = f"{HEARTBEAT}.{DROP}".encode()
_CLOCK_HEARTBEAT_TOPIC: Final = f"{HEARTBEAT}.{CLOCK}".encode()

#: How many symbols that have changed get a heartbeat between two of all: each may cost a checksum, about 20 us. What
#: is above it has its turn the next time.
CHANGED_HEARTBEATS_MAX: Final = 256

#: What the chain over outputs begins with.
NO_OUTPUTS: Final = bytes(32)


class _Stream:
    """A topic of the feed: as it is sent, its symbol ("" when it is none's), and its last frames."""

    __slots__ = ("ring", "symbol", "topic")

    def __init__(self, topic: bytes, symbol: str, ring: Ring[bytes]) -> None:
        self.topic = topic
        self.symbol = symbol
        self.ring = ring


class Publication:
    """Encodes what the core says. Holds the rings; sends nothing.

    `output_hash` is the chain of SHA-256 over the frames of each batch since EngineStarted, first the drop-copy, then
    topic and frame of each publication; as of the core's last sequence, once all outputs were collected. It is nobody's
    before the first EngineStarted that is collected here, unless the one of the core's state is given.
    """

    def __init__(
        self,
        core: Core,
        sessions: Sessions,
        report_ring_events_max: int,
        feed_ring_events_max: int,
        output_hash: bytes = NO_OUTPUTS,
    ) -> None:
        self._core = core
        self._sessions = sessions
        self._report_ring_events_max = report_ring_events_max
        self._feed_ring_events_max = feed_ring_events_max
        self.report_rings: dict[str, Ring[Raw]] = {}
        self.feed_rings: dict[str, Ring[bytes]] = {}
        self._streams: dict[str, _Stream] = {}
        # Reports are counted over all accounts; each account's own count is state, so this one is too.
        self._next_drop = core.report_count() + 1
        self._reports: list[tuple[str, int, int, Raw]] = []  # account, number of the first, count, encoded
        self._stamp = (0, 0, 0)  # epoch, sequence and time of the outputs taken last
        self._changed: dict[
            str, None
        ] = {}  # symbols with events since their last heartbeat, first things first
        self._checksums: dict[str, tuple[int, int]] = {}  # symbol -> (level number, checksum)
        self.output_hash = output_hash
        self._hashed_epoch = core.epoch

    @property
    def report_count(self) -> int:
        """How many reports all accounts have got."""
        return self._next_drop - 1

    def skip(self) -> None:
        """Let the core's outputs go: they left before a restart, and are too old for the rings."""
        self._next_drop += sum(len(events) for _, _, events in self._core.take_private())
        self._core.take_public()

    def encode_for_rings(self) -> Departure:
        """Put the core's outputs into the rings alone: they left before, but can be asked for again. What had left."""
        nowhere = Departure(0)
        self.collect_private(nowhere)
        self.collect_public(nowhere)
        return nowhere

    @property
    def drop_number(self) -> int:
        """Last number of the drop-copy, of the outputs that were collected."""
        return self._next_drop - 1

    def collect_private(self, departure: Departure) -> None:
        """Take the core's reports, encode them and address them to the sessions of their accounts.

        `collect_public` must follow. Two steps, so that reports can be on their way while the rest is encoded.
        """
        core = self._core
        self._stamp = epoch, sequence, time_ns = core.epoch, core.sequence, core.time_ns
        for account, first_report, events in core.take_private():
            raw = Raw(encode(events))
            for seat in self._sessions.of_account(account):
                if seat.route and not seat.suspended:
                    envelope = encode_envelope(seat.session, epoch, first_report, sequence, time_ns, raw)
                    departure.letters.append((seat, seat.route, envelope))
            self._reports.append((account, first_report, len(events), raw))

    @property
    def has_changed(self) -> bool:
        """Whether a symbol has events behind its last heartbeat."""
        return bool(self._changed)

    def collect_public(self, departure: Departure) -> bool:
        """Take the core's public events, encode the frames of the feed, and the drop-copy of the reports taken last.

        Whether a symbol has changed: ticks alone change none.
        """
        epoch, sequence, time_ns = self._stamp
        core = self._core
        symbol = ""
        numbers: tuple[int, ...] = ()
        for name, first_number, events in core.take_public():
            count = len(events)
            stream = self._streams.get(name)
            if stream is None:
                stream = self._open(name, first_number)
            if stream.symbol != symbol:  # ticks come first, and then the streams of each symbol together
                symbol = stream.symbol
                numbers = core.numbers(symbol)
                self._changed[symbol] = None
            frame = encode_frame(epoch, first_number, count, sequence, time_ns, events, numbers)
            stream.ring.add(first_number, count, frame)
            departure.public.append((stream.topic, frame))
        if self._reports:
            self._collect_drop(departure, epoch, sequence, time_ns)
        self._chain(departure, epoch)
        return bool(symbol)

    def _chain(self, departure: Departure, epoch: int) -> None:
        """Hash the frames of a batch onto those before it."""
        if epoch != self._hashed_epoch:
            self._hashed_epoch = epoch
            self.output_hash = NO_OUTPUTS
        parts = [self.output_hash]
        for _, frame in departure.drop:
            parts.append(frame)
        for name, frame in departure.public:
            parts.append(name)
            parts.append(frame)
        if len(parts) > 1:
            self.output_hash = sha256(b"".join(parts)).digest()

    def _open(self, name: str, first_number: int) -> "_Stream":
        """The first event of a topic since this process was started."""
        ring: Ring[bytes] = Ring(self._feed_ring_events_max, first_number)
        stream = _Stream(name.encode(), parse(name)[1], ring)
        self._streams[name] = stream
        self.feed_rings[name] = ring
        return stream

    def _collect_drop(self, departure: Departure, epoch: int, sequence: int, time_ns: int) -> None:
        """All reports of the outputs taken last, as one frame; and each account's into its ring."""
        groups: list[tuple[str, int, Raw]] = []
        reports = 0
        for account, first_report, count, raw in self._reports:
            ring = self.report_rings.get(account)
            if ring is None:
                ring = self.report_rings[account] = Ring(self._report_ring_events_max, first_report)
            ring.add(first_report, count, raw)
            groups.append((account, first_report, raw))
            reports += count
        self._reports = []
        first_number = self._next_drop
        self._next_drop += reports
        frame = encode_frame(epoch, first_number, reports, sequence, time_ns, groups)
        drop_ring = self.feed_rings.get(DROP)
        if drop_ring is None:
            drop_ring = self.feed_rings[DROP] = Ring(self._feed_ring_events_max, first_number)
        drop_ring.add(first_number, reports, frame)
        departure.drop.append((_DROP_TOPIC, frame))

    def heartbeats(self, departure: Departure) -> None:
        """The last number of every stream, for readers that have lost the last frame. O(symbols)."""
        core = self._core
        for symbol in core.symbols():
            self._symbol_heartbeat(departure, symbol)
        self._changed.clear()
        clock = (STREAM_HEARTBEAT, core.clock_number(), self.output_hash, core.stopped())
        self._heartbeat(departure.public, _CLOCK_HEARTBEAT_TOPIC, clock)
        self._heartbeat(departure.drop, _DROP_HEARTBEAT_TOPIC, (STREAM_HEARTBEAT, self.drop_number))

    def changed_heartbeats(self, departure: Departure) -> None:
        """The last numbers of symbols that have changed, those that wait longest first. O(symbols)."""
        for symbol in list(self._changed)[:CHANGED_HEARTBEATS_MAX]:
            del self._changed[symbol]
            self._symbol_heartbeat(departure, symbol)

    def _symbol_heartbeat(self, departure: Departure, symbol: str) -> None:
        core = self._core
        numbers = core.numbers(symbol)
        level_number, checksum = self._checksums.get(symbol, (0, 0))
        if level_number != numbers[1]:
            checksum = core.checksum(symbol)
            self._checksums[symbol] = (numbers[1], checksum)
        name = topic(HEARTBEAT, symbol).encode()
        self._heartbeat(departure.public, name, (FEED_HEARTBEAT, *numbers, checksum))

    def _heartbeat(self, to: list[tuple[bytes, bytes]], name: bytes, event: tuple[Any, ...]) -> None:
        core = self._core
        to.append((name, encode_frame(core.epoch, 0, 1, core.sequence, core.time_ns, (event,))))
