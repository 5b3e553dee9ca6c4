"""A history whose database fails, or whose engine does: it says so, goes on by itself, and misses nothing."""

import os
import sqlite3
from collections.abc import Iterator
from contextlib import ExitStack, closing
from pathlib import Path

import pytest

from bus.database import opening
from bus.errors import HistoryMismatch, NotTaken, StoreDamaged
from bus.protocol import reasons
from bus.protocol.history import QueryPastOrders, QueryReports
from publisher.oversight.history import service
from tests.support.postgres import PostgresServer
from tests.support.real_engine import RealEngine, define
from tests.support.running_history import RunningHistory, enter, fresh

# The database fails


@pytest.fixture
def alone(engine: RealEngine, tmp_path: Path) -> Iterator[RunningHistory]:
    """For stories in which its database fails."""
    with RunningHistory(engine, f"sqlite:///{tmp_path / 'history.db'}") as running:
        running.wait_until(lambda status: status.health == "ok")
        yield running


def all_is_there(history: RunningHistory, account: str, number: int, sequence: int) -> None:
    """All orders of the account, once each."""
    with history.client() as client:
        orders = client.ask(QueryPastOrders(account, at_least=sequence, limit=1000)).orders
        assert len(orders) == number
        assert len(client.ask(QueryReports(account, limit=1000)).reports) == number


def test_a_locked_database_is_waited_for(
    engine: RealEngine, alone: RunningHistory, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    account = fresh("locked")
    monkeypatch.setattr(opening, "LOCK_WAIT_MS", 20)
    all_is_there(alone, account, 3, enter(engine, account, 3).sequence)
    with closing(sqlite3.connect(tmp_path / "history.db", isolation_level=None)) as other:
        other.execute("BEGIN IMMEDIATE")
        sequence = enter(engine, account, 5).sequence
        status = alone.wait_until(lambda status: status.health == "degraded")
        assert status.problem == f"{tmp_path / 'history.db'}: database is locked"
        # What is there can be read all the same.
        with alone.client() as client:
            assert len(client.ask(QueryPastOrders(account)).orders) == 3
        other.execute("ROLLBACK")
    alone.wait_until(lambda status: status.health == "ok")
    all_is_there(alone, account, 8, sequence)


def test_a_damaged_file_is_named_and_a_removed_one_is_made_anew(
    engine: RealEngine, alone: RunningHistory, tmp_path: Path
) -> None:
    account = fresh("damaged")
    all_is_there(alone, account, 3, enter(engine, account, 3).sequence)
    file = tmp_path / "history.db"
    with closing(sqlite3.connect(file, isolation_level=None)) as other:
        other.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    with file.open("r+b") as damaged:
        damaged.write(b"\xff" * 4096)
    sequence = enter(engine, account, 2).sequence
    status = alone.wait_until(lambda status: status.health == "degraded")
    assert str(file) in status.problem
    assert "not a database" in status.problem or "malformed" in status.problem
    for name in ("history.db", "history.db-wal", "history.db-shm"):
        (tmp_path / name).unlink(missing_ok=True)
    alone.wait_until(lambda status: status.health == "ok")
    all_is_there(alone, account, 5, sequence)
    assert alone.call(lambda: alone.service.failures) >= 1

    os.remove(file)
    sequence = enter(engine, account).sequence
    all_is_there(alone, account, 6, sequence)


def test_a_database_that_is_damaged_at_the_start_is_refused(engine: RealEngine, tmp_path: Path) -> None:
    (tmp_path / "history.db").write_bytes(b"nothing of ours" * 1000)
    with RunningHistory(engine, f"sqlite:///{tmp_path / 'history.db'}") as history:
        assert isinstance(history.wait_for_error(), StoreDamaged)


@pytest.mark.parametrize("mode", ["fast", "immediate"])
def test_a_server_that_goes_and_comes_back(
    engine: RealEngine, postgres_server: PostgresServer, postgres_url: str, mode: str
) -> None:
    account = fresh("away")
    with RunningHistory(engine, postgres_url) as history:
        sequence = enter(engine, account, 3).sequence
        all_is_there(history, account, 3, sequence)
        postgres_server.stop(mode)
        sequence = enter(engine, account, 40).sequence
        status = history.wait_until(lambda status: status.health == "degraded")
        assert "matchbus@127.0.0.1" in status.problem
        with history.client() as client, pytest.raises(NotTaken) as caught:
            client.ask(QueryPastOrders(account))
        assert caught.value.reason == reasons.UNAVAILABLE
        postgres_server.start()
        history.wait_until(lambda status: status.health == "ok")
        all_is_there(history, account, 43, sequence)


def test_a_server_that_comes_late_is_waited_for(
    engine: RealEngine, postgres_server: PostgresServer, postgres_url: str
) -> None:
    postgres_server.stop()
    account = fresh("late")
    sequence = enter(engine, account, 3).sequence
    with RunningHistory(engine, postgres_url) as history:
        history.wait_until(lambda status: status.health == "degraded")
        with history.client() as client, pytest.raises(NotTaken, match="the database is not open"):
            client.ask(QueryPastOrders(account))
        postgres_server.start()
        history.wait_until(lambda status: status.health == "ok")
        all_is_there(history, account, 3, sequence)


# The engine goes


def test_an_engine_that_is_silent_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(service, "_SILENT_MIN_NS", 500_000_000)
    with ExitStack() as stack:
        engine = stack.enter_context(RealEngine(tmp_path / "data", feed={"heartbeat_interval_ms": 50}))
        define(engine, "BTC-USD")
        url = f"sqlite:///{tmp_path / 'history.db'}"
        history = stack.enter_context(RunningHistory(engine, url, heartbeat_ms=50))
        sequence = enter(engine, "alice", 3).sequence
        all_is_there(history, "alice", 3, sequence)
        engine.kill()
        status = history.wait_until(lambda status: status.health == "healing")
        assert status.problem.startswith("nothing was heard of the engine for ")
        with history.client() as client:
            assert len(client.ask(QueryPastOrders("alice")).orders) == 3
        engine.start()
        history.wait_until(lambda status: status.health == "ok" and status.epoch == 2)
        sequence = enter(engine, "alice", 2).sequence
        all_is_there(history, "alice", 5, sequence)
        assert history.call(lambda: (history.service.begun, history.service.reports_withdrawn)) == (2, 0)


@pytest.mark.slow
def test_an_engine_of_another_log_at_the_same_address_ends_it(tmp_path: Path) -> None:
    with ExitStack() as stack:
        engine = stack.enter_context(RealEngine(tmp_path / "data", feed={"heartbeat_interval_ms": 50}))
        define(engine, "BTC-USD")
        url = f"sqlite:///{tmp_path / 'history.db'}"
        history = stack.enter_context(RunningHistory(engine, url, heartbeat_ms=50))
        sequence = enter(engine, "alice", 3).sequence
        all_is_there(history, "alice", 3, sequence)
        token = (tmp_path / "data/token").read_bytes()
        engine.kill()
        engine.data_dir = tmp_path / "other"
        for _ in range(2):  # so that it comes in a later epoch than the first one
            engine.start()
            engine.kill()
        (tmp_path / "other/token").write_bytes(token)
        engine.start()
        define(engine, "BTC-USD")
        error = history.wait_for_error()
        assert isinstance(error, HistoryMismatch)
        assert "it is the history of another log" in str(error)
