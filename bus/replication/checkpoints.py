"""When a checkpoint is due, and when it may be written: never before the engine was heard to have said the same.

    due ─▶ the state is encoded, and waits ─▶ a hash at its sequence or behind it was equal ─▶ it is written

So each checkpoint is a proof that two processes came to the same outputs. A restart of the engine begins a new chain of
hashes, which proves nothing of what was before it: what waited is dropped then. No I/O.
"""

from bus.journal.checkpoint import Checkpoint


class CheckpointSchedule:
    """Due after so many commands, or after so long if there was one. `sequence`, `now_ns`: of the last one."""

    def __init__(self, commands: int, interval_ns: int, sequence: int, now_ns: int) -> None:
        self._commands = commands
        self._interval_ns = interval_ns
        self.sequence = sequence
        self._now_ns = now_ns
        self._waiting: Checkpoint | None = None

    def is_due(self, sequence: int, now_ns: int) -> bool:
        """Whether the state of this sequence should be kept; `keep` follows."""
        if self._waiting is not None or sequence == self.sequence:
            return False
        return sequence - self.sequence >= self._commands or now_ns - self._now_ns >= self._interval_ns

    def keep(self, checkpoint: Checkpoint) -> None:
        """This one waits for its proof."""
        self._waiting = checkpoint

    def take_proven(self, epoch: int, sequence: int, now_ns: int) -> Checkpoint | None:
        """The one that waits, if outputs up to this sequence were equal since this epoch began; write it."""
        waiting = self._waiting
        if waiting is None:
            return None
        if epoch > waiting.header.epoch:
            self._waiting = None
            return None
        if epoch < waiting.header.epoch or sequence < waiting.header.sequence:
            return None
        self._waiting = None
        self.sequence, self._now_ns = waiting.header.sequence, now_ns
        return waiting
