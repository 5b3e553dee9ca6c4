"""Options of messages: what no story can tell. The rules themselves are in `tests/scenarios/batches.txt`."""

import random

import pytest

from bus.journal.batch import Batch, entry_header
from bus.protocol import reasons, reports
from bus.protocol.codec import Malformed, encode_message
from bus.protocol.commands import AdvanceClock, CancelOrder, EnterOrder, MassCancel
from bus.protocol.terms import ALL_OR_NOTHING, BUY, VALIDATE_ONLY
from bus.replay import apply_logged_batch
from matcher.codec.state_codec import decode_state, encode_state
from matcher.engine import Engine
from matcher.judging.options import judged_in_turn
from tests.matcher.exchanges import Exchange, answers, enter
from tests.support.markets import HOUR_NS, Message, apply_step, timed, walk

SKIPPED = (reports.REJECTED, reasons.SKIPPED)
BATCH_REFUSED = (reports.REJECTED, reasons.BATCH_REFUSED)


@pytest.mark.parametrize("seed", range(8))
def test_judging_changes_nothing(seed: int) -> None:
    """Whatever is judged in the midst of whatever happened: the state is the same to the byte, and nothing is said."""
    steps = timed(walk(seed, 300))
    messages = [step.items for step, _ in steps if isinstance(step, Message)]
    dice = random.Random(seed)
    engine = Engine()
    verdicts: set[int] = set()
    for step, time_ns in steps:
        apply_step(engine, step, time_ns)
        engine.take_outputs()
        before, limits = encode_state(engine.state), engine.state.timers.next_due_ns
        opened = dice.choice(list(engine.state.sessions.values())) if engine.state.sessions else None
        if opened is None or not messages:
            continue
        items = [item for _ in range(4) for item in dice.choice(messages)]
        late = dice.choice([0, 0, time_ns + 3])
        verdicts |= set(judged_in_turn(engine, opened, time_ns, items, time_ns, late))
        assert encode_state(engine.state) == before
        assert engine.state.timers.next_due_ns == limits
        assert engine.take_outputs() == ([], [])
        engine.state.check()
    assert {0, reasons.TOO_LATE} <= verdicts
    assert len(verdicts) > 8


@pytest.mark.parametrize("seed", range(4))
def test_a_message_that_is_taken_as_a_whole_is_done_like_any_other(seed: int) -> None:
    """And one that is judged, or refused, leaves nothing but its sequences and time."""
    ours, theirs = Engine(), Engine()
    kinds = {"taken": 0, "refused": 0}
    for step, time_ns in timed(walk(seed, 400)):
        apply_step(theirs, step, time_ns)
        expected = theirs.take_outputs()
        if not isinstance(step, Message):
            apply_step(ours, step, time_ns)
            assert ours.take_outputs() == expected
            continue
        made_ns = max(0, time_ns - step.age_ns)
        copy = Engine(decode_state(encode_state(ours.state)))
        # What is due ends before anything is judged, at the time of the message: not at the one that this gives.
        ends_before = isinstance(step.items[0], AdvanceClock) and 0 < ours.next_timer_ns <= time_ns
        args = (step.session, step.correlation_id, made_ns, step.items, time_ns)
        copy.apply_message(*args, 0, ALL_OR_NOTHING)
        said = copy.take_outputs()
        apply_step(ours, step, time_ns)
        assert ours.take_outputs() == expected
        assert (copy.sequence, copy.clock) == (ours.sequence, ours.clock)
        if any(event[0] == reports.REJECTED for _, _, events in said[0] for event in events):
            kinds["refused"] += 1
        elif not ends_before:
            assert said == expected
            assert encode_state(copy.state) == encode_state(ours.state)
            kinds["taken"] += 1
        copy.state.check()
    assert min(kinds.values()) > 10, kinds


def logged(exchange: Exchange, options: int, *items: object) -> Batch:
    """A batch of the log: one message of session 1."""
    state = exchange.engine.state
    time_ns = state.time_ns + 1
    payload = encode_message(1, 1, time_ns, items, 0, options)
    count = sum(not isinstance(item, list) for item in items)
    return Batch(state.sequence + 1, count, time_ns, entry_header(1, len(payload)) + payload, b"", "", 0)


def done(exchange: Exchange, batch: Batch, **how: object) -> list[tuple[int, int]]:
    """What a replay of the batch says to the account."""
    apply_logged_batch(exchange.engine, batch, **how)  # type: ignore[arg-type]
    private, _ = exchange.engine.take_outputs()
    return answers([(stream, event) for stream, _, events in private for event in events])


GOOD = (enter("a1", BUY, 5, 100), enter("a2", BUY, 5, 100), enter("a3", BUY, 5, 100))


def test_a_replay_that_ends_within_a_message_does_what_was_done_of_it() -> None:
    """All or nothing is judged by the whole message, also when only a part of it is done again."""
    for items, first in (((*GOOD, MassCancel("NONE")), BATCH_REFUSED), (GOOD, (reports.ACCEPTED, 0))):
        for count in (1, 2, len(items)):
            exchange = Exchange("anna")
            batch = logged(exchange, ALL_OR_NOTHING, *items)
            told = done(exchange, batch, until=batch.first_sequence + count - 1)
            assert told[:2] == [first] * min(count, 2)
            assert exchange.engine.sequence == batch.first_sequence + count - 1
            exchange.engine.state.check()


def test_a_replay_that_ends_within_a_plain_message_does_as_it_did() -> None:
    exchange = Exchange("anna")
    batch = logged(exchange, 0, *GOOD)
    assert done(exchange, batch, until=batch.first_sequence + 1) == [(reports.ACCEPTED, 0)] * 2


def test_a_message_with_a_command_that_is_passed_over_is_not_all_of_it() -> None:
    exchange = Exchange("anna")
    batch = logged(exchange, ALL_OR_NOTHING, *GOOD)
    told = done(exchange, batch, skipped={batch.first_sequence + 1})
    assert told == [BATCH_REFUSED, SKIPPED, BATCH_REFUSED]
    assert exchange.engine.state.accounts["anna"].requests == {}


def test_a_message_whose_sender_may_have_no_more_orders_is_judged_with_those_it_has() -> None:
    """Many orders are open, many ids are known: the order of what is open is what it was."""
    exchange = Exchange("anna")
    exchange.say(1, *(enter(f"o{n}", BUY, 1, 1 + n % 7) for n in range(200)))
    account = exchange.engine.state.accounts["anna"]
    before = list(account.open)
    items: list[object] = [CancelOrder(client_order_id=f"o{n}") for n in range(0, 200, 2)]
    exchange.engine.apply_message(
        1, 1, exchange.now_ns, [*items, Malformed("no")], exchange.now_ns, 0, ALL_OR_NOTHING
    )
    exchange.engine.apply_message(1, 1, exchange.now_ns, items, exchange.now_ns, 0, VALIDATE_ONLY)
    assert list(account.open) == before
    exchange.engine.state.check()


def test_a_late_message_is_late_by_the_time_of_the_engine() -> None:
    """A clock that stands still, or a queue that was long: what counts is when the command happens."""
    exchange = Exchange("anna")
    exchange.engine.apply_message(
        1, 1, exchange.now_ns, [ioc("a1")], exchange.now_ns + HOUR_NS, exchange.now_ns
    )
    private, _ = exchange.engine.take_outputs()
    assert [event[7] for _, _, events in private for event in events] == [reasons.TOO_LATE]


def ioc(client_order_id: str) -> EnterOrder:
    """An order that ends at once in an empty book."""
    return enter(client_order_id, BUY, 1, 5, time_in_force=2)
