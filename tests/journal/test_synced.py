"""The side file survives a write that a crash tears: it may lag, and it is never empty-handed."""

import os

from bus.journal.synced import NAME, SyncedFile, read_synced
from tests.journal.logs import ROOT
from tests.support.simulated_disk import SimulatedDisk

PATH = os.path.join(ROOT, NAME)


def test_the_newest_record_is_read_over_many_lives() -> None:
    disk = SimulatedDisk()
    assert read_synced(disk, ROOT) == 0
    for life in range(4):
        side = SyncedFile(disk, ROOT)
        for sequence in range(life * 3 + 1, life * 3 + 4):
            side.record(sequence)
            assert read_synced(disk, ROOT) == sequence
        side.close()


def test_a_torn_record_leaves_the_one_before() -> None:
    for kept in range(20):
        disk = SimulatedDisk()
        side = SyncedFile(disk, ROOT)
        disk.sync_directory(ROOT)
        side.record(200)
        side.record(300)
        disk.datasync(side._handle)
        side.record(0x0A0B0C0D0E)
        disk.crash_keeping(kept)
        assert read_synced(disk, ROOT) == 300, kept


def test_a_damaged_byte_makes_it_lag_and_never_lead() -> None:
    disk = SimulatedDisk()
    side = SyncedFile(disk, ROOT)
    side.record(300)
    side.record(301)
    content = disk.content(PATH)
    for offset in range(len(content)):
        content[offset] ^= 1
        assert read_synced(disk, ROOT) in (300, 301)
        content[offset] ^= 1
