"""One chained stream: which of its frames have been given, which came early, what is missing.

No I/O. Every frame names the one before by its sequence, so frames are given when they follow what is held, dropped
when they hold nothing new, and kept, within a bound, while something before them is missing. Several publishers say the
same frames: whoever says one first is heard, the others repeat it.

A frame that begins a chain (`previous_sequence` 0, and a Resync) follows nothing: its publisher was started again, or
has missed something itself. Others may still know what was before. So it waits (`beginning`) until they were asked, and
is taken when none of them does. Without a Resync it is the first frame that there ever was, and follows anything.

    JOINING ──first frame or heartbeat──▶ FOLLOWING ──the book is wrong──▶ SYNCING (books)
                                            ▲  the engine took events back ──▶ │
                                            └───── snapshot, or a beginning ───┘

In FOLLOWING something may be missing: then the publishers are asked to replay it, and when none of them keeps it, for a
snapshot, or for the trades.
"""

import enum
from heapq import heappop, heappush
from typing import Any, Final

from bus.protocol.feed import Trade
from bus.protocol.market.codec import MarketFrameHeader
from bus.protocol.market.requests import TradeRow
from bus.protocol.market.streams import (
    DEPTH,
    PERIODS,
    RESYNC_REASONS,
    WITHDRAWN,
    WRONG_BOOK,
    Book,
    Resync,
    offset_ns,
)
from bus.protocol.topics import parse
from bus.sockets.market.event_decoding import decode_stream_events
from bus.sockets.market.stream_items import (
    JOINED,
    MISSED,
    WRONG,
    Item,
    Position,
    Published,
    Resynced,
    Skipped,
)

#: Frames that came early and wait for a gap before them to be healed, for each topic, and their bytes together. Beyond
#: it they are dropped and replayed with the rest: it is known that they exist.
EARLY_FRAMES_MAX: Final = 4_096
EARLY_BYTES_MAX: Final = 4 << 20


class State(enum.Enum):
    """Where a stream stands; see the picture above."""

    JOINING = "joining"
    FOLLOWING = "following"
    SYNCING = "syncing"


