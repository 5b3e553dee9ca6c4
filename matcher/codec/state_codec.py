"""The state as bytes and back: what a checkpoint holds, and the digest by which two engines compare themselves.

The rule guarded here: everything on which future behaviour depends is in the bytes, nothing else is, and the same
state gives the same bytes. So `digest(log) == digest(snapshot + rest of the log)` wherever the snapshot was cut.

    [format, sequence, time_ns, epoch, clock, rules, clock_number, next_session, accounts, sessions, instruments,
     stopped, breakers, assets, groups, fees]

    account     [name, forgotten_ns, next_report, open, closed, plain, ended, countdown_ns, countdown_number,
                 limits, quotes, stopped, rejected_ns, balances, risk, closed, volume]
    session     [session, account, role, lease_ms, cancel_on_disconnect]
    instrument  [definition, phase, last_price_ticks, next_trade_id, next_public_id, 4 numbers, bids, asks, waiting,
                 kept (`matcher.codec.trades_codec`), reference_ticks, stage, pause, auction_lots,
                 day_reference_ticks, auction_ticks, protection, schedule]
    stage       [number, ends_ns, random_ms, next_phase, drawn_ns, told, told_ns, told_number, due_ns,
                 next_ms, next_random_ms, is_prolonged, outlasts_rows], or nil
    pause       [phase, left_ns, random_ms, next_phase, next_ms, next_random_ms, outlasts_rows], or nil
    protection  [static_points, dynamic_points, auction_ms, random_ms, rebalances], or nil; its static band follows from
                the reference
    assets      [(name, decimals), ...], or nil where the venue does not clear
    groups      [(group, discount, members, risk), ...], both in the order in which they came
    fees        [thresholds, [(symbol, schedule, price_high_ticks), ...]], or nil where the venue does not clear
    schedule    [SetSchedule, number, set_ns, acts, rows], or nil
    breakers    [symbol, levels, auction_ms, random_ms, tripped], or nil

An account's `open` are its open orders, oldest first; `closed` the ended ones and `plain` its other requests; `ended`
the sequences of both, first ended first. A request is named by its log sequence, which is unique. A replace points at
its order, which is there: it ends after the replace, so it is forgotten after it. A side of a book is a list of levels,
best first, a level the list of its order ids, first in priority first. `waiting` is [ids, trailing, elected], or nil:
who waits for a trigger of its own, trailing stops with the best price that they have seen (0: none), and who was
elected, with the price that did it (0: the fill of another order), first in line first; nil when nobody is watched for.
Who waits for another order, for a reference or for an auction, and who cancels with whom, follows from the orders.
Accounts, sessions and instruments stand in the order in which the log brought them.

`schedule` of fees, and `volume`: see `matcher.ledger.fees.fees_codec`.

An order says what of its account's money it holds; what balances and groups hold follows from that. A balance is
`[asset, total]`, in order of the first movement of each asset.

Timers are not there, since they follow from orders, accounts and instruments.

Called between batches, by whoever writes checkpoints or compares digests. Cost: O(everything), encoded at once.
"""

from hashlib import sha256
from typing import Any, Final

import msgspec

from bus.protocol.commands import DefineInstrument, SetSchedule
from bus.protocol.records import Rules
from bus.protocol.terms import CLEARING_NONE, CONTINUOUS, PHASES, RATE_ONE, RESTING, TRAILING_STOP, WAITING
from matcher.book.level import Order
from matcher.book.protection import Protection
from matcher.book.side import BookSide
from matcher.book.stage import Pause, Stage
from matcher.book.triggers import TRIGGERED_TYPES, Watch
from matcher.charging import charging_of
from matcher.codec.accounts_codec import ACCOUNT, account_of, account_row
from matcher.codec.risk_codec import GROUP_RISK, count_group_risk, count_risk, group_risk_row
from matcher.codec.trades_codec import KEPT, fill_kept, kept_row, orders_by_sequence
from matcher.day.schedule import PlannedRow, Schedule
from matcher.instruments import Instrument
from matcher.ledger.account import Account, AccountGroup
from matcher.ledger.fees.charging import tier_of
from matcher.ledger.fees.fees_codec import SCHEDULE, schedule_row
from matcher.ledger.fees.schedule import FeeSchedule
from matcher.ledger.money.checking import check_fees, hold_again
from matcher.ledger.money.ledger import Ledger
from matcher.relinking import relink
from matcher.safety.breakers import Breakers
from matcher.state import Session, State
from matcher.timers import set_instrument_timers, set_timers

