"""A batch is durable when a sync that began after it was written is done, and never otherwise."""

import os
import select
from collections.abc import Callable

import pytest

from bus.errors import JournalFailed
from bus.journal.journal import Journal
from bus.journal.segment import SPARE_NAME, segment_names
from bus.journal.synced import read_synced
from bus.journal.writer import Policy
from tests.journal.logs import NOON, ROOT, append, left_behind, opened, payload_of, prepared, written
from tests.support.simulated_disk import SimulatedDisk


def completed(fd: int) -> None:
    """Wait until the completion of a sync is to be taken."""
    assert select.select([fd], [], [], 30)[0], "no completion"


def test_a_sync_releases_what_was_written_when_it_began() -> None:
    disk = SimulatedDisk()
    journal, _ = opened(disk)
    prepared(journal)
    disk.hold_datasyncs()
    assert append(journal) == 1
    disk.wait_for_datasync()
    assert append(journal) == 2
    assert append(journal) == 3
    assert journal.durable_generation == 0
    disk.release_datasyncs()
    completed(journal.completion_fd)
    disk.hold_datasyncs()
    assert journal.durable_generation == 0, "not before the loop has taken it"
    assert journal.take_completion() == 1
    assert read_synced(disk, ROOT) == 1, "the side file may lag, and never leads"
    disk.wait_for_datasync()  # the next one began by itself, for both
    assert journal.take_completion() == 1
    disk.release_datasyncs()
    completed(journal.completion_fd)
    assert journal.take_completion() == 3
    journal.close()


def test_what_was_not_yet_released_is_what_a_crash_may_take() -> None:
    disk = SimulatedDisk()
    journal, _ = opened(disk)
    prepared(journal)
    disk.hold_datasyncs()
    append(journal)
    disk.wait_for_datasync()
    append(journal)
    disk.release_datasyncs()
    completed(journal.completion_fd)
    disk.hold_datasyncs()
    assert journal.take_completion() == 1
    with left_behind(journal):
        disk.crash_keeping(0)
    journal, found = opened(disk)
    journal.close()
    assert [b.last_sequence for b in found] == [1]


def test_an_idle_journal_starts_no_sync() -> None:
    disk = SimulatedDisk()
    journal, _ = opened(disk)
    append(journal)
    completed(journal.completion_fd)
    journal.take_completion()
    assert journal.sync_now() == 1
    assert not select.select([journal.completion_fd], [], [], 0)[0]
    assert journal.take_completion() == 1
    journal.close()


def test_under_os_a_batch_is_durable_once_it_is_written() -> None:
    disk = SimulatedDisk()
    journal, _ = opened(disk, policy="os")
    assert append(journal) == 1
    assert journal.durable_generation == 1
    assert disk.unsynced_bytes() > 0
    assert append(journal) == 2
    assert journal.durable_generation == 2
    journal.close()
    assert disk.unsynced_bytes() == 0, "synced when it is closed"
    assert read_synced(disk, ROOT) == 2


def test_under_os_full_segments_are_synced_by_the_way() -> None:
    disk = SimulatedDisk()
    journal, _ = opened(disk, policy="os")
    while len(segment_names(disk, ROOT)) < 2:
        append(journal)
    head = journal.head
    completed(journal.completion_fd)
    journal.take_completion()
    assert journal.writer.synced_sequence == head - 1
    journal.close()


def test_under_os_full_segments_are_synced_although_nobody_takes_completions() -> None:
    disk = SimulatedDisk()
    journal, _ = opened(disk, policy="os")
    for segments in range(2, 8):
        while len(segment_names(disk, ROOT)) < segments:
            append(journal)
        completed(journal.completion_fd)
    assert journal.writer.synced_sequence > 30
    prepared(journal)
    assert len(disk._handles) <= 4, "the side file, the spare, the present segment and the one before it"
    journal.close()


def test_a_new_segment_is_durable_with_the_end_of_the_old_one() -> None:
    disk = SimulatedDisk()
    journal, _ = opened(disk)
    append(journal)
    journal.sync_now()
    prepared(journal)
    disk.hold_datasyncs()
    generation = append(journal)
    disk.wait_for_datasync()
    while len(segment_names(disk, ROOT)) < 2:  # the spare was ready before datasyncs were held
        generation = append(journal)
    disk.release_datasyncs()
    completed(journal.completion_fd)
    assert journal.take_completion() == 2
    completed(journal.completion_fd)
    assert journal.take_completion() == generation
    with left_behind(journal):
        disk.crash_keeping(0)
        disk.crash(1)
    journal, found = opened(disk)
    journal.close()
    assert len(found) == generation


def test_a_batch_never_spans_two_segments() -> None:
    disk = SimulatedDisk()
    journal, _ = opened(disk)
    append(journal, length=500)
    append(journal, length=500)
    append(journal, length=10)
    journal.close()
    journal, found = opened(disk)
    journal.close()
    assert [b.segment for b in found] == [f"journal-{n:020}.mbj" for n in (1, 2, 2)]
    assert {len(disk.content(os.path.join(ROOT, name))) for name in segment_names(disk, ROOT)} == {1024}


def test_a_segment_can_be_filled_to_its_last_byte() -> None:
    disk = SimulatedDisk()
    journal, _ = opened(disk)
    append(journal, length=1024 - 144 - 68 - 12)
    append(journal)
    journal.close()
    journal, found = opened(disk)
    journal.close()
    assert [b.segment for b in found] == [f"journal-{n:020}.mbj" for n in (1, 2)]


