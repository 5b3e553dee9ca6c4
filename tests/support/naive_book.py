"""A naive exchange, written to be read: lists, searched from the front, and rules said once, in one place.

It is the oracle of the matcher: the same commands must give the same reports and public events. It shares no code with
`matcher/`, only the names of `bus.protocol`, and does everything in another way: there are no price levels (a level is
whatever rests at a price), no links, no caches; all rules that a request breaks are collected, and the lowest reason is
named; what a command did to price levels is found by remembering where it touched the book and looking afterwards.
"""

from dataclasses import dataclass, field
from typing import Any

from bus.protocol import commands as c
from bus.protocol import feed, reasons, reports, terms
from bus.protocol.commands import (
    AdvanceClock,
    CancelOrder,
    DefineInstrument,
    EnterOrder,
    MassCancel,
    ReplaceOrder,
    SetTradingStatus,
)
from bus.protocol.records import EngineStarted, Rules, SessionEnded, SessionOpened

Event = tuple[Any, ...]

HOUR_NS = 3600 * 10**9


@dataclass(eq=False)
class NaiveOrder:
    """An order, resting or not. `public_id` is 0 while it does not rest."""

    account: str
    session: int
    entered: EnterOrder
    order_id: int
    price: int
    quantity: int
    filled: int = 0
    status: int = terms.RESTING
    public_id: int = 0

    @property
    def left(self) -> int:
        """What it still wants to trade."""
        return self.quantity - self.filled

    @property
    def symbol(self) -> str:
        """Its instrument."""
        return self.entered.symbol

    @property
    def side(self) -> int:
        """Buy or sell."""
        return self.entered.side


@dataclass(eq=False)
class NaiveRequest:
    """A request that was judged: what was asked, when it was made, what became of it."""

    account: str
    request_id: str
    command: EnterOrder | ReplaceOrder
    created_ns: int
    sequence: int
    reason: int
    order: NaiveOrder | None
    ended_ns: int = 0  # 0: its order is open


@dataclass(eq=False)
class NaiveInstrument:
    """An instrument. `resting` holds its orders in the order in which they came to rest."""

    definition: DefineInstrument
    status: int = terms.OPEN
    resting: list[NaiveOrder] = field(default_factory=list)
    trades: int = 0
    displayed: int = 0


@dataclass(eq=False)
class NaiveSession:
    """An open session."""

    account: str
    role: int
    cancel_on_disconnect: bool


