"""How long an engine needs to start with many accounts that have money, and how much memory each of them takes.

An operator's deposits are logged by the real writer and replayed, a checkpoint is written as a clean stop writes it,
and 100,000 further deposits follow, for an engine starts from a checkpoint that lies so far back. Then a fresh process
recovers (`rerun`), once with all accounts and once with a single one:

    seconds   from the opening of the journal to an engine that could be used, with all accounts
    bytes     by how much more the process grew than the one with a single account, by account
"""

import statistics
from collections.abc import Callable, Iterator
from contextlib import closing
from typing import Any, Final

from msgspec import Struct
from msgspec.structs import replace
from rich.table import Table

from bus.config import Config, Engine
from bus.journal.checkpoint import REPLAY_RING_COMMANDS
from bus.journal.disk import Disk
from bus.journal.journal import Journal
from bus.protocol.commands import Command, DefineAsset, Transfer
from bus.protocol.terms import CLEARING_SPOT, EXTERNAL
from tools.bench import flow, parts, results
from tools.bench.recovery import write_commands, write_journal
from tools.bench.results import Target
from tools.core_kind import CoreKind, core_kind
from tools.engine import recover_engine, write_checkpoint

SECONDS_MAX: Final = 5.0
BYTES_MAX: Final = 1_000
_ASSETS: Final = 5
_A_BATCH: Final = 64
#: The operator's transfers are remembered for a day: so few of them, that memory is that of the accounts.
_RULES: Final = replace(flow.RULES, client_order_ids_per_account_max=100, clearing=CLEARING_SPOT)


class Size(Struct, frozen=True):
    """How many accounts there are, and how often they are recovered."""

    rounds: int = 3
    accounts: int = 100_000


QUICK: Final = Size(rounds=1, accounts=500)


class Accounts:
    """See above; `run` first."""

    def __init__(self, size: Size, progress: Callable[[str], object]) -> None:
        self.core: CoreKind = core_kind()
        self.seconds: list[float] = []
        self.bytes: list[int] = []
        self._size = size
        self._progress = progress

    def run(self) -> None:
        """Make both checkpoints and start from them."""
        with parts.temporary_directory() as one, parts.temporary_directory() as all_of_them:
            self._make(one, 1)
            self._make(all_of_them, self._size.accounts)
            for number in range(1, self._size.rounds + 1):
                self._progress(f"round {number} of {self._size.rounds}")
                _, alone = self._start(one)
                seconds, grown = self._start(all_of_them)
                self.seconds.append(seconds)
                self.bytes.append(grown - alone)

    def _make(self, data: str, accounts: int) -> None:
        """A directory as an engine leaves it that had so many accounts and was stopped."""
        self._progress(f"writing and replaying the deposits of {accounts:,} accounts")
        write_journal(data, list(_commands(accounts)), _A_BATCH, _RULES)
        disk = Disk()
        with closing(Journal.open(data, policy="os", disk=disk)) as journal:
            recovery = recover_engine(Config(engine=Engine(data_dir=data)), journal, disk)
            # Both of the venue's accounts and the operator are there in either.
            assert len(recovery.core.state.accounts) == accounts + 2, "each has its deposits"
            write_checkpoint(recovery, journal)
            core = recovery.core
            further = [
                _deposit(f"more-{number}", "trader-000000", 0) for number in range(REPLAY_RING_COMMANDS)
            ]
            write_commands(journal, core.sequence + 1, core.time_ns + 1_000, further, _A_BATCH)

    def _start(self, data: str) -> tuple[float, int]:
        """Seconds, and by how many bytes the process grew."""
        with parts.part("rerun", data) as process:
            assert int(process.facts["replayed"]) == REPLAY_RING_COMMANDS, "it begins with the checkpoint"
            return float(process.facts["seconds"]), int(process.facts["grown_bytes"])

    @property
    def bytes_per_account(self) -> float:
        """Everything that lives as long as an account."""
        return statistics.median(self.bytes) / self._size.accounts

    def result(self) -> dict[str, Any]:
        """What `--json` prints: medians."""
        return {
            "core": self.core,
            "accounts": self._size.accounts,
            "assets": _ASSETS,
            "seconds": round(statistics.median(self.seconds), 2),
            "bytes_per_account": round(self.bytes_per_account),
        }

    def tables(self) -> list[Table]:
        """For people."""
        seconds = statistics.median(self.seconds)
        rows = [
            (f"seconds to start from a checkpoint and {REPLAY_RING_COMMANDS:,} commands", f"{seconds:.2f}"),
            ("bytes an account", f"{self.bytes_per_account:,.0f}"),
        ]
        targets = [
            Target(
                "the start, for 100,000",
                seconds * 100_000 / self._size.accounts,
                SECONDS_MAX,
                "s",
                at_most=True,
            ),
            Target("an account", self.bytes_per_account, BYTES_MAX, "bytes", at_most=True),
        ]
        title = f"{self._size.accounts:,} accounts with {_ASSETS} assets each"
        return [results.table(title, ("", ""), rows), results.targets_table(targets)]


def _commands(accounts: int) -> Iterator[Command]:
    """Assets, and a deposit of each for each account."""
    for asset in range(_ASSETS):
        yield DefineAsset(_asset(asset), 8)
    for number in range(accounts):
        for asset in range(_ASSETS):
            yield _deposit(f"{number}-{asset}", f"trader-{number:06}", asset)


def _deposit(transfer_id: str, account: str, asset: int) -> Transfer:
    return Transfer(transfer_id, EXTERNAL, account, _asset(asset), 10**12)


def _asset(number: int) -> str:
    return f"COIN{number}"
