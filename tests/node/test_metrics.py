"""What a node tells a monitoring system is what was done to it."""

from bus.metrics.of_engine import METRICS
from bus.metrics.page import Page
from bus.protocol.commands import CancelOrder
from bus.protocol.recovery import Snapshot
from bus.protocol.reports import Rejected
from bus.protocol.terms import L2
from tests.node.parties import Asker, Party, buy, open_market, sell
from tests.node.test_durability import hold
from tests.support.running_node import RunningNode, small_config
from tests.support.scraping import defined, kinds, samples
from tests.support.simulated_disk import SimulatedDisk


def page(node: RunningNode) -> str:
    """Its page, made in this thread while the node works in its own."""
    return Page(node.node.readings).render("")[0].decode()


def values(node: RunningNode) -> dict[str, float]:
    """The samples of its page that are the engine's own, without their prefix."""
    prefix = "matchbus_engine_"
    return {
        name.removeprefix(prefix): value
        for name, value in samples(page(node)).items()
        if name.startswith(prefix)
    }


def risen(before: dict[str, float], after: dict[str, float]) -> dict[str, float]:
    """Counters and buckets that changed, and by how much; those of time left out."""
    return {
        name: after[name] - before.get(name, 0)
        for name in after
        if ("_total" in name or "batch_commands" in name)
        and "late" not in name
        and after[name] != before.get(name, 0)
    }


def test_every_metric_is_on_the_page_as_it_is_defined(node: RunningNode) -> None:
    told = {name: what for name, what in kinds(page(node)).items() if name.startswith("matchbus_")}
    assert told == defined(METRICS)


def test_counters_rise_by_what_was_done(node: RunningNode) -> None:
    a = node.addresses
    with (
        Party(a.orders) as alice,
        Party(a.orders) as bob,
        Party(a.orders) as stranger,
        Asker(a.recovery) as asker,
    ):
        alice.hello("alice")
        bob.hello("bob")
        before = values(node)
        alice.ask(*[buy(f"a{i}", 100 + i) for i in range(5)])
        bob.ask(sell("b", 103, 6))  # it trades with the bids at 104 and 103, and four lots of it rest
        assert isinstance(alice.ask(CancelOrder(4711)), Rejected)
        stranger.ask(buy("x"), buy("y"))
        stranger.socket.send(b"not a message")
        stranger.receive()
        asker.ask(Snapshot("BTC-USD", L2))
        after = values(node)
        assert after["log_sequence"] == node.sequence()
    ticks = after["log_sequence"] - before["log_sequence"] - 7  # when this took more than a second
    assert ticks < 5
    batches = {f'batch_commands_bucket{{le="{2**power}.0"}}': ticks + 2 for power in range(12)}
    batches.update(dict.fromkeys((name for name in batches if int(name[26:-4]) >= 8), ticks + 3))
    assert risen(before, after) == {
        'messages_total{socket="orders"}': 5,
        'messages_total{socket="recovery"}': 1,
        "commands_total": 7,
        'refused_total{reason="hello_first"}': 2,
        'refused_total{reason="malformed"}': 1,
        "rejected_total": 1,
        # Five bids and the offer; each trade is told to both.
        "reports_total": 5 + 1 + 2 * 2 + 1,
        'feed_events_total{kind="trade"}': 2,
        'feed_events_total{kind="level"}': 5 + 2 + 1,
        'feed_events_total{kind="order"}': 5 + 2 + 1,
        **batches,
        'batch_commands_bucket{le="+Inf"}': ticks + 3,
        "batch_commands_count": ticks + 3,
        "batch_commands_sum": ticks + 7,
    }
    assert (after["accounts"], after["instruments"], after["epoch"]) == (3, 1, 1)
    assert after['rings{of="accounts"}'] == 3
    assert after['ring_events{of="accounts"}'] == after["reports_total"]
    # Trades, levels, orders, statuses; perhaps the clock; and the drop copy.
    assert after['rings{of="topics"}'] in (5, 6)
    kept = sum(after[f'feed_events_total{{kind="{kind}"}}'] for kind in ("trade", "level", "order", "status"))
    assert 0 <= after['ring_events{of="topics"}'] - kept - after["reports_total"] <= ticks


