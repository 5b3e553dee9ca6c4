"""What always holds, whatever the log: snapshots, numbers, rebuilt books, conservation, anonymity, time, shapes.

The logs are those of `tests.support.markets`. Short ones are drawn by Hypothesis, long ones walked from a seed, which
is in the name of the test.
"""

from collections.abc import Iterable
from typing import Any, get_args

import msgspec
import pytest
from hypothesis import given

from bus.protocol import codec, feed, reasons, reports
from bus.protocol.checksum import book_checksum
from bus.protocol.commands import EnterOrder, ReplaceOrder
from bus.protocol.terms import BUY, IN_AUCTION, MAKER, SELL, TAKER
from matcher.codec.state_codec import decode_state, encode_state, state_digest
from matcher.engine import Engine
from tests.support.drawn import drawn, seeds
from tests.support.markets import (
    ACCOUNTS,
    Collected,
    Message,
    Record,
    Step,
    apply_step,
    logs,
    timed,
    walk,
)

Row = tuple[int, int, int]

CLASSES: dict[int, Any] = {
    cls.__struct_config__.tag: cls for cls in (*get_args(reports.Report), *get_args(feed.Event))
}
#: Reasons of what no command asks for and what is published before it does anything, or after.
BY_THE_ENGINE = (
    *(reasons.EXPIRED, reasons.CANCEL_ALL_AFTER, reasons.LINKED),
    *(reasons.PEG_MOVED, reasons.REFERENCE_GONE, reasons.AUCTION_OVER),
)
#: Events of commands that the walks do not draw: they have walks and stories of their own.
NOT_IN_WALKS = (
    *("TradeBusted", "TradeCorrected", "TradeRevised", "KillSwitchSet", "EmergencySet", "Moved", "Settled"),
    *("BreakerTripped", "ScheduleSet", "AccountClosed"),
)
SEEDS = seeds(6)
LENGTH = 300


def replayed(
    steps: Iterable[tuple[Step, int]], engine: Engine | None = None, *, take_every: int = 1
) -> tuple[Engine, Collected]:
    """An engine after a log, and all that it said, taken after each so many steps and at the end."""
    engine = engine or Engine()
    collected = Collected()
    for number, (step, time_ns) in enumerate(steps, 1):
        apply_step(engine, step, time_ns)
        if number % take_every == 0:
            collected.add(engine.take_outputs())
    collected.add(engine.take_outputs())
    return engine, collected


def copied(engine: Engine) -> Engine:
    """An engine that starts from the other one's snapshot; what was taken has been taken."""
    return Engine(decode_state(encode_state(engine.state)))


# Snapshots.


@drawn(40)
@given(logs(length_max=16))
def test_a_snapshot_at_any_position_and_the_rest_of_the_log_are_the_whole_log(steps: list[Step]) -> None:
    log = timed(steps)
    whole, said = replayed(log)
    digest = state_digest(whole.state)
    for position in range(len(log)):
        engine, before = replayed(log[:position])
        engine = copied(engine)
        engine.state.check()
        for step, time_ns in log[position:]:
            apply_step(engine, step, time_ns)
            before.add(engine.take_outputs())
        assert before.streams == said.streams, f"cut at {position}"
        assert state_digest(engine.state) == digest, f"cut at {position}"


@pytest.mark.parametrize("seed", SEEDS)
def test_an_engine_that_is_its_own_snapshot_after_each_step_notices_nothing(seed: int) -> None:
    engine, relay = Engine(), Engine()
    for number, (step, time_ns) in enumerate(timed(walk(seed, LENGTH))):
        apply_step(engine, step, time_ns)
        apply_step(relay, step, time_ns)
        assert relay.take_outputs() == engine.take_outputs(), f"step {number}"
        payload = encode_state(engine.state)
        assert encode_state(relay.state) == payload, f"step {number}"
        relay = Engine(decode_state(payload))
        relay.state.check()
        assert encode_state(relay.state) == payload, f"step {number}"


# Numbers.


