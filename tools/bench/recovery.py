"""How long an engine needs to come back after `kill -9`, with nothing but its journal.

The journal is made through the real writer, as an engine would have left it: records, then the flow, no checkpoint.
It is replayed by the real recovery in a fresh process (`rerun`), which verifies CRCs and the hash chain, applies, and
fills the rings with the last 100,000 commands.
"""

import statistics
import time
from collections.abc import Callable, Sequence
from contextlib import closing
from typing import Any, Final

from msgspec import Struct
from rich.table import Table

from bus.journal.batch import join_entries
from bus.journal.journal import Journal
from bus.protocol.codec import encode, encode_message
from bus.protocol.commands import Command
from bus.protocol.records import SEMANTICS_VERSION, EngineStarted, Record, Rules, SessionOpened
from bus.protocol.terms import CLOCK_SYSTEM, OPERATOR
from bus.sequencer import RECORDS
from tools.bench import flow, parts, results
from tools.bench.results import Target
from tools.core_kind import CoreKind, core_kind

GOALS_S: Final[dict[CoreKind, float]] = {"python": 4.0, "compiled": 2.5}
_SYMBOL: Final = "R"
_A_BATCH: Final = (64, 1)


class Size(Struct, frozen=True):
    """Commands of the journal, and how often it is replayed."""

    rounds: int = 3
    commands: int = 1_000_000


QUICK: Final = Size(rounds=1, commands=2_000)


class Recoveries:
    """Seconds, for 64 commands a batch and for one."""

    def __init__(self, size: Size, progress: Callable[[str], object]) -> None:
        self.seconds: dict[int, list[float]] = {a_batch: [] for a_batch in _A_BATCH}
        self.core: CoreKind = core_kind()
        self.commands = 0
        self._size = size
        self._progress = progress

    def run(self) -> None:
        """Write and replay both journals."""
        self._progress("making the flow")
        # Of all commands the opening of the book is a part as well.
        market = flow.Flow(_SYMBOL, self._size.commands)
        commands = [*market.opening, *market.commands][: self._size.commands]
        self.commands = len(commands)
        del market
        for a_batch in _A_BATCH:
            with parts.temporary_directory() as data:
                self._progress(f"writing the journal, {a_batch} a batch")
                write_journal(data, commands, a_batch)
                for number in range(1, self._size.rounds + 1):
                    self._progress(f"round {number} of {self._size.rounds}, {a_batch} a batch")
                    with parts.part("rerun", data) as process:
                        assert int(process.facts["replayed"]) >= self.commands, "the whole journal"
                        self.seconds[a_batch].append(float(process.facts["seconds"]))

    def result(self) -> dict[str, Any]:
        """What `--json` prints: medians."""
        many, one = _A_BATCH
        return {
            "core": self.core,
            "commands": self.commands,
            "seconds": round(statistics.median(self.seconds[many]), 2),
            "seconds_one_a_batch": round(statistics.median(self.seconds[one]), 2),
        }

    def tables(self) -> list[Table]:
        """For people. The target is for 64 a batch."""
        rows = [
            (f"{a_batch} a batch", f"{statistics.median(rounds):.2f}", f"{min(rounds):.2f}-{max(rounds):.2f}")
            for a_batch, rounds in self.seconds.items()
        ]
        reached = statistics.median(self.seconds[_A_BATCH[0]])
        target = Target(
            f"{_A_BATCH[0]} a batch, a million",
            reached * 1_000_000 / self.commands,
            GOALS_S[self.core],
            "s",
            at_most=True,
        )
        title = f"seconds to replay {self.commands:,} commands"
        return [results.table(title, ("", "median", "rounds"), rows), results.targets_table([target])]


def write_journal(data: str, commands: Sequence[Command], a_batch: int, rules: Rules = flow.RULES) -> None:
    """A journal with these commands of one session, so many in each message and batch, synced at its end."""
    with closing(Journal.open(data, policy="os")) as journal:
        assert not list(journal.batches()), "a new directory"
        time_ns = time.time_ns() - (len(commands) + 1_000)
        records: tuple[Record, ...] = (
            EngineStarted(1, SEMANTICS_VERSION, CLOCK_SYSTEM, rules),
            SessionOpened(1, "bench", OPERATOR, 0, False),
        )
        for sequence, record in enumerate(records, 1):
            journal.writer.append(sequence, 1, time_ns + sequence, join_entries([(RECORDS, encode(record))]))
        sequence = len(records) + 1
        write_commands(journal, sequence, time_ns + sequence, [flow.definition(_SYMBOL)], 1)
        write_commands(journal, sequence + 1, time_ns + sequence + 1, commands, a_batch)


def write_commands(
    journal: Journal, sequence: int, time_ns: int, commands: Sequence[Command], a_batch: int
) -> None:
    """Commands of that session behind what is there, the first under this sequence, and a ns for each."""
    for start in range(0, len(commands), a_batch):
        items = commands[start : start + a_batch]
        at_ns = time_ns + start
        payload = encode_message(1, 2 + start, at_ns, items)
        journal.writer.append(sequence + start, len(items), at_ns, join_entries([(1, payload)]))
