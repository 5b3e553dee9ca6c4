"""From a client's socket to the engine and back, beside a bare echo in the same run.

    round 1: echo, os, disk, os with a reader    round 2: the same    ...    latency: one order in flight
    round 1: echo, engine                        round 2: the same    ...    one order a message, 1,000 in flight
    round 1: engine with a reader                round 2: the same    ...    64 orders a message

The rounds are interleaved, so that what disturbs the machine for a while disturbs all that is compared; a figure is
the median over the rounds. Client, engine, echo and reader are processes of their own and share the machine.
"""

import statistics
from collections.abc import Callable
from contextlib import ExitStack
from typing import Any, Final

from msgspec import Struct
from rich.table import Table

from bus.protocol.commands import Command
from tools.bench import figures, flow, parts, results
from tools.bench.figures import Latency
from tools.bench.results import Target
from tools.bench.session import Dealer, Session
from tools.core_kind import CoreKind, core_kind

SINGLE_IN_FLIGHT: Final = 1_000
A_MESSAGE: Final = 64
COALESCED_MESSAGES_IN_FLIGHT: Final = 64
#: Before a round, so that nothing is cold.
_WARM_UP: Final = 300


class Size(Struct, frozen=True):
    """How much is measured: orders of a latency round, commands of the rounds of throughput."""

    rounds: int = 5
    latencies: int = 5_000
    single: int = 100_000
    coalesced: int = 300_000


QUICK: Final = Size(rounds=1, latencies=60, single=400, coalesced=1_000)


class Goals(Struct, frozen=True):
    """What is to be reached with one kind of core."""

    single_of_echo: float
    coalesced_per_s: float


GOALS: Final[dict[CoreKind, Goals]] = {"python": Goals(0.45, 220_000), "compiled": Goals(0.60, 400_000)}
P50_OF_ECHO: Final = 1.4
P99_OF_ECHO: Final = 2.0
P50_DISK_OF_ECHO: Final = 3.0


