"""Follows the log while an engine writes it: gives what is new, and reads nothing twice.

    segment    │ batch │ batch │ batch │ half a bat 0 0 0 0 0 0 0 ...
                                ▲       ▲
                     read so far┘       └ not whole yet: not there

A follower never judges what it cannot read: zeros, half a frame, a segment without its link are all "not there yet",
also behind a crash, until the next engine has cut them off. What it has read is verified as by `reader`. So it can
read what is not durable; whoever follows must not show it (I3). `Batch.behind` tells what was durable when the batch
was written; what was durable for sure and is not there is found out by asking for it (`require`).

The log may become another one behind its back: an engine that comes back after a loss of power, or from a copy, goes on
from an earlier place. Then `LogReplaced` is raised, and everything that was built on the log has to be built anew.

Called by the shadow, which lives beside the engine, and by its walks through old history. It changes nothing.
"""

import os
from collections.abc import Iterator
from contextlib import suppress
from hashlib import sha256
from typing import Final

from bus.errors import CheckpointDamaged, JournalDamaged, LogReplaced
from bus.journal.batch import HEADER_BYTES, MAGIC, MAX_BATCH_BYTES, SEAL_BYTES, Batch, unpack_frame
from bus.journal.chain import Chain
from bus.journal.disk import Disk
from bus.journal.reader import probable_head
from bus.journal.segment import (
    FIRST_BATCH_OFFSET,
    decode_label,
    decode_link,
    first_sequence_of,
    segment_name,
    segment_names,
)
from bus.journal.synced import read_synced

#: How much is read at once: some thousand commands, and no more than a fraction of a millisecond; and how much when
#: less than that was new the last time, which mostly means little or nothing.
READ_BYTES: Final = 256 * 1024
_LOOK_BYTES: Final = 16 * 1024
#: Of the log written so far and not read, an estimate is good to so many bytes.
_PAGE_BYTES: Final = 4096


