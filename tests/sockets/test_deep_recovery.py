"""What the engine no longer keeps is got from who follows its journal; and a reader that never skips waits for it."""

import random
from collections.abc import Callable

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bus.errors import GapNotHealed, NotTaken
from bus.protocol import reasons
from bus.protocol.codec import encode_envelope
from bus.protocol.control import Refused
from bus.protocol.topics import CLOCK, DROP
from bus.sockets.reading.asking import (
    ANSWER_TIMEOUT_MS,
    ATTEMPTS_MAX,
    BACKOFF_MS,
    BACKOFF_MS_MAX,
    BUSY_MS,
    DEEP_FAILURES_MAX,
)
from bus.sockets.reading.feed_core import FeedCore
from bus.sockets.reading.feed_items import Resynced, Run, Skipped, Withdrawn
from tests.sockets.test_ordering import ACTIONS, LEVELS, ORDERS, STATUSES, TRADES, World, of_kind, play
from tests.support.simulated_network import MS, SimulatedEngine
from tests.support.simulated_shadow import SimulatedShadow


def world_of(*topics: str, ring: int = 3, kept: int = 10_000, begin: bool = True, **options: object) -> World:
    """An engine that keeps little, somebody who keeps more, and a reader that wants everything from number 1 on."""
    engine = SimulatedEngine(feed_ring_max=ring)
    shadow = SimulatedShadow(engine, kept=kept)
    return World(
        *topics,
        engine=engine,
        shadow=shadow,
        from_numbers=dict.fromkeys(topics, 1) if begin else {},
        **options,
    )


def trades(world: World, count: int) -> None:
    """So many trades, each in a batch of its own."""
    for _ in range(count):
        world.rest(100)
        world.rest(100, side=2)


def lose_all(world: World) -> None:
    """What was published is lost; what the last numbers are is not."""
    world.engine.published.clear()
    world.engine.dropped_copies.clear()
    world.engine.heartbeats()
    world.deliver()


def rounds(world: World, count: int) -> None:
    """Questions and answers, without any time passing."""
    for _ in range(count):
        world.ask()
        world.hear()


def events_of(world: World, topic: str) -> int:
    return len(world.engine.drops if topic == DROP else world.engine.events[topic])


@pytest.mark.parametrize("topic", [TRADES, LEVELS, ORDERS, STATUSES, CLOCK, DROP])
def test_what_the_engine_no_longer_keeps_comes_from_who_does(topic: str) -> None:
    world = world_of(topic)
    trades(world, 60)
    for status in (2, 1, 2, 1, 2):
        world.set_status(status)
    for _ in range(50):
        world.engine.tick()
    assert world.shadow is not None
    world.shadow.catch_up()
    lose_all(world)
    rounds(world, 30)
    assert world.core.deadline_ns is None
    assert list(world.known(topic)) == list(range(1, events_of(world, topic) + 1))
    assert [item for item in world.items if not isinstance(item, Run)] == []


def test_the_engine_is_asked_first_and_again_as_soon_as_it_keeps_what_is_next() -> None:
    world = world_of(TRADES, ring=10)
    trades(world, 45)
    shadow = world.shadow
    assert shadow is not None
    shadow.catch_up()
    lose_all(world)
    (first,) = world.core.requests(0)
    assert world.core.deep_requests(0) == []
    for answer in world.engine.recover(first):
        world.told(world.core.recovered(answer, 0))
    assert world.core.requests(0) == []
    rounds(world, 1)
    # An answer holds 20 events: 21 to 35 are still before what the engine keeps, 41 is not.
    assert world.core.requests(0) == []
    rounds(world, 1)
    assert list(world.known(TRADES)) == list(range(1, 41))
    rounds(world, 1)
    assert [request.first_number for request in shadow.asked] == [1, 21]
    assert list(world.known(TRADES)) == list(range(1, 46))
    # A small gap is the engine's own.
    trades(world, 2)
    lose_all(world)
    rounds(world, 1)
    assert len(shadow.asked) == 2
    assert list(world.known(TRADES)) == list(range(1, 48))


