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
    DefineInstrument,
    EnterOrder,
    MassCancel,
    Quote,
    ReplaceOrder,
    SetEmergency,
    SetKillSwitch,
    SetPhase,
)
from bus.protocol.terms import (
    CANCELLED,
    CLOSED,
    CONTINUOUS,
    FOK,
    HALTED,
    IOC,
    STOP_BY_OPERATOR,
    VOLATILITY_AUCTION,
)
from matcher.book.level import Order
from matcher.instruments import Instrument
from matcher.ledger.account import Account
from matcher.ledger.limits import Limit, Limits
from matcher.ledger.request import PlainRequest, Request
from matcher.quoting import crossed_quote, quoted
from matcher.reporting import Reporting
from matcher.views import open_symbols


class Overlay:
    """The traces of the commands of one message. O(the account's open orders) to begin with, and in a stopped market
    O(instruments).
    """

    __slots__ = (
        "_account",
        "_defined",
        "_goes_on",
        "_had_limits",
        "_ids",
        "_market",
        "_market_stopped",
        "_open",
        "_orders",
        "_phases",
        "_quotes",
        "_rates",
        "_redefined",
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
        account.quotes = account.quotes.copy()
        self._had_limits = account.limits is not None
        self._stopped = account.limits is not None and account.limits.stopped
        #: what was counted of the commands of this second
        self._rates: list[tuple[Limit, int, int]] = []
        if account.limits is not None:
            self._rates = [(one, one.second, one.commands) for one in account.limits.by_symbol.values()]
        #: who had the id before
        self._ids: list[tuple[str, Request | None]] = []
        #: end, status, price and quantity before
        self._orders: list[tuple[Order, int, int, int, int]] = []
        self._phases: list[tuple[Instrument, int]] = []
        self._redefined: list[tuple[Instrument, DefineInstrument]] = []
        self._defined: list[str] = []
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
            if self._account.limits is not None:
                self._account.limits.opened(order.symbol)
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
        elif isinstance(command, MassCancel):
            self._end_all(command.symbol, command.side)
        elif isinstance(command, Quote):
            self._quote(command, order)
        elif isinstance(command, DefineInstrument):
            self._define(command)
        elif isinstance(command, SetKillSwitch):
            if command.account == self._account.name:
                self._stop(command.on)
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
        for order, ended_ns, status, price_ticks, quantity_lots in reversed(self._orders):
            if order.ended_ns and not ended_ns and account.limits is not None:
                account.limits.opened(order.symbol)
            order.ended_ns = ended_ns
            order.status = status
            order.price_ticks = price_ticks
            order.quantity_lots = quantity_lots
        for request_id, before in reversed(self._ids):
            known = account.requests[request_id]
            if isinstance(known, Order) and account.limits is not None:
                account.limits.ended(known.symbol)
            if before is None:
                del account.requests[request_id]
            else:
                account.requests[request_id] = before
        if not self._had_limits:
            account.limits = None
        elif account.limits is not None:
            account.limits.stopped = self._stopped
            account.limits.counted = 0
        for limit, second, commands in self._rates:
            limit.second, limit.commands = second, commands
        account.open = self._open
        account.quotes = self._quotes
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
            elif order is not None:
                self._end(order)
            return
        crossed = crossed_quote(account, command.symbol, command.side, command.price_ticks)
        for one in (last, crossed):
            if one is not None:
                self._end(one)
        self._take_id(command.request_id, order)
        account.open[order.sequence] = order
        account.quotes[(command.symbol, command.side)] = order.sequence
        if account.limits is not None:
            account.limits.opened(order.symbol)

    def _take_id(self, request_id: str, request: Request) -> None:
        requests = self._account.requests
        self._ids.append((request_id, requests.get(request_id)))
        requests[request_id] = request

    def _note(self, order: Order) -> None:
        self._orders.append((order, order.ended_ns, order.status, order.price_ticks, order.quantity_lots))

    def _end(self, order: Order) -> None:
        self._note(order)
        order.ended_ns = self._market.time_ns
        order.status = CANCELLED
        del self._account.open[order.sequence]
        if self._account.limits is not None:
            self._account.limits.ended(order.symbol)

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

    def _define(self, command: DefineInstrument) -> None:
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
