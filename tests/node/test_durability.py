"""I3: nothing that depends on a batch leaves before the disk has it, and what was seen is never undone."""

import time
from collections.abc import Callable
from typing import Any

import pytest

from bus.errors import JournalFailed
from bus.protocol import reasons
from bus.protocol.commands import MassCancel
from bus.protocol.control import Heartbeat, OpenOrders, QueryOrders, Welcome
from bus.protocol.recovery import Replay, Snapshot
from bus.protocol.reports import Accepted, Completed, Duplicate
from bus.protocol.status import DEGRADED, OK, QueryStatus
from bus.protocol.terms import L2, L3
from tests.node.parties import Asker, Party, Reader, assert_continuous, buy, open_market, sell
from tests.support.running_node import TOKEN, RunningNode, small_config
from tests.support.simulated_disk import SimulatedDisk


def hold(node: RunningNode, disk: SimulatedDisk) -> int:
    """From here on nothing becomes durable, and no earlier sync is under way; the last durable sequence."""

    def settled() -> bool:
        writer = node.journal.writer
        if writer.durable_generation != writer.generation:
            return False
        disk.hold_datasyncs()
        return True

    node.wait_until(settled)
    return node.sequence()


def test_while_the_disk_is_slow_nothing_is_told_and_then_all_of_it_in_order(
    node: RunningNode, disk: SimulatedDisk
) -> None:
    a = node.addresses
    with (
        Party(a.orders) as alice,
        Party(a.orders) as bob,
        Party(a.orders) as late,
        Reader(a.feed) as feed,
        Reader(a.drop_copy) as drop,
        Asker(a.recovery) as asker,
    ):
        alice.hello("alice")
        bob.hello("bob")
        feed.ready()
        drop.ready()
        durable = hold(node, disk)

        bid = alice.send(buy("a", 100, 5))
        disk.wait_for_datasync()
        ask = bob.send(sell("b", 100, 3))
        query = alice.send(QueryOrders())
        beat = bob.send(Heartbeat())
        hello = late.say_hello("late")
        # All of it was taken: two orders and a session; the trade is in the engine's memory.
        node.wait_until(lambda: node.core.sequence == durable + 3 and node.core.numbers("BTC-USD")[0] == 1)
        node.wait_until(lambda: "late" in node.core.state.accounts)
        snapshot = asker.send(Snapshot("BTC-USD", L3))
        replay = asker.send(Replay("trade.BTC-USD.", 1, 1))
        status = asker.send(QueryStatus())
        # A heartbeat falls due meanwhile, and waits, too.
        waited = time.monotonic()
        node.wait_until(lambda: time.monotonic() - waited > 0.25)

        def seen(receive: Callable[[int], Any]) -> list[Any]:
            found = []
            while (got := receive(20)) is not None:
                found.append(got)
            return found

        for envelope in seen(alice.receive) + seen(bob.receive) + seen(late.receive):
            assert envelope.log_sequence <= durable
        for _, frame in seen(feed.receive) + seen(drop.receive):
            assert frame.log_sequence <= durable
        assert asker.receive(20) is None

        disk.release_datasyncs()
        accepted = alice.answer(bid)
        assert isinstance(accepted, Accepted)
        assert isinstance(alice.answer(query), OpenOrders)
        assert isinstance(bob.answer(ask), Accepted)
        assert bob.answer(beat).next_report == 3
        welcome = late.answer(hello)
        assert isinstance(welcome, Welcome)
        frames = feed.up_to(durable + 3) + drop.up_to(durable + 3)
        assert_continuous(frames)
        assert {name for name, frame in frames if frame.log_sequence > durable} >= {
            "trade.BTC-USD.", "level.BTC-USD.", "order.BTC-USD.", "drop.",
        }  # fmt: skip
        book = asker.receive()
        assert (book.correlation_id, book.bids) == (snapshot, [(1, 100, 2)])
        assert asker.receive().correlation_id == replay
        told = asker.receive()
        assert (told.correlation_id, told.log_sequence, told.health) == (status, durable + 3, OK)
        assert ("unsynced_commands", "3") in told.facts


