"""Where minutes are kept: a database that all instances of the web share.

The rule guarded here: what an instance says of a minute stands in the place of what it said before, so a minute may be
written again and again, also after a write of which nobody knows whether it was done. Each instance has rows of its
own; they are added up when somebody asks.

A database of its own, and not that of the keys: it grows, is asked long questions, and may be thrown away. Everything
here blocks. Called by `recorder` from a thread, and by the command line.
"""

from typing import Any, Final

from sqlalchemy import delete, func, insert, select

from bus.clock import utc_ns
from bus.config import Config
from bus.database.failures import named_failures
from bus.database.opening import open_database
from web.schemas.usage import Usage, UsageQuery
from web.usage.minute import Minute
from web.usage.report import report
from web.usage.tables import ALL, CALLS, DATA, SCHEMA, TIMES

#: What is forgotten in one transaction, so that others wait for a moment only.
_MINUTES_AT_ONCE: Final = 60

#: Rows of a table, by the names of its columns.
Rows = list[dict[str, Any]]


class UsageStore:
    """See above. Raises ConfigError, StoreUnavailable, StoreDamaged or StoreMismatch when it cannot be opened."""

    def __init__(self, config: Config) -> None:
        self._engine, self.name = open_database(SCHEMA, config.web.usage_url, config.engine.data_dir)
        self._writing = self._engine.execution_options(writes=True)

    def close(self) -> None:
        """Close all connections."""
        self._engine.dispose()

    def write(self, instance: str, number: int, calls: Rows, times: Rows, data: Rows) -> None:
        """All that an instance has to say of a minute until now; rows as `rows_of` gives them."""
        with named_failures(self.name), self._writing.begin() as connection:
            for table, rows in ((CALLS, calls), (TIMES, times), (DATA, data)):
                connection.execute(
                    delete(table).where(table.c.minute == number, table.c.instance == instance)
                )
                if rows:
                    connection.execute(
                        insert(table), [{"minute": number, "instance": instance, **row} for row in rows]
                    )

    def forget(self, before: int) -> None:
        """Minutes before this one are kept no longer."""
        for table in ALL:
            while True:
                with named_failures(self.name), self._writing.begin() as connection:
                    oldest = connection.execute(select(func.min(table.c.minute))).scalar_one()
                    if oldest is None or oldest >= before:
                        break
                    end = min(before, oldest + _MINUTES_AT_ONCE)
                    connection.execute(delete(table).where(table.c.minute < end))

    def ask(self, query: UsageQuery) -> Usage:
        """The answer to a question about the minutes until now."""
        with named_failures(self.name), self._engine.connect() as connection:
            return report(connection, query, utc_ns() // 1_000_000)


def rows_of(minute: Minute) -> tuple[Rows, Rows, Rows]:
    """What `write` takes of a minute: calls, times and data, as they are now."""
    calls = [
        {
            "key_id": key_id,
            "account": account,
            "method": method,
            "path": path,
            "symbol": symbol,
            "status": status,
            "calls": count,
            "took_us": took_us,
        }
        for (key_id, account, method, path, symbol, status), (count, took_us) in minute.calls.items()
    ]
    times = [
        {"method": method, "path": path, "bucket": bucket, "calls": count}
        for (method, path, bucket), count in minute.times.items()
    ]
    data = [
        {"source": source, "data": what, "symbol": symbol, "calls": count}
        for (source, what, symbol), count in minute.data.items()
    ]
    return calls, times, data
