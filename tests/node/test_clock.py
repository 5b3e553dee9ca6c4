"""Engine time: strictly increasing whatever the system's clock does, ticking when idle, moved by commands if asked."""

import time
from itertools import pairwise
from typing import Any

import pytest

from bus.errors import DataDirectoryMismatch
from bus.journal.journal import Journal
from bus.node import SETTLE_MS
from bus.protocol import reasons
from bus.protocol.commands import AdvanceClock, CancelOrder
from bus.protocol.feed import OrderDeleted
from bus.protocol.reports import Accepted, Completed
from bus.protocol.terms import GTD, OPERATOR
from bus.replay import apply_logged_batch
from matcher.engine import Engine
from tests.node.parties import Party, Reader, buy, open_market
from tests.support.running_node import TOKEN, RunningNode, small_config
from tests.support.simulated_disk import SimulatedDisk

HOUR_NS = 3600 * 1_000_000_000


def times(disk: SimulatedDisk) -> list[int]:
    """The time of each batch of the log."""
    journal = Journal.open("log", disk=disk.copy())
    found = [batch.time_ns for batch in journal.batches()]
    journal.close()
    return found


def test_time_rises_although_the_system_clock_steps_back_also_over_a_restart(disk: SimulatedDisk) -> None:
    noon = 2_000_000 * HOUR_NS // 1000
    clock = [noon]
    node = RunningNode(disk=disk, utc_ns=lambda: clock[0])
    with Party(node.addresses.orders) as party:
        party.hello("ops", role=OPERATOR, token=TOKEN)
        party.session = party.welcome.session
        seen = []
        for i, now in enumerate((noon + 5, noon + 5, noon - HOUR_NS, 0, noon - 1, noon + 10)):
            clock[0] = now
            report = party.ask(buy(f"{i}"), created_ns=noon)
            assert report.reason == reasons.UNKNOWN_SYMBOL
            seen.append(report.time_ns)
        assert seen == sorted(set(seen))
        assert seen[-1] < noon + 1000  # and no faster than it must
    node.stop()
    clock[0] = noon - HOUR_NS // 2
    node = RunningNode(disk=disk, utc_ns=lambda: clock[0])
    try:
        with Party(node.addresses.orders) as party:
            party.hello("ops", role=OPERATOR, token=TOKEN)
            report = party.ask(buy("later"), created_ns=noon)
            assert report.time_ns > seen[-1]
    finally:
        node.stop()
    log = times(disk)
    assert log == sorted(set(log))


def test_an_idle_engine_ticks_once_a_second_and_is_heard(node: RunningNode) -> None:
    with Reader(node.addresses.feed, "clock.", "heartbeat.clock.") as feed:
        feed.ready()
        ticks = []

        def tick(name: str, frame: object) -> bool:
            if name == "clock.":
                ticks.extend(frame.events)  # type: ignore[attr-defined]
            return len(ticks) >= 2

        feed.until(tick)
        assert 900_000_000 < ticks[1].time_ns - ticks[0].time_ns < 3_000_000_000


def wait(feed: Reader, heartbeats: int) -> list[tuple[str, Any]]:
    """Everything up to so many heartbeats of the clock from now; between two of them lie 100 ms."""
    frames = []
    for _ in range(heartbeats):
        frames += feed.until(lambda name, _: name == "heartbeat.clock.")
    return frames


def numbered_frames(frames: list[tuple[str, Any]]) -> list[tuple[str, Any]]:
    """Those of the log, a batch's ticks first."""
    return [(name, frame) for name, frame in frames if not name.startswith("heartbeat.")]


def test_a_tick_follows_100_ms_after_the_last_change_and_no_sooner(disk: SimulatedDisk) -> None:
    node = RunningNode(disk=disk, settles=True)
    try:
        open_market(node.addresses)
        with Party(node.addresses.orders) as alice, Reader(node.addresses.feed) as feed:
            alice.hello("alice")
            frames = wait(feed, 1)
            pauses = (0, 1, 0, 0, 3, 1, 4, 0, 2, 3)
            for i, heartbeats in enumerate(pauses):
                alice.ask(buy(f"{i}", 100 + i))
                frames += wait(feed, heartbeats)
            frames += feed.until(lambda name, _: name == "clock.")
    finally:
        node.stop()
    said = numbered_frames(frames)
    assert said[-1][0] == "clock."
    settled = 0
    for (before, frame_before), (after, frame_after) in pairwise(said):
        passed_ns = frame_after.time_ns - frame_before.time_ns
        if before != "clock." and after == "clock.":
            settled += 1
            # A millisecond less: the system's clock and the one that timers go by are not the same.
            assert passed_ns > (SETTLE_MS - 1) * 1_000_000
        if before == "clock." and after == "clock.":
            assert passed_ns > 900_000_000, "one tick is enough until a second has passed"
        assert passed_ns < 3_000_000_000
    assert settled >= 3, "after a pause of 300 ms a tick had come"


