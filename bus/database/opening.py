"""Finds or makes the database: its directory, its settings, its tables, and whether it is one of ours at all.

The rule guarded here: nothing is written into a database that is not of this kind and version. Called by whoever keeps
something in one: `Store`, and the private history.
"""

import os
from pathlib import Path
from typing import Any, Final

from sqlalchemy import URL, Connection, Engine, create_engine, event, func, insert, inspect, make_url, select
from sqlalchemy.exc import ArgumentError, NoSuchModuleError

from bus.database.failures import named_failures
from bus.database.schema import Schema
from bus.errors import ConfigError, StoreDamaged, StoreMismatch, StoreUnavailable

#: How long another writer is waited for inside the database. Its transactions take some tens of ms; whoever holds a
#: lock longer is worth a line in the status, and is waited for outside, in `writer`.
LOCK_WAIT_MS: Final = 1_000
#: Reads the structure of the whole file, about 1 GB/s: more would hold up the start.
CHECK_BYTES_MAX: Final = 256 * 2**20
#: 16 MiB of pages a connection (negative: KiB), for the upper levels of the trees of many symbols.
_CACHE_KIB: Final = 16_384
#: A server that does not answer is gone after this long.
_CONNECT_S_MAX: Final = 5
_UNANSWERED_MS_MAX: Final = 10_000
#: A number of our own among PostgreSQL's advisory locks: one publisher makes the tables.
_MAKING_LOCK: Final = 0x6D61746368  # "match"

_SQLITE_MIN: Final = (3, 37, 0)  # STRICT tables


def open_database(schema: Schema, url_text: str, data_dir: str) -> tuple[Engine, str]:
    """The engine of the database and its name for messages, without a password. Its tables are there behind this.

    An empty `url_text` is the schema's own file below `data_dir`. Raises ConfigError for an address of neither kind,
    StoreUnavailable, StoreDamaged, StoreMismatch.
    """
    url = _address(url_text or f"sqlite:///{Path(data_dir, schema.file)}", schema.setting)
    if url.get_backend_name() == "sqlite":
        name = str(url.database)
        engine = _sqlite(url, name)
    else:
        name = url.render_as_string(hide_password=True)
        engine = _postgres(url, schema.setting)
    try:
        with named_failures(name):
            _settle(engine, name, schema)
    except BaseException:
        engine.dispose()
        raise
    return engine, name


def _address(text: str, setting: str) -> URL:
    try:
        url = make_url(text)
    except ArgumentError:
        raise ConfigError(f"{setting}: not the address of a database") from None
    scheme = url.drivername
    if scheme == "sqlite" and url.database and url.database != ":memory:":
        return url
    if scheme == "postgresql":
        return url.set(drivername="postgresql+psycopg")
    raise ConfigError(f"{setting}: {scheme}: expected sqlite:///FILE or postgresql://USER@HOST/DATABASE")


def _sqlite(url: URL, name: str) -> Engine:
    try:
        os.makedirs(os.path.dirname(os.path.abspath(name)), mode=0o700, exist_ok=True)
    except OSError as error:
        raise StoreUnavailable(f"{name}: its directory cannot be made: {error.strerror}") from error
    engine = create_engine(url, connect_args={"timeout": LOCK_WAIT_MS / 1000})
    version: tuple[int, ...] = engine.dialect.dbapi.sqlite_version_info  # type: ignore[union-attr]  # is SQLite's
    if version < _SQLITE_MIN:
        raise StoreUnavailable(f"{name}: SQLite is {version}, {_SQLITE_MIN} or later is needed")

    @event.listens_for(engine, "connect")
    def set_up(connection: Any, _record: Any) -> None:
        # The driver opens no transactions of its own: they begin below.
        connection.isolation_level = None
        cursor = connection.cursor()
        # Readers and the writer do not wait for each other. NORMAL: a crash of the process loses nothing; a loss of
        # power may lose the last transactions as wholes, which the feed gives again.
        cursor.execute("PRAGMA journal_mode = WAL")
        cursor.execute("PRAGMA synchronous = NORMAL")
        cursor.execute(f"PRAGMA cache_size = -{_CACHE_KIB}")
        cursor.close()

    @event.listens_for(engine, "begin")
    def begin(connection: Connection) -> None:
        # A transaction that writes takes the lock at its start: it could not be given to it later without a risk of
        # deadlock.
        writes = connection.get_execution_options().get("writes", False)
        connection.exec_driver_sql("BEGIN IMMEDIATE" if writes else "BEGIN")

    return engine


def _postgres(url: URL, setting: str) -> Engine:
    try:
        engine = create_engine(
            url,
            connect_args={"connect_timeout": _CONNECT_S_MAX, "tcp_user_timeout": _UNANSWERED_MS_MAX},
        )
    except (ImportError, NoSuchModuleError):
        raise ConfigError(
            f"{setting}: the driver of PostgreSQL is not installed: pip install 'matchbus[postgres]'"
        ) from None

    @event.listens_for(engine, "connect")
    def set_up(connection: Any, _record: Any) -> None:
        connection.execute(f"SET lock_timeout = {LOCK_WAIT_MS}")
        connection.commit()

    return engine


def _settle(engine: Engine, name: str, schema: Schema) -> None:
    """Make the tables in an empty database; refuse one that is not ours; check a small file as a whole."""
    version = schema.version_table
    with engine.execution_options(writes=True).begin() as connection:
        if engine.dialect.name == "postgresql":
            connection.execute(select(func.pg_advisory_xact_lock(_MAKING_LOCK)))
        there = set(inspect(connection).get_table_names())
        if not there:
            schema.metadata.create_all(connection)
            connection.execute(insert(version).values(kind=schema.kind, version=schema.version))
            return
        if version.name not in there:
            raise StoreMismatch(
                f"{name}: has tables of something else ({min(there)}); give the store its own"
            )
        found = [tuple(row) for row in connection.execute(select(version))]
        if found != [(schema.kind, schema.version)]:
            said = ", ".join(f"{kind} {version}" for kind, version in found) or "nothing"
            wanted = f"{schema.kind} {schema.version}"
            raise StoreMismatch(f"{name}: is of schema {said}; this matchbus reads {wanted}")
        if missing := sorted(set(schema.metadata.tables) - there):
            raise StoreMismatch(f"{name}: has no table {missing[0]}")
    if engine.dialect.name == "sqlite" and os.path.getsize(name) <= CHECK_BYTES_MAX:
        check(engine, name)


def check(engine: Engine, name: str) -> None:
    """Read the structure of all of an SQLite file; StoreDamaged with the first thing that is wrong."""
    with engine.connect() as connection:
        said = connection.exec_driver_sql("PRAGMA quick_check(1)").scalar_one()
    if said != "ok":
        raise StoreDamaged(f"{name}: {' '.join(str(said).split())}")
