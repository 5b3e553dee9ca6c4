"""Whether a publisher grows: its resident memory after 25 and after 48 hours of trading in 100 symbols.

Engine time is played as fast as the publisher takes it, at one trade and two changes of the book in 20 s for each
symbol: 1.3 million events and 432,000 trades a day, in some minutes. After 25 hours every ring of a day is full; what
grows from there on would grow for ever. It is played ten minutes at a time, less than what waits for a reader at most:
a publisher that is behind for long has other things in its memory, and loses some of the feed.
"""

import time
from collections.abc import Callable
from typing import Any, Final

from msgspec import Struct
from rich.table import Table

from bus.addresses import addresses
from bus.protocol.topics import HEARTBEAT
from tools.bench import machine, parts, results
from tools.bench.market.days import STEP_NS
from tools.bench.market.player import HOST
from tools.bench.results import Target
from tools.up.ports import free_port_base

GROWTH_WANTED: Final = 0.10
_MINUTES: Final = 10
#: It says soon how far it is, so that nobody waits for that.
_EAGER: Final = {"MATCHBUS_PUBLISHER_HEARTBEAT_INTERVAL_MS": "50"}
_MB: Final = 1_000_000


class Size(Struct, frozen=True):
    """Symbols, and the hours of the two looks."""

    symbols: int = 100
    first_hours: int = 25
    last_hours: int = 48


QUICK: Final = Size(symbols=3, first_hours=1, last_hours=2)


class Memory:
    """See above; `run` first. Bytes."""

    def __init__(self, size: Size, progress: Callable[[str], object]) -> None:
        self.started = self.first = self.last = 0
        self.seconds = 0.0
        self._size = size
        self._progress = progress

    def run(self) -> None:
        """Some minutes."""
        size = self._size
        base = free_port_base(HOST)
        days = [str(base), "days", str(size.symbols), str(_MINUTES)]
        streams = addresses(base, HOST).market_data
        with (
            parts.temporary_directory() as data,
            parts.part("market.player", *days) as player,
            parts.publisher(base, data, _EAGER) as publisher,
            parts.part("market.listener", streams, f"{HEARTBEAT}.") as listener,
        ):
            self.started = machine.resident_bytes(publisher.pid)
            found: list[int] = []
            start_s = time.perf_counter()
            for hour in range(1, size.last_hours + 1):
                self._progress(f"memory: hour {hour} of {size.last_hours}")
                for _ in range(60 // _MINUTES):
                    sequence = int(player.ask("play")["sequence"])
                    # The last batch of each symbol: those of the last round.
                    listener.ask(f"{sequence - size.symbols + 1} {size.symbols}")
                if hour in (size.first_hours, size.last_hours):
                    found.append(machine.resident_bytes(publisher.pid))
            self.seconds = time.perf_counter() - start_s
        self.first, self.last = found

    @property
    def growth(self) -> float:
        """From the first look to the last one, as a part of the first."""
        return self.last / self.first - 1

    def result(self) -> dict[str, Any]:
        """What `--json` prints."""
        size = self._size
        return {
            "symbols": size.symbols,
            "seconds_between_trades": STEP_NS // 10**9,
            "bytes_at_start": self.started,
            "bytes_first": self.first,
            "bytes_last": self.last,
            "played_s": round(self.seconds, 1),
        }

    def targets(self) -> list[Target]:
        """What was to be reached."""
        return [Target("growth of memory", self.growth * 100, GROWTH_WANTED * 100, "%", at_most=True)]

    def table(self) -> Table:
        """For people."""
        size = self._size
        rows = [
            ("before the first event", f"{self.started / _MB:,.0f} MB"),
            (f"at hour {size.first_hours}", f"{self.first / _MB:,.0f} MB"),
            (f"at hour {size.last_hours}", f"{self.last / _MB:,.0f} MB"),
        ]
        title = (
            f"resident memory of the publisher: {size.symbols} symbols, a trade in {STEP_NS // 10**9} s each,"
            f" played in {self.seconds:,.0f} s"
        )
        return results.table(title, ("", ""), rows)