def test_an_engine_whose_disk_is_behind_says_that_it_refuses(disk: SimulatedDisk) -> None:
    limits = {"unsynced_commands_max": 8, "cancel_reserve_commands": 4, "commands_per_message_max": 4}
    node = RunningNode(disk=disk, config=small_config(**{f"limits__{name}": n for name, n in limits.items()}))
    try:
        open_market(node.addresses)
        with Party(node.addresses.orders) as alice, Asker(node.addresses.recovery) as asker:
            alice.hello("alice")
            hold(node, disk)
            alice.send(*[buy(f"{i}") for i in range(4)])
            node.wait_until(lambda: node.core.open_orders("alice") != [])
            assert alice.ask(buy("more")).reason == reasons.QUEUE_FULL
            asker.send(QueryStatus())
            node.wait_until(lambda: bool(node.node._outbound._waiting[-1].recovery))
            disk.release_datasyncs()
            status = asker.receive()
            assert (status.health, status.problem) == (DEGRADED, "the disk is behind: 4 commands wait for it")
            assert asker.ask(QueryStatus()).health == OK
    finally:
        disk.release_datasyncs()
        node.stop()


def test_an_engine_that_will_run_out_of_disk_says_so_before_it_does(disk: SimulatedDisk) -> None:
    why = "the engine will stop when this segment is full: log/journal.spare: preparing the next segment failed:"
    disk.space_bytes = 1_500_000  # a segment, and not the next one
    node = RunningNode(disk=disk)
    try:
        with Asker(node.addresses.recovery) as asker:
            status = asker.ask(QueryStatus())
            while status.health == OK:  # the next segment is being prepared
                status = asker.ask(QueryStatus())
            assert (status.health, status.problem) == (DEGRADED, f"{why} No space left on device")
    finally:
        disk.space_bytes = None
        node.stop()


def test_a_batch_that_came_while_a_sync_ran_waits_for_the_next_one(
    node: RunningNode, disk: SimulatedDisk
) -> None:
    with Party(node.addresses.orders) as alice:
        alice.hello("alice")
        durable = hold(node, disk)
        alice.send(buy("1"))
        disk.wait_for_datasync()
        second = alice.send(buy("2"))
        node.wait_until(lambda: node.core.sequence == durable + 2)
        # The sync that was under way began before the second was written: it releases the first alone.
        disk.fail_datasync_at = 0
        disk.release_datasyncs()
        error = node.wait_for_error()
        assert isinstance(error, JournalFailed)
        alice.until(lambda e: any(isinstance(item, Accepted) for item in e.items))
        assert [type(report) for report in alice.reports.values()] == [Accepted]
        assert alice.reports[1].client_order_id == "1"
        alice.expect_quiet()
        assert second not in [report.correlation_id for report in alice.reports.values()]


def test_private_before_public(node: RunningNode, disk: SimulatedDisk) -> None:
    """Who trades hears of it before the world does: told by the order in which the node sends."""
    order: list[str] = []
    with Party(node.addresses.orders) as alice, Reader(node.addresses.feed) as feed:
        alice.hello("alice")
        feed.ready()
        durable = hold(node, disk)
        alice.send(buy("a"))
        node.wait_until(lambda: node.core.sequence == durable + 1)

        def waiting() -> None:
            for departure in node.node._outbound._waiting:
                order.extend("private" for _ in departure.letters)
                order.extend("public" for _ in departure.public)

        node.call(waiting)
        disk.release_datasyncs()
        feed.up_to(durable + 1)
    assert order[0] == "private"
    assert "public" in order


FAILURES = ["sync", "write", "space"]


