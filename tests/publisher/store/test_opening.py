"""What is opened: a new database, our own again, and everything that is none of ours."""

import sqlite3
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from pathlib import Path

import pytest

from bus.database import opening
from bus.errors import ConfigError, MatchbusError, StoreDamaged, StoreMismatch, StoreUnavailable
from publisher.store.store import Store
from tests.support.stored import ids, piece, stored_progress, stored_trades, trades


def refusal(url: str, kind: type[MatchbusError], data: str = "") -> str:
    """The one line with which an address is refused."""
    with pytest.raises(kind) as caught:
        Store(url, data)
    line = str(caught.value)
    assert "\n" not in line
    return line


def test_without_an_address_it_is_made_below_the_data_directory(tmp_path: Path) -> None:
    with closing(Store("", str(tmp_path / "data"))) as made:
        assert made.name == str(tmp_path / "data" / "publisher" / "market.db")
        made.write([piece(trades(1, 2))])
    assert (tmp_path / "data" / "publisher").stat().st_mode & 0o777 == 0o700


def test_opened_again_it_has_what_was_written(url: str) -> None:
    with closing(Store(url, "")) as made:
        made.write([piece(trades(1, 2))])
    with closing(Store(url, "")) as again:
        assert ids(stored_trades(again)) == [1, 2]
        again.write([piece(trades(3, 4), after=20)])
        assert ids(stored_trades(again)) == [1, 2, 3, 4]


def test_two_may_have_it_open(url: str) -> None:
    with closing(Store(url, "")) as one, closing(Store(url, "")) as other:
        one.write([piece(trades(1, 2))])
        other.write([piece(trades(1, 4))])
        assert ids(stored_trades(one)) == [1, 2, 3, 4]


def test_several_may_make_it_at_once(url: str) -> None:
    with ThreadPoolExecutor(6) as pool:
        made = list(pool.map(lambda _: Store(url, ""), range(6)))
    for number, store in enumerate(made, 1):
        store.write([piece(trades(number, number), after=(number - 1) * 10)])
    assert ids(stored_trades(made[0])) == [1, 2, 3, 4, 5, 6]
    for store in made:
        store.close()


@pytest.mark.parametrize(
    ("url", "line"),
    [
        ("mysql://a:secret@b/c", "mysql: expected sqlite:///FILE or postgresql://USER@HOST/DATABASE"),
        ("sqlite://", "sqlite: expected sqlite:///FILE or postgresql://USER@HOST/DATABASE"),
        ("what", "not the address of a database"),
    ],
)
def test_an_address_of_neither_kind_is_refused(url: str, line: str) -> None:
    assert refusal(url, ConfigError) == f"store.url: {line}"


def test_a_database_of_another_version_is_refused(url: str) -> None:
    with closing(Store(url, "")) as made, made.transaction() as connection:
        connection.exec_driver_sql("UPDATE store_version SET version = 99")
    assert refusal(url, StoreMismatch).endswith("is of schema market 99; this matchbus reads market 1")


def test_a_database_of_another_kind_is_refused(url: str) -> None:
    with closing(Store(url, "")) as made, made.transaction() as connection:
        connection.exec_driver_sql("UPDATE store_version SET kind = 'history'")
    assert refusal(url, StoreMismatch).endswith("is of schema history 1; this matchbus reads market 1")


def test_a_database_without_one_of_the_tables_is_refused(url: str) -> None:
    with closing(Store(url, "")) as made, made.transaction() as connection:
        connection.exec_driver_sql("DROP TABLE candles")
    assert refusal(url, StoreMismatch).endswith("has no table candles")


def test_somebody_elses_database_is_refused_and_not_touched(url: str) -> None:
    with closing(Store(url, "")) as made, made.transaction() as connection:
        for table in "store_version trades candles corrections symbols alerts progress".split():
            connection.exec_driver_sql(f"DROP TABLE {table}")
        connection.exec_driver_sql("CREATE TABLE wages (amount INTEGER)")
    assert refusal(url, StoreMismatch).endswith(
        "has tables of something else (wages); give the store its own"
    )