def test_a_book_of_which_events_are_kept_nowhere_begins_anew() -> None:
    world = world_of(LEVELS, ring=3, kept=4)
    world.rest(100)
    world.settle()
    for price in range(101, 120):
        world.rest(price)
    assert world.shadow is not None
    world.shadow.catch_up()
    lose_all(world)
    rounds(world, 3)
    assert len(world.shadow.asked) == 1
    assert len(of_kind(world, Resynced)) == 1
    assert len(world.levels.levels(1)) == 20


def test_of_what_nobody_keeps_only_that_is_skipped() -> None:
    world = world_of(TRADES, ring=3, kept=8)
    trades(world, 20)
    assert world.shadow is not None
    world.shadow.catch_up()
    lose_all(world)
    rounds(world, 4)
    assert of_kind(world, Skipped) == [Skipped(TRADES, 1, 13)]
    assert list(world.known(TRADES)) == list(range(13, 21))


@pytest.mark.parametrize("topic", [TRADES, LEVELS])
def test_when_the_second_service_does_not_answer_the_reader_goes_on_without(topic: str) -> None:
    world = world_of(topic)
    trades(world, 20)
    assert world.shadow is not None
    world.shadow.is_silent = True
    lose_all(world)
    for _ in range(DEEP_FAILURES_MAX):
        assert of_kind(world, Skipped) == of_kind(world, Resynced) == []
        rounds(world, 2)
        world.pass_time(ANSWER_TIMEOUT_MS)
    rounds(world, 2)
    assert len(world.shadow.asked) == DEEP_FAILURES_MAX
    assert len(of_kind(world, Skipped if topic == TRADES else Resynced)) == 1
    assert world.core.deadline_ns is None


def test_one_that_is_behind_is_asked_again_soon() -> None:
    world = world_of(TRADES)
    trades(world, 10)
    lose_all(world)
    rounds(world, 2)
    shadow = world.shadow
    assert shadow is not None
    assert len(shadow.asked) == 1, "it says that it has nothing yet"
    rounds(world, 2)
    assert len(shadow.asked) == 1, "and is left alone for a moment"
    shadow.catch_up()
    world.pass_time(BACKOFF_MS)
    rounds(world, 3)
    assert len(shadow.asked) == 2
    assert list(world.known(TRADES)) == list(range(1, 11))
    assert of_kind(world, Skipped) == []


def test_one_that_stays_behind_is_not_waited_for() -> None:
    world = world_of(TRADES)
    trades(world, 10)
    lose_all(world)
    for _ in range(2 * DEEP_FAILURES_MAX):
        rounds(world, 2)
        world.pass_time(BACKOFF_MS_MAX)
    assert world.shadow is not None
    assert len(world.shadow.asked) == DEEP_FAILURES_MAX
    assert of_kind(world, Skipped) == [Skipped(TRADES, 1, 8)]


def test_an_answer_of_one_that_has_not_come_to_the_engines_start_is_none() -> None:
    world = world_of(TRADES)
    trades(world, 10)
    shadow = world.shadow
    assert shadow is not None
    shadow.catch_up()
    world.engine.restart()
    lose_all(world)
    rounds(world, 2)
    assert len(shadow.asked) == 1
    assert world.known(TRADES) == {}
    shadow.catch_up()
    world.pass_time(BACKOFF_MS)
    rounds(world, 3)
    assert list(world.known(TRADES)) == list(range(1, 11))


