"""A follower reads beside the writer: what is new, nothing that is not whole; and it knows when the log is another."""

import os
import random

import pytest

from bus.errors import CheckpointDamaged, JournalDamaged, LogReplaced
from bus.journal.batch import Batch, encode
from bus.journal.disk import Disk
from bus.journal.follower import READ_BYTES, LogFollower
from bus.journal.journal import Journal
from bus.journal.reader import LogReader
from bus.journal.segment import decode_label, segment_names
from bus.journal.synced import SyncedFile
from tests.journal.logs import ROOT, SMALL_SEGMENT, append, left_behind, opened, put_back, written
from tests.support.simulated_disk import SimulatedDisk


class CountingDisk(SimulatedDisk):
    """Counts what is read of segments."""

    read_bytes = 0

    def read(self, handle: int, offset: int, length: int) -> bytes:
        self.read_bytes += length
        return super().read(handle, offset, length)


def all_of(disk: Disk, root: str = ROOT) -> list[Batch]:
    return list(LogReader(disk, root).batches())


@pytest.mark.parametrize("seed", range(20))
def test_it_gives_what_the_writer_wrote_over_many_segments(seed: int) -> None:
    chance = random.Random(seed)
    disk = SimulatedDisk(seed)
    journal, _ = opened(disk)
    follower = LogFollower(disk, ROOT)
    got: list[Batch] = []
    for _ in range(60):
        for _ in range(chance.randrange(4)):
            append(journal, count=chance.randrange(1, 5), length=chance.randrange(1, 300))
        got += follower.read()
        assert follower.last_sequence == journal.head
        assert follower.read() == []
    assert len(segment_names(disk, ROOT)) > 5
    journal.close()
    assert got == all_of(disk)
    assert (follower.last_sequence, follower.last_hash) == (journal.head, journal.head_hash)


def test_it_waits_at_an_empty_directory_for_the_first_segment() -> None:
    disk = SimulatedDisk()
    follower = LogFollower(disk, ROOT)
    assert (follower.first_sequence, follower.probable_head, follower.read()) == (1, 0, [])
    journal, _ = opened(disk)
    assert follower.read() == []
    append(journal)
    assert [batch.last_sequence for batch in follower.read()] == [1]
    journal.close()


@pytest.mark.parametrize("after", [0, 1, 3, 8, 9, 10, 17, 26])
def test_it_begins_behind_a_sequence_that_ends_a_batch(after: int) -> None:
    disk = SimulatedDisk()
    found = written(disk, 26)
    follower = LogFollower(disk, ROOT)
    list(follower.batches(after, found[after - 1].hash if after else None))
    assert follower.last_sequence == 26
    behind = LogFollower(disk, ROOT)
    behind.batches(after, found[after - 1].hash if after else None)
    assert behind.last_sequence == after
    assert behind.read() == found[after:]


def test_it_refuses_to_begin_where_no_batch_or_another_one_ends() -> None:
    disk = SimulatedDisk()
    journal, _ = opened(disk)
    for _ in range(10):
        append(journal, count=3)
    journal.close()
    follower = LogFollower(disk, ROOT)
    for after in (4, 31, 1000):
        with pytest.raises(CheckpointDamaged, match=f"checkpoint at sequence {after}: no batch"):
            follower.batches(after)
    with pytest.raises(CheckpointDamaged, match="another history"):
        follower.batches(6, bytes(32))
    assert next(iter(follower.batches(6, all_of(disk)[1].hash))).first_sequence == 7


def test_where_the_beginning_of_the_log_is_gone_the_link_says_what_was_before() -> None:
    disk = SimulatedDisk()
    found = written(disk, 26)
    first, second, *_ = segment_names(disk, ROOT)
    disk.unlink(os.path.join(ROOT, first))
    follower = LogFollower(disk, ROOT)
    after = follower.first_sequence - 1
    assert second.endswith(f"{after + 1}.mbj")
    assert list(follower.batches(after, found[after - 1].hash)) == found[after:]


