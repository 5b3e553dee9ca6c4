"""The state as bytes and back: what a checkpoint holds, and the digest by which two engines compare themselves.

The rule guarded here: everything on which future behaviour depends is in the bytes, nothing else is, and the same
state gives the same bytes. So `digest(log) == digest(snapshot + rest of the log)` wherever the snapshot was cut.

    [format, sequence, time_ns, epoch, clock, rules, clock_number, next_session, accounts, sessions, instruments]

    account     [name, forgotten_ns, next_report, open, closed, plain, ended, countdown_ns, countdown_number,
                 limits, quotes]
    session     [session, account, role, lease_ms, cancel_on_disconnect]
    instrument  [definition, status, last_price_ticks, next_trade_id, next_public_id, 4 numbers, bids, asks, waiting,
                 kept (`matcher.trades_codec`)]

An account's `open` are its open orders, oldest first; `closed` the ended ones and `plain` its other requests; `ended`
the sequences of both, first ended first. A request is named by its log sequence, which is unique. A replace points at
its order, which is there: it ends after the replace, so it is forgotten after it. A side of a book is a list of levels,
best first, a level the list of its order ids, first in priority first. `waiting` is [ids, trailing, elected], or nil:
who waits for a trigger of its own, trailing stops with the best price that they have seen (0: none), and who was
elected, with the price that did it, first in line first; nil when nobody waits, is linked or pegged. Who waits for
another order or for a reference, and who cancels with whom, follows from the orders. Accounts, sessions and instruments
stand in the order in which the log brought them.

Timers are not there, since they follow from orders and accounts.

Called between batches, by whoever writes checkpoints or compares digests. Cost: O(everything), encoded at once.
"""

from collections import deque
from hashlib import sha256
from typing import Any, Final

import msgspec

from bus.protocol.commands import DefineInstrument, EnterOrder, Quote, ReplaceOrder
from bus.protocol.records import Rules
from bus.protocol.terms import RESTING, TRAILING_STOP, WAITING
from matcher.book.groups import Group
from matcher.book.instructions import Instructions
from matcher.book.level import Order
from matcher.book.side import BookSide
from matcher.book.triggers import TRIGGERED_TYPES, Watch
from matcher.instruments import Instrument
from matcher.ledger.account import Account
from matcher.ledger.limits import Limit, Limits
from matcher.ledger.request import PlainRequest, Request
from matcher.relinking import relink
from matcher.state import Session, State
from matcher.timers import set_timers
from matcher.trades_codec import KEPT, fill_kept, kept_row, orders_by_sequence
from matcher.views import open_symbols

#: The version of this layout. An engine reads its own only: a checkpoint is a shortcut, the log is the truth.
STATE_FORMAT: Final = 2

Row = tuple[Any, ...]

# The shapes, for the decoder: what has another shape never reaches the code below.
# request_id, sequence, created_ns, ended_ns, session, symbol, side, order_type, time_in_force, flags,
# entered_price_ticks, entered_quantity_lots, price_ticks, quantity_lots, filled_lots, status, public_id, shown_lots,
# the command if it has instructions, when it ends, the order that it waits for, its group, the worst price if pegged
_ORDER: Final[Any] = tuple[
    str, int, int, int, int, str, int, int, int, int, int, int, int, int, int, int, int, int, EnterOrder | None, int,
    int, int, int
]  # fmt: skip
# command, sequence, created_ns, ended_ns, reason, sequence of the target or 0
_PLAIN: Final[Any] = tuple[EnterOrder | ReplaceOrder | Quote, int, int, int, int, int]
# symbol, order_lots_max, order_notional_max, open_orders_max
_LIMIT: Final[Any] = tuple[str, int, int, int]
# symbol, side, order id
_QUOTE: Final[Any] = tuple[str, int, int]
_ACCOUNT: Final[Any] = tuple[
    str, int, int, list[_ORDER], list[_ORDER], list[_PLAIN], list[int], int, int, list[_LIMIT], list[_QUOTE]
]
_SESSION: Final[Any] = tuple[int, str, int, int, bool]
_SIDE: Final[Any] = list[list[int]]
_WAITING: Final[Any] = tuple[list[int], list[tuple[int, int]], list[tuple[int, int]]]
_INSTRUMENT: Final[Any] = tuple[
    DefineInstrument, int, int, int, int, int, int, int, int, _SIDE, _SIDE, _WAITING | None, KEPT
]  # fmt: skip
_STATE: Final[Any] = tuple[
    int, int, int, int, int, Rules, int, int, list[_ACCOUNT], list[_SESSION], list[_INSTRUMENT]
]  # fmt: skip

