"""Appends batches to the log and says which of them are durable (I3).

A generation is the number of a batch since the writer was opened. The rule guarded here:

    append 1     append 2            append 3
       |            |                   |
       +--- sync of 1 ------> done      |
                              +---- sync of 2 ------> done
                              |                       +---- sync of 3 ...
      durable:  0 ............ 1 ..................... 2 ...

A sync that is done makes durable what had been written when it was started, never what is written when it
ends. A write or sync that failed is never tried again; from then on everything raises the same `JournalFailed`.

Policy "disk": a generation is durable after a sync. Policy "os": once it is written; syncs then happen when a
segment is full and at the end. Called by the loop's thread only; see `Journal` for how it is opened.
"""

import os
from dataclasses import dataclass
from typing import Literal, NoReturn

from bus.errors import JournalFailed
from bus.journal.batch import GENESIS_HASH, HEADER_BYTES, encode
from bus.journal.disk import Disk
from bus.journal.segment import (
    FIRST_BATCH_OFFSET,
    LINK_OFFSET,
    SEGMENT_BYTES_MAX,
    SEGMENT_BYTES_MIN,
    SPARE_NAME,
    Link,
    encode_link,
    largest_payload_bytes,
    segment_name,
)
from bus.journal.spare import Spare, SparePreparation
from bus.journal.synced import SyncedFile
from bus.journal.syncer import Syncer, SyncJob
from bus.metrics.powers import Powers

Policy = Literal["disk", "os"]


@dataclass(frozen=True, slots=True)
class Position:
    """Where the log ends: the writer goes on from here. `segment` is None when there is none to go on in.

    Everything before it is on stable storage, and nothing is behind it in its segment but zeros.
    """

    last_sequence: int = 0
    last_hash: bytes = GENESIS_HASH
    last_time_ns: int = 0
    segment: str | None = None
    offset: int = 0
    segment_bytes: int = 0
    salt: int = 0


