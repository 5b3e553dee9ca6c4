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
    BUY,
    CANCELLED,
    CLOSED,
    CONTINUOUS,
    FOK,
    HALTED,
    IOC,
    SELL,
    STOP_BY_OPERATOR,
    VOLATILITY_AUCTION,
)
from matcher.book.level import Order
from matcher.charging import schedule_of
from matcher.counting import count_order
from matcher.instruments import Instrument
from matcher.ledger.account import Account, AccountGroup
from matcher.ledger.fees.charging import Charging
from matcher.ledger.limits import Limit, Limits
from matcher.ledger.money.balance import Balance
from matcher.ledger.money.ledger import Ledger
from matcher.ledger.products.spot import Spot
from matcher.ledger.request import PlainRequest, Request
from matcher.ledger.risk.group import GroupRisk
from matcher.ledger.risk.risk import Risk
from matcher.quoting import crossed_quote, quoted
from matcher.reporting import Reporting
from matcher.safety.stopping import shut
from matcher.views import open_symbols


class Overlay:
    """The traces of the commands of one message. O(the account's open orders) to begin with, and in a stopped market
    O(instruments).
    """

    __slots__ = (
        "_account",
        "_balances",
        "_counts",
        "_defined",
        "_goes_on",
        "_groups",
        "_had_limits",
        "_ids",
        "_known",
        "_made",
        "_market",
        "_market_stopped",
        "_moved",
        "_open",
        "_orders",
        "_phases",
        "_quotes",
        "_rates",
        "_redefined",
        "_risk",
        "_sequence",
        "_shut",
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
        #: who was closed or opened, and how that was before
        self._shut: list[tuple[Account, Limits | None, bool]] = []
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
        self._phases: list[tuple[Instrument, int]] = []
        self._redefined: list[tuple[Instrument, DefineInstrument]] = []
        self._defined: list[str] = []
        #: what was held before, transfers to take back, and accounts that these made
        self._balances = [(one, one.held) for one in account.balances.values()]
        self._moved: list[Transfer] = []
        self._made: list[str] = []
        #: how many assets those had with whom money was moved
        self._counts = [(account, len(account.balances))]
        #: assets and products before, once one is defined
        self._known: tuple[dict[str, int], dict[str, Spot]] | None = None
        #: groups before, once one is set
        self._groups: dict[str, AccountGroup] | None = None
        self._market_stopped = market.state.stopped
        #: what instruments go on with when the whole market does
        self._goes_on: dict[str, int] = {}
        for instrument in market.state.instruments.values() if self._market_stopped else ():
            if instrument.pause is not None:
                self._goes_on[instrument.symbol] = instrument.pause.phase

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
                self._hold(order)
                self._count(order)
        elif isinstance(command, MassCancel):
            self._end_all(command.symbol, command.side)
        elif isinstance(command, Quote):
            self._quote(command, order)
        elif isinstance(command, Transfer):
            request = PlainRequest(command.transfer_id, command, market.sequence, market.created_ns, 0, None)
            self._take_id(command.transfer_id, request)
            self._move(command)
        elif isinstance(command, DefineAsset):
            ledger = self._learning()
            if ledger is not None:
                ledger.assets[command.asset] = command.decimals
                for instrument in market.state.instruments.values():
                    ledger.learn(instrument.definition)
        elif isinstance(command, DefineInstrument):
            self._define(command)
        elif isinstance(command, SetKillSwitch):
            if command.account == self._account.name:
                self._stop(command.on)
        elif isinstance(command, CloseAccount):
            closing = market.state.accounts[command.account]
            limits = closing.limits
            self._shut.append((closing, limits, limits is not None and limits.shut))
            shut(closing, command.closed)
        elif isinstance(command, SetFees):
            ledger = self._learning()
            if ledger is not None:
                product = ledger.products[command.symbol]
                fees = None
                if command.rates:
                    price_max = market.state.instruments[command.symbol].price_max_ticks
                    fees = Charging(
                        schedule_of(command), product.base, product.quote, price_max, Balance(0), Balance(0)
                    )
                ledger.products[command.symbol] = product.that_charges(fees)
        elif isinstance(command, SetGroupKillSwitch):
            group_of_account = self._account.group
            if group_of_account is not None and group_of_account.name == command.group:
                self._stop_group(command.on)
        elif isinstance(command, SetGroup):
            if self._groups is None:
                self._groups = market.state.groups
                market.state.groups = self._groups.copy()
            market.state.groups[command.group] = AccountGroup(command.group, command.discount)
        elif isinstance(command, SetEmergency):
            self._set_emergency(command)
        elif isinstance(command, SetPhase):
            if market.state.stopped:
                self._goes_on.pop(command.symbol, None)
                if command.phase == HALTED:
                    self._goes_on[command.symbol] = HALTED
            self._set_phase(market.state.instruments[command.symbol], command.phase)

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
        for closing, limits, was_shut in reversed(self._shut):
            closing.limits = limits
            if limits is not None:
                limits.shut = was_shut
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
        self._take_back_money()
        if self._groups is not None:
            self._market.state.groups = self._groups
        self._market.state.stopped = self._market_stopped
        for instrument, phase in reversed(self._phases):
            instrument.phase = phase
        for instrument, definition in reversed(self._redefined):
            instrument.redefine(definition)
        for symbol in reversed(self._defined):
            del self._market.state.instruments[symbol]
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
                self._hold(order)
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
        ledger = self._market.state.ledger
        if ledger is not None and not _is_grouped(order):
            ledger.release(order)
        order.ended_ns = self._market.time_ns
        order.status = CANCELLED
        del self._account.open[order.sequence]
        if ledger is not None:
            self._free_group(ledger, order)
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

    def _set_phase(self, instrument: Instrument, phase: int) -> None:
        self._phases.append((instrument, instrument.phase))
        instrument.phase = phase

    def _set_emergency(self, command: SetEmergency) -> None:
        state = self._market.state
        if command.cancel_orders:
            self._end_all("", 0)
        if command.on:
            if not state.stopped:
                state.stopped = STOP_BY_OPERATOR
                for instrument in state.instruments.values():
                    if instrument.phase != CLOSED:
                        self._goes_on[instrument.symbol] = instrument.phase
                        self._set_phase(instrument, HALTED)
            return
        state.stopped = 0
        for symbol, phase in self._goes_on.items():
            if phase == CONTINUOUS and command.auction_ms:
                phase = VOLATILITY_AUCTION
            self._set_phase(state.instruments[symbol], phase)
        self._goes_on = {}

    # Risk. As with money below, orders that cancel with others count with what they add to those.

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

    # Money. Orders that cancel with others are counted with what they take at most: what follows from links, and what
    # that would free, is not looked at.

    def _hold(self, order: Order) -> None:
        ledger = self._market.state.ledger
        if ledger is not None and not _is_grouped(order):
            ledger.hold(order)

    def _back(self, order: Order, cancels_with: str) -> None:
        """An order would enter: it holds what is more than the one holds that it would cancel with."""
        ledger = self._market.state.ledger
        if ledger is None or (order.instructions is not None and order.instructions.command.triggered_by):
            return
        ledger.hold(order)
        partner = self._account.requests.get(cancels_with) if cancels_with else None
        if not isinstance(partner, Order) or _is_grouped(partner):
            return
        self._note(partner)
        fees = ledger.products[order.symbol].fees
        if fees is not None and fees.third:
            shared = min(partner.held_fee, order.held_fee)
            if shared:
                self._account.balances[fees.third].held -= shared
            partner.held_fee, order.held_fee = max(partner.held_fee, order.held_fee), 0
        if partner.side == order.side:
            most = max(partner.held, order.held)
            shared = min(partner.held, order.held)
            asset = ledger.products[order.symbol].asset_to_hold(order.side)
            self._account.balances[asset].held -= shared
            partner.held, order.held = most, 0

    def _free_group(self, ledger: Ledger, order: Order) -> None:
        """All that an ended order cancels with have ended, too: what they held together is free."""
        group = None if order.instructions is None else order.instructions.group
        if group is None or any(sequence in self._account.open for sequence in group.members):
            return
        product = ledger.products[order.symbol]
        for side, units in ((BUY, group.held_buying), (SELL, group.held_selling)):
            if units:
                self._account.balances[product.asset_to_hold(side)].held -= units
        if group.held_fee and product.fees is not None:
            self._account.balances[product.fees.third].held -= group.held_fee

    def _move(self, command: Transfer) -> None:
        ledger = self._market.state.ledger
        if ledger is None:
            return
        self._moved.append(command)
        accounts = self._market.state.accounts
        for name in (command.source, command.target):
            if name not in accounts:
                accounts[name] = Account(name)
                self._made.append(name)
            self._counts.append((accounts[name], len(accounts[name].balances)))
        ledger.move(accounts[command.source], accounts[command.target], command.asset, command.amount)

    def _learning(self) -> Ledger | None:
        """The ledger, which is about to know another asset or instrument."""
        ledger = self._market.state.ledger
        if ledger is not None and self._known is None:
            self._known = (ledger.assets.copy(), ledger.products.copy())
        return ledger

    def _take_back_money(self) -> None:
        ledger = self._market.state.ledger
        if ledger is None:
            return
        accounts = self._market.state.accounts
        for command in reversed(self._moved):
            ledger.move(accounts[command.target], accounts[command.source], command.asset, command.amount)
        for name in self._made:
            del accounts[name]
        for account, count in self._counts:
            for asset in list(account.balances)[count:]:
                del account.balances[asset]
        for balance, held in self._balances:
            balance.held = held
        if self._known is not None:
            ledger.assets, ledger.products = self._known

    def _define(self, command: DefineInstrument) -> None:
        ledger = self._learning()
        if ledger is not None:
            ledger.learn(command)
            product = ledger.products.get(command.symbol)
            if product is not None and product.fees is not None:
                ledger.products[command.symbol] = product.that_charges(
                    product.fees.up_to(command.price_max_ticks)
                )
        instruments = self._market.state.instruments
        instrument = instruments.get(command.symbol)
        if instrument is None:
            instruments[command.symbol] = Instrument(command, len(self._market.state.instruments))
            self._defined.append(command.symbol)
            if self._market.state.stopped:
                self._goes_on[command.symbol] = CONTINUOUS
                instruments[command.symbol].phase = HALTED
        else:
            self._redefined.append((instrument, instrument.definition))
            instrument.redefine(command)


def _is_grouped(order: Order) -> bool:
    return order.instructions is not None and order.instructions.group is not None
