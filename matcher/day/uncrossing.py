"""Uncrossing: orders that collect for an auction, and the one price at which they trade (docs/rules.md, AUCTION).

While orders collect they rest wherever they want to, so a book may be crossed. At the end all that can trade does, at
one price (`matcher.book.equilibrium`): market orders first, then the better price, then the older order; an iceberg
with all that it has. Nobody is a taker.
"""

from typing import Any

from bus.protocol.feed import AUCTION_ENDED, ORDER_DELETED, ORDER_EXECUTED, PROTECTION_SET, TRADE
from bus.protocol.reasons import AUCTION_OVER, LINKED
from bus.protocol.reports import FILLED
from bus.protocol.terms import (
    AT_CLOSE,
    AT_OPEN,
    AUCTIONS,
    CLOSING_AUCTION,
    GFA,
    IN_AUCTION,
    OPENING_AUCTION,
    PRE_OPEN,
    RESTING,
    VOLATILITY_AUCTION,
    WAITING,
)
from bus.protocol.terms import CANCELLED as STATUS_CANCELLED
from bus.protocol.terms import FILLED as STATUS_FILLED
from matcher.book.crossing import Crossing
from matcher.book.equilibrium import Equilibrium, equilibrium
from matcher.book.level import Level, Order
from matcher.book.links import Links
from matcher.book.side import Front
from matcher.instruments import Instrument
from matcher.resting import Resting, publish_once
from matcher.views import protection_row


