"""What a command costs inside the engine, without sockets and disk: microseconds a command, stage by stage.

    bytes ─decode─▶ message ─apply─▶ state, events ─reports─▶ envelopes ─feed─▶ frames
      └────log────▶ frame of the journal (numbered, hashed, not written)

The stages are those of the node, in its order and with its own parts; each runs for a whole batch between two looks at
the clock. A batch is `BATCH_COMMANDS` commands, about what a drain of a busy engine brings.
"""

import statistics
import time
from collections.abc import Callable
from typing import Any, Final

from msgspec import Struct
from rich.table import Table

from bus.journal.batch import GENESIS_HASH, encode
from bus.protocol.codec import CommandMessage, decode_client_message, encode_message
from bus.protocol.commands import Command
from bus.protocol.terms import OPERATOR
from bus.sequencer import Sequencer, apply_open_batch
from bus.sessions import Sessions
from bus.sockets.outbound import Departure
from bus.sockets.publication import Publication
from tools.bench import flow, results
from tools.core_kind import core_kind
from tools.tuning import tune_garbage_collector

BATCH_COMMANDS: Final = 512
STAGES: Final = ("decode", "log", "apply", "reports", "feed")
_SYMBOL: Final = "B"
_NS_PER_US: Final = 1_000


class Size(Struct, frozen=True):
    """How many commands a round has."""

    rounds: int = 5
    commands: int = 100_000


QUICK: Final = Size(rounds=1, commands=2_000)

#: Microseconds a command, by stage.
Costs = dict[str, float]


#: What a venue does about money, and whether it charges: the columns of `ClearingCosts`.
_CLEARINGS: Final = {"none": (False, False), "spot": (True, False), "spot with fees": (True, True)}


class ClearingCosts:
    """Rounds of the flow at venues that clear and that do not, in turns, 64 commands a message."""

    def __init__(self, size: Size, progress: Callable[[str], object]) -> None:
        self.rounds: dict[str, list[Costs]] = {name: [] for name in _CLEARINGS}
        self._size = size
        self._progress = progress

    def run(self) -> None:
        """All rounds."""
        self._progress("making the flow")
        market = flow.Flow(_SYMBOL, self._size.commands)
        tune_garbage_collector()
        for number in range(1, self._size.rounds + 1):
            self._progress(f"round {number} of {self._size.rounds}")
            for name, (clears, charges) in _CLEARINGS.items():
                self.rounds[name].append(costs(market, 64, clears=clears, charges=charges))

    def result(self) -> dict[str, Any]:
        """What `--json` prints: medians, and by how many percent the throughput is lower than without clearing."""
        return {
            "core": core_kind(),
            "us_per_command": {
                name: {stage: round(_median(rounds, stage), 3) for stage in (*STAGES, "all")}
                for name, rounds in self.rounds.items()
            },
            "costs_percent": {name: round(self._costs_percent(name), 1) for name in _CLEARINGS},
        }

    def tables(self) -> list[Table]:
        """For people."""
        rows = [
            (stage, *(f"{_median(rounds, stage):.2f}" for rounds in self.rounds.values()))
            for stage in (*STAGES, "all")
        ]
        rows.append(("% of throughput", *(f"{self._costs_percent(name):.0f}" for name in _CLEARINGS)))
        return [results.table("microseconds a command, by clearing", ("", *self.rounds), rows)]

    def _costs_percent(self, name: str) -> float:
        """Of each round by itself: what comes from outside comes to all that are next to each other."""
        shares = [
            1 - none["all"] / one["all"]
            for none, one in zip(self.rounds["none"], self.rounds[name], strict=True)
        ]
        return 100 * statistics.median(shares)


class CoreCosts:
    """Rounds of the flow, with many commands a message and with one."""

    def __init__(self, size: Size, progress: Callable[[str], object]) -> None:
        self.rounds: dict[str, list[Costs]] = {"64 a message": [], "1 a message": []}
        self._size = size
        self._progress = progress

    def run(self) -> None:
        """All rounds."""
        self._progress("making the flow")
        market = flow.Flow(_SYMBOL, self._size.commands)
        tune_garbage_collector()
        for number in range(1, self._size.rounds + 1):
            self._progress(f"round {number} of {self._size.rounds}")
            self.rounds["64 a message"].append(costs(market, 64))
            self.rounds["1 a message"].append(costs(market, 1))

    def result(self) -> dict[str, Any]:
        """What `--json` prints: medians."""
        return {
            "core": core_kind(),
            "us_per_command": {
                name: {stage: round(self._median(name, stage), 3) for stage in (*STAGES, "all")}
                for name in self.rounds
            },
        }

    def tables(self) -> list[Table]:
        """For people."""
        rows = [
            (stage, *(f"{self._median(name, stage):.2f}" for name in self.rounds), *self._spreads(stage))
            for stage in (*STAGES, "all")
        ]
        columns = ("", *self.rounds, *(f"rounds, {name}" for name in self.rounds))
        return [results.table("microseconds a command", columns, rows)]

    def _median(self, name: str, stage: str) -> float:
        return _median(self.rounds[name], stage)

    def _spreads(self, stage: str) -> list[str]:
        return [
            f"{min(c[stage] for c in rounds):.2f}-{max(c[stage] for c in rounds):.2f}"
            for rounds in self.rounds.values()
        ]


def costs(market: flow.Flow, a_message: int, *, clears: bool = False, charges: bool = False) -> Costs:
    """One round: a new engine, its book filled, then the flow."""
    engine = flow.engine_with(_SYMBOL, clears=clears, charges=charges)
    sessions = Sessions()
    sessions.open(1, "bench", OPERATOR, 0, b"route", 0)
    publication = Publication(engine, sessions, 65_536, 65_536)
    sequencer = Sequencer()
    spent = dict.fromkeys(STAGES, 0)
    now = time.perf_counter_ns
    hashed = GENESIS_HASH
    created_ns = time.time_ns()
    engine.apply_message(1, 1, created_ns, market.opening, created_ns)
    publication.skip()
    batches = _batches(market.commands, a_message, created_ns)
    for payloads in batches:
        start = now()
        messages = [decode_client_message(payload) for payload in payloads]
        decoded = now()
        for payload, message in zip(payloads, messages, strict=True):
            assert isinstance(message, CommandMessage), "a message of commands"
            sequencer.add_message(message, payload, len(message.items))
        batch = sequencer.take(engine, created_ns)
        _, hashed = encode(batch.first_sequence, batch.count, batch.time_ns, batch.payload, hashed, 0, 0)
        logged = now()
        apply_open_batch(engine, batch)
        applied = now()
        departure = Departure(1)
        publication.collect_private(departure)
        reported = now()
        publication.collect_public(departure)
        published = now()
        spent["decode"] += decoded - start
        spent["log"] += logged - decoded
        spent["apply"] += applied - logged
        spent["reports"] += reported - applied
        spent["feed"] += published - reported
    commands = len(market.commands)
    found = {stage: time_ns / commands / _NS_PER_US for stage, time_ns in spent.items()}
    return {**found, "all": sum(found.values())}


def _median(rounds: list[Costs], stage: str) -> float:
    return statistics.median(costs[stage] for costs in rounds)


def _batches(commands: list[Command], a_message: int, created_ns: int) -> list[list[bytes]]:
    """Encoded messages, as drains bring them."""
    payloads = [
        encode_message(1, 1 + start, created_ns, commands[start : start + a_message])
        for start in range(0, len(commands), a_message)
    ]
    a_batch = BATCH_COMMANDS // a_message
    return [payloads[start : start + a_batch] for start in range(0, len(payloads), a_batch)]
