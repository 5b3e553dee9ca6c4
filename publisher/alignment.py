"""One symbol's events in the order of the log: what its topics bring, put together batch by batch.

A batch of the log is one frame in each topic that it touches, in any order, and a frame may be late or lost. Each frame
says the symbol's last numbers as of the end of its batch, and so does each heartbeat. So it is known when the symbol is
complete up to a batch: then, and not before, its events are given as moments, and the symbol's time moves on.

    runs of trade.S. ─┐
    runs of level.S. ─┼─▶ pending moments, by batch ──complete up to n──▶ moments up to n, then "time is t"
    runs of status.S.─┘

No I/O. Called by `market`'s owner with what a `FeedCore` gives, which has put each topic in order already.
"""

from typing import Final

from bus.protocol.feed import FeedHeartbeat
from bus.protocol.recovery import BookSnapshot
from bus.protocol.topics import LEVEL, STATUS, TRADE
from bus.sockets.reading.feed_items import Resynced, Run

# `parse` would cost more than all that is done with most runs.
_TRADES: Final = f"{TRADE}."
_LEVELS: Final = f"{LEVEL}."
_STATUSES: Final = f"{STATUS}."
#: (trade, level, order, status): the last number of each of a symbol's topics.
Numbers = tuple[int, int, int, int]


class Moment:
    """What one batch of the log did to a symbol. `snapshot`: its book begins anew with this batch."""

    __slots__ = (
        "epoch",
        "levels",
        "log_sequence",
        "snapshot",
        "statuses",
        "time_ns",
        "trade_number",
        "trades",
    )

    def __init__(self, log_sequence: int, time_ns: int, epoch: int) -> None:
        self.log_sequence = log_sequence
        self.time_ns = time_ns
        self.epoch = epoch
        self.statuses: list[object] = []
        self.trades: list[object] = []
        #: The number of the first of the trades on their topic.
        self.trade_number = 0
        self.levels: list[object] = []
        self.snapshot: BookSnapshot | None = None


class Reached:
    """Nothing of the symbol up to here is missing; `checksum` of its book is known where a heartbeat said it."""

    __slots__ = ("checksum", "epoch", "level_number", "log_sequence", "time_ns")

    def __init__(
        self, log_sequence: int, time_ns: int, epoch: int, level_number: int, checksum: int | None
    ) -> None:
        self.log_sequence = log_sequence
        self.time_ns = time_ns
        self.epoch = epoch
        self.level_number = level_number
        self.checksum = checksum


class Alignment:
    """See above. `next_trade`: the number of the first trade event that is wanted."""

    __slots__ = ("_claim", "_moments", "_next_level", "_next_status", "_next_trade", "_reached")

    def __init__(self, next_trade: int = 1) -> None:
        self._next_trade = next_trade
        self._next_level = 0  # 0: not known before the snapshot
        self._next_status = 0  # 0: not known before the first frame
        self._moments: dict[int, Moment] = {}
        self._reached = 0  # log sequence
        #: The newest word about the symbol's last numbers that is not fulfilled yet.
        self._claim: tuple[Numbers, int, int, int, int | None] | None = None

    @property
    def waiting(self) -> int:
        """How many moments wait for something that is missing."""
        return len(self._moments)

    def take(self, run: Run) -> list[Moment | Reached]:
        """A run of one of the symbol's topics, or of its heartbeat."""
        checksum: int | None = None
        numbers = run.numbers
        if run.first_number:
            self._keep(run)
        else:
            for event in run.events:
                if isinstance(event, FeedHeartbeat):
                    numbers = (
                        event.trade_number,
                        event.level_number,
                        event.order_number,
                        event.status_number,
                    )
                    checksum = event.checksum
        if numbers is None:
            return []
        return self._claimed(numbers, run.log_sequence, run.time_ns, run.epoch, checksum)

    def begin_book(self, resynced: Resynced) -> list[Moment | Reached]:
        """The book's snapshot: it takes its place in the order of the log."""
        snapshot = resynced.snapshot
        self._next_level = snapshot.level_number + 1
        moment = self._moment(snapshot.log_sequence, snapshot.time_ns, resynced.epoch)
        moment.snapshot = snapshot
        numbers = (
            snapshot.trade_number,
            snapshot.level_number,
            snapshot.order_number,
            snapshot.status_number,
        )
        return self._claimed(
            numbers, snapshot.log_sequence, snapshot.time_ns, resynced.epoch, snapshot.checksum
        )

    def _keep(self, run: Run) -> None:
        name = run.topic
        following = run.first_number + len(run.events)
        moment = self._moment(run.log_sequence, run.time_ns, run.epoch)
        if name.startswith(_TRADES):
            if not moment.trades:
                moment.trade_number = run.first_number
            moment.trades.extend(run.events)
            self._next_trade = following
        elif name.startswith(_LEVELS):
            moment.levels.extend(run.events)
            self._next_level = following
        elif name.startswith(_STATUSES):
            moment.statuses.extend(run.events)
            self._next_status = following

    def _moment(self, log_sequence: int, time_ns: int, epoch: int) -> Moment:
        moment = self._moments.get(log_sequence)
        if moment is None:
            moment = self._moments[log_sequence] = Moment(log_sequence, time_ns, epoch)
        moment.epoch = moment.epoch or epoch
        return moment

    def _claimed(
        self, numbers: Numbers, log_sequence: int, time_ns: int, epoch: int, checksum: int | None
    ) -> list[Moment | Reached]:
        if not self._next_status:
            self._next_status = numbers[3] + 1  # what was before is asked for with the instruments
        newest = self._claim
        if newest is None or log_sequence >= newest[1]:
            if newest is not None and log_sequence == newest[1] and checksum is None:
                checksum = newest[4]
            self._claim = newest = (numbers, log_sequence, time_ns, epoch, checksum)
        if self._fulfilled(newest[0]):
            self._claim = None
            return self._release(*newest)
        if newest[1] != log_sequence and self._fulfilled(numbers):
            return self._release(numbers, log_sequence, time_ns, epoch, checksum)
        return []

    def _fulfilled(self, numbers: Numbers) -> bool:
        return (
            self._next_trade > numbers[0] and self._next_level > numbers[1] and self._next_status > numbers[3]
        )

    def _release(
        self, numbers: Numbers, log_sequence: int, time_ns: int, epoch: int, checksum: int | None
    ) -> list[Moment | Reached]:
        moments = self._moments
        given: list[Moment | Reached] = []
        if len(moments) == 1 and log_sequence in moments:
            given.append(moments.pop(log_sequence))
        elif moments:
            for sequence in sorted(moments):
                if sequence > log_sequence:
                    break
                given.append(moments.pop(sequence))
        if log_sequence >= self._reached:
            self._reached = log_sequence
            given.append(Reached(log_sequence, time_ns, epoch, numbers[1], checksum))
        return given
