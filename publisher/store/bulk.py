"""Many rows into one table at once, as fast as each database takes them; rows that are there stay, or are replaced.

SQLite takes some hundred rows in a statement: its driver lets other threads run while a statement does, and takes
CPython's lock for what is between two, so row by row would keep the publisher's loop waiting. PostgreSQL takes one
array a column in a single statement, which is twice as fast as row by row. Used by `writing` alone.
"""

from collections.abc import Sequence
from itertools import chain
from typing import Any, Final

from sqlalchemy import ARRAY, Connection, Table, bindparam, func, select
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.sql.dml import Insert

from publisher.store.tables import Whole

#: Some thousand values: every SQLite since 3.32 takes 32,766.
_ROWS_A_STATEMENT: Final = 256


class Bulk:
    """Inserts for one table of one database. Rows are tuples in the order of the table's columns.

    With `replaces` a row takes the place of the one that has its key; then no two rows at once may have the same one.
    """

    def __init__(self, table: Table, dialect_name: str, *, replaces: bool = False) -> None:
        self._columns = list(table.columns)
        self._sqlite = dialect_name == "sqlite"
        self._statement: Insert
        if self._sqlite:
            into = sqlite.insert(table)
            self._statement = (
                into.on_conflict_do_update(table.primary_key, set_=_others(table, into.excluded))
                if replaces
                else into.on_conflict_do_nothing()
            )
            names = [column.name for column in self._columns]
            self._text = str(self._statement.compile(dialect=sqlite.dialect(), column_keys=names))
            self._one = f"({', '.join('?' * len(names))})"
            assert self._text.count(self._one) == 1, "the values of one row"
            # The driver knows nothing of our types.
            self._sums = [at for at, column in enumerate(self._columns) if isinstance(column.type, Whole)]
        else:
            arrays = [bindparam(column.name, type_=ARRAY(column.type)) for column in self._columns]
            columns = (
                func.unnest(*arrays).table_valued(*(column.name for column in self._columns)).render_derived()
            )
            rows = select(*columns.c)
            selected = postgresql.insert(table).from_select(self._columns, rows)
            inserted = (
                selected.on_conflict_do_update(table.primary_key, set_=_others(table, selected.excluded))
                if replaces
                else selected.on_conflict_do_nothing()
            )
            # Otherwise nobody counts the rows of an INSERT.
            self._statement = inserted.execution_options(preserve_rowcount=True)

    def insert(self, connection: Connection, rows: Sequence[tuple[Any, ...]]) -> int:
        """Insert those that are not there by their key, or all, and say how many that were. O(rows)."""
        if not rows:
            return 0
        if not self._sqlite:
            names = (column.name for column in self._columns)
            values = dict(zip(names, map(list, zip(*rows, strict=True)), strict=True))
            inserted = connection.execute(self._statement, values).rowcount
            assert inserted >= 0, "the driver counts"
            return inserted
        if self._sums:
            rows = [self._as_text(row) for row in rows]
        inserted = 0
        for start in range(0, len(rows), _ROWS_A_STATEMENT):
            part = rows[start : start + _ROWS_A_STATEMENT]
            text = self._text.replace(self._one, ", ".join([self._one] * len(part)))
            inserted += connection.exec_driver_sql(text, tuple(chain.from_iterable(part))).rowcount
        return inserted

    def _as_text(self, row: tuple[Any, ...]) -> tuple[Any, ...]:
        values = list(row)
        for at in self._sums:
            values[at] = str(values[at])
        return tuple(values)


def _others(table: Table, excluded: Any) -> dict[str, Any]:
    """The columns that are no part of the key, as they would have been inserted."""
    return {
        column.name: excluded[column.name]
        for column in table.columns
        if column.name not in table.primary_key.columns
    }
