"""The desk of a client: what people say becomes commands, what happens becomes answers. The same for every shell.

A shell derives from it, owns a socket and a clock, and says what an answer that is awaited looks like: something with
`set_result` and `set_exception` that is made once a command. Nothing here waits or sends.

What a command is answered with is a report (a refusal by the market is a value: `Rejected`); what is raised is that
there is no such report: Busy, NotTaken, AnswerLost, SessionOver, SessionRefused.
"""

import secrets
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any, Final, Generic, Protocol, TypeVar, Unpack

from bus.errors import (
    AnswerLost,
    Busy,
    MatchbusError,
    NotTaken,
    ReportsLost,
    SessionOver,
    SessionRefused,
    UnknownSymbol,
)
from bus.protocol.commands import (
    AdvanceClock,
    BustTrade,
    Command,
    CorrectTrade,
    DefineInstrument,
    SetLimits,
    SetTradingStatus,
)
from bus.protocol.control import Hello, Instruments, InstrumentState, QueryInstruments, QueryOrders
from bus.protocol.reasons import QUEUE_FULL, RATE_EXCEEDED, reason_name
from bus.protocol.reports import Accepted, Cancelled, Completed, Duplicate, Rejected, Replaced
from bus.protocol.terms import ALL_OR_NOTHING, PRICE_TIME, ROLES, VALIDATE_ONLY
from bus.sockets.session import happenings as told
from bus.sockets.session import orders
from bus.sockets.session.client_core import ClientCore
from bus.sockets.session.orders import Instructions, OrderName, Word
from bus.sockets.session.prices import Number, Scale
from bus.sockets.session.report_queue import REPORTS_WAITING_MAX, ReportQueue
from bus.sockets.session.unanswered import Saying

Answer = Accepted | Rejected | Cancelled | Replaced | Duplicate | Completed
#: Takes the new reports of one envelope, in the place of the queue.
OnReports = Callable[[told.Reports], None]

#: Bytes of chance in the ids that a client makes up, so that two clients of an account do not make the same.
_ID_BYTES: Final = 6


class Pending(Protocol):
    """An answer that is awaited. `symbol` is "" and `client_order_id` is "" where a command has none."""

    client_order_id: str
    symbol: str
    correlation_id: int

    def done(self) -> bool:
        """Whether it is here."""

    def set_result(self, result: Any, /) -> None:
        """It is here."""

    def set_exception(self, exception: Any, /) -> None:
        """It will not come."""


A = TypeVar("A", bound=Pending)