class Chain:
    """One topic. `epoch`, `sequence`, `time_ns`: how far it is held. `beginning_publisher`: who said `beginning`."""

    __slots__ = (
        "_arrivals",
        "_early",
        "_early_bytes",
        "_filled_trade_id",
        "_known",
        "_last_trade_epoch",
        "_last_trade_id",
        "_last_trade_sequence",
        "_offset_ns",
        "_period_ns",
        "_reason",
        "beginning",
        "beginning_publisher",
        "epoch",
        "is_book",
        "sequence",
        "state",
        "symbol",
        "time_ns",
        "topic",
    )

    def __init__(self, name: str, position: Position | None = None) -> None:
        kind, self.symbol = parse(name)
        base, _, period = kind.partition("-")
        self.topic = name
        self.is_book = base == DEPTH
        if position is not None:
            self.state = State.FOLLOWING
        else:
            self.state = State.SYNCING if self.is_book else State.JOINING
        self.epoch = position.epoch if position else 0
        self.sequence = position.sequence if position else 0
        self.time_ns = position.time_ns if position else 0
        self.beginning: MarketFrameHeader | None = None
        self.beginning_publisher = 0
        self._period_ns = PERIODS.get(period, 0)
        self._offset_ns = offset_ns(self.symbol)
        self._reason = JOINED  # of the next Resynced, but in FOLLOWING
        self._known = 0
        #: (sequence, previous sequence, arrival, frame, publisher), the lowest first.
        self._early: list[tuple[int, int, int, MarketFrameHeader, int]] = []
        self._early_bytes = 0
        self._arrivals = 0
        self._last_trade_id = position.trade_id if position else 0
        self._last_trade_sequence = 0  # 0: not known, of another life
        self._last_trade_epoch = self.epoch
        #: Trades up to this one were given by request, or in another life, and may come once more in a frame.
        self._filled_trade_id = self._last_trade_id

    @property
    def position(self) -> Position:
        """How far it is held."""
        return Position(self.epoch, self.sequence, self.time_ns, self._last_trade_id)

    @property
    def known(self) -> int:
        """The last sequence that is known to exist."""
        return self._known

    @property
    def incomplete(self) -> bool:
        """Whether the publishers have to be asked."""
        return self.state is State.SYNCING or (self.state is State.FOLLOWING and self._known > self.sequence)

    @property
    def is_owed(self) -> bool:
        """Whether publishers that have nothing newer may still say what was before `beginning`: see `streams`."""
        return bool(self._period_ns) and self.beginning is not None

    @property
    def trades_from(self) -> tuple[int, int] | None:
        """`(from_trade_id, from_ns)` of the last trade that is held, or the first that is not; one of them is 0.

        None when neither is known. The last one is asked for again, since it may never have happened.
        """
        if self._last_trade_id:
            return self._last_trade_id, 0
        return (0, self.time_ns + 1) if self.time_ns else None

    # What is published.

    def take(self, header: MarketFrameHeader, publisher: int) -> list[Item]:
        """A frame of the live stream."""
        if header.epoch < self.epoch:
            return []  # its engine is no longer the engine; what it said and the new one kept was given before
        if (header.epoch > self.epoch and self._contradicts(header)) or self._tells_again(header):
            self._withdraw(header.epoch)
        if header.sequence <= self.sequence and self.state is not State.SYNCING:
            if header.sequence == self.sequence and _reason_to_begin(header) == WRONG_BOOK:
                return self._take_beginning(header, WRONG_BOOK, publisher)
            return []
        self._known = max(self._known, header.sequence)
        reason = _reason_to_begin(header)
        if reason:
            return self._take_beginning(header, reason, publisher)
        if self.state is State.JOINING:
            self._stand(header.epoch, header.previous_sequence, 0)
        if self.state is State.SYNCING or header.previous_sequence > self.sequence:
            self._keep(header, publisher)
            return []
        return [*self._give(header, publisher), *self._give_early()]

    def take_last(self, epoch: int, sequence: int, time_ns: int, reached: int) -> None:
        """The last frame that a publisher said, which has come so far in the log (`reached`): it came, or is lost."""
        if epoch < self.epoch or not sequence:
            return
        # It has come past the last trade that is held, and its own last one is an earlier one.
        lost = not self.is_book and sequence < self._last_trade_sequence <= reached
        if epoch > self.epoch and (reached < self.sequence or lost):
            self._withdraw(epoch)
        if self.state is State.JOINING:
            self._stand(epoch, sequence, time_ns)
        self._known = max(self._known, sequence)

    # What publishers answer.

    def take_replayed(self, headers: list[MarketFrameHeader], publisher: int) -> list[Item]:
        """Frames that this publisher keeps, oldest first; they follow what is held, or begin a chain."""
        if self.state is State.SYNCING:
            return []  # what was asked for is of no use any more
        items: list[Item] = []
        for header in headers:
            if header.epoch < self.epoch or header.sequence <= self.sequence:
                continue
            if (header.epoch > self.epoch and self._contradicts(header)) or self._tells_again(header):
                self._withdraw(header.epoch)
            reason = _reason_to_begin(header)
            if reason:
                items.extend(self._take_beginning(header, reason, publisher))
            elif header.previous_sequence > self.sequence:
                self._keep(header, publisher)  # follows the beginning before it
            else:
                items.extend(self._give(header, publisher))
        return [*items, *self._give_early()]

    def take_nothing_newer(self, epoch: int, sequence: int, time_ns: int) -> list[Item]:
        """A publisher that has come so far in the log knows of nothing that follows what is held.

        When it has come as far as the beginning of another one's chain, nothing lies between: the beginning tells
        nothing new. A conflated stream owes changes until its next period.
        """
        beginning = self.beginning
        if beginning is None or epoch < beginning.epoch:
            return []
        if self._period_ns:
            began_ns = beginning.time_ns - self._offset_ns
            proved = (time_ns - self._offset_ns) // self._period_ns > began_ns // self._period_ns
        else:
            proved = sequence >= beginning.sequence
        events = decode_stream_events(beginning.events) if proved else None
        if events is None or (not self.is_book and len(events) > 1):
            return []
        self._stand(beginning.epoch, beginning.sequence, beginning.time_ns)
        return self._give_early()

    def take_book(self, book: Book, epoch: int, time_ns: int) -> list[Item]:
        """A snapshot; one that is older than what is held heals nothing."""
        if epoch < self.epoch or (self.state is State.FOLLOWING and book.sequence < self.sequence):
            return []
        reason = self._stand(epoch, book.sequence, time_ns)
        told = Resynced(self.topic, reason, epoch, book.sequence, time_ns, book)
        return [told, *self._give_early()]

    def take_trades(
        self, rows: list[TradeRow], more: bool, epoch: int, sequence: int, time_ns: int
    ) -> list[Item]:
        """Trades from `trades_from` on, oldest first: all as of `sequence`, or with `more` only the first of them."""
        if epoch < self.epoch or (not more and sequence < self.sequence):
            return []
        items: list[Item] = []
        if epoch > self.epoch and self._is_lost(rows):
            self._withdraw(epoch)
        # While they were under way, frames may have brought some of them.
        rows = [row for row in rows if row.trade.trade_id > self._last_trade_id]
        if more and not rows:
            return []
        if rows and self._last_trade_id and rows[0].trade.trade_id > self._last_trade_id + 1:
            items.append(Skipped(self.topic, self.sequence, rows[0].trade.sequence - 1))
        if more:
            # The last one's command may have made more trades: they come with the next rows, or with their frame.
            epoch, sequence, time_ns = self.epoch, rows[-1].trade.sequence - 1, rows[-1].trade.time_ns
        reason = self._stand(epoch, sequence, time_ns)
        if rows:
            self._last_trade_id = self._filled_trade_id = rows[-1].trade.trade_id
            self._last_trade_sequence, self._last_trade_epoch = rows[-1].trade.sequence, epoch
        items.append(Resynced(self.topic, reason, epoch, sequence, time_ns, None, rows))
        return [*items, *self._give_early()]

    def take_what_there_is(self) -> list[Item]:
        """Nobody can give what is missing: go on with a chain that has begun, of trades also with what came early."""
        if self.beginning is not None:
            beginning, skipped = self.beginning, self._skipped(self.beginning.sequence)
            return [*skipped, *self._begin(beginning, self.beginning_publisher)]
        if self.is_book:
            return []
        if not self._early:
            if self._reason != RESYNC_REASONS[WITHDRAWN]:
                return []
            reason = self._stand(self.epoch, self._known, 0)
            return [Resynced(self.topic, reason, self.epoch, self.sequence, 0)]
        _, previous, _, header, _ = self._early[0]
        skipped = self._skipped(previous)
        reason = self._stand(header.epoch, previous, 0)
        self._last_trade_id = 0
        told = Resynced(self.topic, reason, header.epoch, previous, 0)
        return [*skipped, told, *self._give_early()]

    def resync(self) -> None:
        """The book is wrong: begin it anew, with a snapshot."""
        assert self.is_book, "only books have snapshots"
        self.state = State.SYNCING
        self._reason = WRONG

    # Inside.

    def _contradicts(self, header: MarketFrameHeader) -> bool:
        """Whether a frame of a newer epoch says that what is held never happened.

        One that follows a frame before it may also just know nothing of a point of the log between two frames. But
        nobody can tell these apart, and to begin anew is right in both cases.
        """
        if header.sequence <= self.sequence:
            return True
        reason = _reason_to_begin(header)
        if reason:
            return reason == WITHDRAWN
        return header.previous_sequence < self.sequence

    def _tells_again(self, header: MarketFrameHeader) -> bool:
        """Whether its first trade has the number of one that an earlier life of the engine made, and is another one."""
        if self.is_book or not self._last_trade_sequence or header.epoch <= self._last_trade_epoch:
            return False
        first = next(
            (event for event in decode_stream_events(header.events) or () if isinstance(event, Trade)), None
        )
        return (
            first is not None
            and first.trade_id <= self._last_trade_id
            and first.sequence > self._last_trade_sequence
        )

    def _is_lost(self, rows: list[TradeRow]) -> bool:
        """Whether the last trade that is held is none of an engine that was started again, as these rows have it."""
        if not self._last_trade_id:
            return False
        if not rows:
            return True
        first = rows[0].trade
        known = self._last_trade_sequence
        return first.trade_id == self._last_trade_id and known not in (0, first.sequence)

    def _withdraw(self, epoch: int) -> None:
        """The engine was started again without something that is held: all is asked for anew."""
        if self.state is State.FOLLOWING:
            self.state = State.SYNCING if self.is_book else State.FOLLOWING
            self._reason = RESYNC_REASONS[WITHDRAWN]
        self.epoch = epoch
        self.sequence = self.time_ns = self._known = 0
        self._last_trade_id = self._filled_trade_id = 0
        self._early, self._early_bytes = [], 0
        self.beginning = None

    def _stand(self, epoch: int, sequence: int, time_ns: int) -> str:
        """This is held now. Gives the reason why, if it is not what followed."""
        reason = MISSED if self._reason == JOINED and self.state is State.FOLLOWING else self._reason
        self._reason = JOINED
        self.state = State.FOLLOWING
        self.epoch, self.sequence, self.time_ns = epoch, sequence, time_ns
        if self.beginning is not None and self.beginning.sequence <= sequence:
            self.beginning = None
        return reason

    def _begin(self, header: MarketFrameHeader, publisher: int) -> list[Item]:
        """Take a frame that begins a chain."""
        events = decode_stream_events(header.events)
        if not events or not isinstance(events[0], Resync):
            return []  # no frame of this protocol: as if it had been lost
        book = next((event for event in events if isinstance(event, Book)), None)
        if self.is_book and book is None:
            return []
        joined = self.state is State.JOINING
        theirs = RESYNC_REASONS.get(events[0].reason, str(events[0].reason))
        ours = self._stand(header.epoch, header.sequence, header.time_ns)
        self.beginning = None
        items: list[Item] = []
        if not joined:
            reason = theirs if ours == MISSED else ours
            items.append(Resynced(self.topic, reason, header.epoch, header.sequence, header.time_ns, book))
        rest = [event for event in events[1:] if not isinstance(event, Book)]
        items.extend(self._told(header, rest, publisher))
        return [*items, *self._give_early()]

    def _give(self, header: MarketFrameHeader, publisher: int) -> list[Item]:
        """A frame that follows."""
        events = decode_stream_events(header.events)
        if events is None:
            return []  # no frame of this protocol: as if it had been lost
        self.state = State.FOLLOWING
        self.epoch, self.sequence, self.time_ns = header.epoch, header.sequence, header.time_ns
        if self.beginning is not None and self.beginning.sequence <= self.sequence:
            self.beginning = None
        return self._told(header, events, publisher)

    def _told(self, header: MarketFrameHeader, events: list[Any], publisher: int) -> list[Item]:
        if not self.is_book:
            filled = self._filled_trade_id
            if filled:
                events = [
                    event for event in events if not (isinstance(event, Trade) and event.trade_id <= filled)
                ]
                self._filled_trade_id = 0 if any(isinstance(event, Trade) for event in events) else filled
            last = next((event for event in reversed(events) if isinstance(event, Trade)), None)
            if last is not None:
                self._last_trade_id, self._last_trade_sequence = last.trade_id, last.sequence
                self._last_trade_epoch = header.epoch
        if not events:
            return []
        return [Published(self.topic, header.epoch, header.sequence, header.time_ns, events, publisher)]

    def _give_early(self) -> list[Item]:
        items: list[Item] = []
        while self._early:
            sequence, previous, _, header, publisher = self._early[0]
            if sequence > self.sequence and header.epoch >= self.epoch:
                if previous > self.sequence or self.state is not State.FOLLOWING:
                    break
                if header.epoch > self.epoch and self.sequence and self._contradicts(header):
                    self._withdraw(header.epoch)
                    self._keep(header, publisher)
                    break
                items.extend(self._give(header, publisher))
            heappop(self._early)
            self._early_bytes -= len(header.events)
        return items

    def _take_beginning(self, header: MarketFrameHeader, reason: int, publisher: int) -> list[Item]:
        """A frame that begins a chain."""
        if reason == WRONG_BOOK and self.is_book:
            # What is held may be what that publisher said, so it does not help that others know what follows it.
            if self.state is State.FOLLOWING:
                self.state = State.SYNCING
                self._reason = RESYNC_REASONS[WRONG_BOOK]
            return self._begin(header, publisher)
        if self.state is State.FOLLOWING and self.sequence:
            self._doubt(header, publisher)
            return []
        return self._begin(header, publisher)

    def _doubt(self, header: MarketFrameHeader, publisher: int) -> None:
        """A chain begins behind what is held. The first of several: the others follow from it."""
        self._known = max(self._known, header.sequence)
        if self.beginning is None or header.sequence < self.beginning.sequence:
            self.beginning = header
            self.beginning_publisher = publisher

    def _keep(self, header: MarketFrameHeader, publisher: int) -> None:
        self._known = max(self._known, header.sequence)
        self._early_bytes += len(header.events)
        if len(self._early) >= EARLY_FRAMES_MAX or self._early_bytes > EARLY_BYTES_MAX:
            self._early, self._early_bytes = [], 0
            return
        self._arrivals += 1
        heappush(self._early, (header.sequence, header.previous_sequence, self._arrivals, header, publisher))

    def _skipped(self, sequence: int) -> list[Item]:
        if self.is_book or not self.sequence:
            return []
        return [Skipped(self.topic, self.sequence, sequence)]


def _reason_to_begin(header: MarketFrameHeader) -> int:
    """Why a chain begins with this frame; 0 when none does."""
    if header.previous_sequence:
        return 0
    events = decode_stream_events(header.events)
    first = events[0] if events else None
    return first.reason if isinstance(first, Resync) else 0
