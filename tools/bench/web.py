"""Everything that `bench web` measures, put together: which parts are run, and how they are shown.

The parts stand in `http`. A part that was not asked for is not in the result.
"""

from collections.abc import Callable, Collection
from typing import Any, Final, Protocol

from msgspec import Struct
from rich.table import Table

from tools.bench import results
from tools.bench.http import entry as entry_part
from tools.bench.http import orders as orders_part
from tools.bench.http import readers as readers_part
from tools.bench.results import Target
from tools.core_kind import core_kind

PARTS: Final = ("orders", "websocket", "readers")


class Part(Protocol):
    """A measurement."""

    def run(self) -> None:
        """Measure."""

    def result(self) -> dict[str, Any]:
        """What `--json` prints."""

    def targets(self) -> list[Target]:
        """What was to be reached."""

    def table(self) -> Table:
        """For people."""


class Size(Struct, frozen=True):
    """Of each part."""

    orders: orders_part.Size = orders_part.Size()
    entry: entry_part.Size = entry_part.Size()
    readers: readers_part.Size = readers_part.Size()


QUICK: Final = Size(orders_part.QUICK, entry_part.QUICK, readers_part.QUICK)


def sized(rounds: int) -> Size:
    """The usual size, with so many rounds of orders."""
    return Size(orders_part.Size(rounds=rounds), entry_part.Size(rounds=rounds))


class WebCosts:
    """See above; `run` first."""

    def __init__(self, size: Size, parts: Collection[str], progress: Callable[[str], object]) -> None:
        all_parts: dict[str, Part] = {
            "orders": orders_part.Orders(size.orders, progress),
            "websocket": entry_part.Entry(size.entry, progress),
            "readers": readers_part.Readers(size.readers, progress),
        }
        self._parts = {name: part for name, part in all_parts.items() if name in parts}

    def run(self) -> None:
        """All that was asked for."""
        for part in self._parts.values():
            part.run()

    def result(self) -> dict[str, Any]:
        """What `--json` prints."""
        return {"core": core_kind(), **{name: part.result() for name, part in self._parts.items()}}

    def tables(self) -> list[Table]:
        """For people."""
        targets = [target for part in self._parts.values() for target in part.targets()]
        return [*(part.table() for part in self._parts.values()), results.targets_table(targets)]