@pytest.mark.parametrize("length", range(1, 100, 7))
def test_half_a_batch_is_not_there_yet_whatever_was_written_of_it(length: int) -> None:
    disk, later = SimulatedDisk(), SimulatedDisk()
    written(disk, 3)
    follower = LogFollower(disk, ROOT)
    assert len(follower.read()) == 3
    written(later, 4)  # with the same seed the same bytes
    batch = all_of(later)[-1]
    path = os.path.join(ROOT, batch.segment)
    begin, end = batch.offset, batch.offset + batch.frame_bytes
    disk.content(path)[begin : begin + length] = later.content(path)[begin : begin + length]
    assert follower.read() == []
    follower.check()
    disk.content(path)[begin + length : end] = later.content(path)[begin + length : end]
    assert follower.read() == [batch]


def test_a_torn_tail_is_waited_at_until_the_next_engine_has_cut_it_off() -> None:
    disk = SimulatedDisk()
    found = written(disk, 3)
    follower = LogFollower(disk, ROOT)
    follower.read()
    end = found[-1].offset + found[-1].frame_bytes
    disk.content(os.path.join(ROOT, found[-1].segment))[end : end + 50] = b"MBB1" + bytes(range(46))
    assert follower.read() == []
    journal, _ = opened(disk)
    assert journal.torn is not None
    assert follower.read() == []
    append(journal)
    assert [batch.first_sequence for batch in follower.read()] == [4]
    journal.close()


def test_a_batch_that_is_larger_than_what_is_read_at_once_is_read_whole() -> None:
    disk = SimulatedDisk()
    journal, _ = opened(disk, segment_bytes=8 * READ_BYTES)
    follower = LogFollower(disk, ROOT)
    for length in (3 * READ_BYTES, 10, 2 * READ_BYTES):
        append(journal, length=length)
    assert [len(batch.payload) for batch in follower.read()] == [3 * READ_BYTES + 12]
    assert [len(batch.payload) for batch in follower.read()] == [22, 2 * READ_BYTES + 12]
    journal.close()


def test_it_reads_only_what_is_new() -> None:
    disk = CountingDisk()
    journal, _ = opened(disk, segment_bytes=1 << 20)
    follower = LogFollower(disk, ROOT)
    for _ in range(500):
        append(journal, length=1000)
    total = 0
    while batches := follower.read():
        total += sum(batch.frame_bytes for batch in batches)
    assert total > 500_000
    disk.read_bytes = 0
    for _ in range(10):
        append(journal)
        assert len(follower.read()) == 1
    assert disk.read_bytes < 10 * 100_000
    journal.close()


def test_each_batch_tells_how_much_was_not_durable_when_it_was_written() -> None:
    disk = SimulatedDisk()
    journal, _ = opened(disk)
    append(journal)
    journal.sync_now()
    disk.hold_datasyncs()
    for _ in range(3):
        append(journal)
    assert [batch.behind for batch in LogFollower(disk, ROOT).read()] == [0, 0, 1, 2]
    disk.release_datasyncs()
    journal.close()


# The log becomes another one


def test_a_log_that_lost_its_end_and_went_on_is_another_log() -> None:
    disk = SimulatedDisk()
    written(disk, 5)
    copy = disk.copy()
    ahead, behind = LogFollower(disk, ROOT), LogFollower(disk, ROOT)
    ahead.read()
    behind.read()
    journal, _ = opened(disk)
    append(journal, length=30)
    append(journal, length=30)
    assert len(ahead.read()) == 2
    journal.close()
    put_back(disk, copy)
    assert ahead.read() == []
    with pytest.raises(LogReplaced, match="ends with sequence 7 is not there any more"):
        ahead.check()
    journal, _ = opened(disk)
    for _ in range(4):  # and goes on otherwise, beyond the place where the follower stands
        append(journal, length=7)
    with pytest.raises(LogReplaced):
        ahead.check()
    assert len(behind.read()) == 4
    behind.check()
    journal.close()


def test_another_batch_at_the_very_place_is_noticed_when_the_next_one_does_not_follow() -> None:
    disk = SimulatedDisk()
    written(disk, 5)
    copy = disk.copy()
    follower = LogFollower(disk, ROOT)
    journal, _ = opened(disk)
    append(journal)
    follower.read()
    journal.close()
    put_back(disk, copy)
    journal, _ = opened(disk)
    append(journal, count=2)
    append(journal)
    journal.close()
    with pytest.raises(LogReplaced, match="sequence 6 is not there any more"):
        follower.read()


