"""The log applied to a fresh engine, and the digest of what that engine then is.

The same log gives the same digest on any machine and after any restart (I1). Checkpoints that are met on the way must
hold exactly the state that the log gives: each one is compared.
"""

from hashlib import sha256

from msgspec import Struct

from bus.errors import CheckpointDamaged, ConfigError, EngineStopped, MatchbusError
from bus.journal.batch import Batch
from bus.journal.batch import entries as raw_entries
from bus.journal.checkpoint import CheckpointHeader, CheckpointStore
from bus.journal.disk import Disk
from bus.journal.reader import LogReader
from bus.protocol.codec import CommandMessage, Malformed, decode_client_message, decode_record
from bus.protocol.records import SEMANTICS_VERSION
from bus.replay import apply_logged_batch
from bus.sequencer import RECORDS
from matcher.engine import Engine
from matcher.state_codec import decode_state


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
    begin = core.sequence
    waiting = {header.sequence: header for header in known if header.sequence > begin}
    compared: list[int] = []
    for batch in batches:
        if core.sequence == at:
            break
        _apply(core, batch, at)
        core.take_outputs()
        if core.sequence in waiting:
            _compare(core, store, waiting[core.sequence])
            compared.append(core.sequence)
    if at is not None and core.sequence != at:
        raise ConfigError(f"--at {at}: the log ends with sequence {core.sequence}")
    return Digest(core.sequence, core.time_ns, state_digest(core), begin, compared, notes)


def _apply(core: Engine, batch: Batch, at: int | None) -> None:
    """A batch, or as much of it as reaches to `at`. EngineStopped names the command that breaks the engine."""
    try:
        if at is None or at >= batch.last_sequence:
            apply_logged_batch(core, batch)
        else:
            _apply_part(core, batch, at)
    except MatchbusError:
        raise
    except Exception as error:
        raise EngineStopped(
            f"command {core.sequence} of the log breaks the engine: {type(error).__name__}: {error}"
        ) from error


def _apply_part(core: Engine, batch: Batch, at: int) -> None:
    for session, payload in raw_entries(batch.payload):
        if core.sequence == at:
            return
        if session == RECORDS:
            core.apply_record(decode_record(payload), batch.time_ns)
            continue
        message = decode_client_message(payload)
        assert isinstance(message, CommandMessage), "the log holds commands and records"
        items: list[object] = []
        left = at - core.sequence
        for item in message.items:
            if not left:
                break
            items.append(item)
            left -= not isinstance(item, Malformed)
        core.apply_message(session, message.correlation_id, message.created_ns, items, batch.time_ns)


def _compare(core: Engine, store: CheckpointStore, header: CheckpointHeader) -> None:
    checkpoint = store.load(header)
    if checkpoint.payload != core.encode_state():
        raise CheckpointDamaged(
            f"{store.path(header.sequence)}: it holds another state than the log gives at sequence {header.sequence}"
        )
