"""Following: what follows from a command once it has been carried out.

Trades elect orders that waited for their trigger; those become active, trade in their turn, and may elect more. The
order is a rule (docs/rules.md, chapter TRIGGER): a command finishes before the first of them starts, each finishes
before the next one starts, and whoever is elected later stands further behind. So this is a loop over a line of
orders, never a recursion, and it ends: an order becomes active once.

    enter, replace, a status that opens ──▶ follow ──▶ look: what did the last step do, whom does that concern?
                                              ▲                  │
                                              └── act: the first in line becomes active ◀┘

For whoever adds another follower. Every handler that may trade or move a best price ends with

    if instrument.watch is not None:
        self.follow(instrument)

and that one look is all that it costs while nobody waits, follows or is linked: so whoever has something to follow is
known to the instrument's `Watch`, which is there as long as it has anything. `_look` is where a follower finds out
that it is concerned (orders pegged to a best price that has moved, orders linked to one that traded or ended), and
`_act` does one thing at a time and says whether it did: put what comes before triggered orders above them. Everything
in here answers nobody: `session` and `correlation_id` are 0, so are those of the reports.
"""

from typing import Any

from bus.protocol.reasons import DAILY_LOSS_LIMIT, RISK_LIMIT, UNBACKED
from bus.protocol.reports import TRIGGERED
from bus.protocol.terms import CANCELLED as STATUS_CANCELLED
from bus.protocol.terms import (
    CONTINUOUS,
    CROSSED_BY_TRIGGER,
    IOC,
    LIMIT,
    MARKET,
    PEGGED,
    RESTING,
    STOP_LIMIT,
    TAKE_PROFIT_LIMIT,
    WAITING,
)
from matcher.book.level import Order
from matcher.book.triggers import TRIGGERED_TYPES, Watch
from matcher.gate.risk import release_reason
from matcher.instruments import Instrument
from matcher.ledger.products.spot import price_to_hold
from matcher.pegging import Pegging