@pytest.mark.parametrize("failure", FAILURES)
def test_when_the_disk_fails_the_engine_stops_and_what_was_not_acknowledged_is_never_seen(
    disk: SimulatedDisk, failure: str
) -> None:
    node = RunningNode(disk=disk)
    open_market(node.addresses)
    a = node.addresses
    with (
        Party(a.orders) as alice,
        Reader(a.feed) as feed,
        Reader(a.drop_copy) as drop,
        Asker(a.recovery) as asker,
    ):
        alice.hello("alice")
        assert isinstance(alice.ask(buy("safe")), Accepted)
        feed.ready()
        drop.ready()
        durable = hold(node, disk)
        if failure == "sync":
            disk.fail_datasync_at = 0
        alice.send(buy("lost"))
        alice.send(Heartbeat())
        disk.wait_for_datasync()
        asker.send(Snapshot("BTC-USD", L2))
        node.wait_until(lambda: node.core.sequence > durable)
        if failure == "write":
            disk.fail_write_at = 0
        elif failure == "space":
            disk.space_bytes = 0
        if failure == "sync":
            disk.release_datasyncs()
        else:
            alice.send(buy("refused"))
        error = node.wait_for_error()
        assert isinstance(error, JournalFailed)
        assert "\n" not in str(error)
        disk.release_datasyncs()
        while (envelope := alice.receive(100)) is not None:
            assert envelope.log_sequence <= durable
        while (got := feed.receive(50)) is not None:
            assert got[1].log_sequence <= durable
        while (got := drop.receive(50)) is not None:
            assert got[1].log_sequence <= durable
        asker.expect_quiet()
        assert [r.client_order_id for r in alice.reports.values()] == ["safe"]
        key = alice.again(resume_from=1)
    node.vanish(lambda: disk.crash(7))

    # After the restart the acknowledged order is there; the other one was executed at most once, and its
    # resending says which.
    again = RunningNode(disk=disk)
    try:
        with Party(again.addresses.orders) as alice:
            welcome = alice.ask(key, session=0)
            assert isinstance(welcome, Welcome), welcome
            alice.session = welcome.session
            assert isinstance(alice.ask(buy("safe")), Duplicate)
            assert type(alice.ask(buy("lost"))) in (Accepted, Duplicate)
            assert isinstance(alice.ask(buy("lost")), Duplicate)
            assert alice.ask(MassCancel()).reason == 802
            newest = alice.reports[max(alice.reports)]
            assert isinstance(newest, Completed)
            assert newest.count == 2
    finally:
        again.stop()


def test_a_power_loss_at_any_moment_keeps_all_that_was_acknowledged() -> None:
    """Rounds of orders; the power goes between two callbacks of the loop, with syncs held or not."""
    for seed in range(12):
        disk = SimulatedDisk(seed)
        node = RunningNode(disk=disk, config=small_config(feed__heartbeat_interval_ms=20))
        open_market(node.addresses)
        with Party(node.addresses.orders) as alice:
            alice.hello("alice")
            hello = alice.again(resume_from=1)
            sent = []
            number = 0
            for i in range(30):
                if i == 10 + seed:
                    alice.answer(number)
                    if seed % 2:
                        hold(node, disk)
                sent.append(buy(f"{i}"))
                number = alice.send(sent[-1])
            if seed % 2:
                disk.wait_for_datasync()
            node.vanish(lambda: disk.crash(seed))  # noqa: B023
            while alice.receive(20) is not None:
                pass
        acknowledged = dict(alice.reports)
        node = RunningNode(disk=disk)
        try:
            with Party(node.addresses.orders) as alice:
                welcome = alice.ask(hello, session=0)
                assert isinstance(welcome, Welcome), f"seed {seed}: {welcome}"
                alice.session = welcome.session
                assert welcome.next_report > len(acknowledged), f"seed {seed}"
                while len(alice.reports) < welcome.next_report - 1:
                    assert alice.receive() is not None
                for number, report in acknowledged.items():
                    assert alice.reports[number] == report, f"seed {seed}"
                before = welcome.next_report - 1
                first = alice.send(*sent)
                alice.answer(first + len(sent) - 1)
                answers = [alice.reports[before + 1 + i] for i in range(len(sent))]
                kinds = [type(answer) for answer in answers]
                assert kinds == [Duplicate] * before + [Accepted] * (len(sent) - before), f"seed {seed}"
        finally:
            node.stop()


def test_a_token_is_no_secret_that_a_name_can_break(node: RunningNode) -> None:
    """What a client shows as a secret may be any text, of any alphabet."""
    with Party(node.addresses.orders) as alice, Asker(node.addresses.recovery) as asker:
        alice.hello("alice")
        assert alice.ask(buy("a")) is not None
        assert asker.ask(Replay("drop.", 1, 1, "schlüssel")).reason == 107
        assert type(asker.ask(Replay("drop.", 1, 1, TOKEN))).__name__ == "Replayed"
