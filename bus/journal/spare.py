"""The next segment, prepared while the present one is being filled.

Filling and syncing 64 MiB takes a good part of a second; it is done by a thread of its own, not by the one
that syncs the log, whose turn it must not delay. The thread ends when the spare is ready. Used by `writer`.
"""

import os
import threading
from dataclasses import dataclass

from bus.journal.disk import Disk
from bus.journal.segment import SPARE_NAME, prepare_spare


@dataclass(frozen=True, slots=True)
class Spare:
    """A segment without a link and a name: zeros behind its label, synced."""

    handle: int
    salt: int


class SparePreparation:
    """The preparation of one spare, under way from the start."""

    def __init__(self, disk: Disk, directory: str, segment_bytes: int) -> None:
        self._disk = disk
        self._directory = directory
        self._segment_bytes = segment_bytes
        self._spare: Spare | None = None
        self.failure: str | None = None  # one line, as soon as it failed; None while it is under way
        self._thread = threading.Thread(target=self._run, name="journal-spare", daemon=True)
        self._thread.start()

    def result(self) -> Spare | str:
        """The spare, or one line on what failed. Blocks while the preparation is under way."""
        self._thread.join()
        if self._spare is not None:
            return self._spare
        return self.failure or "the spare segment was not prepared"

    def discard(self) -> None:
        """Wait for the preparation and remove what it made; a failure to remove it does no harm."""
        if isinstance(spare := self.result(), Spare):
            self._disk.close(spare.handle)
        remove_spare(self._disk, self._directory)

    def _run(self) -> None:
        try:
            self._spare = Spare(*prepare_spare(self._disk, self._directory, self._segment_bytes))
        except OSError as error:
            path = os.path.join(self._directory, SPARE_NAME)
            self.failure = f"{path}: preparing the next segment failed: {error.strerror or error}"


def remove_spare(disk: Disk, directory: str) -> None:
    """Remove a spare of unknown content, if there is one."""
    try:
        disk.unlink(os.path.join(directory, SPARE_NAME))
    except OSError:  # none there, or a disk that fails: the next start meets it again
        return
