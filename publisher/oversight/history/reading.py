"""Pages of what is kept. Each is read in one transaction together with the position that it stands at.

A page costs O(its rows), whatever its filters: every list is walked on an index, in the order of its numbers, and a
time is looked up once to say at which number to begin. Without statistics SQLite would take any index that fits; a
column that is to be looked at, and not to be searched by, is therefore hidden behind an expression.

Called by the reader's threads of the service: everything here blocks.
"""

from collections.abc import Sequence
from typing import Any, Final, TypeVar, final

import msgspec
from sqlalchemy import ColumnElement, Connection, Engine, Row, Select, select, text

from bus.database.failures import named_failures
from bus.errors import StoreDamaged
from bus.protocol.exposure import Exposures, Positions, QueryExposures, QueryPositions
from bus.protocol.history import (
    ENDED,
    MOVEMENTS_PER_REPORT_MAX,
    OPEN,
    AccountQuery,
    Execution,
    Executions,
    HistoryQuery,
    Movement,
    Movements,
    NumberedRejection,
    NumberedReport,
    OrderLife,
    PastOrders,
    PastReports,
    QueryExecutions,
    QueryMovements,
    QueryOrderLife,
    QueryPastOrders,
    QueryRejections,
    Rejections,
)
from bus.protocol.reports import Rejected, Report
from publisher.oversight.exposure.reading import exposures_of, positions_of
from publisher.oversight.history.changes import Position
from publisher.oversight.history.rows import order_of
from publisher.oversight.history.tables import executions, movements, orders, position, rejections, reports

#: A page takes some ms; a server that needs so much longer has other troubles, and others wait.
STATEMENT_MS_MAX: Final = 5_000

#: A page, as far as the database knows it; None when there is no such order.
Page = (
    PastOrders | OrderLife | Executions | Rejections | PastReports | Movements | Positions | Exposures | None
)

T = TypeVar("T")

_decode_report: Final = msgspec.msgpack.Decoder(Report).decode

_EXECUTION: Final = [executions.c[name] for name in Execution.__struct_fields__]
_MOVEMENT: Final = [movements.c[name] for name in Movement.__struct_fields__]
#: The number of the first movement that a report may tell of.
_FIRST_MOVEMENT: Final = reports.c.report_number * MOVEMENTS_PER_REPORT_MAX


@final
class HistoryReader:
    """An open database that is read, by as many threads at once as like to."""

    def __init__(self, engine: Engine, name: str) -> None:
        self.name = name
        self._postgres = engine.dialect.name == "postgresql"
        self._reads = (
            engine.execution_options(isolation_level="REPEATABLE READ", postgresql_readonly=True)
            if self._postgres
            else engine
        )

    def page(self, query: HistoryQuery, correlation_id: int) -> tuple[Position, Page]:
        """A page and the position of the database at that moment. Raises StoreUnavailable, StoreDamaged, StoreMismatch.

        `log_sequence` in the page is that of the position.
        """
        with named_failures(self.name), self._reads.begin() as connection:
            if self._postgres:
                connection.exec_driver_sql(f"SET LOCAL statement_timeout = {STATEMENT_MS_MAX}")
            row = connection.execute(select(position)).one_or_none()
            if row is None:
                raise StoreDamaged(f"{self.name}: does not say how far it goes")
            at = Position(row.drop_number, row.log_sequence, row.time_ns, row.epoch)
            if isinstance(query, QueryExposures):
                return at, exposures_of(connection, query, correlation_id, at)
            if isinstance(query, QueryPositions):
                held, more = _cut(positions_of(connection, query), query.limit)
                return at, Positions(
                    correlation_id, at.log_sequence, query.account, list(held), more, at.time_ns
                )
            return at, _page(connection, query, correlation_id, at.log_sequence)


def _page(connection: Connection, query: AccountQuery, correlation_id: int, sequence: int) -> Page:
    account = query.account
    if isinstance(query, QueryPastOrders):
        rows, more = _cut(_past_orders(connection, query), query.limit)
        found = [order_of(row).told() for row in rows]
        return PastOrders(correlation_id, sequence, account, found, more)
    if isinstance(query, QueryExecutions):
        rows, more = _cut(_executions(connection, query), query.limit)
        return Executions(correlation_id, sequence, account, [Execution(*list(row)) for row in rows], more)
    if isinstance(query, QueryRejections):
        rows, more = _cut(_rejections(connection, query), query.limit)
        refused = [NumberedRejection(row.report_number, _rejected(row.data)) for row in rows]
        return Rejections(correlation_id, sequence, account, refused, more)
    if isinstance(query, QueryMovements):
        rows, more = _cut(_movements(connection, query), query.limit)
        return Movements(correlation_id, sequence, account, [Movement(*list(row)) for row in rows], more)
    if isinstance(query, QueryOrderLife):
        order = _order(connection, query)
        if order is None:
            return None
        question = select(reports.c.report_number, reports.c.data).where(
            text("order_id <> 0"),  # as the index says it: a parameter would not match it
            reports.c.order_id == order.order_id,
            reports.c.report_number > query.after,
        )
        rows, more = _cut(_all(connection, _in_order(question, reports.c.report_number, query)), query.limit)
        return OrderLife(correlation_id, sequence, account, order_of(order).told(), _reports(rows), more)
    question = select(reports.c.report_number, reports.c.data).where(
        reports.c.account == account, reports.c.report_number > query.after
    )
    rows, more = _cut(_all(connection, _in_order(question, reports.c.report_number, query)), query.limit)
    return PastReports(correlation_id, sequence, account, _reports(rows), more)


