"""The names of failures: which exception of a driver is which error of `bus/errors.py`.

The rule guarded here: what may go away by itself (gone, locked, full) is `StoreUnavailable` and tried again; damage
and a foreign schema are not. What is in no list is a mistake of ours and goes through as it is.
"""

import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Final

from sqlalchemy import exc

from bus.errors import MatchbusError, StoreDamaged, StoreMismatch, StoreUnavailable

_SQLITE_DAMAGED: Final = (sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB)
_SQLITE_UNAVAILABLE: Final = (
    sqlite3.SQLITE_PERM,
    sqlite3.SQLITE_BUSY,
    sqlite3.SQLITE_LOCKED,
    sqlite3.SQLITE_NOMEM,
    sqlite3.SQLITE_READONLY,
    sqlite3.SQLITE_INTERRUPT,
    sqlite3.SQLITE_IOERR,
    sqlite3.SQLITE_FULL,
    sqlite3.SQLITE_CANTOPEN,
    sqlite3.SQLITE_PROTOCOL,
    sqlite3.SQLITE_NOLFS,
)
# "no such table", "no such column".
_SQLITE_MISMATCH: Final = (sqlite3.SQLITE_ERROR,)
# The extended code of a failure stands above the lowest eight bits.
_SQLITE_PRIMARY: Final = 0xFF

# SQLSTATE of PostgreSQL: data_corrupted, index_corrupted.
_POSTGRES_DAMAGED: Final = ("XX001", "XX002")
# No connection, no such user or database, transaction rolled back, out of resources, in use, operator's intervention,
# error of the system; a server that only reads (a standby); no right to it.
_POSTGRES_UNAVAILABLE: Final = ("08", "28", "3D", "40", "53", "55", "57", "58", "25006", "42501")
_POSTGRES_MISMATCH: Final = ("42",)


@contextmanager
def named_failures(name: str) -> Iterator[None]:
    """Raise what the database refuses by its name; the text begins with `name`, that of the database."""
    try:
        yield
    except exc.DBAPIError as error:
        named = _named(name, error)
        if named is None:
            raise
        raise named from error
    except exc.TimeoutError as error:
        raise StoreUnavailable(f"{name}: no connection became free in time") from error


def _named(name: str, error: exc.DBAPIError) -> MatchbusError | None:
    original = error.orig
    said = str(original).strip().partition("\n")[0] or type(original).__name__
    if isinstance(original, sqlite3.Error):
        return _of_sqlite(f"{name}: {said}", said, original)
    state: str | None = getattr(original, "sqlstate", None)
    if state in _POSTGRES_DAMAGED:
        return StoreDamaged(f"{name}: {said}")
    # Without a state nothing came from the server: there is no connection.
    if state is None or state.startswith(_POSTGRES_UNAVAILABLE):
        gone = isinstance(error, exc.OperationalError | exc.InterfaceError | exc.InternalError)
        return StoreUnavailable(f"{name}: {said}") if gone or state is not None else None
    if state.startswith(_POSTGRES_MISMATCH):
        return StoreMismatch(f"{name}: its tables are not those of a store: {said}")
    return None


def _of_sqlite(text: str, said: str, original: sqlite3.Error) -> MatchbusError | None:
    code: int | None = getattr(original, "sqlite_errorcode", None)
    if code is None:
        # Raised by the module itself, not by the library: a text in a row is no UTF-8.
        return StoreDamaged(text) if "decode" in said else None
    primary = code & _SQLITE_PRIMARY
    if primary in _SQLITE_DAMAGED:
        return StoreDamaged(text)
    if primary in _SQLITE_UNAVAILABLE:
        return StoreUnavailable(text)
    if primary in _SQLITE_MISMATCH:
        return StoreMismatch(f"{text}: its tables are not those of a store")
    return None
