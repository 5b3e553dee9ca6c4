"""Whatever is changed in a log is noticed: as damage, or as a torn tail that nobody had been promised."""

import os

import pytest

from bus.errors import CheckpointDamaged, JournalDamaged
from bus.journal.batch import GENESIS_HASH, encode
from bus.journal.reader import LogReader, probable_head
from bus.journal.segment import SPARE_NAME, decode_label, first_sequence_of, segment_names
from tests.journal.logs import NOON, ROOT, append, opened, payload_of, written
from tests.support.simulated_disk import SimulatedDisk


def segments(disk: SimulatedDisk) -> list[str]:
    return [os.path.join(ROOT, name) for name in segment_names(disk, ROOT)]


def read(disk: SimulatedDisk) -> list[int]:
    """Last sequences of all batches."""
    return [batch.last_sequence for batch in LogReader(disk, ROOT).batches()]


def test_what_was_written_is_read_in_order_over_segments() -> None:
    disk = SimulatedDisk()
    found = written(disk, 25)
    assert len(segments(disk)) >= 3
    assert [b.first_sequence for b in found] == list(range(1, 26))
    assert [b.payload for b in found] == [payload_of(n) for n in range(1, 26)]
    assert [b.time_ns for b in found] == [NOON + n * 1000 for n in range(1, 26)]
    assert probable_head(disk, ROOT) == 25


def test_each_hash_covers_the_one_before() -> None:
    disk = SimulatedDisk()
    previous = GENESIS_HASH
    for batch in written(disk, 12):
        _, digest = encode(batch.first_sequence, batch.count, batch.time_ns, batch.payload, previous, 0, 0)
        assert batch.hash == digest
        previous = digest


def test_flipping_any_byte_of_a_synced_log_is_damage() -> None:
    disk = SimulatedDisk()
    written(disk, 15)
    end = len(bytes(disk.content(segments(disk)[-1])).rstrip(b"\0"))
    for path in segments(disk):
        content = disk.content(path)
        for offset in range(len(content)):
            content[offset] ^= 0x41
            if path != segments(disk)[-1] or offset < end:
                with pytest.raises(JournalDamaged):
                    read(disk)
            else:  # a byte behind the end: it was promised to nobody, but it is seen, and cut before writing
                reader = LogReader(disk, ROOT)
                assert len(list(reader.batches())) == 15
                assert reader.torn is not None
            content[offset] ^= 0x41
    assert read(disk) == list(range(1, 16))


def test_flipping_any_byte_above_what_was_synced_ends_the_log_before_it() -> None:
    """Without the side file only the batches themselves say what was durable: the last of them is a torn tail."""
    disk = SimulatedDisk()
    written(disk, 6)
    disk.unlink(os.path.join(ROOT, "synced"))
    (path,) = segments(disk)
    content = disk.content(path)
    end = len(bytes(content).rstrip(b"\0"))
    last = list(LogReader(disk, ROOT).batches())[-1]
    for offset in range(end):
        content[offset] ^= 0x10
        if offset < last.offset:
            with pytest.raises(JournalDamaged):
                read(disk)
        else:
            reader = LogReader(disk, ROOT)
            assert [b.last_sequence for b in reader.batches()] == [1, 2, 3, 4, 5]
            assert reader.torn is not None
            assert reader.torn.next_sequence == 6
        content[offset] ^= 0x10


def test_damage_names_the_file_the_offset_and_the_sequence() -> None:
    disk = SimulatedDisk()
    found = written(disk, 15)
    batch = found[9]
    disk.content(os.path.join(ROOT, batch.segment))[batch.offset + 70] ^= 1
    with pytest.raises(
        JournalDamaged, match=rf"{batch.segment}: offset {batch.offset}, sequence 10: .* 15 had been"
    ):
        read(disk)


def test_a_missing_segment_in_the_middle_is_damage() -> None:
    disk = SimulatedDisk()
    written(disk, 25)
    first, missing, *_ = segments(disk)
    disk.unlink(missing)
    with pytest.raises(JournalDamaged, match=f"{first}.*is missing, the next segment begins with"):
        read(disk)


def test_a_missing_last_segment_is_damage() -> None:
    disk = SimulatedDisk()
    written(disk, 25)
    disk.unlink(segments(disk)[-1])
    with pytest.raises(JournalDamaged, match="everything up to 25 had been synced"):
        read(disk)


def test_no_segment_at_all_is_damage_when_something_was_synced() -> None:
    disk = SimulatedDisk()
    written(disk, 3)
    disk.unlink(segments(disk)[0])
    with pytest.raises(JournalDamaged, match="no segments, but sequence 3 was synced"):
        read(disk)


def test_swapped_segments_are_damage() -> None:
    disk = SimulatedDisk()
    written(disk, 25)
    first, second, *_ = segments(disk)
    contents = bytes(disk.content(first)), bytes(disk.content(second))
    disk.content(first)[:], disk.content(second)[:] = contents[1], contents[0]
    with pytest.raises(JournalDamaged, match="not as its name says"):
        read(disk)


