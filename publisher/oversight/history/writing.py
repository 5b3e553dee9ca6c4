"""What is kept, written: the reports of some frames in one transaction with the number that they end with.

The rule guarded here: the position is written in the transaction that writes the rows. So whatever ends in between,
either both are there or neither, and whoever goes on behind the position writes every report exactly once. A
transaction also moves the position only from where this writer left it: a second writer of the same database finds
that out and writes nothing.

Called by the writer's thread of the service, and by nobody else: everything here blocks.
"""

import os
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, Final, final

import msgspec
from sqlalchemy import Connection, Engine, Table, and_, bindparam, delete, func, insert, select, update

from bus.database.failures import named_failures
from bus.database.opening import open_database
from bus.errors import DataDirectoryHeld, StoreDamaged, StoreUnavailable
from bus.protocol.reports import Report, Settled, TradeRevised
from bus.sockets.reading.feed_items import DropReport, Run
from publisher.oversight.exposure.folding import Moved, Pair
from publisher.oversight.exposure.keeping import Positions, all_marks
from publisher.oversight.history.changes import (
    Changes,
    Position,
    changes_of,
    orders_named,
    refolded,
)
from publisher.oversight.history.lives import OrderState, revised_state
from publisher.oversight.history.rows import (
    execution_row,
    movement_row,
    order_of,
    order_row,
    rejection_row,
    report_row,
)
from publisher.oversight.history.tables import (
    SCHEMA,
    executions,
    movements,
    orders,
    position,
    rejections,
    reports,
)
from publisher.store.bulk import Bulk

#: Open orders whose state is at hand, about 600 bytes each; any other one is read again when something happens to it.
ORDERS_AT_HAND_MAX: Final = 100_000
#: Parameters of one statement that names orders by their ids: far below what each database takes.
_IDS_PER_STATEMENT: Final = 500

_ROW: Final = 1
_decode_report: Final = msgspec.msgpack.Decoder(Report).decode


def open_history(url: str, data_dir: str) -> tuple[Engine, str]:
    """The database and its name. Raises ConfigError, StoreUnavailable, StoreDamaged, StoreMismatch."""
    return open_database(SCHEMA, url, data_dir)


