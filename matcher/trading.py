"""Trading: what enter, cancel, replace and mass cancel do to book and ledger, and what is said about it.

Every handler has the same four sections: gate (may it pass?), book (who trades with whom?), ledger (who owns what
now?), events (what is to be said?). Matching makes the last three at once, trade by trade. A refusal is a report and
leaves book and ledger untouched (I9); the id is remembered all the same (I6).

The engine sets the context of a command (`sequence`, `time_ns`, who asked and when) and calls one handler.
"""

from bus.protocol import reasons
from bus.protocol.commands import (
    CANCEL_ORDER,
    ENTER_ORDER,
    MASS_CANCEL,
    REPLACE_ORDER,
    CancelOrder,
    EnterOrder,
    MassCancel,
    ReplaceOrder,
)
from bus.protocol.feed import LEVEL, ORDER_ADDED, ORDER_DELETED, ORDER_EXECUTED, ORDER_REDUCED, TRADE
from bus.protocol.reports import ACCEPTED, CANCELLED, COMPLETED, DUPLICATE, FILLED, REJECTED, REPLACED
from bus.protocol.terms import BUY, FOK, GTC, MAKER, MARKET, OPEN, POST_ONLY, SELL, TAKER
from bus.protocol.terms import CANCELLED as STATUS_CANCELLED
from bus.protocol.terms import FILLED as STATUS_FILLED
from bus.protocol.terms import REJECTED as STATUS_REJECTED
from matcher.book.level import Level, Order
from matcher.gate.orders import is_printable, order_reason, price_reason, quantity_reason
from matcher.instruments import Instrument
from matcher.ledger.account import Account
from matcher.ledger.request import PlainRequest, Request
from matcher.outputs import Event, Outputs
from matcher.state import State


