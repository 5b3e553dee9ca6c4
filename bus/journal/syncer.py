"""The one thread that waits for the disk, so that the loop does not.

              loop                                             thread
    start(job)   job in a slot, eventfd  ─────────────────▶   fdatasync, directory, ...
    take()       the outcome in a slot   ◀─────────────────   eventfd, which wakes the loop

One job is on its way at a time, so the two slots need no queue and no lock: the eventfds order them. After a
failure the thread ends: a failed fdatasync forgets what it failed to write, and a second one would falsely
succeed.

Used by `writer` alone. It knows nothing of generations.
"""

import os
import select
import threading
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from bus.clock import monotonic_ns
from bus.journal.disk import Disk
from bus.metrics.powers import Powers

#: Exponents of two, in microseconds: from 32 µs, which no disk is below, to 8 s, which is as good as for ever.
TOOK_US_LOWEST: Final = 5
TOOK_US_HIGHEST: Final = 23


@dataclass(frozen=True, slots=True)
class SyncJob:
    """What has to reach the disk, in this order: the files, then the names in the directory if one is given."""

    files: Sequence[tuple[int, str]]  # handle and path, the path for the message of a failure
    directory: str | None

    def run(self, disk: Disk) -> str | None:
        """Do it in the calling thread: None, or one line on what failed."""
        at = ""
        try:
            for handle, path in self.files:
                at = path
                disk.datasync(handle)
            if self.directory is not None:
                at = self.directory
                disk.sync_directory(self.directory)
        except OSError as error:
            return f"{at}: sync failed: {error.strerror or error}"
        return None


class Syncer:
    """The thread. `completion_fd` becomes readable when the job that was started is done.

    `took_us`: how long its jobs took, in microseconds.
    """

    def __init__(self, disk: Disk) -> None:
        self.took_us = Powers(TOOK_US_HIGHEST, lowest=TOOK_US_LOWEST, unit=1_000_000)
        self._disk = disk
        self._job: SyncJob | None = None
        self._failure: str | None = None
        self.busy = False
        self._request_fd = os.eventfd(0, os.EFD_CLOEXEC)
        self.completion_fd = os.eventfd(0, os.EFD_CLOEXEC | os.EFD_NONBLOCK)
        # A daemon: a disk that hangs must not keep a process alive that has decided to end.
        self._thread = threading.Thread(target=self._run, name="journal-sync", daemon=True)
        self._thread.start()

    def start(self, job: SyncJob) -> None:
        """Hand over a job; only when not `busy`. Does not block."""
        assert not self.busy, "one sync at a time"
        self.busy = True
        self._job = job
        os.eventfd_write(self._request_fd, 1)

    def take(self) -> tuple[bool, str | None]:
        """(whether the job is done, what failed). Does not block. After a failure start nothing more."""
        try:
            os.eventfd_read(self.completion_fd)
        except BlockingIOError:
            return False, None
        self.busy = False
        return True, self._failure

    def wait(self) -> None:
        """Block until the job that was started is done; `take` then says so."""
        if self.busy:
            poll = select.poll()
            poll.register(self.completion_fd, select.POLLIN)
            poll.poll()

    def close(self) -> None:
        """End the thread, after the job it is at."""
        self.wait()
        self._job = None
        os.eventfd_write(self._request_fd, 1)
        self._thread.join()
        os.close(self._request_fd)
        os.close(self.completion_fd)

    def _run(self) -> None:
        while True:
            os.eventfd_read(self._request_fd)
            if self._job is None:
                return
            began_ns = monotonic_ns()
            self._failure = self._job.run(self._disk)
            self.took_us.add((monotonic_ns() - began_ns) // 1_000)
            os.eventfd_write(self.completion_fd, 1)
            if self._failure is not None:
                return
