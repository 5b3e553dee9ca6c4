"""Where the log stops being readable: a torn tail, or damage?

A crash tears what was not yet synced, in any order: the disk may have kept a later batch and lost an earlier
one. So "nothing valid follows" alone would call some ordinary crashes damage. Each frame therefore says how
much before it was not yet durable when it was written (`behind`, see `batch`), and the rule is:

    the first batch that cannot be read has the sequence s
      s <= the last sequence in the side file `synced`               damage: it was durable
      an intact frame follows that was written when s was durable    damage: it was durable
      otherwise                                                      a torn tail: nothing of it was released

Under the policy "os" every batch counts as durable once it is written, so there any intact frame that
follows makes it damage. Called by `reader` (judge), and by `journal` (cut) before it writes.
"""

import os
from dataclasses import dataclass

from bus.errors import JournalDamaged
from bus.journal.batch import find_intact
from bus.journal.disk import Disk
from bus.journal.segment import FIRST_BATCH_OFFSET, decode_label, read_segment


@dataclass(frozen=True, slots=True)
class TornTail:
    """What a crash left behind the last whole batch, and what `cut` takes away."""

    directory: str
    segment: str  # where the first unreadable batch stands
    offset: int  # of that batch; before the first batch, the whole segment goes
    next_sequence: int  # that the unreadable batch has
    later_segments: tuple[str, ...]

    def __str__(self) -> str:
        path = os.path.join(self.directory, self.segment)
        return f"torn tail at {path}: offset {self.offset}, sequence {self.next_sequence}"


@dataclass(frozen=True, slots=True)
class Place:
    """Where reading stopped: the names of all segments from this one on, and why."""

    directory: str
    segments: tuple[str, ...]  # the first is where reading stopped
    offset: int
    next_sequence: int
    why: str


def judge(disk: Disk, place: Place, data: bytes, synced_sequence: int) -> TornTail:
    """The torn tail at this place; `JournalDamaged` when it is none. `data` is the whole first segment.

    Reads every later segment, one at a time. O(bytes of log behind the place).
    """
    path = os.path.join(place.directory, place.segments[0])
    where = f"{path}: offset {place.offset}, sequence {place.next_sequence}: {place.why}"
    if place.next_sequence <= synced_sequence:
        raise JournalDamaged(f"{where}, but everything up to {synced_sequence} had been synced")
    for index, name in enumerate(place.segments):
        path = os.path.join(place.directory, name)
        if index:
            data = read_segment(disk, path)
        salt = decode_label(data, path).salt
        start = FIRST_BATCH_OFFSET if index else max(place.offset, FIRST_BATCH_OFFSET)
        while (found := find_intact(data, start, salt)) is not None:
            offset, first_sequence, behind = found
            if first_sequence - 1 - behind >= place.next_sequence:
                raise JournalDamaged(
                    f"{where}, but the intact batch {first_sequence} at {path}: offset {offset} "
                    "was written when this one was durable"
                )
            start = offset + 1
    return TornTail(place.directory, place.segments[0], place.offset, place.next_sequence, place.segments[1:])


def cut(disk: Disk, torn: TornTail) -> None:
    """Take the torn tail away and sync that. Newest first, so that a crash in between leaves a torn tail."""
    for name in reversed(torn.later_segments):
        disk.unlink(os.path.join(torn.directory, name))
        disk.sync_directory(torn.directory)
    path = os.path.join(torn.directory, torn.segment)
    if torn.offset < FIRST_BATCH_OFFSET:
        disk.unlink(path)
        disk.sync_directory(torn.directory)
        return
    handle = disk.open(path, writable=True)
    try:
        disk.write(handle, bytes(disk.size(handle) - torn.offset), torn.offset)
        disk.datasync(handle)
    finally:
        disk.close(handle)
