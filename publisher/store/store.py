"""The store of market data: one database, opened, written in transactions and read.

The rule guarded here: a transaction has the rows and the progress that says what they contain, or nothing. Opened by
the owner of the writer before anything else happens, and by whoever asks or adjusts. Safe to use from several threads.
"""

import os
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any, final

from sqlalchemy import Connection

from bus.database.failures import named_failures
from bus.database.opening import open_database
from bus.errors import StoreUnavailable
from publisher.store.rows import SymbolRows
from publisher.store.tables import SCHEMA
from publisher.store.writing import Writing, Written


@final
class Store:
    """An open database. `name` is what messages call it."""

    def __init__(self, url: str, data_dir: str) -> None:
        """Open or make it, see `opening.open_database` for what may be raised. Blocks."""
        self._engine, self.name = open_database(SCHEMA, url, data_dir)
        self._writes = self._engine.execution_options(writes=True)
        self._reads = self._engine
        if self._engine.dialect.name == "postgresql":
            self._reads = self._engine.execution_options(
                isolation_level="REPEATABLE READ", postgresql_readonly=True
            )
        self._writing = Writing(self._engine.dialect.name)
        # A file that was removed takes everything and remembers nothing.
        self._file = self._identity() if self._engine.dialect.name == "sqlite" else None

    def write(self, pieces: Sequence[SymbolRows]) -> Written:
        """Write pieces of different symbols in one transaction; rows that are there already are no error.

        O(rows). Raises StoreDiffers and StoreBehind for a symbol, StoreUnavailable, StoreDamaged, StoreMismatch;
        then nothing was written. (After a lost connection it may have been: writing it again is safe.)
        """
        with self.transaction() as connection:
            return self._writing.write(connection, pieces)

    @contextmanager
    def transaction(self) -> Iterator[Connection]:
        """A transaction that writes, committed at the end of the block; an exception takes all of it back."""
        self._look_at_file()
        with named_failures(self.name), self._writes.begin() as connection:
            yield connection

    @contextmanager
    def reading(self) -> Iterator[Connection]:
        """A connection for the functions of `reading`; within the block all of them see one moment."""
        with named_failures(self.name), self._reads.connect() as connection:
            yield connection

    def close(self) -> None:
        """Let the database go."""
        self._engine.dispose()

    def _look_at_file(self) -> None:
        if self._file is not None and self._file != self._identity():
            # The connections hold what was removed. The next ones find what is there now, or make it.
            self._engine.dispose()
            engine, _ = open_database(SCHEMA, f"sqlite:///{self.name}", "")
            engine.dispose()
            self._file = self._identity()

    def _identity(self) -> tuple[Any, ...] | None:
        try:
            found = os.stat(self.name)
        except FileNotFoundError:
            return None
        except OSError as error:
            raise StoreUnavailable(f"{self.name}: {error.strerror}") from error
        return found.st_dev, found.st_ino
