"""Everything that `bench web` measures, put together: which parts are run, and how they are shown.

The parts stand in `http`. A part that was not asked for is not in the result.
"""

from collections.abc import Callable, Collection
from typing import Any, Final

from msgspec import Struct
from rich.table import Table

from tools.bench import results
from tools.bench.http import orders as orders_part
from tools.core_kind import core_kind

PARTS: Final = ("orders",)


class Size(Struct, frozen=True):
    """Of each part."""

    orders: orders_part.Size = orders_part.Size()


QUICK: Final = Size(orders_part.QUICK)


class WebCosts:
    """See above; `run` first."""

    def __init__(self, size: Size, parts: Collection[str], progress: Callable[[str], object]) -> None:
        self._parts = {
            name: part
            for name, part in (("orders", orders_part.Orders(size.orders, progress)),)
            if name in parts
        }

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
