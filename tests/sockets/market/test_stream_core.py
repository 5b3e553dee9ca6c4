"""Streams that arrive whole and in order from publishers that die, begin anew and lose; or a gap that has a name."""

import random

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from bus.errors import GapNotHealed, NotTaken
from bus.protocol import reasons
from bus.protocol.codec import encode, encode_envelope
from bus.protocol.control import Refused
from bus.protocol.feed import Trade
from bus.protocol.market.codec import encode_market_frame
from bus.protocol.market.requests import DepthRequest, StreamReplay, TradesRequest
from bus.protocol.market.streams import AlertFired, CandleUpdated
from bus.sockets.market import chain, healing
from bus.sockets.market.roster import SILENCE_MS_MAX
from bus.sockets.market.stream_core import StreamCore
from bus.sockets.market.stream_items import (
    JOINED,
    MISSED,
    WRONG,
    Differs,
    Position,
    Published,
    PublisherHeard,
    PublisherSilent,
    Resynced,
    Skipped,
)
from bus.sockets.reading.feed_items import UnknownEvent
from tests.support.drawn import drawn
from tests.support.market_world import ALL, BOOKS, SYMBOL, TRADES, WHOLE, World

DEPTH = f"depth.{SYMBOL}."
DEPTHS = tuple(f"{kind}.{SYMBOL}." for kind in BOOKS)
CANDLES = f"candle-1m.{SYMBOL}."
ALERTS = f"alert.{SYMBOL}."


def joined(seed: int = 1, publishers: int = 2, topics: tuple[str, ...] = ALL, **options: int) -> World:
    """The reader has joined and holds everything."""
    world = World(seed, publishers, topics, **options)
    world.move(20)
    world.say(heartbeats=True)
    world.settle(30)
    assert world.is_complete()
    world.items.clear()
    for publisher in world.publishers:
        publisher.asked.clear()
    return world


def begun_anew(world: World) -> list[tuple[str, str]]:
    """What was told to begin anew, and why; and what was told to be missed."""
    return [
        (item.topic, item.reason if isinstance(item, Resynced) else "skipped")
        for item in world.items
        if isinstance(item, Resynced | Skipped)
    ]


# Anything may happen.


@drawn(60)
@given(st.integers(0, 2**32), st.integers(1, 3), st.sampled_from((6, 50, 500)))
# Trades that an engine lost: none behind them; none, and nobody asked; others, with a frame where one had been.
@example(9915, 1, 6)
@example(20632, 1, 50)
@example(20704, 2, 50)
def test_whatever_the_network_and_the_publishers_do(seed: int, publishers: int, ring_max: int) -> None:
    """Books are the market's at each step, trades come each once; at the end all is there, and nobody differs."""
    chance = random.Random(seed)
    world = World(seed, publishers, ring_max=ring_max)
    for _ in range(80):
        step(world, chance)
    world.lives = [True] * publishers
    world.settle()
    assert world.is_complete()
    assert not world.told(Differs)
    assert WRONG not in {item.reason for item in world.told(Resynced)}


def step(world: World, chance: random.Random) -> None:
    """Something happens."""
    index = chance.randrange(len(world.publishers))
    publisher = world.publishers[index]
    what = chance.randrange(100)
    if what < 40:
        world.move(chance.randrange(1, 4), quiet=chance.random() < 0.3)
    elif what < 65:
        publisher.come(chance.randrange(1, 6))
    elif what < 70:
        publisher.heartbeat()
    elif what < 74:
        publisher.restart()
    elif what < 76:
        publisher.miss(chance.randrange(3))
    elif what < 78:
        world.lives[index] = not world.lives[index]
    elif what < 80:
        world.market.restart_engine(chance.choice((0, 0, 1, 3)))
    world.send()
    if chance.random() < 0.3:
        world.shake(chance, drop=0.1, repeat=0.05, swap=0.05)
    if chance.random() < 0.7:
        world.deliver(chance.choice((None, index)))
    if chance.random() < 0.7:
        world.ask(all_taken=False)
    if chance.random() < 0.7:
        world.hear()
    world.pass_time(chance.choice((1, 10, 100, 400)))


