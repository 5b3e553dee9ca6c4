"""The recovery socket: what is asked again is what was published, and a snapshot with what follows is the book."""

import os
import time
from importlib.metadata import version
from itertools import groupby, pairwise
from typing import Any

import pytest
from msgspec.structs import replace

from bus.journal.batch import Batch
from bus.journal.journal import Journal
from bus.protocol import reasons
from bus.protocol.codec import decode_drop_frame, decode_frame
from bus.protocol.commands import CancelOrder, MassCancel, SetPhase
from bus.protocol.control import Instruments, QueryInstruments, Refused
from bus.protocol.feed import Level, OrderAdded, OrderDeleted, OrderExecuted, OrderReduced
from bus.protocol.recovery import BookSnapshot, NotKept, Replay, Replayed, Snapshot
from bus.protocol.status import OK, ProcessStatus, QueryStatus
from bus.protocol.terms import BUY, HALTED, L2, L3, OPERATOR, VOLATILITY_AUCTION
from bus.protocol.topics import parse, topic
from tests.node.parties import BTC_USD, Asker, Party, Reader, assert_continuous, buy, open_market, sell
from tests.support.running_node import TOKEN, RunningNode, small_config
from tests.support.simulated_disk import SimulatedDisk
from tools.core_kind import core_kind


def trade_a_little(party: Party, rounds: int, name: str = "") -> None:
    """Orders that rest, meet and leave; deterministic."""
    for i in range(rounds):
        side = (buy, sell)[i % 2]
        number = party.send(
            side(f"{name}{i}", 100 + (i * 7) % 5, 1 + i % 4),
            side(f"{name}{i}.", 100 + (i * 3) % 5, 1 + i % 3),
            CancelOrder(client_order_id=f"{name}{i - 3}"),
        )
        party.answer(number + 2)


def test_a_replay_is_what_was_published_frame_by_frame(node: RunningNode) -> None:
    a = node.addresses
    with (
        Party(a.orders) as alice,
        Reader(a.feed) as feed,
        Reader(a.drop_copy) as drop,
        Asker(a.recovery) as asker,
    ):
        alice.hello("alice")
        feed.ready()
        drop.ready()
        trade_a_little(alice, 40)
        end = node.sequence()
        published: dict[str, list[Any]] = {}
        for name, frame in feed.up_to(end) + drop.up_to(end):
            if not name.startswith("heartbeat."):
                published.setdefault(name, []).append(frame)
        assert set(published) >= {"trade.BTC-USD.", "level.BTC-USD.", "order.BTC-USD.", "drop."}
        for topic, frames in published.items():
            decode: Any = decode_drop_frame if topic == "drop." else decode_frame
            first, last = frames[0].first_number, frames[-1].first_number + frames[-1].count - 1
            answer = asker.ask(Replay(topic, first, last, TOKEN))
            assert isinstance(answer, Replayed), topic
            assert [decode(frame) for frame in answer.frames] == frames
            # From the middle of a frame on: the frame that holds it comes first, and what is behind the end does not.
            answer = asker.ask(Replay(topic, last, last, TOKEN))
            assert [decode(frame) for frame in answer.frames] == frames[-1:]
            answer = asker.ask(Replay(topic, first, first, TOKEN))
            assert [decode(frame) for frame in answer.frames] == frames[:1]
            answer = asker.ask(Replay(topic, last + 1, last + 9, TOKEN))
            assert (type(answer), answer.next_number) == (NotKept, last + 1)


KINDS = ("status", "trade", "level", "order")
SYMBOLS = ("BTC-USD", "ETH-USD")


