"""Orders over one WebSocket: how many a second an account enters that does not wait for each answer."""

import statistics
from collections.abc import Callable
from typing import Any, Final

from msgspec import Struct
from rich.table import Table

from tools.bench import figures, machine, parts, results
from tools.bench.http.venue import venue
from tools.bench.results import Target

PER_S_WANTED: Final = 8_000
#: Orders without an answer yet: a half of what a connection may have.
IN_FLIGHT: Final = 512
_WARM_UP: Final = 500
_SYNCS: Final[tuple[parts.Sync, ...]] = ("os", "disk")


class Size(Struct, frozen=True):
    """Orders of each round."""

    rounds: int = 5
    orders: int = 20_000


QUICK: Final = Size(rounds=1, orders=300)


class Entry:
    """See above; `run` first. By `sync`, of each round."""

    def __init__(self, size: Size, progress: Callable[[str], object]) -> None:
        self.per_s: dict[str, list[float]] = {sync: [] for sync in _SYNCS}
        self.p50_us: dict[str, list[float]] = {sync: [] for sync in _SYNCS}
        self.p99_us: dict[str, list[float]] = {sync: [] for sync in _SYNCS}
        #: What the web computed for an order, all threads.
        self.cpu_us: dict[str, list[float]] = {sync: [] for sync in _SYNCS}
        self._size = size
        self._progress = progress

    def run(self) -> None:
        """All rounds."""
        with venue("os") as os_venue, venue("disk") as disk_venue:
            for sync, at in zip(_SYNCS, (os_venue, disk_venue), strict=True):
                at.define("E")
                with parts.part("http.entry_load", str(at.port), at.key, at.secret) as load:
                    load.ask(f"{_WARM_UP} {IN_FLIGHT} E w-")
                    at.cancel_all()
                    for number in range(1, self._size.rounds + 1):
                        self._progress(f"websocket, {sync}: round {number} of {self._size.rounds}")
                        before_ms = machine.cpu_ms(at.web.pid)
                        told = load.ask(f"{self._size.orders} {IN_FLIGHT} E {number}-")
                        used_ms = machine.cpu_ms(at.web.pid) - before_ms
                        self.cpu_us[sync].append(used_ms * 1000 / self._size.orders)
                        self.per_s[sync].append(float(told["per_s"]))
                        self.p50_us[sync].append(float(told["p50_us"]))
                        self.p99_us[sync].append(float(told["p99_us"]))
                        at.cancel_all()

    # What came of it.

    def result(self) -> dict[str, Any]:
        """What `--json` prints."""
        return {
            sync: {
                "per_s": round(statistics.median(self.per_s[sync])),
                "p50_us": round(statistics.median(self.p50_us[sync])),
                "p99_us": round(statistics.median(self.p99_us[sync])),
                "cpu_us": round(statistics.median(self.cpu_us[sync])),
            }
            for sync in _SYNCS
        }

    def targets(self) -> list[Target]:
        """What was to be reached."""
        reached = statistics.median(self.per_s["os"])
        return [Target("orders over one WebSocket, os", reached, PER_S_WANTED, "orders/s", at_most=False)]

    def table(self) -> Table:
        """For people."""
        rows = [
            (
                sync,
                f"{statistics.median(self.per_s[sync]):,.0f}",
                figures.spread(self.per_s[sync]),
                f"{statistics.median(self.p50_us[sync]):,.0f}",
                f"{statistics.median(self.p99_us[sync]):,.0f}",
                f"{statistics.median(self.cpu_us[sync]):,.0f}",
            )
            for sync in _SYNCS
        ]
        title = f"orders over one WebSocket, {IN_FLIGHT} in flight; times in microseconds"
        return results.table(title, ("", "a second", "rounds", "p50", "p99", "web's CPU"), rows)
