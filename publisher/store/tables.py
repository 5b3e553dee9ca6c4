"""The schema of the store: what tables there are, with which columns, in both databases.

The rule guarded here: `VERSION` changes with every change of a table. Prices and quantities are 64-bit integers, sums
are `Whole`, times are engine time in nanoseconds. Nothing here has a float or a time of the wall clock.
"""

from decimal import Decimal
from typing import Any, Final

from sqlalchemy import (
    BigInteger,
    Column,
    Dialect,
    Index,
    Integer,
    MetaData,
    Numeric,
    Table,
    Text,
    TypeDecorator,
)
from sqlalchemy.types import TypeEngine

from bus.database.schema import Schema
from bus.errors import StoreDamaged

KIND: Final = "market"
VERSION: Final = 1

#: A sum of 2**40 notionals below 2**63 has 31 digits.
DIGITS: Final = 40


class Whole(TypeDecorator[int]):
    """A whole number that may leave 64 bits: NUMERIC(40,0) in PostgreSQL, text in SQLite (there not to be compared)."""

    impl = Text
    cache_ok = True

    def load_dialect_impl(self, dialect: Dialect) -> TypeEngine[Any]:
        """The type below, by database."""
        if dialect.name == "postgresql":
            return dialect.type_descriptor(Numeric(DIGITS, 0))
        return dialect.type_descriptor(Text())

    def process_bind_param(self, value: int | None, dialect: Dialect) -> Any:
        """As the driver takes it."""
        if value is None:
            return None
        return Decimal(value) if dialect.name == "postgresql" else str(value)

    def process_result_value(self, value: Any | None, dialect: Dialect) -> int | None:  # noqa: ARG002
        """Back into an int; StoreDamaged when it is no number."""
        if value is None:
            return None
        try:
            return int(value)
        except ValueError:
            raise StoreDamaged(
                f"the database has {str(value)[:50]!r} where a whole number was written"
            ) from None


def _whole64() -> TypeEngine[int]:
    # A table of SQLite that is STRICT knows INTEGER, which has 64 bits there.
    return BigInteger().with_variant(Integer(), "sqlite")


def _table(name: str, *parts: Column[Any] | Index) -> Table:
    # Without rowid the rows lie in the order of the primary key, in which all of them are asked for. STRICT: a column
    # holds what its type says, and `PRAGMA quick_check` finds what does not.
    return Table(name, METADATA, *parts, sqlite_with_rowid=False, sqlite_strict=True)


def _key(name: str, column_type: TypeEngine[Any] | type[Text] = Text) -> Column[Any]:
    return Column(name, column_type, primary_key=True, autoincrement=False)


def _number(name: str, *, optional: bool = False) -> Column[int]:
    return Column(name, _whole64(), nullable=optional)


def _sum(name: str) -> Column[int]:
    return Column(name, Whole(), nullable=False)


def _text(name: str) -> Column[str]:
    return Column(name, Text, nullable=False)


METADATA: Final = MetaData()

store_version: Final = _table("store_version", _key("kind"), _number("version"))

# In the order of the fields of `Trade`. No index over the time: it grows with the trade id, see `reading.first_id_at`.
trades: Final = _table(
    "trades",
    _key("symbol"),
    _number("sequence"),
    _number("time_ns"),
    _key("trade_id", _whole64()),
    _number("price_ticks"),
    _number("quantity_lots"),
    _number("aggressor"),
    _number("state"),
)

# In the order of the fields of `Candle`, less `closed`: only closed ones are stored.
candles: Final = _table(
    "candles",
    _key("symbol"),
    _key("interval"),
    _key("open_time_ns", _whole64()),
    _number("open_ticks"),
    _number("high_ticks"),
    _number("low_ticks"),
    _number("close_ticks"),
    _sum("volume_lots"),
    _sum("quote_volume"),
    _number("trades"),
    _sum("taker_buy_lots"),
    _sum("taker_buy_quote"),
    _number("first_trade_id"),
    _number("last_trade_id"),
    _number("last_sequence"),
    _number("revision"),
)

corrections: Final = _table(
    "corrections",
    _key("symbol"),
    _key("number", _whole64()),
    _key("step", _whole64()),
    _number("sequence"),
    _number("time_ns"),
    _text("kind"),
    _number("trade_id", optional=True),
    _number("price_before_ticks", optional=True),
    _number("price_after_ticks", optional=True),
    _text("interval"),
    _number("open_time_ns", optional=True),
    _text("before"),
    _text("after"),
    _text("note"),
    Index("corrections_of_trades", "symbol", "trade_id"),
)

symbols: Final = _table(
    "symbols", _key("symbol"), _number("sequence"), _number("status"), _text("definition")
)

alerts: Final = _table("alerts", _key("alert_id"), _text("symbol"), _number("sequence"), _text("content"))

progress: Final = _table(
    "progress",
    _key("symbol"),
    _number("trade_number"),
    _number("sequence"),
    _number("time_ns"),
    _number("epoch"),
)

SCHEMA: Final = Schema(KIND, VERSION, METADATA, store_version, "publisher/market.db", "store.url")