class Following(Pegging):
    """What comes after a command, step by step."""

    __slots__ = ()

    def wait(self, order: Order, instrument: Instrument) -> None:
        """An order that was accepted waits for its trigger, open and in no book. O(log waiting orders)."""
        watch = self.watch_of(instrument)
        order.status = WAITING
        order.account.open[order.sequence] = order
        watch.add(order, instrument.last_price_ticks)

    def follow(self, instrument: Instrument) -> None:
        """All that follows from what happened in this instrument. While it is halted nobody becomes active or moves."""
        watch = instrument.watch
        if watch is None:
            return
        first: int = watch.next_trade_id
        self._look(watch, instrument)
        if watch.elected or watch.links.line or watch.pegs.orders:
            session: Any = self.session
            correlation_id: Any = self.correlation_id
            self.session = self.correlation_id = 0
            while self._act(watch, instrument):
                self._look(watch, instrument)
            self.session = session
            self.correlation_id = correlation_id
        if watch.guarded:
            self.restore_balance(instrument, first)
        if watch.is_idle():
            instrument.watch = None

    def guard(self, instrument: Instrument) -> None:
        """The instrument has protection or none: when its book must not stay unbalanced it is watched for that."""
        protection = instrument.protection
        if protection is not None and protection.rebalances:
            self.watch_of(instrument).guarded = True
        elif instrument.watch is not None:
            instrument.watch.guarded = False
            if instrument.watch.is_idle():
                instrument.watch = None

    def follow_all(self, orders: list[Order]) -> None:
        """All that follows from the end of these orders, in each of their instruments. O(orders)."""
        for symbol in dict.fromkeys([order.symbol for order in orders]):
            instrument = self.state.instruments[symbol]
            if instrument.watch is not None:
                self.follow(instrument)

    def _look(self, watch: Watch, instrument: Instrument) -> None:
        """Whom the last step concerns. O(its trades)."""
        count = instrument.next_trade_id - watch.next_trade_id
        if count:
            watch.next_trade_id = instrument.next_trade_id
            # Each of them, though the last would elect the same: Triggered tells the price that reached the trigger.
            trades = instrument.trades
            seen = 0
            for at in range(len(trades) - count, len(trades)):
                price: int = trades[at][4]
                if price != seen:
                    watch.observe(price)
                    seen = price

    def _act(self, watch: Watch, instrument: Instrument) -> bool:
        """The next thing that follows is done; False when there is none."""
        if self.unlink_next(watch):
            return True
        pegs = watch.pegs
        if instrument.phase != CONTINUOUS:
            # A phase that has begun in the midst of this: whoever was on his way arrives.
            return len(pegs.returning) != 0 and self.come_back(watch, instrument)
        if pegs.orders:
            if pegs.see(instrument.book):
                self.repeg(pegs, instrument)
            if self.come_back(watch, instrument):
                return True
        elected = watch.next_elected()
        if elected is None:
            return False
        order, price = elected
        assert order.instructions is not None
        if order.instructions.held_by:
            watch.links.let_go(order)
            self._release(order, watch, instrument)
        else:
            self._activate(order, instrument, price)
        return True

    def _release(self, order: Order, watch: Watch, instrument: Instrument) -> None:
        """An order that waited for the fill of another one is as if it came now.

        The trigger of a stop may have been reached meanwhile: then it stands in line at once.
        """
        if self.lacks_money(order):
            self.end(order, STATUS_CANCELLED)
            self.report_cancelled(order, UNBACKED, False)
            return
        if self.breaks_risk(order, instrument):
            return
        self.back(order)
        order.status = RESTING
        self._report_triggered(order, 0)
        if order.order_type in TRIGGERED_TYPES:
            self.wait(order, instrument)
            last = instrument.last_price_ticks
            if last:
                watch.observe(last)
            return
        if order.order_type == PEGGED:
            self.peg(order, instrument)
            if order.status == WAITING:
                return
        self._start(order, instrument)

    def lacks_money(self, order: Order) -> bool:
        """Whether the venue clears and an order that is to be active has too little behind it."""
        ledger = self.state.ledger
        if ledger is None:
            return False
        lots = order.quantity_lots - order.filled_lots
        freed, freed_fee = ledger.held_of(order), ledger.fee_held_of(order)
        price = price_to_hold(order)
        return ledger.lacks(order.account, order.symbol, order.side, price, lots, freed, freed_fee)

    def breaks_risk(self, order: Order, instrument: Instrument) -> bool:
        """Whether an order that is to be active has ended instead, since its account may not have as much at stake."""
        limits = order.account.limits
        if limits is None or limits.risk is None:
            return False
        reason = release_reason(limits.risk, self.state.instruments, instrument, order)
        if not reason:
            return False
        self.end(order, STATUS_CANCELLED)
        self.report_cancelled(order, RISK_LIMIT, False)
        if reason == DAILY_LOSS_LIMIT and order.account not in self.at_risk:
            self.at_risk.append(order.account)
        return True

    def _activate(self, order: Order, instrument: Instrument, price_ticks: int) -> None:
        """An order that waited is from now on the limit or market order that it was to become."""
        if self.breaks_risk(order, instrument):
            return
        order.status = RESTING
        if order.order_type in (STOP_LIMIT, TAKE_PROFIT_LIMIT):
            order.order_type = LIMIT
        else:
            order.order_type = MARKET
            order.time_in_force = IOC
        self._report_triggered(order, price_ticks)
        self._start(order, instrument)

    def _start(self, order: Order, instrument: Instrument) -> None:
        """An order that waited meets the market, which trades continuously; if it meets a band, that is told."""
        watch = instrument.watch
        self.execute(order, instrument)
        if instrument.phase != CONTINUOUS and watch is not None and watch.guarded:
            self.tell_unbalanced(instrument, CROSSED_BY_TRIGGER, order.side)

    def _report_triggered(self, order: Order, price_ticks: int) -> None:
        self.report(
            order.account,
            (
                TRIGGERED,
                self.sequence,
                self.time_ns,
                0,
                0,
                order.sequence,
                order.request_id,
                order.symbol,
                price_ticks,
            ),
        )