# Several publishers.


def test_the_first_that_says_a_frame_is_heard_and_the_others_repeat_it() -> None:
    world = joined()
    world.move(30)
    world.say()
    world.deliver()
    heard = {item.publisher for item in world.told(Published)}
    frames = [(item.topic, item.time_ns, item.sequence) for item in world.told(Published)]
    assert heard == {0}
    assert len(frames) == len(set(frames))
    assert world.is_complete() or world.told(Published, DEPTH)


def test_nobody_is_asked_for_what_another_one_is_about_to_say() -> None:
    """One has lost something, or begins anew; what it lacks of the other is under way, and comes bit by bit."""
    for begins_anew in (False, True):
        world = joined(topics=(TRADES, DEPTH))
        world.move(20)
        world.say()
        if begins_anew:
            world.publishers[0].restart()
            world.send()
        frames = world.wires[1].take()
        lost = world.wires[0].take()
        for name, frame in lost[-1:] if begins_anew else lost[2:]:
            world.wires[0].put((name, frame))
        world.deliver(0)
        for name, frame in frames:
            world.ask()
            world.pass_time(40)
            world.wires[1].put((name, frame))
            world.deliver(1)
        world.settle(1)
        assert world.is_complete()
        assert [item for publisher in world.publishers for item in publisher.asked] == []


@pytest.mark.parametrize("dies", [0, 1])
def test_the_death_of_one_publisher_loses_nothing_and_repeats_nothing(dies: int) -> None:
    """In mid-stream: what it had said arrives in part. Nobody is asked for anything."""
    world = joined(seed=dies)
    for _ in range(10):
        world.move(3)
        world.publishers[dies].come(2)
        world.send()
        world.deliver(dies)
        world.say()
        world.lives[dies] = False
        world.wires[dies].take()
        world.deliver()
        world.ask()
        world.pass_time(10)
    world.settle()
    assert world.is_complete()
    assert begun_anew(world) == []
    assert [item for publisher in world.publishers for item in publisher.asked] == []


def test_a_publisher_that_begins_anew_is_nothing_new_while_another_knows_what_was_before() -> None:
    world = joined()
    for _ in range(5):
        world.publishers[0].restart()
        world.move(4)
        world.say()
        world.deliver(0)
        world.ask()
        world.deliver(1)
        world.settle(60)
    assert world.is_complete()
    assert begun_anew(world) == []


def test_while_the_market_rests_another_one_proves_that_nothing_lies_before_a_new_chain() -> None:
    world = joined()
    before = {name: world.core.position(name) for name in (TRADES, *DEPTHS)}
    world.move(3, quiet=True)
    world.say()
    world.publishers[0].restart()
    world.send()
    world.deliver(0)
    world.settle(25)
    assert begun_anew(world) == []
    assert StreamReplay(TRADES, before[TRADES].sequence) in world.publishers[1].asked  # type: ignore[union-attr]
    assert all(isinstance(item, StreamReplay) for item in world.publishers[1].asked)
    assert world.publishers[0].asked == []
    assert world.core.position(TRADES) != before[TRADES]


# Gaps.


def lose(world: World, moves: int) -> None:
    """So much is said and lost, and a little more is said and comes."""
    world.move(moves)
    world.say()
    for wire in world.wires:
        wire.take()
    world.move(2, quiet=True)
    world.move(2)
    world.settle(1)


def test_what_was_lost_is_replayed() -> None:
    world = joined(publishers=1)
    lose(world, 10)
    world.settle(30)
    assert world.is_complete()
    assert begun_anew(world) == []
    assert {type(item) for item in world.publishers[0].asked} == {StreamReplay}


