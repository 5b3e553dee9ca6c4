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

from bus.protocol.reports import TRIGGERED
from bus.protocol.terms import (
    IOC,
    LIMIT,
    MARKET,
    OPEN,
    RESTING,
    STOP_LIMIT,
    TAKE_PROFIT_LIMIT,
    WAITING,
)
from matcher.book.level import Order
from matcher.book.triggers import Watch
from matcher.instruments import Instrument
from matcher.matching import Matching


class Following(Matching):
    """What comes after a command, step by step."""

    __slots__ = ()

    def wait(self, order: Order, instrument: Instrument) -> None:
        """An order that was accepted waits for its trigger, open and in no book. O(log waiting orders)."""
        watch = instrument.watch
        if watch is None:
            watch = instrument.watch = Watch(instrument.next_trade_id)
        order.status = WAITING
        order.account.open[order.sequence] = order
        watch.add(order, instrument.last_price_ticks)

    def follow(self, instrument: Instrument) -> None:
        """All that follows from what happened in this instrument. While it is halted it only takes note."""
        watch = instrument.watch
        if watch is None or (watch.next_trade_id == instrument.next_trade_id and not watch.elected):
            return
        session: Any = self.session
        correlation_id: Any = self.correlation_id
        self.session = self.correlation_id = 0
        self._look(watch, instrument)
        while instrument.status == OPEN and self._act(watch, instrument):
            self._look(watch, instrument)
        self.session = session
        self.correlation_id = correlation_id
        if not watch.waiting:
            instrument.watch = None

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
        elected = watch.next_elected()
        if elected is None:
            return False
        self._activate(elected[0], instrument, elected[1])
        return True

    def _activate(self, order: Order, instrument: Instrument, price_ticks: int) -> None:
        """An order that waited is from now on the limit or market order that it was to become."""
        order.status = RESTING
        if order.order_type in (STOP_LIMIT, TAKE_PROFIT_LIMIT):
            order.order_type = LIMIT
        else:
            order.order_type = MARKET
            order.time_in_force = IOC
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
        self.execute(order, instrument)