class Uncrossing(Resting):
    """How orders of an auction come, and how it ends."""

    __slots__ = ()

    def collect(self, order: Order, instrument: Instrument) -> None:
        """An active order comes while orders collect: it rests, or waits for the auction that it is for."""
        if order.time_in_force >= AT_OPEN and not takes_part(order.time_in_force, instrument.phase):
            order.status = WAITING
            order.account.open[order.sequence] = order
            return
        self.rest(order, instrument)

    def join_auction(self, instrument: Instrument) -> None:
        """The orders that waited for the phase that begins rest in its book, oldest first."""
        watch = instrument.watch
        if watch is None:
            return
        first = len(instrument.levels)
        for sequence in sorted(watch.auctioned):
            order = watch.auctioned[sequence]
            if order.status == WAITING and takes_part(order.time_in_force, instrument.phase):
                order.status = RESTING
                self.rest(order, instrument)
        publish_once(instrument, first)

    def uncross(self, instrument: Instrument) -> None:
        """Whatever can trade does, at one price; those who were there for an auction alone end. O(what trades).

        Only where an account has linked orders of both sides that would trade with each other some of a side may end
        while others trade, so that less is left than the price was made of: what still can trade then does, at a price
        of its own.
        """
        phase: Any = instrument.phase
        told = phase not in AUCTIONS
        while True:
            price, _, left = outcome(instrument)
            if instrument.stage is not None:
                instrument.stage.crossing = None
            first: int = instrument.next_trade_id
            traded = self._trade_all(instrument, price) if price else 0
            if traded or not (price or told):
                self.touch(instrument)
                shown: Any = price if traded else 0
                instrument.statuses.append(
                    (AUCTION_ENDED, self.sequence, self.time_ns, phase, shown, traded, left)
                )
                told = True
            if instrument.next_trade_id != first:
                instrument.last_price_ticks = instrument.auction_ticks = price
                instrument.auction_lots = traded
                self.refer_to(instrument, price)
                if self.state.breakers is not None:
                    self.state.breakers.observe(instrument)
            if not price:
                break
        self._end_auctioned(instrument)

    def refer_to(self, instrument: Instrument, price_ticks: int) -> None:
        """The instrument has this reference price: its static band is around it, and all are told if that moved."""
        moved = price_ticks != instrument.reference_ticks
        instrument.reference_ticks = price_ticks
        protection = instrument.protection
        if protection is None:
            return
        protection.refer_to(price_ticks)
        if moved:
            self.tell_protection(instrument)

    def tell_protection(self, instrument: Instrument) -> None:
        """Within which bands the instrument trades, for everybody."""
        self.touch(instrument)
        instrument.statuses.append((PROTECTION_SET, self.sequence, self.time_ns, *protection_row(instrument)))

    def _end_auctioned(self, instrument: Instrument) -> None:
        """The auction is over: so are the orders that took part in it and are for nothing else, oldest first."""
        watch = instrument.watch
        if watch is None:
            return
        over: list[Order] = []
        for sequence in sorted(watch.auctioned):
            order = watch.auctioned[sequence]
            if order.status == RESTING:
                over.append(order)
        self.take_out_all(over, AUCTION_OVER, False)

    def _trade_all(self, instrument: Instrument, price_ticks: int) -> int:
        """Buyers and sellers of this price or a better one trade in their order, until one side has none left."""
        bids = Front(instrument.book.bids, price_ticks)
        asks = Front(instrument.book.asks, price_ticks)
        watch = instrument.watch
        links = watch.links if watch is not None and watch.links.grouped else None
        levels: list[Level] = []
        total = 0
        while True:
            buyer = self._next(bids, instrument, links, levels)
            seller = self._next(asks, instrument, links, levels)
            if buyer is None or seller is None:
                break
            if links is not None:
                links.traded(buyer)
                if links.is_out(buyer, seller):  # both of one group: the buyer alone goes on
                    continue
                links.traded(seller)
            wanted = buyer.quantity_lots - buyer.filled_lots
            offered = seller.quantity_lots - seller.filled_lots
            quantity = wanted if wanted < offered else offered
            self._trade_both(buyer, seller, price_ticks, quantity, instrument, levels)
            total += quantity
        bids.close()
        asks.close()
        # Only one that is left can have traded in part.
        for order in (buyer, seller):
            if order is not None and not order.shown_lots:
                assert order.level is not None, f"order {order.sequence} does not rest"
                self.show_next_slice(order, order.level, instrument)
        for level in levels:
            level.touched = 0
            self.publish_level(instrument, level)
        return total

    def _next(
        self, front: Front, instrument: Instrument, links: Links | None, levels: list[Level]
    ) -> Order | None:
        """The first order of a side that trades; None when there is none. `levels` are still to be published.

        One of whose group another one has traded ends instead.
        """
        while True:
            order = front.head()
            if order is None or links is None or not _is_out(order):
                return order
            level = order.level
            assert level is not None, f"order {order.sequence} does not rest"
            if order.public_id:
                instrument.orders.append((ORDER_DELETED, self.sequence, order.public_id))
                self._note(level, levels)
            level.leave(order)
            self.end(order, STATUS_CANCELLED)
            self.report_cancelled(order, LINKED, False)

    def _note(self, level: Level, levels: list[Level]) -> None:
        """A level is to be published once."""
        sequence: int = self.sequence
        if level.touched != sequence:
            level.touched = sequence
            levels.append(level)

    def _trade_both(
        self,
        buyer: Order,
        seller: Order,
        price_ticks: int,
        quantity_lots: int,
        instrument: Instrument,
        levels: list[Level],
    ) -> None:
        """One trade of the auction, and all that is said about it."""
        # As Any: see Reporting.
        trade_id: Any = instrument.next_trade_id
        price: Any = price_ticks
        quantity: Any = quantity_lots
        instrument.next_trade_id += 1
        self.touch(instrument)
        instrument.trades.append((TRADE, self.sequence, self.time_ns, trade_id, price, quantity, 0))
        kept = instrument.kept.items
        kept.append(buyer)
        kept.append(seller)
        kept.append(price)
        kept.append(-quantity)
        if len(kept) >= self.kept_items_max:
            instrument.kept.trim(self.kept_max)
        for order in (buyer, seller):
            if order.public_id:
                assert order.level is not None, f"order {order.sequence} does not rest"
                self._note(order.level, levels)
            self._fill(order, trade_id, price, quantity_lots, quantity, instrument)
        ledger = self.state.ledger
        if ledger is not None:
            self.settle(ledger, buyer, seller, trade_id, price, quantity, 0)
        for order in (buyer, seller):
            if order.filled_lots == order.quantity_lots:
                assert order.level is not None, f"order {order.sequence} does not rest"
                order.level.leave(order)
                self.end(order, STATUS_FILLED)

    def _fill(
        self,
        order: Order,
        trade_id: Any,
        price: Any,
        quantity_lots: int,
        quantity: Any,
        instrument: Instrument,
    ) -> None:
        """One side of a trade: an order that rests, with all of itself, its reserve too."""
        level = order.level
        assert level is not None, f"order {order.sequence} does not rest"
        order.filled_lots += quantity_lots
        leaves = order.quantity_lots - order.filled_lots
        shown = order.shown_lots
        traded = quantity_lots if quantity_lots < shown else shown
        order.shown_lots = shown - traded
        if order.public_id:
            level.quantity_lots -= traded
            level.reserve_lots -= quantity_lots - traded
            if traded:  # what an iceberg had displayed may have traded before
                instrument.orders.append(
                    (ORDER_EXECUTED, self.sequence, order.public_id, traded, order.shown_lots, trade_id)
                )
        else:
            level.reserve_lots -= quantity_lots
        self.report(
            order.account,
            (
                FILLED,
                self.sequence,
                self.time_ns,
                0,
                0,
                order.sequence,
                order.request_id,
                instrument.symbol,
                order.side,
                trade_id,
                price,
                quantity,
                order.filled_lots,
                leaves,
                IN_AUCTION,
            ),
        )
        if order.account.limits is not None:
            self.count_fill(order, quantity_lots, price * quantity)


def outcome(instrument: Instrument) -> Equilibrium:
    """What an auction of an instrument's orders would do.

    O(levels that cross), and while one is on O(levels that the price has moved by), unless some orders are linked.
    """
    book, watch, stage = instrument.book, instrument.watch, instrument.stage
    linked = watch is not None and watch.links.grouped != 0
    if linked or stage is None or instrument.phase not in AUCTIONS:
        return equilibrium(book.bids, book.asks, instrument.reference_ticks, linked)
    crossing = stage.crossing
    if crossing is None:
        crossing = stage.crossing = Crossing(book.bids, book.asks)
    return crossing.equilibrium(instrument.reference_ticks)


def takes_part(time_in_force: int, phase: int) -> bool:
    """Whether an order that is for an auction alone is for the one of this phase."""
    if phase in (PRE_OPEN, OPENING_AUCTION):
        return time_in_force != AT_CLOSE
    if phase == CLOSING_AUCTION:
        return time_in_force != AT_OPEN
    return phase == VOLATILITY_AUCTION and time_in_force == GFA


def _is_out(order: Order) -> bool:
    """Whether another order of its group has traded."""
    instructions = order.instructions
    if instructions is None or instructions.group is None:
        return False
    decided = instructions.group.decided
    return decided != 0 and decided != order.sequence
