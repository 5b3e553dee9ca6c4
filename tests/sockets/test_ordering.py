"""Streams that arrive whole and in order, whatever the network and the engine do; or a gap that has a name."""

import random
from typing import Any

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bus.errors import GapNotHealed, NotTaken
from bus.protocol import reasons
from bus.protocol.codec import FrameHeader, decode_frame_header, encode_envelope, encode_frame
from bus.protocol.commands import CancelOrder, EnterOrder, ReplaceOrder, SetPhase
from bus.protocol.control import Refused
from bus.protocol.feed import LEVEL, ORDER_DELETED, TICK, Level, Tick, Trade
from bus.protocol.terms import BUY, HALTED, L2, L3, OPERATOR, SELL
from bus.protocol.topics import CLOCK, DROP
from bus.sockets.book_reader import BookReader
from bus.sockets.reading.asking import ANSWER_TIMEOUT_MS, ATTEMPTS_MAX
from bus.sockets.reading.feed_core import FeedCore
from bus.sockets.reading.feed_items import DropReport, Item, Resynced, Run, Skipped, UnknownEvent, Withdrawn
from bus.sockets.reading.ordering import TopicOrder
from bus.sockets.reading.telling import Books, tell
from tests.support.simulated_network import BTC_USD, MS, Pipe, SimulatedEngine, as_tuple, topics_of
from tests.support.simulated_shadow import SimulatedShadow

TRADES, LEVELS, ORDERS, STATUSES = topics_of("BTC-USD")


