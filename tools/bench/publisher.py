"""Everything that `bench publisher` measures, put together: which parts are run, and how they are shown.

The parts stand in `market`. A part that was not asked for is not in the result.
"""

from collections.abc import Callable, Collection
from typing import Any, Final

from msgspec import Struct
from rich.table import Table

from tools.bench import results
from tools.bench.market import live as live_part
from tools.bench.market import memory as memory_part
from tools.bench.market import throughput as throughput_part
from tools.bench.results import Target
from tools.core_kind import core_kind

PARTS: Final = ("throughput", "live", "memory")


class Size(Struct, frozen=True):
    """Of each part."""

    throughput: throughput_part.Size = throughput_part.Size()
    live: live_part.Size = live_part.Size()
    memory: memory_part.Size = memory_part.Size()


QUICK: Final = Size(throughput_part.QUICK, live_part.QUICK, memory_part.QUICK)


class PublisherCosts:
    """See above; `run` first."""

    def __init__(self, size: Size, parts: Collection[str], progress: Callable[[str], object]) -> None:
        self.throughput = (
            throughput_part.Throughput(size.throughput, progress) if "throughput" in parts else None
        )
        self.live = live_part.Live(size.live, progress) if "live" in parts else None
        self.memory = memory_part.Memory(size.memory, progress) if "memory" in parts else None

    def run(self) -> None:
        """All that was asked for."""
        for part in (self.throughput, self.live, self.memory):
            if part is not None:
                part.run()

    def result(self) -> dict[str, Any]:
        """What `--json` prints."""
        found: dict[str, Any] = {"core": core_kind()}
        if self.throughput is not None:
            found["throughput"] = self.throughput.result()
        if self.live is not None:
            found.update(self.live.result())
        if self.memory is not None:
            found["memory"] = self.memory.result()
        return found

    def tables(self) -> list[Table]:
        """For people."""
        tables: list[Table] = []
        targets: list[Target] = []
        if self.throughput is not None:
            tables.append(self.throughput.table())
            targets += self.throughput.targets()
        if self.live is not None:
            tables += self.live.tables()
            targets += self.live.targets()
        if self.memory is not None:
            tables.append(self.memory.table())
            targets += self.memory.targets()
        return [*tables, results.targets_table(targets)]
