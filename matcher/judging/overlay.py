"""Overlay: what commands of a message would do to ids and orders, while they are judged and not carried out.

The gates of the handlers (`matcher.trading`, `matcher.engine`) look at the state; so each command that would be taken
leaves its traces there for those behind it, and all of them are taken back at the end. They are light: an order that
would enter is open (or has ended, when it may not rest), one that would be cancelled has ended, a replaced one has its
new price and quantity, a symbol its status or definition. Nothing trades: books, and what follows from trades, are as
they were before the message.

    overlay = Overlay(market, account)
    ... judge a command; when it would be taken: overlay.leave_traces(command) ...
    overlay.take_back()
"""

from bus.protocol.commands import (
    CancelOrder,
    CloseAccount,
    DefineAsset,
    DefineInstrument,
    EnterOrder,
    MassCancel,
    Quote,
    ReplaceOrder,
    SetEmergency,
    SetFees,
    SetGroup,
    SetGroupKillSwitch,
    SetKillSwitch,
    SetPhase,
    Transfer,
)
from bus.protocol.terms import (
    CANCELLED,
    FOK,
    IOC,
)
from matcher.book.level import Order
from matcher.counting import count_order
from matcher.judging.overlay_market import MarketTraces
from matcher.judging.overlay_money import MoneyTraces
from matcher.ledger.account import Account
from matcher.ledger.limits import Limit, Limits
from matcher.ledger.request import PlainRequest, Request
from matcher.ledger.risk.group import GroupRisk
from matcher.ledger.risk.risk import Risk
from matcher.quoting import crossed_quote, quoted
from matcher.reporting import Reporting
from matcher.views import open_symbols