@pytest.mark.parametrize("seed", SEEDS)
@pytest.mark.parametrize("take_every", [2, 7, 1000])
def test_numbers_do_not_depend_on_when_the_outputs_are_taken(seed: int, take_every: int) -> None:
    log = timed(walk(seed, LENGTH))
    one, said_often = replayed(log)
    other, said_rarely = replayed(log, take_every=take_every)
    assert said_rarely.streams == said_often.streams
    assert state_digest(other.state) == state_digest(one.state)


@pytest.mark.parametrize("seed", SEEDS)
def test_a_message_of_many_commands_is_as_many_messages_of_one(seed: int) -> None:
    log = timed(walk(seed, LENGTH))
    one, said_together = replayed(log)
    other, said_singly = replayed(singly(log))
    assert said_singly.streams == said_together.streams
    assert state_digest(other.state) == state_digest(one.state)


def singly(log: list[tuple[Step, int]]) -> Iterable[tuple[Step, int]]:
    """The same commands, each in a message of its own, made and taken at the same time."""
    for step, time_ns in log:
        if isinstance(step, Record):
            yield step, time_ns
            continue
        for i, item in enumerate(step.items):
            if not isinstance(item, codec.Malformed):
                yield (
                    Message(step.session, (item,), 0, step.age_ns, step.correlation_id + i),
                    time_ns,
                )


# The public book.


@pytest.mark.parametrize("seed", SEEDS)
def test_readers_rebuild_the_book_from_the_feed_after_every_step(seed: int) -> None:
    engine, collected = Engine(), Collected()
    for number, (step, time_ns) in enumerate(timed(walk(seed, LENGTH))):
        apply_step(engine, step, time_ns)
        collected.add(engine.take_outputs())
        if number % 10:
            continue
        for symbol, instrument in engine.state.instruments.items():
            by_level = rebuilt_levels(collected.of_kind("level").get(symbol, []))
            by_order = rebuilt_orders(collected.of_kind("order").get(symbol, []))
            for side in (BUY, SELL):
                assert by_level[side] == instrument.book.levels(side)
                assert by_order[side] == instrument.book.orders(side)
                assert levels_of(by_order[side]) == by_level[side]
            assert book_checksum(by_level[BUY], by_level[SELL]) == instrument.book.checksum()
            trades = collected.of_kind("trade").get(symbol, [])
            assert instrument.last_price_ticks == (trades[-1][4] if trades else 0)


@pytest.mark.parametrize("seed", SEEDS)
def test_a_command_says_one_thing_about_each_level_and_only_what_changed(seed: int) -> None:
    _, collected = replayed(timed(walk(seed, LENGTH)))
    # What was due before a command, and each order that it triggers, publish theirs by themselves.
    in_steps = {
        event[1]
        for events in collected.private.values()
        for event in events
        if event[0] == reports.TRIGGERED
        or (event[0] in (reports.CANCELLED, reports.RESTATED) and event[-1] in BY_THE_ENGINE)
    }
    for events in collected.of_kind("level").values():
        shown: dict[tuple[int, int], tuple[int, int]] = {}
        touched: set[tuple[int, int, int]] = set()
        for _, sequence, side, price, quantity, count in events:
            assert (sequence, side, price) not in touched or sequence in in_steps, "once a command"
            touched.add((sequence, side, price))
            assert (quantity == 0) == (count == 0), "nothing is left of a level when nobody is"
            assert count or (side, price) in shown, "a level that vanishes was there"
            shown[side, price] = (quantity, count)
            if not count:
                del shown[side, price]


def rebuilt_levels(events: list[Any]) -> dict[int, list[Row]]:
    """L2 as a reader has it, best first."""
    levels: dict[int, dict[int, tuple[int, int]]] = {BUY: {}, SELL: {}}
    for _, _, side, price, quantity, count in events:
        if count:
            levels[side][price] = (quantity, count)
        else:
            del levels[side][price]
    return {
        side: [(price, *levels[side][price]) for price in sorted(levels[side], reverse=side == BUY)]
        for side in (BUY, SELL)
    }