class NaiveExchange:
    """The whole exchange."""

    def __init__(self) -> None:
        self.rules = Rules(0, 0, 0)
        self.clock = terms.CLOCK_SYSTEM
        self.sequence = 0
        self.time_ns = 0
        self.sessions: dict[int, NaiveSession] = {}
        self.instruments: list[NaiveInstrument] = []
        self.open: list[NaiveOrder] = []  # all open orders, oldest first
        self.remembered: list[NaiveRequest] = []  # all requests whose ids are remembered
        self.ended: list[NaiveRequest] = []  # those that have ended, first ended first
        self.forgotten_ns: dict[str, int] = {}  # creation time up to which an account's ids may be forgotten
        # What the command at hand does and says.
        self.session = 0
        self.correlation_id = 0
        self.created_ns = 0
        self.private: list[tuple[str, Event]] = []
        self.public: list[tuple[str, str, Event]] = []
        self.touched: list[tuple[str, int, int]] = []  # symbol, side, price

    def apply(
        self,
        command: object,
        time_ns: int,
        session: int = 0,
        correlation_id: int = 0,
        created_ns: int = 0,
    ) -> list[tuple[str, Event]]:
        """One command of a session, or one record (session 0); its events by account and topic, as they leave."""
        self.sequence += 1
        self.time_ns = max(time_ns, self.time_ns + 1)
        self.session, self.correlation_id, self.created_ns = session, correlation_id, created_ns
        self.private, self.public, self.touched = [], [], []
        if session:
            self._do(self.sessions[session].account, command)
        else:
            self._record(command)
        for symbol, side, price in self.touched:
            level = [
                order
                for order in self._instrument(symbol).resting
                if (order.side, order.price) == (side, price)
            ]
            self._publish(
                "level",
                symbol,
                (feed.LEVEL, self.sequence, side, price, sum(order.left for order in level), len(level)),
            )
        return self._in_order_of_leaving()

    def _in_order_of_leaving(self) -> list[tuple[str, Event]]:
        """Accounts as they were first spoken to; then instruments likewise, by kind; each stream as it was said."""
        events = []
        for account in _distinct(name for name, _ in self.private):
            events += [(name, event) for name, event in self.private if name == account]
        for symbol in _distinct(symbol for symbol, _, _ in self.public):
            for kind in ("clock", "status", "trade", "level", "order"):
                events += [
                    (f"{kind}.{symbol}." if symbol else f"{kind}.", event)
                    for its_symbol, its_kind, event in self.public
                    if (its_symbol, its_kind) == (symbol, kind)
                ]
        return events

    # Records.

    def _record(self, record: object) -> None:
        if isinstance(record, EngineStarted):
            self.rules = record.rules
            self.clock = record.clock
        elif isinstance(record, SessionOpened):
            self.sessions[record.session] = NaiveSession(
                record.account, record.role, record.cancel_on_disconnect
            )
        elif isinstance(record, SessionEnded):
            session = self.sessions.pop(record.session)
            if session.cancel_on_disconnect:
                for order in [order for order in self.open if order.session == record.session]:
                    self._take_out(order, reasons.SESSION_ENDED, asked=False)
        else:
            self._publish("clock", "", (feed.TICK, self.sequence, self.time_ns))

    # Commands.

    def _do(self, account: str, command: object) -> None:
        if isinstance(command, EnterOrder):
            self._enter(account, command)
        elif isinstance(command, CancelOrder):
            self._cancel(account, command)
        elif isinstance(command, ReplaceOrder):
            self._replace(account, command)
        elif isinstance(command, MassCancel):
            self._mass_cancel(account, command)
        elif isinstance(command, DefineInstrument):
            self._operate(account, c.DEFINE_INSTRUMENT, self._define(command))
        elif isinstance(command, SetTradingStatus):
            self._operate(account, c.SET_TRADING_STATUS, self._set_status(command))
        elif isinstance(command, AdvanceClock):
            self._operate(account, c.ADVANCE_CLOCK, self._advance_clock(command))
        else:
            raise AssertionError(f"no command: {command!r}")

    def _enter(self, account: str, command: EnterOrder) -> None:
        if self._answered_again(account, c.ENTER_ORDER, command.client_order_id, command):
            return
        broken = self._broken_by_request(account, command.client_order_id)
        if broken:
            self._reject(account, c.ENTER_ORDER, command.client_order_id, min(broken))
            return
        broken = self._broken_by_order(account, command)
        if broken:
            self._end_request(self._remember(account, command.client_order_id, command, min(broken), None))
            self._reject(account, c.ENTER_ORDER, command.client_order_id, min(broken))
            return
        order = NaiveOrder(
            account, self.session, command, self.sequence, command.price_ticks, command.quantity_lots
        )
        self._remember(account, command.client_order_id, command, 0, order)
        self._report(
            account,
            (
                *(reports.ACCEPTED, *self._answering(), order.order_id, command.client_order_id),
                *(command.symbol, command.side, command.order_type, command.time_in_force),
                *(command.flags, command.price_ticks, command.quantity_lots),
            ),
        )
        if command.time_in_force == terms.FOK:
            reachable = sum(other.left for other in self._would_meet(order))
            if reachable < order.quantity:
                self._end_order(order, terms.CANCELLED)
                self._report_cancelled(order, reasons.FOK_UNFILLED)
                return
        self._trade(order)
        if not order.left:
            return
        if command.time_in_force == terms.GTC:
            self.open.append(order)
            self._rest(order)
        else:
            self._end_order(order, terms.CANCELLED)
            is_market = command.order_type == terms.MARKET
            self._report_cancelled(order, reasons.NO_LIQUIDITY if is_market else reasons.IOC_REMAINDER)

    def _cancel(self, account: str, command: CancelOrder) -> None:
        order, reason = self._named(account, command.order_id, command.client_order_id)
        if order is None:
            self._reject(account, c.CANCEL_ORDER, command.client_order_id, reason)
        else:
            self._take_out(order, reasons.BY_REQUEST)

    def _replace(self, account: str, command: ReplaceOrder) -> None:
        if self._answered_again(account, c.REPLACE_ORDER, command.request_id, command):
            return
        broken = self._broken_by_request(account, command.request_id)
        if broken:
            self._reject(account, c.REPLACE_ORDER, command.request_id, min(broken))
            return
        order, reason = self._named(account, command.order_id, command.client_order_id)
        if order is not None:
            reason = min(self._broken_by_replace(order, command), default=0)
        request = self._remember(account, command.request_id, command, reason, None if reason else order)
        self._end_request(request)
        if order is None or reason:
            self._reject(account, c.REPLACE_ORDER, command.request_id, reason)
            return
        price = command.price_ticks if command.price_ticks != 0 else order.price
        quantity = command.quantity_lots if command.quantity_lots != 0 else order.quantity
        if quantity <= order.filled:
            self._take_out(order, reasons.REPLACED_TO_FILLED)
            return
        if price == order.price and quantity <= order.quantity:
            if quantity < order.quantity:
                order.quantity = quantity
                self._touch(order)
                self._publish(
                    "order",
                    order.symbol,
                    (feed.ORDER_REDUCED, self.sequence, order.public_id, order.left),
                )
            self._report_replaced(order, command.request_id, kept_priority=True)
            return
        self._leave_the_book(order)
        order.price, order.quantity = price, quantity
        self._report_replaced(order, command.request_id, kept_priority=False)
        self._trade(order)
        if order.left:
            self._rest(order)

    def _mass_cancel(self, account: str, command: MassCancel) -> None:
        broken = []
        if command.symbol and self._found(command.symbol) is None:
            broken.append(reasons.UNKNOWN_SYMBOL)
        if command.side not in (0, terms.BUY, terms.SELL):
            broken.append(reasons.INVALID_SIDE)
        if broken:
            self._reject(account, c.MASS_CANCEL, "", min(broken))
            return
        mine = [order for order in self.open if order.account == account]
        if command.symbol:
            mine = [order for order in mine if order.symbol == command.symbol]
        if command.side:
            mine = [order for order in mine if order.side == command.side]
        for order in mine:
            self._take_out(order, reasons.BY_MASS_CANCEL)
        self._report(account, (reports.COMPLETED, *self._answering(), c.MASS_CANCEL, len(mine)))

    def _operate(self, account: str, tag: int, reason: int) -> None:
        if reason:
            self._reject(account, tag, "", reason)
        else:
            self._report(account, (reports.COMPLETED, *self._answering(), tag, 1))

    def _define(self, command: DefineInstrument) -> int:
        known = self._found(command.symbol)
        broken = []
        if self._role() != terms.OPERATOR:
            broken.append(reasons.NOT_PERMITTED)
        if known is None and len(self.instruments) >= self.rules.instruments_max:
            broken.append(reasons.TOO_MANY_INSTRUMENTS)
        if not _well_defined(command):
            broken.append(reasons.INVALID_INSTRUMENT)
        if known is not None and _product(known.definition) != _product(command):
            broken.append(reasons.INSTRUMENT_DIFFERS)
        if broken:
            return min(broken)
        if known is None:
            self.instruments.append(NaiveInstrument(command))
        else:
            known.definition = command
        self._publish(
            "status",
            command.symbol,
            (
                *(feed.INSTRUMENT_DEFINED, self.sequence, *_product(command)),
                *(command.price_min_ticks, command.price_max_ticks),
                *(command.quantity_min_lots, command.quantity_max_lots),
                *(command.matching, command.pro_rata_minimum_lots),
            ),
        )
        return 0

    def _set_status(self, command: SetTradingStatus) -> int:
        known = self._found(command.symbol)
        broken = []
        if self._role() != terms.OPERATOR:
            broken.append(reasons.NOT_PERMITTED)
        if known is None:
            broken.append(reasons.UNKNOWN_SYMBOL)
        if command.status not in (terms.OPEN, terms.HALTED):
            broken.append(reasons.INVALID_STATUS)
        if known is None or broken:
            return min(broken)
        known.status = command.status
        self._publish(
            "status",
            command.symbol,
            (feed.TRADING_STATUS_SET, self.sequence, self.time_ns, command.status),
        )
        return 0

    def _advance_clock(self, command: AdvanceClock) -> int:
        broken = []
        if self._role() != terms.OPERATOR:
            broken.append(reasons.NOT_PERMITTED)
        if self.clock != terms.CLOCK_COMMANDS:
            broken.append(reasons.CLOCK_IS_SYSTEM)
        if command.time_ns <= self.time_ns:
            broken.append(reasons.TIME_NOT_LATER)
        if broken:
            return min(broken)
        self.time_ns = command.time_ns
        return 0

    def _role(self) -> int:
        return self.sessions[self.session].role

    # What may not pass: all reasons against it.

    def _broken_by_request(self, account: str, request_id: str) -> list[int]:
        broken = []
        if self.time_ns > self.created_ns + 23 * HOUR_NS:
            broken.append(reasons.STALE)
        if self.created_ns <= self.forgotten_ns.get(account, 0):
            broken.append(reasons.STALE)
        if self.created_ns > self.time_ns + HOUR_NS:
            broken.append(reasons.FROM_THE_FUTURE)
        if any(not 32 <= ord(character) < 127 for character in request_id):
            broken.append(reasons.INVALID_ID)
        if self._known(account, request_id) is not None:
            broken.append(reasons.ID_TAKEN)
        return broken

    def _broken_by_order(self, account: str, command: EnterOrder) -> list[int]:
        instrument = self._found(command.symbol)
        if instrument is None:
            return [reasons.UNKNOWN_SYMBOL]
        limits = instrument.definition
        is_market = command.order_type == terms.MARKET
        is_post_only = command.flags == terms.POST_ONLY
        broken = []
        if instrument.status != terms.OPEN:
            broken.append(reasons.NOT_TRADING)
        if command.side not in (terms.BUY, terms.SELL):
            broken.append(reasons.INVALID_SIDE)
        if command.order_type not in (terms.LIMIT, terms.MARKET):
            broken.append(reasons.INVALID_ORDER_TYPE)
        if command.time_in_force not in (terms.GTC, terms.IOC, terms.FOK):
            broken.append(reasons.INVALID_TIME_IN_FORCE)
        if command.flags not in (0, terms.POST_ONLY):
            broken.append(reasons.INVALID_FLAGS)
        if is_post_only and (is_market or command.time_in_force != terms.GTC):
            broken.append(reasons.INVALID_COMBINATION)
        if is_market and command.time_in_force == terms.GTC:
            broken.append(reasons.INVALID_COMBINATION)
        broken += _broken_by_quantity(limits, command.quantity_lots)
        if not is_market:
            broken += _broken_by_price(limits, command.price_ticks)
        elif command.price_ticks != 0:
            broken.append(reasons.PRICE_ON_MARKET_ORDER)
        if is_post_only and self._crosses(instrument, command.side, command.price_ticks):
            broken.append(reasons.WOULD_TRADE)
        if (
            len([order for order in self.open if order.account == account])
            >= self.rules.open_orders_per_account_max
        ):
            broken.append(reasons.TOO_MANY_OPEN_ORDERS)
        return broken

    def _broken_by_replace(self, order: NaiveOrder, command: ReplaceOrder) -> list[int]:
        instrument = self._instrument(order.symbol)
        limits = instrument.definition
        broken = []
        if instrument.status != terms.OPEN:
            broken.append(reasons.NOT_TRADING)
        if command.quantity_lots != 0:
            broken += _broken_by_quantity(limits, command.quantity_lots)
        if command.price_ticks != 0:
            broken += _broken_by_price(limits, command.price_ticks)
            if order.entered.flags == terms.POST_ONLY and self._crosses(
                instrument, order.side, command.price_ticks
            ):
                broken.append(reasons.WOULD_TRADE)
        if command.quantity_lots == 0 and command.price_ticks == 0:
            broken.append(reasons.NOTHING_TO_REPLACE)
        return broken

    def _crosses(self, instrument: NaiveInstrument, side: int, price: int) -> bool:
        return any(
            other.side != side and (other.price <= price if side == terms.BUY else other.price >= price)
            for other in instrument.resting
        )

    # Requests and their ids.

    def _known(self, account: str, request_id: str) -> NaiveRequest | None:
        """The last request of this id, if its time has not passed."""
        for request in reversed(self.remembered):
            if (request.account, request.request_id) == (account, request_id):
                gone = request.ended_ns and self.time_ns > request.ended_ns + 24 * HOUR_NS
                return None if gone else request
        return None

    def _answered_again(
        self, account: str, tag: int, request_id: str, command: EnterOrder | ReplaceOrder
    ) -> bool:
        """Answer a request that was made before in the very same words."""
        known = self._known(account, request_id)
        if known is None or type(known.command) is not type(command) or known.command != command:
            return False
        order = known.order
        if order is None:
            now: tuple[int, ...] = (0, terms.REJECTED, 0, 0, 0)
        else:
            now = (order.order_id, order.status, order.price, order.quantity, order.filled)
        self._report(
            account,
            (reports.DUPLICATE, *self._answering(), tag, request_id, known.sequence, known.reason, *now),
        )
        return True

    def _remember(
        self,
        account: str,
        request_id: str,
        command: EnterOrder | ReplaceOrder,
        reason: int,
        order: NaiveOrder | None,
    ) -> NaiveRequest:
        request = NaiveRequest(account, request_id, command, self.created_ns, self.sequence, reason, order)
        self.remembered.append(request)
        return request

    def _end_request(self, request: NaiveRequest) -> None:
        """It is remembered 24 hours more, among at most so many; each end lets at most two others be forgotten."""
        request.ended_ns = self.time_ns
        self.ended.append(request)
        for _ in range(2):
            mine = [other for other in self.ended if other.account == request.account]
            too_many = len(mine) > self.rules.client_order_ids_per_account_max
            if mine and (too_many or self.time_ns > mine[0].ended_ns + 24 * HOUR_NS):
                self.ended = [other for other in self.ended if other is not mine[0]]
                self.remembered = [other for other in self.remembered if other is not mine[0]]
                self.forgotten_ns[request.account] = max(
                    mine[0].created_ns, self.forgotten_ns.get(request.account, 0)
                )

    def _named(self, account: str, order_id: int, client_order_id: str) -> tuple[NaiveOrder | None, int]:
        """The account's open order that is named by exactly one of its ids, or why there is none."""
        if (order_id == 0) == (client_order_id == ""):
            return None, reasons.INVALID_ID
        for order in self.open:
            if order.account == account and (
                order.order_id == order_id or order.entered.client_order_id == client_order_id
            ):
                return order, 0
        known = self._known(account, client_order_id)
        if known is not None and isinstance(known.command, EnterOrder):
            return None, reasons.ORDER_ENDED
        return None, reasons.UNKNOWN_ORDER

    # Orders.

    def _would_meet(self, order: NaiveOrder) -> list[NaiveOrder]:
        """What an order could trade with: better price first, at one price who rested there first."""
        others = [other for other in self._instrument(order.symbol).resting if other.side != order.side]
        if order.entered.order_type == terms.LIMIT:
            if order.side == terms.BUY:
                others = [other for other in others if other.price <= order.price]
            else:
                others = [other for other in others if other.price >= order.price]
        # Sorting is stable: within a price the order of resting stays.
        return sorted(others, key=lambda other: other.price if order.side == terms.BUY else -other.price)

    def _trade(self, taker: NaiveOrder) -> None:
        instrument = self._instrument(taker.symbol)
        for maker in self._would_meet(taker):
            if not taker.left:
                break
            quantity = min(maker.left, taker.left)
            instrument.trades += 1
            maker.filled += quantity
            taker.filled += quantity
            self._touch(maker)
            for order, answering, liquidity in (
                (maker, (self.sequence, self.time_ns, 0, 0), terms.MAKER),
                (taker, self._answering(), terms.TAKER),
            ):
                self._report(
                    order.account,
                    (
                        *(reports.FILLED, *answering, order.order_id, order.entered.client_order_id),
                        *(order.symbol, order.side, instrument.trades, maker.price, quantity),
                        *(order.filled, order.left, liquidity),
                    ),
                )
            self._publish(
                "trade",
                taker.symbol,
                (
                    *(feed.TRADE, self.sequence, self.time_ns, instrument.trades),
                    *(maker.price, quantity, taker.side),
                ),
            )
            self._publish(
                "order",
                taker.symbol,
                (
                    *(feed.ORDER_EXECUTED, self.sequence, maker.public_id),
                    *(quantity, maker.left, instrument.trades),
                ),
            )
            if not maker.left:
                instrument.resting.remove(maker)
                self._end_order(maker, terms.FILLED)
        if not taker.left:
            self._end_order(taker, terms.FILLED)

    def _rest(self, order: NaiveOrder) -> None:
        instrument = self._instrument(order.symbol)
        instrument.displayed += 1
        order.public_id = instrument.displayed
        instrument.resting.append(order)
        self._touch(order)
        self._publish(
            "order",
            order.symbol,
            (feed.ORDER_ADDED, self.sequence, order.public_id, order.side, order.price, order.left),
        )

    def _leave_the_book(self, order: NaiveOrder) -> None:
        self._instrument(order.symbol).resting.remove(order)
        self._touch(order)
        self._publish("order", order.symbol, (feed.ORDER_DELETED, self.sequence, order.public_id))

    def _take_out(self, order: NaiveOrder, reason: int, *, asked: bool = True) -> None:
        self._leave_the_book(order)
        self._end_order(order, terms.CANCELLED)
        self._report_cancelled(order, reason, asked=asked)

    def _end_order(self, order: NaiveOrder, status: int) -> None:
        order.status = status
        self.open = [other for other in self.open if other is not order]
        for request in self.remembered:
            if request.sequence == order.order_id:
                self._end_request(request)
                return

    def _touch(self, order: NaiveOrder) -> None:
        level = (order.symbol, order.side, order.price)
        if level not in self.touched:
            self.touched.append(level)

    # What is said.

    def _answering(self) -> tuple[int, int, int, int]:
        return (self.sequence, self.time_ns, self.session, self.correlation_id)

    def _report(self, account: str, event: Event) -> None:
        self.private.append((account, event))

    def _publish(self, kind: str, symbol: str, event: Event) -> None:
        self.public.append((symbol, kind, event))

    def _reject(self, account: str, tag: int, request_id: str, reason: int) -> None:
        self._report(account, (reports.REJECTED, *self._answering(), tag, request_id, reason))

    def _report_cancelled(self, order: NaiveOrder, reason: int, *, asked: bool = True) -> None:
        answering = self._answering() if asked else (self.sequence, self.time_ns, 0, 0)
        self._report(
            order.account,
            (
                *(reports.CANCELLED, *answering, order.order_id, order.entered.client_order_id),
                *(order.symbol, order.left, order.filled, reason),
            ),
        )

    def _report_replaced(self, order: NaiveOrder, request_id: str, *, kept_priority: bool) -> None:
        self._report(
            order.account,
            (
                *(reports.REPLACED, *self._answering(), request_id, order.order_id),
                *(order.entered.client_order_id, order.symbol, order.price, order.quantity),
                *(order.left, kept_priority),
            ),
        )

    # Instruments.

    def _found(self, symbol: str) -> NaiveInstrument | None:
        return next((known for known in self.instruments if known.definition.symbol == symbol), None)

    def _instrument(self, symbol: str) -> NaiveInstrument:
        found = self._found(symbol)
        assert found is not None
        return found


