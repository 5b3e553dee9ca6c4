"""The order of one topic: which of its events have been given, which came early, which are missing.

No I/O. The rule: events are given by rising number without a gap; what has a number that was given is dropped; what
comes early waits, within a bound, while what is missing is asked for. A frame is given whole but for what was given
before: it holds the events of one batch, the first time and whenever it is replayed.

    JOINING ──first frame or heartbeat──▶ FOLLOWING ──missing events are not kept──▶ SYNCING (books)
                                            ▲                                          │
                                            └────────────── snapshot ──────────────────┘

A newer epoch goes on with the numbers of the one before. If it starts at a number that was given already, the engine
has lost what it said, and the reader is ahead of it: a book starts anew, any other stream takes events back.
"""

import enum
from heapq import heappop, heappush

from bus.protocol.codec import FrameHeader
from bus.protocol.topics import LEVEL, ORDER, parse
from bus.sockets.reading.batch_numbers import numbers_of
from bus.sockets.reading.event_decoding import decode_events
from bus.sockets.reading.feed_items import Item, Run, Skipped, Withdrawn

#: Events that came early and wait for a gap before them to be healed, for each topic. As many as the engine keeps to
#: replay: a gap that grows larger can be healed by asking again as well as by waiting. Not Final, since tests make it
#: smaller.
EARLY_EVENTS_MAX = 65_536


class State(enum.Enum):
    """Where a topic stands; see the picture above."""

    JOINING = "joining"
    FOLLOWING = "following"
    SYNCING = "syncing"


