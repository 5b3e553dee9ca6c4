"""The log of one engine, from its start to its end: opened, replayed, then written.

    journal = Journal.open(directory, policy="disk")
    for batch in journal.batches(after=checkpoint_sequence, expected_hash=checkpoint_hash): ...
    journal.append(...)             # from here on; the writer stands behind the last good batch

One pass is enough: walking the batches verifies them, finds the end of the log, and when it is exhausted cuts
a torn tail (reported in `torn`) and syncs what a crash of the process may have left unsynced. Damage raises
`JournalDamaged` and nothing is written. Before the walk is over nothing can be appended.

Called by the node, mostly through `recovery`. The data directory must be held by the caller.
"""

import os
from collections.abc import Iterator

from bus.errors import JournalFailed
from bus.journal.batch import Batch
from bus.journal.disk import Disk
from bus.journal.reader import LogReader, probable_head
from bus.journal.segment import SEGMENT_BYTES_DEFAULT, first_sequence_of
from bus.journal.tail import TornTail, cut
from bus.journal.writer import JournalWriter, Policy, Position


class Journal:
    """See above. All of it is for one thread."""

    def __init__(self, directory: str, disk: Disk, policy: Policy, segment_bytes: int) -> None:
        self.directory = directory
        self.disk = disk
        self._policy = policy
        self._segment_bytes = segment_bytes
        self._reader = LogReader(disk, directory)
        self._writer: JournalWriter | None = None
        # Nothing of it is verified: to choose a checkpoint by. Exact when the engine was stopped cleanly.
        self.probable_head = probable_head(disk, directory)
        self.torn: TornTail | None = None  # what was cut, known after the walk

    @classmethod
    def open(
        cls,
        directory: str,
        *,
        policy: Policy = "disk",
        segment_bytes: int = SEGMENT_BYTES_DEFAULT,
        disk: Disk | None = None,
    ) -> "Journal":
        """Look at the segments in a directory that exists; changes nothing. `segment_bytes` is that of new ones."""
        return cls(directory, disk or Disk(), policy, segment_bytes)

    @property
    def first_sequence(self) -> int:
        """The first sequence that is still in the log; 1 when the log is empty."""
        return self._reader.first_sequence

    def batches(self, after: int = 0, expected_hash: bytes | None = None) -> Iterator[Batch]:
        """The batches behind the one that ends with `after`, verified; at the end the journal can be appended to.

        `CheckpointDamaged` at once when the batch that ends with `after` is not there or has another hash; one
        may then call this again with another one. `JournalDamaged` at once or while walking.
        """
        assert self._writer is None, "the journal was opened for writing, its batches were all read"
        self._reader = LogReader(self.disk, self.directory)
        return self._until_end(self._reader, self._reader.batches(after, expected_hash))

    def append(self, first_sequence: int, count: int, time_ns: int, payload: bytes) -> int:
        """See `JournalWriter.append`: the generation of the batch."""
        return self.writer.append(first_sequence, count, time_ns, payload)

    def take_completion(self) -> int:
        """See `JournalWriter.take_completion`: what is durable now."""
        return self.writer.take_completion()

    def sync_now(self) -> int:
        """See `JournalWriter.sync_now`: blocks until all is durable."""
        return self.writer.sync_now()

    def close(self) -> None:
        """Sync and close; again: nothing."""
        if self._writer is not None:
            self._writer.close()

    @property
    def writer(self) -> JournalWriter:
        """The writer, for a hot path that saves one call; only after the walk is over."""
        assert self._writer is not None, "walk over all batches before the journal is written"
        return self._writer

    @property
    def completion_fd(self) -> int:
        """Readable when `take_completion` has something to take."""
        return self.writer.completion_fd

    @property
    def durable_generation(self) -> int:
        """Everything up to this generation may be shown to the world."""
        return self.writer.durable_generation

    @property
    def head(self) -> int:
        """The last sequence in the log; known when the walk is over."""
        return self.writer.last_sequence

    @property
    def head_hash(self) -> bytes:
        """The hash of the last batch."""
        return self.writer.last_hash

    @property
    def head_time_ns(self) -> int:
        """The time of the last batch; the next one must be later."""
        return self.writer.last_time_ns

    def _until_end(self, reader: LogReader, walk: Iterator[Batch]) -> Iterator[Batch]:
        yield from walk
        try:
            self._settle(reader)
        except OSError as error:
            raise JournalFailed(
                f"{self.directory}: preparing the journal for writing failed: {error.strerror or error}"
            ) from error
        end = reader.end
        position = Position(
            end.last_sequence, end.last_hash, end.last_time_ns,
            end.segment or None, end.offset, reader.segment_bytes, end.salt,
        )  # fmt: skip
        self._writer = JournalWriter(
            self.disk, self.directory, position, policy=self._policy, segment_bytes=self._segment_bytes
        )

    def _settle(self, reader: LogReader) -> None:
        """Leave nothing behind the last good batch, and nothing before it unsynced.

        After a crash of the process alone, what was read may be in memory only; the engine builds on it from
        here on, so it must be durable, in whatever segment it stands.
        """
        remaining = list(reader.segments)
        if reader.torn is not None:
            cut(self.disk, reader.torn)
            self.torn = reader.torn
            remaining = [name for name in remaining if name <= reader.end.segment]
        for index, name in enumerate(remaining):
            is_last = index + 1 == len(remaining)
            if is_last or first_sequence_of(remaining[index + 1]) - 1 > reader.synced_sequence:
                handle = self.disk.open(os.path.join(self.directory, name), writable=True)
                try:
                    self.disk.datasync(handle)
                finally:
                    self.disk.close(handle)
        self.disk.sync_directory(self.directory)