def two_markets(disk: SimulatedDisk) -> tuple[list[tuple[str, Any]], dict[int, Batch]]:
    """All numbered frames of a lively feed, and the batches of its log by their last sequences."""
    node = RunningNode(disk=disk)
    try:
        with Reader(node.addresses.feed) as feed, Party(node.addresses.orders) as alice:
            feed.ready()
            for symbol in SYMBOLS:
                open_market(node.addresses, replace(BTC_USD, symbol=symbol))
            alice.hello("alice")
            number = 0
            for i in range(90):
                bid, ask = buy(f"{i} b", 100 + i % 3, 1 + i % 4), sell(f"{i} s", 100 + i % 2, 2)
                number = alice.send(*(replace(order, symbol=SYMBOLS[i % 2]) for order in (bid, ask)))
                if i % 3 == 0:  # the others may come in one drain, or in two
                    alice.answer(number)
            alice.answer(number)
            said = feed.up_to(node.sequence())
    finally:
        node.stop()
    journal = Journal.open("log", disk=disk.copy())
    batches = {batch.last_sequence: batch for batch in journal.batches()}
    journal.close()
    return [(name, frame) for name, frame in said if not name.startswith("heartbeat.")], batches


def test_a_frame_is_what_one_batch_of_the_log_caused_and_frames_of_a_batch_leave_in_order(
    disk: SimulatedDisk,
) -> None:
    frames, batches = two_markets(disk)
    places: dict[str, list[tuple[int, int]]] = {}
    for name, frame in frames:
        batch = batches[frame.log_sequence]
        assert all(batch.first_sequence <= event.sequence <= batch.last_sequence for event in frame.events)
        kind, symbol = parse(name)
        rank = KINDS.index(kind) if symbol else -1
        for of in [symbol] if symbol else SYMBOLS:
            places.setdefault(of, []).append((frame.log_sequence, rank))
    assert places.keys() == set(SYMBOLS)
    for of_symbol in places.values():
        # Rising, and so no topic has two frames of one batch.
        assert all(before < after for before, after in pairwise(of_symbol))
        assert {rank for _, rank in of_symbol} >= {0, 1, 2, 3}


def test_each_frame_tells_the_last_numbers_of_its_symbol_behind_its_batch(disk: SimulatedDisk) -> None:
    frames, _ = two_markets(disk)
    known: dict[str, int] = {}
    for _, of_batch in groupby(frames, key=lambda named: named[1].log_sequence):
        batch = list(of_batch)
        known |= {name: frame.first_number + frame.count - 1 for name, frame in batch}
        for name, frame in batch:
            symbol = parse(name)[1]
            topics = [topic(kind, symbol) for kind in ("trade", "level", "order", "status")]
            assert frame.numbers == (tuple(known.get(of, 0) for of in topics) if symbol else ())
    assert len(known) >= 8


def test_beyond_the_ring_nothing_is_kept_and_the_answer_says_what_is(disk: SimulatedDisk) -> None:
    node = RunningNode(disk=disk, config=small_config(limits__feed_ring_events_max=10))
    open_market(node.addresses)
    try:
        with Party(node.addresses.orders) as alice, Asker(node.addresses.recovery) as asker:
            alice.hello("alice")
            for i in range(30):
                alice.ask(buy(f"{i}"))
            answer = asker.ask(Replay("order.BTC-USD.", 20, 30))
            assert (type(answer), answer.oldest_number, answer.next_number) == (NotKept, 21, 31)
            answer = asker.ask(Replay("order.BTC-USD.", 21, 30))
            assert [decode_frame(f).first_number for f in answer.frames] == list(range(21, 31))
            for number in (0, 31, 2**63 - 1):
                assert isinstance(asker.ask(Replay("order.BTC-USD.", number, number)), NotKept)
    finally:
        node.stop()