_encode: Final = msgspec.msgpack.Encoder().encode
_decode: Final[Any] = msgspec.msgpack.Decoder(_STATE).decode
_decode_anything: Final = msgspec.msgpack.Decoder().decode


def encode_state(state: State) -> bytes:
    """The whole state. Its events must have been taken: numbers that are still to be given are no state yet."""
    return _encode(
        (
            STATE_FORMAT,
            state.sequence,
            state.time_ns,
            state.epoch,
            state.clock,
            state.rules,
            state.clock_number,
            state.next_session,
            [_account_row(account) for account in state.accounts.values()],
            [_session_row(session) for session in state.sessions.values()],
            [_instrument_row(instrument) for instrument in state.instruments.values()],
        )
    )


def decode_state(payload: bytes) -> State:
    """A state like the one that was encoded, sharing nothing with it.

    Raises ValueError when the bytes are not one, or one of another format, or not a state that could have come about.
    """
    try:
        row: Row = _decode(payload)
    except (msgspec.MsgspecError, ValueError, RecursionError) as error:
        raise ValueError(f"not a state: {_foreign_format(payload) or error}") from None
    if row[0] != STATE_FORMAT:
        raise ValueError(f"not a state: {_foreign_format(payload)}")
    state = State()
    (_, state.sequence, state.time_ns, state.epoch, state.clock, state.rules) = row[:6]
    state.clock_number = row[6]
    state.next_session = row[7]
    state.timers.begin_day(state.time_ns)
    symbols: dict[str, str] = {}
    for instrument_row in row[10]:
        instrument = _instrument_of(instrument_row)
        state.instruments[instrument.symbol] = instrument
        symbols[instrument.symbol] = instrument.symbol
    resting: dict[int, Order] = {}
    for account_row in row[8]:
        account = _account_of(account_row, symbols, resting)
        state.accounts[account.name] = account
        set_timers(state.timers, account)
    for number, name, role, lease_ms, cancel_on_disconnect in row[9]:
        owner = state.accounts.get(name)
        if owner is None:
            raise ValueError(f"not a state: session {number} is of no account")
        state.sessions[number] = Session(number, owner, role, lease_ms, cancel_on_disconnect)
    for instrument_row in row[10]:
        instrument = state.instruments[instrument_row[0].symbol]
        _fill_side(instrument.book.bids, instrument_row[9], instrument.symbol, resting)
        _fill_side(instrument.book.asks, instrument_row[10], instrument.symbol, resting)
        if instrument_row[11] is not None:
            _let_wait(instrument, instrument_row[11], resting)
    relink(state.accounts, state.instruments, resting)
    if resting:
        raise ValueError(f"not a state: order {next(iter(resting))} is open and stands nowhere")
    orders = orders_by_sequence(state.accounts) if any(one[12][2] for one in row[10]) else {}
    for instrument_row in row[10]:
        fill_kept(state.instruments[instrument_row[0].symbol], instrument_row[12], state.accounts, orders)
    return state


def state_digest(state: State) -> str:
    """SHA-256 of the encoded state, in hexadecimal. O(everything)."""
    return sha256(encode_state(state)).hexdigest()


def _account_row(account: Account) -> Row:
    assert not account.reports, f"account {account.name} has reports that were not taken"
    opened: list[Row] = []
    for order in account.open.values():
        assert isinstance(order, Order)
        opened.append(_order_row(order, order.public_id))
    closed: list[Row] = []
    plain: list[Row] = []
    ended: list[int] = []
    for request in account.ended:
        ended.append(request.sequence)
        if isinstance(request, Order):
            closed.append(_order_row(request, 0))
        else:
            assert isinstance(request, PlainRequest)
            target = request.target
            plain.append(
                (
                    request.command,
                    request.sequence,
                    request.created_ns,
                    request.ended_ns,
                    request.reason,
                    0 if target is None else target.sequence,
                )
            )
    return (
        account.name,
        account.forgotten_ns,
        account.next_report,
        opened,
        closed,
        plain,
        ended,
        account.countdown_ns,
        account.countdown_number,
        _limit_rows(account),
        [(symbol, side, order_id) for (symbol, side), order_id in account.quotes.items()],
    )


