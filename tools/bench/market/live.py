"""A publisher beside a real engine: whether it keeps up, how late a change is, how long a late reader takes.

    pacer ─orders─▶ engine ══feed══▶ publisher ══streams══▶ this process, which hears feed and streams

Pacer, engine, publisher and this process share the cores there are. Engine and publisher are one pair for all of it;
each measurement has symbols of its own. How late a change is, is measured with a bare relay in the publisher's place
first, so that it can be seen what the way and the machine add.
"""

import statistics
from collections.abc import Callable, Sequence
from typing import Any, Final

from msgspec import Struct
from rich.table import Table

from bus.addresses import Addresses, addresses
from bus.protocol.commands import Command, EnterOrder
from bus.protocol.terms import BUY, SELL
from tools.bench import figures, machine, parts, results
from tools.bench.figures import Latency
from tools.bench.market.joins import Joiner
from tools.bench.market.lags import Lags
from tools.bench.market.player import HOST
from tools.bench.results import Target
from tools.bench.session import Session
from tools.up.ports import free_port_base

ORDERS_PER_S_WANTED: Final = 100_000
PACED_PER_S: Final = 10_000
P50_MS_WANTED: Final = 0.5
P99_MS_WANTED: Final = 5.0
JOIN_MS_WANTED: Final = 200.0
SYMBOLS: Final = 10
_MIDDLE_TICKS: Final = 30_000
#: Levels that the flow of orders trades in, on each side.
_FLOW_LEVELS: Final = 50
_NS_PER_MS: Final = 1_000_000
#: A lag that is less than this later on than at first has not grown: the machine does other things, too.
_GROWTH_MS: Final = 20.0


class Size(Struct, frozen=True):
    """Orders under full load, seconds of paced ones, levels of the large book, readers that come late."""

    full_commands: int = 800_000
    paced_s: float = 15.0
    levels: int = 5_000
    joins: int = 30


QUICK: Final = Size(full_commands=2_000, paced_s=0.5, levels=200, joins=2)


