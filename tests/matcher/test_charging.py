"""What a venue charges, in its state: nothing of it is lost, wherever an engine stops, and some things can not be."""

from hashlib import sha256
from typing import Any

import msgspec
import pytest

from bus.protocol.codec import encode
from bus.protocol.commands import (
    DefineAsset,
    EnterOrder,
    JoinGroup,
    SetFees,
    SetFeeTiers,
    SetGroup,
    Transfer,
)
from bus.protocol.records import SEMANTICS_VERSION, EngineStarted, Rules, SessionOpened
from bus.protocol.reports import REJECTED, SETTLED
from bus.protocol.terms import (
    BUY,
    CLEARING_SPOT,
    CLOCK_SYSTEM,
    EXTERNAL,
    IN_THIRD,
    IOC,
    LIMIT,
    OF_NOTIONAL,
    OPERATOR,
    RATE_ONE,
    SELL,
    VENUE_FEES,
)
from matcher.codec.state_codec import decode_state, encode_state, state_digest
from matcher.engine import Engine
from matcher.state import State
from tests.support.markets import DAWN_NS, btc

DAY_NS = 24 * 3600 * 10**9
#: A session of each account, the operator's first.
SESSIONS = {"op": 1, "anna": 2, "boris": 3}

Step = tuple[int, str, Any]


