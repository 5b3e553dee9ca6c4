"""The log applied to a fresh engine, and the digest of what that engine then is.

The same log gives the same digest on any machine and after any restart (I1). Checkpoints that are met on the way must
hold exactly the state that the log gives: each one is compared.
"""

from hashlib import sha256

from msgspec import Struct

from bus.errors import CheckpointDamaged, ConfigError
from bus.journal.checkpoint import CheckpointHeader, CheckpointStore
from bus.journal.disk import Disk
from bus.journal.reader import LogReader
from bus.journal.skips import read_skips
from bus.protocol.records import SEMANTICS_VERSION
from bus.replay import apply_logged_batch
from matcher.codec.state_codec import decode_state
from matcher.engine import Engine


class Digest(Struct, frozen=True):
    """Where an engine stands after a sequence. `compared`: the sequences of checkpoints that held the same state."""

    sequence: int
    time_ns: int
    digest: str
    replayed_from: int
    compared: list[int]
    notes: list[str]


def state_digest(core: Engine) -> str:
    """SHA-256 of everything that an engine is, in hexadecimal digits."""
    return sha256(core.encode_state()).hexdigest()


def digest_of(directory: str, *, at: int | None, from_start: bool) -> Digest:
    """Replay up to sequence `at` (None: all of the log), from the newest checkpoint before it or from the start.

    Raises CheckpointDamaged when a checkpoint on the way holds another state, ConfigError when `at` is not there.
    """
    disk = Disk()
    store = CheckpointStore(directory, disk)
    headers, notes = store.candidates()
    known = [header for header in headers if header.semantics_version == SEMANTICS_VERSION]
    core, batches = Engine(), iter(LogReader(disk, directory).batches())
    if not from_start:
        for header in known:
            if at is None or header.sequence <= at:
                try:
                    # Another reader each time: a walk is made once.
                    behind = LogReader(disk, directory).batches(header.sequence, header.journal_hash)
                    core, batches = Engine(decode_state(store.load(header).payload)), behind
                    break
                except CheckpointDamaged as error:
                    notes.append(str(error))
    skipped = {skip.sequence for skip in read_skips(directory, disk)}
    begin = core.sequence
    waiting = {header.sequence: header for header in known if header.sequence > begin}
    compared: list[int] = []
    for batch in batches:
        if core.sequence == at:
            break
        apply_logged_batch(core, batch, skipped, at)
        core.take_outputs()
        if core.sequence in waiting:
            _compare(core, store, waiting[core.sequence])
            compared.append(core.sequence)
    if at is not None and core.sequence != at:
        raise ConfigError(f"--at {at}: the log ends with sequence {core.sequence}")
    return Digest(core.sequence, core.time_ns, state_digest(core), begin, compared, notes)


def _compare(core: Engine, store: CheckpointStore, header: CheckpointHeader) -> None:
    checkpoint = store.load(header)
    if checkpoint.payload != core.encode_state():
        raise CheckpointDamaged(
            f"{store.path(header.sequence)}: it holds another state than the log gives at sequence {header.sequence}"
        )
