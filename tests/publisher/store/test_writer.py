"""The writer thread: what it takes, when it writes, what it does while the database is away, and how it ends."""

import asyncio
import sqlite3
import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any, Final

import msgspec
import pytest
from sqlalchemy import Connection

from bus.config import Store as Settings
from bus.database import opening
from bus.errors import MatchbusError, StoreBehind, StoreDamaged, StoreDiffers, StoreMismatch
from publisher.store import reading, retention
from publisher.store.adjustment import adjust_candle
from publisher.store.rows import CandleKey, Progress, SymbolRows
from publisher.store.store import Store
from publisher.store.writer import StoreWriter
from tests.support.postgres import PostgresServer
from tests.support.stored import START_NS, ids, minute, piece, pieces, stored_trades, trades

#: Two noisy cores and a whole test suite.
WAIT_S: Final = 30.0
#: Nothing is written by time alone within a test.
NEVER_MS: Final = 60_000


class Owner:
    """Who owns the writer: it remembers what it was told. Here that comes in the writer's thread."""

    def __init__(self) -> None:
        self._changed = threading.Condition()
        self.health: list[tuple[str, str]] = []
        self.spilled: list[tuple[str, MatchbusError]] = []
        self.ready: list[dict[str, Progress]] = []
        self.kept: list[CandleKey] = []
        self.failures: list[Exception] = []
        self.answers: list[Any] = []

    def call(self, function: Callable[..., object], *arguments: Any) -> None:
        """In the place of a loop's `call_soon_threadsafe`."""
        with self._changed:
            function(*arguments)
            self._changed.notify_all()

    def store_health(self, health: str, problem: str) -> None:
        """See `StoreOwner`, also below."""
        self.health.append((health, problem))

    def store_spilled(self, symbol: str, reason: MatchbusError) -> None:
        """Dropped."""
        self.spilled.append((symbol, reason))

    def store_ready(self, progress: dict[str, Progress]) -> None:
        """To be given again."""
        self.ready.append(progress)

    def store_kept(self, candles: list[CandleKey]) -> None:
        """Not written."""
        self.kept += candles

    def store_failed(self, error: Exception) -> None:
        """The end."""
        self.failures.append(error)

    def until(self, wanted: Callable[[], object]) -> None:
        """Wait until this is so, looking again whenever something is told."""
        with self._changed:
            assert self._changed.wait_for(wanted, WAIT_S), f"{self.health} {self.failures}"

    def flushed(self, writer: StoreWriter, symbol: str, number: int) -> None:
        """Wait until this number is committed."""
        before = len(self.answers)
        writer.flush(symbol, number, lambda: self.answers.append(number))
        self.until(lambda: len(self.answers) > before)


@contextmanager
def writing(store: Store, **settings: int) -> Iterator[tuple[StoreWriter, Owner]]:
    """A writer; at the end it writes what it can."""
    owner = Owner()
    given = msgspec.structs.replace(Settings(batch_ms_max=NEVER_MS), **settings)
    writer = StoreWriter(store, given, owner, owner.call)
    try:
        yield writer, owner
    finally:
        writer.close(WAIT_S if not owner.failures else 0)


def put_all(writer: StoreWriter, given: Sequence[SymbolRows]) -> list[bool]:
    """Put these; which were taken."""
    return [writer.put(part) for part in given]


@contextmanager
def locked(store: Store) -> Iterator[None]:
    """Somebody else has the file for himself."""
    with closing(sqlite3.connect(store.name)) as other:
        other.execute("BEGIN EXCLUSIVE")
        yield
        other.rollback()


@pytest.fixture
def sqlite_store(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Store]:
    """A store in a file, that does not wait long for a lock."""
    monkeypatch.setattr(opening, "LOCK_WAIT_MS", 20)
    with closing(Store(f"sqlite:///{tmp_path}/market.db", "")) as store:
        yield store


# What is written, and when


def test_what_was_put_is_committed_when_flush_says_so(store: Store) -> None:
    with writing(store) as (writer, owner):
        assert all(put_all(writer, pieces(1, 20, 3)))
        owner.flushed(writer, "BTC-USD", 20)
        assert ids(stored_trades(store)) == list(range(1, 21))
        # Seven pieces became one transaction, and seven rows of progress one.
        assert (writer.transactions, writer.rows_queued, writer.rows_written) == (1, 27, 21)
        assert (writer.retries, writer.health, owner.health) == (0, "ok", [])
        assert writer.transaction_seconds > 0
    assert writer.rows_waiting == 0


