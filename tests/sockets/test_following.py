"""A reader that changes its mind: topics that are followed later, and no longer; also from who keeps more."""

import asyncio
import time
from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from typing import Any

import pytest

from bus.addresses import addresses
from bus.protocol.feed import FeedHeartbeat, StreamHeartbeat, Trade
from bus.protocol.topics import CLOCK, DROP
from bus.sockets.async_subscriber import AsyncSubscriber
from bus.sockets.client import Client
from bus.sockets.reading.feed_core import FeedCore
from bus.sockets.reading.feed_items import Item, Resynced, Run, Skipped, Withdrawn
from bus.sockets.reading.telling import Told
from bus.sockets.subscriber import Subscriber
from tests.sockets.conftest import LIMITS
from tests.sockets.test_ordering import LEVELS, ORDERS, STATUSES, TRADES, World, of_kind
from tests.sockets.test_subscriber import PATIENCE_S, client, trade
from tests.support.processes import Processes, processes  # noqa: F401
from tests.support.real_engine import RealEngine, define, define_on
from tests.support.recording_shadow import RecordingShadow
from tests.support.simulated_network import as_tuple

HEARTBEAT = "heartbeat.BTC-USD."


def trades(world: World, count: int) -> None:
    """So many trades."""
    for _ in range(count):
        world.rest(100)
        world.rest(100, side=2)


def numbers_of(world: World, topic: str) -> list[int]:
    return list(world.known(topic))


# Without I/O


def test_a_topic_that_is_followed_later_comes_with_the_heartbeats_that_it_needs() -> None:
    core = FeedCore([TRADES])
    assert core.follow([LEVELS, "trade.ETH-USD.", CLOCK]) == [
        LEVELS, "trade.ETH-USD.", "heartbeat.ETH-USD.", CLOCK, "heartbeat.clock.",
    ]  # fmt: skip
    assert core.follow([LEVELS, TRADES]) == []
    assert core.subscriptions == [
        TRADES, LEVELS, "trade.ETH-USD.", CLOCK, HEARTBEAT, "heartbeat.ETH-USD.", "heartbeat.clock.",
    ]  # fmt: skip
    # A heartbeat goes with the last topic that needs it.
    assert core.unfollow([TRADES, "trade.ETH-USD."]) == [TRADES, "trade.ETH-USD.", "heartbeat.ETH-USD."]
    assert core.unfollow([LEVELS, TRADES, ORDERS]) == [LEVELS, HEARTBEAT]
    assert core.subscriptions == [CLOCK, "heartbeat.clock."]


def test_only_whole_topics_are_followed_later_and_a_mistake_changes_nothing() -> None:
    core = FeedCore([TRADES, "level."])
    before = core.subscriptions
    for wrong in ("order.", "order", "", "drop"):
        with pytest.raises(ValueError, match="is not a whole topic"):
            core.follow([STATUSES, wrong])
        with pytest.raises(ValueError, match="is not a whole topic"):
            core.unfollow([TRADES, wrong])
    assert core.subscriptions == before
    assert core.next_number(STATUSES) == 0
    core.receive(STATUSES, b"")
    assert core.healing == {}


def test_from_a_number_on_everything_comes_and_from_now_on_what_comes() -> None:
    world = World(CLOCK)
    trades(world, 5)
    world.settle()
    world.core.follow([STATUSES], {TRADES: 2})
    trades(world, 2)
    world.set_status(2)
    world.settle()
    assert numbers_of(world, TRADES) == [2, 3, 4, 5, 6, 7]
    assert numbers_of(world, STATUSES) == [2]


def test_a_book_that_is_followed_later_begins_with_a_snapshot_and_is_right() -> None:
    world = World(CLOCK)
    for price in (100, 101):
        world.rest(price)
    world.settle()
    world.core.follow([LEVELS, ORDERS])
    world.rest(102)
    world.settle()
    assert sorted(item.topic for item in of_kind(world, Resynced)) == [LEVELS, ORDERS]
    world.check_books()


