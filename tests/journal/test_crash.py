"""After a crash the log is a prefix of what was written, and holds everything that was reported durable."""

import contextlib
import os
import random

import pytest

from bus.errors import JournalDamaged, JournalFailed
from bus.journal.batch import Batch
from bus.journal.writer import Policy
from tests.journal.logs import ROOT, append, left_behind, opened, payload_of, prepared
from tests.support.simulated_disk import SimulatedDisk


def check(disk: SimulatedDisk, durable: int, what: object) -> list[Batch]:
    """Recover, compare, go on writing, and recover that as well."""
    journal, found = opened(disk)
    sequences = [b.first_sequence for b in found]
    assert sequences == list(range(1, len(found) + 1)), what
    assert len(found) >= durable, what
    assert [b.payload for b in found] == [payload_of(n) for n in sequences], what
    append(journal)
    journal.close()
    journal, again = opened(disk)
    journal.close()
    assert again[:-1] == found, what
    assert len(again) == len(found) + 1, what
    assert journal.torn is None, what
    return found


def test_crash_at_every_byte_of_the_tail() -> None:
    """Two batches are durable, four more are written while the sync hangs, over the end of a segment."""
    length = 1
    kept = -1
    seen: set[int] = set()
    while kept < length:
        kept += 1
        disk = SimulatedDisk(kept)
        journal, _ = opened(disk)
        with left_behind(journal):
            for _ in range(5):
                append(journal)
            assert journal.sync_now() == 5
            prepared(journal)
            disk.hold_datasyncs()
            for _ in range(5):
                append(journal)
            length = disk.unsynced_bytes(among=".mbj")
            disk.crash_keeping(kept, among=".mbj")
        seen.add(len(check(disk, 5, kept)))
    assert seen == {5, 6, 7, 8, 9, 10}


@pytest.mark.parametrize("seed", range(200))
def test_crash_that_keeps_anything_of_what_was_not_synced(seed: int) -> None:
    """The disk wrote in any order: a later batch may be there and an earlier one lost. Still only a torn tail."""
    chance = random.Random(seed)
    disk = SimulatedDisk(seed)
    durable = 0
    for life in range(3):
        journal, found = opened(disk)
        assert len(found) >= durable
        with left_behind(journal):
            for _ in range(chance.randrange(12)):
                append(journal)
                if chance.random() < 0.4:
                    disk.release_datasyncs()
                    journal.sync_now()
                    durable = journal.head
                if chance.random() < 0.3:
                    disk.hold_datasyncs()
            disk.crash(seed * 10 + life)
    check(disk, durable, seed)


@pytest.mark.parametrize("seed", range(100))
def test_crash_while_a_torn_tail_is_being_cut(seed: int) -> None:
    disk = SimulatedDisk(seed)
    journal, _ = opened(disk)
    with left_behind(journal):
        for _ in range(3):
            append(journal)
        journal.sync_now()
        disk.hold_datasyncs()
        for _ in range(9):
            append(journal)
        disk.crash(seed)
    disk.fail_datasync_at = random.Random(seed).randrange(4)
    with contextlib.suppress(JournalFailed):
        journal, _ = opened(disk)
        with left_behind(journal):
            disk.crash(seed + 1)
    disk.crash(seed + 2)
    check(disk, 3, seed)


def test_a_lost_batch_below_one_that_knew_it_durable_is_damage_even_without_the_side_file() -> None:
    disk = SimulatedDisk()
    journal, _ = opened(disk)
    for _ in range(4):
        append(journal)
        journal.sync_now()
    journal.close()
    _, found = opened(disk.copy())
    disk.unlink(os.path.join(ROOT, "synced"))
    content = disk.content(os.path.join(ROOT, found[1].segment))
    content[found[1].offset : found[2].offset] = bytes(found[2].offset - found[1].offset)
    with pytest.raises(JournalDamaged, match=r"the intact batch 3 .* was written when this one was durable"):
        opened(disk)


@pytest.mark.parametrize("policy", ["disk", "os"])
def test_a_torn_last_batch_is_cut_and_reported(policy: Policy) -> None:
    disk = SimulatedDisk()
    journal, _ = opened(disk, policy=policy)
    with left_behind(journal):
        append(journal)
        journal.sync_now()
        disk.hold_datasyncs()
        append(journal)
        disk.crash_keeping(50)
    journal, found = opened(disk, policy=policy)
    assert [b.last_sequence for b in found] == [1]
    assert "sequence 2" in str(journal.torn)
    append(journal, length=3)  # shorter than what was torn: nothing of that may be left behind it
    journal.close()
    journal, found = opened(disk, policy=policy)
    journal.close()
    assert [b.last_sequence for b in found] == [1, 2]
    assert journal.torn is None


def test_what_the_process_left_unsynced_is_durable_before_the_engine_builds_on_it() -> None:
    """The process dies, the machine lives, a new process reads the log; then the power goes."""
    disk = SimulatedDisk()
    journal, _ = opened(disk, policy="os")
    for _ in range(20):
        append(journal)
    assert disk.unsynced_bytes() > 0
    second, found = opened(disk, policy="os")
    assert len(found) == 20
    with left_behind(second), left_behind(journal):
        disk.crash_keeping(0)
    journal, found = opened(disk)
    journal.close()
    assert len(found) == 20