def test_the_drop_copy_is_for_those_who_have_the_token(node: RunningNode) -> None:
    with Party(node.addresses.orders) as alice, Asker(node.addresses.recovery) as asker:
        alice.hello("alice")
        alice.ask(buy("a"))
        for token in ("", "wrong", TOKEN[:-1], "ключ"):
            answer = asker.ask(Replay("drop.", 1, 9, token))
            assert (type(answer), answer.reason) == (Refused, reasons.BAD_TOKEN)
        assert isinstance(asker.ask(Replay("drop.", 1, 9, TOKEN)), Replayed)
        # Nobody gets private reports under another name.
        for topic in ("drop", "alice", "", "heartbeat.drop."):
            assert asker.ask(Replay(topic, 1, 9)).reason == reasons.NOT_OFFERED


@pytest.mark.parametrize("kind", [L2, L3])
def test_a_snapshot_under_load_and_what_follows_it_is_the_book_at_the_end(
    node: RunningNode, kind: int
) -> None:
    a = node.addresses
    with Party(a.orders) as alice, Reader(a.feed) as feed, Asker(a.recovery) as asker:
        alice.hello("alice")
        feed.ready()
        trade_a_little(alice, 10, "before")
        numbers = [asker.send(Snapshot("BTC-USD", kind))]
        for i in range(10):
            trade_a_little(alice, 3, f"{i}.")
            numbers.append(asker.send(Snapshot("BTC-USD", kind)))
        snapshots = [asker.receive() for _ in numbers]
        end = asker.ask(Snapshot("BTC-USD", kind))
        frames = feed.up_to(end.log_sequence)
        assert_continuous(frames)
        for snapshot in snapshots:
            assert isinstance(snapshot, BookSnapshot)
            topic = "level.BTC-USD." if kind == L2 else "order.BTC-USD."
            number = snapshot.level_number if kind == L2 else snapshot.order_number
            events = [
                event
                for name, frame in frames
                if name == topic
                for i, event in enumerate(frame.events, frame.first_number)
                if i > number
            ]
            assert rebuilt(snapshot, events, kind) == (end.bids, end.asks)
        assert len({snapshot.log_sequence for snapshot in snapshots}) > 1


def rebuilt(snapshot: BookSnapshot, events: list[Any], kind: int) -> tuple[Any, Any]:
    """The book of a snapshot after these events: `(bids, asks)` as rows of a snapshot."""
    if kind == L2:
        sides = [{row[0]: row for row in rows} for rows in (snapshot.bids, snapshot.asks)]
        for event in events:
            assert isinstance(event, Level)
            side = sides[event.side != BUY]
            side.pop(event.price_ticks, None)
            if event.quantity_lots:
                side[event.price_ticks] = (event.price_ticks, event.quantity_lots, event.orders)
        return [sides[0][p] for p in sorted(sides[0], reverse=True)], [sides[1][p] for p in sorted(sides[1])]
    orders = {row[0]: (BUY, *row) for row in snapshot.bids} | {row[0]: (2, *row) for row in snapshot.asks}
    for event in events:
        if isinstance(event, OrderAdded):
            orders[event.public_id] = (event.side, event.public_id, event.price_ticks, event.quantity_lots)
        elif isinstance(event, OrderDeleted):
            del orders[event.public_id]
        elif isinstance(event, OrderReduced):
            orders[event.public_id] = (*orders[event.public_id][:3], event.quantity_lots)
        else:
            assert isinstance(event, OrderExecuted)
            order = orders.pop(event.public_id)
            if event.leaves_lots:
                orders[event.public_id] = (*order[:3], event.leaves_lots)
    bids = sorted((o[1:] for o in orders.values() if o[0] == BUY), key=lambda o: (-o[1], o[0]))
    asks = sorted((o[1:] for o in orders.values() if o[0] != BUY), key=lambda o: (o[1], o[0]))
    return bids, asks