def _limit_rows(account: Account) -> list[Row]:
    rows: list[Row] = []
    if account.limits is not None:
        for symbol, limit in account.limits.by_symbol.items():
            rows.append((symbol, limit.order_lots_max, limit.order_notional_max, limit.open_orders_max))
    return rows


def _order_row(order: Order, public_id: int) -> Row:
    instructions = order.instructions
    return (
        order.request_id,
        order.sequence,
        order.created_ns,
        order.ended_ns,
        order.session,
        order.symbol,
        order.side,
        order.order_type,
        order.time_in_force,
        order.flags,
        order.entered_price_ticks,
        order.entered_quantity_lots,
        order.price_ticks,
        order.quantity_lots,
        order.filled_lots,
        order.status,
        public_id,
        order.shown_lots,
        None if instructions is None else instructions.command,
        0 if instructions is None else instructions.expires_ns,
        0 if instructions is None else instructions.held_by,
        0 if instructions is None or instructions.group is None else instructions.group.number,
        0 if instructions is None or order.ended_ns or not instructions.pegged else instructions.limit_ticks,
    )


def _session_row(session: Session) -> Row:
    return (
        session.session,
        session.account.name,
        session.role,
        session.lease_ms,
        session.cancel_on_disconnect,
    )


def _instrument_row(instrument: Instrument) -> Row:
    assert not instrument.touched, f"instrument {instrument.symbol} has events that were not taken"
    watch = instrument.watch
    return (
        instrument.definition,
        instrument.status,
        instrument.last_price_ticks,
        instrument.next_trade_id,
        instrument.next_public_id,
        instrument.trade_number,
        instrument.level_number,
        instrument.order_number,
        instrument.status_number,
        _side_rows(instrument.book.bids),
        _side_rows(instrument.book.asks),
        None if watch is None else (watch.fixed_rows(), watch.trailing_rows(), watch.elected_rows()),
        kept_row(instrument),
    )


def _side_rows(side: BookSide) -> list[list[int]]:
    rows: list[list[int]] = []
    for level in side:
        ids: list[int] = []
        order = level.head
        while order is not None:
            ids.append(order.sequence)
            order = order.newer
        rows.append(ids)
    return rows


def _instrument_of(row: Row) -> Instrument:
    """The instrument with an empty book."""
    instrument = Instrument(row[0])
    instrument.status = row[1]
    instrument.last_price_ticks = row[2]
    instrument.next_trade_id = row[3]
    instrument.next_public_id = row[4]
    instrument.trade_number = row[5]
    instrument.level_number = row[6]
    instrument.order_number = row[7]
    instrument.status_number = row[8]
    return instrument


def _account_of(row: Row, symbols: dict[str, str], resting: dict[int, Order]) -> Account:
    """The account with all its requests. Its open orders are also put into `resting`, to be placed where they stand."""
    account = Account(row[0])
    account.forgotten_ns = row[1]
    account.next_report = row[2]
    orders: dict[int, Order] = {}
    for order_row in row[3]:
        order = _order_of(order_row, account, symbols)
        if order.status not in (RESTING, WAITING) or order.ended_ns or order.sequence in resting:
            raise ValueError(f"not a state: order {order.sequence} is not open")
        orders[order.sequence] = order
        resting[order.sequence] = order
        account.open[order.sequence] = order
    for order_row in row[4]:
        order = _order_of(order_row, account, symbols)
        if order.status in (RESTING, WAITING) or not order.ended_ns or order.sequence in orders:
            raise ValueError(f"not a state: order {order.sequence} has not ended")
        orders[order.sequence] = order
    plain: dict[int, Request] = {}
    for command, sequence, created_ns, ended_ns, reason, target_sequence in row[5]:
        target = orders.get(target_sequence)
        if target is None and target_sequence:
            raise ValueError(
                f"not a state: request {sequence} changed order {target_sequence}, which is not there"
            )
        request_id = command.client_order_id if isinstance(command, EnterOrder) else command.request_id
        request = PlainRequest(request_id, command, sequence, created_ns, reason, target)
        request.ended_ns = ended_ns
        plain[sequence] = request
    requests = account.requests
    ended: deque[Request] = account.ended
    for sequence in row[6]:
        known = plain.get(sequence) or orders.get(sequence)
        if known is None or not known.ended_ns:
            raise ValueError(f"not a state: request {sequence} has ended and is not there")
        ended.append(known)
        # An id that was taken again after its time had passed is the later request's.
        requests[known.request_id] = known
    for order_id in account.open:
        order = orders[order_id]
        requests[order.request_id] = order
    account.countdown_ns = row[7]
    account.countdown_number = row[8]
    for symbol, side, order_id in row[10]:
        account.quotes[(symbol, side)] = order_id
    if row[9]:
        account.limits = limits = Limits(open_symbols(account))
        for symbol, order_lots_max, order_notional_max, open_orders_max in row[9]:
            limits.by_symbol[symbol] = Limit(order_lots_max, order_notional_max, open_orders_max)
    return account


