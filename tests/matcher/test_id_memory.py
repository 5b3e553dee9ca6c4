"""How long an id is remembered, and that a forgotten one never executes twice (I6).

An id is remembered while its order lives and 24 hours after, at most so many ended ones an account. What is older than
23 hours, or no younger than something that was forgotten, is refused.
"""

import random
from collections import Counter

import pytest

from bus.protocol import reasons, reports
from bus.protocol.commands import AdvanceClock, CancelOrder, EnterOrder, ReplaceOrder
from bus.protocol.terms import BUY, CLOCK_COMMANDS, IOC, SELL
from matcher.codec.state_codec import decode_state, encode_state
from tests.matcher.exchanges import Exchange, answers, enter
from tests.support.markets import DAWN_NS, HOUR_NS

TAKEN = (reports.ACCEPTED, 0)
AGAIN = (reports.DUPLICATE, 0)
UNFILLED = (reports.CANCELLED, reasons.IOC_REMAINDER)
STALE = (reports.REJECTED, reasons.STALE)
FROM_THE_FUTURE = (reports.REJECTED, reasons.FROM_THE_FUTURE)


def ioc(client_order_id: str) -> EnterOrder:
    """An order that ends at once in an empty book."""
    return enter(client_order_id, BUY, 1, 5, time_in_force=IOC)


def test_an_id_is_remembered_to_the_last_nanosecond_of_24_hours_and_then_its_request_is_stale() -> None:
    exchange = Exchange("anna")
    made_ns = exchange.now_ns
    assert answers(exchange.say(1, ioc("a1"))) == [TAKEN, UNFILLED]
    ended_ns = exchange.engine.state.time_ns
    exchange.now_ns = ended_ns + 24 * HOUR_NS
    assert answers(exchange.say(1, ioc("a1"), created_ns=made_ns)) == [AGAIN]
    exchange.now_ns += 1
    assert answers(exchange.say(1, ioc("a1"), created_ns=made_ns)) == [STALE]


def test_after_24_hours_an_id_is_free_for_a_new_request() -> None:
    exchange = Exchange("anna")
    exchange.say(1, ioc("a1"))
    exchange.now_ns += 25 * HOUR_NS
    assert answers(exchange.say(1, enter("a1", SELL, 3, 7))) == [TAKEN]
    # The old one is forgotten later, and takes nothing with it.
    assert answers(exchange.say(1, ioc("a2"), ioc("a3"))) == [TAKEN, UNFILLED, TAKEN, UNFILLED]
    assert answers(exchange.say(1, enter("a1", SELL, 3, 7))) == [AGAIN]
    exchange.engine.state.check()


def test_the_id_of_an_open_order_is_remembered_however_old_it_is() -> None:
    exchange = Exchange("anna")
    made_ns = exchange.now_ns
    exchange.say(1, enter("a1", BUY, 1, 5))
    exchange.now_ns += 1000 * HOUR_NS
    assert answers(exchange.say(1, enter("a1", BUY, 1, 5), created_ns=made_ns)) == [AGAIN]
    assert answers(exchange.say(1, CancelOrder(client_order_id="a1"))) == [
        (reports.CANCELLED, reasons.BY_REQUEST)
    ]


@pytest.mark.parametrize(
    ("age_ns", "answer"),
    [
        (23 * HOUR_NS, [TAKEN, UNFILLED]),
        (23 * HOUR_NS + 1, [STALE]),
        (-HOUR_NS, [TAKEN, UNFILLED]),
        (-HOUR_NS - 1, [FROM_THE_FUTURE]),
    ],
)
def test_a_request_is_23_hours_old_at_most_and_one_hour_ahead(
    age_ns: int, answer: list[tuple[int, int]]
) -> None:
    exchange = Exchange("anna")
    exchange.now_ns += HOUR_NS
    assert answers(exchange.say(1, ioc("a1"), created_ns=exchange.now_ns - age_ns)) == answer


def test_each_command_of_a_message_is_judged_by_its_own_time() -> None:
    """At the boundary the first is in time and the second, a nanosecond later, is not."""
    exchange = Exchange("anna")
    exchange.now_ns += HOUR_NS
    events = exchange.say(1, ioc("a1"), ioc("a2"), created_ns=exchange.now_ns - 23 * HOUR_NS)
    assert answers(events) == [TAKEN, UNFILLED, STALE]


def test_a_clock_that_an_operator_moves_ages_what_follows_in_the_message() -> None:
    exchange = Exchange("anna", clock=CLOCK_COMMANDS)
    moved = AdvanceClock(exchange.now_ns + 24 * HOUR_NS)
    assert answers(exchange.say(1, moved, ioc("a1"))) == [(reports.COMPLETED, 0), STALE]