def test_a_chain_that_is_broken_where_nothing_was_replaced_is_damage() -> None:
    disk = SimulatedDisk()
    found = written(disk, 3)
    follower = LogFollower(disk, ROOT)
    follower.read()
    path = os.path.join(ROOT, found[-1].segment)
    salt = decode_label(bytes(disk.content(path)), path).salt
    frame, _ = encode(4, 1, found[-1].time_ns + 1, b"anything", bytes(32), 0, salt)
    end = found[-1].offset + found[-1].frame_bytes
    disk.content(path)[end : end + len(frame)] = frame
    with pytest.raises(JournalDamaged, match=r"sequence 4: the intact batch 4 does not follow .* is broken"):
        follower.read()


def test_what_was_durable_and_is_not_there_is_damage_or_of_a_log_that_is_gone() -> None:
    disk = SimulatedDisk()
    written(disk, 3)
    follower = LogFollower(disk, ROOT)
    follower.read()
    follower.require(3)
    with pytest.raises(LogReplaced, match="ends with sequence 3, and the engine had made 4 durable"):
        follower.require(4)
    synced = SyncedFile(disk, ROOT)
    synced.record(4)
    synced.close()
    with pytest.raises(JournalDamaged, match="sequence 4: the batch is not intact, and it had been synced"):
        follower.require(4)


def test_a_segment_that_was_cut_off_whole_is_left_and_the_one_before_it_read_on() -> None:
    """A large batch did not fit, its segment was torn; the small one that the next engine writes does fit."""
    disk = SimulatedDisk()
    journal, _ = opened(disk)
    while journal.writer._offset < SMALL_SEGMENT - 250:
        append(journal)
    journal.sync_now()
    follower = LogFollower(disk, ROOT)
    follower.read()
    before = len(segment_names(disk, ROOT))
    with left_behind(journal):
        disk.hold_datasyncs()
        append(journal, length=500)
        name = segment_names(disk, ROOT)[-1]
        assert len(segment_names(disk, ROOT)) == before + 1
        synced = bytes(disk.content(os.path.join(ROOT, "synced")))
        disk.release_datasyncs()
    disk.content(os.path.join(ROOT, "synced"))[:] = synced
    disk.content(os.path.join(ROOT, name))[400:420] = bytes(20)  # not all of it reached the platter
    assert follower.read() == []
    assert follower._end.segment == name
    disk.content(os.path.join(ROOT, name))[32:144] = bytes(112)  # nor did its link
    journal, _ = opened(disk)
    assert journal.torn is not None
    assert name not in segment_names(disk, ROOT)
    append(journal, length=20)
    assert len(segment_names(disk, ROOT)) == before
    assert follower.read() == [], "it looks into a file that has no name any more"
    follower.check()
    assert [batch.last_sequence for batch in follower.read()] == [journal.head]
    journal.close()


def test_how_much_is_written_and_not_read_is_known_to_a_page() -> None:
    disk = SimulatedDisk()
    journal, _ = opened(disk, segment_bytes=256 * 1024)
    follower = LogFollower(disk, ROOT)
    assert follower.unread_bytes() <= 4096
    for _ in range(600):
        append(journal, length=1000)
    assert len(segment_names(disk, ROOT)) == 3
    for _ in range(3):
        unread = sum(
            batch.frame_bytes for batch in all_of(disk) if batch.first_sequence > follower.last_sequence
        )
        # With what is left at the ends of segments.
        assert unread <= follower.unread_bytes() <= unread + 2 * 1100 + 4096 + 3 * 144
        follower.read()
    while follower.read():
        pass
    assert follower.unread_bytes() <= 4096
    journal.close()


def test_beside_a_real_writer_on_a_real_disk(tmp_path: object) -> None:
    root = str(tmp_path)
    journal = Journal.open(root, policy="disk", segment_bytes=65_536)
    assert list(journal.batches()) == []
    follower = LogFollower(Disk(), root)
    got: list[Batch] = []
    for _ in range(2000):
        append(journal, length=100)
        got += follower.read()
    journal.close()
    assert got == all_of(Disk(), root)
    assert len(segment_names(Disk(), root)) > 4
    follower.close()
