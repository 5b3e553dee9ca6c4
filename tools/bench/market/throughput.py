"""How many events of the feed a publisher takes, with everything that it says of them going out.

    player ══feed, TCP══▶ publisher ══streams, TCP══▶ listener, which reads all of it
                              └─ rows ─▶ SQLite

The publisher is the real one; so much is waiting for it that it never waits. What it does is measured in its own
seconds of CPU (all its threads: the loop, the store's, ZeroMQ's) and by the clock, from the first frame that was said
to the last that was read. Each round has a new publisher and a new database.
"""

import statistics
from collections.abc import Callable
from typing import Any, Final

from msgspec import Struct
from rich.table import Table

from bus.addresses import addresses
from tools.bench import figures, machine, parts, results
from tools.bench.market.player import HOST
from tools.bench.results import Target
from tools.up.ports import free_port_base

EVENTS_PER_S_WANTED: Final = 200_000
SYMBOLS: Final = 10


class Size(Struct, frozen=True):
    """Commands that the script is made of."""

    rounds: int = 3
    commands: int = 200_000


QUICK: Final = Size(rounds=1, commands=1_000)


class Throughput:
    """See above; `run` first."""

    def __init__(self, size: Size, progress: Callable[[str], object]) -> None:
        self.events = 0
        self.per_s: list[float] = []
        self.per_cpu_s: list[float] = []
        self.facts: dict[str, str] = {}
        #: Frames that left for each event, and bytes of one.
        self.frames_per_event = self.bytes_per_frame = 0.0
        self._size = size
        self._progress = progress

    def run(self) -> None:
        """All rounds."""
        self._progress("throughput: making the feed")
        base = free_port_base(HOST)
        script = [str(base), "script", str(SYMBOLS), str(self._size.commands)]
        with parts.part("market.player", *script) as player:
            self.facts = player.facts
            self.events = int(player.facts["trades"]) + int(player.facts["levels"])
            for number in range(1, self._size.rounds + 1):
                self._progress(f"throughput: round {number} of {self._size.rounds}")
                self._round(player, base)

    def _round(self, player: parts.Part, base: int) -> None:
        streams = addresses(base, HOST).market_data
        with (
            parts.temporary_directory() as data,
            parts.publisher(base, data) as publisher,
            parts.part("market.listener", streams) as listener,
        ):
            before_ms = machine.cpu_ms(publisher.pid)
            played = player.ask("play")
            read = listener.ask(f"{played['sequence']} {SYMBOLS}")
            cpu_s = (machine.cpu_ms(publisher.pid) - before_ms) / 1000
            elapsed_ns = int(read["last_ns"]) - int(played["first_ns"])
        assert read["missed"] == "0", "the listener reads all of it"
        self.per_s.append(figures.per_s(self.events, elapsed_ns))
        self.per_cpu_s.append(self.events / cpu_s)
        self.frames_per_event = int(read["frames"]) / self.events
        self.bytes_per_frame = int(read["bytes"]) / int(read["frames"])

    def result(self) -> dict[str, Any]:
        """What `--json` prints: medians."""
        return {
            "events": self.events,
            "events_per_frame": round(self.events / int(self.facts["frames"]), 1),
            "trades": round(int(self.facts["trades"]) / self.events, 2),
            "per_s": round(statistics.median(self.per_s)),
            "per_cpu_s": round(statistics.median(self.per_cpu_s)),
            "frames_out_per_event": round(self.frames_per_event, 2),
            "bytes_per_frame_out": round(self.bytes_per_frame),
        }

    def targets(self) -> list[Target]:
        """What was to be reached."""
        reached = statistics.median(self.per_s)
        return [Target("throughput", reached, EVENTS_PER_S_WANTED, "events/s", at_most=False)]

    def table(self) -> Table:
        """For people."""
        found = self.result()
        rows = [
            ("by the clock", f"{found['per_s']:,}", figures.spread(self.per_s)),
            ("a second of the publisher's CPU", f"{found['per_cpu_s']:,}", figures.spread(self.per_cpu_s)),
        ]
        title = (
            f"events of the feed a second: {self.events:,} events of {SYMBOLS} symbols, {found['trades']:.0%} trades,"
            f" {found['events_per_frame']} a frame; {found['frames_out_per_event']} frames out for each,"
            f" of {found['bytes_per_frame_out']} bytes"
        )
        return results.table(title, ("", "median", "rounds"), rows)
