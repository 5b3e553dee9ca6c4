"""The state as bytes: that nothing is lost, that what is one thing stays one, and that damage is named."""

from collections import deque
from hashlib import sha256
from typing import Any

import msgspec
import pytest

from bus.protocol.commands import (
    CancelOrder,
    JoinGroup,
    MassCancel,
    ReplaceOrder,
    SetBreakers,
    SetEmergency,
    SetGroup,
    SetGroupRisk,
    SetKillSwitch,
    SetLimits,
    SetPhase,
    SetRisk,
)
from bus.protocol.records import Rules
from bus.protocol.terms import (
    BUY,
    CLOSED,
    CLOSING_AUCTION,
    GFA,
    HALTED,
    IOC,
    MARKET,
    SELL,
    VOLATILITY_AUCTION,
)
from matcher.codec.state_codec import STATE_FORMAT, decode_state, encode_state, state_digest
from matcher.engine import Engine
from matcher.ledger.request import PlainRequest
from matcher.state import State
from tests.matcher.exchanges import Exchange, enter
from tests.support.markets import HOUR_NS, apply_step, btc, timed, walk


def lively() -> Exchange:
    """Deep levels out of the order of their ids, replaced and filled orders, ids that were taken again."""
    exchange = Exchange("anna", "boris")
    exchange.say(1, *(enter(f"a{n}", SELL, 10, 50 + n % 2) for n in range(6)))
    exchange.say(1, ReplaceOrder("r0", client_order_id="a0", quantity_lots=20))
    exchange.say(1, ReplaceOrder("r1", client_order_id="a1", price_ticks=50))
    exchange.say(2, enter("b0", BUY, 13, 50, time_in_force=IOC), enter("b1", BUY, 4, 40))
    exchange.say(1, CancelOrder(client_order_id="a4"))
    return exchange


def test_a_state_comes_back_as_it_was() -> None:
    state = lively().engine.state
    payload = encode_state(state)
    again = decode_state(payload)
    again.check()
    assert encode_state(again) == payload
    book, copy = state.instruments["BTC-USD"].book, again.instruments["BTC-USD"].book
    for side in (BUY, SELL):
        assert copy.orders(side) == book.orders(side)
        assert copy.levels(side) == book.levels(side)
    assert state_digest(again) == sha256(payload).hexdigest()


def test_the_empty_state_too() -> None:
    assert encode_state(decode_state(encode_state(State()))) == encode_state(State())


def test_a_copy_shares_nothing_with_its_original() -> None:
    exchange = lively()
    before = state_digest(exchange.engine.state)
    copy = Engine(decode_state(encode_state(exchange.engine.state)))
    copy.apply_message(1, 1, exchange.now_ns, [MassCancel()], exchange.now_ns)
    assert state_digest(exchange.engine.state) == before


def test_a_replace_points_at_the_very_order_that_it_changed() -> None:
    exchange = lively()
    account = decode_state(encode_state(exchange.engine.state)).accounts["anna"]
    for request_id, order_id in (("r0", "a0"), ("r1", "a1")):
        request = account.requests[request_id]
        assert isinstance(request, PlainRequest)
        assert request.target is account.requests[order_id]
    assert account.open[account.requests["a1"].sequence] is account.requests["a1"]
    assert [request for request in account.ended or () if request.request_id == "r0"] == [
        account.requests["r0"]
    ]


def test_the_order_of_a_replace_is_never_forgotten_before_the_replace() -> None:
    exchange = Exchange("anna", ids=3)
    exchange.say(1, enter("a1", BUY, 5, 10))
    for number in range(6):
        exchange.now_ns += 1000
        exchange.say(1, ReplaceOrder(f"r{number}", client_order_id="a1", price_ticks=11 + number))
        decode_state(encode_state(exchange.engine.state)).check()
    exchange.say(1, CancelOrder(client_order_id="a1"))
    account = decode_state(encode_state(exchange.engine.state)).accounts["anna"]
    assert [request.request_id for request in account.ended or ()] == ["r4", "r5", "a1"]
    request = account.requests["r4"]
    assert isinstance(request, PlainRequest)
    assert request.target is account.requests["a1"]


