"""A naive exchange, written to be read: lists, searched from the front, and rules said once, in one place.

It is the oracle of the matcher: the same commands must give the same reports and public events. It shares no code with
`matcher/`, only the names of `bus.protocol`, and does everything in another way: there are no price levels (a level is
whatever rests at a price), no indexes, no caches; all rules that a request breaks are collected, and the lowest reason
is named; what a command did to price levels is found by remembering where it touched the book and looking afterwards.
"""

from dataclasses import dataclass

from bus.protocol import commands as c
from bus.protocol import feed, reasons, reports, terms
from bus.protocol.commands import (
    AdvanceClock,
    CancelAllAfter,
    CancelOrder,
    DefineInstrument,
    EnterOrder,
    MassCancel,
    ReplaceOrder,
    SetPhase,
    SetProtection,
)
from bus.protocol.records import EndDrawn, EngineStarted, SessionEnded, SessionOpened
from tests.support.naive_bands import broken_by_protection, within_bands
from tests.support.naive_gate import (
    FOR_AUCTIONS,
    NaiveInstrument,
    broken_by_order,
    broken_by_replace,
    is_same_product,
    is_well_defined,
    passive_price,
    product,
)
from tests.support.naive_links import broken_by_links, link, members, waiting_for
from tests.support.naive_matching import NaiveOrder, lots_at_once, would_meet
from tests.support.naive_pegs import followed_price
from tests.support.naive_phases import MS_NS, NaivePhases, broken_by_phase
from tests.support.naive_triggers import (
    WAITING_TYPES,
    become_active,
    is_reached,
    trigger_of,
    triggered_by_trade,
)
from tests.support.naive_voice import Event, distinct

HOUR_NS = 3600 * 10**9


@dataclass(eq=False)
class NaiveSession:
    """An open session."""

    account: str
    role: int
    cancel_on_disconnect: bool