class Desk(Generic[A]):
    """What both clients have in common. Not used by itself."""

    def __init__(
        self,
        account: str,
        role: Word,
        token: str,
        cancel_on_disconnect: bool,
        lease_ms: int,
        resume_from: int,
        reports_waiting_max: int = REPORTS_WAITING_MAX,
        on_reports: OnReports | None = None,
    ) -> None:
        number = orders.number_of(role, ROLES, "role")
        hello = Hello(account, number, token, 0, "", resume_from, lease_ms, cancel_on_disconnect)
        self._core = ClientCore(hello)
        self._queue = ReportQueue(reports_waiting_max)
        self._on_reports = on_reports
        self._pendings: dict[int, A] = {}
        self._queries: dict[int, A] = {}
        self._definitions: dict[str, InstrumentState] = {}
        self._scales: dict[str, Scale] = {}
        self._id_prefix = secrets.token_hex(_ID_BYTES)
        self._ids = 0
        self._over: MatchbusError | None = None
        self._collected: list[tuple[A, Command]] | None = None  # inside a batch with options

    # What a shell provides.

    def _new_pending(self, symbol: str, client_order_id: str) -> A:
        """An answer to wait for."""
        raise NotImplementedError

    def _give(self, pending: A, symbol: str, build: Callable[[Scale], Command]) -> None:
        """Build a command with the scale of a symbol, which may have to be asked for first, and `_put` it."""
        raise NotImplementedError

    def _added(self) -> None:
        """Commands or queries were added: they want to leave soon."""
        raise NotImplementedError

    # Commands, for people.

    def enter(
        self,
        symbol: str,
        side: Word,
        quantity: Number,
        price: Number | None = None,
        *,
        time_in_force: Word | None = None,
        order_type: Word | None = None,
        post_only: bool = False,
        client_order_id: str | None = None,
        validate_only: bool = False,
        deadline: float | None = None,
        **instructions: Unpack[Instructions],
    ) -> A:
        """Enter an order; the answer is Accepted, Rejected or Duplicate. Its fills are reports.

        Prices and quantities are exact: Decimal, text or int. Without a price it is a market order. The time in force
        is GTC, for a market order IOC. `client_order_id` is made up when it is not given; it is in what is returned.
        Further instructions: `display`, `hidden`, `trigger`, `trail`, `peg`, `self_trade`, ...: see `Instructions`.
        `validate_only` and `deadline`: see `batch`.
        Raises OffTick, OffLot, UnknownSymbol, ValueError, TypeError (nothing was sent), Busy, SessionOver.
        """
        if validate_only or deadline is not None:
            with self.batch(validate_only=validate_only, deadline=deadline):
                return self.enter(
                    symbol,
                    side,
                    quantity,
                    price,
                    time_in_force=time_in_force,
                    order_type=order_type,
                    post_only=post_only,
                    client_order_id=client_order_id,
                    **instructions,
                )
        pending = self._new_pending(symbol, client_order_id or self._new_id())
        self._give(
            pending,
            symbol,
            lambda scale: orders.enter_order(
                scale,
                pending.client_order_id,
                side,
                quantity,
                price,
                time_in_force,
                order_type,
                post_only,
                instructions,
            ),
        )
        return pending

    @contextmanager
    def batch(
        self, *, all_or_nothing: bool = False, validate_only: bool = False, deadline: float | None = None
    ) -> Iterator[None]:
        """What is asked for inside leaves as one message, when the block ends; nothing does when it raises.

        `all_or_nothing`: every command is taken, in turn, or none. `validate_only`: nothing happens; a command that
        would be taken is answered with Completed of 0, any other with Rejected. `deadline`: what the engine would carry
        out more than so many seconds after the block ends is rejected (`too_late`). The symbols must be known.
        """
        if self._collected is not None:
            raise ValueError("a batch is inside no other")
        if deadline is not None and deadline <= 0:
            raise ValueError("a deadline is some seconds from now")
        collected: list[tuple[A, Command]] = []
        self._collected = collected
        try:
            yield
        finally:
            self._collected = None
        if collected:
            options = ALL_OR_NOTHING if all_or_nothing else 0
            options |= VALIDATE_ONLY if validate_only else 0
            self._put_all(collected, Saying(options, round((deadline or 0) * 10**9)))

    def cancel(self, order: A | OrderName) -> A:
        """Cancel an open order: what `enter` gave, its client_order_id (text) or its order_id (number).

        Answered with Cancelled or Rejected. After a reconnect in which reports were lost, a Rejected that says
        `unknown_order` or `order_ended` may be about an order which this very cancel has ended.
        """
        pending = self._new_pending("", "")
        self._put(pending, orders.cancel_order(_name(order)))
        return pending

    def replace(
        self,
        order: A | OrderName,
        *,
        price: Number | None = None,
        quantity: Number | None = None,
        symbol: str = "",
        request_id: str | None = None,
    ) -> A:
        """Give an open order a new price, a new whole quantity, or both. `symbol` is needed when only an id is given.

        Answered with Replaced, Cancelled (it was filled so far already), Rejected or Duplicate.
        """
        symbol = symbol or ("" if isinstance(order, str | int) else order.symbol)
        if not symbol:
            raise ValueError("an order that is named by its id is replaced with its symbol")
        pending = self._new_pending(symbol, request_id or self._new_id())
        name = _name(order)
        self._give(
            pending,
            symbol,
            lambda scale: orders.replace_order(scale, pending.client_order_id, name, price, quantity),
        )
        return pending

    def quote(
        self,
        symbol: str,
        side: Word,
        quantity: Number,
        price: Number | None = None,
        *,
        request_id: str | None = None,
    ) -> A:
        """Quote one side of an instrument, in the place of the account's last quote of it; quantity 0 ends that one.

        Answered with Accepted (a new order, of this id), Replaced (the last one stays in its place and is smaller),
        Completed (it has ended), Rejected or Duplicate.
        """
        pending = self._new_pending(symbol, request_id or self._new_id())
        self._give(
            pending,
            symbol,
            lambda scale: orders.quote(scale, pending.client_order_id, side, quantity, price),
        )
        return pending

    def mass_cancel(self, symbol: str = "", side: Word | None = None) -> A:
        """Cancel all open orders of the account, of one symbol and side or all. Answered with Completed or Rejected."""
        pending = self._new_pending("", "")
        self._put(pending, orders.mass_cancel(symbol, side))
        return pending

    def cancel_all_after(self, seconds: float) -> A:
        """Let all open orders of the account be cancelled so long from now, unless this is said again before.

        0 stops the countdown. It is the account's: whichever client says it again. Answered with Completed or Rejected.
        """
        pending = self._new_pending("", "")
        self._put(pending, orders.cancel_all_after(seconds))
        return pending

    def define_instrument(
        self,
        symbol: str,
        base: str,
        quote: str,
        *,
        tick: Number,
        lot: Number,
        price_min: Number,
        price_max: Number,
        quantity_min: Number,
        quantity_max: Number,
        matching: Word = PRICE_TIME,
        pro_rata_minimum: Number = 0,
    ) -> A:
        """Operator: a new instrument, or new limits of one. Answered with Completed or Rejected."""
        command = orders.define_instrument(
            symbol,
            base,
            quote,
            tick,
            lot,
            price_min,
            price_max,
            quantity_min,
            quantity_max,
            matching,
            pro_rata_minimum,
        )
        pending = self._new_pending("", "")
        self._put(pending, command)
        # Limits may change; what is known of it is asked for again.
        self._definitions.pop(symbol, None)
        self._scales.pop(symbol, None)
        return pending

    def set_trading_status(self, symbol: str, status: Word) -> A:
        """Operator: open or halt an instrument. Answered with Completed or Rejected."""
        pending = self._new_pending("", "")
        self._put(pending, SetTradingStatus(symbol, orders.trading_status_of(status)))
        return pending

    def set_limits(
        self,
        account: str,
        symbol: str = "",
        *,
        order_quantity: Number = 0,
        order_notional: Number = 0,
        open_orders: int = 0,
    ) -> A:
        """Operator: limits of an account in an instrument, or in all (quantity in lots then, notional in ticks times
        lots); 0 is none. They take the place of those it had there. Answered with Completed or Rejected.
        """
        pending = self._new_pending(symbol, "")

        def build(scale: Scale | None) -> SetLimits:
            return orders.set_limits(scale, account, order_quantity, order_notional, open_orders)

        if symbol:
            self._give(pending, symbol, build)
        else:
            self._put(pending, build(None))
        return pending

    def bust_trade(self, symbol: str, trade_id: int) -> A:
        """Operator: a trade of this trading day never counted. Answered with Completed or Rejected."""
        pending = self._new_pending("", "")
        self._put(pending, BustTrade(symbol, trade_id))
        return pending

    def correct_trade(self, symbol: str, trade_id: int, price: Number) -> A:
        """Operator: a trade of this trading day has another price. Answered with Completed or Rejected."""
        pending = self._new_pending(symbol, "")
        self._give(pending, symbol, lambda scale: CorrectTrade(symbol, trade_id, scale.price_ticks(price)))
        return pending

    def advance_clock(self, time_ns: int) -> A:
        """Operator, under `--clock commands`: engine time becomes this. Answered with Completed or Rejected."""
        pending = self._new_pending("", "")
        self._put(pending, AdvanceClock(time_ns))
        return pending

    # Commands, ready made.

    def send_commands(self, commands: Sequence[Command]) -> int:
        """Ready commands, without an answer to wait for; returns the correlation id of the first.

        The others follow it. Their answers are in the reports; when reports are given to `on_reports`, which of them
        answer what is beside them. What is refused before the log (Busy and its like) shows only as missing there.
        """
        self._check_open()
        first = self._core.add(commands)
        self._added()
        return first

    @property
    def unanswered(self) -> int:
        """How many commands have no answer yet."""
        return self._core.unanswered

    @property
    def session(self) -> int:
        """The number of the session, 0 before there is one."""
        return self._core.session

    @property
    def next_report(self) -> int:
        """The number of the report that the user gets next: what a next life gives as `resume_from`."""
        if self._on_reports is not None:
            return self._core.next_report
        return self._queue.next_report

    def known_scale(self, symbol: str) -> Scale:
        """Converts ticks and lots of a report into decimals. UnknownSymbol when the symbol was not asked for yet."""
        scale = self._scales.get(symbol)
        if scale is None:
            raise UnknownSymbol(f"{symbol!r} is not known here: ask instruments()")
        return scale

    # For shells.

    def _put(self, pending: A, command: Command) -> None:
        """A command of which an answer is awaited."""
        self._check_open()
        if self._collected is not None:
            self._collected.append((pending, command))
            return
        pending.correlation_id = number = self._core.add((command,))
        self._pendings[number] = pending
        self._added()

    def _put_all(self, collected: list[tuple[A, Command]], saying: Saying) -> None:
        """Commands of one message."""
        self._check_open()
        number = self._core.add([command for _, command in collected], saying)
        for pending, _ in collected:
            pending.correlation_id = number
            self._pendings[number] = pending
            number += 1
        self._added()

    def _ask(self, query: QueryOrders | QueryInstruments) -> A:
        """A query whose answer is awaited."""
        self._check_open()
        pending = self._new_pending("", "")
        pending.correlation_id = number = self._core.query(query)
        self._queries[number] = pending
        self._added()
        return pending

    def _check_open(self) -> None:
        if self._over is not None:
            raise self._over

    def _new_id(self) -> str:
        self._ids += 1
        return f"{self._id_prefix}-{self._ids}"

    def _take(self, happened: Sequence[told.Happening]) -> None:
        """What the core tells: answers to whom they belong, reports to the user."""
        for what in happened:
            if type(what) is told.Reports:
                if self._pendings:
                    self._answer(what.answers)
                if self._on_reports is None:
                    self._queue.put(what)
                else:
                    self._on_reports(what)
            else:
                self._take_rare(what)

    def _answer(self, answers: list[tuple[int, Any]]) -> None:
        pendings = self._pendings
        for number, report in answers:
            pending = pendings.pop(number, None)
            if pending is not None and not pending.done():
                pending.set_result(report)

    def _take_rare(self, what: told.Happening) -> None:
        if isinstance(what, told.Opened):
            self._queue.begin(self._core.next_report)
        elif isinstance(what, told.Answered):
            if isinstance(what.answer, Instruments):
                self._learn(what.answer)
            pending = self._queries.pop(what.correlation_id, None)
            if pending is not None and not pending.done():
                pending.set_result(what.answer)
        elif isinstance(what, told.NotTaken):
            error = _not_taken(what.refused.reason, what.refused.text)
            self._fail(what.correlation_ids, error)
        elif isinstance(what, told.AnswersLost):
            text = "the engine no longer keeps the reports that would tell; ask open_orders()"
            self._fail(what.correlation_ids, AnswerLost(text))
        elif isinstance(what, told.ReportsLost):
            text = (
                f"reports {what.first_report} to {what.next_report - 1} are no longer kept; ask open_orders()"
            )
            self._queue.lose(ReportsLost(text, what.first_report, what.next_report))
        elif isinstance(what, told.ReportsWithdrawn):
            text = (
                f"reports {what.first_report} to {what.next_report - 1} never happened: the engine started again"
                " without them; ask open_orders()"
            )
            self._queue.lose(ReportsLost(text, what.first_report, what.first_report))
        elif isinstance(what, told.Ended):
            if what.refused is None:
                self._end(SessionOver("the session has ended"))
            else:
                name = reason_name(what.refused.reason)
                self._end(SessionRefused(f"not let in: {name}: {what.refused.text}", what.refused.reason))

    def _learn(self, instruments: Instruments) -> None:
        """What there is to trade. Definitions only change their limits, which are the engine's to check."""
        for state in instruments.instruments:
            definition: DefineInstrument = state.definition
            self._definitions[definition.symbol] = state
            if definition.symbol not in self._scales:
                self._scales[definition.symbol] = Scale(definition)

    def _fail(self, numbers: Sequence[int], error: MatchbusError) -> None:
        for number in numbers:
            pending = self._pendings.pop(number, None) or self._queries.pop(number, None)
            if pending is not None and not pending.done():
                pending.set_exception(error)

    def _end(self, error: MatchbusError) -> None:
        """Nothing more will be answered, and nothing more is taken."""
        if self._over is None:
            self._over = error
            self._fail([*self._pendings, *self._queries], error)


def _name(order: Pending | OrderName) -> OrderName:
    return order if isinstance(order, str | int) else order.client_order_id


def _not_taken(reason: int, text: str) -> MatchbusError:
    told_text = f"{reason_name(reason)}: {text}"
    if reason in (QUEUE_FULL, RATE_EXCEEDED):
        return Busy(f"{told_text}; nothing was taken, send it again")
    return NotTaken(told_text, reason)
