"""What the stories of this room need: journals to tell them with."""

import contextlib
import os
from collections.abc import Iterator

from bus.errors import JournalFailed
from bus.journal.batch import Batch, join_entries
from bus.journal.disk import Disk
from bus.journal.journal import Journal
from bus.journal.writer import Policy
from tests.support.simulated_disk import SimulatedDisk

ROOT = "/data"
SMALL_SEGMENT = 1024  # a handful of batches
NOON = 1_700_000_000_000_000_000


def payload_of(sequence: int, length: int = 20) -> bytes:
    """One entry, of other bytes for each sequence."""
    return join_entries([(sequence % 3, bytes((sequence * 7 + i) % 251 + 1 for i in range(length)))])


def opened(
    disk: Disk, root: str = ROOT, *, policy: Policy = "disk", segment_bytes: int = SMALL_SEGMENT
) -> tuple[Journal, list[Batch]]:
    """A journal ready to be written, and what it held."""
    journal = Journal.open(root, policy=policy, segment_bytes=segment_bytes, disk=disk)
    return journal, list(journal.batches())


def append(journal: Journal, count: int = 1, length: int = 20) -> int:
    """Append one batch of that many commands behind the last one; its generation."""
    first_sequence = journal.head + 1
    return journal.append(
        first_sequence, count, NOON + first_sequence * 1000, payload_of(first_sequence, length)
    )


def written(disk: Disk, batches: int, root: str = ROOT, *, segment_bytes: int = SMALL_SEGMENT) -> list[Batch]:
    """Write a journal of that many batches, each synced, and close it; what a reader finds in it."""
    journal, found = opened(disk, root, segment_bytes=segment_bytes)
    for _ in range(batches):
        append(journal)
        journal.sync_now()
    journal.close()
    journal, found = opened(disk, root, segment_bytes=segment_bytes)
    journal.close()
    return found


@contextlib.contextmanager
def left_behind(journal: Journal) -> Iterator[None]:
    """Let the threads of a journal end whose disk is gone."""
    try:
        yield
    finally:
        with contextlib.suppress(JournalFailed, OSError):
            journal.close()


def prepared(journal: Journal) -> None:
    """Wait until the preparation of the next segment has ended, so that the next sync is one of the log."""
    assert journal.writer._preparation is not None
    journal.writer._preparation.result()


def put_back(disk: SimulatedDisk, copy: SimulatedDisk, root: str = ROOT) -> None:
    """The directory holds what it held when it was copied, in the same files."""
    for name in disk.names(root):
        path = os.path.join(root, name)
        if name in copy.names(root):
            disk.content(path)[:] = copy.content(path)
        else:
            disk.unlink(path)