def test_a_segment_of_another_log_is_damage() -> None:
    disk, other = SimulatedDisk(1), SimulatedDisk(2)
    written(disk, 25)
    journal, _ = opened(other)
    journal.append(1, 1, 5, b"another history here!")
    for _ in range(24):
        append(journal)
    journal.close()
    path = segments(disk)[1]
    assert segments(other)[1] == path
    disk.content(path)[:] = other.content(path)
    with pytest.raises(JournalDamaged, match="does not follow the batch before it: the chain is broken"):
        read(disk)


@pytest.mark.parametrize("length", [0, 100, 143, 144, 500, 1023])
@pytest.mark.parametrize("which", [0, 1, -1])
def test_a_truncated_segment_is_damage(which: int, length: int) -> None:
    disk = SimulatedDisk()
    written(disk, 25)
    path = segments(disk)[which]
    del disk.content(path)[length:]
    with pytest.raises(JournalDamaged, match=f"{path}: offset"):
        read(disk)


def test_reordered_batches_are_damage_although_each_is_intact() -> None:
    disk = SimulatedDisk()
    found = written(disk, 6)
    content = disk.content(segments(disk)[0])
    at, length = [b.offset for b in found], found[1].offset - found[0].offset
    one, two = bytes(content[at[2] : at[2] + length]), bytes(content[at[3] : at[3] + length])
    content[at[2] : at[2] + length], content[at[3] : at[3] + length] = two, one
    with pytest.raises(JournalDamaged, match="sequence 3: the intact batch 4 does not follow"):
        read(disk)


@pytest.mark.parametrize(
    ("index", "first_sequence", "time_ns", "why"),
    [
        (
            2,
            3,
            NOON + 3000,
            "sequence 4: the intact batch 4 does not follow",
        ),  # another payload: the next one shows it
        (5, 7, NOON + 6000, "sequence 6: the intact batch 7 does not follow"),  # a sequence left out
        (5, 6, NOON + 5000, "sequence 6: the intact batch 6 does not follow"),  # time stands still
    ],
)
def test_a_forged_batch_with_the_right_crc_is_damage(
    index: int, first_sequence: int, time_ns: int, why: str
) -> None:
    """Whoever can write the disk knows the salt; the chain, the order and the time still tell on him."""
    disk = SimulatedDisk()
    found = written(disk, 6)
    (path,) = segments(disk)
    content = disk.content(path)
    salt = decode_label(bytes(content), path).salt
    forged, _ = encode(
        first_sequence, 1, time_ns, bytes(len(found[index].payload)), found[index - 1].hash, 0, salt
    )
    content[found[index].offset : found[index].offset + len(forged)] = forged
    with pytest.raises(JournalDamaged, match=why):
        read(disk)


def test_the_walk_may_begin_behind_every_batch() -> None:
    disk = SimulatedDisk()
    found = written(disk, 25)
    hashes = {0: GENESIS_HASH} | {b.last_sequence: b.hash for b in found}
    for after in range(26):
        walk = LogReader(disk, ROOT).batches(after, hashes[after])
        assert list(walk) == found[after:], after


def test_a_walk_from_another_history_or_from_nowhere_is_refused_before_it_begins() -> None:
    disk = SimulatedDisk()
    written(disk, 25)
    for after in range(1, 26):
        with pytest.raises(CheckpointDamaged, match="another history"):
            LogReader(disk, ROOT).batches(after, bytes(32))
    with pytest.raises(CheckpointDamaged, match="no batch of the journal ends there"):
        LogReader(disk, ROOT).batches(26, bytes(32))


def test_a_checkpoint_inside_a_batch_is_refused() -> None:
    disk = SimulatedDisk()
    journal, _ = opened(disk)
    append(journal, count=10)
    append(journal, count=10)
    journal.close()
    with pytest.raises(CheckpointDamaged, match="no batch of the journal ends there"):
        LogReader(disk, ROOT).batches(15, bytes(32))


def test_old_segments_may_be_taken_away_when_nothing_before_them_is_asked_for() -> None:
    disk = SimulatedDisk()
    found = written(disk, 25)
    disk.unlink(segments(disk)[0])
    begins = first_sequence_of(segment_names(disk, ROOT)[0])
    assert list(LogReader(disk, ROOT).batches(begins - 1, found[begins - 2].hash)) == found[begins - 1 :]
    with pytest.raises(JournalDamaged, match="sequence 1 is not there"):
        read(disk)


def test_a_strange_name_is_not_passed_over() -> None:
    disk = SimulatedDisk()
    written(disk, 3)
    disk.create(os.path.join(ROOT, "journal-1.mbj"))
    with pytest.raises(JournalDamaged, match="not a name of a segment"):
        read(disk)


def test_the_reader_does_not_look_at_the_spare() -> None:
    disk = SimulatedDisk()
    written(disk, 3)
    disk.create(os.path.join(ROOT, SPARE_NAME))
    assert read(disk) == [1, 2, 3]