def test_what_is_followed_no_longer_is_not_given_and_not_asked_for() -> None:
    world = World(TRADES, LEVELS, CLOCK, from_numbers={TRADES: 1})
    trades(world, 2)
    world.engine.published.clear()
    world.engine.heartbeats()
    world.deliver()
    assert sorted(world.core.healing) == [LEVELS, TRADES], "at once, before anything is asked"
    world.ask()  # for both
    world.core.unfollow([TRADES])
    before = len(world.items)
    world.hear()
    trades(world, 1)
    for name, payload in world.engine.published:  # what is still under way to a SUB
        world.told(world.core.receive(name, payload))
    world.settle()
    assert TRADES not in {item.topic for item in world.items[before:]}
    assert world.core.healing == {}
    world.check_books_of_levels()
    # And from the beginning once more, if somebody wants it.
    world.core.follow([], {TRADES: 1})
    world.settle()
    assert numbers_of(world, TRADES) == [1, 2, 3]


def test_what_a_prefix_has_found_begins_where_it_is_asked_to_and_again_when_it_is_forgotten() -> None:
    world = World("status.", "trade.")
    for status in (2, 1, 2, 1):
        world.set_status(status)
    trades(world, 2)
    world.settle()
    assert world.core.next_number(STATUSES) == 6
    world.items.clear()
    world.core.follow([TRADES], {STATUSES: 2})
    world.settle()
    assert numbers_of(world, STATUSES) == [2, 3, 4, 5]
    assert numbers_of(world, TRADES) == [], "it goes on where it is"
    world.core.unfollow([STATUSES, TRADES])
    world.items.clear()
    trades(world, 1)
    world.set_status(2)
    world.settle()
    assert numbers_of(world, STATUSES) == [6]
    assert [as_tuple(event) for event in world.known(TRADES).values()] == world.engine.events[TRADES][2:]


# Over sockets


def in_time(events: Iterator[Told]) -> Iterator[Told]:
    """The same; fails when it goes on and on."""
    deadline = time.monotonic() + PATIENCE_S
    for told in events:
        yield told
        assert time.monotonic() < deadline, "the feed goes on, and what was waited for does not come"


def until_last(events: Iterator[Told], topic: str) -> tuple[dict[int, Any], list[Any]]:
    """Read on until the trades of a symbol are all there: the trades by number, and what else came of the topic."""
    found: dict[int, Any] = {}
    others: list[Any] = []
    last = 0
    symbol = topic.split(".")[1]
    for name, number, event in in_time(events):
        if name == f"heartbeat.{symbol}." and isinstance(event, FeedHeartbeat):
            last = event.trade_number
        elif name == topic and isinstance(event, Trade):
            found[number] = event
        elif name == topic:
            others.append(event)
        if last and last in found:
            return found, others
    raise AssertionError("the feed has fallen silent")


def test_a_subscriber_follows_and_unfollows_while_it_reads(engine: RealEngine) -> None:
    define(engine, "F-1", "F-2")
    with (
        client(engine, "follower-1") as dave,
        Subscriber(["trade.F-1."], port_base=engine.port_base, token=engine.token) as subscriber,
    ):
        events = subscriber.events(PATIENCE_S)
        next(events)
        trade(dave, 1, 60, "F-1")
        until_last(events, "trade.F-1.")
        trade(dave, 2, 60, "F-2")
        subscriber.follow(["level.F-2.", DROP], {"trade.F-2.": 1})
        found, others = until_last(events, "trade.F-2.")
        assert list(found) == list(range(1, len(found) + 1))
        assert others == []
        book = subscriber.book("F-2")
        subscriber.unfollow(["level.F-2."])
        subscriber.follow(["level.F-2."])  # so its book begins anew
        subscriber.unfollow(["trade.F-1."])
        trade(dave, 3, 60, "F-1")
        trade(dave, 4, 60, "F-2")
        heard: set[str] = set()
        for name, _, _ in in_time(events):
            heard.add(name)
            if book.checks and {"trade.F-2.", DROP} <= heard:
                break
        assert not heard & {"trade.F-1.", "heartbeat.F-1."}