class World:
    """An engine with a market, one reader, and what is between."""

    def __init__(
        self,
        *topics: str,
        engine: SimulatedEngine | None = None,
        shadow: SimulatedShadow | None = None,
        **options: Any,
    ) -> None:
        self.engine = engine or SimulatedEngine()
        self.shadow = shadow
        if "BTC-USD" not in self.engine.engine.state.instruments:
            self.begin_market()
        self.core = FeedCore(
            topics or (*topics_of("BTC-USD"), CLOCK, DROP), deep=shadow is not None, **options
        )
        self.wire, self.answers = Pipe(), Pipe()
        self.now = 0
        self.items: list[Item] = []
        self.books = Books(self.core)
        self.levels = self.books.add("BTC-USD", L2)
        self.orders = self.books.add("BTC-USD", L3)
        self.names = 0

    # The market.

    def begin_market(self) -> None:
        operator = self.engine.open_session("operator", OPERATOR)
        self.engine.command(operator, BTC_USD)
        self.engine.published.clear()

    @property
    def trader(self) -> int:
        sessions = self.engine.engine.state.sessions
        for number, session in sessions.items():
            if session.account.name == "alice":
                return number
        return self.engine.open_session("alice")

    def trade(self, chance: random.Random, commands: int = 1) -> None:
        """Something happens, all in one batch."""
        trader = self.trader
        items: list[Any] = []
        for _ in range(commands):
            self.names += 1
            mine = list(self.engine.engine.state.accounts["alice"].open)
            kind = chance.randrange(10)
            if kind < 6 or not mine:
                name = f"{len(self.engine.log)}-{self.names}"
                price, quantity = 100 + chance.randrange(8), 1 + chance.randrange(9)
                items.append(EnterOrder(name, "BTC-USD", chance.choice((BUY, SELL)), quantity, price))
            elif kind < 8:
                items.append(CancelOrder(chance.choice(mine)))
            else:
                name = f"{len(self.engine.log)}-{self.names}"
                items.append(ReplaceOrder(name, chance.choice(mine), "", 0, 1 + chance.randrange(12)))
        if items:
            self.engine.command(trader, *items)

    def some(self, chance: random.Random) -> list[Any]:
        """Two orders that may meet."""
        self.names += 1
        name = f"{len(self.engine.log)}-{self.names}"
        return [
            EnterOrder(f"{name} {side}", "BTC-USD", side, 1 + chance.randrange(9), 100 + chance.randrange(8))
            for side in (BUY, SELL)
        ]

    def set_status(self, status: int) -> None:
        """The operator opens or halts the instrument."""
        operator = self.engine.open_session("operator", OPERATOR)
        self.engine.command(operator, SetPhase("BTC-USD", status))

    def rest(self, price: int, quantity: int = 5, side: int = BUY) -> None:
        """An order comes to rest: one event on `level.` and one on `order.`."""
        self.names += 1
        self.engine.command(self.trader, EnterOrder(f"rest-{self.names}", "BTC-USD", side, quantity, price))

    # The network.

    def publish(self) -> None:
        for name, frame in [*self.engine.published, *self.engine.dropped_copies]:
            if any(name.startswith(prefix) for prefix in self.core.subscriptions):
                self.wire.put((name, frame))
        self.engine.published.clear()
        self.engine.dropped_copies.clear()

    def deliver(self) -> None:
        self.publish()
        for name, frame in self.wire.take():
            self.told(self.core.receive(name, frame))

    def ask(self) -> None:
        for request in self.core.requests(self.now):
            for answer in self.engine.recover(request):
                self.answers.put(answer)
        if self.shadow is not None:
            for request in self.core.deep_requests(self.now):
                for answer in self.shadow.recover(request):
                    self.answers.put(answer)

    def hear(self) -> None:
        for answer in self.answers.take():
            self.told(self.core.recovered(answer, self.now))

    def told(self, items: list[Item]) -> None:
        self.items += items
        for item in items:
            for one in tell(item):
                self.books.take(one)

    def pass_time(self, ms: int) -> None:
        self.now += ms * MS

    def settle(self) -> None:
        """From here on nothing is lost."""
        for _ in range(100):
            self.engine.heartbeats()
            self.deliver()
            self.ask()
            self.hear()
            if self.core.deadline_ns is None:
                # Once more: heartbeats at the present numbers prove the books.
                self.engine.heartbeats()
                self.deliver()
                if self.core.deadline_ns is None:
                    return
            self.pass_time(ANSWER_TIMEOUT_MS)
        raise AssertionError("not healed")

    # What the reader knows.

    def known(self, name: str) -> dict[int, Any]:
        """The events of a topic by number. Checks that every gap has a name."""
        known: dict[int, Any] = {}
        following = 0
        for item in self.items:
            if isinstance(item, Run):
                if item.topic != name or not item.first_number:
                    continue
                assert following in (0, item.first_number), f"{name}: {item.first_number}, not {following}"
                following = item.first_number + len(item.events)
                known.update(zip(range(item.first_number, following), item.events, strict=True))
            elif item.topic != name:
                continue
            elif isinstance(item, Resynced):
                snapshot = item.snapshot
                following = 1 + (snapshot.level_number if snapshot.kind == L2 else snapshot.order_number)
                known.clear()
            elif isinstance(item, Skipped):
                assert following in (0, item.first_number)
                following = item.next_number
            else:
                assert following in (0, item.next_number)
                following = item.first_number
                known = {number: event for number, event in known.items() if number < following}
        return known

    def check(self) -> None:
        """The reader knows what the engine knows."""
        for name in (TRADES, LEVELS, ORDERS, STATUSES, CLOCK):
            said = self.engine.events.get(name, [])
            for number, event in self.known(name).items():
                assert as_tuple(event) == said[number - 1], (name, number)
            assert self.core.next_number(name) == len(said) + 1, name
        for number, event in self.known(DROP).items():
            account, report_number, report = self.engine.drops[number - 1]
            assert event.account == account
            assert event.report_number == report_number
            assert as_tuple(event.report) == report
        self.check_books()

    def check_books_of_levels(self) -> None:
        book = self.engine.engine.state.instruments["BTC-USD"].book
        for side in (BUY, SELL):
            assert self.levels.levels(side) == book.levels(side)
        assert not self.levels.is_wrong

    def check_books(self) -> None:
        book = self.engine.engine.state.instruments["BTC-USD"].book
        for side in (BUY, SELL):
            assert self.levels.levels(side) == book.levels(side)
            assert self.orders.levels(side) == book.levels(side)
            assert self.orders.orders(side) == book.orders(side)
        assert not self.levels.is_wrong
        assert not self.orders.is_wrong


def of_kind(world: World, kind: type) -> list[Any]:
    return [item for item in world.items if isinstance(item, kind)]