def test_while_the_engine_is_silent_the_second_service_heals() -> None:
    world = world_of(TRADES, ring=1000)
    trades(world, 90)
    shadow = world.shadow
    assert shadow is not None
    shadow.catch_up()
    lose_all(world)
    assert len(world.core.requests(world.now)) == 1
    world.pass_time(ANSWER_TIMEOUT_MS)
    for _ in range(5):
        assert world.core.requests(world.now) == [], "it was asked, and said nothing"
        for request in world.core.deep_requests(world.now):
            for answer in shadow.recover(request):
                world.told(world.core.recovered(answer, world.now))
    assert list(world.known(TRADES)) == list(range(1, 91))
    assert world.core.deadline_ns is None


def test_snapshots_are_the_engines() -> None:
    world = world_of(LEVELS, begin=False)
    assert len(world.core.requests(world.now)) == 1
    world.pass_time(ANSWER_TIMEOUT_MS)
    assert len(world.core.requests(world.now)) == 1
    assert world.core.deep_requests(world.now) == []


def test_who_waits_for_nobody_s_answer_is_told_when_it_was_enough() -> None:
    world = world_of(TRADES)
    trades(world, 3)
    lose_all(world)
    for _ in range(ATTEMPTS_MAX):
        asked = len(world.core.requests(world.now)) + len(world.core.deep_requests(world.now))
        assert asked == 1
        world.pass_time(ANSWER_TIMEOUT_MS)
    with pytest.raises(GapNotHealed, match="events 1 to 3 did not come"):
        rounds(world, 1)


def test_a_second_service_that_is_busy_is_asked_again_for_as_long_as_it_says_so() -> None:
    """It walks through old history: that takes longer than any answer may."""
    world = world_of(TRADES)
    trades(world, 20)
    shadow = world.shadow
    assert shadow is not None
    shadow.catch_up()
    lose_all(world)
    for request in world.core.requests(0):
        for answer in world.engine.recover(request):
            world.told(world.core.recovered(answer, 0))
    for _ in range(10 * ATTEMPTS_MAX):
        assert world.core.requests(world.now) == []
        (_,) = world.core.deep_requests(world.now)
        busy = Refused(world.core._next_id - 1, 1, reasons.QUEUE_FULL, "it is walked for")
        assert world.core.recovered(encode_envelope(0, 1, 0, 0, 0, [busy]), world.now) == []
        assert world.core.deep_requests(world.now) == []
        world.pass_time(BUSY_MS)
    rounds(world, 3)
    assert list(world.known(TRADES)) == list(range(1, 21))


def test_a_second_service_that_refuses_is_named_at_once() -> None:
    world = world_of(DROP)
    trades(world, 5)
    lose_all(world)
    for request in world.core.requests(0):
        for answer in world.engine.recover(request):
            world.told(world.core.recovered(answer, 0))
    (_,) = world.core.deep_requests(0)
    refused = Refused(world.core._next_id - 1, 1, reasons.BAD_TOKEN, "no")
    with pytest.raises(NotTaken, match="bad_token"):
        world.core.recovered(encode_envelope(0, 1, 0, 0, 0, [refused]), 0)


def test_a_reader_without_a_second_service_has_nothing_to_ask_it() -> None:
    with pytest.raises(AssertionError, match="without a deep recovery service"):
        FeedCore([TRADES]).deep_requests(0)


# Never skipping


def test_a_reader_that_never_skips_asks_both_until_somebody_has_it() -> None:
    world = world_of(TRADES, ring=3, kept=4, never_skip=True)
    trades(world, 20)
    shadow = world.shadow
    assert shadow is not None
    shadow.catch_up()
    lose_all(world)
    began = world.now
    asked_first = 0
    for _ in range(400):
        requests = world.core.requests(world.now)
        asked_first += len(requests)
        for request in requests:
            for answer in world.engine.recover(request):
                world.answers.put(answer)
        for request in world.core.deep_requests(world.now):
            for answer in shadow.recover(request):
                world.answers.put(answer)
        world.hear()
        assert world.core.deadline_ns is not None
        assert world.core.deadline_ns <= world.now + BACKOFF_MS_MAX * MS
        world.pass_time(100)
        if world.now == 20_000 * MS:
            trades(world, 1)  # what comes meanwhile waits behind the gap
            world.deliver()
    assert world.core.healing == {TRADES: began}
    assert [item for item in world.items if isinstance(item, Run) and item.topic == TRADES] == []
    assert of_kind(world, Skipped) == []
    # In forty seconds, each of them every other second or more often.
    assert 18 <= asked_first <= 50
    assert 18 <= len(shadow.asked) <= 50
    shadow.kept = 10_000
    world.pass_time(2 * BACKOFF_MS_MAX)
    world.settle()
    assert list(world.known(TRADES)) == list(range(1, 22))
    assert world.core.healing == {}