def test_an_async_subscriber_follows_while_it_reads_and_gives_runs_with_their_batches(
    engine: RealEngine,
) -> None:
    define(engine, "F-3")

    async def until_all(items: AsyncIterator[Item], *topics: str) -> list[Run]:
        """Up to a heartbeat whose numbers all of these topics have come to."""
        runs: list[Run] = []
        stand: dict[str, int] = {}
        async for item in items:
            assert isinstance(item, Run)
            runs.append(item)
            if item.first_number:
                stand[item.topic] = item.first_number + len(item.events) - 1
            elif item.numbers is not None and item.numbers[0]:
                places = {"trade": 0, "level": 1, "order": 2, "status": 3}
                if all(stand.get(name) == item.numbers[places[name.split(".")[0]]] for name in topics):
                    return runs
        raise AssertionError("the feed has ended")

    async def story() -> None:
        topics = ("trade.F-3.", "level.F-3.", "status.F-3.")
        async with AsyncSubscriber(["clock."], port_base=engine.port_base, snapshots=False) as subscriber:
            items = subscriber.items()
            await anext(items)
            await asyncio.to_thread(trade, dave, 5, 60, "F-3")
            subscriber.follow([], dict.fromkeys(topics, 1))
            runs = [run for run in await until_all(items, *topics) if run.topic in topics]
            assert subscriber.healing == {}
            assert {run.topic for run in runs} == set(topics)
            by_batch: dict[int, set[Any]] = {}
            for run in runs:
                assert run.numbers is not None
                by_batch.setdefault(run.log_sequence, set()).add(run.numbers)
            assert all(len(numbers) == 1 for numbers in by_batch.values())
            subscriber.unfollow(topics)
            await items.aclose()  # type: ignore[attr-defined]

    with client(engine, "follower-2") as dave:
        asyncio.run(asyncio.wait_for(story(), PATIENCE_S))


def test_everything_that_was_ever_said_is_read_from_a_real_shadow(
    processes: Processes,  # noqa: F811
    tmp_path: Path,
) -> None:
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("MATCHBUS_LIMITS_FEED_RING_EVENTS_MAX", "200")
        processes.engine(tmp_path)
    processes.start(*processes.exchange("shadow", "--data", str(tmp_path))).ready()
    token = (tmp_path / "token").read_text().strip()
    options: dict[str, Any] = {"port_base": processes.port_base, "token": token}
    topics = [f"{kind}.F-5." for kind in ("trade", "level", "order", "status")] + [DROP]
    with Client(account="operator", role="operator", **options) as operator:
        define_on(operator, "F-5")
    with Client(port_base=processes.port_base, account="dave", timeout=PATIENCE_S) as dave:
        trade(dave, 7, 800, "F-5")
    last: dict[str, int] = {}
    stand = dict.fromkeys(topics, 0)
    with Subscriber(
        topics, deep=True, never_skip=True, from_numbers=dict.fromkeys(topics, 1), **options
    ) as subscriber:
        for name, number, event in in_time(subscriber.events(PATIENCE_S)):
            assert not isinstance(event, Resynced | Skipped | Withdrawn), (name, event)
            if isinstance(event, FeedHeartbeat):
                numbers = (event.trade_number, event.level_number, event.order_number, event.status_number)
                last |= zip(topics, numbers, strict=False)
            elif isinstance(event, StreamHeartbeat):
                last[name.removeprefix("heartbeat.")] = event.number
            else:
                assert number == stand[name] + 1
                stand[name] = number
            if last == stand:
                break
    assert min(last["trade.F-5."], last[DROP]) > 2 * 200


def test_subscribers_get_from_the_deep_service_what_the_engine_no_longer_keeps(
    own_engine: RealEngine,
) -> None:
    where = addresses(own_engine.port_base, "127.0.0.1")
    define(own_engine, "F-4")
    topic = "trade.F-4."
    with RecordingShadow(where) as shadow, client(own_engine, "follower-3") as dave:
        trade(dave, 6, 2500, "F-4")
        options: dict[str, Any] = {"port_base": own_engine.port_base, "from_numbers": {topic: 1}}
        with Subscriber([topic], **options) as without:
            _, others = until_last(without.events(PATIENCE_S), topic)
            assert isinstance(others[0], Skipped)
        with Subscriber([topic], deep=True, **options) as subscriber:
            found, others = until_last(subscriber.events(PATIENCE_S), topic)
        assert len(found) > LIMITS["feed_ring_events_max"]
        assert list(found) == list(range(1, len(found) + 1))
        assert others == []
        assert shadow.asked

        async def story() -> list[int]:
            numbers: list[int] = []
            async with AsyncSubscriber([topic], deep=True, never_skip=True, **options) as subscriber:
                async for name, number, _ in subscriber.events():
                    if name == topic:
                        numbers.append(number)
                        if number == len(found):
                            break
            return numbers

        assert asyncio.run(asyncio.wait_for(story(), PATIENCE_S)) == list(found)