# One story each


def test_a_late_joiner_of_a_book_gets_a_snapshot_then_what_follows_it() -> None:
    world = World(LEVELS)
    world.rest(100)
    world.rest(101)
    world.engine.published.clear()  # nobody was there
    world.ask()
    world.rest(102)  # published after the snapshot was cut, and here before it
    world.deliver()
    assert of_kind(world, Run) == []
    world.hear()
    (resynced,) = of_kind(world, Resynced)
    assert resynced.topic == LEVELS
    assert resynced.snapshot.bids == [(101, 5, 1), (100, 5, 1)]
    (run,) = of_kind(world, Run)
    assert run.first_number == resynced.snapshot.level_number + 1
    assert world.levels.levels(BUY) == [(102, 5, 1), (101, 5, 1), (100, 5, 1)]


def test_what_is_older_than_the_snapshot_is_dropped() -> None:
    world = World(LEVELS)
    world.rest(100)
    world.deliver()
    world.rest(101)
    world.publish()
    world.ask()
    world.deliver()
    world.hear()
    assert of_kind(world, Run) == []
    assert world.levels.levels(BUY) == [(101, 5, 1), (100, 5, 1)]


def test_a_gap_is_replayed_and_what_came_early_waits() -> None:
    world = World(TRADES)
    for price in (100, 101, 102):
        world.rest(price)
        world.rest(price, side=SELL)
    world.publish()
    frames = world.wire.take()
    assert len(frames) == 3
    world.told(world.core.receive(*frames[0]))
    world.told(world.core.receive(*frames[2]))
    assert list(world.known(TRADES)) == [1]
    world.ask()
    world.hear()
    assert [as_tuple(event) for event in world.known(TRADES).values()] == world.engine.events[TRADES]
    assert world.core.deadline_ns is None


def frame(first: int, count: int = 1, epoch: int = 1) -> FrameHeader:
    """Ticks, their sequences as their numbers."""
    events = [(TICK, number, 0) for number in range(first, first + count)]
    return decode_frame_header(encode_frame(epoch, first, count, 0, 0, events))


def told(items: list[Item]) -> list[int]:
    return [event.sequence for item in items if isinstance(item, Run) for event in item.events]


def test_what_came_early_follows_at_once_when_the_gap_is_closed() -> None:
    order = TopicOrder(CLOCK)
    assert told(order.take(frame(1))) == [1]
    assert told(order.take(frame(4, 2))) == []
    assert told(order.take(frame(3))) == []
    assert order.missing == (2, 2)
    assert told(order.take_replayed(frame(1, 2))) == [2, 3, 4, 5]
    assert order.missing is None


