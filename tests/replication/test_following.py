"""The log of an engine, followed: the same state, the same frames, the same hash; and never what is not durable."""

import os
import random

import pytest

from bus.errors import JournalDamaged, LogReplaced
from bus.journal.checkpoint import CheckpointStore
from bus.journal.reader import LogReader
from bus.journal.skips import add_skip
from bus.replication.following import Following
from bus.sockets.rings import Ring
from matcher.trading import Trading
from tests.journal.logs import put_back
from tests.node.parties import buy
from tests.replication.engines import ROOT, Engineless
from tests.support.simulated_disk import SimulatedDisk
from tools.core_kind import core_kind
from tools.shadow import make_core

STEP = 10


def following(disk: SimulatedDisk) -> Following:
    made = Following(disk, ROOT, CheckpointStore(ROOT, disk, writer="shadow"), make_core, 10_000)
    assert made.begin() == []
    return made


def step_all(one: Following) -> int:
    """Steps until nothing more is done; how many commands were applied."""
    applied = 0
    while done := one.step(STEP):
        applied += done
    return applied


def frames_in(rings: dict[str, Ring[bytes]]) -> dict[str, list[bytes]]:
    return {topic: [frame for _, _, frame in ring.since(ring.oldest_number)] for topic, ring in rings.items()}


def test_it_comes_to_the_state_the_frames_and_the_hash_of_the_engine() -> None:
    disk = SimulatedDisk()
    engine = Engineless(disk).start()
    shadow = following(disk)
    for _ in range(5):
        engine.trade(10)
        engine.tick()
        shadow.learn(engine.core.sequence)
        assert step_all(shadow) > 0
        assert shadow.caught_up
        assert shadow.core.encode_state() == engine.core.encode_state()
        assert shadow.publication.output_hash == engine.recovery.publication.output_hash
        assert frames_in(shadow.publication.feed_rings) == engine.published
    assert shadow.followed == engine.core.sequence
    engine.stop()


def test_a_restart_of_the_engine_is_followed_through() -> None:
    disk = SimulatedDisk()
    engine = Engineless(disk)
    shadow = following(disk)
    for epoch in (1, 2, 3):
        engine.start()
        assert engine.core.epoch == epoch
        engine.trade(5)
        shadow.learn(engine.core.sequence)
        step_all(shadow)
        assert shadow.core.epoch == epoch
        assert shadow.publication.output_hash == engine.recovery.publication.output_hash
        engine.vanish()
    assert frames_in(shadow.publication.feed_rings) == engine.published


def test_what_is_not_durable_is_read_and_not_applied() -> None:
    disk = SimulatedDisk()
    engine = Engineless(disk, policy="disk").start()
    engine.journal.sync_now()
    shadow = following(disk)
    step_all(shadow)
    durable = shadow.core.sequence
    assert durable == engine.core.sequence
    state = shadow.core.encode_state()
    disk.hold_datasyncs()
    engine.trade(20)
    assert step_all(shadow) == 0
    assert (shadow.core.sequence, shadow.core.encode_state()) == (durable, state)
    assert shadow.lag_commands == 0, "nothing that it could have applied"
    assert shadow.lag_bytes() > 1000, "but it knows that there is something"
    # The engine's feed says how far it is durable, so does the side file, and so do later batches.
    shadow.learn(durable + 6)
    assert step_all(shadow) == 6
    disk.release_datasyncs()
    engine.journal.sync_now()
    assert step_all(shadow) == engine.core.sequence - durable - 6
    engine.stop()


def test_batches_themselves_say_what_was_durable_when_they_were_written() -> None:
    """Under the policy "os" the side file tells nothing until a segment is full."""
    disk = SimulatedDisk()
    engine = Engineless(disk).start()
    engine.trade(20)
    shadow = following(disk)
    step_all(shadow)
    batches = list(LogReader(disk, ROOT).batches())
    assert shadow.core.sequence == batches[-2].last_sequence
    engine.stop()
    assert step_all(shadow) == batches[-1].count


def test_it_begins_at_the_newest_checkpoint_and_goes_on_with_its_hash() -> None:
    disk = SimulatedDisk()
    engine = Engineless(disk).start()
    engine.trade(20)
    engine.stop(checkpoint=True)
    shadow = following(disk)
    assert shadow.core.sequence == engine.core.sequence
    assert shadow.core.encode_state() == engine.core.encode_state()
    assert shadow.publication.output_hash == engine.recovery.publication.output_hash
    assert step_all(shadow) == 0
    assert shadow.checkpoint().header == engine.store.candidates()[0][0]


