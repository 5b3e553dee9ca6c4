"""What the history keeps, as tables: the same in SQLite and in PostgreSQL.

    position      one row: how far what is kept goes
    reports       every report as it was said, by its number on the drop copy
    orders        every order as it stands, by its order_id
    executions    every execution as it counts now
    rejections    which of the reports are refusals
    positions     what each account holds of each symbol, and what its open orders may still do (`oversight.exposure`)
    marks         the last trade of each symbol
    movements     what moved balances, a row for each asset that a report moved

Everything but the reports follows from the reports. The version in `SCHEMA` changes with every change of a table.
Numbers are 64-bit integers, times engine time in nanoseconds; a sum is a `Whole`.

Within an account, report numbers, log sequences and times all rise together. So pages are walked by number, on the
index of the account, and a time is found once, on `reports_by_time`, to say at which number to begin.
"""

from typing import Any, Final

from sqlalchemy import BigInteger, Column, Index, Integer, LargeBinary, MetaData, Table, Text, text
from sqlalchemy.types import TypeEngine

from bus.database.schema import Schema
from publisher.store.tables import Whole

METADATA: Final = MetaData()


def _whole64() -> TypeEngine[int]:
    # A table of SQLite that is STRICT knows INTEGER, which has 64 bits there; as a key it is the row's own number.
    return BigInteger().with_variant(Integer(), "sqlite")


def _key(name: str) -> Column[int]:
    return Column(name, _whole64(), primary_key=True, autoincrement=False)


def _number(name: str) -> Column[int]:
    return Column(name, _whole64(), nullable=False)


def _text(name: str) -> Column[str]:
    return Column(name, Text, nullable=False)


def _bytes(name: str) -> Column[bytes]:
    return Column(name, LargeBinary, nullable=False)


def _sum(name: str) -> Column[int]:
    return Column(name, Whole(), nullable=False)


def _table(name: str, *parts: Column[Any] | Index) -> Table:
    return Table(name, METADATA, *parts, sqlite_strict=True)


def _some(name: str, condition: str, *columns: str) -> Index:
    """An index over the rows for which something holds."""
    return Index(name, *columns, sqlite_where=text(condition), postgresql_where=text(condition))


version: Final = _table("store_version", Column("kind", Text, primary_key=True), _number("version"))

position: Final = _table(
    "position",
    _key("row"),
    _number("drop_number"),
    _number("log_sequence"),
    _number("time_ns"),
    _number("epoch"),
)

reports: Final = _table(
    "reports",
    _key("drop_number"),
    _text("account"),
    _number("report_number"),
    _number("sequence"),
    _number("time_ns"),
    _number("order_id"),
    _bytes("data"),
    Index("reports_by_account", "account", "report_number", unique=True),
    Index("reports_by_time", "account", "time_ns", "report_number"),
    _some("reports_by_order", "order_id <> 0", "order_id", "report_number"),
)

orders: Final = _table(
    "orders",
    _key("order_id"),
    _text("account"),
    _text("client_order_id"),
    _text("symbol"),
    _bytes("entered"),
    _number("price_ticks"),
    _number("quantity_lots"),
    _number("filled_lots"),
    _number("status"),
    _number("reason"),
    _number("fills"),
    _sum("filled_quote"),
    _number("busted_lots"),
    _number("entered_ns"),
    _number("updated_ns"),
    _number("ended_ns"),
    _number("last_sequence"),
    _number("last_report"),
    Index("orders_by_account", "account", "order_id"),
    Index("orders_by_symbol", "account", "symbol", "order_id"),
    Index("orders_by_client_order_id", "account", "client_order_id", "order_id"),
    Index("orders_by_end", "account", "ended_ns", "order_id"),
)

executions: Final = _table(
    "executions",
    _key("drop_number"),
    _text("account"),
    _number("report_number"),
    _number("sequence"),
    _number("time_ns"),
    _number("order_id"),
    _text("client_order_id"),
    _text("symbol"),
    _number("side"),
    _number("trade_id"),
    _number("price_ticks"),
    _number("quantity_lots"),
    _number("cumulative_lots"),
    _number("leaves_lots"),
    _number("liquidity"),
    _number("state"),
    _number("first_price_ticks"),
    _number("revised_ns"),
    _number("revised_sequence"),
    _text("fee_asset"),
    _number("fee"),
    Index("executions_by_account", "account", "report_number"),
    Index("executions_by_symbol", "account", "symbol", "report_number"),
    Index("executions_by_order", "order_id", "report_number"),
    Index("executions_by_trade", "symbol", "trade_id"),
)

rejections: Final = _table(
    "rejections",
    _key("drop_number"),
    _text("account"),
    _number("report_number"),
    _text("request_id"),
    _number("time_ns"),
    Index("rejections_by_account", "account", "report_number"),
    Index("rejections_by_request", "account", "request_id", "report_number"),
)

# In the order of the fields of `keeping.row_of`.
positions: Final = _table(
    "positions",
    Column("account", Text, primary_key=True),
    Column("symbol", Text, primary_key=True),
    _sum("lots"),
    _sum("cost"),
    _sum("realised"),
    _number("opening_day_ns"),
    _number("opening_report"),
    _sum("opening_lots"),
    _sum("opening_cost"),
    _sum("opening_realised"),
    _number("last_report"),
    _number("last_sequence"),
    _number("traded_ns"),
    _text("fees"),
    _number("bid_orders"),
    _sum("bid_lots"),
    _sum("bid_notional"),
    _sum("bid_unpriced_lots"),
    _number("ask_orders"),
    _sum("ask_lots"),
    _sum("ask_notional"),
    _sum("ask_unpriced_lots"),
)

marks: Final = _table(
    "marks",
    Column("symbol", Text, primary_key=True),
    _number("trade_id"),
    _number("price_ticks"),
    _number("sequence"),
    _number("time_ns"),
)

movements: Final = _table(
    "movements",
    _key("drop_number"),
    _key("place"),
    _text("account"),
    _number("movement_number"),
    _number("sequence"),
    _number("time_ns"),
    _number("kind"),
    _text("asset"),
    _number("amount"),
    _number("total"),
    _text("transfer_id"),
    _text("counterparty"),
    _number("order_id"),
    _text("client_order_id"),
    _text("symbol"),
    _number("trade_id"),
    Index("movements_by_account", "account", "movement_number"),
    Index("movements_by_asset", "account", "asset", "movement_number"),
    _some("movements_by_transfer", "transfer_id <> ''", "account", "transfer_id", "movement_number"),
)

SCHEMA: Final = Schema("history", 4, METADATA, version, "history/history.db", "history.url")
