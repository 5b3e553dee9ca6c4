"""The next segment, prepared while the present one is being filled.

Filling and syncing 64 MiB takes a good part of a second; it is done by a thread of its own, not by the one
that syncs the log, whose turn it must not delay. The thread ends when the spare is ready. Used by `writer`.
"""

import contextlib
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
        with contextlib.suppress(OSError):
            self._disk.unlink(os.path.join(self._directory, SPARE_NAME))

    def _run(self) -> None:
        try:
            self._spare = Spare(*prepare_spare(self._disk, self._directory, self._segment_bytes))
        except OSError as error:
            path = os.path.join(self._directory, SPARE_NAME)
            self.failure = f"{path}: preparing the next segment failed: {error.strerror or error}"
