"""Timers: what no story can tell. The rules themselves are in `tests/scenarios/expiry*.txt`."""

import random

from bus.protocol import reasons, reports
from bus.protocol.commands import CancelOrder
from bus.protocol.records import SEMANTICS_VERSION, EngineStarted, Rules
from bus.protocol.terms import BUY, CLOCK_SYSTEM, DAY, GTD, SELL
from matcher.codec.state_codec import decode_state, encode_state
from matcher.engine import Engine
from matcher.timers import DAY_NS, day_end_ns
from tests.matcher.exchanges import Exchange, answers, enter
from tests.support.markets import DAWN_NS, HOUR_NS

EXPIRED = (reports.CANCELLED, reasons.EXPIRED)


def test_a_day_ends_at_midnight_and_midnight_is_of_the_next_day() -> None:
    assert day_end_ns(DAWN_NS) == DAWN_NS + DAY_NS
    assert day_end_ns(DAWN_NS + DAY_NS - 1) == DAWN_NS + DAY_NS
    assert day_end_ns(DAWN_NS + DAY_NS) == DAWN_NS + 2 * DAY_NS


def test_what_became_due_while_the_engine_was_away_ends_with_its_first_record() -> None:
    exchange = Exchange("anna")
    exchange.say(1, enter("a1", SELL, 5, 100, time_in_force=DAY))
    state = decode_state(encode_state(exchange.engine.state))
    engine = Engine(state)
    assert engine.next_timer_ns == DAWN_NS + DAY_NS
    started = EngineStarted(2, SEMANTICS_VERSION, CLOCK_SYSTEM, Rules(10, 10, 10))
    events = engine.apply(started, state.sequence + 1, DAWN_NS + 30 * HOUR_NS)
    assert answers(events) == [EXPIRED]
    assert events[0][1][1:3] == (state.sequence, DAWN_NS + 30 * HOUR_NS)
    assert engine.next_timer_ns == 0
    state.check()


def test_a_checkpoint_keeps_the_end_of_a_day_order_that_came_long_ago() -> None:
    exchange = Exchange("anna")
    exchange.say(1, enter("a1", SELL, 5, 100, time_in_force=DAY))
    exchange.now_ns += 23 * HOUR_NS
    exchange.say(1, enter("a2", SELL, 5, 100))
    payload = encode_state(exchange.engine.state)
    again = decode_state(payload)
    assert again.timers.counted() == exchange.engine.state.timers.counted() != []
    assert encode_state(again) == payload


def test_the_next_timer_is_never_one_of_an_order_that_has_ended() -> None:
    exchange = Exchange("anna")
    for n in (1, 2):
        end = DAWN_NS + n * HOUR_NS
        exchange.say(1, enter(f"a{n}", SELL, 5, 100, time_in_force=GTD, expires_ns=end))
    exchange.say(1, CancelOrder(client_order_id="a1"))
    assert exchange.engine.next_timer_ns == DAWN_NS + 2 * HOUR_NS
    exchange.say(1, CancelOrder(client_order_id="a2"))
    assert exchange.engine.next_timer_ns == 0


def test_orders_that_end_before_their_time_leave_bounded_garbage() -> None:
    exchange = Exchange("anna")
    timers = exchange.engine.state.timers
    far = {"time_in_force": GTD, "expires_ns": DAWN_NS + 1000 * HOUR_NS}
    exchange.say(1, *(enter(f"kept{n}", BUY, 1, 5, **far) for n in range(100)))
    for n in range(2000):
        exchange.say(1, enter(f"a{n}", BUY, 1, 5, **far), CancelOrder(client_order_id=f"a{n}"))
        assert len(timers._heap) <= 2 * 100 + 64
    assert len(timers.counted()) == 100
    exchange.engine.state.check()


def test_all_that_is_due_ends_in_order_however_it_was_set() -> None:
    seed = random.randrange(2**32)
    dice = random.Random(seed)
    exchange = Exchange("anna", "boris")
    ends = {}
    for n in range(300):
        ends[f"o{n}"] = DAWN_NS + dice.randrange(1, 50) * HOUR_NS
        exchange.say(1 + n % 2, enter(f"o{n}", BUY, 1, 5, time_in_force=GTD, expires_ns=ends[f"o{n}"]))
    for name in dice.sample(sorted(ends), 100):
        exchange.say(1 + int(name[1:]) % 2, CancelOrder(client_order_id=name))
        del ends[name]
    ended: list[str] = []
    while exchange.engine.next_timer_ns:
        exchange.now_ns += dice.randrange(1, 9) * HOUR_NS
        account = [
            event for stream, event in exchange.say(1, CancelOrder(10**9)) if stream in ("anna", "boris")
        ]
        due = [(ends[event[6]], event[5], event[6]) for event in account if event[0] == reports.CANCELLED]
        assert all(end <= exchange.now_ns for end, _, _ in due), f"seed {seed}"
        ended += [name for _, _, name in sorted(due)]
        exchange.engine.state.check()
    assert ended == sorted(ends, key=lambda name: (ends[name], int(name[1:]))), f"seed {seed}"
