"""The log, followed: applied as far as it is durable, and encoded as the engine encodes it.

    read, perhaps not durable          durable                        applied: core, publication, comparison
    ───────────── waiting ────────────────┼──────────────────────────────┼─────────────────▶

Nothing is applied before it is durable (I3), so whatever is asked of `core` and `publication` may be said. What is
durable is learned from the side file, from what batches say of those before them (`Batch.behind`), and from the feed,
whose frames leave only when what they tell of is durable; always before the log is read, so that what is durable must
be there.

Three things can happen to it. A command breaks the core: it stands there (`broken`) until the operator has recorded a
skip and an engine has started that honours it (`may_go_on`), then `begin` again. The log becomes another one:
`LogReplaced`, and `begin` again. What was durable cannot be read: `JournalDamaged`.

Owns the files that it reads, and no socket. Called by `shadow`.
"""

from collections import deque
from collections.abc import Callable

from bus.core import Core
from bus.errors import LogBreaksEngine
from bus.journal.batch import Batch
from bus.journal.checkpoint import Checkpoint, CheckpointHeader, CheckpointStore
from bus.journal.disk import Disk
from bus.journal.follower import LogFollower
from bus.journal.recovery import recover
from bus.journal.skips import read_skips
from bus.journal.synced import read_synced
from bus.protocol.records import SEMANTICS_VERSION
from bus.replay import apply_logged_batch
from bus.replication.comparison import Comparison
from bus.sessions import Sessions
from bus.sockets.publication import Publication

#: Makes a core from the payload of a checkpoint; b"" is the empty state.
MakeCore = Callable[[bytes], Core]

#: Nobody asks a shadow for an account's reports; the drop-copy has them.
_REPORT_RING_EVENTS_MAX = 1


class Following:
    """`begin` first; then `step` as often as there is something, or might be.

    `core`, `publication`, `comparison`: of everything that was applied, new ones with each `begin`. `broken`: the
    command at which it stands, if it stands. `followed`: commands that were applied by `step`, over all beginnings.
    """

    core: Core
    publication: Publication
    comparison: Comparison

    def __init__(
        self,
        disk: Disk,
        directory: str,
        store: CheckpointStore,
        make_core: MakeCore,
        feed_ring_events_max: int,
    ) -> None:
        self._disk = disk
        self._directory = directory
        self._store = store
        self._make_core = make_core
        self._feed_ring_events_max = feed_ring_events_max
        self._log = LogFollower(disk, directory)
        self._waiting: deque[Batch] = deque()
        self._skipped: frozenset[int] = frozenset()
        self._journal_hash = b""
        self.durable = 0
        self.broken: LogBreaksEngine | None = None
        self.followed = 0

    def begin(self) -> list[str]:
        """Stand at the newest checkpoint that is good and of this log; a line for each one that is not."""
        recovered = recover(self._log, self._store, usable=is_usable, ring_commands=0)
        header = recovered.checkpoint.header
        self.core = self._make_core(recovered.checkpoint.payload)
        self.publication = Publication(
            self.core,
            Sessions(),
            _REPORT_RING_EVENTS_MAX,
            self._feed_ring_events_max,
            header.output_hash,
        )
        self.comparison = Comparison(header.sequence, header.epoch, header.output_hash)
        self._waiting.clear()
        self._skipped = self._read_skips()
        self._journal_hash = header.journal_hash
        self.durable = header.sequence  # a checkpoint is made of what is durable
        self.broken = None
        return list(recovered.skipped)

    @property
    def caught_up(self) -> bool:
        """Whether all that is known to be durable was applied."""
        return self.core.sequence >= self.durable

    @property
    def lag_commands(self) -> int:
        """How many commands are known to be durable and were not applied."""
        return max(0, self.durable - self.core.sequence)

    def lag_bytes(self) -> int:
        """How much of the log is written and was not applied, good to some KiB. Reads a little."""
        return sum(batch.frame_bytes for batch in self._waiting) + self._log.unread_bytes()

    def learn(self, durable: int) -> None:
        """The engine has said something that it knows up to this sequence, so that is durable."""
        self.durable = max(self.durable, durable)

    def step(self, commands_max: int) -> int:
        """Apply what is durable and new, some commands at a time; how many.

        About `commands_max` of them, a whole batch at least. Raises LogReplaced, JournalDamaged, DataDirectoryMismatch.
        """
        self.learn(read_synced(self._disk, self._directory))
        waiting = self._waiting
        if self.broken is not None:
            if len(waiting) == 1:
                self._read()
            return 0
        if not waiting or waiting[0].last_sequence > self.durable:
            self._read()
        applied = 0
        while waiting and waiting[0].last_sequence <= self.durable and applied < commands_max:
            try:
                apply_logged_batch(self.core, waiting[0], self._skipped)
            except LogBreaksEngine as error:
                self.broken = error
                break
            batch = waiting.popleft()
            applied += batch.count
            self._journal_hash = batch.hash
            self.publication.encode_for_rings()
            self.comparison.own(batch.last_sequence, self.core.epoch, self.publication.output_hash)
        self.followed += applied
        return applied

    def may_go_on(self) -> bool:
        """Whether the command at which it stands is skipped, and an engine has come past it; then `begin`.

        The decision alone is not enough: it may not be durable yet, and what follows from it would be told.
        """
        waiting = self._waiting
        if self.broken is None or len(waiting) < 2 or waiting[1].last_sequence > self.durable:
            return False
        return self.broken.sequence in self._read_skips()

    def check(self) -> None:
        """Raise LogReplaced when the log is not the one that was read. To be called now and then, when idle."""
        self._log.check()

    def checkpoint(self) -> Checkpoint:
        """The state as it is. O(everything)."""
        core = self.core
        header = CheckpointHeader(
            core.sequence,
            core.time_ns,
            core.epoch,
            SEMANTICS_VERSION,
            self._journal_hash,
            self.publication.output_hash,
        )
        return Checkpoint(header, core.encode_state())

    def close(self) -> None:
        """Let the files go."""
        self._log.close()

    def _read(self) -> None:
        batches = self._log.read()
        for batch in batches:
            self.learn(batch.first_sequence - 1 - batch.behind)
        self._waiting += batches
        if not batches:
            self._log.require(self.durable)

    def _read_skips(self) -> frozenset[int]:
        return frozenset(skip.sequence for skip in read_skips(self._directory, self._disk))


def is_usable(header: CheckpointHeader) -> bool:
    """Whether a checkpoint is one that this program can go on from."""
    return header.semantics_version == SEMANTICS_VERSION
