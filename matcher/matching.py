"""Matching: how orders meet, rest, move and leave, and what is published about it.

Everything here is sure to be carried out: whether it may be was asked before. Book, ledger and events change together,
trade by trade, so that they agree whenever somebody looks.
"""

from bus.protocol.feed import LEVEL, ORDER_ADDED, ORDER_DELETED, ORDER_EXECUTED, ORDER_REDUCED, TRADE
from bus.protocol.reports import FILLED
from bus.protocol.terms import BUY, MAKER, TAKER
from bus.protocol.terms import CANCELLED as STATUS_CANCELLED
from bus.protocol.terms import FILLED as STATUS_FILLED
from matcher.book.level import Level, Order
from matcher.instruments import Instrument
from matcher.reporting import Reporting


class Matching(Reporting):
    """What a book does with orders that may be in it."""

    __slots__ = ()

    def match(self, order: Order, instrument: Instrument) -> None:
        """Trade an order that meets the other side, best level first, oldest order first, at the resting price.

        It stops when the order is filled or meets nothing more. O(trades).
        """
        sequence = self.sequence
        time_ns = self.time_ns
        session = self.session
        correlation_id = self.correlation_id
        symbol = instrument.symbol
        side = order.side
        limit = order.price_ticks
        leaves = order.quantity_lots - order.filled_lots
        opposite = instrument.book.asks if side == BUY else instrument.book.bids
        sign = opposite.sign
        maker_side = opposite.side
        account = order.account
        trade_id = instrument.next_trade_id
        self.touch(instrument)
        level = opposite.best
        while level is not None and leaves:
            price = level.price_ticks
            if limit and (price - limit) * sign > 0:
                break
            maker = level.head
            while maker is not None and leaves:
                # book
                maker_leaves = maker.quantity_lots - maker.filled_lots
                quantity = maker_leaves if maker_leaves < leaves else leaves
                maker_leaves -= quantity
                leaves -= quantity
                maker_filled = maker.filled_lots + quantity
                filled = order.filled_lots + quantity
                maker.filled_lots = maker_filled
                order.filled_lots = filled
                level.quantity_lots -= quantity
                # events
                maker_account = maker.account
                reports = maker_account.reports
                if not reports:
                    self.outputs.accounts.append(maker_account)
                reports.append(
                    (
                        FILLED,
                        sequence,
                        time_ns,
                        0,
                        0,
                        maker.sequence,
                        maker.request_id,
                        symbol,
                        maker_side,
                        trade_id,
                        price,
                        quantity,
                        maker_filled,
                        maker_leaves,
                        MAKER,
                    )
                )
                account.reports.append(
                    (
                        FILLED,
                        sequence,
                        time_ns,
                        session,
                        correlation_id,
                        order.sequence,
                        order.request_id,
                        symbol,
                        side,
                        trade_id,
                        price,
                        quantity,
                        filled,
                        leaves,
                        TAKER,
                    )
                )
                instrument.trades.append((TRADE, sequence, time_ns, trade_id, price, quantity, side))
                instrument.orders.append(
                    (ORDER_EXECUTED, sequence, maker.public_id, quantity, maker_leaves, trade_id)
                )
                trade_id += 1
                # ledger
                if maker_leaves:
                    break
                following = maker.newer
                level.leave(maker)
                self._end(maker, STATUS_FILLED)
                maker = following
            instrument.last_price_ticks = price
            instrument.levels.append((LEVEL, sequence, maker_side, price, level.quantity_lots, level.count))
            if level.count:
                break
            opposite.drop(level)
            level = opposite.best
        instrument.next_trade_id = trade_id
        if not leaves:
            self._end(order, STATUS_FILLED)

    def rest(self, order: Order, instrument: Instrument) -> None:
        """What an order has left rests in the book, displayed."""
        # book
        side = order.side
        level = (instrument.book.bids if side == BUY else instrument.book.asks).rest(order)
        # ledger
        order.account.open[order.sequence] = order
        # events
        public_id = instrument.next_public_id
        instrument.next_public_id = public_id + 1
        order.public_id = public_id
        self.touch(instrument)
        price = level.price_ticks
        instrument.levels.append((LEVEL, self.sequence, side, price, level.quantity_lots, level.count))
        leaves = order.quantity_lots - order.filled_lots
        instrument.orders.append((ORDER_ADDED, self.sequence, public_id, side, price, leaves))

    def reduce(self, order: Order, instrument: Instrument, quantity_lots: int) -> None:
        """An order becomes smaller and keeps its place; nothing is published when it stays as it is."""
        level = order.level
        assert level is not None, f"order {order.sequence} does not rest"
        less = order.quantity_lots - quantity_lots
        if not less:
            return
        order.quantity_lots = quantity_lots
        level.quantity_lots -= less
        self._publish_level(instrument, level)
        leaves = quantity_lots - order.filled_lots
        instrument.orders.append((ORDER_REDUCED, self.sequence, order.public_id, leaves))

    def move(
        self, order: Order, instrument: Instrument, request_id: str, price_ticks: int, quantity_lots: int
    ) -> None:
        """An order goes to the back of the level of its new price, and may trade on the way."""
        level = self._leave(order, instrument)
        if level.price_ticks != price_ticks:
            self._publish_level(instrument, level)
        order.price_ticks = price_ticks
        order.quantity_lots = quantity_lots
        self.report_replaced(order, request_id, False)
        if instrument.book.would_trade(order.side, price_ticks):
            self.match(order, instrument)
        if order.filled_lots < quantity_lots:
            self.rest(order, instrument)

    def take_out(self, order: Order, reason: int, asked: bool) -> None:
        """A resting order ends without a trade."""
        instrument = self.state.instruments[order.symbol]
        self._publish_level(instrument, self._leave(order, instrument))
        self._end(order, STATUS_CANCELLED)
        self.report_cancelled(order, reason, asked)

    def take_out_all(self, orders: list[Order], reason: int, asked: bool) -> None:
        """Resting orders end without a trade; each level that they leave is published once."""
        levels: list[tuple[Instrument, Level]] = []
        for order in orders:
            instrument = self.state.instruments[order.symbol]
            level = self._leave(order, instrument)
            if level.touched != self.sequence:
                level.touched = self.sequence
                levels.append((instrument, level))
            self._end(order, STATUS_CANCELLED)
            self.report_cancelled(order, reason, asked)
        for instrument, level in levels:
            self._publish_level(instrument, level)

    def end_unfilled(self, order: Order, reason: int) -> None:
        """What an order that may not rest has left is gone."""
        self._end(order, STATUS_CANCELLED)
        self.report_cancelled(order, reason, True)

    def _leave(self, order: Order, instrument: Instrument) -> Level:
        """An order leaves the book; its level is still to be published."""
        level = (instrument.book.bids if order.side == BUY else instrument.book.asks).remove(order)
        self.touch(instrument)
        instrument.orders.append((ORDER_DELETED, self.sequence, order.public_id))
        return level

    def _publish_level(self, instrument: Instrument, level: Level) -> None:
        self.touch(instrument)
        instrument.levels.append(
            (LEVEL, self.sequence, level.side, level.price_ticks, level.quantity_lots, level.count)
        )

    def _end(self, order: Order, status: int) -> None:
        """An order has ended: its account has an open order less, and remembers its id for a while."""
        order.status = status
        account = order.account
        account.open.pop(order.sequence, None)
        account.end(order, self.time_ns, self.state.rules.client_order_ids_per_account_max)