def test_beyond_the_count_the_oldest_is_forgotten_and_can_not_come_again() -> None:
    exchange = Exchange("anna", ids=3)
    made_ns: list[int] = []
    for number in range(5):
        exchange.now_ns += 1000
        made_ns.append(exchange.now_ns)
        exchange.say(1, ioc(f"a{number}"))
    account = exchange.engine.state.accounts["anna"]
    assert list(account.requests) == ["a2", "a3", "a4"]
    assert account.forgotten_ns == made_ns[1]
    again = [answers(exchange.say(1, ioc(f"a{n}"), created_ns=made_ns[n])) for n in range(5)]
    assert again == [[STALE], [STALE], [AGAIN], [AGAIN], [AGAIN]]
    # Another body with a remembered id: what is too old is said first, as everywhere the lowest reason.
    other = enter("a2", SELL, 1, 5)
    assert answers(exchange.say(1, other, created_ns=made_ns[1])) == [STALE]
    assert answers(exchange.say(1, other)) == [(reports.REJECTED, reasons.ID_TAKEN)]


def test_what_has_had_its_time_is_forgotten_two_at_a_time() -> None:
    """Faster than ids can come, and never in one long pause."""
    exchange = Exchange("anna")
    exchange.say(1, *(ioc(f"a{number}") for number in range(7)))
    exchange.now_ns += 25 * HOUR_NS
    ended = exchange.engine.state.accounts["anna"].ended
    kept = []
    for number in range(5):
        exchange.say(1, ioc(f"b{number}"))
        assert ended is not None
        kept.append(sum(request.request_id.startswith("a") for request in ended))
    assert kept == [5, 3, 1, 0, 0]


def test_open_orders_are_not_counted_among_the_remembered() -> None:
    exchange = Exchange("anna", ids=2)
    exchange.say(1, *(enter(f"a{number}", BUY, 1, 5) for number in range(10)))
    assert len(exchange.engine.state.accounts["anna"].requests) == 10
    exchange.engine.state.check()


def test_what_is_refused_for_its_age_is_not_remembered() -> None:
    exchange = Exchange("anna")
    exchange.now_ns += 24 * HOUR_NS
    assert answers(exchange.say(1, ioc("a1"), created_ns=DAWN_NS)) == [STALE]
    assert answers(exchange.say(1, ioc("a1"))) == [TAKEN, UNFILLED]


def test_an_account_has_a_memory_of_its_own() -> None:
    exchange = Exchange("anna", "boris", ids=1)
    exchange.say(1, ioc("a1"), ioc("a2"), ioc("a3"))
    assert answers(exchange.say(2, ioc("a1"))) == [TAKEN, UNFILLED]
    assert exchange.engine.state.accounts["boris"].forgotten_ns == 0


def test_a_replace_is_answered_again_after_its_order_was_filled() -> None:
    exchange = Exchange("anna", "boris")
    exchange.say(1, enter("a1", SELL, 5, 10))
    replace = ReplaceOrder("r1", client_order_id="a1", price_ticks=9, quantity_lots=4)
    first = exchange.engine.state.sequence + 1
    exchange.say(1, replace)
    exchange.say(2, enter("b1", BUY, 4, 9))
    sequence = exchange.engine.state.sequence + 1
    time_ns = exchange.engine.state.time_ns + 1
    order_id = exchange.order("anna", "a1").sequence
    assert exchange.say(1, replace) == [
        ("anna", (reports.DUPLICATE, sequence, time_ns, 1, 1, 12, "r1", first, 0, order_id, 2, 9, 4, 4))
    ]


@pytest.mark.parametrize("seed", range(8))
def test_nothing_executes_twice_however_often_and_late_it_is_sent_again(seed: int) -> None:
    """A client repeats what it ever sent, with its first creation time; the engine forgets as fast as it can."""
    chance = random.Random(seed)
    exchange = Exchange("anna", "boris", ids=chance.choice([1, 3, 10]))
    sent: list[tuple[int, EnterOrder, int]] = []
    executed: Counter[tuple[str, str]] = Counter()
    for number in range(400):
        exchange.now_ns += chance.choice([1, 10**9, HOUR_NS, 12 * HOUR_NS])
        if sent and chance.random() < 0.6:
            session, command, created_ns = chance.choice(sent)
        else:
            session = chance.choice([1, 2])
            command = enter(
                f"c{number}", chance.choice([BUY, SELL]), 1, 5, time_in_force=chance.choice([1, 2, 3])
            )
            created_ns = exchange.now_ns + chance.choice([0, 0, -HOUR_NS, -22 * HOUR_NS, HOUR_NS])
            sent.append((session, command, created_ns))
        for stream, event in exchange.say(session, command, created_ns=created_ns):
            if event[0] == reports.ACCEPTED:
                executed[stream, event[6]] += 1
        if number % 40 == 0:  # a restart changes nothing about it
            exchange.engine = type(exchange.engine)(decode_state(encode_state(exchange.engine.state)))
        exchange.engine.state.check()
    assert len(executed) > 50
    assert set(executed.values()) == {1}