class Live:
    """See above; `run` first. Times in ms."""

    def __init__(self, size: Size, progress: Callable[[str], object]) -> None:
        self.full_per_s = self.paced_per_s = 0.0
        #: The median lag in each tenth of the time under full load.
        self.lags: list[float] = []
        self.full_missing = 0
        self.cpu = 0.0  # of the publisher under full load, in cores
        self.latency = self.relayed = Latency(0.0, 0.0, 0.0)
        self.joins: list[float] = []
        self.levels = 0
        self._size = size
        self._progress = progress

    def run(self) -> None:
        """All of it."""
        base = free_port_base(HOST)
        where = addresses(base, HOST)
        with parts.engine("os", port_base=base) as engine:
            self._progress(f"a relay: {PACED_PER_S:,} orders a second")
            with parts.part("market.relay", where.feed, where.market_data):
                _, self.relayed = self._paced(engine, where, "R", relayed=True)
            with parts.publisher(base, engine.data) as publisher:
                self._progress("live: as many orders as the engine takes")
                self._full(engine, publisher, where)
                self._progress(f"latency: {PACED_PER_S:,} orders a second")
                self.paced_per_s, self.latency = self._paced(engine, where, "P")
                self._progress("late joiner")
                self._late(engine, where)

    def _full(self, engine: parts.EnginePart, publisher: parts.Part, where: Addresses) -> None:
        with _pacer(engine, "F", 0, self._size.full_commands, 64) as pacer:
            lags = Lags(where, "F0")
            lags.take(0.5)
            before_ms = machine.cpu_ms(publisher.pid)
            pacer.ask("go")
            lags.take_all()
            self.full_per_s = float(pacer.ask_to_end()["per_s"])
            used_ms = machine.cpu_ms(publisher.pid) - before_ms
        found = lags.found()
        self.cpu = used_ms * _NS_PER_MS / (found[-1][0] - found[0][0])
        self.lags = _tenths(found)
        self.full_missing = lags.missing
        lags.close()

    def _paced(
        self, engine: parts.EnginePart, where: Addresses, prefix: str, *, relayed: bool = False
    ) -> tuple[float, Latency]:
        """Orders a second, and how late their changes were."""
        size = self._size
        commands = int(PACED_PER_S * (size.paced_s + 2))
        with _pacer(engine, prefix, PACED_PER_S, commands, 1) as pacer:
            lags = Lags(where, f"{prefix}0", relayed=relayed)
            lags.take(0.5)
            pacer.ask("go")
            lags.take(size.paced_s)
            per_s = float(pacer.ask_to_end()["per_s"])
        found = figures.latency(lag for _, lag in lags.found())
        lags.close()
        return per_s, found

    def _late(self, engine: parts.EnginePart, where: Addresses) -> None:
        size = self._size
        commands = PACED_PER_S * (2 + size.joins)
        with (
            _pacer(engine, "J", PACED_PER_S, commands, 1) as pacer,
            Session(engine.orders, "bench-ladder", engine.token) as ladder,
        ):
            orders = _ladder("J0", size.levels)
            ladder.flow_elapsed_ns(ladder.encode(orders, 64), len(orders), 64, 16)
            pacer.ask("go")
            for _ in range(size.joins):
                joiner = Joiner(where, "J0")
                self.joins.append(joiner.join() / _NS_PER_MS)
                self.levels = joiner.levels
            pacer.ask_to_end()

    # What came of it.

    def result(self) -> dict[str, Any]:
        """What `--json` prints."""
        first, last = self._first_and_last()
        return {
            "live": {
                "orders_per_s": round(self.full_per_s),
                "lag_first_ms": round(first, 2),
                "lag_last_ms": round(last, 2),
                "frames_missing": self.full_missing,
                "publisher_cores": round(self.cpu, 2),
            },
            "latency": {"orders_per_s": round(self.paced_per_s), **_in_ms(self.latency)},
            "relay_latency": _in_ms(self.relayed),
            "late_joiner": {
                "levels": self.levels,
                "median_ms": round(statistics.median(self.joins), 1),
                "max_ms": round(max(self.joins), 1),
            },
        }

    def targets(self) -> list[Target]:
        """What was to be reached."""
        first, last = self._first_and_last()
        return [
            Target("orders beside it", self.full_per_s, ORDERS_PER_S_WANTED, "orders/s", at_most=False),
            Target("growth of the lag", max(0.0, last - first), _GROWTH_MS, "ms", at_most=True),
            Target("p50 of a change", self.latency.p50_us / 1000, P50_MS_WANTED, "ms", at_most=True),
            Target("p99 of a change", self.latency.p99_us / 1000, P99_MS_WANTED, "ms", at_most=True),
            Target("late joiner", statistics.median(self.joins), JOIN_MS_WANTED, "ms", at_most=True),
        ]

    def tables(self) -> list[Table]:
        """For people."""
        lags = ", ".join(f"{lag:.1f}" for lag in self.lags)
        rows = [
            ("orders a second, as many as the engine takes", f"{self.full_per_s:,.0f}"),
            ("lag of a change, the median in each tenth of the time, ms", lags),
            ("frames of the engine without one of the publisher", f"{self.full_missing:,}"),
            ("cores that the publisher used", f"{self.cpu:.2f}"),
            ("orders a second, paced", f"{self.paced_per_s:,.0f}"),
            *(
                (
                    f"lag of a change, p50, p99 and longest{of}, ms",
                    ", ".join(f"{ms:.2f}" for ms in _in_ms(lag).values()),
                )
                for of, lag in (("", self.latency), (" of a bare relay", self.relayed))
            ),
            (
                f"late joiner, {self.levels:,} levels, median and longest of {len(self.joins)}, ms",
                f"{statistics.median(self.joins):.1f}, {max(self.joins):.1f}",
            ),
        ]
        return [results.table("beside a real engine", ("", ""), rows)]

    def _first_and_last(self) -> tuple[float, float]:
        """The lag in the first and in the last third of the time, the first tenth left out."""
        third = max(1, len(self.lags) // 3)
        return statistics.median(self.lags[1 : 1 + third] or self.lags), statistics.median(self.lags[-third:])


def _in_ms(latency: Latency) -> dict[str, float]:
    """As it is printed."""
    times_us = (latency.p50_us, latency.p99_us, latency.max_us)
    return {
        name: round(us / 1000, 3) for name, us in zip(("p50_ms", "p99_ms", "max_ms"), times_us, strict=True)
    }


def _pacer(engine: parts.EnginePart, prefix: str, per_s: int, commands: int, a_message: int) -> Any:
    symbols = ",".join(f"{prefix}{number}" for number in range(SYMBOLS))
    words = [engine.orders, engine.token, symbols, str(per_s), str(commands), str(a_message)]
    return parts.part("market.pacer", *words)


def _tenths(found: Sequence[tuple[int, int]]) -> list[float]:
    """The median lag, in ms, in each tenth of the time."""
    begin, end = found[0][0], found[-1][0] + 1
    tenths: list[list[int]] = [[] for _ in range(10)]
    for said_ns, lag_ns in found:
        tenths[(said_ns - begin) * 10 // (end - begin)].append(lag_ns)
    return [statistics.median(lags) / _NS_PER_MS for lags in tenths if lags]


def _ladder(symbol: str, levels: int) -> list[Command]:
    """An order in each of so many levels, half of them bids, outside of where the flow trades."""
    return [
        EnterOrder(
            f"ladder-{number}",
            symbol,
            BUY if number % 2 else SELL,
            10,
            _MIDDLE_TICKS + (-1 if number % 2 else 1) * (_FLOW_LEVELS + 1 + number // 2),
        )
        for number in range(levels)
    ]
