"""Many readers of one busy book over WebSocket on one instance: what each of them gets, how late, and what it costs.

    steady    all of them read
    stalled   one reads no longer; the others must not feel it

Every change is an order that enters or leaves a level of its own, so that none is hidden by another one.
"""

import time
from collections.abc import Callable
from threading import Event, Thread
from typing import Any, Final

from msgspec import Struct
from rich.table import Table

from bus.protocol.commands import CancelOrder, Command, EnterOrder
from tools.bench import flow, machine, parts, results
from tools.bench.http.venue import venue
from tools.bench.results import Target
from tools.bench.session import Session

CHANGES_PER_S: Final = 100
FRAMES_PER_S_WANTED: Final = 20.0
P99_MS_WANTED: Final = 250.0
MEMORY_GROWTH_WANTED: Final = 10.0
#: Orders that rest at a time, each in a level of its own.
_LEVELS: Final = 40
_SYMBOL: Final = "R"
_PERCENT: Final = 100


class Size(Struct, frozen=True):
    """Readers, and seconds of each of the two measurements."""

    readers: int = 1_000
    seconds: float = 20.0


QUICK: Final = Size(readers=20, seconds=1.0)


class Found(Struct, frozen=True):
    """Of one measurement. Times from a change to its receipt, see `readers_load`; `oldest`: of each message's oldest.

    `memory`: of the web, at its end.
    """

    alive: int
    readers: int
    frames_per_s_max: float
    p50_ms: float
    p99_ms: float
    max_ms: float
    oldest_p50_ms: float
    oldest_p99_ms: float
    cores: float
    memory: int