@pytest.mark.parametrize("seed", range(5))
def test_its_checkpoint_starts_an_engine_that_goes_on_as_the_first_one_would_have(seed: int) -> None:
    chance = random.Random(seed)
    disk = SimulatedDisk(seed)
    engine = Engineless(disk).start()
    shadow = following(disk)
    store = CheckpointStore(ROOT, disk, writer="shadow")
    for _ in range(3):
        engine.trade(chance.randrange(1, 30))
        shadow.learn(engine.core.sequence)
        step_all(shadow)
        checkpoint = shadow.checkpoint()
        assert checkpoint.payload == engine.core.encode_state()
        assert checkpoint.header.journal_hash == engine.journal.head_hash
        store.write(checkpoint)
    engine.trade(7)
    engine.vanish()
    again = Engineless(disk).start()
    assert again.recovery.notes == []
    without = SimulatedDisk()
    for name in disk.names(ROOT):
        if not name.startswith("checkpoint"):
            without.create(os.path.join(ROOT, name))
            without.content(os.path.join(ROOT, name))[:] = disk.content(os.path.join(ROOT, name))
    reader = Following(without, ROOT, CheckpointStore(ROOT, without), make_core, 100)
    reader.begin()
    assert reader.core.sequence == 0
    reader.learn(again.core.sequence)
    step_all(reader)
    assert reader.core.encode_state() == again.core.encode_state()
    again.vanish()


# Poison


def test_it_stands_at_a_command_that_breaks_it_until_it_is_skipped_and_an_engine_has_started(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    disk = SimulatedDisk()
    engine = Engineless(disk).start()
    engine.trade(3)
    shadow = following(disk)
    before = engine.core.sequence
    break_at_price(monkeypatch, 777)
    with pytest.raises(AssertionError, match="poison"):
        engine.send(buy("fine", 5), buy("poison", 777), buy("fine too", 5))
    engine.vanish()
    assert step_all(shadow) == before
    broken = shadow.broken
    assert broken is not None
    assert broken.sequence == before + 2
    assert f"`matchbus journal skip {before + 2}`" in str(broken)
    assert step_all(shadow) == 0
    assert not shadow.may_go_on()
    add_skip(ROOT, disk, before + 2, "it breaks us")
    shadow.step(STEP)
    assert not shadow.may_go_on(), "no engine has started with that decision"
    engine.start()
    shadow.step(STEP)
    assert not shadow.may_go_on(), "nor is it known to be durable"
    engine.trade(2)
    shadow.learn(engine.core.sequence)
    shadow.step(STEP)
    assert shadow.may_go_on()
    shadow.begin()
    assert shadow.broken is None
    shadow.learn(engine.core.sequence)
    step_all(shadow)
    assert shadow.core.encode_state() == engine.core.encode_state()
    assert shadow.publication.output_hash == engine.recovery.publication.output_hash
    engine.stop()


def break_at_price(monkeypatch: pytest.MonkeyPatch, price_ticks: int) -> None:
    """From now on every core breaks at an order of this price. A compiled core takes no other method: skipped there."""
    if core_kind() == "compiled":
        pytest.skip("a compiled core cannot be broken on purpose")
    enter = Trading.enter

    def breaking(self: Trading, account: object, command: object) -> None:
        assert getattr(command, "price_ticks", 0) != price_ticks, "poison"
        enter(self, account, command)  # type: ignore[arg-type]

    monkeypatch.setattr(Trading, "enter", breaking)


# The log becomes another one


def test_an_engine_that_came_back_with_a_shorter_log_is_noticed_and_the_new_log_followed() -> None:
    """After a loss of power under the policy "os", as far as what was on the disk goes."""
    disk = SimulatedDisk()
    engine = Engineless(disk).start()
    engine.trade(10)
    engine.stop()
    lost = disk.copy()
    engine.start()
    shadow = following(disk)
    engine.trade(10)
    shadow.learn(engine.core.sequence)
    step_all(shadow)
    ahead = shadow.core.sequence
    engine.vanish()
    put_back(disk, lost)
    again = Engineless(disk)
    again.start()
    again.trade(1)
    assert again.core.sequence < ahead
    shadow.step(STEP)
    with pytest.raises(LogReplaced, match=f"ends with sequence {ahead} is not there any more"):
        shadow.check()
    shadow.begin()
    shadow.learn(again.core.sequence)
    step_all(shadow)
    assert shadow.core.encode_state() == again.core.encode_state()
    assert shadow.publication.output_hash == again.recovery.publication.output_hash
    again.stop()


def test_what_was_durable_and_cannot_be_read_stops_it() -> None:
    disk = SimulatedDisk()
    engine = Engineless(disk).start()
    engine.trade(5)
    engine.stop()
    last = list(LogReader(disk, ROOT).batches())[-1]
    disk.content(os.path.join(ROOT, last.segment))[last.offset + 30] ^= 1
    shadow = following(disk)
    with pytest.raises(JournalDamaged, match="the batch is not intact, and it had been synced"):
        step_all(shadow)