def test_a_flush_of_what_is_committed_is_done_at_once_also_by_an_earlier_writer(store: Store) -> None:
    store.write([piece(trades(1, 5))])
    with writing(store) as (writer, owner):
        owner.flushed(writer, "BTC-USD", 5)
        owner.flushed(writer, "BTC-USD", 5)
        owner.flushed(writer, "ETH-USD", 0)


def test_rows_are_written_after_a_time_without_being_asked_for(store: Store) -> None:
    rows = piece(trades(1, 3))
    rows.candles = [("1m", minute(0, trades(1, 3)))]
    store.write([rows])
    adjust_candle(store, "BTC-USD", "1m", minute(0, trades(1, 3, price_ticks=90)), "late print")
    later = piece(trades(4, 5), after=30)
    later.candles = rows.candles
    with writing(store, batch_ms_max=20) as (writer, owner):
        writer.put(later)
        # What an operator adjusted is told behind the transaction, so this is not asked for.
        owner.until(lambda: owner.kept)
        assert ids(stored_trades(store)) == [1, 2, 3, 4, 5]


def test_many_rows_are_written_at_once_in_transactions_of_a_size(store: Store) -> None:
    with writing(store, batch_rows_max=40) as (writer, owner):
        put_all(writer, pieces(1, 100, 9))
        owner.flushed(writer, "BTC-USD", 100)
        assert writer.transactions == 3
        assert ids(stored_trades(store)) == list(range(1, 101))


def test_a_question_sees_everything_that_was_put_before_it_and_nothing_behind(store: Store) -> None:
    def question(connection: Connection) -> list[int]:
        return ids(reading.read_trades(connection, "BTC-USD", limit=100))

    with writing(store) as (writer, owner):
        for part in pieces(1, 30, 10):
            writer.put(part)
            writer.ask(question, owner.answers.append)
        owner.until(lambda: len(owner.answers) == 3)
    assert [found[-1] for found in owner.answers] == [10, 20, 30]


def test_the_minute_of_a_revised_trade_is_read_behind_a_flush(store: Store) -> None:
    """What the publisher does at a bust."""
    with writing(store) as (writer, owner):
        put_all(writer, pieces(1, 9, 4))
        writer.ask(
            lambda connection: reading.valid_trades(connection, "BTC-USD", START_NS, START_NS + 6 * 10**9),
            owner.answers.append,
        )
        owner.until(lambda: owner.answers)
    assert ids(owner.answers[0]) == [1, 2, 3, 4, 5]


def test_a_piece_that_does_not_follow_is_a_mistake_of_the_owner(store: Store) -> None:
    with writing(store) as (writer, _):
        writer.put(piece(trades(1, 5)))
        with pytest.raises(AssertionError, match="a piece is missing"):
            writer.put(piece(trades(7, 8), after=60))


def test_a_closed_writer_has_written_all_and_takes_nothing_more(store: Store) -> None:
    with writing(store) as (writer, _):
        put_all(writer, pieces(1, 20, 3))
        assert writer.close(WAIT_S) == 0
        assert ids(stored_trades(store)) == list(range(1, 21))
        assert not writer.put(piece(trades(21, 22), after=200))


def test_it_calls_on_a_real_loop(store: Store) -> None:
    async def flush() -> int:
        owner = Owner()
        loop = asyncio.get_running_loop()
        writer = StoreWriter(store, Settings(), owner, loop.call_soon_threadsafe)
        writer.put(piece(trades(1, 5)))
        done = loop.create_future()
        writer.flush("BTC-USD", 5, lambda: done.set_result(threading.get_ident()))
        async with asyncio.timeout(WAIT_S):
            called_in: int = await done
        writer.close(WAIT_S)
        return called_in

    assert asyncio.run(flush()) == threading.get_ident()
    assert ids(stored_trades(store)) == [1, 2, 3, 4, 5]


# While the database is away


def test_a_locked_database_is_waited_for_and_nothing_is_lost(sqlite_store: Store) -> None:
    with writing(sqlite_store) as (writer, owner):
        owner.flushed(writer, "BTC-USD", 0)
        with locked(sqlite_store):
            put_all(writer, pieces(1, 20, 3))
            writer.flush("BTC-USD", 20, lambda: owner.answers.append("done"))
            owner.until(lambda: owner.health)
            assert owner.health == [("degraded", f"{sqlite_store.name}: database is locked")]
            assert "done" not in owner.answers
        owner.until(lambda: "done" in owner.answers)
        owner.until(lambda: owner.health[-1] == ("ok", ""))
        assert writer.retries > 0
    assert ids(stored_trades(sqlite_store)) == list(range(1, 21))