@final
class HistoryWriter:
    """An open database that is written. `position`: how far what it keeps goes; `moved`: what it last changed there.

    After anything but success it is of no more use: whether a transaction took place when the connection was lost in
    its last moment is known only to the database, and the position of a new one tells.
    """

    def __init__(self, engine: Engine, name: str) -> None:
        """Find out where it stands. Raises StoreUnavailable, StoreDamaged, StoreMismatch."""
        self._engine, self.name = engine, name
        self._writes = self._engine.execution_options(writes=True)
        dialect = self._engine.dialect.name
        self._file = self._identity() if dialect == "sqlite" else None
        self._postgres = dialect == "postgresql"
        tables = (reports, orders, executions, rejections, movements)
        self._bulk = {table.name: Bulk(table, dialect) for table in tables}
        self._at_hand: dict[int, OrderState] = {}
        self._positions = Positions(dialect)
        self.moved = Moved({}, {})
        self.orders_read = 0  # how many orders had to be read again
        self.position = self._stored_position()

    def write(self, runs: Sequence[Run]) -> Position:
        """Write what these runs tell, which follow on the position; where it then stands. O(reports).

        Raises StoreUnavailable, StoreDamaged, StoreMismatch, DataDirectoryHeld; then nothing was written, or (after a
        lost connection) perhaps all of it.
        """
        last = runs[-1]
        following = Position(
            last.first_number + len(last.events) - 1, last.log_sequence, last.time_ns, last.epoch
        )
        expected = self.position.drop_number + 1
        for run in runs:
            assert run.first_number == expected, "what is written follows on what is kept"
            expected += len(run.events)
        self._look_at_file()
        with named_failures(self.name), self._writes.begin() as connection:
            self._move(connection, following)
            before = self._orders(connection, orders_named(runs))
            changes = changes_of(runs, before)
            self._insert(connection, changes)
            moved = self._positions.keep(connection, changes, before)
        self.position, self.moved = following, moved
        self._keep_at_hand(changes.orders.values())
        return following

    def withdraw(self, drop_number: int) -> Position:
        """Take out everything behind a number: it never happened.

        O(reports taken out, those of their orders, and all executions of what these orders were about).
        """
        assert 0 < drop_number < self.position.drop_number, "only what is kept can be taken out"
        self._look_at_file()
        self._at_hand.clear()
        with named_failures(self.name), self._writes.begin() as connection:
            stays = select(reports.c.sequence, reports.c.time_ns).where(reports.c.drop_number == drop_number)
            sequence, time_ns = connection.execute(stays).one()
            following = Position(drop_number, sequence, time_ns, self.position.epoch)
            self._move(connection, following)
            gone = reports.c.drop_number > drop_number
            touched = select(reports.c.order_id).distinct().where(and_(gone, reports.c.order_id != 0))
            order_ids = list(connection.execute(touched).scalars())
            pairs = self._pairs(connection, order_ids)
            for table in (executions, rejections, movements, reports):
                connection.execute(delete(table).where(table.c.drop_number > drop_number))
            for some in _chunks(order_ids):
                connection.execute(delete(executions).where(executions.c.order_id.in_(some)))
                connection.execute(delete(orders).where(orders.c.order_id.in_(some)))
                self._put_back(connection, some)
            self._positions.rebuild(connection, pairs)
        self.position = following
        return following

    def marks(self) -> dict[str, int]:
        """The price of each symbol's last trade, in ticks."""
        with named_failures(self.name), self._engine.connect() as connection:
            return all_marks(connection)

    def report(self, drop_number: int) -> tuple[str, int, bytes]:
        """`(account, report number, encoded report)` of a number that is kept. StoreDamaged when it is not there."""
        question = select(reports.c.account, reports.c.report_number, reports.c.data).where(
            reports.c.drop_number == drop_number
        )
        with named_failures(self.name), self._engine.connect() as connection:
            found = connection.execute(question).one_or_none()
        if found is None:
            raise StoreDamaged(f"{self.name}: report {drop_number} of the drop copy is missing")
        return found.account, found.report_number, bytes(found.data)

    # The position.

    def _stored_position(self) -> Position:
        with named_failures(self.name), self._writes.begin() as connection:
            found = connection.execute(select(position)).one_or_none()
            if found is None:
                connection.execute(insert(position).values(row=_ROW, **msgspec.structs.asdict(Position())))
                return Position()
            kept = Position(found.drop_number, found.log_sequence, found.time_ns, found.epoch)
            last: int = connection.execute(select(func.max(reports.c.drop_number))).scalar_one() or 0
        if last != kept.drop_number:
            raise StoreDamaged(
                f"{self.name}: says that it goes to report {kept.drop_number} of the drop copy, and its last is {last}"
            )
        return kept

    def _move(self, connection: Connection, to: Position) -> None:
        if self._postgres:
            # What a crash of the server loses is whole transactions with their positions: the feed gives them again.
            connection.exec_driver_sql("SET LOCAL synchronous_commit = off")
        at = self.position
        moved = connection.execute(
            update(position)
            .where(position.c.row == _ROW, position.c.drop_number == at.drop_number)
            .values(**msgspec.structs.asdict(to))
        )
        if moved.rowcount != 1:
            raise DataDirectoryHeld(f"{self.name}: another process writes this history, too")

    # Rows in.

    def _insert(self, connection: Connection, changes: Changes) -> None:
        new = [order for order_id, order in changes.orders.items() if order_id in changes.begun]
        self._add(connection, reports, [report_row(report) for report in changes.reports])
        self._add(connection, orders, [order_row(order) for order in new])
        self._add(connection, executions, [execution_row(kept) for kept in changes.executions.values()])
        self._add(connection, rejections, [rejection_row(rejection) for rejection in changes.rejections])
        self._add(connection, movements, [movement_row(kept) for kept in changes.movements])
        changed = [order for order_id, order in changes.orders.items() if order_id not in changes.begun]
        if changed:
            connection.execute(_CHANGE_ORDER, [_changed(order) for order in changed])
        if changes.revisions:
            rows = [_revision(order_id, report) for (order_id, _), report in changes.revisions.items()]
            connection.execute(_REVISE_EXECUTION, rows)
        if changes.fees:
            connection.execute(_CHARGE_EXECUTION, [_fee(report) for _, report in changes.fees.values()])

    def _add(self, connection: Connection, table: Table, rows: Sequence[tuple[Any, ...]]) -> None:
        there = len(rows) - self._bulk[table.name].insert(connection, rows)
        if there:
            raise StoreDamaged(f"{self.name}: {there} rows behind its position are in {table.name} already")

    def _put_back(self, connection: Connection, order_ids: Sequence[int]) -> None:
        """Orders and their executions as the reports that are left tell of them."""
        question = (
            select(reports.c.drop_number, reports.c.account, reports.c.report_number, reports.c.data)
            .where(reports.c.order_id.in_(order_ids), reports.c.order_id != 0)
            .order_by(reports.c.drop_number)
        )
        left = [
            (row.drop_number, DropReport(row.account, row.report_number, _decode_report(row.data)))
            for row in connection.execute(question)
        ]
        changes = refolded(left)
        self._add(connection, orders, [order_row(order) for order in changes.orders.values()])
        self._add(connection, executions, [execution_row(kept) for kept in changes.executions.values()])

    # Orders out.

    def _orders(self, connection: Connection, order_ids: Iterable[int]) -> Mapping[int, OrderState]:
        at_hand = self._at_hand
        found = {order_id: at_hand[order_id] for order_id in order_ids if order_id in at_hand}
        missing = sorted(order_id for order_id in order_ids if order_id not in found)
        for some in _chunks(missing):
            for row in connection.execute(select(orders).where(orders.c.order_id.in_(some))):
                found[row.order_id] = order_of(row)
        self.orders_read += len(missing)
        return found

    def _pairs(self, connection: Connection, order_ids: Sequence[int]) -> set[Pair]:
        pairs: set[Pair] = set()
        for some in _chunks(order_ids):
            question = select(orders.c.account, orders.c.symbol).where(orders.c.order_id.in_(some))
            pairs.update((row.account, row.symbol) for row in connection.execute(question))
        return pairs

    def _keep_at_hand(self, changed: Iterable[OrderState]) -> None:
        at_hand = self._at_hand
        for order in changed:
            if order.is_open:
                at_hand[order.order_id] = order
            else:
                at_hand.pop(order.order_id, None)
        # The one that lay there longest goes first: a dict keeps the order in which keys came.
        while len(at_hand) > ORDERS_AT_HAND_MAX:
            del at_hand[next(iter(at_hand))]

    # The file.

    def _look_at_file(self) -> None:
        if self._file is not None and self._file != self._identity():
            raise StoreUnavailable(f"{self.name}: the file was removed, or another one took its place")

    def _identity(self) -> tuple[int, int] | None:
        try:
            found = os.stat(self.name)
        except FileNotFoundError:
            return None
        except OSError as error:
            raise StoreUnavailable(f"{self.name}: {error.strerror}") from error
        return found.st_dev, found.st_ino