#: The version of this layout. An engine reads its own only: a checkpoint is a shortcut, the log is the truth.
STATE_FORMAT: Final = 5

Row = tuple[Any, ...]

# The shapes, for the decoder: what has another shape never reaches the code below.
_SESSION: Final[Any] = tuple[int, str, int, int, bool]
_SIDE: Final[Any] = list[list[int]]
_WAITING: Final[Any] = tuple[list[int], list[tuple[int, int]], list[tuple[int, int]]]
_STAGE: Final[Any] = tuple[int, int, int, int, int, tuple[int, int, int], int, int, int, int, int, bool, bool]
_PAUSE: Final[Any] = tuple[int, int, int, int, int, int, bool]
_PROTECTION: Final[Any] = tuple[int, int, int, int, bool]
_BREAKERS: Final[Any] = tuple[str, list[tuple[int, int]], int, int, int]
_SCHEDULE: Final[Any] = tuple[SetSchedule, int, int, bool, list[PlannedRow]]
_INSTRUMENT: Final[Any] = tuple[
    DefineInstrument, int, int, int, int, int, int, int, int, _SIDE, _SIDE, _WAITING | None, KEPT, int, _STAGE | None,
    _PAUSE | None, int, int, int, _PROTECTION | None, _SCHEDULE | None,
]  # fmt: skip
_FEES: Final[Any] = tuple[tuple[int, ...], list[tuple[str, SCHEDULE, int]]]
_STATE: Final[Any] = tuple[
    int, int, int, int, int, Rules, int, int, list[msgspec.Raw], list[_SESSION], list[_INSTRUMENT], int,
    _BREAKERS | None, list[tuple[str, int]] | None, list[tuple[str, int, list[str], GROUP_RISK | None]], _FEES | None
]  # fmt: skip

_encode: Final = msgspec.msgpack.Encoder().encode
_decode: Final[Any] = msgspec.msgpack.Decoder(_STATE).decode
#: One at a time: the rows of all accounts at once would leave memory in holes that nothing else fits in.
_decode_account: Final[Any] = msgspec.msgpack.Decoder(ACCOUNT).decode
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
            [account_row(account) for account in state.accounts.values()],
            [_session_row(session) for session in state.sessions.values()],
            [_instrument_row(instrument) for instrument in state.instruments.values()],
            state.stopped,
            _breakers_row(state.breakers),
            None if state.ledger is None else list(state.ledger.assets.items()),
            [_group_row(group) for group in state.groups.values()],
            None if state.ledger is None else _fees_row(state.ledger, state.instruments),
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
    state.stopped = row[11]
    state.timers.begin_day(state.time_ns)
    symbols: dict[str, str] = {}
    for instrument_row in row[10]:
        instrument = _instrument_of(instrument_row, len(state.instruments))
        state.instruments[instrument.symbol] = instrument
        set_instrument_timers(state.timers, instrument)
        symbols[instrument.symbol] = instrument.symbol
    resting: dict[int, Order] = {}
    assets = {asset: asset for asset, _ in row[13] or ()}
    at_risk: list[Row] = []
    for one in row[8]:
        try:
            one_row: Row = _decode_account(one)
        except (msgspec.MsgspecError, ValueError, RecursionError) as error:
            raise ValueError(f"not a state: {error}") from None
        account = account_of(one_row, symbols, assets, resting)
        state.accounts[account.name] = account
        if account.limits is not None:
            at_risk.append(one_row)
        set_timers(state.timers, account)
    for name, discount, members, _ in row[14]:
        state.groups[name] = _group_of(name, discount, members, state.accounts)
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
    for one_row in at_risk:
        count_risk(one_row, state.accounts[one_row[0]], state.instruments)
    for one in row[14]:
        count_group_risk(one[3], state.groups[one[0]])
    orders = orders_by_sequence(state.accounts) if any(one[12][2] for one in row[10]) else {}
    for instrument_row in row[10]:
        fill_kept(state.instruments[instrument_row[0].symbol], instrument_row[12], state.accounts, orders)
    if row[12] is not None:
        state.breakers = Breakers(*row[12][:4])
        state.breakers.tripped = row[12][4]
        state.breakers.begin(state.instruments)
    if (row[13] is None) != (state.rules.clearing == CLEARING_NONE) or (row[13] is None) != (row[15] is None):
        raise ValueError("not a state: who clears has a ledger")
    if row[13] is not None:
        state.ledger = ledger = Ledger()
        ledger.assets.update(row[13])
        for instrument in state.instruments.values():
            ledger.learn(instrument.definition)
        _charge(ledger, row[15], state.accounts)
        for account in state.accounts.values():
            hold_again(ledger, account)
    return state