class Trading:
    """The handlers of orders. `late` is why a new request of this age is refused, or 0."""

    __slots__ = ("correlation_id", "created_ns", "late", "outputs", "sequence", "session", "state", "time_ns")

    def __init__(self, state: State, outputs: Outputs) -> None:
        self.state = state
        self.outputs = outputs
        self.sequence = 0
        self.time_ns = 0
        self.session = 0
        self.correlation_id = 0
        self.created_ns = 0
        self.late = 0

    def enter(self, account: Account, command: EnterOrder) -> None:
        """A new order."""
        # gate
        request_id = command.client_order_id
        if request_id in account.requests and self._answer_again(account, ENTER_ORDER, request_id, command):
            return
        if self.late or self.created_ns <= account.forgotten_ns or not is_printable(request_id):
            self._refuse(account, ENTER_ORDER, request_id)
            return
        side = command.side
        order_type = command.order_type
        time_in_force = command.time_in_force
        flags = command.flags
        quantity = command.quantity_lots
        price = command.price_ticks
        instrument = self.state.instruments.get(command.symbol)
        if instrument is None:
            self._refuse_for_good(account, ENTER_ORDER, request_id, command, reasons.UNKNOWN_SYMBOL)
            return
        reason = order_reason(instrument, side, order_type, time_in_force, flags, quantity, price)
        if not reason:
            if flags and instrument.book.would_trade(side, price):
                reason = reasons.WOULD_TRADE
            elif len(account.open) >= self.state.rules.open_orders_per_account_max:
                reason = reasons.TOO_MANY_OPEN_ORDERS
        if reason:
            self._refuse_for_good(account, ENTER_ORDER, request_id, command, reason)
            return
        # ledger: the account has an order more
        sequence = self.sequence
        session = self.session
        symbol = instrument.symbol
        order = Order(
            request_id,
            sequence,
            self.created_ns,
            account,
            session,
            symbol,
            side,
            order_type,
            time_in_force,
            flags,
            price,
            quantity,
        )
        account.requests[request_id] = order
        # events: it is in
        reports = account.reports
        if not reports:
            self.outputs.accounts.append(account)
        reports.append(
            (
                ACCEPTED,
                sequence,
                self.time_ns,
                session,
                self.correlation_id,
                sequence,
                request_id,
                symbol,
                side,
                order_type,
                time_in_force,
                flags,
                price,
                quantity,
            )
        )
        # book, and what follows from trades for ledger and events
        opposite = instrument.book.asks if side == BUY else instrument.book.bids
        if time_in_force == FOK and opposite.available_lots(price, quantity) < quantity:
            self._end_unfilled(order, reasons.FOK_UNFILLED)
            return
        best = opposite.best
        if best is not None and (not price or (best.price_ticks - price) * opposite.sign <= 0):
            self._match(order, instrument)
            if order.filled_lots == quantity:
                return
        if time_in_force == GTC:
            self._rest(order, instrument)
        else:
            self._end_unfilled(order, reasons.NO_LIQUIDITY if order_type == MARKET else reasons.IOC_REMAINDER)

    def cancel(self, account: Account, command: CancelOrder) -> None:
        """End an open order."""
        # gate
        order = self._find(account, command.order_id, command.client_order_id)
        if order is None:
            reason = self._missing_reason(account, command.order_id, command.client_order_id)
            self.reject(account, CANCEL_ORDER, command.client_order_id, reason)
            return
        # book, ledger, events
        self._take_out(order, reasons.BY_REQUEST, True)

    def replace(self, account: Account, command: ReplaceOrder) -> None:
        """Change price and quantity of an open order. Priority: see ReplaceOrder."""
        # gate
        request_id = command.request_id
        if request_id in account.requests and self._answer_again(account, REPLACE_ORDER, request_id, command):
            return
        if self.late or self.created_ns <= account.forgotten_ns or not is_printable(request_id):
            self._refuse(account, REPLACE_ORDER, request_id)
            return
        order = self._find(account, command.order_id, command.client_order_id)
        if order is None:
            reason = self._missing_reason(account, command.order_id, command.client_order_id)
            self._refuse_for_good(account, REPLACE_ORDER, request_id, command, reason)
            return
        instrument = self.state.instruments[order.symbol]
        reason = self._replace_reason(order, instrument, command)
        if reason:
            self._refuse_for_good(account, REPLACE_ORDER, request_id, command, reason)
            return
        # book, ledger, events
        self._remember(account, request_id, command, 0, order)
        price = command.price_ticks or order.price_ticks
        quantity = command.quantity_lots or order.quantity_lots
        if quantity <= order.filled_lots:
            self._take_out(order, reasons.REPLACED_TO_FILLED, True)
        elif price == order.price_ticks and quantity <= order.quantity_lots:
            self._reduce(order, instrument, quantity)
            self._report_replaced(order, request_id, True)
        else:
            self._move(order, instrument, request_id, price, quantity)

    def mass_cancel(self, account: Account, command: MassCancel) -> None:
        """End all open orders of an account, of one symbol and side or all of them, oldest first."""
        # gate
        symbol = command.symbol
        side = command.side
        if symbol and symbol not in self.state.instruments:
            self.reject(account, MASS_CANCEL, "", reasons.UNKNOWN_SYMBOL)
            return
        if side != 0 and side != BUY and side != SELL:
            self.reject(account, MASS_CANCEL, "", reasons.INVALID_SIDE)
            return
        # book, ledger, events
        taken: list[Order] = []
        for order in account.open.values():
            assert isinstance(order, Order)
            if (not symbol or order.symbol == symbol) and (not side or order.side == side):
                taken.append(order)
        self._take_out_all(taken, reasons.BY_MASS_CANCEL, True)
        self.complete(account, MASS_CANCEL, len(taken))

    def end_session(self, account: Account, session: int) -> None:
        """A cancel-on-disconnect session has ended: so do its open orders, oldest first. O(the account's orders)."""
        taken: list[Order] = []
        for order in account.open.values():
            assert isinstance(order, Order)
            if order.session == session:
                taken.append(order)
        self._take_out_all(taken, reasons.SESSION_ENDED, False)

    # What is said to an account.

    def report(self, account: Account, report: Event) -> None:
        """One more report for an account."""
        reports = account.reports
        if not reports:
            self.outputs.accounts.append(account)
        reports.append(report)

    def reject(self, account: Account, command: int, request_id: str, reason: int) -> None:
        """A refusal that is not remembered: the request had no id, or the id is not its to take."""
        self.report(
            account,
            (
                REJECTED,
                self.sequence,
                self.time_ns,
                self.session,
                self.correlation_id,
                command,
                request_id,
                reason,
            ),
        )

    def complete(self, account: Account, command: int, count: int) -> None:
        """A command that is about no single order was carried out."""
        self.report(
            account,
            (COMPLETED, self.sequence, self.time_ns, self.session, self.correlation_id, command, count),
        )

    def _report_replaced(self, order: Order, request_id: str, kept_priority: bool) -> None:
        self.report(
            order.account,
            (
                REPLACED,
                self.sequence,
                self.time_ns,
                self.session,
                self.correlation_id,
                request_id,
                order.sequence,
                order.request_id,
                order.symbol,
                order.price_ticks,
                order.quantity_lots,
                order.quantity_lots - order.filled_lots,
                kept_priority,
            ),
        )

    def _report_cancelled(self, order: Order, reason: int, asked: bool) -> None:
        self.report(
            order.account,
            (
                CANCELLED,
                self.sequence,
                self.time_ns,
                self.session if asked else 0,
                self.correlation_id if asked else 0,
                order.sequence,
                order.request_id,
                order.symbol,
                order.quantity_lots - order.filled_lots,
                order.filled_lots,
                reason,
            ),
        )

    # Requests: refused, remembered, answered again.

    def _refuse(self, account: Account, command: int, request_id: str) -> None:
        """Too old, too new, or an id that is none: executing it later would not be safe, so nothing is remembered."""
        reason = self.late
        if not reason:
            reason = reasons.STALE if self.created_ns <= account.forgotten_ns else reasons.INVALID_ID
        self.reject(account, command, request_id, reason)

    def _refuse_for_good(
        self, account: Account, tag: int, request_id: str, command: EnterOrder | ReplaceOrder, reason: int
    ) -> None:
        """A refusal that is remembered: the same request sent again gets the same answer, whatever the market did."""
        self._remember(account, request_id, command, reason, None)
        self.reject(account, tag, request_id, reason)

    def _remember(
        self,
        account: Account,
        request_id: str,
        command: EnterOrder | ReplaceOrder,
        reason: int,
        target: Order | None,
    ) -> None:
        request = PlainRequest(request_id, command, self.sequence, self.created_ns, reason, target)
        account.requests[request_id] = request
        account.end(request, self.time_ns, self.state.rules.client_order_ids_per_account_max)

    def _answer_again(
        self, account: Account, tag: int, request_id: str, command: EnterOrder | ReplaceOrder
    ) -> bool:
        """Answer a request whose id was used before; False when that was so long ago that the id is free again."""
        known = account.find(request_id, self.time_ns)
        if known is None:
            return False
        order: Request | None = known
        if isinstance(known, Order):
            same = _entered_as(known, command)
        else:
            assert isinstance(known, PlainRequest)
            same = type(command) is type(known.command) and command == known.command
            order = known.target
        if not same:
            stale = reasons.STALE if self.created_ns <= account.forgotten_ns else 0
            self.reject(account, tag, request_id, self.late or stale or reasons.ID_TAKEN)
            return True
        order_id = price = quantity = filled = 0
        status = STATUS_REJECTED
        if isinstance(order, Order):
            order_id = order.sequence
            status = order.status
            price = order.price_ticks
            quantity = order.quantity_lots
            filled = order.filled_lots
        self.report(
            account,
            (
                DUPLICATE,
                self.sequence,
                self.time_ns,
                self.session,
                self.correlation_id,
                tag,
                request_id,
                known.sequence,
                known.reason,
                order_id,
                status,
                price,
                quantity,
                filled,
            ),
        )
        return True

    # Orders: found, matched, rested, moved, taken out.

    def _find(self, account: Account, order_id: int, client_order_id: str) -> Order | None:
        """The open order of the account that is named by exactly one of both ids."""
        if order_id:
            found = None if client_order_id else account.open.get(order_id)
        else:
            found = account.requests.get(client_order_id)
        if isinstance(found, Order) and found.level is not None:
            return found
        return None

    def _missing_reason(self, account: Account, order_id: int, client_order_id: str) -> int:
        """Why `_find` found nothing."""
        if (order_id != 0) == (client_order_id != ""):
            return reasons.INVALID_ID
        known = account.find(client_order_id, self.time_ns)
        if known is None or (isinstance(known, PlainRequest) and isinstance(known.command, ReplaceOrder)):
            return reasons.UNKNOWN_ORDER
        return reasons.ORDER_ENDED

    def _match(self, order: Order, instrument: Instrument) -> None:
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

    def _rest(self, order: Order, instrument: Instrument) -> None:
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

    def _reduce(self, order: Order, instrument: Instrument, quantity_lots: int) -> None:
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

    def _move(
        self, order: Order, instrument: Instrument, request_id: str, price_ticks: int, quantity_lots: int
    ) -> None:
        """An order goes to the back of the level of its new price, and may trade on the way."""
        level = self._leave(order, instrument)
        if level.price_ticks != price_ticks:
            self._publish_level(instrument, level)
        order.price_ticks = price_ticks
        order.quantity_lots = quantity_lots
        self._report_replaced(order, request_id, False)
        if instrument.book.would_trade(order.side, price_ticks):
            self._match(order, instrument)
        if order.filled_lots < quantity_lots:
            self._rest(order, instrument)

    def _take_out(self, order: Order, reason: int, asked: bool) -> None:
        """A resting order ends without a trade."""
        instrument = self.state.instruments[order.symbol]
        self._publish_level(instrument, self._leave(order, instrument))
        self._end(order, STATUS_CANCELLED)
        self._report_cancelled(order, reason, asked)

    def _take_out_all(self, orders: list[Order], reason: int, asked: bool) -> None:
        """Resting orders end without a trade; each level that they leave is published once."""
        levels: list[tuple[Instrument, Level]] = []
        for order in orders:
            instrument = self.state.instruments[order.symbol]
            level = self._leave(order, instrument)
            if level.touched != self.sequence:
                level.touched = self.sequence
                levels.append((instrument, level))
            self._end(order, STATUS_CANCELLED)
            self._report_cancelled(order, reason, asked)
        for instrument, level in levels:
            self._publish_level(instrument, level)

    def _end_unfilled(self, order: Order, reason: int) -> None:
        """What an order that may not rest has left is gone."""
        self._end(order, STATUS_CANCELLED)
        self._report_cancelled(order, reason, True)

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

    def touch(self, instrument: Instrument) -> None:
        """The instrument has something to publish."""
        if not instrument.touched:
            instrument.touched = True
            self.outputs.instruments.append(instrument)

    def _replace_reason(self, order: Order, instrument: Instrument, command: ReplaceOrder) -> int:
        """Why an open order may not be replaced so; 0 when it may."""
        if instrument.status != OPEN:
            return reasons.NOT_TRADING
        price = command.price_ticks
        quantity = command.quantity_lots
        reason = quantity_reason(instrument, quantity) if quantity else 0
        if not reason and price:
            reason = price_reason(instrument, price)
        if reason:
            return reason
        if not price and not quantity:
            return reasons.NOTHING_TO_REPLACE
        if price and order.flags & POST_ONLY and instrument.book.would_trade(order.side, price):
            return reasons.WOULD_TRADE
        return 0


def _entered_as(order: Order, command: EnterOrder | ReplaceOrder) -> bool:
    """Whether this command is the one that the order was entered with."""
    return (
        isinstance(command, EnterOrder)
        and order.symbol == command.symbol
        and order.side == command.side
        and order.order_type == command.order_type
        and order.time_in_force == command.time_in_force
        and order.flags == command.flags
        and order.entered_price_ticks == command.price_ticks
        and order.entered_quantity_lots == command.quantity_lots
    )