def test_what_a_timer_ends_is_a_change_and_has_a_tick_behind_it(disk: SimulatedDisk) -> None:
    node = RunningNode(disk=disk, settles=True)
    try:
        open_market(node.addresses)
        with Party(node.addresses.orders) as alice, Reader(node.addresses.feed) as feed:
            alice.hello("alice")
            feed.ready()
            soon_ns = time.time_ns() + 250_000_000
            entered = alice.ask(buy("soon over", 100, 1, time_in_force=GTD, expires_ns=soon_ns))
            assert isinstance(entered, Accepted)
            frames = feed.until(lambda name, frame: name == "order.BTC-USD." and frame.time_ns >= soon_ns)
            ended = frames[-1][1]
            assert isinstance(ended.events[0], OrderDeleted)
            # In the batch that ended it a tick stands before; the next one says that this moment is over, too.
            (_, tick) = feed.until(lambda name, _: name == "clock.")[-1]
    finally:
        node.stop()
    assert next(name for name, frame in frames if frame.log_sequence == ended.log_sequence) == "clock."
    assert SETTLE_MS - 1 < (tick.time_ns - ended.time_ns) / 1_000_000 < 1_000


def test_what_changes_no_symbol_has_no_tick_behind_it(disk: SimulatedDisk) -> None:
    node = RunningNode(disk=disk, settles=True)
    try:
        open_market(node.addresses)
        with Party(node.addresses.orders) as alice, Reader(node.addresses.feed) as feed:
            alice.hello("alice")
            feed.until(lambda name, _: name == "clock.")
            assert alice.ask(CancelOrder(1)).reason == reasons.UNKNOWN_ORDER
            before = node.sequence()
            assert numbered_frames(wait(feed, 3)) == []
            assert node.sequence() == before
    finally:
        node.stop()


def test_under_clock_commands_no_tick_follows_a_change(disk: SimulatedDisk) -> None:
    node = RunningNode(disk=disk, config=small_config(engine__clock="commands"), settles=True)
    try:
        open_market(node.addresses)
        with Party(node.addresses.orders) as alice, Reader(node.addresses.feed) as feed:
            alice.hello("alice")
            alice.ask(buy("a"), created_ns=1)
            before = node.sequence()
            wait(feed, 3)
            assert node.sequence() == before
    finally:
        node.stop()


def test_under_clock_commands_only_the_operator_moves_time_and_the_directory_keeps_its_clock(
    disk: SimulatedDisk,
) -> None:
    config = small_config(engine__clock="commands")
    node = RunningNode(disk=disk, config=config)
    open_market(node.addresses)
    with Party(node.addresses.orders) as operator:
        operator.hello("ops", role=OPERATOR, token=TOKEN)
        first = operator.ask(buy("a"), created_ns=1)
        assert isinstance(first, Accepted)
        assert first.time_ns == first.sequence  # one nanosecond a command, from 1970 on
        assert isinstance(operator.ask(AdvanceClock(10 * HOUR_NS), created_ns=1), Completed)
        assert operator.ask(buy("b"), created_ns=10 * HOUR_NS).time_ns == 10 * HOUR_NS + 1
        for time_ns in (0, 10 * HOUR_NS, 10 * HOUR_NS + 2):
            answer = operator.ask(AdvanceClock(time_ns), created_ns=10 * HOUR_NS)
            assert answer.reason == reasons.TIME_NOT_LATER
    with Party(node.addresses.orders) as trader:
        trader.hello("trader")
        assert trader.ask(AdvanceClock(20 * HOUR_NS), created_ns=10 * HOUR_NS).reason == reasons.NOT_PERMITTED
    before = node.state()
    node.stop()
    with pytest.raises(DataDirectoryMismatch, match="--clock commands"):
        RunningNode(disk=disk, config=small_config())
    node = RunningNode(disk=disk, config=config)
    assert node.call(lambda: node.core.time_ns) < 11 * HOUR_NS
    node.stop()
    assert before


def test_the_log_alone_makes_the_state(disk: SimulatedDisk) -> None:
    """I1: what the running node holds is what its log makes of an empty engine."""
    node = RunningNode(disk=disk)
    open_market(node.addresses)
    with Party(node.addresses.orders) as alice:
        alice.hello("alice", cancel_on_disconnect=True)
        for i in range(50):
            alice.ask(buy(f"{i}", 100 + i % 3), buy(f"{i}", 100), [99])
    node.stop()
    state = node.core.encode_state()
    journal = Journal.open("log", disk=disk.copy())
    core = Engine()
    for batch in journal.batches():
        apply_logged_batch(core, batch)
        core.take_outputs()
    journal.close()
    assert core.encode_state() == state