def test_after_a_restart_the_rings_are_full_again_the_epoch_is_higher_and_numbers_go_on(
    disk: SimulatedDisk,
) -> None:
    node = RunningNode(disk=disk)
    open_market(node.addresses)
    with Party(node.addresses.orders) as alice, Asker(node.addresses.recovery) as asker:
        alice.hello("alice")
        trade_a_little(alice, 20)
        before = asker.ask(Snapshot("BTC-USD", L3))
        old = asker.ask(Replay("order.BTC-USD.", 1, 10_000))
        old_reports = asker.ask(Replay("drop.", 1, 10_000, TOKEN))
    node.stop()
    node = RunningNode(disk=disk)
    try:
        a = node.addresses
        with Party(a.orders) as alice, Asker(a.recovery) as asker, Reader(a.feed) as feed:
            feed.ready()
            after = asker.ask(Snapshot("BTC-USD", L3))
            assert (after.bids, after.asks, after.checksum) == (before.bids, before.asks, before.checksum)
            assert after.order_number == before.order_number
            assert asker.ask(Replay("order.BTC-USD.", 1, 10_000)).frames == old.frames
            assert asker.ask(Replay("drop.", 1, 10_000, TOKEN)).frames == old_reports.frames
            alice.hello("alice")
            number = alice.send(MassCancel())
            alice.answer(number)
            frames = [f for name, f in feed.up_to(node.sequence()) if name == "order.BTC-USD."]
            assert frames[0].first_number == before.order_number + 1
            assert frames[0].epoch == decode_frame(old.frames[0]).epoch + 1
    finally:
        node.stop()


def test_the_engine_says_how_it_is(node: RunningNode) -> None:
    before_ns = time.time_ns()
    with Party(node.addresses.orders) as alice, Asker(node.addresses.recovery) as asker:
        alice.hello("alice")
        alice.ask(buy("a"))
        status = asker.ask(QueryStatus())
        again = asker.ask(QueryStatus())
    assert isinstance(status, ProcessStatus)
    assert (status.name, status.pid, status.version) == ("engine", os.getpid(), version("matchbus"))
    assert 0 < status.started_ns < before_ns
    assert again.started_ns == status.started_ns
    assert (status.epoch, status.log_sequence) == (1, node.sequence())
    assert status.time_ns == node.call(lambda: node.core.time_ns)
    assert (status.health, status.problem) == (OK, "")
    assert dict(status.facts) == {
        "core": core_kind(),
        "accounts": "2",
        "sessions": "2",
        "instruments": "1",
        "unsynced_commands": "0",
        "stopped": "no",
        "phases": "all continuous",
    }


def test_the_status_names_the_first_instruments_that_do_not_trade_continuously(node: RunningNode) -> None:
    with Asker(node.addresses.recovery) as asker, Party(node.addresses.orders) as operator:
        operator.hello("op", role=OPERATOR, token=TOKEN)
        symbols = ["BTC-USD", *(f"S{number}-USD" for number in range(7))]
        for symbol in symbols[1:]:
            operator.ask(replace(BTC_USD, symbol=symbol))
        for symbol in symbols[:-1]:
            operator.ask(SetPhase(symbol, HALTED))
        operator.ask(SetPhase("BTC-USD", VOLATILITY_AUCTION))
        assert (
            "phases",
            f"BTC-USD volatility-auction, {', '.join(f'{one} halted' for one in symbols[1:5])}, 2 more",
        ) in (asker.ask(QueryStatus()).facts)


def test_what_is_not_offered_is_said(node: RunningNode) -> None:
    with Asker(node.addresses.recovery) as asker:
        for request in (Snapshot("NO-SUCH", L2), Snapshot("BTC-USD", 1), Replay("trade.NO-SUCH.", 1, 1)):
            assert asker.ask(request).reason == reasons.NOT_OFFERED
        answer = asker.ask(QueryInstruments())
        assert isinstance(answer, Instruments)
        assert [i.definition for i in answer.instruments] == [BTC_USD]
        first = asker.send(*[Snapshot("BTC-USD", L2)] * 17)
        answer = asker.receive()
        assert (answer.correlation_id, answer.count, answer.reason) == (first, 17, reasons.MESSAGE_TOO_LARGE)