def test_an_id_that_was_taken_again_is_the_later_request() -> None:
    exchange = Exchange("anna")
    old = [f"x{number}" for number in range(8)] + ["a1", "a2"]
    exchange.say(1, *(enter(name, BUY, 5, 10, time_in_force=IOC) for name in old))
    exchange.now_ns += 25 * HOUR_NS
    exchange.say(1, enter("a1", BUY, 6, 10), enter("a2", BUY, 7, 10), CancelOrder(client_order_id="a2"))
    account = exchange.engine.state.accounts["anna"]
    assert [request.request_id for request in account.ended or ()][-3:] == ["a1", "a2", "a2"]
    copy = decode_state(encode_state(exchange.engine.state)).accounts["anna"]
    for request_id, request in account.requests.items():
        assert copy.requests[request_id].sequence == request.sequence, request_id
    assert copy.requests["a1"] is copy.open[account.requests["a1"].sequence]
    assert copy.requests["a2"] is list(copy.ended or ())[-1]


@pytest.mark.parametrize(
    ("part", "value"),
    [
        ("sequence", 1000),
        ("time_ns", 1),
        ("epoch", 9),
        ("clock", 2),
        ("rules", Rules(1, 2, 3)),
        ("clock_number", 9),
        ("next_session", 9),
        ("stopped", 2),
        ("sessions.1.role", 1),
        ("sessions.1.lease_ms", 9),
        ("sessions.1.cancel_on_disconnect", False),
        ("accounts.anna.forgotten_ns", 1),
        ("accounts.anna.next_report", 1),
        ("accounts.anna.requests.r0.created_ns", 1),
        ("accounts.anna.requests.r0.ended_ns", 1),
        ("accounts.anna.requests.r0.reason", 1),
        ("accounts.anna.requests.a3.session", 9),
        ("accounts.anna.requests.a3.order_type", 9),
        ("accounts.anna.requests.a3.time_in_force", 9),
        ("accounts.anna.requests.a3.flags", 1),
        ("accounts.anna.requests.a3.entered_price_ticks", 99),
        ("accounts.anna.requests.a3.entered_quantity_lots", 99),
        ("accounts.anna.requests.a3.quantity_lots", 99),
        ("accounts.anna.requests.a2.filled_lots", 2),
        ("accounts.anna.requests.a3.shown_lots", 1),
        ("accounts.anna.requests.a3.public_id", 99),
        ("accounts.anna.requests.a2.status", 3),
        ("instruments.BTC-USD.definition", btc()),
        ("instruments.BTC-USD.reference_ticks", 99),
        ("instruments.BTC-USD.auction_ticks", 99),
        ("instruments.BTC-USD.auction_lots", 99),
        ("instruments.BTC-USD.day_reference_ticks", 99),
        ("instruments.BTC-USD.last_price_ticks", 1),
        ("instruments.BTC-USD.next_trade_id", 99),
        ("instruments.BTC-USD.next_public_id", 99),
        ("instruments.BTC-USD.trade_number", 99),
        ("instruments.BTC-USD.level_number", 99),
        ("instruments.BTC-USD.order_number", 99),
        ("instruments.BTC-USD.status_number", 99),
    ],
)
def test_each_part_of_the_state_is_in_the_digest_and_comes_back(part: str, value: object) -> None:
    state = lively().engine.state
    before = state_digest(state)
    owner, name = _owner(state, part)
    setattr(owner, name, value)
    assert state_digest(state) != before
    owner, name = _owner(decode_state(encode_state(state)), part)
    assert getattr(owner, name) == value


@pytest.mark.parametrize(
    ("part", "value"),
    [
        ("phase", CLOSING_AUCTION),
        ("stage.number", 3),
        ("stage.ends_ns", 99),
        ("stage.random_ms", 99),
        ("stage.drawn_ns", 99),
        ("stage.next_phase", CLOSED),
        ("stage.next_ms", 99),
        ("stage.next_random_ms", 99),
        ("stage.outlasts_rows", True),
        ("stage.told", (1, 2, 3)),
        ("stage.told_ns", 99),
        ("stage.told_number", 99),
        ("stage.due_ns", 99),
    ],
)
def test_each_part_of_an_auction_is_in_the_digest_and_comes_back(part: str, value: object) -> None:
    exchange = lively()
    exchange.say(1, SetPhase("BTC-USD", VOLATILITY_AUCTION, 1000, 1000))
    exchange.say(2, enter("b2", BUY, 4, 60), enter("b3", BUY, 4, 0, order_type=MARKET, time_in_force=GFA))
    state = exchange.engine.state
    again = decode_state(encode_state(state))
    again.check()
    before = state_digest(state)
    assert state_digest(again) == before
    owner, name = _owner(state, f"instruments.BTC-USD.{part}")
    setattr(owner, name, value)
    assert state_digest(state) != before
    owner, name = _owner(decode_state(encode_state(state)), f"instruments.BTC-USD.{part}")
    assert getattr(owner, name) == value