class Overlay:
    """The traces of the commands of one message. O(the account's open orders) to begin with, and in a stopped market
    O(instruments).
    """

    __slots__ = (
        "_account",
        "_had_limits",
        "_ids",
        "_market",
        "_market_traces",
        "_money",
        "_open",
        "_orders",
        "_quotes",
        "_rates",
        "_risk",
        "_sequence",
        "_stopped",
        "_time_ns",
    )

    def __init__(self, market: Reporting, account: Account) -> None:
        self._market = market
        self._account = account
        self._sequence: int = market.sequence
        self._time_ns: int = market.time_ns
        # The order of open orders is state: traces are left in a copy.
        self._open = account.open
        account.open = account.open.copy()
        self._quotes = account.quotes
        account.quotes = None if account.quotes is None else account.quotes.copy()
        self._had_limits = account.limits is not None
        self._stopped = account.limits is not None and account.limits.stopped
        #: what was counted of the commands of this second
        self._rates: list[tuple[Limit, int, int]] = []
        if account.limits is not None:
            self._rates = [(one, one.second, one.commands) for one in account.limits.by_symbol.values()]
        #: what was at stake: traces are left in a copy
        self._risk = None if account.limits is None else account.limits.risk
        if account.limits is not None and self._risk is not None:
            account.limits.risk = self._risk.copy()
        #: who had the id before
        self._ids: list[tuple[str, Request | None]] = []
        #: end, status, price, quantity and what it held before
        self._orders: list[tuple[Order, int, int, int, int, int, int]] = []
        self._money = MoneyTraces(market.state, account)
        self._market_traces = MarketTraces(market.state)

    def is_new(self, request_id: str) -> bool:
        """Whether this very message would have brought the id."""
        return any(one == request_id for one, _ in self._ids)

    def leave_traces(self, command: object) -> None:
        """A command would be taken; `judged` of the market is the order that it made or found, if any."""
        market = self._market
        order = market.judged
        if isinstance(command, EnterOrder):
            assert order is not None, "an order that would enter was made"
            self._take_id(command.client_order_id, order)
            self._account.open[order.sequence] = order
            self._back(order, command.cancels_with)
            if self._account.limits is not None:
                self._account.limits.opened(order.symbol)
            self._count_new(order, command)
            if order.time_in_force in (IOC, FOK) and not command.triggered_by:
                self._end(order)
        elif isinstance(command, CancelOrder):
            assert order is not None, "an order that would be cancelled was found"
            self._end(order)
        elif isinstance(command, ReplaceOrder):
            assert order is not None, "an order that would be replaced was found"
            request = PlainRequest(command.request_id, command, market.sequence, market.created_ns, 0, order)
            self._take_id(command.request_id, request)
            if command.quantity_lots and command.quantity_lots <= order.filled_lots:
                self._end(order)
            else:
                self._note(order)
                order.price_ticks = command.price_ticks or order.price_ticks
                order.quantity_lots = command.quantity_lots or order.quantity_lots
                self._money.hold(order)
                self._count(order)
        elif isinstance(command, MassCancel):
            self._end_all(command.symbol, command.side)
        elif isinstance(command, Quote):
            self._quote(command, order)
        elif isinstance(command, Transfer):
            request = PlainRequest(command.transfer_id, command, market.sequence, market.created_ns, 0, None)
            self._take_id(command.transfer_id, request)
            self._money.move(command)
        elif isinstance(command, DefineAsset):
            self._money.define_asset(command)
        elif isinstance(command, DefineInstrument):
            self._money.define_instrument(command)
            self._market_traces.define(command)
        elif isinstance(command, SetKillSwitch):
            if command.account == self._account.name:
                self._stop(command.on)
        elif isinstance(command, CloseAccount):
            self._market_traces.close_account(command)
        elif isinstance(command, SetFees):
            self._money.set_fees(command)
        elif isinstance(command, SetGroupKillSwitch):
            group_of_account = self._account.group
            if group_of_account is not None and group_of_account.name == command.group:
                self._stop_group(command.on)
        elif isinstance(command, SetGroup):
            self._market_traces.set_group(command)
        elif isinstance(command, SetEmergency):
            if command.cancel_orders:
                self._end_all("", 0)
            self._market_traces.set_emergency(command)
        elif isinstance(command, SetPhase):
            self._market_traces.set_phase(command)

    def take_back(self) -> None:
        """The state, and the context of the market, are as they were."""
        account = self._account
        for order, ended_ns, status, price_ticks, quantity_lots, held, held_fee in reversed(self._orders):
            if order.ended_ns and not ended_ns and account.limits is not None:
                account.limits.opened(order.symbol)
            order.ended_ns = ended_ns
            order.status = status
            order.price_ticks = price_ticks
            order.quantity_lots = quantity_lots
            order.held = held
            order.held_fee = held_fee
        for request_id, before in reversed(self._ids):
            known = account.requests[request_id]
            if isinstance(known, Order) and account.limits is not None:
                account.limits.closed(known.symbol)
            if before is None:
                del account.requests[request_id]
            else:
                account.requests[request_id] = before
        self._market_traces.take_back()
        if not self._had_limits:
            account.limits = None
        elif account.limits is not None:
            account.limits.stopped = self._stopped
            account.limits.counted = 0
            account.limits.risk = self._risk
        for limit, second, commands in self._rates:
            limit.second, limit.commands = second, commands
        account.open = self._open
        account.quotes = self._quotes
        self._money.take_back()
        self._market.sequence = self._market.state.sequence = self._sequence
        self._market.time_ns = self._market.state.time_ns = self._time_ns

    def _quote(self, command: Quote, order: Order | None) -> None:
        account = self._account
        last = quoted(account, command.symbol, command.side)
        if order is None or order is last:  # it ends, or stays in its place and becomes smaller
            market = self._market
            self._take_id(
                command.request_id,
                PlainRequest(command.request_id, command, market.sequence, market.created_ns, 0, order),
            )
            if order is not None and command.quantity_lots:
                self._note(order)
                order.quantity_lots = order.filled_lots + command.quantity_lots
                self._money.hold(order)
                self._count(order)
            elif order is not None:
                self._end(order)
            return
        crossed = crossed_quote(account, command.symbol, command.side, command.price_ticks)
        for one in (last, crossed):
            if one is not None:
                self._end(one)
        self._take_id(command.request_id, order)
        account.open[order.sequence] = order
        self._back(order, "")
        account.quote(command.symbol, command.side, order.sequence)
        if account.limits is not None:
            account.limits.opened(order.symbol)
        self._count(order)

    def _take_id(self, request_id: str, request: Request) -> None:
        requests = self._account.requests
        self._ids.append((request_id, requests.get(request_id)))
        requests[request_id] = request

    def _note(self, order: Order) -> None:
        self._orders.append(
            (
                order,
                order.ended_ns,
                order.status,
                order.price_ticks,
                order.quantity_lots,
                order.held,
                order.held_fee,
            )
        )

    def _end(self, order: Order) -> None:
        self._note(order)
        self._money.release(order)
        order.ended_ns = self._market.time_ns
        order.status = CANCELLED
        del self._account.open[order.sequence]
        self._money.free_group(order)
        if self._account.limits is not None:
            self._account.limits.ended(order.symbol, order.sequence)

    def _end_all(self, symbol: str, side: int) -> None:
        for one in list(self._account.open.values()):
            assert isinstance(one, Order)
            if (not symbol or one.symbol == symbol) and (not side or one.side == side):
                self._end(one)

    def _stop(self, on: bool) -> None:
        if on:
            self._end_all("", 0)
        account = self._account
        if account.limits is None:
            account.limits = Limits(open_symbols(account))
        account.limits.stopped = on

    def _stop_group(self, on: bool) -> None:
        if on:
            self._end_all("", 0)
        account = self._account
        if account.limits is None:
            account.limits = Limits(open_symbols(account))
        if account.limits.risk is None:
            account.limits.risk = Risk()
        risk = account.limits.risk
        if risk.group is None:
            risk.group = GroupRisk()
        risk.group.stopped = on  # of a copy

    # Risk. As with money, orders that cancel with others count with what they add to those.

    def _count(self, order: Order, group: int = 0) -> None:
        """`group`: that of the order, if it would be in one by this very message."""
        limits = self._account.limits
        if limits is None or limits.risk is None:
            return
        risk = limits.risk
        before = risk.orders.get(order.sequence)
        if not group and before is not None:
            group = before.group
        count_order(risk, order, self._market.state.instruments[order.symbol], group)

    def _count_new(self, order: Order, command: EnterOrder) -> None:
        """An order would enter; one that waits for the fill of another one counts from its release on."""
        limits = self._account.limits
        if limits is None or limits.risk is None or command.triggered_by:
            return
        partner = self._account.requests.get(command.cancels_with) if command.cancels_with else None
        group = 0
        if isinstance(partner, Order):
            counted = limits.risk.orders.get(partner.sequence)
            group = partner.sequence if counted is None or not counted.group else counted.group
            self._count(partner, group)
        self._count(order, group)

    def _back(self, order: Order, cancels_with: str) -> None:
        """An order would enter, and hold what its partner does not hold already."""
        partner = self._money.shares_with(order, cancels_with)
        if partner is not None:
            self._note(partner)
        self._money.back(order, partner)