def opening() -> list[Step]:
    """Money, fees of both kinds, tiers, a group; `(time, who, command or record)`."""
    rules = Rules(1000, 1000, 10, 1000, CLEARING_SPOT)
    deposits = [
        Transfer(f"{name}-{asset}", EXTERNAL, name, asset, 10**9)
        for name in ("anna", "boris")
        for asset in ("USD", "BTC", "TOK")
    ]
    commands = [
        *(DefineAsset(asset, 8) for asset in ("USD", "BTC", "TOK")),
        btc(),
        btc(symbol="BTC-EUR"),
        SetFees("BTC-USD", [(10**7, 2 * 10**7), (0, 10**7)]),
        SetFees("BTC-EUR", [(10**7, 10**7)], OF_NOTIONAL, IN_THIRD, "TOK", 1, 10),
        SetFeeTiers([10_000, 20_000]),
        SetGroup("vip", RATE_ONE // 10),
        JoinGroup("boris", "vip"),
        *deposits,
    ]
    records = [
        EngineStarted(1, SEMANTICS_VERSION, CLOCK_SYSTEM, rules),
        *(SessionOpened(number, name, OPERATOR, 1000, False) for name, number in SESSIONS.items()),
    ]
    steps: list[Step] = [(DAWN_NS, "", record) for record in records]
    return steps + [(DAWN_NS + 10**9, "op", command) for command in commands]


def order(number: int, side: int, lots: int, price: int, symbol: str = "BTC-USD") -> EnterOrder:
    """A limit order; those that sell rest, those that buy do not."""
    return EnterOrder(f"o{number}", symbol, side, lots, price, LIMIT, IOC if side == BUY else 1)


def over_midnight() -> list[Step]:
    """Trades up to the last nanosecond of a day, and from the first one of the next on."""
    midnight = DAWN_NS + DAY_NS
    times = (midnight - 10**9, midnight - 1, midnight, midnight + 1, midnight + 31 * DAY_NS)
    steps = [
        (DAWN_NS + 10**10, "boris", order(1, SELL, 20, 10)),
        (DAWN_NS + 10**10, "boris", order(2, SELL, 20, 10)),
    ]
    for number, time_ns in enumerate(times, 3):
        steps.append((time_ns, "anna", order(number, BUY, 5, 10)))
    # Nobody has traded in the thirty days before the last of these.
    return [*steps, (times[-1] + 10**9, "boris", order(9, SELL, 5, 4, "BTC-EUR"))]


def take(engine: Engine, step: Step) -> bytes:
    """What a step causes, as bytes."""
    time_ns, who, what = step
    if who:
        engine.apply_message(SESSIONS[who], 1, time_ns, [what], time_ns)
    else:
        engine.apply_record(what, time_ns)
    return encode(engine.take_outputs())


def charged() -> State:
    """The state behind all of it."""
    engine = Engine()
    for step in opening() + over_midnight():
        take(engine, step)
    return engine.state


def fees_told(engine: Engine, steps: list[Step]) -> list[tuple[int, int]]:
    """`(day, fee)` of all that anna paid."""
    found = []
    for step in steps:
        for account, _, reports in msgspec.msgpack.decode(take(engine, step))[0]:
            for report in reports:
                assert report[0] != REJECTED, report
                if account == "anna" and report[0] == SETTLED:
                    found.append(((report[2] - DAWN_NS) // DAY_NS, report[16]))
    return found


def test_a_tier_changes_at_midnight_to_the_nanosecond() -> None:
    # 5 x 10 x 100 units a fill; 2% of it, and 1% once 10,000 units were traded the day before.
    assert fees_told(Engine(), opening() + over_midnight()) == [
        (0, 100),
        (0, 100),
        (1, 50),
        (1, 50),
        (32, 100),
    ]


@pytest.mark.parametrize("stops", range(len(opening()), len(opening()) + len(over_midnight())))
def test_an_engine_that_stops_anywhere_around_midnight_says_the_same_from_its_checkpoint(stops: int) -> None:
    """To the byte: reports, events, and the state behind each command. So does a replay of all of it."""
    steps = opening() + over_midnight()
    engine, replayed = Engine(), Engine()
    for step in steps[:stops]:
        assert take(engine, step) == take(replayed, step)
    again = Engine(decode_state(encode_state(engine.state)))
    for step in steps[stops:]:
        said = take(engine, step)
        assert take(again, step) == said
        assert take(replayed, step) == said
        again.state.check()
        assert state_digest(again.state) == state_digest(engine.state) == state_digest(replayed.state)


@pytest.mark.parametrize(
    ("path", "value"),
    [
        ("ledger.thresholds", (10_000,)),
        ("ledger.products.BTC-USD.fees", None),
        ("ledger.products.BTC-EUR.fees.price_high_ticks", 99),
        *(
            (f"ledger.products.BTC-EUR.fees.schedule.{name}", 2)
            for name in (
                *("numerator", "denominator", "rounding", "step_units", "minimum_units"),
                *("share_max", "volume_numerator", "volume_denominator"),
            )
        ),
        ("ledger.products.BTC-EUR.fees.schedule.maximum_units", 9),
        ("ledger.products.BTC-USD.fees.schedule.rates", ((1, 2),)),
        ("groups.vip.discount", 5),
        ("accounts.boris.volume", None),
        ("accounts.anna.volume.day", 99_999),
    ],
)
def test_each_part_of_what_charges_is_in_the_digest(path: str, value: object) -> None:
    state = charged()
    before = state_digest(state)
    owner: Any = state
    *names, last = path.split(".")
    for name in names:
        owner = owner[name] if isinstance(owner, dict) else getattr(owner, name)
    assert getattr(owner, last) != value
    setattr(owner, last, value)
    assert state_digest(state) != before


def test_a_state_that_charges_comes_back_as_it_was() -> None:
    state = charged()
    payload = encode_state(state)
    again = decode_state(payload)
    again.check()
    assert sha256(encode_state(again)).digest() == sha256(payload).digest()
    assert again.ledger is not None
    fees = again.ledger.products["BTC-EUR"].fees
    assert fees is not None
    assert fees.of_buyers is again.accounts[VENUE_FEES].balances["TOK"]
    held = [one.held_fee for one in again.accounts["boris"].open.values()]  # type: ignore[attr-defined]
    assert any(held), "somebody holds a fee in a third asset"
    assert again.accounts["boris"].balances["TOK"].held == sum(held)


def test_schedules_stand_in_order_of_the_instruments_whichever_assets_came_first() -> None:
    """Where a venue begins to clear, an instrument is cleared when its last asset is defined."""
    rules = Rules(1000, 1000, 10, 1000)
    clears = msgspec.structs.replace(rules, clearing=CLEARING_SPOT)
    steps: list[Step] = [
        (DAWN_NS, "", EngineStarted(1, SEMANTICS_VERSION, CLOCK_SYSTEM, rules)),
        (DAWN_NS, "", SessionOpened(1, "op", OPERATOR, 1000, False)),
        *((DAWN_NS, "op", one) for one in (btc(), btc(symbol="BTC-EUR", quote="EUR"))),
        (DAWN_NS, "", EngineStarted(2, SEMANTICS_VERSION, CLOCK_SYSTEM, clears)),
        *((DAWN_NS, "op", DefineAsset(asset, 8)) for asset in ("BTC", "EUR", "USD")),
        *((DAWN_NS, "op", SetFees(symbol, [(1, 1)])) for symbol in ("BTC-EUR", "BTC-USD")),
    ]
    engine = Engine()
    for step in steps:
        take(engine, step)
    assert engine.state.ledger is not None
    assert list(engine.state.ledger.products) == ["BTC-EUR", "BTC-USD"]
    payload = encode_state(engine.state)
    again = Engine(decode_state(payload))
    assert encode_state(again.state) == payload
    for one in (engine, again):
        assert [schedule.symbol for schedule in one.fees("op", False)[5]] == ["BTC-USD", "BTC-EUR"]


GOOD = (((1, 1),), 1, 1, "", 1, 1, 1, 1, 0, 0, RATE_ONE, 0, 1, 1)


@pytest.mark.parametrize(
    ("place", "value", "error"),
    [
        ((15, 0), (5, 5), "tiers are such as may be set"),
        ((15, 1), [("X", GOOD, 5)], "fees of X, which is not cleared"),
        ((15, 1), [("BTC-USD", (*GOOD[:4], 0, *GOOD[5:]), 5)], "schedules are such as may be set"),
        ((15, 1), [("BTC-USD", ((), *GOOD[1:]), 5)], "schedules are such as may be set"),
        ((15, 1), [("BTC-USD", (*GOOD[:2], 4, "NONE", *GOOD[4:]), 5)], "what is paid is defined"),
        ((15,), None, "who clears has a ledger"),
        ((8, 1, 16), (3, [0] * 30), "account anna has not the volumes of 31 days"),
        ((8, 1, 16), (3, [0] * 30 + [-1]), "account anna has not the volumes of 31 days"),
    ],
)
def test_fees_that_can_not_be_are_no_state(place: tuple[int, ...], value: object, error: str) -> None:
    row = msgspec.msgpack.decode(encode_state(charged()))
    assert row[8][1][0] == "anna"
    part = row
    for index in place[:-1]:
        part = part[index]
    part[place[-1]] = value
    with pytest.raises(ValueError, match=f"not a state: .*{error}"):
        decode_state(msgspec.msgpack.encode(row))