def _past_orders(connection: Connection, query: QueryPastOrders) -> Sequence[Row[Any]]:
    number = orders.c.order_id
    question = select(orders).where(orders.c.account == query.account)
    if query.client_order_id:
        question = question.where(orders.c.client_order_id == query.client_order_id)
    if query.state == OPEN:
        ended_ns = orders.c.ended_ns + 0 if query.client_order_id else orders.c.ended_ns
        question = question.where(ended_ns == 0)
    elif query.state == ENDED:
        question = question.where(orders.c.ended_ns != 0)
    if query.symbol:
        searched = not query.client_order_id and query.state != OPEN
        column: ColumnElement[str] = orders.c.symbol if searched else orders.c.symbol.concat("")
        question = question.where(column == query.symbol)
    within = _within(connection, question, number, query, reports.c.sequence)
    return _all(connection, within)


def _executions(connection: Connection, query: QueryExecutions) -> Sequence[Row[Any]]:
    columns = executions.c
    number = columns.report_number
    question = select(*_EXECUTION)
    if query.trade_id:
        question = question.where(columns.symbol == query.symbol, columns.trade_id == query.trade_id)
        if query.order_id:
            question = question.where(columns.order_id + 0 == query.order_id)
        question = question.where(columns.account.concat("") == query.account)
        return _all(connection, _within(connection, question, number + 0, query, reports.c.report_number))
    if query.order_id:
        question = question.where(columns.order_id == query.order_id)
        question = question.where(columns.account.concat("") == query.account)
        if query.symbol:
            question = question.where(columns.symbol.concat("") == query.symbol)
    else:
        question = question.where(columns.account == query.account)
        if query.symbol:
            question = question.where(columns.symbol == query.symbol)
    return _all(connection, _within(connection, question, number, query, reports.c.report_number))


def _rejections(connection: Connection, query: QueryRejections) -> Sequence[Row[Any]]:
    number = rejections.c.report_number
    question = (
        select(number, reports.c.data)
        .join(reports, reports.c.drop_number == rejections.c.drop_number)
        .where(rejections.c.account == query.account)
    )
    if query.request_id:
        question = question.where(rejections.c.request_id == query.request_id)
    return _all(connection, _within(connection, question, number, query, reports.c.report_number))


def _movements(connection: Connection, query: QueryMovements) -> Sequence[Row[Any]]:
    columns = movements.c
    question = select(*_MOVEMENT).where(columns.account == query.account)
    if query.transfer_id:
        question = question.where(text("transfer_id <> ''"), columns.transfer_id == query.transfer_id)
    if query.asset:
        asset = columns.asset.concat("") if query.transfer_id else columns.asset
        question = question.where(asset == query.asset)
    return _all(connection, _within(connection, question, columns.movement_number, query, _FIRST_MOVEMENT))


def _order(connection: Connection, query: QueryOrderLife) -> Row[Any] | None:
    """The order that is named; of several with one client_order_id the newest."""
    question = select(orders)
    if query.order_id:
        question = question.where(orders.c.order_id == query.order_id)
        question = question.where(orders.c.account.concat("") == query.account)
    else:
        question = question.where(
            orders.c.account == query.account, orders.c.client_order_id == query.client_order_id
        )
    return connection.execute(question.order_by(orders.c.order_id.desc()).limit(1)).one_or_none()


# What all lists have in common.

_Listed = QueryPastOrders | QueryExecutions | QueryRejections | QueryMovements


def _within(
    connection: Connection,
    question: Select[Any],
    number: ColumnElement[int],
    query: _Listed,
    time_column: ColumnElement[int],
) -> Select[Any] | None:
    """The question behind its cursor and between its times, in order; None when nothing can be there.

    `time_column`: what of a report is compared with `number`.
    """
    if query.after:
        question = question.where(number < query.after if query.newest_first else number > query.after)
    if query.from_ns:
        first = _first_at(connection, query.account, query.from_ns, time_column)
        if first is None:
            return None
        question = question.where(number >= first)
    if query.to_ns:
        behind = _first_at(connection, query.account, query.to_ns, time_column)
        if behind is not None:
            question = question.where(number < behind)
    return _in_order(question, number, query)


def _in_order(question: Select[Any], number: ColumnElement[int], query: HistoryQuery) -> Select[Any]:
    backwards = isinstance(query, _Listed) and query.newest_first
    # One more than is wanted tells whether there are more.
    return question.order_by(number.desc() if backwards else number).limit(query.limit + 1)


def _first_at(connection: Connection, account: str, time_ns: int, column: ColumnElement[int]) -> int | None:
    """The number of the account's first report at a time or later."""
    question = (
        select(column)
        .where(reports.c.account == account, reports.c.time_ns >= time_ns)
        .order_by(reports.c.time_ns, reports.c.report_number)
        .limit(1)
    )
    found: int | None = connection.execute(question).scalar_one_or_none()
    return found


def _all(connection: Connection, question: Select[Any] | None) -> Sequence[Row[Any]]:
    return [] if question is None else connection.execute(question).all()


def _cut(rows: Sequence[T], limit: int) -> tuple[Sequence[T], bool]:
    return rows[:limit], len(rows) > limit


def _reports(rows: Sequence[Row[Any]]) -> list[NumberedReport]:
    return [NumberedReport(row.report_number, _report(row.data)) for row in rows]


def _rejected(data: bytes) -> Rejected:
    report = _report(data)
    if not isinstance(report, Rejected):
        raise StoreDamaged(f"a refusal was kept, and a {type(report).__name__} is there")
    return report


def _report(data: bytes) -> Report:
    try:
        report: Report = _decode_report(data)
    except msgspec.MsgspecError as error:
        raise StoreDamaged(f"a report that was kept cannot be read: {error}") from None
    return report