def test_a_full_queue_spills_a_symbol_which_is_given_again(sqlite_store: Store) -> None:
    given = pieces(1, 40, 4)
    end = given[3].progress
    with writing(sqlite_store, queue_rows_max=22) as (writer, owner):
        with locked(sqlite_store):
            # Five rows each: four are taken, and then none, also where one would fit.
            assert put_all(writer, given) == [True] * 4 + [False] * 6
            assert not writer.put(piece(trades(17, 17), after=160))
            assert writer.put(piece(trades(1, 1), symbol="ETH-USD"))
            writer.flush("ETH-USD", 1, lambda: None)
            owner.until(lambda: ("degraded", f"{sqlite_store.name}: database is locked") in owner.health)
        owner.until(lambda: owner.ready)
        assert owner.ready == [{"BTC-USD": end}]
        reason = "BTC-USD waits to be written again: the queue was full"
        owner.until(lambda: owner.health[-1] == ("degraded", reason))
        writer.resume("BTC-USD")
        assert owner.health[-1] == ("ok", "")
        for part in given[4:]:
            assert writer.put(part)
            owner.flushed(writer, "BTC-USD", part.progress.trade_number)
    assert ids(stored_trades(sqlite_store)) == list(range(1, 41))
    assert ids(stored_trades(sqlite_store, "ETH-USD")) == [1]


def test_a_piece_larger_than_the_queue_is_taken_when_nothing_waits(store: Store) -> None:
    with writing(store, queue_rows_max=10) as (writer, owner):
        assert writer.put(piece(trades(1, 50)))
        assert not writer.put(piece(trades(51, 51), after=500))
        owner.flushed(writer, "BTC-USD", 50)


def test_a_writer_that_is_closed_while_the_database_is_away_gives_up_in_time(sqlite_store: Store) -> None:
    with writing(sqlite_store) as (writer, owner):
        owner.flushed(writer, "BTC-USD", 0)
        with locked(sqlite_store):
            put_all(writer, pieces(1, 20, 10))
            assert writer.close(0.2) == 22
    assert stored_trades(sqlite_store) == []


def test_a_server_that_was_stopped_is_waited_for(postgres_server: PostgresServer, postgres_url: str) -> None:
    with closing(Store(postgres_url, "")) as store, writing(store) as (writer, owner):
        given = pieces(1, 40, 4)
        put_all(writer, given[:5])
        owner.flushed(writer, "BTC-USD", 20)
        postgres_server.stop()
        put_all(writer, given[5:])
        writer.flush("BTC-USD", 40, lambda: owner.answers.append("done"))
        owner.until(lambda: owner.health)
        assert owner.health[0][0] == "degraded"
        assert "\n" not in owner.health[0][1]
        postgres_server.start()
        owner.until(lambda: "done" in owner.answers)
        owner.until(lambda: owner.health[-1] == ("ok", ""))
        assert ids(stored_trades(store)) == list(range(1, 41))


# What the database does not agree with


def test_a_database_that_lost_rows_gets_them_again(store: Store) -> None:
    given = pieces(1, 40, 4)
    with writing(store) as (writer, owner):
        put_all(writer, given[:5])
        owner.flushed(writer, "BTC-USD", 20)
        # As if it had been restored from a copy of an hour ago.
        with store.transaction() as connection:
            connection.exec_driver_sql("DELETE FROM trades WHERE trade_id > 8")
            connection.exec_driver_sql("UPDATE progress SET trade_number = 8, sequence = 80")
        put_all(writer, [*given[5:7], piece(trades(1, 3), symbol="ETH-USD")])
        owner.flushed(writer, "ETH-USD", 3)
        owner.until(lambda: owner.ready)
        ((symbol, reason),) = owner.spilled
        assert symbol == "BTC-USD"
        assert isinstance(reason, StoreBehind)
        assert owner.ready[0]["BTC-USD"].sequence == 80
        assert not writer.put(given[7])
        writer.resume("BTC-USD")
        # Those that were put are the writer's.
        assert all(put_all(writer, pieces(1, 40, 4)[2:]))
        owner.flushed(writer, "BTC-USD", 40)
    assert ids(stored_trades(store)) == list(range(1, 41))
    assert writer.rows_waiting == 0