class TopicOrder:
    """One topic. `next_number`: the number of the event that is given next; 0 while JOINING."""

    def __init__(self, name: str, *, from_number: int = 0, snapshot: bool = False) -> None:
        self.kind, self.symbol = parse(name)
        self.topic = name
        self.is_book = self.kind in (LEVEL, ORDER)
        self.next_number = from_number
        self.epoch = 0
        if snapshot:
            self.state = State.SYNCING
        else:
            self.state = State.FOLLOWING if from_number else State.JOINING
        self._last_known = 0
        self._doubtful_from = 0
        self._early: list[tuple[int, int, FrameHeader]] = []
        self._early_events = 0
        self._arrivals = 0

    @property
    def missing(self) -> tuple[int, int] | None:
        """The first and last number that are known to exist, and were not given."""
        if self.state is State.FOLLOWING and self.next_number <= self._last_known:
            first_early = self._early[0][0] if self._early else self._last_known + 1
            return self.next_number, max(self.next_number, first_early - 1)
        return None

    @property
    def incomplete(self) -> bool:
        """Whether the recovery service has to be asked."""
        return self.state is State.SYNCING or self.missing is not None

    # What is published.

    def take(self, header: FrameHeader) -> list[Item]:
        """A frame of the live stream."""
        if header.epoch < self.epoch:
            return []  # of an engine that is no longer the engine; what it said before is replayed by the new one
        items: list[Item] = []
        if header.epoch > self.epoch:
            items = self._begin_epoch(header.epoch, header.first_number)
        last = header.first_number + header.count - 1
        self._last_known = max(self._last_known, last)
        if self.state is State.JOINING:
            self.state = State.FOLLOWING
            self.next_number = header.first_number
        if self.state is State.SYNCING or header.first_number > self.next_number:
            self._keep(header)
            return items
        items.extend(self._give(header))
        return items

    def take_heartbeat(self, number: int, epoch: int) -> list[Item]:
        """The last number of the topic is this one."""
        if epoch < self.epoch:
            return []
        items: list[Item] = []
        if epoch > self.epoch:
            items = self._begin_epoch(epoch, number + 1)
        self._last_known = max(self._last_known, number)
        if self.state is State.JOINING:
            self.state = State.FOLLOWING
            self.next_number = number + 1
        return items

    # What the recovery service says.

    def take_replayed(self, header: FrameHeader) -> list[Item]:
        """A frame again. Its epoch says nothing; what is not needed of it is dropped."""
        if self.state is not State.FOLLOWING or header.first_number > self.next_number:
            return []
        return self._give(header)

    def take_not_kept(self, oldest_number: int, next_number: int) -> list[Item]:
        """What is missing is not kept; `oldest_number` to `next_number - 1` is."""
        expected = self.next_number
        if self.is_book:
            self.resync()
            return []
        if next_number < expected:
            first = min(self._doubtful_from or next_number, next_number)
            self._doubtful_from = 0
            self.next_number = first
            self._last_known = next_number - 1
            return [Withdrawn(self.topic, first, expected)]
        if oldest_number > expected:
            self.next_number = oldest_number
            return [Skipped(self.topic, expected, oldest_number), *self._give_early()]
        if next_number == expected:
            self._last_known = expected - 1
        return []

    def is_lost(self, oldest_number: int, next_number: int) -> bool:
        """Whether a service that keeps these events no longer has what is missing (and not: has not got it yet)."""
        return oldest_number > self.next_number and next_number >= self.next_number

    @property
    def following_number(self) -> int:
        """The number of the event that follows all that is known: what a service keeps from on that keeps nothing."""
        return self._doubtful_from or max(self._last_known + 1, self.next_number)

    def take_snapshot(self, number: int, epoch: int) -> list[Item]:
        """The book stands at this number. Gives what follows it and is here already."""
        if epoch > self.epoch:
            self.epoch = epoch
            self._forget_older_epochs()
            self._last_known = max((f.first_number + f.count - 1 for _, _, f in self._early), default=0)
        self.state = State.FOLLOWING
        self.next_number = number + 1
        return self._give_early()

    def resync(self) -> None:
        """A book begins anew, with a snapshot."""
        assert self.is_book, "only books have snapshots"
        self.state = State.SYNCING

    # Inside.

    def _begin_epoch(self, epoch: int, next_number: int) -> list[Item]:
        """The engine was started again, and goes on with `next_number` or something before it."""
        at_first_contact = not self.epoch
        self.epoch = epoch
        self._forget_older_epochs()
        self._last_known = max((f.first_number + f.count - 1 for _, _, f in self._early), default=0)
        expected = self.next_number
        if self.state is not State.FOLLOWING or next_number >= expected:
            return []
        if at_first_contact:
            # Either the reader is ahead, or what it was told to begin with is newer than this frame: the recovery
            # service knows, so it is asked for the event that comes next.
            self._doubtful_from = next_number
            self._last_known = expected
            return []
        if self.is_book:
            self.resync()
            return []
        self.next_number = next_number
        return [Withdrawn(self.topic, next_number, expected)]

    def _keep(self, header: FrameHeader) -> None:
        self._early_events += header.count
        if self._early_events > EARLY_EVENTS_MAX:
            # All of it will be asked for again: the last number is known.
            self._early = []
            self._early_events = 0
            return
        self._arrivals += 1
        heappush(self._early, (header.first_number, self._arrivals, header))

    def _give(self, header: FrameHeader) -> list[Item]:
        """The events of a frame that begins no later than it should, and early ones that follow."""
        run = self._run(header)
        if run is None:
            return []
        if not self._early:
            return [run]
        return [run, *self._give_early()]

    def _give_early(self) -> list[Item]:
        items: list[Item] = []
        while self._early and self._early[0][0] <= self.next_number:
            header = heappop(self._early)[2]
            self._early_events -= header.count
            run = self._run(header)
            if run is not None:
                items.append(run)
        return items

    def _run(self, header: FrameHeader) -> Run | None:
        first = header.first_number
        following = first + header.count
        expected = self.next_number
        if following <= expected:
            return None
        events = decode_events(self.topic, header.events)
        if len(events) != header.count:
            return None  # no frame of this protocol: as if it had been lost
        if first < expected:
            events = events[expected - first :]
        self.next_number = following
        self._doubtful_from = 0
        numbers = numbers_of(header)
        return Run(self.topic, expected, events, header.epoch, header.log_sequence, header.time_ns, numbers)

    def _forget_older_epochs(self) -> None:
        """What came early of an older epoch may never have happened; what did is replayed."""
        kept = [entry for entry in self._early if entry[2].epoch >= self.epoch]
        self._early = sorted(kept)
        self._early_events = sum(header.count for _, _, header in kept)