def rebuilt_orders(events: list[Any]) -> dict[int, list[Row]]:
    """L3 as a reader has it: `(public_id, price, quantity)`, best first, within a price as they came."""
    resting: dict[int, list[int]] = {}  # by public id: side, price, quantity; dicts keep the order of arrival
    for tag, _, public_id, *rest in events:
        if tag == feed.ORDER_ADDED:
            assert public_id not in resting, "a public id is new"
            resting[public_id] = rest
        elif tag == feed.ORDER_EXECUTED:
            quantity, leaves, _ = rest
            assert resting[public_id][2] - quantity == leaves, (
                "what is left is what was there less what traded"
            )
            resting[public_id][2] = leaves
            if not leaves:
                del resting[public_id]
        elif tag == feed.ORDER_REDUCED:
            assert rest[0] < resting[public_id][2], "reduced is fewer"
            resting[public_id][2] = rest[0]
        else:
            del resting[public_id]
    return {
        wanted: sorted(
            (
                (public_id, price, quantity)
                for public_id, (side, price, quantity) in resting.items()
                if side == wanted
            ),
            key=lambda row: -row[1] if wanted == BUY else row[1],
        )
        for wanted in (BUY, SELL)
    }


def levels_of(orders: list[Row]) -> list[Row]:
    """L2 out of L3."""
    levels: list[Row] = []
    for _, price, quantity in orders:
        if levels and levels[-1][0] == price:
            levels[-1] = (price, levels[-1][1] + quantity, levels[-1][2] + 1)
        else:
            levels.append((price, quantity, 1))
    return levels


# Auctions.


@pytest.mark.parametrize("seed", SEEDS)
def test_the_trades_of_an_auction_are_of_one_price_and_of_as_many_lots_as_is_told(seed: int) -> None:
    _, collected = replayed(timed(walk(seed, LENGTH)))
    for symbol, events in collected.of_kind("status").items():
        ended = [_named(event) for event in events if event[0] == feed.AUCTION_ENDED]
        told: dict[tuple[int, int], int] = {}
        for auction in ended:
            assert (auction.quantity_lots == 0) == (auction.price_ticks == 0)
            if auction.quantity_lots:
                told[auction.sequence, auction.price_ticks] = auction.quantity_lots
        made: dict[tuple[int, int], int] = {}
        for event in collected.of_kind("trade").get(symbol, []):
            if event[0] == feed.TRADE and not event[6]:
                made[event[1], event[4]] = made.get((event[1], event[4]), 0) + event[5]
        assert made == told


# Conservation.


@pytest.mark.parametrize("seed", SEEDS)
def test_no_order_is_filled_beyond_its_quantity_and_each_trade_has_two_sides(seed: int) -> None:
    _, collected = replayed(timed(walk(seed, LENGTH)))
    sides: dict[tuple[str, int], list[Any]] = {}
    for stream in collected.private.values():
        quantity: dict[int, int] = {}
        filled: dict[int, int] = {}
        closed: set[int] = set()
        for event in (_named(row) for row in stream):
            kind = type(event)
            if kind is reports.Accepted:
                quantity[event.order_id], filled[event.order_id] = event.quantity_lots, 0
                assert event.order_id == event.sequence, "an order is named by the sequence of its command"
            elif kind is reports.Filled:
                assert event.order_id not in closed, "what has ended does not trade"
                assert event.quantity_lots > 0
                filled[event.order_id] += event.quantity_lots
                assert event.cumulative_lots == filled[event.order_id]
                assert event.cumulative_lots + event.leaves_lots == quantity[event.order_id]
                assert event.leaves_lots >= 0, "nothing is filled beyond its quantity"
                if not event.leaves_lots:
                    closed.add(event.order_id)
                sides.setdefault((event.symbol, event.trade_id), []).append(event)
            elif kind is reports.Cancelled:
                assert event.order_id not in closed, "an order ends once"
                closed.add(event.order_id)
                assert event.cumulative_lots == filled[event.order_id]
                assert event.cumulative_lots + event.quantity_lots == quantity[event.order_id]
            elif kind is reports.Replaced:
                assert event.order_id not in closed, "what has ended is not replaced"
                quantity[event.order_id] = event.quantity_lots
                assert event.leaves_lots == event.quantity_lots - filled[event.order_id] > 0
            elif kind is reports.Restated:
                assert event.order_id not in closed, "what has ended is not restated"
                assert event.quantity_lots <= quantity[event.order_id], "no order becomes larger by itself"
                quantity[event.order_id] = event.quantity_lots
                assert event.leaves_lots == event.quantity_lots - filled[event.order_id] > 0
            elif kind is reports.Prevented:
                assert event.order_id not in closed, "what has ended meets nobody"
                assert 0 < event.quantity_lots <= quantity[event.order_id] - filled[event.order_id]
    trades = {
        (symbol, event[3]): _named(event)
        for symbol, events in collected.of_kind("trade").items()
        for event in events
    }
    assert trades.keys() == sides.keys()
    assert trades, "a walk without a trade proves nothing"
    for key, trade in trades.items():
        one, other = sides[key]
        assert one.quantity_lots == other.quantity_lots == trade.quantity_lots
        assert one.price_ticks == other.price_ticks == trade.price_ticks
        assert sorted([one.side, other.side]) == [BUY, SELL]
        if trade.aggressor:
            assert sorted([one.liquidity, other.liquidity]) == [MAKER, TAKER]
            (taker,) = [fill for fill in (one, other) if fill.liquidity == TAKER]
            assert taker.side == trade.aggressor
        else:
            assert (one.liquidity, other.liquidity) == (IN_AUCTION, IN_AUCTION)
    for symbol, events in collected.of_kind("trade").items():
        assert [event[3] for event in events] == list(range(1, len(events) + 1)), (
            f"{symbol} counts its trades"
        )


