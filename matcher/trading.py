"""Trading: what enter, cancel, replace and mass cancel do to book and ledger, and what is said about it.

Every handler has the same four sections: gate (may it pass?), book (who trades with whom?), ledger (who owns what
now?), events (what is to be said?). Matching makes the last three at once, trade by trade. A refusal is a report and
leaves book and ledger untouched (I9); the id is remembered all the same (I6).

The engine sets the context of a command (`sequence`, `time_ns`, who asked and when) and calls one handler.
"""

from typing import Final

from msgspec.structs import astuple

from bus.protocol import reasons
from bus.protocol.commands import (
    CANCEL_ALL_AFTER,
    CANCEL_ORDER,
    ENTER_ORDER,
    MASS_CANCEL,
    REPLACE_ORDER,
    CancelAllAfter,
    CancelOrder,
    EnterOrder,
    MassCancel,
    Quote,
    ReplaceOrder,
    Transfer,
)
from bus.protocol.reports import ACCEPTED
from bus.protocol.terms import (
    BUY,
    CONTINUOUS,
    DAY,
    FOK,
    GTC,
    LIMIT,
    PEGGED,
    POST_ONLY,
    POST_ONLY_REPRICE,
    SELL,
    WAITING,
)
from matcher.book.instructions import INSTRUCTING_FLAGS, NOT_INSTRUCTED, PLAIN_FIELDS, Instructions
from matcher.book.level import Order, open_orders_of
from matcher.book.triggers import TRIGGERED_TYPES
from matcher.gate.limits import entry_reason, replace_reason
from matcher.gate.money import funds_reason, limit_reason, replace_funds_reason
from matcher.gate.orders import is_printable, order_reason, price_reason, quantity_reason
from matcher.gate.phases import replace_reason as phase_replace_reason
from matcher.gate.risk import enter_reason, replaced_reason
from matcher.instruments import Instrument
from matcher.ledger.account import Account
from matcher.ledger.limits import Limits
from matcher.ledger.request import PlainRequest
from matcher.requests import Requests
from matcher.timers import day_end_ns

#: A countdown is there to be started again and again; one that outlasts a day protects nobody.
COUNTDOWN_MS_MAX: Final = 24 * 3600 * 1000


