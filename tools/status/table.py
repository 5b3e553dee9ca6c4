"""How the rows look: a line each that fits 80 columns, what is worth knowing below it, what is wrong in colour.

    process     health    log sequence  behind            up      pid
    engine      ok           1,234,567                 3h 12m   12345
      core compiled · sync disk · accounts 12 · sessions 14

Pure: rows in, something that rich can draw out; or plain values for `--json`.
"""

from collections.abc import Sequence
from typing import Any, Final

import msgspec
from rich.text import Text

from bus.protocol.status import DEGRADED, HEALING, OK
from tools.status.flowing import GAP, flow
from tools.status.market import market_values, picture_of
from tools.status.rows import ENGINE, Row, all_well, summary

_STYLES: Final = {OK: "green", HEALING: "yellow", DEGRADED: "yellow"}
_UNWELL: Final = "bold red"
_UNKNOWN: Final = "-"
_BETWEEN: Final = " · "
#: What the instruments below the processes tell better.
_TOLD_BELOW: Final = "phases"

_NS_PER_S: Final = 1_000_000_000


class _Column(msgspec.Struct, frozen=True):
    name: str
    to_the_right: bool = True


_COLUMNS: Final = (
    _Column("process", to_the_right=False),
    _Column("health", to_the_right=False),
    _Column("log sequence"),
    _Column("behind"),
    _Column("up"),
    _Column("pid"),
)


def picture(found: Sequence[Row], width: int | None) -> Text:
    """The whole table. What stands below a process is broken at the width of the terminal, if there is one."""
    cells = [[column.name for column in _COLUMNS], *(_cells(row) for row in found)]
    widths = [max(len(line[index]) for line in cells) for index in range(len(_COLUMNS))]
    lines = [_line(cells[0], widths, ["dim"] * len(_COLUMNS))]
    for row, line in zip(found, cells[1:], strict=True):
        quiet = "dim" if not row.ok and not row.expected else ""
        health = quiet or _STYLES.get(row.health, _UNWELL)
        lines.append(_line(line, widths, [quiet or "bold", health, *[quiet] * (len(_COLUMNS) - 2)]))
        words = [Text(word, health) for word in row.problem.split()]
        facts = [
            _fact(name, value) for name, value in row.facts if not (name == _TOLD_BELOW and row.instruments)
        ]
        lines += flow(Text(), words, Text(" "), width)
        lines += flow(Text(), facts, Text(_BETWEEN, "dim"), width)
    for row in found:
        if row.instruments:
            lines += [Text(), *picture_of(row.instruments, width)]
    lines += [Text(), Text(summary(found), _STYLES[OK] if all_well(found) else _UNWELL)]
    return Text("\n", no_wrap=True).join(lines)


def values(row: Row) -> dict[str, Any]:
    """A row for `--json`: its fields, the facts by name, and of the engine all instruments."""
    told = {**msgspec.structs.asdict(row), "ok": row.ok, "facts": dict(row.facts)}
    instruments = market_values(told.pop("instruments"))
    return {**told, "instruments": instruments} if row.name == ENGINE else told


def duration(ns: int) -> str:
    """A time that passed, to two places of what matters: `840 µs`, `12 ms`, `3.4 s`, `3m 12s`, `5d 7h`."""
    if ns < 1_000_000:
        return f"{ns // 1000} µs"
    if ns < _NS_PER_S:
        return f"{ns // 1_000_000} ms"
    if ns < 60 * _NS_PER_S:
        return f"{ns // (_NS_PER_S // 10) / 10:.1f} s"
    seconds = ns // _NS_PER_S
    if seconds < 3600:
        return f"{seconds // 60}m {seconds % 60}s"
    if seconds < 86_400:
        return f"{seconds // 3600}h {seconds % 3600 // 60}m"
    return f"{seconds // 86_400:,}d {seconds % 86_400 // 3600}h"


def _cells(row: Row) -> list[str]:
    return [
        row.name,
        row.health,
        _UNKNOWN if row.log_sequence is None else f"{row.log_sequence:,}",
        _behind(row),
        _UNKNOWN if row.uptime_ns is None else duration(row.uptime_ns),
        _UNKNOWN if row.pid is None else str(row.pid),
    ]


def _behind(row: Row) -> str:
    if row.behind_messages is None or row.behind_ns is None:
        return _UNKNOWN
    if not row.behind_messages:
        return "0"
    return f"{row.behind_messages:,} ({duration(row.behind_ns)})"


def _line(cells: Sequence[str], widths: Sequence[int], styles: Sequence[str]) -> Text:
    line = Text()
    for index, (cell, width, column) in enumerate(zip(cells, widths, _COLUMNS, strict=True)):
        padded = f"{cell:>{width}}" if column.to_the_right else f"{cell:<{width}}"
        line.append(GAP if index else "")
        line.append(padded, styles[index])
    line.rstrip()
    return line


def _fact(name: str, value: str) -> Text:
    return Text.assemble((name.replace("_", " "), "dim"), " ", value)