def _distinct(names: Any) -> list[str]:
    """Each once, in order of first appearance."""
    return list(dict.fromkeys(names))


def _product(definition: DefineInstrument) -> tuple[str | int, ...]:
    """What never changes about an instrument."""
    return (
        *(definition.symbol, definition.base, definition.quote),
        *(definition.tick_mantissa, definition.tick_decimals),
        *(definition.lot_mantissa, definition.lot_decimals),
    )


def _well_defined(definition: DefineInstrument) -> bool:
    capitals_and_digits = "ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789"
    tick, lot = definition.tick_mantissa, definition.lot_mantissa
    return (
        0 < len(definition.symbol) <= 20
        and all(character in capitals_and_digits + "_-" for character in definition.symbol)
        and all(0 < len(asset) <= 12 for asset in (definition.base, definition.quote))
        and all(character in capitals_and_digits for character in definition.base + definition.quote)
        and definition.base != definition.quote
        and tick > 0
        and lot > 0
        and definition.tick_decimals in range(19)
        and definition.lot_decimals in range(19)
        and 0 < definition.price_min_ticks <= definition.price_max_ticks
        and 0 < definition.quantity_min_lots <= definition.quantity_max_lots <= 2**40
        and definition.price_max_ticks * tick * definition.quantity_max_lots * lot < 2**63
    )


def _broken_by_quantity(limits: DefineInstrument, quantity: int) -> list[int]:
    broken = []
    if quantity <= 0:
        broken.append(reasons.QUANTITY_NOT_POSITIVE)
    if quantity < limits.quantity_min_lots:
        broken.append(reasons.QUANTITY_TOO_SMALL)
    if quantity > limits.quantity_max_lots:
        broken.append(reasons.QUANTITY_TOO_LARGE)
    return broken


def _broken_by_price(limits: DefineInstrument, price: int) -> list[int]:
    broken = []
    if price <= 0:
        broken.append(reasons.PRICE_NOT_POSITIVE)
    if price < limits.price_min_ticks:
        broken.append(reasons.PRICE_TOO_LOW)
    if price > limits.price_max_ticks:
        broken.append(reasons.PRICE_TOO_HIGH)
    return broken