def _fees_row(ledger: Ledger, instruments: dict[str, Instrument]) -> Row:
    """In order of their definition: products stand in the order in which their assets came."""
    rows: list[Row] = []
    for symbol in instruments:
        product = ledger.products.get(symbol)
        if product is not None and product.fees is not None:
            rows.append((symbol, schedule_row(product.fees.schedule), product.fees.price_high_ticks))
    return (ledger.thresholds, rows)


def _charge(ledger: Ledger, row: Row, accounts: dict[str, Account]) -> None:
    """What instruments cost, and accounts in their tiers."""
    ledger.thresholds = row[0]
    for symbol, schedule, price_high_ticks in row[1]:
        product = ledger.products.get(symbol)
        if product is None:
            raise ValueError(f"not a state: fees of {symbol}, which is not cleared")
        charging = charging_of(FeeSchedule(*schedule), product, price_high_ticks, accounts)
        ledger.products[symbol] = product.that_charges(charging)
    for account in accounts.values():
        if account.volume is not None:
            account.volume.tier = tier_of(ledger.thresholds, account.volume.before)
    try:
        check_fees(ledger, accounts)
    except AssertionError as error:
        raise ValueError(f"not a state: of the fees {error}") from None


def _group_row(group: AccountGroup) -> Row:
    return (group.name, group.discount, list(group.members), group_risk_row(group.risk))


def _group_of(name: str, discount: int, members: list[str], accounts: dict[str, Account]) -> AccountGroup:
    if not 0 <= discount <= RATE_ONE:
        raise ValueError(f"not a state: group {name} has no such discount")
    group = AccountGroup(name, discount)
    for member in members:
        account = accounts.get(member)
        if account is None or account.group is not None:
            raise ValueError(f"not a state: {member} can not be in group {name}")
        group.members[member] = account
        account.group = group
    return group


def state_digest(state: State) -> str:
    """SHA-256 of the encoded state, in hexadecimal. O(everything)."""
    return sha256(encode_state(state)).hexdigest()


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
        instrument.phase,
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
        instrument.reference_ticks,
        _stage_row(instrument.stage),
        _pause_row(instrument.pause),
        instrument.auction_lots,
        instrument.day_reference_ticks,
        instrument.auction_ticks,
        _protection_row(instrument.protection),
        _schedule_row(instrument.schedule),
    )


def _schedule_row(schedule: Schedule | None) -> Row | None:
    if schedule is None:
        return None
    return (schedule.command, schedule.number, schedule.set_ns, schedule.acts, schedule.rows)


def _stage_row(stage: Stage | None) -> Row | None:
    if stage is None:
        return None
    return (
        stage.number,
        stage.ends_ns,
        stage.random_ms,
        stage.next_phase,
        stage.drawn_ns,
        stage.told,
        stage.told_ns,
        stage.told_number,
        stage.due_ns,
        stage.next_ms,
        stage.next_random_ms,
        stage.is_prolonged,
        stage.outlasts_rows,
    )


