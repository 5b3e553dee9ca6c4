"""Timers: what ends by the clock, in the order in which it is due.

A timer is an order that expires, an account's countdown to the cancelling of all its orders, an instrument's phase that
ends, its auction of which something is to be told, or the next row of its schedule. They stand in a heap by (deadline,
number), the number being the sequence of the command that set them; rows of schedules come last. A timer whose order
has ended, or whose countdown was started again, stays in the heap until it comes up or until half of the heap is such:
so setting one costs O(log timers), ending one nothing.

All of it follows from the orders, accounts and instruments of the state (`matcher.codec` sets them again), so it
is no state. Who asks for what is due is `matcher.expiry`.
"""

from heapq import heapify, heappop, heappush
from typing import Final

from matcher.book.level import Order
from matcher.instruments import Instrument
from matcher.ledger.account import Account

#: Later than any timer. A machine integer in a compiled core: each command compares with it.
NEVER_NS: Final = 2**62 - 1
#: The trading day is the UTC calendar day.
DAY_NS: Final = 24 * 3600 * 1_000_000_000
#: A heap smaller than this is not worth tidying up.
_TIDY_FROM: Final = 64

#: (deadline, number, rank, what it is of). One command may set timers of several instruments: ranks tell them apart.
Timer = tuple[int, int, int, Order | Account | Instrument]
#: Of orders and accounts.
_NO_RANK: Final = 0
#: What a timer of an instrument is of. Its rank is a number of them for each instrument before it, this one, and one.
OF_PHASE: Final = 0
OF_AUCTION: Final = 1
OF_SCHEDULE: Final = 2
_KINDS: Final = 3
#: A row of a schedule has the number of no command: whatever else is due at its moment comes before it, whenever it was
#: set, so that nobody has to know when a plan was logged.
_LAST_NUMBER: Final = 2**62 - 1


def day_end_ns(time_ns: int) -> int:
    """When the trading day ends to which a time belongs: the next midnight, UTC."""
    return (time_ns // DAY_NS + 1) * DAY_NS


class Timers:
    """The heap, and the end of the trading day. `next_due_ns` is no later than the first of all that counts.

    The day's end is no timer: nobody is woken for it, it is seen by the first command behind it.
    """

    __slots__ = ("_heap", "_tidy_at", "day_end_ns", "next_due_ns")

    def __init__(self) -> None:
        self._heap: list[Timer] = []
        self._tidy_at = _TIDY_FROM
        self.day_end_ns = 0
        self.next_due_ns = 0
        self.begin_day(0)

    def begin_day(self, time_ns: int) -> None:
        """The trading day is the one of this time."""
        self.day_end_ns = day_end_ns(time_ns)
        self._look()

    def expire(self, order: Order, deadline_ns: int) -> None:
        """The order ends then, unless it has ended before."""
        self._add((deadline_ns, order.sequence, _NO_RANK, order))

    def count_down(self, account: Account) -> None:
        """The account's countdown, as it says."""
        self._add((account.countdown_ns, account.countdown_number, _NO_RANK, account))

    def end_stage(self, instrument: Instrument) -> None:
        """The instrument's phase ends then, if it is known when."""
        end_ns = instrument.stage_end_ns()
        if end_ns:
            assert instrument.stage is not None, "a phase that ends by itself has a stage"
            self._add((end_ns, instrument.stage.number, _rank(instrument, OF_PHASE), instrument))

    def begin_row(self, instrument: Instrument) -> None:
        """The next row of the instrument's schedule begins then, if it is known when."""
        due_ns = instrument.row_due_ns()
        if due_ns:
            self._add((due_ns, _LAST_NUMBER, _rank(instrument, OF_SCHEDULE), instrument))

    def look_again(self, instrument: Instrument) -> None:
        """It is told then what the instrument's auction would do."""
        stage = instrument.stage
        assert stage is not None, "an auction has a stage"
        self._add((stage.due_ns, stage.told_number, _rank(instrument, OF_AUCTION), instrument))

    def take_due(self, time_ns: int) -> Timer | None:
        """The first timer that counts and is due by now, taken; None when there is none. Amortized O(log timers)."""
        heap = self._heap
        while heap and heap[0][0] <= time_ns:
            timer = heappop(heap)
            if _counts(timer):
                return timer
        self._look()
        return None

    def first_ns(self) -> int:
        """When the first timer that counts is due, 0 when there is none. Amortized O(log timers)."""
        heap = self._heap
        while heap and not _counts(heap[0]):
            heappop(heap)
        self._look()
        return heap[0][0] if heap else 0

    def counted(self) -> list[tuple[int, int, int]]:
        """(deadline, number, rank) of all timers that count, each once, for who checks them. O(timers log timers)."""
        found = sorted((timer[0], timer[1], timer[2]) for timer in self._heap if _counts(timer))
        return [one for at, one in enumerate(found) if not at or one != found[at - 1]]

    def _add(self, timer: Timer) -> None:
        heap = self._heap
        if len(heap) >= self._tidy_at:
            kept = [one for one in heap if _counts(one)]
            heapify(kept)
            self._heap = heap = kept
            self._tidy_at = max(_TIDY_FROM, 2 * len(kept))
        heappush(heap, timer)
        if timer[0] < self.next_due_ns:
            self.next_due_ns = timer[0]

    def _look(self) -> None:
        heap = self._heap
        self.next_due_ns = min(heap[0][0] if heap else NEVER_NS, self.day_end_ns)


def set_timers(timers: Timers, account: Account) -> None:
    """All timers of an account, as its orders and its countdown say. O(open orders)."""
    for order in account.open.values():
        assert isinstance(order, Order)
        instructions = order.instructions
        if instructions is not None and instructions.expires_ns:
            timers.expire(order, instructions.expires_ns)
    if account.countdown_ns:
        timers.count_down(account)


def set_instrument_timers(timers: Timers, instrument: Instrument) -> None:
    """Those of an instrument, as its stage and its schedule say."""
    timers.begin_row(instrument)
    stage = instrument.stage
    if stage is None:
        return
    timers.end_stage(instrument)
    if stage.due_ns:
        timers.look_again(instrument)


def kind_of(timer: Timer) -> int:
    """Of an instrument's timer: what it is of."""
    return (timer[2] - 1) % _KINDS


def _rank(instrument: Instrument, kind: int) -> int:
    return _KINDS * instrument.place + kind + 1


def _counts(timer: Timer) -> bool:
    """Whether its order is still open, its countdown the last that was started, its phase still on."""
    deadline_ns, number, rank, subject = timer
    if isinstance(subject, Order):
        return subject.ended_ns == 0
    if isinstance(subject, Account):
        return subject.countdown_number == number
    kind = (rank - 1) % _KINDS
    if kind == OF_SCHEDULE:
        return subject.row_due_ns() == deadline_ns
    stage = subject.stage
    if stage is None:
        return False
    if kind == OF_PHASE:
        return stage.number == number and subject.stage_end_ns() == deadline_ns
    return stage.told_number == number and stage.due_ns == deadline_ns