class LogFollower:
    """A place in the log of a directory, from `start` on. One thread."""

    def __init__(self, disk: Disk, directory: str) -> None:
        self.directory = directory
        self._disk = disk
        self._end = Chain(directory)
        self._handle: int | None = None
        self._segment_bytes = 0
        #: (segment, offset, bytes of its frame) of the batch that was read last, to see whether it is still there.
        self._last: tuple[str, int, int] | None = None
        self._look_bytes = _LOOK_BYTES

    @property
    def last_sequence(self) -> int:
        """The last sequence that was read."""
        return self._end.last_sequence

    @property
    def last_hash(self) -> bytes:
        """The hash of the batch that ends with it."""
        return self._end.last_hash

    # What `bus.journal.recovery` asks, to find a checkpoint to start from.

    @property
    def first_sequence(self) -> int:
        """The first sequence that is still in the log; 1 when the log is empty."""
        names = segment_names(self._disk, self.directory)
        return first_sequence_of(names[0]) if names else 1

    @property
    def probable_head(self) -> int:
        """The last sequence of the log as far as the lengths in its newest segment tell."""
        return probable_head(self._disk, self.directory)

    def batches(self, after: int = 0, expected_hash: bytes | None = None) -> Iterator[Batch]:
        """Stand behind the batch that ends with `after`, and give what follows and is there now.

        `CheckpointDamaged` at once when no batch ends there, or one with another hash: whatever was made at `after`
        belongs to another history. May be called again. What is not taken of the iterator is given by `read`.
        """
        self._stand_behind(after)
        where = f"{self.directory}: checkpoint at sequence {after}"
        if self.last_sequence != after:
            raise CheckpointDamaged(f"{where}: no batch of the journal ends there")
        if expected_hash is not None and self.last_hash != expected_hash:
            raise CheckpointDamaged(f"{where}: the journal has another batch there, it is another history")
        return self._new()

    # What follows.

    def read(self) -> list[Batch]:
        """The next batches, about `READ_BYTES` of them; none when nothing is new.

        Raises LogReplaced or JournalDamaged.
        """
        found: list[Batch] = []
        size = 0
        try:
            for batch in self._new():
                found.append(batch)
                size += batch.frame_bytes
                if size >= READ_BYTES:
                    break
        except JournalDamaged:
            self.check()
            raise
        return found

    def require(self, sequence: int) -> None:
        """Raise when `read` gave nothing although this sequence was durable, as the caller knew before it read.

        `JournalDamaged` when the side file knows it, too. Otherwise an engine said so: of this log or of one that is
        gone, so `LogReplaced`.
        """
        if sequence <= self.last_sequence:
            return
        self.check()
        if read_synced(self._disk, self.directory) > self.last_sequence:
            raise JournalDamaged(f"{self._end.where()}: the batch is not intact, and it had been synced")
        raise LogReplaced(
            f"{self.directory}: the log ends with sequence {self.last_sequence}, and the engine had made"
            f" {sequence} durable"
        )

    def check(self) -> None:
        """Raise LogReplaced unless the batch that was read last stands where it stood. To be called when idle.

        The chain covers all that is before it, so this one batch stands for the whole log. A segment of which no batch
        was read may have been cut off as a torn tail: it is left, and looked for anew. Two reads.
        """
        if self._last is None:
            self.close()
            self._end.segment = ""
            return
        name, offset, length = self._last
        path = os.path.join(self.directory, name)
        head = frame = b""
        with suppress(FileNotFoundError):
            handle = self._disk.open(path)
            try:
                head = self._disk.read(handle, 0, FIRST_BATCH_OFFSET)
                frame = self._disk.read(handle, offset, length)
            finally:
                self._disk.close(handle)
        if sha256(frame[SEAL_BYTES:]).digest() != self._end.last_hash:
            raise LogReplaced(
                f"{path}: offset {offset}: the batch that ends with sequence {self.last_sequence} is not there any"
                " more: the log is another one now"
            )
        if name != self._end.segment:
            self.close()
            self._handle = self._disk.open(path)
            label = decode_label(head, path, self._disk.size(self._handle))
            self._segment_bytes = label.segment_bytes
            self._end.segment, self._end.salt, self._end.offset = name, label.salt, offset + length

    def unread_bytes(self) -> int:
        """How much of the log is written and not read, good to 4 KiB. Looks at lengths, reads no batch."""
        names = [name for name in segment_names(self._disk, self.directory) if name >= self._end.segment]
        found = 0
        for name in names:
            begin = self._end.offset if name == self._end.segment else FIRST_BATCH_OFFSET
            try:
                handle = self._disk.open(os.path.join(self.directory, name))
            except FileNotFoundError:  # cut off meanwhile
                continue
            try:
                size = self._disk.size(handle)
                written = self._written_up_to(handle, begin, size) if name == names[-1] else size
            finally:
                self._disk.close(handle)
            found += written - begin
        return found

    def close(self) -> None:
        """Let the segment go; again: nothing."""
        if self._handle is not None:
            self._disk.close(self._handle)
            self._handle = None

    # Inside.

    def _stand_behind(self, after: int) -> None:
        """Walk the segment in which `after` stands up to there, or to where it cannot be read any further."""
        self.close()
        self._end = Chain(self.directory)
        self._last = None
        names = segment_names(self._disk, self.directory)
        if not after or not names:
            return
        # What stands before the first segment that is left is known by its link alone.
        name = max((n for n in names if first_sequence_of(n) <= after), default=names[0])
        self._open(name, first_sequence_of(name) - 1)
        if self.last_sequence < after:
            for batch in self._new():
                if batch.last_sequence >= after:
                    break

    def _new(self) -> Iterator[Batch]:
        """What is new, a batch at a time; the place is behind the one that was given last."""
        while self._handle is not None or self._open_next():
            gave = False
            for batch in self._chunk():
                self._last = (batch.segment, batch.offset, batch.frame_bytes)
                gave = True
                yield batch
            if not gave and not self._open_next():
                return

    def _chunk(self) -> Iterator[Batch]:
        """The whole batches of one read."""
        handle, begin = self._handle, self._end.offset
        assert handle is not None, "a segment is open"
        data = self._disk.read(handle, begin, self._look_bytes)
        length = _length_of_first(data)
        if len(data) < length <= self._segment_bytes - begin:
            data = self._disk.read(handle, begin, length)
        yield from self._end.batches(data, begin)
        used = self._end.offset - begin
        self._look_bytes = READ_BYTES if used * 2 > len(data) else _LOOK_BYTES

    def _open_next(self) -> bool:
        """Whether the segment behind the last batch is there, and linked to it; then it is read from now on."""
        name = segment_name(self.last_sequence + 1)
        return name != self._end.segment and self._open(name)

    def _open(self, name: str, after: int | None = None) -> bool:
        """Go on in a segment; with `after` behind whatever its link says. False when it is not ready to be read."""
        path = os.path.join(self.directory, name)
        try:
            handle = self._disk.open(path)
        except FileNotFoundError:
            return False
        try:
            head = self._disk.read(handle, 0, FIRST_BATCH_OFFSET)
            label = decode_label(head, path, self._disk.size(handle))
            link = decode_link(head, label.salt)
            if link is None:
                self._disk.close(handle)
                return False
            if after:
                self._end.last_sequence, self._end.last_hash = after, link.previous
                self._end.last_time_ns = link.last_time_ns
            self._end.enter(name, label.salt, link)
        except BaseException:
            self._disk.close(handle)
            raise
        self.close()
        self._handle, self._segment_bytes = handle, label.segment_bytes
        return True

    def _written_up_to(self, handle: int, begin: int, size: int) -> int:
        """Where a segment's zeros begin. A page of zeros ends what is written: no batch is that empty."""
        low, high = begin // _PAGE_BYTES, -(-size // _PAGE_BYTES)
        while low < high:
            middle = (low + high) // 2
            page = self._disk.read(handle, middle * _PAGE_BYTES, _PAGE_BYTES)
            if page.count(0) == len(page):
                high = middle
            else:
                low = middle + 1
        return max(begin, min(low * _PAGE_BYTES, size))


def _length_of_first(data: bytes) -> int:
    """How long the frame is with which the data begins, by what it says itself; 0 when it is none."""
    if len(data) < HEADER_BYTES:
        return 0
    magic, _, _, length, *_ = unpack_frame(data, 0)
    return HEADER_BYTES + length if magic == MAGIC and length <= MAX_BATCH_BYTES else 0
