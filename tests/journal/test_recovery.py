"""An engine that starts finds the best place to start from, and then everything behind it."""

import os

import pytest

from bus.errors import JournalDamaged
from bus.journal.batch import GENESIS_HASH, Batch
from bus.journal.checkpoint import EMPTY_STATE, Checkpoint, CheckpointHeader, CheckpointStore
from bus.journal.disk import Disk
from bus.journal.journal import Journal
from bus.journal.recovery import recover
from bus.journal.segment import segment_names
from tests.journal.logs import ROOT, SMALL_SEGMENT, append, written
from tests.support.simulated_disk import SimulatedDisk

RING = 100_000  # of choose: a log shorter than that is replayed from its beginning


def big_log(disk: Disk, root: str = ROOT) -> list[Batch]:
    """30 batches of 10,000 commands each."""
    journal = Journal.open(root, segment_bytes=SMALL_SEGMENT, disk=disk)
    list(journal.batches())
    for _ in range(30):
        append(journal, count=10_000)
    journal.close()
    journal = Journal.open(root, segment_bytes=SMALL_SEGMENT, disk=disk)
    found = list(journal.batches())
    journal.close()
    return found


def keep(
    store: CheckpointStore, batch: Batch, *, journal_hash: bytes | None = None, semantics: int = 1
) -> None:
    header = CheckpointHeader(
        batch.last_sequence, batch.time_ns, 1, semantics, journal_hash or batch.hash, bytes(32)
    )  # fmt: skip
    store.write(Checkpoint(header, b"state %d" % batch.last_sequence))


def opened(disk: Disk, root: str = ROOT) -> Journal:
    return Journal.open(root, segment_bytes=SMALL_SEGMENT, disk=disk)


def test_an_empty_directory_starts_with_the_empty_state() -> None:
    disk = SimulatedDisk()
    journal = opened(disk)
    recovered = recover(journal, CheckpointStore(ROOT, disk))
    assert recovered.checkpoint.header == EMPTY_STATE
    assert list(recovered.batches) == []
    assert append(journal) == 1
    assert (journal.head, journal.sync_now()) == (1, 1)
    journal.close()


def test_the_batches_behind_the_chosen_checkpoint_follow() -> None:
    disk = SimulatedDisk()
    found = big_log(disk)
    store = CheckpointStore(ROOT, disk)
    for index in (9, 14, 24):
        keep(store, found[index])
    journal = opened(disk)
    assert journal.probable_head == 300_000
    recovered = recover(journal, store)
    assert recovered.checkpoint.header.sequence == 150_000
    assert recovered.checkpoint.payload == b"state 150000"
    assert list(recovered.batches) == found[15:]
    assert recovered.skipped == ()
    assert (journal.head, journal.head_hash) == (300_000, found[-1].hash)
    append(journal)
    journal.close()


def test_a_damaged_one_is_named_and_an_older_one_is_used() -> None:
    disk = SimulatedDisk()
    found = big_log(disk)
    store = CheckpointStore(ROOT, disk)
    for index in (4, 9, 14):
        keep(store, found[index])
    disk.content(store.path(150_000))[-1] ^= 1  # the payload
    disk.content(store.path(100_000))[20] ^= 1  # the header
    recovered = recover(opened(disk), store)
    assert recovered.checkpoint.header.sequence == 50_000
    assert [store.path(100_000) in line or store.path(150_000) in line for line in recovered.skipped] == [
        True,
        True,
    ]
    disk.content(store.path(50_000))[100] ^= 1
    recovered = recover(opened(disk), store)
    assert recovered.checkpoint.header == EMPTY_STATE
    assert next(recovered.batches).first_sequence == 1
    assert len(recovered.skipped) == 3


def test_one_of_another_history_is_refused() -> None:
    disk = SimulatedDisk()
    found = big_log(disk)
    store = CheckpointStore(ROOT, disk)
    keep(store, found[9])
    keep(store, found[14], journal_hash=found[13].hash)
    recovered = recover(opened(disk), store)
    assert recovered.checkpoint.header.sequence == 100_000
    assert "checkpoint at sequence 150000: the journal has another batch there" in recovered.skipped[0]


def test_one_beyond_the_log_and_one_of_other_semantics_are_refused() -> None:
    disk, other = SimulatedDisk(), SimulatedDisk()
    found = big_log(disk)
    store = CheckpointStore(ROOT, other)
    keep(store, found[9])
    keep(store, found[14], semantics=2)
    keep(store, Batch(300_001, 1, 1, b"", bytes(32), "", 0))
    recovered = recover(opened(disk), store, usable=lambda header: header.semantics_version == 1)
    assert recovered.checkpoint.header.sequence == 100_000
    assert [line.partition(": ")[2] for line in recovered.skipped] == [
        "made by other semantics",
        "beyond the end of the journal, 300000",
    ]


def test_without_the_beginning_of_the_log_a_checkpoint_is_needed() -> None:
    disk = SimulatedDisk()
    found = big_log(disk)
    store = CheckpointStore(ROOT, disk)
    keep(store, found[14])
    disk.unlink(os.path.join(ROOT, segment_names(disk, ROOT)[0]))
    recovered = recover(opened(disk), store)
    assert list(recovered.batches) == found[15:]
    disk.content(store.path(150_000))[-1] ^= 1
    with pytest.raises(JournalDamaged, match=r"no checkpoint before it is good: .*does not match its digest"):
        recover(opened(disk), store)


def test_damage_behind_the_checkpoint_stops_the_start_and_changes_nothing() -> None:
    disk = SimulatedDisk()
    found = big_log(disk)
    disk.content(os.path.join(ROOT, found[20].segment))[found[20].offset + 5] ^= 1
    before = {name: bytes(disk.content(os.path.join(ROOT, name))) for name in disk.names(ROOT)}
    journal = opened(disk)
    with pytest.raises(JournalDamaged, match="sequence 200001"):
        list(recover(journal, CheckpointStore(ROOT, disk)).batches)
    journal.close()
    assert {name: bytes(disk.content(os.path.join(ROOT, name))) for name in disk.names(ROOT)} == before


def test_on_a_real_disk_with_segments_of_the_usual_size(tmp_path: object) -> None:
    root = str(tmp_path)
    for life in range(3):
        journal = Journal.open(root, policy="disk")
        recovered = recover(journal, CheckpointStore(root, Disk()))
        assert sum(batch.count for batch in recovered.batches) == 500 * life
        for _ in range(5):
            append(journal, count=100)
        assert journal.sync_now() == 5
        journal.close()
    assert [name for name in os.listdir(root) if name.endswith(".mbj")] == [f"journal-{1:020}.mbj"]
    assert os.stat(os.path.join(root, f"journal-{1:020}.mbj")).st_size == 64 * 1024 * 1024


def test_on_a_real_disk_over_many_segments(tmp_path: object) -> None:
    root = str(tmp_path)
    found = written(Disk(), 40, root)
    assert len({batch.segment for batch in found}) == 5
    assert found[-1].last_sequence == 40
    assert found[0].hash != GENESIS_HASH