class Trading(Requests):
    """The handlers of orders."""

    __slots__ = ()

    def enter(self, account: Account, command: EnterOrder) -> None:
        """A new order."""
        # gate
        fields = astuple(command)
        request_id: str = fields[0]
        if request_id in account.requests and self.answer_again(account, ENTER_ORDER, request_id, command):
            return
        if self.late or self.created_ns <= account.forgotten_ns or not is_printable(request_id):
            self.refuse(account, ENTER_ORDER, request_id)
            return
        limits = account.limits
        hurries = limits is not None and limits.hurries(fields[1], self.sequence, self.time_ns)
        if limits is not None and limits.shut:
            self.refuse_for_good(account, ENTER_ORDER, request_id, command, reasons.ACCOUNT_CLOSED)
            return
        instrument = self.state.instruments.get(fields[1])
        if instrument is None:
            self.refuse_for_good(account, ENTER_ORDER, request_id, command, reasons.UNKNOWN_SYMBOL)
            return
        ledger = self.state.ledger
        product = None if ledger is None else ledger.products.get(instrument.symbol)
        if ledger is not None and product is None:
            self.refuse_for_good(account, ENTER_ORDER, request_id, command, reasons.UNKNOWN_ASSET)
            return
        side: int = fields[2]
        quantity: int = fields[3]
        price: int = fields[4]
        order_type: int = fields[5]
        time_in_force: int = fields[6]
        flags: int = fields[7]
        instructed = fields[PLAIN_FIELDS:]
        instructions: Instructions | None = None
        if not (
            flags == 0
            and order_type == LIMIT
            and instructed == NOT_INSTRUCTED
            and side in (BUY, SELL)
            and GTC <= time_in_force <= FOK
            and instrument.quantity_min_lots <= quantity <= instrument.quantity_max_lots
            and instrument.price_min_ticks <= price <= instrument.price_max_ticks
            and instrument.phase == CONTINUOUS
        ):  # anything but a plain limit order, which passes in this one look
            reason = order_reason(instrument, account, command, self.time_ns)
            if reason:
                reason = self.phase_reason(reason)
                self.refuse_for_good(account, ENTER_ORDER, request_id, command, reason)
                return
            if instructed != NOT_INSTRUCTED or flags & INSTRUCTING_FLAGS or time_in_force >= DAY:
                instructions = Instructions(command)
                if time_in_force == DAY:
                    instructions.expires_ns = day_end_ns(self.time_ns)
                    instructed = (instructions.expires_ns, *instructed[1:])
        if ledger is not None and limit_reason(side, price):
            self.refuse_for_good(account, ENTER_ORDER, request_id, command, reasons.LIMIT_NEEDED)
            return
        if len(account.open) >= self.open_max:
            self.refuse_for_good(account, ENTER_ORDER, request_id, command, reasons.TOO_MANY_OPEN_ORDERS)
            return
        if limits is not None:
            trigger: int = command.trigger_price_ticks
            reason = entry_reason(
                limits, instrument, side, quantity, price, trigger, len(account.open), hurries
            )
            if reason:
                self.refuse_for_good(account, ENTER_ORDER, request_id, command, reason)
                return
        units = 0
        if ledger is not None and product is not None:
            if instructions is None:
                units = ledger.backing(account, product, side, price, quantity)
            elif funds_reason(ledger, account, command, 0, 0):
                units = -1
            if units < 0:
                self.refuse_for_good(account, ENTER_ORDER, request_id, command, reasons.INSUFFICIENT_FUNDS)
                return
        if limits is not None and limits.risk is not None:
            reason = enter_reason(
                limits.risk, self.state.instruments, instrument, account, command, limits.chattered
            )
            if reason:
                self.refuse_for_good(account, ENTER_ORDER, request_id, command, reason)
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
            instructions,
        )
        if self.judging:
            self.judged = order
            return
        account.requests[request_id] = order
        if limits is not None:
            limits.opened(symbol)
        # events: it is in
        accepted = (
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
        reports = account.reports
        if not reports:
            self.outputs.accounts.append(account)
        # book, and what follows from trades for ledger and events
        if instructions is None:
            reports.append(accepted)
            if ledger is not None and product is not None:
                ledger.hold_first(order, product, units)
            if limits is not None:
                self.count(order)
            self.execute(order, instrument)
        else:
            reports.append(accepted + instructed)
            self.prepare(order, instrument)
            self.back(order)
            if order.status != WAITING:
                self.execute(order, instrument)
        if instructions is not None and instructions.expires_ns and not order.ended_ns:
            self.state.timers.expire(order, instructions.expires_ns)
        if instrument.watch is not None:
            self.follow(instrument)

    def prepare(self, order: Order, instrument: Instrument) -> None:
        """What instructions make of an order before it meets the market: it may have to wait for that."""
        instructions = order.instructions
        assert instructions is not None, "only instructions make something of an order"
        if instructions.for_auction:
            self.watch_of(instrument).auctioned[order.sequence] = order
            return
        if instructions.command.cancels_with or instructions.command.triggered_by:
            self.link(order, instrument)
            if order.status == WAITING:
                return
        if order.order_type in TRIGGERED_TYPES:
            self.wait(order, instrument)
        elif order.order_type == PEGGED:
            self.peg(order, instrument)
        if order.flags & POST_ONLY_REPRICE:
            price = instrument.book.passive_price(order.side, order.price_ticks)
            if price != order.price_ticks:
                order.price_ticks = price
                self.report_restated(order, reasons.POST_ONLY_MOVED)

    def cancel(self, account: Account, command: CancelOrder) -> None:
        """End an open order."""
        # gate
        order = self._find(account, command.order_id, command.client_order_id)
        if account.limits is not None:
            account.limits.cancels("" if order is None else order.symbol)
        if order is None:
            reason = self._missing_reason(account, command.order_id, command.client_order_id)
            self.reject(account, CANCEL_ORDER, command.client_order_id, reason)
            return
        if self.judging:
            self.judged = order
            return
        # book, ledger, events
        instrument = self.state.instruments[order.symbol]
        self.take_out(order, reasons.BY_REQUEST, True)
        if instrument.watch is not None:
            self.follow(instrument)

    def replace(self, account: Account, command: ReplaceOrder) -> None:
        """Change price and quantity of an open order. Priority: see ReplaceOrder."""
        # gate
        request_id = command.request_id
        if request_id in account.requests and self.answer_again(account, REPLACE_ORDER, request_id, command):
            return
        if self.late or self.created_ns <= account.forgotten_ns or not is_printable(request_id):
            self.refuse(account, REPLACE_ORDER, request_id)
            return
        order = self._find(account, command.order_id, command.client_order_id)
        limits = account.limits
        if limits is not None:
            limits.hurries("" if order is None else order.symbol, self.sequence, self.time_ns)
        if order is None:
            reason = self._missing_reason(account, command.order_id, command.client_order_id)
            self.refuse_for_good(account, REPLACE_ORDER, request_id, command, reason)
            return
        instrument = self.state.instruments[order.symbol]
        reason = self._replace_reason(order, instrument, command)
        if reason:
            self.refuse_for_good(account, REPLACE_ORDER, request_id, command, reason)
            return
        if self.judging:
            self.judged = order
            return
        # book, ledger, events
        self.remember(account, request_id, command, 0, order)
        price = command.price_ticks or order.price_ticks
        quantity = command.quantity_lots or order.quantity_lots
        if quantity <= order.filled_lots:
            self.take_out(order, reasons.REPLACED_TO_FILLED, True)
        elif order.order_type == PEGGED:
            self.replace_pegged(order, instrument, request_id, command.price_ticks, quantity)
        elif order.status == WAITING:
            order.price_ticks = price
            order.quantity_lots = order.shown_lots = quantity
            self.back(order)
            self.report_replaced(order, request_id, True)
        elif price == order.price_ticks and quantity <= order.quantity_lots:
            self.reduce(order, instrument, quantity)
            self.report_replaced(order, request_id, True)
        else:
            self.move(order, instrument, request_id, price, quantity)
        if instrument.watch is not None:
            self.follow(instrument)

    def mass_cancel(self, account: Account, command: MassCancel) -> None:
        """End all open orders of an account, of one symbol and side or all of them, oldest first."""
        # gate
        symbol = command.symbol
        side = command.side
        if account.limits is not None:
            account.limits.cancels(symbol)
        if symbol and symbol not in self.state.instruments:
            self.reject(account, MASS_CANCEL, "", reasons.UNKNOWN_SYMBOL)
            return
        if side != 0 and side != BUY and side != SELL:
            self.reject(account, MASS_CANCEL, "", reasons.INVALID_SIDE)
            return
        if self.judging:
            return
        # book, ledger, events
        taken = [
            order
            for order in open_orders_of(account)
            if (not symbol or order.symbol == symbol) and (not side or order.side == side)
        ]
        self.take_out_all(taken, reasons.BY_MASS_CANCEL, True)
        self.complete(account, MASS_CANCEL, len(taken))
        self.follow_all(taken)

    def cancel_all_after(self, account: Account, command: CancelAllAfter) -> None:
        """Start the countdown to the end of all orders of an account, start it again, or stop it."""
        # gate
        timeout_ms = command.timeout_ms
        if not 0 <= timeout_ms <= COUNTDOWN_MS_MAX:
            self.reject(account, CANCEL_ALL_AFTER, "", reasons.INVALID_TIMEOUT)
            return
        if self.judging:
            return
        # ledger
        account.countdown_ns = self.time_ns + timeout_ms * 1_000_000 if timeout_ms else 0
        account.countdown_number = self.sequence if timeout_ms else 0
        if timeout_ms:
            self.state.timers.count_down(account)
        # events
        self.complete(account, CANCEL_ALL_AFTER, 1)

    def end_session(self, account: Account, session: int) -> None:
        """A cancel-on-disconnect session has ended: so do its open orders, oldest first. O(the account's orders)."""
        taken = [order for order in open_orders_of(account) if order.session == session]
        self.take_out_all(taken, reasons.SESSION_ENDED, False)
        self.follow_all(taken)

    # Orders: found, and judged.

    def _find(self, account: Account, order_id: int, client_order_id: str) -> Order | None:
        """The open order of the account that is named by exactly one of both ids."""
        if order_id:
            found = None if client_order_id else account.open.get(order_id)
        else:
            found = account.requests.get(client_order_id)
        if isinstance(found, Order) and not found.ended_ns:
            return found
        return None

    def _missing_reason(self, account: Account, order_id: int, client_order_id: str) -> int:
        """Why `_find` found nothing."""
        if (order_id != 0) == (client_order_id != ""):
            return reasons.INVALID_ID
        known = account.find(client_order_id, self.time_ns)
        if known is None or (
            isinstance(known, PlainRequest) and isinstance(known.command, (ReplaceOrder, Quote, Transfer))
        ):
            return reasons.UNKNOWN_ORDER
        return reasons.ORDER_ENDED

    def _replace_reason(self, order: Order, instrument: Instrument, command: ReplaceOrder) -> int:
        """Why an open order may not be replaced so; 0 when it may."""
        price = command.price_ticks
        quantity = command.quantity_lots
        reason = phase_replace_reason(instrument.phase, order, price)
        if not reason and quantity:
            reason = quantity_reason(instrument, quantity)
        if not reason and price:
            reason = price_reason(instrument, price)
        if reason:
            return self.phase_reason(reason)
        if not price and not quantity:
            return reasons.NOTHING_TO_REPLACE
        instructions = order.instructions
        if order.status == WAITING and instructions is not None and 0 < quantity < instructions.minimum_lots:
            return reasons.INVALID_MINIMUM
        if (
            price
            and order.flags & (POST_ONLY | POST_ONLY_REPRICE)
            and instrument.book.would_trade(order.side, price)
        ):
            return reasons.WOULD_TRADE
        limits = order.account.limits
        if limits is not None:
            reason = self._limits_reason(limits, order, instrument, price, quantity)
        ledger = self.state.ledger
        if not reason and ledger is not None:
            reason = replace_funds_reason(ledger, order, price, quantity)
        if not reason and limits is not None and limits.risk is not None:
            reason = replaced_reason(
                limits.risk, self.state.instruments, instrument, order, price, quantity, limits.chattered
            )
        return reason

    def _limits_reason(
        self, limits: Limits, order: Order, instrument: Instrument, price: int, quantity: int
    ) -> int:
        """Why the limits of its account do not let an order be replaced so; 0 when they do."""
        return replace_reason(
            limits,
            instrument,
            order.price_ticks,
            order.quantity_lots,
            price or order.price_ticks,
            quantity or order.quantity_lots,
            order.filled_lots,
            limits.hurries(order.symbol, self.sequence, self.time_ns),
        )