class Wire:
    """Everything that `bench wire` measures; `run` first."""

    def __init__(self, size: Size, progress: Callable[[str], object]) -> None:
        self.latencies: dict[str, list[Latency]] = {"echo": [], "os": [], "disk": [], "os, one reader": []}
        self.echo_per_s: list[float] = []
        self.single_per_s: list[float] = []
        self.coalesced_per_s: list[float] = []
        #: What the engine did in the last round of the coalesced flow, and what the reader saw of it.
        self.reports: dict[str, int] = {}
        self.reader: dict[str, str] = {}
        self.core: CoreKind = core_kind()
        self._size = size
        self._progress = progress

    def run(self) -> None:
        """All rounds; about a minute and a half with the usual size."""
        self._progress("making the flow")
        size = self._size
        single = flow.Flow("S", size.single)
        coalesced = flow.Flow("C", size.coalesced)
        with ExitStack() as stack:
            echo = stack.enter_context(parts.part("echo")).facts["orders"]
            os_engine = stack.enter_context(parts.engine("os"))
            disk_engine = stack.enter_context(parts.engine("disk"))
            for number in range(1, size.rounds + 1):
                self._progress(f"round {number} of {size.rounds}: one order in flight")
                self._latencies(echo, os_engine, disk_engine, number)
            for number in range(1, size.rounds + 1):
                self._progress(f"round {number} of {size.rounds}: one order a message")
                self._single(echo, disk_engine, single, number)
            for number in range(1, size.rounds + 1):
                self._progress(f"round {number} of {size.rounds}: {A_MESSAGE} orders a message")
                self._coalesced(disk_engine, coalesced, number)

    # The rounds. Each has an account and an instrument of its own: ids are used once, books begin empty.

    def _latencies(
        self, echo: str, os_engine: parts.EnginePart, disk_engine: parts.EnginePart, number: int
    ) -> None:
        self._latency("os", os_engine, f"L{number}", echo)
        self._latency("disk", disk_engine, f"L{number}")
        with parts.part("reader", os_engine.feed):
            self._latency("os, one reader", os_engine, f"R{number}")

    def _latency(self, name: str, engine: parts.EnginePart, symbol: str, echo: str = "") -> None:
        """Of orders that rest, one at a time; with `echo` the same messages go there first."""
        with Session(engine.orders, f"bench-{symbol}", engine.token) as session:
            session.define(symbol)
            orders = flow.resting(symbol, _WARM_UP + self._size.latencies)
            messages = session.encode(orders, 1)
            if echo:
                with Dealer(echo) as dealer:
                    times = dealer.echo_times_ns(messages)[_WARM_UP:]
                    self.latencies["echo"].append(figures.latency(times))
            times = session.order_times_ns(messages)[_WARM_UP:]
            self.latencies[name].append(figures.latency(times))
            session.reports()
            session.cancel_all()

    def _single(self, echo: str, engine: parts.EnginePart, market: flow.Flow, number: int) -> None:
        with Session(engine.orders, f"bench-S{number}", engine.token) as session:
            messages = self._opened(session, market, f"S{number}", 1)
            with Dealer(echo) as dealer:
                dealer.echo_times_ns(messages[:_WARM_UP])
                elapsed = dealer.echo_elapsed_ns(messages, SINGLE_IN_FLIGHT)
                self.echo_per_s.append(figures.per_s(len(messages), elapsed))
            elapsed = session.flow_elapsed_ns(messages, len(messages), 1, SINGLE_IN_FLIGHT)
            self.single_per_s.append(figures.per_s(len(messages), elapsed))
            session.reports()
            session.cancel_all()

    def _coalesced(self, engine: parts.EnginePart, market: flow.Flow, number: int) -> None:
        with Session(engine.orders, f"bench-C{number}", engine.token) as session:
            messages = self._opened(session, market, f"C{number}", A_MESSAGE)
            commands = len(market.commands)
            with parts.part("reader", engine.feed) as reader:
                elapsed = session.flow_elapsed_ns(messages, commands, A_MESSAGE, COALESCED_MESSAGES_IN_FLIGHT)
                self.coalesced_per_s.append(figures.per_s(commands, elapsed))
                self.reports = session.reports()
                session.cancel_all()
                self.reader = reader.ask_to_end()

    @staticmethod
    def _opened(session: Session, market: flow.Flow, symbol: str, a_message: int) -> list[bytes]:
        """Define the instrument and fill its book; the messages of the flow."""
        session.define(symbol)
        opening: list[Command] = flow.in_symbol(market.opening, symbol)
        session.flow_elapsed_ns(
            session.encode(opening, A_MESSAGE), len(opening), A_MESSAGE, COALESCED_MESSAGES_IN_FLIGHT
        )
        session.forget()
        return session.encode(flow.in_symbol(market.commands, symbol), a_message)

    # What came of it.

    def result(self) -> dict[str, Any]:
        """What `--json` prints."""
        medians = {name: figures.median_latency(rounds) for name, rounds in self.latencies.items()}
        return {
            "echo": {
                "p50_us": round(medians["echo"].p50_us, 1),
                "p99_us": round(medians["echo"].p99_us, 1),
                "per_s": round(statistics.median(self.echo_per_s)),
            },
            "core": self.core,
            "order": {
                "p50_us": round(medians["os"].p50_us, 1),
                "p99_us": round(medians["os"].p99_us, 1),
                "p50_disk_us": round(medians["disk"].p50_us, 1),
                "per_s_single": round(statistics.median(self.single_per_s)),
                "per_s_coalesced": round(statistics.median(self.coalesced_per_s)),
            },
        }

    def targets(self) -> list[Target]:
        """What was to be reached. Ratios are of medians over the rounds."""
        result = self.result()
        echo, order = result["echo"], result["order"]
        goals = GOALS[self.core]
        return [
            Target("p50, os", order["p50_us"] / echo["p50_us"], P50_OF_ECHO, "x echo", at_most=True),
            Target("p99, os", order["p99_us"] / echo["p99_us"], P99_OF_ECHO, "x echo", at_most=True),
            Target(
                "p50, disk", order["p50_disk_us"] / echo["p50_us"], P50_DISK_OF_ECHO, "x echo", at_most=True
            ),
            Target(
                "one order a message",
                order["per_s_single"] / echo["per_s"],
                goals.single_of_echo,
                "x echo",
                at_most=False,
            ),
            Target(
                f"{A_MESSAGE} orders a message",
                order["per_s_coalesced"],
                goals.coalesced_per_s,
                "/s",
                at_most=False,
            ),
        ]

    def tables(self) -> list[Table]:
        """For people: latencies, rates, targets."""
        echo = figures.median_latency(self.latencies["echo"])
        latencies = [
            (
                name,
                f"{(median := figures.median_latency(rounds)).p50_us:,.0f}",
                f"{median.p50_us / echo.p50_us:.2f}",
                figures.spread([one.p50_us for one in rounds]),
                f"{median.p99_us:,.0f}",
                f"{median.p99_us / echo.p99_us:.2f}",
                figures.spread([one.p99_us for one in rounds]),
            )
            for name, rounds in self.latencies.items()
        ]
        echo_per_s = statistics.median(self.echo_per_s)
        rates = [
            (
                name,
                f"{statistics.median(rounds):,.0f}",
                f"{statistics.median(rounds) / echo_per_s:.2f}",
                figures.spread(rounds),
            )
            for name, rounds in (
                (f"echo, {SINGLE_IN_FLIGHT:,} in flight", self.echo_per_s),
                (f"one order a message, {SINGLE_IN_FLIGHT:,} in flight, disk", self.single_per_s),
                (f"{A_MESSAGE} orders a message, disk, one reader", self.coalesced_per_s),
            )
        ]
        return [
            results.table(
                "one order in flight, microseconds from the order to its report",
                ("", "p50", "x echo", "rounds", "p99", "x echo", "rounds"),
                latencies,
            ),
            results.table("a second", ("", "median", "x echo", "rounds"), rates),
            results.targets_table(self.targets()),
        ]

    def notes(self) -> list[str]:
        """What the figures stand for."""
        trades = self.reports.get("Filled", 0) // 2
        line = (
            f"coalesced, last round: {self._size.coalesced:,} commands, {trades:,} trades; the reader read"
            f" {self.reader.get('events', '0')} events in {self.reader.get('frames', '0')} frames"
            f" and missed {self.reader.get('missed', '?')}"
        )
        return [line]
