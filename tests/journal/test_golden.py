"""A golden journal for each version of what commands mean: old logs replay to what they gave when they were written.

`golden/semantics-N/` holds a journal, random commands of every kind, and what it gave: the digest of the state and
the hash of all events. A change that makes this test fail lets old logs mean something else: raise SEMANTICS_VERSION,
and record the journal of the new version with `pytest tests/journal/test_golden.py --rewrite`. Those of older versions
are refused by their name, and that is all that is asked of them.
"""

import json
import shutil
from hashlib import sha256
from pathlib import Path

import pytest

from bus.errors import DataDirectoryMismatch
from bus.journal.disk import Disk
from bus.journal.journal import Journal
from bus.journal.reader import LogReader
from bus.protocol.codec import encode
from bus.protocol.records import SEMANTICS_VERSION
from bus.replay import apply_logged_batch
from bus.sequencer import OpenBatch
from matcher.codec.state_codec import state_digest
from matcher.engine import Engine
from tools.fuzz.drawing import draw_steps
from tools.fuzz.trial import Trial

GOLDEN = Path(__file__).parent / "golden"
NOW = GOLDEN / f"semantics-{SEMANTICS_VERSION}"
OLDER = sorted(path for path in GOLDEN.glob("semantics-*") if path != NOW)
SEED = 2026
COMMANDS = 1_000
SEGMENT_BYTES = 64 * 1024


def given(directory: Path) -> dict[str, object]:
    """What a journal gives: replayed from its first batch on."""
    engine = Engine()
    events = sha256()
    for batch in LogReader(Disk(), str(directory)).batches():
        apply_logged_batch(engine, batch)
        events.update(encode(engine.take_outputs()))
    return {"sequence": engine.sequence, "state": state_digest(engine.state), "events": events.hexdigest()}


def record(directory: Path) -> None:
    """Write the journal of this version, and what it gives."""
    shutil.rmtree(directory, ignore_errors=True)
    directory.mkdir(parents=True)
    journal = Journal.open(str(directory), policy="os", segment_bytes=SEGMENT_BYTES)
    assert not list(journal.batches())

    def keep(batch: OpenBatch) -> None:
        journal.writer.append(batch.first_sequence, batch.count, batch.time_ns, batch.payload)

    trial = Trial(on_batch=keep)
    for step in draw_steps(SEED, COMMANDS):
        trial.take(step)
    journal.close()
    (directory / "gives.json").write_text(json.dumps(given(directory), indent=2) + "\n")


def test_the_log_of_this_version_gives_what_it_gave(rewrite: bool) -> None:
    if rewrite:
        record(NOW)
    expected = json.loads((NOW / "gives.json").read_text())
    assert expected["sequence"] > COMMANDS / 2, "there is something in it"
    assert given(NOW) == expected


@pytest.mark.parametrize("old", OLDER, ids=lambda path: path.name)
def test_the_log_of_an_older_version_is_refused_by_name(old: Path) -> None:
    with pytest.raises(DataDirectoryMismatch, match="was written under semantics version"):
        given(old)
