"""The tables of minutes. Their keys begin with the minute, so that a span of time is one walk over each of them."""

from typing import Final

from sqlalchemy import BigInteger, Column, Integer, MetaData, Table, Text
from sqlalchemy.types import TypeEngine

from bus.database.schema import Schema

_METADATA: Final = MetaData()


def _whole64() -> TypeEngine[int]:
    return BigInteger().with_variant(Integer(), "sqlite")


def _number(name: str) -> Column[int]:
    return Column(name, _whole64(), nullable=False)


def _key_number(name: str) -> Column[int]:
    return Column(name, _whole64(), primary_key=True, autoincrement=False)


def _key_text(name: str) -> Column[str]:
    return Column(name, Text, primary_key=True)


#: So many calls of one kind in a minute of an instance, and how long they took together.
CALLS: Final = Table(
    "calls",
    _METADATA,
    _key_number("minute"),
    _key_text("instance"),
    _key_text("key_id"),
    _key_text("account"),
    _key_text("method"),
    _key_text("path"),
    _key_text("symbol"),
    _key_number("status"),
    _number("calls"),
    _number("took_us"),
    sqlite_strict=True,
    sqlite_with_rowid=False,
)
#: So many calls of a route in a bucket of `durations`.
TIMES: Final = Table(
    "times",
    _METADATA,
    _key_number("minute"),
    _key_text("instance"),
    _key_text("method"),
    _key_text("path"),
    _key_number("bucket"),
    _number("calls"),
    sqlite_strict=True,
    sqlite_with_rowid=False,
)
#: So often market data was wanted.
DATA: Final = Table(
    "data",
    _METADATA,
    _key_number("minute"),
    _key_text("instance"),
    _key_text("source"),
    _key_text("data"),
    _key_text("symbol"),
    _number("calls"),
    sqlite_strict=True,
    sqlite_with_rowid=False,
)
_version: Final = Table(
    "store_version", _METADATA, Column("kind", Text, primary_key=True), _number("version"), sqlite_strict=True
)
ALL: Final = (CALLS, TIMES, DATA)
SCHEMA: Final = Schema("usage", 1, _METADATA, _version, "web/usage.db", "web.usage_url")