def test_a_file_that_is_no_database_is_refused(tmp_path: Path) -> None:
    file = tmp_path / "market.db"
    file.write_text("a letter to a friend\n" * 100, encoding="utf-8")
    assert refusal(f"sqlite:///{file}", StoreDamaged) == f"{file}: file is not a database"
    assert file.read_text(encoding="utf-8") == "a letter to a friend\n" * 100


def test_a_directory_that_cannot_be_made_is_unavailable(tmp_path: Path) -> None:
    (tmp_path / "data").write_text("", encoding="utf-8")
    line = refusal("", StoreUnavailable, str(tmp_path / "data"))
    assert line.endswith("its directory cannot be made: Not a directory")


def test_flipped_bytes_are_found_at_the_start(tmp_path: Path) -> None:
    """Each page is damaged at its head, in turn: none of it is opened as if nothing were wrong."""
    file = tmp_path / "market.db"
    with closing(Store(f"sqlite:///{file}", "")) as made:
        made.write([piece(trades(1, 400))])
    with closing(sqlite3.connect(file)) as connection:
        connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")
        (page_bytes,) = connection.execute("PRAGMA page_size").fetchone()
    whole = file.read_bytes()
    pages = len(whole) // page_bytes
    assert pages > 8
    for page in range(pages):
        damaged = bytearray(whole)
        for at in range(8):
            damaged[page * page_bytes + at] ^= 0xFF
        file.write_bytes(damaged)
        refusal(f"sqlite:///{file}", StoreDamaged)
    file.write_bytes(whole)
    with closing(Store(f"sqlite:///{file}", "")) as again:
        assert len(stored_trades(again)) == 400


def test_damage_that_is_met_later_is_damage_too(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """As in a large file, which is not read as a whole at the start."""
    monkeypatch.setattr(opening, "CHECK_BYTES_MAX", 0)
    file = tmp_path / "market.db"
    with closing(Store(f"sqlite:///{file}", "")) as made:
        made.write([piece(trades(1, 4000))])
    whole = bytearray(file.read_bytes())
    whole[12 * 4096 :] = b"\xa5" * (len(whole) - 12 * 4096)
    file.write_bytes(whole)
    with closing(Store(f"sqlite:///{file}", "")) as opened:
        with pytest.raises(StoreDamaged, match=str(file)):
            stored_trades(opened)
        with pytest.raises(StoreDamaged, match=str(file)):
            opened.write([piece(trades(4001, 4002), after=40000)])


def test_no_server_is_unavailable_and_the_password_is_not_told() -> None:
    pytest.importorskip("psycopg")
    line = refusal("postgresql://me:secret@127.0.0.1:1/market", StoreUnavailable)
    assert "127.0.0.1" in line
    assert "secret" not in line


def test_a_locked_database_is_unavailable(tmp_path: Path) -> None:
    file = tmp_path / "market.db"
    with closing(Store(f"sqlite:///{file}", "")) as store, closing(sqlite3.connect(file)) as other:
        other.execute("BEGIN EXCLUSIVE")
        with pytest.raises(StoreUnavailable, match="database is locked"):
            store.write([piece(trades(1, 2))])
        other.rollback()
        store.write([piece(trades(1, 2))])


def test_a_file_that_was_removed_is_made_anew_and_does_not_pretend(tmp_path: Path) -> None:
    file = tmp_path / "market.db"
    with closing(Store(f"sqlite:///{file}", "")) as store:
        store.write([piece(trades(1, 2))])
        for name in ("market.db", "market.db-wal", "market.db-shm"):
            (tmp_path / name).unlink()
        store.write([piece(trades(1, 3))])
        assert ids(stored_trades(store)) == [1, 2, 3]
        assert stored_progress(store) is not None
    assert file.exists()
