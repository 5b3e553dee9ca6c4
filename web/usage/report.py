"""The answer to a question about minutes: sums over all instances, by key, route, symbol, status and data.

Each list is one walk over the minutes in question, in the database; no row of a minute comes here but the times of
routes, which are merged into percentiles. Called by `store`.
"""

from collections import defaultdict
from typing import Any, Final

from sqlalchemy import ColumnElement, Connection, Row, Table, case, func, select

from web.schemas.usage import DataUse, KeyUse, RouteUse, StatusUse, SymbolUse, Usage, UsageQuery
from web.usage.durations import percentile_us
from web.usage.minute import MINUTE_MS
from web.usage.tables import CALLS, DATA, TIMES
from web.usage.wanted import REST, STREAM

_calls: Final = func.sum(CALLS.c.calls).label("calls")
_refused: Final = func.sum(
    case((CALLS.c.status.between(400, 499), CALLS.c.calls), else_=0),
).label("refused")
_failed: Final = func.sum(case((CALLS.c.status >= 500, CALLS.c.calls), else_=0)).label("failed")
_took: Final = func.sum(CALLS.c.took_us).label("took_us")


def report(connection: Connection, query: UsageQuery, now_ms: int) -> Usage:
    """See above. `now_ms`: UTC since 1970; the minute in which it is is looked at, too."""
    last = now_ms // MINUTE_MS
    first = last - query.minutes + 1
    asked = _Asked(connection, query, first, last)
    routes = asked.routes()
    totals = asked.sums()[0]
    return Usage(
        from_ms=first * MINUTE_MS,
        to_ms=now_ms,
        calls=int(totals.calls or 0),
        refused=int(totals.refused or 0),
        failed=int(totals.failed or 0),
        keys=asked.keys(),
        routes=routes[: query.limit],
        slowest=sorted(
            (route for route in routes if route.p99_us is not None), key=lambda route: -(route.p99_us or 0)
        )[: query.limit],
        symbols=asked.symbols(),
        statuses=asked.statuses(),
        data=asked.data(),
    )


class _Asked:
    """A question, and where it is asked."""

    def __init__(self, connection: Connection, query: UsageQuery, first: int, last: int) -> None:
        self._connection = connection
        self._query = query
        self._first = first
        self._last = last

    def sums(self, *by: Any) -> list[Row[Any]]:
        """Calls by these columns, the most first."""
        query = self._query
        wanted = select(*by, _calls, _refused, _failed, _took, func.max(CALLS.c.minute).label("last"))
        wanted = wanted.where(*self._when(CALLS))
        for column, value in (
            (CALLS.c.key_id, query.key),
            (CALLS.c.account, query.account),
            (CALLS.c.symbol, query.symbol),
        ):
            if value is not None:
                wanted = wanted.where(column == value)
        wanted = wanted.group_by(*by).order_by(_calls.desc(), *by) if by else wanted
        return list(self._connection.execute(wanted))

    def keys(self) -> list[KeyUse]:
        """By key."""
        rows = self.sums(CALLS.c.key_id, CALLS.c.account)[: self._query.limit]
        return [
            KeyUse(
                row.key_id or None,
                row.account or None,
                int(row.calls),
                int(row.refused),
                int(row.failed),
                _mean_us(row),
                row.last * MINUTE_MS,
            )
            for row in rows
        ]

    def routes(self) -> list[RouteUse]:
        """By route, all of them."""
        times = self._times()
        return [
            RouteUse(
                row.method,
                row.path,
                int(row.calls),
                int(row.refused),
                int(row.failed),
                _mean_us(row),
                percentile_us(times.get((row.method, row.path), {}), 50),
                percentile_us(times.get((row.method, row.path), {}), 99),
            )
            for row in self.sums(CALLS.c.method, CALLS.c.path)
        ]

    def symbols(self) -> list[SymbolUse]:
        """By symbol, calls about none left out."""
        rows = [row for row in self.sums(CALLS.c.symbol) if row.symbol]
        return [
            SymbolUse(row.symbol, int(row.calls), int(row.refused), int(row.failed))
            for row in rows[: self._query.limit]
        ]

    def statuses(self) -> list[StatusUse]:
        """By status."""
        return [
            StatusUse(row.status, int(row.calls)) for row in self.sums(CALLS.c.status)[: self._query.limit]
        ]

    def data(self) -> list[DataUse]:
        """Market data, what was wanted most first. Who wanted it is not known."""
        query = self._query
        if query.key is not None or query.account is not None:
            return []
        counted: dict[str, ColumnElement[int]] = {
            source: func.sum(case((DATA.c.source == source, DATA.c.calls), else_=0)).label(source)
            for source in (REST, STREAM)
        }
        by = (DATA.c.data, DATA.c.symbol)
        wanted = select(*by, *counted.values()).where(*self._when(DATA))
        if query.symbol is not None:
            wanted = wanted.where(DATA.c.symbol == query.symbol)
        wanted = wanted.group_by(*by).order_by(func.sum(DATA.c.calls).desc(), *by).limit(query.limit)
        return [
            DataUse(row.data, row.symbol, int(row.rest), int(row.stream))
            for row in self._connection.execute(wanted)
        ]

    def _times(self) -> dict[tuple[str, str], dict[int, int]]:
        """How many calls of a route are in which bucket; nothing where a part of them only is looked at."""
        found: dict[tuple[str, str], dict[int, int]] = defaultdict(dict)
        query = self._query
        if query.key is None and query.account is None and query.symbol is None:
            by = (TIMES.c.method, TIMES.c.path, TIMES.c.bucket)
            wanted = select(*by, func.sum(TIMES.c.calls).label("calls")).where(*self._when(TIMES))
            for row in self._connection.execute(wanted.group_by(*by)):
                found[row.method, row.path][row.bucket] = int(row.calls)
        return found

    def _when(self, table: Table) -> tuple[ColumnElement[bool], ColumnElement[bool]]:
        return table.c.minute >= self._first, table.c.minute <= self._last


def _mean_us(row: Row[Any]) -> int:
    return int(row.took_us) // int(row.calls)
