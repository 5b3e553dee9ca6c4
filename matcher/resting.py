"""Resting: how orders come to rest, shrink, leave and end, and what is published about it.

Everything here is sure to be carried out: whether it may be was asked before. Book, ledger and events change together,
so that they agree whenever somebody looks.
"""

from typing import Any, Final

from bus.protocol.feed import LEVEL, ORDER_ADDED, ORDER_DELETED, ORDER_REDUCED
from bus.protocol.reports import SETTLED
from bus.protocol.terms import AUCTIONS, BUY, WAITING
from bus.protocol.terms import CANCELLED as STATUS_CANCELLED
from matcher.book.level import Level, Order
from matcher.counting import count_order
from matcher.instruments import Instrument
from matcher.ledger.fees.volume import day_of
from matcher.ledger.money.ledger import Ledger
from matcher.outputs import Event
from matcher.reporting import Reporting

#: What an auction would do is told at most this often, by engine time.
INDICATIVE_NS: Final = 100_000_000


class Resting(Reporting):
    """What happens to one order of a book: it is displayed, shows a slice of itself (an iceberg), or is hidden."""

    __slots__ = ()

    def rest(self, order: Order, instrument: Instrument) -> None:
        """What an order has left rests in the book; all of it is displayed, or a slice, or nothing."""
        # book
        instructions = order.instructions
        if instructions is not None:
            order.shown_lots = instructions.slice_lots(order.quantity_lots - order.filled_lots)
        side = order.side
        level = (instrument.book.bids if side == BUY else instrument.book.asks).rest(order)
        if instrument.stage is not None:
            self.collected(instrument, order, order.quantity_lots - order.filled_lots)
        # ledger
        order.account.open[order.sequence] = order
        # events
        if instructions is not None and instructions.hidden:
            return
        self.touch(instrument)
        sequence = self.sequence
        price = level.price_ticks
        instrument.levels.append((LEVEL, sequence, side, price, level.quantity_lots, level.count))
        public_id = instrument.next_public_id
        instrument.next_public_id = public_id + 1
        order.public_id = public_id
        instrument.orders.append((ORDER_ADDED, sequence, public_id, side, price, order.shown_lots))

    def show_next_slice(self, order: Order, level: Level, instrument: Instrument) -> None:
        """The displayed slice of an iceberg has traded: the next one goes to the back, under an id of its own."""
        level.leave(order)
        instructions = order.instructions
        assert instructions is not None, "only an iceberg has more than it shows"
        order.shown_lots = shown = instructions.slice_lots(order.quantity_lots - order.filled_lots)
        level.join(order)
        order.public_id = public_id = instrument.next_public_id
        instrument.next_public_id = public_id + 1
        instrument.orders.append(
            (ORDER_ADDED, self.sequence, public_id, order.side, level.price_ticks, shown)
        )

    def reduce(self, order: Order, instrument: Instrument, quantity_lots: int) -> None:
        """An order becomes smaller and keeps its place; nothing is published of what was not displayed."""
        level = order.level
        assert level is not None, f"order {order.sequence} does not rest"
        if self.shrink(order, level, instrument, quantity_lots):
            self.publish_level(instrument, level)

    def shrink(self, order: Order, level: Level, instrument: Instrument, quantity_lots: int) -> bool:
        """As `reduce`, but the level is still to be published. Whether what it displays has changed."""
        leaves = quantity_lots - order.filled_lots
        less = order.quantity_lots - quantity_lots
        if instrument.stage is not None:
            self.collected(instrument, order, -less)
        order.quantity_lots = quantity_lots
        self.back(order)
        shown = order.shown_lots if order.shown_lots < leaves else leaves
        shown_less = order.shown_lots - shown
        order.shown_lots = shown
        if not order.public_id:
            level.reserve_lots -= less
            return False
        level.quantity_lots -= shown_less
        level.reserve_lots -= less - shown_less
        if not shown_less:
            return False
        self.touch(instrument)
        instrument.orders.append((ORDER_REDUCED, self.sequence, order.public_id, shown))
        return True

    def take_out(self, order: Order, reason: int, asked: bool) -> None:
        """A resting or waiting order ends without a trade."""
        instrument = self.state.instruments[order.symbol]
        if order.status == WAITING:
            self.stop_waiting(order, instrument)
        else:
            level = self.leave(order, instrument)
            if order.public_id:
                self.publish_level(instrument, level)
        self.end(order, STATUS_CANCELLED)
        self.report_cancelled(order, reason, asked)

    def take_out_all(self, orders: list[Order], reason: int, asked: bool) -> None:
        """Open orders end without a trade; each level that they leave is published once."""
        levels: list[tuple[Instrument, Level]] = []
        self.withdraw(orders, reason, asked, levels)
        self.publish_levels(levels)

    def withdraw(
        self, orders: list[Order], reason: int, asked: bool, levels: list[tuple[Instrument, Level]]
    ) -> None:
        """As `take_out_all`, but the levels are still to be published: they are added to those of `levels`, once."""
        for order in orders:
            instrument = self.state.instruments[order.symbol]
            if order.status == WAITING:
                self.stop_waiting(order, instrument)
            else:
                level = self.leave(order, instrument)
                if level.touched != self.sequence and order.public_id:
                    level.touched = self.sequence
                    levels.append((instrument, level))
            self.end(order, STATUS_CANCELLED)
            self.report_cancelled(order, reason, asked)

    def publish_levels(self, levels: list[tuple[Instrument, Level]]) -> None:
        """Levels that `withdraw` noted, as they are now."""
        for instrument, level in levels:
            # What is due ends before a command does anything: under one sequence this may happen twice.
            level.touched = 0
            self.publish_level(instrument, level)

    def end_unfilled(self, order: Order, reason: int) -> None:
        """What an order that may not rest has left is gone."""
        self.end(order, STATUS_CANCELLED)
        self.report_cancelled(order, reason, True)

    def stop_waiting(self, order: Order, instrument: Instrument) -> None:
        """An order waits no more. The public never heard of it. O(log waiting orders)."""
        watch = instrument.watch
        assert watch is not None, f"order {order.sequence} does not wait"
        watch.remove(order)
        if watch.is_idle():
            instrument.watch = None

    def leave(self, order: Order, instrument: Instrument) -> Level:
        """An order leaves the book; its level is still to be published if the order was displayed."""
        level = (instrument.book.bids if order.side == BUY else instrument.book.asks).remove(order)
        if instrument.stage is not None:
            self.collected(instrument, order, order.filled_lots - order.quantity_lots)
        public_id = order.public_id
        if public_id:
            self.touch(instrument)
            instrument.orders.append((ORDER_DELETED, self.sequence, public_id))
        return level

    def collected(self, instrument: Instrument, order: Order, lots: int) -> None:
        """The book of a phase in which orders collect has so many lots more of an order, or fewer."""
        stage = instrument.stage
        if stage is not None and stage.crossing is not None:
            stage.crossing.change(order.side, order.price_ticks, lots)
        self.look_again(instrument)

    def look_again(self, instrument: Instrument) -> None:
        """Something has changed in an auction: what it would do is told in a while."""
        stage = instrument.stage
        if stage is None or stage.due_ns or instrument.phase not in AUCTIONS:
            return
        stage.due_ns = max(stage.told_ns + INDICATIVE_NS, self.time_ns)
        self.state.timers.look_again(instrument)

    def publish_level(self, instrument: Instrument, level: Level) -> None:
        """A level as it is now, for everybody."""
        self.touch(instrument)
        instrument.levels.append(
            (LEVEL, self.sequence, level.side, level.price_ticks, level.quantity_lots, level.count)
        )

    def back(self, order: Order) -> None:
        """An order has another price or quantity: it holds as much as that takes, and counts with that."""
        ledger = self.state.ledger
        if ledger is not None:
            ledger.hold(order)
        self.count(order)

    def count(self, order: Order) -> None:
        """What an open order adds to the risk of its account has changed."""
        limits = order.account.limits
        if limits is not None and limits.risk is not None:
            count_order(limits.risk, order, self.state.instruments[order.symbol])

    def count_fill(self, order: Order, lots: int, notional: int) -> None:
        """An order of an account with limits has traded. Before it ends."""
        account = order.account
        limits = account.limits
        assert limits is not None, "the account is limited"
        limits.traded(order.symbol, lots, notional)
        risk = limits.risk
        if risk is None:
            return
        risk.filled(order.symbol, order.side, lots, notional)
        count_order(risk, order, self.state.instruments[order.symbol])
        if risk.limits_loss and account not in self.at_risk:
            self.at_risk.append(account)

    def settle(
        self,
        ledger: Ledger,
        buyer: Order,
        seller: Order,
        trade_id: Any,
        price_ticks: Any,
        quantity_lots: Any,
        taker: int,
    ) -> None:
        """A trade moves money where the venue clears, and both are told behind their fills. Before either order ends.

        `taker`: the side that took, whose report answers the command; 0 in an auction.
        """
        product = ledger.products[buyer.symbol]
        base_units = product.base_units(quantity_lots)
        quote_units = product.quote_units(price_ticks, quantity_lots)
        fees = product.fees
        buyer_fee = seller_fee = 0
        if fees is None:
            ledger.settle(product, buyer, seller, base_units, quote_units)
        else:
            buyer_fee, seller_fee = ledger.settle_with_fees(
                product,
                fees,
                buyer,
                seller,
                base_units,
                quote_units,
                price_ticks,
                taker,
                day_of(self.time_ns),
            )
        for order in (buyer, seller):
            buys = order is buyer
            paid_asset, paid = (product.quote, quote_units) if buys else (product.base, base_units)
            received_asset, received = (product.base, base_units) if buys else (product.quote, quote_units)
            took = order.side == taker
            balances = order.account.balances
            settled: Event = (
                SETTLED,
                self.sequence,
                self.time_ns,
                self.session if took else 0,
                self.correlation_id if took else 0,
                order.sequence,
                order.request_id,
                order.symbol,
                trade_id,
                paid_asset,
                paid,
                balances[paid_asset].total,
                received_asset,
                received,
                balances[received_asset].total,
            )
            fee = buyer_fee if buys else seller_fee
            if fee and fees is not None:
                asset = fees.buyers_asset if buys else fees.sellers_asset
                charged: Event = (asset, fee, balances[asset].total)
                settled += charged
            self.report(order.account, settled)

    def end(self, order: Order, status: int) -> None:
        """An order has ended: its account has an open order less, and remembers its id for a while."""
        order.status = status
        if order.held and self.state.ledger is not None:
            self.state.ledger.release(order)
        account = order.account
        account.open.pop(order.sequence, None)
        account.end(order, self.time_ns, self.ids_max)
        if account.limits is not None:
            account.limits.ended(order.symbol, order.sequence)
        instructions = order.instructions
        if instructions is not None and instructions.watched:
            watch = self.state.instruments[order.symbol].watch
            if watch is not None:
                watch.ended(order, instructions)


def publish_once(instrument: Instrument, first: int) -> None:
    """Of a level that was published again behind `first`, leave the last word, where the first one stood."""
    levels = instrument.levels
    last: dict[tuple[int, int], Event] = {}
    for at in range(first, len(levels)):
        event = levels[at]
        last[(event[2], event[3])] = event
    if len(last) < len(levels) - first:
        instrument.levels = levels[:first] + list(last.values())