def _order_of(row: Row, account: Account, symbols: dict[str, str]) -> Order:
    (
        request_id,
        sequence,
        created_ns,
        ended_ns,
        session,
        symbol,
        side,
        order_type,
        time_in_force,
        flags,
        entered_price_ticks,
        entered_quantity_lots,
        price_ticks,
        quantity_lots,
        filled_lots,
        status,
        public_id,
        shown_lots,
        command,
        expires_ns,
        held_by,
        group,
        limit_ticks,
    ) = row
    shared = symbols.get(symbol)
    if shared is None:
        raise ValueError(f"not a state: order {sequence} is of no instrument")
    order = Order(
        request_id,
        sequence,
        created_ns,
        account,
        session,
        shared,
        side,
        order_type,
        time_in_force,
        flags,
        entered_price_ticks,
        entered_quantity_lots,
        None if command is None else Instructions(command),
    )
    if order.instructions is not None:
        order.instructions.expires_ns = expires_ns
        order.instructions.held_by = held_by
        order.instructions.limit_ticks = limit_ticks
        if group:
            order.instructions.group = Group(group)
    order.ended_ns = ended_ns
    order.price_ticks = price_ticks
    order.quantity_lots = quantity_lots
    order.filled_lots = filled_lots
    order.status = status
    order.public_id = public_id
    order.shown_lots = shown_lots
    return order


def _fill_side(side: BookSide, rows: list[list[int]], symbol: str, resting: dict[int, Order]) -> None:
    """Let orders rest as they stood, and take them out of `resting`."""
    for ids in rows:
        for order_id in ids:
            order = resting.pop(order_id, None)
            if order is None or order.side != side.side or order.symbol != symbol or order.status != RESTING:
                raise ValueError(f"not a state: order {order_id} is in a book to which it does not belong")
            if not 0 < order.shown_lots <= order.quantity_lots - order.filled_lots <= order.quantity_lots:
                raise ValueError(f"not a state: order {order_id} rests and has nothing left")
            side.rest(order)


def _let_wait(instrument: Instrument, row: Row, resting: dict[int, Order]) -> None:
    """Let orders wait for their triggers as they did, and take them out of `resting`."""
    fixed, trailing, elected = row
    watch = Watch(instrument.next_trade_id)
    for order_id in fixed:
        watch.add(_waiting(order_id, instrument, resting), 0)
    for order_id, extreme_ticks in trailing:
        order = _waiting(order_id, instrument, resting)
        if order.order_type != TRAILING_STOP or extreme_ticks < 0:
            raise ValueError(f"not a state: order {order_id} does not trail")
        watch.add(order, extreme_ticks)
    for order_id, price_ticks in elected:
        watch.waiting[order_id] = _waiting(order_id, instrument, resting)
        watch.elected.append((order_id, price_ticks))
    instrument.watch = watch


def _waiting(order_id: int, instrument: Instrument, resting: dict[int, Order]) -> Order:
    order = resting.pop(order_id, None)
    if (
        order is None
        or order.status != WAITING
        or order.symbol != instrument.symbol
        or order.instructions is None
        or order.order_type not in TRIGGERED_TYPES
    ):
        raise ValueError(f"not a state: order {order_id} waits for what it can not wait for")
    return order


def _foreign_format(payload: bytes) -> str:
    """That the bytes are of another format, if they are: it explains why they could not be read."""
    try:
        anything = _decode_anything(payload)
    except (msgspec.MsgspecError, ValueError, RecursionError):
        return ""
    if isinstance(anything, list) and anything and type(anything[0]) is int and anything[0] != STATE_FORMAT:
        return f"it has format {anything[0]}, this version reads {STATE_FORMAT}"
    return ""