class JournalWriter:
    """The end of the log. One writer a directory; the directory's lock sees to that."""

    def __init__(
        self, disk: Disk, directory: str, position: Position, *, policy: Policy, segment_bytes: int
    ) -> None:
        if not SEGMENT_BYTES_MIN <= segment_bytes <= SEGMENT_BYTES_MAX:
            raise ValueError(
                f"segment_bytes must be {SEGMENT_BYTES_MIN} to {SEGMENT_BYTES_MAX}: {segment_bytes}"
            )
        self._disk = disk
        self._directory = directory
        self._to_disk = policy == "disk"
        self._new_segment_bytes = segment_bytes
        self.last_sequence = position.last_sequence
        self.last_hash = position.last_hash
        self.last_time_ns = position.last_time_ns
        self._largest_payload = largest_payload_bytes(segment_bytes)
        self.generation = 0  # written
        self._synced_generation = 0
        self._synced_sequence = (
            position.last_sequence
        )  # whoever gives the position has synced what is before it
        self._syncing = (0, 0)  # generation and sequence of the sync under way
        self._retired: list[tuple[int, str]] = []  # full segments that are not synced yet
        self._retiring: list[tuple[int, str]] = []  # those of them that the sync under way takes along
        self._names_changed = False
        self._handle, self._path, self._offset, self._segment_bytes, self._salt = -1, directory, 0, 0, 0
        self._failure: str | None = None
        self._closed = False
        self._preparation: SparePreparation | None = None
        try:
            self._synced_file = SyncedFile(disk, directory)
            self._open(position)
        except OSError as error:
            self._fail(f"{directory}: opening the journal for writing failed: {error.strerror or error}")
        self._syncer = Syncer(disk)
        self.completion_fd = self._syncer.completion_fd

    def append(self, first_sequence: int, count: int, time_ns: int, payload: bytes) -> int:
        """Write one batch; its generation. Starts a sync when the policy wants one and none is under way.

        `payload`: joined entries (see `batch`). `ValueError`, and nothing is written, when the batch does not
        follow the one before it densely and later, or is larger than a batch may be. Blocks only when a
        segment is full and the next one is not prepared yet.
        """
        if self._failure is not None:
            raise JournalFailed(self._failure)
        last_sequence = self.last_sequence
        if first_sequence != last_sequence + 1 or time_ns <= self.last_time_ns or count < 1:
            raise ValueError(
                f"batch {first_sequence} x {count} at {time_ns} cannot follow {last_sequence} at {self.last_time_ns}"
            )
        if not 0 < len(payload) <= self._largest_payload:
            raise ValueError(f"a payload holds 1 to {self._largest_payload} bytes: {len(payload)}")
        if self._offset + HEADER_BYTES + len(payload) > self._segment_bytes:
            self._change_segment()
        # What had been released when this was written: it tells a torn tail from damage, see `tail`.
        behind = last_sequence - self._synced_sequence if self._to_disk else 0
        frame, digest = encode(first_sequence, count, time_ns, payload, self.last_hash, behind, self._salt)
        try:
            self._disk.write(self._handle, frame, self._offset)
        except OSError as error:
            self._fail(f"{self._path}: write failed at offset {self._offset}: {error.strerror or error}")
        self._offset += len(frame)
        self.last_sequence = last_sequence + count
        self.last_hash = digest
        self.last_time_ns = time_ns
        self.generation += 1
        if self._to_disk and not self._syncer.busy:
            self._start_sync()
        return self.generation

    def take_completion(self) -> int:
        """Called when `completion_fd` is readable: takes what is done, starts the next sync; `durable_generation`."""
        if self._failure is not None:
            raise JournalFailed(self._failure)
        done, failure = self._syncer.take()
        if done:
            if failure is not None:
                self._fail(failure)
            self._synced_up_to(*self._syncing)
            unsynced = self._synced_generation < self.generation if self._to_disk else self._retired
            if unsynced:
                self._start_sync()
        return self.durable_generation

    def sync_now(self) -> int:
        """Block until everything that was written is on the disk; `durable_generation`."""
        if self._failure is not None:
            raise JournalFailed(self._failure)
        if self._syncer.busy:
            self._syncer.wait()
            _, failure = self._syncer.take()
            if failure is not None:
                self._fail(failure)
            self._synced_up_to(*self._syncing)
        if self._synced_generation < self.generation or self._retired or self._names_changed:
            failure = self._next_job().run(self._disk)
            if failure is not None:
                self._fail(failure)
            self._synced_up_to(*self._syncing)
        return self.durable_generation

    def close(self) -> None:
        """Sync what was written and let everything go. Again: nothing. Raises `JournalFailed` when that fails,
        or nothing when the writer had failed before: that was raised then."""
        if self._closed:
            return
        self._closed = True
        failed_before = self._failure is not None
        try:
            if not failed_before:
                self.sync_now()
        finally:
            self._syncer.close()
            if self._preparation is not None:
                self._preparation.discard()
            for handle, _ in {*self._retired, *self._retiring, (self._handle, self._path)}:
                self._disk.close(handle)
            try:
                self._synced_file.close()
            except OSError as error:  # the side file may lag, so nothing is lost
                self._failure = (
                    self._failure or f"{self._directory}: closing failed: {error.strerror or error}"
                )
            self._failure = self._failure or f"{self._directory}: the journal is closed"

    @property
    def durable_generation(self) -> int:
        """Everything up to this generation may be shown to the world."""
        return self._synced_generation if self._to_disk else self.generation

    @property
    def synced_sequence(self) -> int:
        """The last sequence that is known to be on stable storage, whatever the policy."""
        return self._synced_sequence

    @property
    def sync_us(self) -> Powers:
        """How long syncs beside the loop took, in microseconds."""
        return self._syncer.took_us

    @property
    def failure(self) -> str | None:
        """Why nothing can be written any more."""
        return self._failure

    @property
    def spare_failure(self) -> str | None:
        """Why the journal will fail when the present segment is full: a warning that comes early."""
        return None if self._preparation is None else self._preparation.failure

    def _open(self, position: Position) -> None:
        if position.segment is None:
            self._preparation = SparePreparation(self._disk, self._directory, self._new_segment_bytes)
            self._take_spare()
            # Once, at the first start: the segment is durable before anything is written into it.
            self._disk.datasync(self._handle)
            self._disk.sync_directory(self._directory)
            self._names_changed = False
            return
        self._path = os.path.join(self._directory, position.segment)
        self._handle = self._disk.open(self._path, writable=True)
        self._offset, self._segment_bytes, self._salt = position.offset, position.segment_bytes, position.salt
        self._synced_file.record(position.last_sequence)
        self._preparation = SparePreparation(self._disk, self._directory, self._new_segment_bytes)

    def _change_segment(self) -> None:
        self._retired.append((self._handle, self._path))
        try:
            self._take_spare()
        except OSError as error:
            self._fail(f"{self._path}: taking the next segment into use failed: {error.strerror or error}")
        if not self._to_disk:
            self.take_completion()  # nobody needs to wait for it under this policy, so perhaps nobody has
            if not self._syncer.busy:
                self._start_sync()

    def _take_spare(self) -> None:
        """Link the spare to the last batch, give it its name, and have the next one prepared."""
        preparation, self._preparation = self._preparation, None
        assert preparation is not None
        spare = preparation.result()
        if not isinstance(spare, Spare):
            self._fail(spare)
        self._handle, self._salt = spare.handle, spare.salt
        self._segment_bytes, self._offset = self._new_segment_bytes, FIRST_BATCH_OFFSET
        self._path = os.path.join(self._directory, segment_name(self.last_sequence + 1))
        link = Link(self.last_sequence + 1, self.last_time_ns, self.last_hash)
        self._disk.write(self._handle, encode_link(link, self._salt), LINK_OFFSET)
        self._disk.rename(os.path.join(self._directory, SPARE_NAME), self._path)
        self._names_changed = True
        self._preparation = SparePreparation(self._disk, self._directory, self._new_segment_bytes)

    def _next_job(self) -> SyncJob:
        """Everything written so far and not synced. Older segments first: nothing new is durable before them."""
        self._syncing = (self.generation, self.last_sequence)
        self._retiring, self._retired = self._retired, []
        directory = self._directory if self._names_changed else None
        self._names_changed = False
        return SyncJob((*self._retiring, (self._handle, self._path)), directory)

    def _start_sync(self) -> None:
        self._syncer.start(self._next_job())

    def _synced_up_to(self, generation: int, sequence: int) -> None:
        self._synced_generation, self._synced_sequence = generation, sequence
        for handle, _ in self._retiring:
            self._disk.close(handle)
        self._retiring = []
        try:
            self._synced_file.record(sequence)
        except OSError as error:
            self._fail(f"{self._directory}: writing the side file failed: {error.strerror or error}")

    def _fail(self, failure: str) -> NoReturn:
        self._failure = failure
        raise JournalFailed(failure)
