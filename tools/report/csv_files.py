"""Tables of a report as CSV: one file each, a line of names, then the rows (RFC 4180, UTF-8, with line feeds).

Amounts are exact decimals, times are UTC to the nanosecond; what is not there is empty.
"""

import csv
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

from tools.report.period import moment_text
from tools.report.report import Report
from tools.report.tables import Kind, Table


def write_csv(report: Report, folder: Path) -> list[str]:
    """A file for each table; their names."""
    return [_write(table, report.rows(table), folder) for table in report.tables]


def _write(table: Table, rows: Iterable[tuple[Any, ...]], folder: Path) -> str:
    name = f"{table.name}.csv"
    with (folder / name).open("w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow([column for column, _ in table.columns])
        writer.writerows(_with_times(table, rows))
    return name


def _with_times(table: Table, rows: Iterable[tuple[Any, ...]]) -> Iterable[tuple[Any, ...]]:
    places = [place for place, (_, kind) in enumerate(table.columns) if kind is Kind.TIME]
    return _timed(rows, *places) if places else rows


def _timed(rows: Iterable[tuple[Any, ...]], at: int) -> Iterator[tuple[Any, ...]]:
    for row in rows:
        yield (*row[:at], moment_text(row[at]), *row[at + 1 :])
