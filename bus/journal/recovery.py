"""How an engine starts: from which checkpoint, and with which batches behind it.

    recovered = recover(journal, store)
    state = decode(recovered.checkpoint.payload) or the empty state
    for batch in recovered.batches: apply it
    ... then the journal can be appended to

A checkpoint that is damaged or belongs to another history is skipped and named in `recovered.skipped`; the
next older one is tried, at last the empty state and the whole log. Called by the node and by the shadow.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Protocol

from bus.errors import CheckpointDamaged, JournalDamaged
from bus.journal.batch import Batch
from bus.journal.checkpoint import (
    EMPTY_STATE,
    REPLAY_RING_COMMANDS,
    Checkpoint,
    CheckpointHeader,
    CheckpointStore,
    choose,
)


class Log(Protocol):
    """What is asked of a log: a `Journal` that will be written, or a `LogFollower` beside the one who writes."""

    @property
    def directory(self) -> str:
        """Where it is."""

    @property
    def first_sequence(self) -> int:
        """The first sequence that is still in it; 1 when it is empty."""

    @property
    def probable_head(self) -> int:
        """The last sequence as far as lengths tell."""

    def batches(self, after: int = 0, expected_hash: bytes | None = None) -> Iterator[Batch]:
        """The batches behind the one that ends with `after`; `CheckpointDamaged` at once when that is another one."""


@dataclass(frozen=True, slots=True)
class Recovered:
    """Where to start. `batches` must be walked to its end before the journal is written."""

    checkpoint: Checkpoint
    batches: Iterator[Batch]
    skipped: tuple[str, ...]  # one line for each checkpoint that could not be used


def recover(
    journal: Log,
    store: CheckpointStore,
    *,
    usable: Callable[[CheckpointHeader], bool] = lambda _: True,
    ring_commands: int = REPLAY_RING_COMMANDS,
) -> Recovered:
    """The best start there is. `usable` refuses what this program cannot read, such as other semantics.

    `ring_commands`: how far before the head the start should lie, so that rings are full (see `choose`).

    `JournalDamaged` when no checkpoint is good and the log does not reach back to its beginning.
    """
    headers, skipped = store.candidates()
    remaining = [header for header in headers if usable(header)]
    skipped += [f"{store.path(h.sequence)}: made by other semantics" for h in headers if not usable(h)]
    head, first_sequence = journal.probable_head, journal.first_sequence
    for header in remaining:
        if header.sequence > head:
            skipped.append(f"{store.path(header.sequence)}: beyond the end of the journal, {head}")
    while True:
        chosen = choose(remaining, head, log_first_sequence=first_sequence, ring_commands=ring_commands)
        if chosen is None:
            raise JournalDamaged(
                f"{journal.directory}: the log begins with sequence {first_sequence} "
                f"and no checkpoint before it is good: {'; '.join(skipped) or 'there is none'}"
            )
        try:
            checkpoint = store.load(chosen)
            return Recovered(
                checkpoint, journal.batches(chosen.sequence, chosen.journal_hash), tuple(skipped)
            )
        except CheckpointDamaged as error:
            assert chosen is not EMPTY_STATE, "the empty state is before every log"
            skipped.append(str(error))
            remaining.remove(chosen)