def _protection_row(protection: Protection | None) -> Row | None:
    if protection is None:
        return None
    return (
        protection.static_points,
        protection.dynamic_points,
        protection.auction_ms,
        protection.random_ms,
        protection.rebalances,
    )


def _pause_row(pause: Pause | None) -> Row | None:
    if pause is None:
        return None
    return (
        pause.phase,
        pause.left_ns,
        pause.random_ms,
        pause.next_phase,
        pause.next_ms,
        pause.next_random_ms,
        pause.outlasts_rows,
    )


def _breakers_row(breakers: Breakers | None) -> Row | None:
    if breakers is None:
        return None
    return (breakers.symbol, breakers.levels, breakers.auction_ms, breakers.random_ms, breakers.tripped)


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


def _instrument_of(row: Row, place: int) -> Instrument:
    """The instrument with an empty book."""
    instrument = Instrument(row[0], place)
    instrument.phase = row[1]
    instrument.last_price_ticks = row[2]
    instrument.next_trade_id = row[3]
    instrument.next_public_id = row[4]
    instrument.trade_number = row[5]
    instrument.level_number = row[6]
    instrument.order_number = row[7]
    instrument.status_number = row[8]
    instrument.reference_ticks = row[13]
    instrument.stage = None if row[14] is None else _stage_of(row[14])
    instrument.pause = None if row[15] is None else Pause(*row[15])
    instrument.auction_lots = row[16]
    instrument.day_reference_ticks = row[17]
    instrument.auction_ticks = row[18]
    if row[19] is not None:
        instrument.protection = Protection(*row[19])
        instrument.protection.refer_to(instrument.reference_ticks)
    if (instrument.stage is None) != (instrument.phase == CONTINUOUS) or instrument.phase not in PHASES:
        raise ValueError(f"not a state: {instrument.symbol} is in no phase")
    instrument.schedule = None if row[20] is None else _schedule_of(row[20], instrument)
    return instrument


def _schedule_of(row: Row, instrument: Instrument) -> Schedule:
    schedule = Schedule(row[0], row[1], row[2])
    schedule.acts = row[3]
    schedule.rows = row[4]
    try:
        schedule.check(instrument.stage)
    except AssertionError as error:
        raise ValueError(f"not a state: the schedule of {instrument.symbol}: {error}") from None
    return schedule


def _stage_of(row: Row) -> Stage:
    stage = Stage(row[0], row[1], row[2], row[3], row[9], row[10], row[12])
    (stage.drawn_ns, stage.told, stage.told_ns, stage.told_number, stage.due_ns) = row[4:9]
    stage.is_prolonged = row[11]
    return stage


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
    watch.guarded = instrument.protection is not None and instrument.protection.rebalances
    for order_id in fixed:
        watch.add(_waiting(order_id, instrument, resting), 0)
    for order_id, extreme_ticks in trailing:
        order = _waiting(order_id, instrument, resting)
        if order.order_type != TRAILING_STOP or extreme_ticks < 0:
            raise ValueError(f"not a state: order {order_id} does not trail")
        watch.add(order, extreme_ticks)
    for order_id, price_ticks in elected:
        watch.waiting[order_id] = _waiting(order_id, instrument, resting, released=not price_ticks)
        watch.elected.append((order_id, price_ticks))
    instrument.watch = watch


def _waiting(
    order_id: int, instrument: Instrument, resting: dict[int, Order], *, released: bool = False
) -> Order:
    """`released`: the order that it waited for was filled, and it waits for continuous trading."""
    order = resting.pop(order_id, None)
    if (
        order is None
        or order.status != WAITING
        or order.symbol != instrument.symbol
        or order.instructions is None
        or (order.instructions.held_by == 0 if released else order.order_type not in TRIGGERED_TYPES)
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