@pytest.mark.parametrize("has_second", [True, False])
def test_a_reader_that_never_skips_waits_for_as_long_as_nobody_answers(has_second: bool) -> None:
    core = FeedCore([TRADES, LEVELS], from_numbers={TRADES: 1}, deep=has_second, never_skip=True)
    world = World(TRADES)
    trades(world, 3)
    world.publish()
    for name, payload in world.wire.take()[1:]:
        core.receive(name, payload)
    now = 5
    for _ in range(4 * ATTEMPTS_MAX):
        asked = core.requests(now) + (core.deep_requests(now) if has_second else [])
        assert len(asked) == 2
        assert core.healing == {TRADES: 5, LEVELS: 5}
        now += ANSWER_TIMEOUT_MS * MS
    assert core.deadline_ns == now


def test_without_a_second_service_a_reader_that_never_skips_asks_the_engine_alone() -> None:
    world = World(TRADES, engine=SimulatedEngine(feed_ring_max=2), from_numbers={TRADES: 1}, never_skip=True)
    trades(world, 10)
    lose_all(world)
    for _ in range(40):
        rounds(world, 2)
        world.pass_time(BACKOFF_MS_MAX)
    assert of_kind(world, Skipped) == []
    assert world.core.healing == {TRADES: 0}
    world.engine.feed_ring_max = 100
    world.settle()
    assert list(world.known(TRADES)) == list(range(1, 11))


def test_a_book_of_a_reader_that_never_skips_begins_anew_all_the_same() -> None:
    world = world_of(LEVELS, ring=3, kept=4, never_skip=True)
    for price in range(101, 120):
        world.rest(price)
    assert world.shadow is not None
    world.shadow.catch_up()
    lose_all(world)
    rounds(world, 3)
    assert len(of_kind(world, Resynced)) == 1
    assert world.core.healing == {}


# Everything at once


def follow_sometimes(world: World, chance: random.Random) -> Callable[[], None]:
    """Somebody who comes to the end of the journal now and then."""
    ask = world.ask

    def asking() -> None:
        assert world.shadow is not None
        if chance.random() < 0.4:
            world.shadow.catch_up()
        ask()

    return asking


@settings(max_examples=250, deadline=None)
@given(ACTIONS, st.integers(0, 2**32), st.integers(1, 6), st.booleans())
def test_on_a_bad_network_with_a_short_memory_nothing_is_missed(
    actions: list[tuple[str, int]], seed: int, ring: int, never_skip: bool
) -> None:
    topics = (TRADES, LEVELS, ORDERS, STATUSES, CLOCK, DROP)
    world = world_of(*topics, ring=ring, never_skip=never_skip)
    chance = random.Random(seed)
    world.ask = follow_sometimes(world, chance)  # type: ignore[method-assign]
    play(world, [step for step in actions if step[0] not in ("time", "resync")], chance)
    assert world.shadow is not None
    world.shadow.catch_up()
    world.settle()
    assert [item for item in world.items if isinstance(item, Skipped | Withdrawn)] == []
    assert world.core.healing == {}
    for topic in (TRADES, STATUSES, CLOCK, DROP):
        events = world.engine.drops if topic == DROP else world.engine.events.get(topic, [])
        assert list(world.known(topic)) == list(range(1, len(events) + 1)), topic