#: Limits of all instruments, of which all are counted; a stopped market; breakers with two levels.
#: What they keep; a compiled class does not tell.
OF_A_LIMIT = (
    "commands",
    "commands_per_s_max",
    "day_lots",
    "day_lots_max",
    "day_notional",
    "day_notional_max",
    "open_orders_max",
    "order_lots_max",
    "order_notional_max",
    "rejects_max",
    "rejects_window_ms",
    "second",
)
OF_RISK = (
    *(("long_lots_max", 99), ("short_lots_max", 99), ("open_notional_max", 99), ("day_loss_max", 99)),
    *(("loss_stops", False), ("collar_basis_points", 99), ("commands_per_fill_max", 99)),
    *(("commands_from", 99), ("reduce_only", True), ("commands", 99), ("fills", 99)),
)
OF_A_PAUSE = ("left_ns", "next_ms", "next_phase", "next_random_ms", "phase", "random_ms")
GUARDED = (
    SetLimits("anna", "", 1, 2, 3, 4, 5000, 6, 7, 8),
    SetRisk("anna", "", 1000, 2, 3000, 4, True, 5, 6, 7, position_lots=None),
    SetRisk("anna", "BTC-USD", 1000, position_lots=8),
    SetGroup("desk"),
    JoinGroup("anna", "desk"),
    SetGroupRisk("desk", "", 1000, 2000, 3000, 4, 5, 6, True),
    SetKillSwitch("boris", True),
    SetBreakers("BTC-USD", 100, 1000, 200, 2000, auction_ms=10, random_ms=5),
    SetPhase("BTC-USD", HALTED, 5000, 0, VOLATILITY_AUCTION),
    SetEmergency(True),
)


@pytest.mark.parametrize(
    ("part", "value"),
    [
        *((f"accounts.anna.limits.by_symbol..{name}", 99) for name in OF_A_LIMIT),
        *((f"accounts.anna.limits.risk.by_symbol..{name}", value) for name, value in OF_RISK),
        *(
            (f"accounts.anna.limits.risk.positions.BTC-USD.{name}", 99)
            for name in ("lots", "flow", "unmarked")
        ),
        ("accounts.anna.limits.risk.positions.BTC-USD.flow", -(2**70)),
        *((f"groups.desk.risk.by_symbol..{name}", 99) for name, _ in OF_RISK[:4]),
        *(
            (f"groups.desk.risk.days..{name}", 99)
            for name in ("lots", "lots_max", "notional", "notional_max")
        ),
        ("groups.desk.risk.stopped", True),
        ("accounts.anna.limits.stopped", True),
        ("accounts.anna.limits.rejected_ns", deque([5, 6])),
        ("accounts.boris.limits.stopped", False),
        *((f"instruments.BTC-USD.pause.{name}", 99) for name in OF_A_PAUSE),
        ("instruments.BTC-USD.pause.outlasts_rows", True),
        ("stopped", 2),
        ("breakers.symbol", ""),
        ("breakers.levels", [(7, 8)]),
        ("breakers.auction_ms", 9),
        ("breakers.random_ms", 9),
        ("breakers.tripped", 2),
    ],
)
def test_each_part_of_what_stops_is_in_the_digest_and_comes_back(part: str, value: object) -> None:
    exchange = lively()
    exchange.say(1, *GUARDED)
    exchange.say(1, CancelOrder(client_order_id="nobody"))
    state = exchange.engine.state
    again = decode_state(encode_state(state))
    again.check()
    before = state_digest(state)
    assert state_digest(again) == before
    owner, name = _owner(state, part)
    assert getattr(owner, name) != value
    setattr(owner, name, value)
    assert state_digest(state) != before
    owner, name = _owner(decode_state(encode_state(state)), part)
    if part == "accounts.boris.limits.stopped":
        assert owner is None  # who is neither stopped nor limited has no limits
    else:
        assert getattr(owner, name) == value