# What is public.


@pytest.mark.parametrize("seed", SEEDS)
def test_nothing_public_names_an_account_or_an_id_of_a_client(seed: int) -> None:
    steps = walk(seed, LENGTH)
    _, collected = replayed(timed(steps))
    names = {*ACCOUNTS, "acc-op"}
    for step in steps:
        for item in step.items if isinstance(step, Message) else ():
            if isinstance(item, EnterOrder):
                names.add(item.client_order_id)
            elif isinstance(item, ReplaceOrder):
                names.add(item.request_id)
    assert len(names) > 50
    for topic, events in collected.public.items():
        for event in events:
            texts = [value for value in event if isinstance(value, str)]
            assert not names.intersection(texts), topic
            assert not texts or event[0] == feed.INSTRUMENT_DEFINED, "numbers only"


# Time.


@pytest.mark.parametrize("seed", SEEDS)
def test_time_rises_with_every_sequence(seed: int) -> None:
    _, collected = replayed(timed(walk(seed, LENGTH)))
    times: dict[int, int] = {}
    for events in collected.streams.values():
        for event in events:
            named = _named(event)
            if hasattr(named, "time_ns"):
                assert times.setdefault(named.sequence, named.time_ns) == named.time_ns, (
                    "one command, one time"
                )
        assert [event[1] for event in events] == sorted(event[1] for event in events), (
            "streams follow the log"
        )
    in_order = [times[sequence] for sequence in sorted(times)]
    assert in_order == sorted(set(in_order))


# Shapes.


@pytest.mark.parametrize("seed", SEEDS)
def test_every_event_is_of_the_shape_that_the_protocol_states(seed: int) -> None:
    _, collected = replayed(timed(walk(seed, LENGTH)))
    for stream in collected.streams.values():
        for event in stream:
            named = _named(event)
            defaults = named.__struct_defaults__
            missing = 1 + len(named.__struct_fields__) - len(event)
            assert missing in (0, len(defaults)), (
                "no field more, and all that have a default or none of them less"
            )
            whole = event + defaults if missing else event
            assert codec.encode(named) == codec.encode(whole), "the class has the same bytes"


def test_the_walks_show_every_kind_of_event_of_the_engine() -> None:
    shown = {
        event[0]
        for seed in SEEDS
        for stream in replayed(timed(walk(seed, LENGTH)))[1].streams.values()
        for event in stream
    }
    said_by_others = {feed.FEED_HEARTBEAT, feed.STREAM_HEARTBEAT}
    not_in_walks = {tag for tag, cls in CLASSES.items() if cls.__name__ in NOT_IN_WALKS}
    assert shown == CLASSES.keys() - said_by_others - not_in_walks


def _named(event: tuple[Any, ...]) -> Any:
    """An event as a reader of the protocol has it."""
    return msgspec.msgpack.decode(codec.encode(event), type=CLASSES[event[0]])
