"""Reads the log and verifies all of it: nothing is yielded that is not intact, dense and in order.

What is checked of each batch: its CRC, that it names the hash of the batch before, that its sequence follows
densely, that its time rises; of each segment: label, link and that it follows the one before without a gap.
What cannot be read is judged by `tail`: a torn tail ends the log, everything else is `JournalDamaged`.

One segment is in memory at a time. The reader changes nothing, so it may read beside a running engine; then
what is being written looks like a torn tail, or simply is not there yet. Whoever follows a log as it grows has
`follower`.

Called by `journal` for recovery, and by whoever audits a log.
"""

import os
from collections.abc import Iterator

from bus.errors import CheckpointDamaged, JournalDamaged
from bus.journal.batch import HEADER_BYTES, MAGIC, Batch, unpack_frame
from bus.journal.chain import Chain
from bus.journal.disk import Disk
from bus.journal.segment import (
    FIRST_BATCH_OFFSET,
    LINK_OFFSET,
    decode_label,
    decode_link,
    first_sequence_of,
    read_segment,
    segment_names,
)
from bus.journal.synced import read_synced
from bus.journal.tail import Place, TornTail, judge


class LogReader:
    """One walk over the log in a directory. After it, the attributes say where and how the log ends."""

    def __init__(self, disk: Disk, directory: str) -> None:
        self._disk = disk
        self._directory = directory
        # The side file first: what is written meanwhile can only make the log longer than it says.
        self.synced_sequence = read_synced(disk, directory)
        self.segments = segment_names(disk, directory)
        self.first_sequence = first_sequence_of(self.segments[0]) if self.segments else 1
        # How far the walk has come; at last where the log ends. `segment`: the last one with an intact link, or "".
        self.end = Chain(directory)
        self.segment_bytes = 0
        self.torn: TornTail | None = None
        self.finished = False

    def batches(self, after: int = 0, expected_hash: bytes | None = None) -> Iterator[Batch]:
        """The batches after the one that ends with sequence `after`, oldest first.

        Starts in the segment that holds `after`; what stands before it there is verified as well. Raises
        `CheckpointDamaged` before anything is yielded when no batch ends with `after`, or when that batch has
        another hash than `expected_hash`: then whatever was made at `after` belongs to another history.
        `JournalDamaged` while walking. To be called once; the walk has finished when the iterator is exhausted.
        """
        walk = self._walk(self._start(after))
        last_sequence, last_hash = self.end.last_sequence, self.end.last_hash
        if last_sequence != after:
            for batch in walk:
                last_sequence, last_hash = batch.last_sequence, batch.hash
                if last_sequence >= after:
                    break
        where = f"{self._directory}: checkpoint at sequence {after}"
        if last_sequence != after:
            raise CheckpointDamaged(f"{where}: no batch of the journal ends there")
        if expected_hash is not None and last_hash != expected_hash:
            raise CheckpointDamaged(f"{where}: the journal has another batch there, it is another history")
        return walk

    def _start(self, after: int) -> int:
        """The index of the segment to start in; takes over its link."""
        if not self.segments:
            if self.synced_sequence:
                raise JournalDamaged(
                    f"{self._directory}: no segments, but sequence {self.synced_sequence} was synced"
                )
            return 0
        if self.first_sequence > after + 1:
            raise JournalDamaged(
                f"{self._directory}: the log begins with {self.segments[0]}, sequence {after + 1} is not there"
            )
        start = max(i for i, name in enumerate(self.segments) if first_sequence_of(name) <= after + 1)
        first_sequence = first_sequence_of(self.segments[start])
        # The newest segment may have a torn link; the one before it then has to say what it follows.
        while True:
            path = os.path.join(self._directory, self.segments[start])
            data = read_segment(self._disk, path)
            link = decode_link(data, decode_label(data, path).salt)
            if link is not None or start == 0 or first_sequence != after + 1:
                break
            start -= 1
            first_sequence = first_sequence_of(self.segments[start])
        self.end.last_sequence = first_sequence - 1
        if link is not None and first_sequence > 1:  # what the very first segment follows is known: nothing
            self.end.last_hash = link.previous
            self.end.last_time_ns = link.last_time_ns
        return start

    def _walk(self, start: int) -> Iterator[Batch]:
        for index in range(start, len(self.segments)):
            name = self.segments[index]
            path = os.path.join(self._directory, name)
            data = read_segment(self._disk, path)
            label = decode_label(data, path)
            link = decode_link(data, label.salt)
            if link is None:
                self._stop(data, index, LINK_OFFSET, "the link of the segment is not intact")
                break
            self.end.enter(name, label.salt, link)
            self.segment_bytes = label.segment_bytes
            yield from self.end.batches(data)
            if not self._end_of_segment(data, index):
                break
        if self.torn is None and self.end.last_sequence < self.synced_sequence:
            raise JournalDamaged(
                f"{self._directory}: the log ends with sequence {self.end.last_sequence}, "
                f"but everything up to {self.synced_sequence} had been synced"
            )
        self.finished = True

    def _end_of_segment(self, data: bytes, index: int) -> bool:
        """Whether the walk goes on in the next segment; False at the end of the log, or sets `torn`."""
        rest = len(data) - self.end.offset
        if data.count(0, self.end.offset) != rest:
            self._stop(data, index, self.end.offset, "the batch is not intact")
            return False
        if index + 1 == len(self.segments):
            return False
        following = first_sequence_of(self.segments[index + 1])
        if following != self.end.last_sequence + 1:
            self._stop(
                data,
                index,
                self.end.offset,
                f"the batch is missing, the next segment begins with {following}",
            )
            return False
        return True

    def _stop(self, data: bytes, index: int, offset: int, why: str) -> None:
        place = Place(self._directory, tuple(self.segments[index:]), offset, self.end.last_sequence + 1, why)
        self.torn = judge(self._disk, place, data, self.synced_sequence)


def probable_head(disk: Disk, directory: str) -> int:
    """The last sequence of the log as far as the lengths in its newest segment tell, nothing verified.

    Exact for a log without a torn tail. Good enough to choose a checkpoint by, before all is verified.
    """
    names = segment_names(disk, directory)
    if not names:
        return 0
    data = read_segment(disk, os.path.join(directory, names[-1]))
    head = first_sequence_of(names[-1]) - 1
    offset, size = FIRST_BATCH_OFFSET, len(data)
    while offset + HEADER_BYTES <= size:
        magic, _, _, length, count, first_sequence, _, _ = unpack_frame(data, offset)
        if magic != MAGIC or first_sequence != head + 1:
            break
        head += count
        offset += HEADER_BYTES + length
    return head