class Readers:
    """See above; `run` first."""

    def __init__(self, size: Size, progress: Callable[[str], object]) -> None:
        self.found: dict[str, Found] = {}
        self.memory_before = 0
        self.changes_per_s = 0.0
        self._size = size
        self._progress = progress

    def run(self) -> None:
        """Both measurements."""
        with venue("os", with_publisher=True) as at:
            at.define(_SYMBOL)
            at.until_known(_SYMBOL)
            with _Changes(at.engine) as changes:
                self._progress(f"readers: {self._size.readers} connect")
                words = (str(at.port), str(self._size.readers), _SYMBOL)
                with parts.part("http.readers_load", *words) as load:
                    self._catch_up(load)
                    self.memory_before = machine.resident_bytes(at.web.pid)
                    self._measure("steady", at.web.pid, load, changes)
                    self._catch_up(load)
                    load.ask("stall")
                    self._measure("one stalled", at.web.pid, load, changes)
                self.changes_per_s = changes.per_s()

    def _catch_up(self, load: parts.Part) -> None:
        """Nobody is behind: neither because it has just begun nor because nobody read while lags were computed."""
        load.ask(str(self._size.seconds / 4))

    def _measure(self, name: str, web: int, load: parts.Part, changes: "_Changes") -> None:
        self._progress(f"readers: {name}")
        before_ms = machine.cpu_ms(web)
        # What is told at the beginning changed before it.
        first = max(0, len(changes.stamps) - CHANGES_PER_S)
        told = load.ask(str(self._size.seconds))
        cores = (machine.cpu_ms(web) - before_ms) / 1000 / self._size.seconds
        told |= load.ask(
            "lags " + " ".join(f"{number}:{time_ns}" for number, time_ns in changes.stamps[first:])
        )
        self.found[name] = Found(
            int(told["alive"]),
            int(told["readers"]),
            float(told["frames_per_s_max"]),
            float(told["p50_ms"]),
            float(told["p99_ms"]),
            float(told["max_ms"]),
            float(told["oldest_p50_ms"]),
            float(told["oldest_p99_ms"]),
            cores,
            machine.resident_bytes(web),
        )

    # What came of it.

    def result(self) -> dict[str, Any]:
        """What `--json` prints."""
        return {
            "changes_per_s": round(self.changes_per_s, 1),
            "memory_before": self.memory_before,
            **{
                name.replace(" ", "_"): {
                    "alive": found.alive,
                    "readers": found.readers,
                    "frames_per_s_max": round(found.frames_per_s_max, 1),
                    "p50_ms": round(found.p50_ms, 1),
                    "p99_ms": round(found.p99_ms, 1),
                    "max_ms": round(found.max_ms, 1),
                    "oldest_p50_ms": round(found.oldest_p50_ms, 1),
                    "oldest_p99_ms": round(found.oldest_p99_ms, 1),
                    "web_cores": round(found.cores, 2),
                    "memory": found.memory,
                }
                for name, found in self.found.items()
            },
        }

    def targets(self) -> list[Target]:
        """What was to be reached."""
        growth = max(one.memory for one in self.found.values()) / self.memory_before - 1
        targets = [
            Target(
                "growth of the web's memory",
                growth * _PERCENT,
                MEMORY_GROWTH_WANTED,
                "%",
                at_most=True,
            )
        ]
        for name, found in self.found.items():
            targets += [
                Target(f"readers alive, {name}", found.alive, found.readers, "readers", at_most=False),
                Target(
                    f"frames a reader, {name}",
                    found.frames_per_s_max,
                    FRAMES_PER_S_WANTED,
                    "/s",
                    at_most=True,
                ),
                Target(f"p99 of a change, {name}", found.p99_ms, P99_MS_WANTED, "ms", at_most=True),
            ]
        return targets

    def table(self) -> Table:
        """For people."""
        rows = [
            (
                name,
                f"{found.alive:,} of {found.readers:,}",
                f"{found.frames_per_s_max:.1f}",
                f"{found.p50_ms:.0f}",
                f"{found.p99_ms:.0f}",
                f"{found.max_ms:.0f}",
                f"{found.oldest_p50_ms:.0f}, {found.oldest_p99_ms:.0f}",
                f"{found.cores:.2f}",
                f"{found.memory / 1e6:.1f}",
            )
            for name, found in self.found.items()
        ]
        return results.table(
            f"{self._size.readers:,} readers of one book over WebSocket, {self.changes_per_s:.0f} changes a second;"
            f" the web's memory before: {self.memory_before / 1e6:.1f} MB",
            (
                "",
                "alive",
                "frames/s, at most",
                "p50 ms",
                "p99 ms",
                "max ms",
                "oldest: p50, p99",
                "web's cores",
                "web's MB",
            ),
            rows,
        )


class _Changes:
    """A change of the book every so often, until the block ends."""

    def __init__(self, engine: parts.EnginePart) -> None:
        self._session = Session(engine.orders, "bench-changes", engine.token)
        self._ended = Event()
        self._thread = Thread(target=self._run)
        #: The log sequence and the engine's time, in ns, of each.
        self.stamps: list[tuple[int, int]] = []
        self._done = 0
        self._start_s = time.monotonic()

    def __enter__(self) -> "_Changes":
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._ended.set()
        self._thread.join()
        with self._session:
            pass

    def per_s(self) -> float:
        """How many there were in a second so far."""
        return self._done / (time.monotonic() - self._start_s)

    def _run(self) -> None:
        number = 0
        while not self._ended.wait(max(0.0, self._start_s + self._done / CHANGES_PER_S - time.monotonic())):
            number += 1
            entered = flow.resting(_SYMBOL, 1, number, levels=_LEVELS)[0]
            commands: list[Command] = [entered]
            if number > _LEVELS // 2:
                gone = flow.resting(_SYMBOL, 1, number - _LEVELS // 2)[0]
                assert isinstance(gone, EnterOrder), "that is what rests"
                commands.append(CancelOrder(0, gone.client_order_id))
            for command in commands:
                self._session.order_times_ns(self._session.encode([command], 1))
                self._done += 1
            self.stamps += self._session.stamps()
            self._session.forget()