def test_a_database_that_differs_stops_that_symbol_and_no_other(store: Store) -> None:
    store.write([piece(trades(1, 5, price_ticks=99))])
    # A transaction a piece, so that some still wait in the queue.
    with writing(store, batch_rows_max=6) as (writer, owner):
        put_all(writer, [*pieces(1, 20, 5), piece(trades(1, 3), symbol="ETH-USD")])
        owner.flushed(writer, "ETH-USD", 3)
        ((symbol, reason),) = owner.spilled
        assert symbol == "BTC-USD"
        assert isinstance(reason, StoreDiffers)
        assert writer.health == "degraded"
        assert "another trade 1" in writer.problem
        assert not writer.put(piece(trades(21, 22), after=200))
        writer.put(piece(trades(4, 6), after=30, symbol="ETH-USD"))
        owner.flushed(writer, "ETH-USD", 6)
        assert owner.ready == []
    assert [row.price_ticks for row in stored_trades(store)] == [99] * 5
    assert writer.rows_waiting == 0


def test_the_owner_hears_which_candles_stayed_as_an_operator_adjusted_them(store: Store) -> None:
    rows = piece(trades(1, 3))
    rows.candles = [("1m", minute(0, trades(1, 3)))]
    store.write([rows])
    adjusted = minute(0, trades(1, 3, price_ticks=90))
    adjust_candle(store, "BTC-USD", "1m", adjusted, "late print")
    later = piece(trades(4, 4), after=30)
    later.candles = [("1m", minute(0, trades(1, 4), revision=1))]
    with writing(store) as (writer, owner):
        writer.put(later)
        owner.flushed(writer, "BTC-USD", 4)
        assert owner.kept == [("BTC-USD", "1m", adjusted.open_time_ns)]


def test_damage_reaches_the_owner_and_is_not_tried_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(opening, "CHECK_BYTES_MAX", 0)
    file = tmp_path / "market.db"
    with closing(Store(f"sqlite:///{file}", "")) as made:
        made.write([piece(trades(1, 4000))])
    whole = bytearray(file.read_bytes())
    # All of the trades; the tables made before them are in the pages before.
    whole[12 * 4096 :] = b"\xa5" * (len(whole) - 12 * 4096)
    file.write_bytes(whole)
    with closing(Store(f"sqlite:///{file}", "")) as store, writing(store) as (writer, owner):
        writer.put(piece(trades(4001, 4002), after=None))
        writer.flush("BTC-USD", 4002, lambda: None)
        owner.until(lambda: owner.failures)
        assert isinstance(owner.failures[0], StoreDamaged)
        assert owner.health == [("failed", str(owner.failures[0]))]
        assert writer.retries == 0
        assert not writer.put(piece(trades(4003, 4003), after=None))


def test_tables_that_are_gone_reach_the_owner(store: Store) -> None:
    with writing(store) as (writer, owner):
        owner.flushed(writer, "BTC-USD", 0)
        with store.transaction() as connection:
            connection.exec_driver_sql("DROP TABLE trades")
        writer.put(piece(trades(1, 2)))
        writer.flush("BTC-USD", 2, lambda: None)
        owner.until(lambda: owner.failures)
        assert isinstance(owner.failures[0], StoreMismatch)


def test_a_mistake_of_ours_reaches_the_owner(store: Store) -> None:
    def mistaken(_: Connection) -> int:
        return 1 // 0

    with writing(store) as (writer, owner):
        writer.ask(mistaken, owner.answers.append)
        owner.until(lambda: owner.failures)
        assert isinstance(owner.failures[0], ZeroDivisionError)
        assert writer.health == "failed"


# Forgetting


def test_what_is_old_is_forgotten_while_nothing_waits(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(retention, "TRADES_MIN", 5)
    monkeypatch.setattr(retention, "FORGOTTEN_ROWS_MAX", 10)
    rows = piece(trades(1, 50))
    rows.progress = Progress(50, 500, rows.progress.time_ns + 30 * 86_400 * 10**9, 1)
    store.write([rows])
    with writing(store, trades_days=7) as (writer, owner):
        # It begins with a round, and a question behind that.
        while writer.rows_deleted < 45:
            owner.answers.clear()
            writer.ask(reading.read_progress, owner.answers.append)
            owner.until(lambda: owner.answers)
    assert ids(stored_trades(store)) == [46, 47, 48, 49, 50]
