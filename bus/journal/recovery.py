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

from bus.errors import CheckpointDamaged, JournalDamaged
from bus.journal.batch import Batch
from bus.journal.checkpoint import EMPTY_STATE, Checkpoint, CheckpointHeader, CheckpointStore, choose
from bus.journal.journal import Journal


@dataclass(frozen=True, slots=True)
class Recovered:
    """Where to start. `batches` must be walked to its end before the journal is written."""

    checkpoint: Checkpoint
    batches: Iterator[Batch]
    skipped: tuple[str, ...]  # one line for each checkpoint that could not be used


def recover(
    journal: Journal,
    store: CheckpointStore,
    *,
    usable: Callable[[CheckpointHeader], bool] = lambda _: True,
) -> Recovered:
    """The best start there is. `usable` refuses what this program cannot read, such as other semantics.

    `JournalDamaged` when no checkpoint is good and the log does not reach back to its beginning.
    """
    headers, skipped = store.candidates()
    remaining = [header for header in headers if usable(header)]
    skipped += [f"{store.path(h.sequence)}: made by other semantics" for h in headers if not usable(h)]
    for header in remaining:
        if header.sequence > journal.probable_head:
            skipped.append(
                f"{store.path(header.sequence)}: beyond the end of the journal, {journal.probable_head}"
            )
    while True:
        chosen = choose(remaining, journal.probable_head, log_first_sequence=journal.first_sequence)
        if chosen is None:
            raise JournalDamaged(
                f"{journal.directory}: the log begins with sequence {journal.first_sequence} "
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