def test_a_lost_last_frame_is_noticed_by_a_heartbeat() -> None:
    world = joined(publishers=1)
    world.move(3)
    world.say()
    world.wires[0].take()
    assert not world.is_complete()
    world.publishers[0].heartbeat()
    world.send()
    world.deliver()
    for _ in range(10):
        world.ask()
        world.hear()
        world.pass_time(1)
    assert world.trade_ids[-1] == max(world.market.trades())
    assert begun_anew(world) == []


def test_what_nobody_keeps_is_had_from_snapshots_and_told() -> None:
    world = joined(publishers=1, ring_max=4)
    lose(world, 60)
    world.settle(30)
    assert world.is_complete()
    assert {topic for topic, _ in begun_anew(world)} >= {TRADES, DEPTH}
    assert {reason for _, reason in begun_anew(world)} == {MISSED}
    assert {type(item) for item in world.publishers[0].asked} == {StreamReplay, DepthRequest, TradesRequest}


def test_trades_that_nobody_gives_are_named() -> None:
    world = joined(publishers=2, ring_max=4, topics=(TRADES,))
    held = world.core.position(TRADES)
    for publisher in world.publishers:
        publisher.refuses.add(TradesRequest)
    lose(world, 60)
    world.settle(30)
    (skipped,) = world.told(Skipped)
    assert held is not None
    assert (skipped.topic, skipped.after_sequence) == (TRADES, held.sequence)
    assert skipped.after_sequence < skipped.sequence < world.market.moments[-1].sequence
    assert begun_anew(world) == [(TRADES, "skipped"), (TRADES, MISSED)]
    assert world.is_complete()


