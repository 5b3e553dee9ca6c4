"""Pegging: orders whose price follows the best bid, the best ask or the middle of both.

When a command has moved a reference, all orders whose price becomes another one leave the book; then they come back one
by one, oldest first, each as a step of `matcher.following`. So none meets another one that is still at its old price.
On its way an order can trade, with hidden orders and with pegged ones of the other side: never with an order to which
others are pegged, since it is always on its own side of those. So moving never moves a reference, and one pass is all.

    a reference moves ──▶ repeg: who stands elsewhere now leaves the book ──▶ come_back, come_back, ...
                              └▶ who has no reference any more waits for one
"""

from heapq import heappop, heappush

from bus.protocol.reasons import PEG_MOVED, REFERENCE_GONE
from bus.protocol.terms import CONTINUOUS, RESTING, WAITING
from matcher.book.level import Level, Order
from matcher.book.pegs import Pegs
from matcher.book.triggers import Watch
from matcher.instruments import Instrument
from matcher.linking import Linking


class Pegging(Linking):
    """What pegged orders do."""

    __slots__ = ()

    def peg(self, order: Order, instrument: Instrument) -> None:
        """An order that was just accepted or released gets its price, or waits for a reference."""
        pegs = self.watch_of(instrument).pegs
        pegs.add(order, instrument.book)
        price = pegs.target_ticks(order, instrument.price_min_ticks, instrument.price_max_ticks)
        if price:
            order.price_ticks = price
            self.report_restated(order, PEG_MOVED)
        else:
            self._await_reference(order)

    def replace_pegged(
        self, order: Order, instrument: Instrument, request_id: str, limit_ticks: int, quantity_lots: int
    ) -> None:
        """A pegged order gets another quantity, another worst price (unless it is 0), or both.

        It keeps its place when it becomes no larger and stands where it stood.
        """
        instructions = order.instructions
        watch = instrument.watch
        assert instructions is not None, "a pegged order has instructions"
        assert watch is not None, "a pegged order is watched"
        if limit_ticks:
            instructions.limit_ticks = limit_ticks
        if order.status == WAITING:
            if instructions.held_by:
                order.price_ticks = instructions.limit_ticks
            order.quantity_lots = order.shown_lots = quantity_lots
            order.shown_lots -= order.filled_lots
            self.back(order)
            self.report_replaced(order, request_id, True)
            return
        price = watch.pegs.target_ticks(order, instrument.price_min_ticks, instrument.price_max_ticks)
        if price == order.price_ticks and quantity_lots <= order.quantity_lots:
            self.reduce(order, instrument, quantity_lots)
            self.report_replaced(order, request_id, True)
        else:
            self.move(order, instrument, request_id, price, quantity_lots)

    def repeg(self, pegs: Pegs, instrument: Instrument) -> None:
        """A reference has moved: whoever is to stand elsewhere leaves the book. O(pegged orders, log each that moves).

        Meanwhile it waits: at price 0 for a reference, at any other price for its turn to come back.
        """
        levels: list[Level] = []
        for sequence in sorted(pegs.orders):
            order = pegs.orders[sequence]
            price = pegs.target_ticks(order, instrument.price_min_ticks, instrument.price_max_ticks)
            if order.status == WAITING:
                if price and not order.price_ticks:
                    order.price_ticks = price
                    heappush(pegs.returning, sequence)
            elif order.price_ticks != price:
                level = self.leave(order, instrument)
                if order.public_id and level.touched != self.sequence:
                    level.touched = self.sequence
                    levels.append(level)
                order.public_id = 0
                order.status = WAITING
                if price:
                    heappush(pegs.returning, sequence)
                else:
                    self._await_reference(order)
        for level in levels:
            level.touched = 0
            self.publish_level(instrument, level)

    def come_back(self, watch: Watch, instrument: Instrument) -> bool:
        """The oldest order that is on its way goes to the back of its new level; False when there is none.

        When one before it has met a band it rests there without a trade: an auction collects orders then.
        """
        pegs = watch.pegs
        while pegs.returning:
            order = pegs.orders.get(heappop(pegs.returning))
            if order is None:  # linked to another one that traded meanwhile
                continue
            price = pegs.target_ticks(order, instrument.price_min_ticks, instrument.price_max_ticks)
            if not price:
                self._await_reference(order)
                continue
            order.status = RESTING
            order.price_ticks = price
            order.shown_lots = order.quantity_lots - order.filled_lots
            self.report_restated(order, PEG_MOVED)
            if instrument.phase == CONTINUOUS:
                self.come_to_rest(order, instrument)
            else:
                self.rest(order, instrument)
            return True
        return False

    def _await_reference(self, order: Order) -> None:
        """The order waits, open and in no book, until it has something to follow."""
        order.status = WAITING
        order.price_ticks = 0
        order.account.open[order.sequence] = order
        self.report_restated(order, REFERENCE_GONE)