def _owner(state: State, part: str) -> tuple[Any, str]:
    """The object that has the last name of a path, and that name."""
    owner: Any = state
    *path, name = part.split(".")
    for step in path:
        if isinstance(owner, dict):
            owner = owner[int(step) if step.isdigit() else step]
        else:
            owner = getattr(owner, step)
    return owner, name


def test_events_that_nobody_took_are_no_state_yet() -> None:
    exchange = lively()
    exchange.engine.apply_message(1, 1, exchange.now_ns, [MassCancel()], exchange.now_ns)
    with pytest.raises(AssertionError, match="not taken"):
        encode_state(exchange.engine.state)


def test_another_format_is_named() -> None:
    payload = encode_state(lively().engine.state)
    row = msgspec.msgpack.decode(payload)
    row[0] = 7
    expected = f"not a state: it has format 7, this version reads {STATE_FORMAT}"
    for other in (msgspec.msgpack.encode(row), msgspec.msgpack.encode([7, "something else"])):
        with pytest.raises(ValueError, match=expected):
            decode_state(other)


def test_bytes_cut_off_or_added_are_named() -> None:
    payload = encode_state(lively().engine.state)
    for damaged in (
        b"",
        payload[:1],
        payload[:-1],
        payload + b"\0",
        payload[: len(payload) // 2],
        b"\xc1",
        b"\x90",
    ):
        with pytest.raises(ValueError, match="not a state: "):
            decode_state(damaged)


def test_no_changed_byte_raises_anything_but_a_clear_error() -> None:
    """Some changes give another state (a digest beside the bytes tells); none gives an error of another kind."""
    payload = encode_state(lively().engine.state)
    named = 0
    for position in range(len(payload)):
        for value in (payload[position] ^ 1, payload[position] ^ 0x80, 0xC0):
            damaged = payload[:position] + bytes([value]) + payload[position + 1 :]
            try:
                decode_state(damaged)
            except ValueError as error:
                named += 1 if str(error).startswith("not a state: ") else -len(payload)
    assert named > len(payload) // 2


@pytest.mark.parametrize(
    ("path", "value", "error"),
    [
        ((10, 0, 9), [], "is open and stands nowhere"),
        ((10, 0, 9, 0, 0), 99, "order 99 is in a book to which it does not belong"),
        ((10, 0, 10, 0, 0), "the bid", "is in a book to which it does not belong"),
        ((8, 0, 3, 0, 5), "ETH-USD", "is of no instrument"),
        ((8, 0, 3, 0, 15), 2, "is not open"),
        ((8, 0, 3, 0, 14), 10**6, "rests and has nothing left"),
        ((8, 0, 6, 0), 999, "request 999 has ended and is not there"),
        ((8, 0, 5, 0, 5), 999, "changed order 999, which is not there"),
        ((9, 0, 1), "nobody", "session 1 is of no account"),
    ],
)
def test_what_can_not_have_come_about_is_named(path: tuple[int, ...], value: object, error: str) -> None:
    row = msgspec.msgpack.decode(encode_state(lively().engine.state))
    if value == "the bid":
        value = row[10][0][9][0][0]
    part = row
    for index in path[:-1]:
        part = part[index]
    part[path[-1]] = value
    with pytest.raises(ValueError, match=error):
        decode_state(msgspec.msgpack.encode(row))


def test_a_long_walk_comes_back_and_goes_on() -> None:
    log = timed(walk(99, 1500))
    engine = Engine()
    for step, time_ns in log[:1000]:
        apply_step(engine, step, time_ns)
    engine.take_outputs()
    copy = Engine(decode_state(encode_state(engine.state)))
    for step, time_ns in log[1000:]:
        apply_step(engine, step, time_ns)
        apply_step(copy, step, time_ns)
        assert copy.take_outputs() == engine.take_outputs()
    assert state_digest(copy.state) == state_digest(engine.state)
