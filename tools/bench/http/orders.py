"""Orders over HTTP, from the first byte of a signed request to the last byte of its answer, beside a bare handler.

    round 1: bare, os, disk, then each of them with one connection     round 2: the same     ...

The three are sent the same requests by the same program in the same minutes; what is compared is of one round, and a
figure is the median over the rounds. The bare handler and each web are a process of their own, as is the engine.
"""

import statistics
from collections.abc import Callable
from contextlib import ExitStack
from typing import Any, Final

from msgspec import Struct
from rich.table import Table

from tools.bench import machine, parts, results
from tools.bench.http.venue import Venue, venue
from tools.bench.results import Target

CONNECTIONS: Final = 16
RATE_OF_BARE: Final = 0.5
P50_ABOVE_BARE_MS: Final = 1.0
#: What is measured.
BARE: Final = "bare"
OS: Final = "os"
DISK: Final = "disk"
_SYNCS: Final[tuple[parts.Sync, ...]] = (OS, DISK)
#: Before the first round, so that nothing is cold.
_WARM_UP: Final = 200


class Size(Struct, frozen=True):
    """Orders of each round, with all connections and with one."""

    rounds: int = 5
    orders: int = 4_000
    alone: int = 500


QUICK: Final = Size(rounds=1, orders=40, alone=10)


class Found(Struct, frozen=True):
    """Of one round of one of them. `cpu_us`: what its server computed for a request, all threads."""

    per_s: float
    p50_us: float
    p99_us: float
    cpu_us: float


class Orders:
    """See above; `run` first."""

    def __init__(self, size: Size, progress: Callable[[str], object]) -> None:
        self.rounds: dict[str, list[Found]] = {BARE: [], OS: [], DISK: []}
        #: The same with one connection.
        self.alone: dict[str, list[Found]] = {BARE: [], OS: [], DISK: []}
        self._size = size
        self._progress = progress

    def run(self) -> None:
        """All rounds; about a minute with the usual size."""
        with ExitStack() as stack:
            bare = stack.enter_context(parts.part("http.bare"))
            subjects = [_Subject(stack, BARE, int(bare.facts["port"]), bare.pid, None)]
            for sync in _SYNCS:
                at = stack.enter_context(venue(sync))
                at.define("O")
                subjects.append(_Subject(stack, sync, at.port, at.web.pid, at))
            for subject in subjects:
                subject.measure(CONNECTIONS, _WARM_UP)
            for number in range(1, self._size.rounds + 1):
                self._progress(f"orders: round {number} of {self._size.rounds}")
                for subject in subjects:
                    self.rounds[subject.name].append(subject.measure(CONNECTIONS, self._size.orders))
                for subject in subjects:
                    self.alone[subject.name].append(subject.measure(1, self._size.alone))

    # What came of it.

    def result(self) -> dict[str, Any]:
        """What `--json` prints."""
        return {
            **{
                name: {
                    "per_s": round(_median(rounds, "per_s")),
                    "p50_us": round(_median(rounds, "p50_us")),
                    "p99_us": round(_median(rounds, "p99_us")),
                    "cpu_us": round(_median(rounds, "cpu_us")),
                    "p50_alone_us": round(_median(self.alone[name], "p50_us")),
                }
                for name, rounds in self.rounds.items()
            },
            "os_of_bare": round(self._of_bare(OS), 3),
            "disk_of_bare": round(self._of_bare(DISK), 3),
        }

    def targets(self) -> list[Target]:
        """What was to be reached.

        Latency of one connection: with all of them in flight it is their number divided by the rate, so half of
        the bare rate would be twice its p50, however quick one order is.
        """
        return [
            Target("orders, os", self._of_bare(OS), RATE_OF_BARE, "x bare", at_most=False),
            Target(
                "p50 above bare, os, one connection",
                _above_ms(self.alone),
                P50_ABOVE_BARE_MS,
                "ms",
                at_most=True,
            ),
        ]

    def table(self) -> Table:
        """For people."""
        rows = [
            (
                name,
                f"{_median(rounds, 'per_s'):,.0f}",
                f"{self._of_bare(name):.2f}",
                f"{min(one.per_s for one in rounds):,.0f}-{max(one.per_s for one in rounds):,.0f}",
                f"{_median(rounds, 'p50_us'):,.0f}",
                f"{_median(rounds, 'p99_us'):,.0f}",
                f"{_median(self.alone[name], 'p50_us'):,.0f}",
                f"{_median(rounds, 'cpu_us'):,.0f}",
            )
            for name, rounds in self.rounds.items()
        ]
        return results.table(
            f"orders over HTTP, {CONNECTIONS} connections; times in microseconds",
            ("", "a second", "x bare", "rounds", "p50", "p99", "p50, one connection", "server's CPU"),
            rows,
        )

    def _of_bare(self, name: str) -> float:
        """The median over the rounds of the ratio within each."""
        pairs = zip(self.rounds[name], self.rounds[BARE], strict=True)
        return statistics.median(one.per_s / bare.per_s for one, bare in pairs)


class _Subject:
    """One of those that are compared, and the program that sends to it."""

    def __init__(self, stack: ExitStack, name: str, port: int, pid: int, at: Venue | None) -> None:
        self.name = name
        self._port = port
        self._pid = pid
        self._at = at
        words = (at.key, at.secret) if at is not None else ("0" * 32, "0" * 64)
        self._load = stack.enter_context(parts.part("http.load", *words))
        self._runs = 0

    def measure(self, connections: int, orders: int) -> Found:
        """One round; its orders are gone afterwards."""
        self._runs += 1
        before_ms = machine.cpu_ms(self._pid)
        told = self._load.ask(f"{self._port} {connections} {orders} O {self._runs}-")
        cpu_us = (machine.cpu_ms(self._pid) - before_ms) * 1000 / orders
        if self._at is not None:
            self._at.cancel_all()
        return Found(float(told["per_s"]), float(told["p50_us"]), float(told["p99_us"]), cpu_us)


def _median(rounds: list[Found], name: str) -> float:
    values: list[float] = [getattr(one, name) for one in rounds]
    return statistics.median(values)


def _above_ms(rounds: dict[str, list[Found]]) -> float:
    pairs = zip(rounds[OS], rounds[BARE], strict=True)
    return statistics.median(one.p50_us - bare.p50_us for one, bare in pairs) / 1000