def test_trades_that_come_while_they_are_asked_for_come_once() -> None:
    """One publisher begins anew far ahead; what the other has said is under way, and it no longer keeps it."""
    world = joined(publishers=2, ring_max=1, topics=(TRADES,))
    for publisher in world.publishers:
        publisher.answers_frames_max = 500
    world.move(30)
    world.say()
    late = world.wires[1].take()
    world.wires[0].take()
    world.publishers[0].restart()
    world.send()
    world.deliver()
    for _ in range(20):
        world.ask()
        if any(isinstance(item, TradesRequest) for item in world.publishers[0].asked):
            break
        world.hear()
        world.pass_time(50)
    for name, frame in late[: len(late) // 2]:
        world.wires[1].put((name, frame))
    world.deliver()
    world.settle(20)
    assert world.is_complete()
    assert begun_anew(world) == [(TRADES, MISSED)]


def test_a_publisher_alone_that_begins_anew_says_why() -> None:
    """Trades that happened in between are asked for; a book is in the beginning itself."""
    world = joined(publishers=1)
    world.move(10)
    world.publishers[0].miss(10)
    world.send()
    world.deliver()
    for _ in range(20):
        world.ask()
        world.hear()
        world.pass_time(1)
    assert [told for told in begun_anew(world) if told[0] != TRADES] == [(name, "gap") for name in DEPTHS]
    assert {reason for topic, reason in begun_anew(world) if topic == TRADES} == {MISSED}
    assert {type(item) for item in world.publishers[0].asked} == {TradesRequest}
    world.settle(5)
    assert world.is_complete()


def test_the_next_publisher_is_asked_when_one_refuses_or_does_not_answer() -> None:
    for refuses in (True, False):
        world = joined(publishers=2)
        if refuses:
            world.publishers[0].refuses.add(StreamReplay)
        else:
            world.publishers[0].is_mute = True
        lose(world, 10)
        world.settle(40)
        assert world.is_complete()
        assert begun_anew(world) == []
        assert {type(item) for item in world.publishers[1].asked} == {StreamReplay}


def test_what_is_not_known_yet_is_asked_for_a_little_later() -> None:
    world = World(3, 1, (DEPTH,))
    world.move(5)
    world.say(heartbeats=True)
    world.publishers[0].not_yet = 4
    for _ in range(5):
        assert not world.is_complete()
        world.ask()
        world.hear()
        world.pass_time(healing.BEHIND_MS)
    assert world.is_complete()


def test_an_answer_counts_only_from_whom_it_was_asked_of() -> None:
    world = World(3, 2, (DEPTH,))
    world.move(5)
    world.say()
    _, requests = world.core.advance(0, False)
    ((asked, request),) = requests
    (answer,) = world.publishers[asked].answer(request)
    assert world.core.answered(1 - asked, answer, 0) == []


def test_a_publisher_that_is_there_and_never_answers_is_given_up() -> None:
    world = joined(publishers=1, topics=(DEPTH,))
    world.publishers[0].is_mute = True
    lose(world, 10)
    with pytest.raises(GapNotHealed, match=r"depth\.BTC-USD\.: what is missing did not come"):
        world.settle(600)
    assert world.now >= healing.ROUNDS_MAX * healing.ANSWER_TIMEOUT_MS * 1_000_000


def test_nobody_is_asked_and_nothing_is_given_up_while_nobody_is_there() -> None:
    world = World(1, 2)
    world.lives = [False, False]
    for _ in range(100):
        world.ask()
        world.pass_time(1_000)
    assert [type(item) for item in world.items] == [PublisherSilent, PublisherSilent]
    assert not world.publishers[0].asked
    world.lives = [True, True]
    world.move(5)
    world.settle()
    assert world.is_complete()


def test_a_refusal_of_what_was_said_at_all_is_raised() -> None:
    core = StreamCore([DEPTH], ["p"])
    core.advance(0, False)
    refused = Refused(1, 1, reasons.MALFORMED, "what?")
    with pytest.raises(NotTaken, match="malformed: what"):
        core.answered(0, encode_envelope(0, 1, 0, 1, 1, [refused]), 0)


def test_frames_that_come_early_are_bounded_and_come_again(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(chain, "EARLY_FRAMES_MAX", 3)
    world = joined(publishers=1, ring_max=500)
    world.move(2)
    world.say()
    world.wires[0].take()
    for _ in range(30):
        world.move()
        world.say()
        world.deliver()
        assert all(len(of._early) <= 3 for of in world.core._chains.values())
    world.settle(60)
    assert world.is_complete()
    assert begun_anew(world) == []


# An engine that was started again.


def test_an_engine_that_starts_again_begins_nothing_anew() -> None:
    world = joined(topics=(TRADES, DEPTH))
    world.move(3)
    world.say()
    world.deliver()
    world.market.restart_engine()
    world.move(5)
    world.settle(20)
    assert world.is_complete()
    assert begun_anew(world) == []


def test_a_publisher_that_begins_anew_behind_an_engine_that_did_took_nothing_back() -> None:
    world = joined(topics=(TRADES, DEPTH))
    world.market.restart_engine()
    world.move(3)
    world.publishers[0].restart(at_end=True)
    world.send()
    world.deliver()
    world.move(2)
    world.settle(20)
    assert world.is_complete()
    assert begun_anew(world) == []


def test_what_the_engine_took_back_begins_anew() -> None:
    world = joined(topics=(TRADES, DEPTH))
    world.move(6)
    world.say()
    world.deliver()
    world.market.restart_engine(forget=4)
    world.move(6)
    world.settle(20)
    assert world.is_complete()
    assert set(begun_anew(world)) == {(TRADES, "withdrawn"), (DEPTH, "withdrawn")}


def test_trades_behind_what_was_taken_back_are_asked_for_by_their_new_ids() -> None:
    world = joined(seed=4, publishers=1, topics=(TRADES,), ring_max=2)
    world.move(9)
    world.say()
    world.deliver()
    world.market.restart_engine(forget=9)
    world.settle(3)
    assert begun_anew(world) == [(TRADES, "withdrawn")]
    known = max(world.market.trades())
    assert known < world.trade_ids[-1]
    first = len(world.trade_ids)
    lose(world, 5)
    world.settle(5)
    assert world.trade_ids[first:] == list(range(known + 1, max(world.market.trades()) + 1))
    assert set(begun_anew(world)[1:]) == {(TRADES, MISSED)}


# Books.


def test_books_are_proved_by_heartbeats_and_begin_anew_when_they_are_wrong() -> None:
    world = joined(publishers=1)
    depths = world.depths.values()
    checks = [depth.checks for depth in depths]
    world.settle(2)
    assert [depth.checks for depth in depths] == [before + 2 for before in checks]
    world.publishers[0].checksum_error = 1
    world.publishers[0].heartbeat()
    world.send()
    world.deliver()
    assert all(depth.is_wrong for depth in depths)
    asked = world.publishers[0].asked
    for _ in range(
        3
    ):  # what is given anew is wrong as well: it is asked for with each heartbeat, not all the time
        world.settle(1)
        assert all(depth.is_wrong for depth in depths)
    assert 2 * len(depths) <= asked.count(DepthRequest(SYMBOL)) <= 4 * len(depths)
    world.publishers[0].checksum_error = 0
    world.settle(3)
    assert not any(depth.is_wrong for depth in depths)
    assert set(begun_anew(world)) == {(name, WRONG) for name in DEPTHS}


def test_a_book_that_its_publisher_doubts_begins_anew_although_another_knows_what_follows() -> None:
    """Whose frames it was made of nobody knows any more."""
    world = joined(publishers=2)
    world.move()
    while not world.market.moments[-1].levels:
        world.move()
    world.say()
    world.deliver()  # what is doubted is the last frame that was taken
    world.publishers[0].doubt_book()
    world.settle(2)
    assert set(begun_anew(world)) == {(name, "wrong book") for name in DEPTHS}
    assert world.publishers[1].asked.count(DepthRequest(SYMBOL)) == len(DEPTHS)
    world.publishers[0].refuses.clear()
    world.publishers[0].restart()
    world.move(5)
    world.settle(40)
    assert world.is_complete()


def test_a_book_that_its_only_publisher_doubts_waits_for_a_new_one() -> None:
    world = joined(publishers=1, topics=(DEPTH,))
    world.publishers[0].doubt_book()
    world.settle(40)
    assert begun_anew(world) == []
    world.move(5)
    world.publishers[0].refuses.clear()
    world.settle(20)
    assert begun_anew(world) == [(DEPTH, "wrong book")]
    assert world.is_complete()


def test_the_first_frame_that_there_ever_was_follows_anything() -> None:
    world = joined(publishers=1, topics=(TRADES,))
    position = world.core.position(TRADES)
    assert position is not None
    trade = Trade(position.sequence + 5, 1, 1, 1, 1, 1)
    frame = encode_market_frame(1, position.sequence + 5, 0, 1, encode([trade]))
    for core in (world.core, StreamCore([TRADES], ["p"])):
        (item,) = core.receive(0, TRADES, frame, world.now)
        assert isinstance(item, Published)
        assert item.events == [trade]


def test_a_late_joiner_gets_the_book_first() -> None:
    world = World(3, 1, (DEPTH,))
    world.move(10)
    world.say()
    world.deliver()  # its chain began before
    world.ask()
    world.hear()
    assert [(type(item), item.reason) for item in world.told(Resynced)] == [(Resynced, JOINED)]
    assert world.is_complete()


# Streams whose frames are whole.


def test_the_newest_frame_counts_and_a_lost_one_comes_again() -> None:
    world = joined(publishers=1, topics=WHOLE_TOPICS)
    world.move(10)
    world.say()
    frames = world.wires[0].take()
    late = next(frame for name, frame in frames if name == CANDLES)
    world.publishers[0].heartbeat()
    world.send()
    world.deliver()
    world.ask()
    world.hear()
    (item,) = world.told(Published, CANDLES)
    assert item.events == [world.publishers[0].candle()]
    assert isinstance(item.events[0], CandleUpdated)
    assert world.core.receive(0, CANDLES, late, world.now) == []
    world.items.clear()
    world.settle(5)
    assert world.told(Published, CANDLES) == []


WHOLE_TOPICS = tuple(f"{kind}.{SYMBOL}." for kind in WHOLE)


def test_each_alert_comes_once_whoever_has_it_and_whenever_it_is_said() -> None:
    core = StreamCore([ALERTS], ["p", "q"])

    def fired(*alerts: tuple[int, str]) -> bytes:
        events = [AlertFired(sequence, alert_id, "price", 1, 1) for sequence, alert_id in alerts]
        return encode_market_frame(1, alerts[-1][0], 0, alerts[-1][0], encode(events))

    given = [
        [
            (event.sequence, event.alert_id)
            for item in items
            if isinstance(item, Published)
            for event in item.events
        ]
        for items in (
            core.receive(0, ALERTS, fired((5, "a")), 0),
            core.receive(1, ALERTS, fired((7, "b")), 0),
            core.receive(1, ALERTS, fired((5, "a"), (5, "c")), 0),
            core.receive(0, ALERTS, fired((7, "b")), 0),
        )
    ]
    assert given == [[(5, "a")], [(7, "b")], [(5, "c")], []]


# Who is there, and whether they say the same.


def test_a_publisher_that_falls_silent_is_told_and_so_is_its_return() -> None:
    world = joined()
    world.lives[1] = False
    for _ in range(SILENCE_MS_MAX // 100 + 1):
        world.say(heartbeats=True)
        world.deliver()
        world.ask()
        world.pass_time(100)
    assert world.told(PublisherSilent) == [PublisherSilent(1, "tcp://p1", SILENCE_MS_MAX)]
    world.lives[1] = True
    world.settle(3)
    assert world.told(PublisherHeard) == [PublisherHeard(1, "tcp://p1", "p1")]


def test_who_has_not_read_everything_calls_nobody_silent() -> None:
    world = joined()
    world.pass_time(10 * SILENCE_MS_MAX)
    world.ask(all_taken=False)
    assert world.told(PublisherSilent) == []
    world.settle(1)
    assert world.told(PublisherSilent) == []


def test_publishers_that_differ_in_a_frame_are_told_once_in_ten_seconds() -> None:
    world = joined(topics=(TRADES,))
    world.publishers[1].lies = True
    for _ in range(30):
        world.move(ms_max=20)
        world.say()
        world.deliver()
    (differs,) = world.told(Differs)
    assert differs.topic == TRADES
    assert differs.publishers == ("tcp://p0", "tcp://p1")
    assert differs.sequence in {item.sequence for item in world.told(Published, TRADES)}


def test_publishers_that_differ_in_what_a_reader_does_not_read_are_told_by_their_digests() -> None:
    world = joined(topics=(DEPTH,))
    world.publishers[1].lies = True
    for _ in range(80):
        world.move(ms_max=3_000)
        world.settle(1)
    assert {item.topic for item in world.told(Differs)} == {f"heartbeat.{SYMBOL}."}
    assert len(world.told(Differs)) > 3


def test_publishers_that_agree_are_not_told_also_when_they_begin_anew() -> None:
    world = joined()
    for number in range(120):
        world.move(ms_max=3_000)
        if number % 25 == 7:
            world.publishers[number % 2].restart()
        world.settle(1)
    digests = [
        event.digest for item in world.told(Published, f"heartbeat.{SYMBOL}.") for event in item.events
    ]
    assert len(set(digests)) > 3
    assert world.told(Differs) == []


# What is wanted.


def test_a_next_life_goes_on_where_the_last_one_ended() -> None:
    world = joined(publishers=1, topics=(TRADES, DEPTH))
    positions = {name: world.core.position(name) for name in (TRADES, DEPTH)}
    world.move(5)
    world.say()
    world.deliver()
    told = [item for item in world.items if isinstance(item, Published)]
    held = {name: position for name, position in positions.items() if position is not None}
    again = StreamCore([], ["p"], from_positions=held)
    items = []
    world.publishers[0].heartbeat()
    for name, frame in world.publishers[0].published:
        items += again.receive(0, name, frame, 0)
    for _ in range(10):
        _, requests = again.advance(0, False)
        for _, request in requests:
            for answer in world.publishers[0].answer(request):
                items += again.answered(0, answer, 0)
    frames = [
        item for item in items if isinstance(item, Published) and not item.topic.startswith("heartbeat")
    ]
    assert sorted(frames, key=str) == sorted(told, key=str)
    assert not [item for item in items if isinstance(item, Resynced | Skipped)]


def test_a_next_life_is_not_told_trades_again_that_came_in_another_way() -> None:
    """The last life ended among trades that were had by request, in the middle of what one frame says."""
    trades = [Trade(50, 1, trade_id, 1, 1, 1) for trade_id in (7, 8, 9)]
    frame = encode_market_frame(1, 50, 40, 1, encode(trades))
    core = StreamCore([], ["p"], from_positions={TRADES: Position(1, 49, 1, 8)})
    (item,) = core.receive(0, TRADES, frame, 0)
    assert isinstance(item, Published)
    assert item.events == trades[2:]


def test_prefixes_bring_every_symbol_and_the_heartbeats_that_belong_to_them() -> None:
    core = StreamCore(["trades.", "candle-1m.ETH-USD."], ["p"])
    assert core.subscriptions == ["trades.", "candle-1m.ETH-USD.", "heartbeat.", "heartbeat.ETH-USD."]
    assert core.follow([DEPTH, "trades."]) == [DEPTH, f"heartbeat.{SYMBOL}."]
    assert core.unfollow(["trades.", CANDLES]) == ["trades.", "heartbeat."]
    assert core.unfollow([DEPTH, "candle-1m.ETH-USD."]) == [
        "candle-1m.ETH-USD.",
        DEPTH,
        "heartbeat.ETH-USD.",
        f"heartbeat.{SYMBOL}.",
    ]
    with pytest.raises(ValueError, match="at least one publisher"):
        StreamCore([], [])


def test_what_is_no_longer_wanted_is_neither_given_nor_asked_for() -> None:
    world = joined(publishers=1, topics=(TRADES, DEPTH, CANDLES))
    world.move(20)
    world.say()
    frames = world.wires[0].take()
    world.core.unfollow([TRADES, DEPTH, CANDLES])
    assert [item for name, frame in frames for item in world.core.receive(0, name, frame, world.now)] == []
    assert world.core.advance(world.now, False) == ([], [])


# What is no frame.


def test_what_cannot_be_decoded_is_as_good_as_lost_and_unknown_events_have_their_place() -> None:
    world = joined(publishers=1, topics=(TRADES, DEPTH))
    position = world.core.position(DEPTH)
    assert position is not None
    for payload in (
        b"",
        b"\xc1",
        encode([1, 2]),
        encode_market_frame(1, 10**6, position.sequence, 1, encode(5)),
    ):
        assert world.core.receive(0, DEPTH, payload, world.now) == []
    assert world.core.answered(0, b"\xc1", world.now) == []
    events = encode([[199, 1, "of tomorrow"], [61, 1, 1, 990, 5, 1, "a field of tomorrow"]])
    frame = encode_market_frame(1, position.sequence + 1, position.sequence, 1, events)
    (item,) = world.core.receive(0, DEPTH, frame, world.now)
    assert isinstance(item, Published)
    assert item.events[0] == UnknownEvent(encode([199, 1, "of tomorrow"]))
    assert item.events[1].price_ticks == 990