def test_what_waits_for_the_disk_and_how_long_it_took(node: RunningNode, disk: SimulatedDisk) -> None:
    with Party(node.addresses.orders) as alice:
        alice.hello("alice")
        node.wait_until(lambda: node.journal.writer.durable_generation == node.journal.writer.generation)
        before = values(node)
        assert (before["unsynced_commands"], before["waiting_bytes"]) == (0, 0)
        hold(node, disk)
        number = alice.send(buy("a"), buy("b"))
        node.wait_until(lambda: len(node.core.open_orders("alice")) == 2)
        held = values(node)
        assert held["unsynced_commands"] == 2
        assert held["waiting_bytes"] > 50
        assert held['health{health="ok"}'] == 1
        disk.release_datasyncs()
        alice.answer(number)
        node.wait_until(lambda: node.journal.writer.durable_generation == node.journal.writer.generation)
        after = values(node)
    assert (after["unsynced_commands"], after["waiting_bytes"]) == (0, 0)
    syncs = after["sync_seconds_count"] - before["sync_seconds_count"]
    assert syncs >= 1
    assert after['sync_seconds_bucket{le="+Inf"}'] - before['sync_seconds_bucket{le="+Inf"}'] == syncs
    assert 0 < after["sync_seconds_sum"] < 60


def test_a_disk_that_is_behind_is_seen_in_the_health_and_in_what_is_refused(disk: SimulatedDisk) -> None:
    limits = {"unsynced_commands_max": 8, "cancel_reserve_commands": 4, "commands_per_message_max": 4}
    node = RunningNode(disk=disk, config=small_config(**{f"limits__{name}": n for name, n in limits.items()}))
    try:
        open_market(node.addresses)
        with Party(node.addresses.orders) as alice:
            alice.hello("alice")
            assert values(node)['refused_total{reason="queue_full"}'] == 0
            hold(node, disk)
            alice.send(*[buy(f"{i}") for i in range(4)])
            node.wait_until(lambda: node.core.open_orders("alice") != [])
            alice.ask(*[buy(f"more {i}") for i in range(3)])
            told = values(node)
            assert told['refused_total{reason="queue_full"}'] == 3
            assert [told[f'health{{health="{word}"}}'] for word in ("ok", "healing", "degraded", "failed")] == [
                0, 0, 1, 0,
            ]  # fmt: skip
    finally:
        disk.release_datasyncs()
        node.stop()


def test_sessions_are_seated_away_or_suspended(node: RunningNode) -> None:
    def states() -> list[float]:
        told = values(node)
        return [told[f'sessions{{state="{state}"}}'] for state in ("seated", "away", "suspended")]

    with Party(node.addresses.orders) as alice, Party(node.addresses.orders) as bob:
        node.wait_until(lambda: len(node.recovery.sessions) <= 1)
        others = sum(states())  # the operator, until the lease is over
        alice.hello("alice", lease_ms=60_000)
        bob.hello("bob", lease_ms=60_000)
        assert states()[0] >= 2
        seat = node.recovery.sessions.get(bob.session)
        assert seat is not None
        node.call(lambda: setattr(seat, "suspended", True))
        assert states()[2] == 1
        alice.close()
        # It is found to be away when it is sent something.
        node.wait_until(lambda: not node.recovery.sessions.of_account("alice")[0].route)
        assert states()[1] >= 1
        assert sum(states()) <= others + 2


def test_what_is_replayed_at_a_start_was_counted_by_the_one_before(disk: SimulatedDisk) -> None:
    node = RunningNode(disk=disk)
    open_market(node.addresses)
    with Party(node.addresses.orders) as alice:
        alice.hello("alice")
        alice.ask(buy("a"))
        assert isinstance(alice.ask(CancelOrder(4711)), Rejected)
    before = values(node)
    node.vanish()
    node = RunningNode(disk=disk)
    try:
        after = values(node)
    finally:
        node.stop()
    assert (before["rejected_total"], before["commands_total"]) == (1, 3)
    assert (after["rejected_total"], after["commands_total"], after["epoch"]) == (0, 0, 2)
    for name in ("reports_total", 'feed_events_total{kind="level"}', 'feed_events_total{kind="status"}'):
        assert after[name] == before[name] > 0