class NaiveExchange(NaivePhases):
    """The whole exchange."""

    def __init__(self) -> None:
        super().__init__()
        self.clock = terms.CLOCK_SYSTEM
        self.sessions: dict[int, NaiveSession] = {}
        self.countdowns: dict[str, tuple[int, int]] = {}  # by account: when it runs out, who started it

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
        for known in self.instruments:
            known.last_before = known.trades[-1] if known.trades else 0
        if not isinstance(command, AdvanceClock):
            self._end_due()
        if session:
            self._do(self.sessions[session].account, command)
        else:
            self._record(command)
        self._follow()
        return self._in_order_of_leaving()

    def _follow(self) -> None:
        """What follows from what was done, one instrument after the other; nobody has asked for it."""
        asking = self.session, self.correlation_id
        self.session = self.correlation_id = 0
        self._publish_levels()
        concerned, self.concerned = self.concerned, []
        for symbol in distinct(concerned + [known.definition.symbol for known in self.instruments]):
            before = self._instrument(symbol).looked_at
            self._look_at_trades(self._instrument(symbol))
            while self._one_thing_follows(self._instrument(symbol)):
                self._publish_levels()
                self._look_at_trades(self._instrument(symbol))
            self._restore_balance(self._instrument(symbol), self._instrument(symbol).takers[before:])
        self.session, self.correlation_id = asking

    def _one_thing_follows(self, instrument: NaiveInstrument) -> bool:
        """Links first, then pegs; then the first in line of those who were triggered or released becomes active."""
        if self._look_at_links(instrument):
            return True
        if self._look_at_pegs(instrument):
            return True
        if instrument.phase != terms.CONTINUOUS or not instrument.triggered:
            return False
        order, price = instrument.triggered.pop(0)
        if order.status != terms.WAITING:
            return True  # a link has ended it
        self._report(
            order.account,
            (
                *(reports.TRIGGERED, *self._answering(), order.order_id),
                *(order.entered.client_order_id, order.symbol, price),
            ),
        )
        if order.waits_for is not None:
            order.waits_for = None
            self._come(order)
        else:
            become_active(order)
            self._meet_the_market(order)
        if instrument.phase != terms.CONTINUOUS and self._rebalances(instrument):
            self._tell_unbalanced(instrument, terms.CROSSED_BY_TRIGGER, order.side)
        return True

    def _look_at_links(self, instrument: NaiveInstrument) -> bool:
        """The others of groups that are over, and who waits for an order that was not filled, end; whether any."""
        happened = instrument.happened
        if not happened.told:
            return False
        while happened.told:
            it = happened.told.pop(0)
            if not isinstance(it, NaiveOrder):
                ending = [order for order in members(it, self.open) if order is not happened.over[it]]
            elif it.status == terms.CANCELLED:
                ending = waiting_for(it, self.open)
            else:
                ending = []
                instrument.triggered += [(order, 0) for order in waiting_for(it, self.open)]
            for order in ending:
                self._take_out(order, reasons.LINKED, asked=False)
            self._publish_levels()
        for survivor in happened.over.values():
            if survivor is not None:
                survivor.group = 0
        happened.over = {}
        return True

    def _look_at_pegs(self, instrument: NaiveInstrument) -> bool:
        """Pegged orders that stand where they should not leave; the oldest of them comes back; whether any did.

        Where nothing trades nobody leaves any more.
        """
        on_their_way = instrument.on_their_way
        for order in self.open if instrument.phase == terms.CONTINUOUS else []:
            if order.symbol != instrument.definition.symbol or order.order_type != terms.PEGGED:
                continue
            if order.waits_for is not None or order in on_their_way or order.price == self._followed(order):
                continue
            self._leave_the_book(order)
            if self._followed(order):
                order.status = terms.WAITING
                on_their_way.append(order)
            else:
                self._lose_reference(order)
        self._publish_levels()
        on_their_way = [order for order in on_their_way if order.status == terms.WAITING]  # links end orders
        if not on_their_way:
            instrument.on_their_way = []
            return False
        oldest = min(on_their_way, key=lambda order: order.order_id)
        instrument.on_their_way = [order for order in on_their_way if order is not oldest]
        if self._stand(oldest):
            self._come_to_rest(oldest)
        return True

    def _come_to_rest(self, order: NaiveOrder) -> None:
        """An order that was in the book before comes to another price of it."""
        instrument = self._instrument(order.symbol)
        if instrument.phase == terms.CONTINUOUS:
            self._trade(order)
            if order.status != terms.RESTING:
                return
            if would_meet(order, instrument.resting):
                self._interrupt(order)
                return
        self._rest(order)

    def _stand(self, order: NaiveOrder) -> bool:
        """A pegged order gets its price, if there is one."""
        price = self._followed(order)
        if not price:
            self._lose_reference(order)
            return False
        order.status, order.price = terms.RESTING, price
        self._report_restated(order, reasons.PEG_MOVED)
        return True

    def _lose_reference(self, order: NaiveOrder) -> None:
        order.status, order.price = terms.WAITING, 0
        self._report_restated(order, reasons.REFERENCE_GONE)

    def _followed(self, order: NaiveOrder) -> int:
        """Where a pegged order is to stand now."""
        instrument = self._instrument(order.symbol)
        return followed_price(order.entered, order.worst_price, instrument.resting, instrument.definition)

    def _look_at_trades(self, instrument: NaiveInstrument) -> None:
        """Each trade, in its order, triggers those whom no trade before it has triggered."""
        for price in instrument.trades[instrument.looked_at :]:
            waiting = [
                order
                for order in self.open
                if (order.symbol, order.status) == (instrument.definition.symbol, terms.WAITING)
                and order.waits_for is None
                and order.order_type in WAITING_TYPES
                and all(order is not other for other, _ in instrument.triggered)
            ]
            instrument.triggered += [(order, price) for order in triggered_by_trade(waiting, price)]
        instrument.looked_at = len(instrument.trades)

    def _end_due(self) -> None:
        """What ends by the clock, by deadline and age, and published before anything else happens."""
        while True:
            due = [(order.ends_ns, order.order_id, 0, "") for order in self.open if order.ends_ns]
            due += [(end_ns, number, 0, account) for account, (end_ns, number) in self.countdowns.items()]
            due += [(*end, "") for end in self._ends_of_phases()]
            end_ns, number, place, account = min(due, default=(0, 0, 0, ""))
            if not due or end_ns > self.time_ns:
                break
            if place:
                self._follow()
                self._end_of_phase(place)
                self._follow()
                continue
            if account:
                del self.countdowns[account]
            for order in [one for one in self.open if account in ("", one.account)]:
                if account or order.order_id == number:
                    reason = reasons.CANCEL_ALL_AFTER if account else reasons.EXPIRED
                    self._take_out(order, reason, asked=False)
        self._follow()

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
        elif isinstance(record, EndDrawn):
            self._draw(record.symbol, record.number, record.delay_ns)
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
        elif isinstance(command, CancelAllAfter):
            self._cancel_all_after(account, command)
        elif isinstance(command, DefineInstrument):
            self._operate(account, c.DEFINE_INSTRUMENT, self._define(command))
        elif isinstance(command, SetPhase):
            self._operate(account, c.SET_PHASE, self._set_phase(command))
        elif isinstance(command, SetProtection):
            self._operate(account, c.SET_PROTECTION, self._set_protection(command))
        elif isinstance(command, AdvanceClock):
            reason = self._advance_clock(command)
            self._end_due()
            self._operate(account, c.ADVANCE_CLOCK, reason)
        else:
            raise AssertionError(f"no command: {command!r}")

    def _enter(self, account: str, command: EnterOrder) -> None:
        if self._answered_again(account, c.ENTER_ORDER, command.client_order_id, command):
            return
        broken = self._broken_by_request(account, command.client_order_id)
        if broken:
            self._reject(account, c.ENTER_ORDER, command.client_order_id, min(broken))
            return
        open_orders = len([order for order in self.open if order.account == account])
        broken = broken_by_order(
            command,
            self._found(command.symbol),
            self.time_ns,
            open_orders < self.rules.open_orders_per_account_max,
        )
        if self._found(command.symbol) is not None:
            broken += broken_by_links(account, command, self.open)
        if broken:
            self._end_request(self._remember(account, command.client_order_id, command, min(broken), None))
            self._reject(account, c.ENTER_ORDER, command.client_order_id, min(broken))
            return
        order = NaiveOrder(
            account, self.session, command, self.sequence, command.price_ticks, command.quantity_lots
        )
        if command.time_in_force == terms.GTD:
            order.ends_ns = command.expires_ns
        elif command.time_in_force == terms.DAY:
            order.ends_ns = self.time_ns - self.time_ns % (24 * HOUR_NS) + 24 * HOUR_NS
        self._remember(account, command.client_order_id, command, 0, order)
        self._report_accepted(order)
        link(order, self.open)
        if order.waits_for is not None:
            order.status = terms.WAITING
            self.open.append(order)
            return
        self._come(order)

    def _come(self, order: NaiveOrder) -> None:
        """An order that is new, or was released."""
        command, instrument = order.entered, self._instrument(order.symbol)
        if command.order_type in WAITING_TYPES:
            last = instrument.trades[-1] if instrument.trades else 0
            order.status, order.best_price = terms.WAITING, last
            if order not in self.open:
                self.open.append(order)
            elif last and is_reached(command, trigger_of(order), last):
                instrument.triggered.append((order, last))
            return
        order.status = terms.RESTING
        if command.order_type == terms.PEGGED and not self._stand(order):
            return
        if command.flags & terms.POST_ONLY_REPRICE:
            price = passive_price(order, self._instrument(order.symbol).resting)
            if price != order.price:
                order.price = price
                self._report_restated(order, reasons.POST_ONLY_MOVED)
        self._meet_the_market(order)

    def _meet_the_market(self, order: NaiveOrder) -> None:
        """An order that has just come in: all, so much, or nothing; what it can; and then it rests or ends."""
        entered, instrument = order.entered, self._instrument(order.symbol)
        if instrument.phase != terms.CONTINUOUS or order.time_in_force in FOR_AUCTIONS:
            self._collect(order)
            return
        is_fok = order.time_in_force == terms.FOK
        wanted = order.quantity if is_fok else entered.minimum_lots
        within = within_bands(instrument)
        if wanted and lots_at_once(order, instrument.resting, instrument.definition, within) < wanted:
            self._cancel_rest(order, reasons.FOK_UNFILLED if is_fok else reasons.MINIMUM_UNFILLED)
            return
        self._trade(order)
        if order.status != terms.RESTING:
            return
        if would_meet(order, instrument.resting):
            self._interrupt(order)
        elif order.time_in_force not in (terms.IOC, terms.FOK):
            if order not in self.open:
                self.open.append(order)
            self._rest(order)
        elif order.order_type == terms.LIMIT:
            self._cancel_rest(order, reasons.IOC_REMAINDER)
        else:
            is_empty = all(other.side == order.side for other in instrument.resting)
            self._cancel_rest(order, reasons.NO_LIQUIDITY if is_empty else reasons.PROTECTION_REACHED)

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
            reason = min(broken_by_replace(order, command, self._instrument(order.symbol)), default=0)
        request = self._remember(account, command.request_id, command, reason, None if reason else order)
        self._end_request(request)
        if order is None or reason:
            self._reject(account, c.REPLACE_ORDER, command.request_id, reason)
            return
        price = command.price_ticks if command.price_ticks != 0 else order.price
        is_pegged = order.order_type == terms.PEGGED
        if is_pegged and command.price_ticks:
            order.worst_price = command.price_ticks
        if is_pegged and order.waits_for is None:
            price = self._followed(order)
        quantity = command.quantity_lots if command.quantity_lots != 0 else order.quantity
        if quantity <= order.filled:
            self._take_out(order, reasons.REPLACED_TO_FILLED)
            return
        if order.status == terms.WAITING:
            order.price, order.quantity = price, quantity
            self._report_replaced(order, command.request_id, kept_priority=True)
            return
        if price == order.price and quantity <= order.quantity:
            self._shrink(order, quantity)
            self._report_replaced(order, command.request_id, kept_priority=True)
            return
        self._leave_the_book(order)
        order.price, order.quantity = price, quantity
        self._report_replaced(order, command.request_id, kept_priority=False)
        self._come_to_rest(order)

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

    def _cancel_all_after(self, account: str, command: CancelAllAfter) -> None:
        if not 0 <= command.timeout_ms <= 24 * 3600 * 1000:
            self._reject(account, c.CANCEL_ALL_AFTER, "", reasons.INVALID_TIMEOUT)
            return
        self.countdowns.pop(account, None)
        if command.timeout_ms:
            self.countdowns[account] = (self.time_ns + command.timeout_ms * 10**6, self.sequence)
        self._report(account, (reports.COMPLETED, *self._answering(), c.CANCEL_ALL_AFTER, 1))

    def _operate(self, account: str, tag: int, reason: int) -> None:
        self._follow()
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
        if not is_well_defined(command):
            broken.append(reasons.INVALID_INSTRUMENT)
        if known is not None and not is_same_product(known.definition, command):
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
                *(feed.INSTRUMENT_DEFINED, self.sequence, *product(command)),
                *(command.price_min_ticks, command.price_max_ticks),
                *(command.quantity_min_lots, command.quantity_max_lots),
                *(command.matching, command.pro_rata_minimum_lots),
            ),
        )
        return 0

    def _set_phase(self, command: SetPhase) -> int:
        known = self._found(command.symbol)
        broken = broken_by_phase(command, known)
        if self._role() != terms.OPERATOR:
            broken.append(reasons.NOT_PERMITTED)
        if known is None or broken:
            return min(broken)
        ends_ns = self.time_ns + command.duration_ms * MS_NS if command.duration_ms else 0
        self._begin(known, command.phase, terms.BY_OPERATOR, ends_ns, command.random_ms, command.next_phase)
        return 0

    def _set_protection(self, command: SetProtection) -> int:
        known = self._found(command.symbol)
        broken = broken_by_protection(command, known)
        if self._role() != terms.OPERATOR:
            broken.append(reasons.NOT_PERMITTED)
        if known is None or broken:
            return min(broken)
        acts = command.static_basis_points or command.dynamic_basis_points or command.rebalance
        known.protection = command if acts else None
        if command.reference_ticks not in (0, known.reference):
            known.reference = command.reference_ticks
            self._outcome_changes(known)
        self._tell_bands(known)
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
