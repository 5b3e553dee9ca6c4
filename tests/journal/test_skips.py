"""The operator's decisions to pass over a command: kept in a chain that shows every change."""

from pathlib import Path

import pytest

from bus.config import Config
from bus.errors import ConfigError, JournalDamaged, LogBreaksEngine
from bus.journal.batch import join_entries
from bus.journal.checkpoint import CheckpointStore
from bus.journal.disk import Disk
from bus.journal.journal import Journal
from bus.journal.skips import FILE_NAME, add_skip, read_skips
from bus.protocol.codec import encode, encode_message
from bus.protocol.commands import CancelOrder, EnterOrder
from bus.protocol.reasons import SKIPPED
from bus.protocol.records import SEMANTICS_VERSION, EngineStarted, Rules, SessionEnded, SessionOpened
from bus.protocol.reports import Rejected
from bus.protocol.terms import CLOCK_SYSTEM, TRADER
from bus.replay import apply_logged_batch
from bus.sequencer import RECORDS
from matcher.engine import Engine
from tools.engine import recover_engine
from tools.journal.skipping import skip_command

# A session that was never opened cannot end: no engine can carry this out, and none would ever log it.
POISON = encode(SessionEnded(99))
POISON_SEQUENCE = 3
SEGMENT_BYTES = 1 << 20


def write_poisoned_log(directory: Path) -> None:
    """EngineStarted, SessionOpened, the poison, and a message of two commands behind it in the same batch."""
    directory.mkdir(mode=0o700, exist_ok=True)
    journal = Journal.open(str(directory), segment_bytes=SEGMENT_BYTES)
    assert list(journal.batches()) == []
    started = EngineStarted(1, SEMANTICS_VERSION, CLOCK_SYSTEM, Rules(10, 10, 10))
    opened = SessionOpened(1, "alice", TRADER, 10_000, False)
    message = encode_message(1, 7, 1_000, [EnterOrder("a", "NONE", 1, 1, 1), CancelOrder(5)])
    entries = [(RECORDS, encode(started)), (RECORDS, encode(opened)), (RECORDS, POISON), (1, message)]
    journal.append(1, 5, 1_000, join_entries(entries))
    journal.close()


def recovered(directory: Path) -> Engine:
    journal = Journal.open(str(directory), segment_bytes=SEGMENT_BYTES)
    try:
        return recover_engine(Config(), journal, Disk()).core
    finally:
        journal.close()


def test_no_file_is_no_decision(tmp_path: Path) -> None:
    assert read_skips(str(tmp_path), Disk()) == []


def test_decisions_are_chained(tmp_path: Path) -> None:
    disk = Disk()
    first = add_skip(str(tmp_path), disk, 3, "overflow")
    second = add_skip(str(tmp_path), disk, 9, "another")
    assert read_skips(str(tmp_path), disk) == [first, second]
    assert second.previous == first.hash


@pytest.mark.parametrize("change", ["why", "order", "first", "rubbish"])
def test_a_changed_decision_is_noticed(tmp_path: Path, change: str) -> None:
    disk = Disk()
    add_skip(str(tmp_path), disk, 3, "overflow")
    add_skip(str(tmp_path), disk, 9, "another")
    path = tmp_path / FILE_NAME
    one, two = path.read_text().splitlines()
    changed = {
        "why": [one.replace("overflow", "whim"), two],
        "order": [two, one],
        "first": [two],
        "rubbish": [one, two, "{"],
    }
    path.write_text("\n".join(changed[change]) + "\n")
    with pytest.raises(JournalDamaged, match=r"skips\.jsonl: line \d"):
        read_skips(str(tmp_path), disk)


def test_the_log_breaks_at_the_poison_until_it_is_skipped(tmp_path: Path) -> None:
    directory = tmp_path / "data"
    write_poisoned_log(directory)
    with pytest.raises(
        LogBreaksEngine, match=f"command {POISON_SEQUENCE} of the log breaks the engine"
    ) as broken:
        recovered(directory)
    assert broken.value.sequence == POISON_SEQUENCE
    skip_command(str(directory), POISON_SEQUENCE, "a session that never was")
    core = recovered(directory)
    assert core.sequence == 5
    assert [seat[0] for seat in core.open_sessions()] == [1]


def test_only_the_command_that_breaks_can_be_skipped(tmp_path: Path) -> None:
    directory = tmp_path / "data"
    write_poisoned_log(directory)
    with pytest.raises(ConfigError, match="2 is not where the log breaks"):
        skip_command(str(directory), 2, "whim")
    skip_command(str(directory), POISON_SEQUENCE, "a session that never was")
    with pytest.raises(ConfigError, match="nothing breaks"):
        skip_command(str(directory), 4, "whim")
    assert [skip.sequence for skip in read_skips(str(directory), Disk())] == [POISON_SEQUENCE]
    assert CheckpointStore(str(directory), Disk()).candidates() == ([], [])


def test_a_skipped_order_is_answered_and_the_others_of_its_message_stand(tmp_path: Path) -> None:
    directory = tmp_path / "data"
    write_poisoned_log(directory)
    journal = Journal.open(str(directory), segment_bytes=SEGMENT_BYTES)
    core = Engine()
    for batch in journal.batches():
        apply_logged_batch(core, batch, {POISON_SEQUENCE, 4})
    journal.close()
    ((account, first, reports),), _ = core.take_outputs()
    assert (account, first) == ("alice", 1)
    skipped, cancel = (Rejected(*report[1:]) for report in reports)
    assert (skipped.sequence, skipped.correlation_id, skipped.request_id, skipped.reason) == (
        4,
        7,
        "a",
        SKIPPED,
    )
    assert (cancel.sequence, cancel.correlation_id) == (5, 8)
