"""Phasing: how an instrument's book comes into a phase, and how an order that meets a band brings one about.

    an order meets a price beyond a band ──▶ interrupt: it rests or ends, and a volatility auction begins, at once
    trades left a side of the book empty ──▶ restore_balance, when all has followed from them: the same

Orders stay where their owners put them; the auction finds the price. What comes after a phase has begun
(`matcher.following`) is left to who began it: an operator's or a timer's is in `matcher.day.phases`.
"""

from bus.protocol.feed import BOOK_UNBALANCED, INDICATIVE, PHASE_CHANGED
from bus.protocol.reasons import BAND_REACHED, EXPIRED
from bus.protocol.terms import (
    AUCTIONS,
    BUY,
    BY_BAND,
    BY_IMBALANCE,
    BY_SCHEDULE,
    CLOSED,
    CLOSING_AUCTION,
    CONTINUOUS,
    DAY,
    EMPTIED,
    IOC,
    ONE_SIDED,
    PRE_OPEN,
    SELL,
    VOLATILITY_AUCTION,
)
from matcher.book.level import Order, sequence_of
from matcher.book.stage import Stage
from matcher.day.uncrossing import Uncrossing, outcome
from matcher.instruments import Instrument


class Phasing(Uncrossing):
    """What happens to a book when its phase changes, and when it has to."""

    __slots__ = ()

    def enter_phase(
        self,
        instrument: Instrument,
        phase: int,
        cause: int,
        ends_ns: int,
        random_ms: int,
        next_phase: int,
        next_ms: int = 0,
        next_random_ms: int = 0,
        outlasts_rows: bool = False,
    ) -> None:
        """As `matcher.day.phases.begin_phase`, without what follows from it."""
        before = instrument.phase
        if (before in AUCTIONS and phase == CLOSED) or (before != CONTINUOUS and phase == CONTINUOUS):
            self.uncross(instrument)
        # book
        instrument.phase = phase
        instrument.stage = None
        schedule = instrument.schedule
        if schedule is not None:
            schedule.acts = cause == BY_SCHEDULE
        if phase != CONTINUOUS:
            usual = CLOSED if phase == CLOSING_AUCTION else CONTINUOUS
            instrument.stage = Stage(
                self.sequence,
                ends_ns,
                random_ms,
                next_phase or usual,
                next_ms,
                next_random_ms,
                outlasts_rows,
            )
            self.undrawn |= random_ms != 0
            self.state.timers.end_stage(instrument)
        self.state.timers.begin_row(instrument)
        # events
        self.touch(instrument)
        instrument.statuses.append((PHASE_CHANGED, self.sequence, self.time_ns, phase, cause, ends_ns))
        if phase == CLOSED:
            self.end_day_orders(instrument)
        elif phase == PRE_OPEN or phase in AUCTIONS:
            self.join_auction(instrument)
            if phase in AUCTIONS:
                self.tell_indicative(instrument)

    def tell_indicative(self, instrument: Instrument) -> None:
        """What the auction would do now, if that is not what was told last. O(levels that cross)."""
        stage = instrument.stage
        assert stage is not None, "an auction has a stage"
        found = outcome(instrument)
        stage.due_ns = 0
        if found == stage.told:
            return
        stage.told = found
        stage.told_ns = self.time_ns
        stage.told_number = self.sequence
        self.touch(instrument)
        instrument.statuses.append((INDICATIVE, self.sequence, self.time_ns, *found))

    # Protection.

    def interrupt(self, order: Order, instrument: Instrument) -> None:
        """The next price that an order would trade at is beyond a band: it waits there for an auction, or ends."""
        if order.time_in_force != IOC:
            self.rest(order, instrument)
        else:
            self.end_unfilled(order, BAND_REACHED)
        self._begin_volatility_auction(instrument, BY_BAND)

    def restore_balance(self, instrument: Instrument, next_trade_id: int) -> None:
        """When the trades from this one on have taken all of a side, an auction begins.

        O(trades), if a side is empty.
        """
        count = instrument.next_trade_id - next_trade_id
        bids, asks = instrument.book.bids.best, instrument.book.asks.best
        if not count or instrument.phase != CONTINUOUS or (bids is not None and asks is not None):
            return
        taken = _taken_sides(instrument, count)
        kind = side = 0
        if bids is None and asks is None:
            kind = EMPTIED if taken else 0
        elif bids is None and taken & BUY:
            kind, side = ONE_SIDED, BUY
        elif asks is None and taken & SELL:
            kind, side = ONE_SIDED, SELL
        if kind:
            self._begin_volatility_auction(instrument, BY_IMBALANCE)
            self.tell_unbalanced(instrument, kind, side)

    def tell_unbalanced(self, instrument: Instrument, kind: int, side: int) -> None:
        """Why an auction has begun, where it was not for a band alone."""
        self.touch(instrument)
        instrument.statuses.append((BOOK_UNBALANCED, self.sequence, self.time_ns, kind, side))

    def prolong(self, instrument: Instrument) -> bool:
        """Whether an auction that is over goes on, once, because it would trade beyond the static band.

        It lasts as long again as one that begins by a band.
        """
        stage, protection, phase = instrument.stage, instrument.protection, instrument.phase
        assert stage is not None, "an auction has a stage"
        if protection is None or stage.is_prolonged or phase not in AUCTIONS:
            return False
        if stage.next_phase not in (CONTINUOUS, CLOSED):  # nothing would trade
            return False
        price = outcome(instrument)[0]
        if not price or not protection.is_beyond_static(price):
            return False
        ends_ns = self.ends_after(protection.auction_ms)
        self.enter_phase(
            instrument,
            phase,
            BY_BAND,
            ends_ns,
            protection.random_ms,
            stage.next_phase,
            stage.next_ms,
            stage.next_random_ms,
            stage.outlasts_rows,
        )
        assert instrument.stage is not None
        instrument.stage.is_prolonged = True
        return True

    def _begin_volatility_auction(self, instrument: Instrument, cause: int) -> None:
        protection = instrument.protection
        assert protection is not None, "only who is protected is interrupted"
        ends_ns = self.ends_after(protection.auction_ms)
        self.enter_phase(instrument, VOLATILITY_AUCTION, cause, ends_ns, protection.random_ms, 0)

    def end_day_orders(self, instrument: Instrument) -> None:
        """The market has closed: so has the day of its day orders, oldest first. O(orders of the instrument)."""
        found: list[Order] = []
        for side in (instrument.book.bids, instrument.book.asks):
            for level in side:
                order = level.head
                while order is not None:
                    if order.time_in_force == DAY:
                        found.append(order)
                    order = order.newer
        watch = instrument.watch
        if watch is not None:
            found += [order for order in watch.out_of_book() if order.time_in_force == DAY]
        found.sort(key=sequence_of)
        self.take_out_all(found, EXPIRED, False)


def _taken_sides(instrument: Instrument, count: int) -> int:
    """The sides, as bits, from which the last trades took orders. Those of an auction do not count: nobody took."""
    trades = instrument.trades
    taken = 0
    for at in range(len(trades) - count, len(trades)):
        aggressor: int = trades[at][6]
        if aggressor:
            taken |= SELL if aggressor == BUY else BUY
    return taken