def test_early_events_are_bounded_and_what_is_dropped_counts_as_missing(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("bus.sockets.reading.ordering.EARLY_EVENTS_MAX", 3)
    order = TopicOrder(CLOCK, from_number=1)
    for number in (2, 3, 4):
        order.take(frame(number))
    assert order.missing == (1, 1)
    order.take(frame(5))
    assert order.missing == (1, 5)
    assert told(order.take_replayed(frame(1))) == [1]
    assert order.missing == (2, 5)
    assert told(order.take(frame(6))) == []
    assert told(order.take_replayed(frame(2, 4))) == [2, 3, 4, 5, 6]


def test_a_book_that_begins_anew_says_nothing_until_its_snapshot() -> None:
    world = World(LEVELS)
    world.settle()
    world.core.resync("BTC-USD", L2)
    before = len(of_kind(world, Run))
    world.rest(100)
    world.deliver()
    assert [run for run in of_kind(world, Run)[before:] if run.first_number] == []
    world.settle()
    assert world.levels.levels(BUY) == [(100, 5, 1)]


def test_a_book_that_begins_anew_asks_at_once_whatever_was_asked_before() -> None:
    world = World(LEVELS)
    world.settle()
    world.rest(100)
    world.engine.published.clear()
    world.engine.heartbeats()
    world.deliver()
    assert len(world.core.requests(world.now)) == 1  # a replay, whose answer is not here yet
    world.core.resync("BTC-USD", L2)
    assert len(world.core.requests(world.now)) == 1


def test_a_long_gap_is_healed_answer_by_answer_without_waiting() -> None:
    world = World(CLOCK, from_numbers={CLOCK: 1})
    for _ in range(95):
        world.engine.tick()
    world.engine.published.clear()
    world.engine.heartbeats()
    world.deliver()
    for _ in range(5):
        world.ask()
        world.hear()
    assert list(world.known(CLOCK)) == list(range(1, 96))


def test_a_long_gap_may_take_more_answers_than_there_are_attempts() -> None:
    world = World(CLOCK, from_numbers={CLOCK: 1})
    for _ in range(20 * (ATTEMPTS_MAX + 3)):
        world.engine.tick()
    world.engine.published.clear()
    world.engine.heartbeats()
    world.deliver()
    for _ in range(ATTEMPTS_MAX + 3):
        world.ask()
        world.hear()
    assert world.core.deadline_ns is None


def test_a_snapshot_of_an_older_engine_is_not_taken() -> None:
    world = World(LEVELS)
    world.settle()
    world.rest(100)
    world.settle()
    world.core.resync("BTC-USD", L2)
    world.ask()  # the answer is under way
    world.engine.restart(forget=1)
    world.engine.heartbeats()
    world.deliver()
    before = len(of_kind(world, Resynced))
    world.hear()
    assert len(of_kind(world, Resynced)) == before
    world.settle()
    assert world.levels.levels(BUY) == []


def test_on_a_good_network_books_begin_once_and_are_right_ever_after() -> None:
    world = World()
    world.settle()
    chance = random.Random(7)
    for _ in range(100):
        world.trade(chance, 5)
        world.engine.heartbeats()
        world.deliver()
        world.check_books()
    assert len(of_kind(world, Resynced)) == 2
    assert world.levels.checks > 100
    assert world.orders.checks > 100


def test_a_lost_last_frame_is_noticed_by_the_heartbeat() -> None:
    world = World(TRADES, CLOCK)
    world.engine.heartbeats()
    world.deliver()
    world.rest(100)
    world.rest(100, side=SELL)
    world.engine.tick()
    world.engine.published.clear()
    world.engine.heartbeats()
    world.deliver()
    assert world.known(TRADES) == {}
    world.ask()
    world.hear()
    assert isinstance(world.known(TRADES)[1], Trade)
    assert isinstance(world.known(CLOCK)[1], Tick)


def lose(world: World, *names: str) -> None:
    """All that is under way arrives, but for what was published on these topics."""
    world.publish()
    for name, payload in world.wire.take():
        if name not in names:
            world.told(world.core.receive(name, payload))


def test_a_frame_that_was_lost_is_noticed_by_another_one_of_its_batch() -> None:
    world = World(LEVELS, ORDERS, TRADES)
    world.settle()
    world.rest(100)
    lose(world, LEVELS)
    assert world.core.requests(world.now), "the frame on `order.` tells of the level"
    world.settle()
    assert world.levels.levels(BUY) == [(100, 5, 1)]
    assert len(of_kind(world, Resynced)) == 2  # those of the beginning


def test_the_last_frame_of_a_batch_is_noticed_by_the_next_batch_whatever_its_topic() -> None:
    for later in (CLOCK, STATUSES):
        world = World(LEVELS, ORDERS, CLOCK, STATUSES)
        world.settle()
        world.rest(100)
        lose(world, ORDERS)
        assert world.core.requests(world.now) == [], "it may still be under way"
        if later == CLOCK:
            world.engine.tick()
        else:
            world.set_status(HALTED)
        lose(world)
        assert len(world.core.requests(world.now)) == 1
        world.settle()
        assert [order[1:] for order in world.orders.orders(BUY)] == [(100, 5)]


def test_what_is_under_way_is_not_asked_for() -> None:
    """On a good network nothing is asked after any one publication."""
    world = World("trade.", "level.", "order.", "status.", CLOCK, snapshots=False)
    operator = world.engine.open_session("operator", OPERATOR)
    world.engine.command(operator, msgspec.structs.replace(BTC_USD, symbol="ETH-USD"))
    chance = random.Random(11)
    for round_number in range(200):
        world.trade(chance, 1 + chance.randrange(6))
        if round_number % 3 == 0:
            world.engine.command(
                world.trader, EnterOrder(f"eth {round_number}", "ETH-USD", BUY, 1, 100), *world.some(chance)
            )
        if round_number % 7 == 0:
            world.engine.tick()
        if round_number % 10 == 0:
            world.engine.heartbeats()
        world.publish()
        for name, payload in world.wire.take():
            world.told(world.core.receive(name, payload))
            assert world.core.requests(world.now) == [], f"after a frame of {name} in round {round_number}"
    for name in (TRADES, LEVELS, ORDERS, CLOCK, "level.ETH-USD."):
        assert world.core.next_number(name) == len(world.engine.events[name]) + 1
    assert len(world.engine.events[TRADES]) > 100


def test_a_run_says_where_its_symbol_stands_behind_its_batch() -> None:
    world = World(TRADES, LEVELS, ORDERS, CLOCK, snapshots=False, from_numbers={TRADES: 1, LEVELS: 1})
    ends: dict[int, tuple[int, ...]] = {}
    chance = random.Random(12)
    for _ in range(60):
        world.trade(chance, 3)
        ends[world.engine.engine.sequence] = world.engine.engine.numbers("BTC-USD")
        world.engine.heartbeats()
        lose(world, *chance.choices([TRADES, LEVELS, ORDERS, CLOCK], k=chance.randrange(2)))
    world.engine.tick()
    world.settle()
    runs = of_kind(world, Run)
    numbered = [run for run in runs if run.topic in (TRADES, LEVELS, ORDERS)]
    assert len(numbered) > 100
    for run in numbered:
        assert run.numbers == ends[run.log_sequence]
        place = (TRADES, LEVELS, ORDERS).index(run.topic)
        assert run.first_number + len(run.events) - 1 == run.numbers[place]
    beats = [run for run in runs if run.topic == "heartbeat.BTC-USD."]
    assert [run.numbers for run in beats[:60]] == list(ends.values())
    assert {run.numbers for run in runs if run.topic in (CLOCK, "heartbeat.clock.")} == {None}


def test_numbers_of_an_older_engine_promise_nothing() -> None:
    core = FeedCore([TRADES, LEVELS, ORDERS, CLOCK], snapshots=False, from_numbers={TRADES: 1})
    core.receive(ORDERS, encode_frame(2, 8, 1, 48, 0, [(ORDER_DELETED, 48, 1)], (0, 6, 8, 1)))
    core.receive(CLOCK, encode_frame(2, 1, 1, 50, 0, [(TICK, 50, 0)]))
    for epoch, log_sequence in ((1, 60), (2, 49)):
        stale = encode_frame(epoch, 8, 1, log_sequence, 0, [(ORDER_DELETED, 48, 1)], (9, 6, 8, 1))
        assert core.receive(ORDERS, stale) == []
        assert core.requests(0) == []
    # Nor does it hide what the frames of the batch that is coming in say.
    core.receive(LEVELS, encode_frame(2, 7, 1, 50, 0, [(LEVEL, 50, BUY, 1, 1, 1)], (1, 7, 9, 1)))
    assert core.missing(TRADES) == (1, 1)
    assert core.missing(ORDERS) is None
    # The frame on `order.` that was to follow is of an engine that is no more: it is not waited for.
    core.receive(CLOCK, encode_frame(3, 2, 1, 40, 0, [(TICK, 40, 0)]))
    assert core.missing(ORDERS) is None


def test_a_prefix_finds_its_topics_by_itself() -> None:
    world = World("level.")
    world.rest(100)
    world.settle()
    world.rest(101)
    world.deliver()
    assert world.levels.levels(BUY) == [(101, 5, 1), (100, 5, 1)]
    assert of_kind(world, Resynced)


def test_a_reader_goes_on_where_an_earlier_one_stopped() -> None:
    world = World(LEVELS)
    for price in (100, 101, 102):
        world.rest(price)
    again = World(LEVELS, engine=world.engine, from_numbers={LEVELS: 2})
    again.settle()
    assert [event.price_ticks for event in again.known(LEVELS).values()] == [101, 102]
    assert of_kind(again, Resynced) == []


def test_a_reader_that_begins_with_a_number_that_does_not_exist_yet_is_ahead() -> None:
    world = World(TRADES, CLOCK, from_numbers={TRADES: 5, CLOCK: 5})
    for _ in range(3):
        world.engine.tick()
    world.rest(100)
    world.rest(100, side=SELL)
    world.settle()
    assert of_kind(world, Withdrawn) == [Withdrawn(CLOCK, 1, 5), Withdrawn(TRADES, 1, 5)]
    assert list(world.known(CLOCK)) == [1, 2, 3]
    assert list(world.known(TRADES)) == [1]


def test_a_frame_older_than_the_number_to_begin_with_is_only_old() -> None:
    world = World(CLOCK, from_numbers={CLOCK: 3})
    for _ in range(4):
        world.engine.tick()
    world.settle()
    assert list(world.known(CLOCK)) == [3, 4]
    assert of_kind(world, Withdrawn) == []


def test_trades_that_are_no_longer_kept_are_named_and_the_rest_comes() -> None:
    world = World(TRADES, engine=SimulatedEngine(feed_ring_max=2), from_numbers={TRADES: 1})
    for price in range(100, 105):
        world.rest(price)
        world.rest(price, side=SELL)
    world.engine.published.clear()
    world.settle()
    assert of_kind(world, Skipped) == [Skipped(TRADES, 1, 4)]
    assert list(world.known(TRADES)) == [4, 5]


def test_of_an_empty_ring_everything_is_skipped() -> None:
    world = World(TRADES, from_numbers={TRADES: 1})
    world.rest(100)
    world.rest(100, side=SELL)
    world.engine.published.clear()
    world.engine.heartbeats()
    world.deliver()
    (request,) = world.core.requests(0)
    refused = Refused(1, 1, reasons.NOT_OFFERED, "nothing")
    world.told(world.core.recovered(encode_envelope(0, 1, 0, 0, 0, [refused]), 0))
    assert request
    assert of_kind(world, Skipped) == [Skipped(TRADES, 1, 2)]
    assert world.core.deadline_ns is None


def test_levels_that_are_no_longer_kept_become_a_snapshot() -> None:
    world = World(LEVELS, engine=SimulatedEngine(feed_ring_max=2))
    world.settle()
    for price in range(100, 110):
        world.rest(price)
    world.engine.published.clear()
    world.settle()
    assert len(of_kind(world, Resynced)) == 2
    assert len(world.levels.levels(BUY)) == 10


def test_a_book_that_is_not_the_engines_begins_anew() -> None:
    world = World(LEVELS)
    world.rest(100)
    world.settle()
    forged = encode_frame(1, world.core.next_number(LEVELS), 1, 0, 0, [Level(1, BUY, 100, 4, 1)])
    world.told(world.core.receive(LEVELS, forged))
    world.rest(99)  # the engine's own event of that number is now taken for a repeat
    world.engine.heartbeats()
    world.deliver()
    assert world.levels.is_wrong
    assert world.core.deadline_ns is not None
    world.settle()
    assert len(of_kind(world, Resynced)) == 2
    assert world.levels.levels(BUY) == [(100, 5, 1), (99, 5, 1)]
    assert not world.levels.is_wrong


def test_a_reader_that_is_ahead_of_a_new_epoch_takes_back_what_never_happened() -> None:
    world = World()
    world.settle()
    world.rest(100)
    world.settle()
    world.rest(101)
    world.rest(101, side=SELL)
    world.settle()
    assert list(world.known(TRADES)) == [1]
    world.engine.restart(forget=2)
    world.settle()
    assert of_kind(world, Withdrawn)
    assert world.known(TRADES) == {}
    world.rest(99)
    world.settle()
    world.check()
    assert world.levels.levels(BUY) == [(100, 5, 1), (99, 5, 1)]


def test_an_epoch_that_goes_on_is_no_reason_to_begin_anew() -> None:
    world = World()
    world.settle()
    world.rest(100)
    world.settle()
    resynced = len(of_kind(world, Resynced))
    world.engine.restart()
    world.rest(101)
    world.settle()
    assert len(of_kind(world, Resynced)) == resynced
    assert of_kind(world, Withdrawn) == []
    world.check()


def test_what_an_older_engine_still_says_is_not_heard() -> None:
    world = World(LEVELS)
    world.settle()
    world.rest(100)
    world.publish()
    late = world.wire.take()
    world.engine.restart(forget=1)
    world.settle()
    for publication in late:
        world.told(world.core.receive(*publication))
    assert world.levels.levels(BUY) == []


def test_a_heartbeat_of_an_older_engine_promises_nothing() -> None:
    order = TopicOrder(CLOCK)
    order.take(frame(1, epoch=2))
    assert order.take_heartbeat(9, epoch=1) == []
    assert order.missing is None
    order.take_heartbeat(9, epoch=2)
    assert order.missing == (2, 9)


def test_the_drop_copy_is_a_stream_of_reports() -> None:
    world = World(DROP)
    world.rest(100)
    world.rest(100, side=SELL)
    world.deliver()
    reports = list(world.known(DROP).values())
    assert all(isinstance(report, DropReport) for report in reports)
    assert [(report.account, report.report_number) for report in reports] == [
        ("operator", 1),
        ("alice", 1),
        ("alice", 2),
        ("alice", 3),
        ("alice", 4),
    ]


def test_an_event_of_an_unknown_kind_has_its_number_all_the_same() -> None:
    core = FeedCore([CLOCK])
    newer = encode_frame(1, 1, 3, 0, 0, [(TICK, 1, 2), (199, "new"), (TICK, 3, 4, "more")])
    (run,) = core.receive(CLOCK, newer)
    assert isinstance(run, Run)
    assert [type(event) for event in run.events] == [Tick, UnknownEvent, Tick]
    assert core.next_number(CLOCK) == 4


@pytest.mark.parametrize("payload", [b"", b"\xc1", b"\x90", encode_frame(1, 1, 2, 0, 0, [(TICK, 1, 2)])])
def test_bytes_that_are_no_frame_are_as_good_as_lost(payload: bytes) -> None:
    core = FeedCore([CLOCK], from_numbers={CLOCK: 1})
    assert core.receive(CLOCK, payload) == []
    assert core.next_number(CLOCK) == 1


def test_a_silent_recovery_service_is_asked_again_and_then_named() -> None:
    world = World(LEVELS)
    for _ in range(ATTEMPTS_MAX):
        assert len(world.core.requests(world.now)) == 1
        assert world.core.requests(world.now) == []
        world.pass_time(ANSWER_TIMEOUT_MS)
    with pytest.raises(GapNotHealed, match=r"level\.BTC-USD\.: the snapshot did not come"):
        world.core.requests(world.now)


def test_a_recovery_service_that_refuses_is_named_at_once() -> None:
    world = World(DROP, from_numbers={DROP: 1})
    world.rest(100)
    world.rest(100)
    world.publish()
    world.told(world.core.receive(*world.wire.take()[-1]))
    world.core.requests(0)
    refused = encode_envelope(0, 1, 0, 0, 0, [Refused(1, 1, reasons.BAD_TOKEN, "no")])
    with pytest.raises(NotTaken, match="bad_token") as caught:
        world.core.recovered(refused, 0)
    assert caught.value.reason == reasons.BAD_TOKEN


def test_too_much_that_came_early_is_asked_for_again(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("bus.sockets.reading.ordering.EARLY_EVENTS_MAX", 5)
    world = World(LEVELS)
    world.settle()
    for price in range(100, 120):
        world.rest(price)
    world.publish()
    world.wire.messages.popleft()
    world.settle()
    assert len(world.levels.levels(BUY)) == 20
    assert len(of_kind(world, Resynced)) == 1


def test_subscriptions_bring_their_heartbeats() -> None:
    assert FeedCore(["trade.A.", "level.A.", CLOCK]).subscriptions == [
        "trade.A.",
        "level.A.",
        CLOCK,
        "heartbeat.A.",
        "heartbeat.clock.",
    ]
    assert FeedCore(["trade."]).subscriptions == ["trade.", "heartbeat."]
    assert FeedCore([DROP]).subscriptions == [DROP, "heartbeat.drop."]


def test_an_order_that_was_never_added_makes_a_book_wrong() -> None:
    book = BookReader("BTC-USD", L3)
    world = World(ORDERS)
    world.settle()
    for item in world.items:
        for one in tell(item):
            book.take(*one)
    assert book.ready
    forged = encode_frame(1, book.number + 1, 1, 0, 0, [(ORDER_DELETED, 9, 77)])
    for item in world.core.receive(ORDERS, forged):
        for one in tell(item):
            book.take(*one)
    assert book.is_wrong


# Everything at once

ACTIONS = st.lists(
    st.tuples(
        st.sampled_from(
            ["trade", "trade", "many", "tick", "heartbeats", "deliver", "deliver", "ask", "hear", "shake",
             "shake answers", "restart", "restart bare", "time", "resync"]
        ),
        st.integers(0, 10),
    ),
    max_size=40,
)  # fmt: skip


def play(world: World, actions: list[tuple[str, int]], chance: random.Random) -> None:
    for action, n in actions:
        if action == "trade":
            world.trade(chance)
        elif action == "many":
            world.trade(chance, n)
        elif action == "tick":
            world.engine.tick()
        elif action == "heartbeats":
            world.engine.heartbeats()
        elif action == "deliver":
            world.deliver()
        elif action == "ask":
            world.ask()
        elif action == "hear":
            world.hear()
        elif action == "shake":
            world.publish()
            world.wire.shake(chance, drop=n / 20, repeat=0.2, swap=0.3)
        elif action == "shake answers":
            world.answers.shake(chance, drop=0.3, repeat=0.3, swap=0.3)
        elif action == "restart":
            world.publish()
            world.engine.restart()
        elif action == "restart bare":
            world.publish()
            world.engine.restart(keep_rings=False)
        elif action == "time":
            world.pass_time(n * 200)
        else:
            world.core.resync("BTC-USD", L2 if n % 2 else L3)


@settings(max_examples=300, deadline=None)
@given(ACTIONS, st.integers(0, 2**32))
def test_on_a_bad_network_every_event_is_told_once_in_order(
    actions: list[tuple[str, int]], seed: int
) -> None:
    world = World(from_numbers={TRADES: 1, CLOCK: 1, DROP: 1, STATUSES: 1})
    play(world, [step for step in actions if step[0] != "restart bare"], random.Random(seed))
    world.settle()
    world.check()
    # Nothing was forgotten, so of these streams not one event may be missing.
    assert of_kind(world, Skipped) == []
    assert of_kind(world, Withdrawn) == []
    for name in (TRADES, CLOCK, STATUSES):
        assert list(world.known(name)) == list(range(1, len(world.engine.events.get(name, [])) + 1))
    assert list(world.known(DROP)) == list(range(1, len(world.engine.drops) + 1))


@settings(max_examples=300, deadline=None)
@given(ACTIONS, st.integers(0, 2**32), st.integers(1, 6))
def test_with_a_short_memory_every_loss_is_named_and_the_books_are_right(
    actions: list[tuple[str, int]], seed: int, kept: int
) -> None:
    world = World(engine=SimulatedEngine(feed_ring_max=kept))
    play(world, actions, random.Random(seed))
    world.settle()
    world.check()


@settings(max_examples=200, deadline=None)
@given(ACTIONS, st.integers(0, 2**32), st.integers(1, 8), ACTIONS)
def test_after_a_loss_of_power_the_reader_knows_what_the_engine_knows(
    before: list[tuple[str, int]], seed: int, forget: int, after: list[tuple[str, int]]
) -> None:
    chance = random.Random(seed)
    world = World()
    play(world, before, chance)
    world.publish()
    world.wire.take()
    world.engine.restart(forget=forget)
    if "BTC-USD" not in world.engine.engine.state.instruments:
        world.begin_market()
    # The first heartbeats of the new engine arrive: they say where it goes on.
    world.engine.heartbeats()
    world.deliver()
    play(world, after, chance)
    world.settle()
    world.check()