#: What of an order can change, by column.
_CHANGING: Final = (
    "price_ticks",
    "quantity_lots",
    "filled_lots",
    "status",
    "reason",
    "fills",
    "filled_quote",
    "busted_lots",
    "updated_ns",
    "ended_ns",
    "last_sequence",
    "last_report",
)
_CHANGE_ORDER: Final = (
    update(orders)
    .where(orders.c.order_id == bindparam("of_order_id"))
    .values({name: bindparam(f"new_{name}", type_=orders.c[name].type) for name in _CHANGING})
)
_OF_EXECUTION: Final = (
    executions.c.symbol == bindparam("of_symbol"),
    executions.c.trade_id == bindparam("of_trade_id"),
    executions.c.order_id + 0 == bindparam("of_order_id"),  # by the trade: an order may have many
)
_CHARGE_EXECUTION: Final = (
    update(executions)
    .where(*_OF_EXECUTION)
    .values(fee_asset=bindparam("new_fee_asset"), fee=bindparam("new_fee"))
)
_REVISE_EXECUTION: Final = (
    update(executions)
    .where(*_OF_EXECUTION)
    .values(
        price_ticks=bindparam("new_price_ticks"),
        state=bindparam("new_state"),
        revised_ns=bindparam("new_revised_ns"),
        revised_sequence=bindparam("new_revised_sequence"),
    )
)


def _changed(order: OrderState) -> dict[str, Any]:
    return {"of_order_id": order.order_id, **{f"new_{name}": getattr(order, name) for name in _CHANGING}}


def _revision(order_id: int, report: TradeRevised) -> dict[str, Any]:
    return {
        "of_symbol": report.symbol,
        "of_trade_id": report.trade_id,
        "of_order_id": order_id,
        "new_price_ticks": report.price_ticks,
        "new_state": revised_state(report),
        "new_revised_ns": report.time_ns,
        "new_revised_sequence": report.sequence,
    }


def _fee(report: Settled) -> dict[str, Any]:
    return {
        "of_symbol": report.symbol,
        "of_trade_id": report.trade_id,
        "of_order_id": report.order_id,
        "new_fee_asset": report.fee_asset,
        "new_fee": report.fee,
    }


def _chunks(ids: Sequence[int]) -> Iterable[Sequence[int]]:
    for start in range(0, len(ids), _IDS_PER_STATEMENT):
        yield ids[start : start + _IDS_PER_STATEMENT]
