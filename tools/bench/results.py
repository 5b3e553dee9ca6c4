"""How a benchmark ends: one JSON object, or tables for people; and a line in a file of results if one is named."""

from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import msgspec
from msgspec import Struct
from rich.console import Console
from rich.table import Table

from bus.errors import ConfigError
from tools.bench import machine

#: (name, one text a column)
Row = tuple[str, ...]


class Target(Struct, frozen=True):
    """What was to be reached, and whether it was. A miss is said as such."""

    name: str
    reached: float
    wanted: float
    unit: str
    at_most: bool

    @property
    def met(self) -> bool:
        """Whether it was reached."""
        return self.reached <= self.wanted if self.at_most else self.reached >= self.wanted

    def row(self) -> Row:
        """For the table: name, wanted, reached, verdict."""
        verdict = "reached"
        if not self.met:
            off = self.reached / self.wanted - 1 if self.wanted else 0.0
            verdict = f"missed by {abs(off):.0%}"
        bound = "<=" if self.at_most else ">="
        return (
            self.name,
            f"{bound} {_figure(self.wanted)} {self.unit}",
            f"{_figure(self.reached)} {self.unit}",
            verdict,
        )


def table(title: str, columns: Row, rows: Sequence[Row]) -> Table:
    """Figures, right aligned."""
    shown = Table(title=title, title_justify="left", box=None, pad_edge=False)
    for index, column in enumerate(columns):
        shown.add_column(column, justify="right" if index else "left")
    for row in rows:
        shown.add_row(*row)
    return shown


def targets_table(targets: Sequence[Target]) -> Table:
    """What was to be reached, and what was."""
    return table("targets", ("target", "wanted", "reached", ""), [target.row() for target in targets])


def show(
    name: str,
    result: dict[str, Any],
    tables: list[Table],
    notes: list[str],
    *,
    as_json: bool,
    out: Path | None,
) -> None:
    """Print a result, and append it to a file of results."""
    complete = {**result, "machine": machine.machine()}
    if as_json:
        print(msgspec.json.encode(complete).decode())
    else:
        console = Console(highlight=False, soft_wrap=True)
        console.print(machine.line())
        for one in tables:
            console.print()
            console.print(one)
        for note in notes:
            console.print()
            console.print(note)
    if out is not None:
        entry = {"bench": name, "at": datetime.now(UTC).isoformat(timespec="seconds"), **complete}
        try:
            with out.open("ab") as file:
                file.write(msgspec.json.encode(entry) + b"\n")
        except OSError as error:
            raise ConfigError(f"--out {out}: cannot be written: {error.strerror}") from None


def _figure(value: float) -> str:
    return f"{value:,.0f}" if abs(value) >= 100 else f"{value:.2f}"
