"""Tables of a report as Parquet: one file each, with the same columns on every day, so that days can be read as one.

Amounts are `decimal128(38, 18)`, which pandas gives back as `decimal.Decimal`; times are `timestamp[ns, UTC]`, numbers
`int64`, texts are encoded as dictionaries; what is not there is null. Needs pyarrow, which `matchbus[parquet]` brings.
"""

from collections.abc import Iterable
from importlib import import_module
from itertools import islice
from pathlib import Path
from typing import Any, Final

from bus.errors import ConfigError, NotWritten
from tools.report.decimals import DECIMALS_MAX
from tools.report.report import Report
from tools.report.tables import Kind, Table

#: Rows that are in memory at once, and a row group of a file.
_ROWS_MAX: Final = 64 * 1024
#: Of a decimal: a 63-bit number of units has 19 before the point at most.
_DIGITS: Final = 38


def load_pyarrow() -> None:
    """ConfigError when pyarrow is not installed: before a day is walked."""
    _modules()


def write_parquet(report: Report, folder: Path) -> list[str]:
    """A file for each table; their names."""
    return [_write(table, report.rows(table), folder) for table in report.tables]


def _write(table: Table, rows: Iterable[tuple[Any, ...]], folder: Path) -> str:
    arrow, parquet = _modules()
    types = {
        Kind.TEXT: arrow.string(),
        Kind.INTEGER: arrow.int64(),
        Kind.DECIMAL: arrow.decimal128(_DIGITS, DECIMALS_MAX),
        Kind.TIME: arrow.timestamp("ns", tz="UTC"),
    }
    schema = arrow.schema([(name, types[kind]) for name, kind in table.columns])
    name = f"{table.name}.parquet"
    left = iter(rows)
    with parquet.ParquetWriter(folder / name, schema, compression="zstd") as writer:
        while part := list(islice(left, _ROWS_MAX)):
            arrays = []
            for (column, kind), values in zip(table.columns, zip(*part, strict=True), strict=True):
                try:
                    if kind is Kind.DECIMAL:
                        arrays.append(arrow.array(values, arrow.string()).cast(types[kind]))
                    else:
                        arrays.append(arrow.array(values, types[kind]))
                except arrow.ArrowInvalid as error:
                    raise NotWritten(
                        f"{name}: column {column} has what Parquet does not hold, {_DIGITS} digits with"
                        f" {DECIMALS_MAX} decimals; CSV does: {error}"
                    ) from None
            writer.write_table(arrow.table(arrays, schema=schema))
    return name


def _modules() -> tuple[Any, Any]:
    try:
        return import_module("pyarrow"), import_module("pyarrow.parquet")
    except ImportError:
        raise ConfigError("--parquet: pyarrow is not installed; pip install 'matchbus[parquet]'") from None