def test_a_failed_write_is_final() -> None:
    disk = SimulatedDisk()
    journal, _ = opened(disk)
    append(journal)
    assert journal.sync_now() == 1
    prepared(journal)
    disk.fail_write_at = 0
    with pytest.raises(
        JournalFailed, match=r"journal-0+1\.mbj: write failed at offset \d+: Input/output error"
    ):
        append(journal)
    disk.fail_write_at = None
    attempts: list[Callable[[], int]] = [lambda: append(journal), journal.take_completion, journal.sync_now]
    for again in attempts:
        with pytest.raises(JournalFailed, match="write failed"):
            again()
    assert journal.durable_generation == 1
    journal.close()
    journal, found = opened(disk)
    journal.close()
    assert [b.last_sequence for b in found] == [1]


def test_a_failed_sync_is_final_although_a_second_one_would_succeed() -> None:
    disk = SimulatedDisk()
    journal, _ = opened(disk)
    append(journal)
    assert journal.sync_now() == 1
    prepared(journal)
    disk.fail_datasync_at = 0
    append(journal)
    append(journal)
    completed(journal.completion_fd)
    syncs = disk.datasyncs
    attempts: list[Callable[[], int]] = [journal.take_completion, lambda: append(journal), journal.sync_now]
    for again in (*attempts, *attempts):
        with pytest.raises(JournalFailed, match=r"journal-0+1\.mbj: sync failed: Input/output error"):
            again()
        assert journal.durable_generation == 1
    journal.close()
    assert disk.datasyncs <= syncs + 1, "at most the side file is synced after that"
    assert read_synced(disk, ROOT) == 1
    disk.crash(1)
    journal, found = opened(disk)
    journal.close()
    assert found[0].last_sequence == 1


def test_a_sync_that_fails_when_it_is_closed_is_reported() -> None:
    disk = SimulatedDisk()
    journal, _ = opened(disk, policy="os")
    append(journal)
    prepared(journal)  # or its sync takes the failure that is meant for the log
    disk.fail_datasync_at = 0
    with pytest.raises(JournalFailed, match="sync failed"):
        journal.close()
    journal.close()


def test_no_room_for_the_first_segment() -> None:
    disk = SimulatedDisk()
    disk.space_bytes = 1500
    with pytest.raises(JournalFailed, match=r"journal\.spare: .*No space left on device"):
        opened(disk)


def append_for_ever(journal: Journal) -> None:
    while True:
        append(journal)


@pytest.mark.parametrize("policy", ["disk", "os"])
def test_no_room_for_the_next_segment_is_known_early_and_stops_at_its_first_batch(policy: Policy) -> None:
    disk = SimulatedDisk()
    disk.space_bytes = 3000  # the side file and one segment, not two
    journal, _ = opened(disk, policy=policy)
    full = r"journal\.spare: preparing the next segment failed: No space left"
    with pytest.raises(JournalFailed, match=full):
        append_for_ever(journal)
    written_batches = journal.head
    assert written_batches > 3
    with pytest.raises(JournalFailed):
        append(journal)
    journal.close()
    disk.space_bytes = None
    journal, found = opened(disk)
    journal.close()
    assert [b.last_sequence for b in found] == list(range(1, written_batches + 1))


def test_the_warning_comes_before_the_segment_is_full() -> None:
    disk = SimulatedDisk()
    disk.space_bytes = 3000
    journal, _ = opened(disk)
    prepared(journal)
    assert "No space left" in str(journal.writer.spare_failure)
    assert append(journal) == 1
    journal.close()


@pytest.mark.parametrize(
    ("first_sequence", "count", "time_ns", "payload"),
    [
        (2, 1, NOON + 9000, b"x"),  # a repeated sequence
        (4, 1, NOON + 9000, b"x"),  # a gap
        (3, 0, NOON + 9000, b"x"),  # no command
        (3, 1, NOON + 2000, b"x"),  # time stands still
        (3, 1, NOON + 9000, b""),
        (3, 1, NOON + 9000, b"x" * 1000),  # larger than a segment
    ],
)
def test_a_batch_that_no_reader_would_take_is_not_written(
    first_sequence: int, count: int, time_ns: int, payload: bytes
) -> None:
    disk = SimulatedDisk()
    journal, _ = opened(disk)
    append(journal)
    append(journal)
    with pytest.raises(ValueError, match=r"cannot follow|a payload holds"):
        journal.append(first_sequence, count, time_ns, payload)
    append(journal)
    journal.close()
    journal, found = opened(disk)
    journal.close()
    assert [b.payload for b in found] == [payload_of(1), payload_of(2), payload_of(3)]


def test_closing_is_idempotent_and_final() -> None:
    disk = SimulatedDisk()
    journal, _ = opened(disk)
    append(journal)
    journal.close()
    journal.close()
    with pytest.raises(JournalFailed, match="the journal is closed"):
        append(journal)
    assert disk.unsynced_bytes() == 0
    assert disk._handles == {}, "every file was closed"
    assert SPARE_NAME not in disk.names(ROOT)


def test_the_journal_goes_on_where_it_ended_over_many_lives() -> None:
    disk = SimulatedDisk()
    for life in range(1, 9):
        assert [b.last_sequence for b in written(disk, 3)] == list(range(1, 3 * life + 1))


def test_nothing_is_written_before_all_was_read() -> None:
    disk = SimulatedDisk()
    written(disk, 3)
    journal = Journal.open(ROOT, disk=disk)
    next(journal.batches())
    with pytest.raises(AssertionError, match="walk over all batches"):
        journal.append(4, 1, NOON * 2, b"x")
