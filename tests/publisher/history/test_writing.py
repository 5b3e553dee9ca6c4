"""What is kept of random logs is what the engine has and said, after any restart, and after what never happened."""

import os
from itertools import islice
from pathlib import Path
from random import Random
from typing import Any

import pytest
from sqlalchemy import create_engine, text

from bus.errors import ConfigError, DataDirectoryHeld, StoreDamaged, StoreMismatch, StoreUnavailable
from bus.protocol.history import (
    QueryOrderLife,
)
from bus.protocol.reports import Rejected
from bus.sockets.reading.feed_items import Run
from publisher.oversight.history.writing import open_history
from tests.support.drop_copies import DropCopy
from tests.support.histories import (
    assert_kept,
    assert_open,
    pages,
    random_market,
    random_runs,
    reading,
    writing,
)
from tests.support.past import Past

#: Together they have everything in them that can happen to an execution.
SEEDS = (0, 5, 6, 8, 12)


@pytest.mark.parametrize(("seed", "clears"), [*((seed, False) for seed in SEEDS), (3, True), (7, True)])
def test_a_random_log_is_kept_as_the_engine_has_it(tmp_path: Path, seed: int, clears: bool) -> None:
    """Also on the way: at the end of each of its lives the open orders are the engine's."""
    url = f"sqlite:///{tmp_path / 'history.db'}"
    copy, past, chance = DropCopy(), Past(), Random(seed)
    waiting: list[Run] = []
    runs = random_runs(copy, seed, 500, clears)
    goes_on = True
    while goes_on:
        # Each life has nothing at hand.
        with writing(url) as writer:
            for _ in range(chance.randrange(1, 5)):
                waiting = list(islice(runs, chance.randrange(1, 30)))
                goes_on = bool(waiting)
                if not goes_on:
                    break
                assert writer.write(waiting).log_sequence == waiting[-1].log_sequence
                for run in waiting:
                    past.take(run)
            position = writer.position
        if copy.engine.sequence == position.log_sequence:
            with reading(url) as reader:
                assert_open(reader, copy.engine)
    with writing(url) as writer:
        assert writer.position.drop_number == copy.next_number - 1
    assert_kept(url, past, copy.engine)


def test_in_postgresql_it_is_the_same(postgres_url: str) -> None:
    copy, past, runs = random_market(3, 400, clears=True)
    for start in range(0, len(runs), 50):
        with writing(postgres_url) as writer:
            writer.write(runs[start : start + 50])
    assert_kept(postgres_url, past, copy.engine)


@pytest.mark.parametrize("clears", [False, True])
def test_what_never_happened_is_taken_out(url: str, clears: bool) -> None:
    """At every cut the history is what it was when it had come that far."""
    _, whole, runs = random_market(1, 150, clears)
    with writing(url) as writer:
        writer.write(runs)
        for cut in sorted({1, len(runs) // 4, len(runs) // 2, len(runs) - 2}, reverse=True):
            last = runs[cut - 1]
            position = writer.withdraw(last.first_number + len(last.events) - 1)
            assert position.drop_number == last.first_number + len(last.events) - 1
            assert position.log_sequence <= last.log_sequence
            past = Past()
            for run in runs[:cut]:
                past.take(run)
            assert_kept(url, past, None)
        writer.write(runs[cut:])
    assert_kept(url, whole, None)


def test_two_writers_do_not_write_the_same_history(url: str) -> None:
    _, _, runs = random_market(1, 30)
    with writing(url) as one, writing(url) as other:
        one.write(runs[:5])
        with pytest.raises(DataDirectoryHeld, match="another process writes this history, too"):
            other.write(runs[:5])
        assert one.write(runs[5:9]).drop_number == runs[8].first_number + len(runs[8].events) - 1


def test_a_failure_in_the_middle_leaves_nothing(url: str) -> None:
    """A row that is there already although its number lies behind the position: nothing of the transaction stays."""
    _, past, runs = random_market(1, 60)
    with writing(url) as writer:
        before = writer.write(runs[:20])
    engine = create_engine(url.replace("postgresql:", "postgresql+psycopg:"))
    number = runs[25].first_number
    with engine.begin() as connection:
        connection.execute(
            text("INSERT INTO rejections VALUES (:n, 'x', 1, 'y', 1)"), {"n": rejected_number(runs[20:])}
        )
    with writing(url) as writer:
        assert writer.position == before
        with pytest.raises(StoreDamaged, match="1 rows behind its position are in rejections already"):
            writer.write(runs[20:])
        assert number > before.drop_number
    with engine.begin() as connection:
        connection.execute(text("DELETE FROM rejections WHERE account = 'x'"))
    engine.dispose()
    with writing(url) as writer:
        assert writer.position == before
        writer.write(runs[20:])
    assert_kept(url, past, None)


def rejected_number(runs: list[Run]) -> int:
    """The number of some refusal."""
    return next(
        number
        for run in runs
        for number, dropped in enumerate(run.events, run.first_number)
        if type(dropped.report) is Rejected
    )


@pytest.mark.parametrize(
    ("damage", "said"),
    [
        (
            "DELETE FROM reports WHERE drop_number = (SELECT max(drop_number) FROM reports)",
            "says that it goes",
        ),
        ("UPDATE position SET drop_number = 5", "says that it goes to report 5"),
    ],
)
def test_rows_that_are_missing_are_damage(url: str, damage: str, said: str) -> None:
    _, _, runs = random_market(1, 60)
    with writing(url) as writer:
        writer.write(runs)
    engine = create_engine(url.replace("postgresql:", "postgresql+psycopg:"))
    with engine.begin() as connection:
        connection.execute(text(damage))
    engine.dispose()
    with pytest.raises(StoreDamaged, match=said), writing(url):
        pass


def test_an_order_that_is_missing_is_damage(url: str) -> None:
    _, _, runs = random_market(1, 60)
    engine = create_engine(url.replace("postgresql:", "postgresql+psycopg:"))
    with writing(url) as writer:
        writer.write(runs[:20])
        writer.report(1)
        with pytest.raises(StoreDamaged, match="report 999999 of the drop copy is missing"):
            writer.report(999_999)
    with engine.begin() as connection:
        connection.execute(text("DELETE FROM orders"))
    engine.dispose()
    with writing(url) as writer, pytest.raises(StoreDamaged, match="which the history does not have"):
        writer.write(runs[20:])


def test_a_file_that_is_no_database_or_of_something_else_is_refused(tmp_path: Path) -> None:
    file = tmp_path / "history.db"
    file.write_bytes(b"not a database, but long enough to look like something" * 40)
    with pytest.raises(StoreDamaged, match=r"history\.db"):
        open_history(f"sqlite:///{file}", "")
    other = tmp_path / "other.db"
    engine = create_engine(f"sqlite:///{other}")
    with engine.begin() as connection:
        connection.execute(text("CREATE TABLE cats (name TEXT)"))
    engine.dispose()
    with pytest.raises(StoreMismatch, match="cats"):
        open_history(f"sqlite:///{other}", "")
    for address in ("nonsense", "mysql://x/y", "sqlite://"):
        with pytest.raises(ConfigError, match=r"history\.url"):
            open_history(address, "")


def test_a_file_that_is_removed_is_noticed(tmp_path: Path) -> None:
    _, _, runs = random_market(1, 60)
    with writing("sqlite:///" + str(tmp_path / "history.db")) as writer:
        writer.write(runs[:5])
        os.remove(tmp_path / "history.db")
        with pytest.raises(StoreUnavailable, match="the file was removed"):
            writer.write(runs[5:9])
        with pytest.raises(StoreUnavailable, match="the file was removed"):
            writer.withdraw(1)


def test_a_life_is_all_reports_about_an_order(url: str) -> None:
    _, past, runs = random_market(2, 300)
    with writing(url) as writer:
        writer.write(runs)
    with reading(url) as reader:
        for account in past.reports:
            newest: dict[str, int] = {}
            for order_id in past.order_ids(account):
                life = pages(
                    reader,
                    lambda after, n, who=account, what=order_id: QueryOrderLife(who, what, "", after, n),
                    "reports",
                    "report_number",
                    3,
                )
                assert [(row.report_number, row.report) for row in life] == past.about(account, order_id)
                newest[life[0].report.client_order_id] = order_id
            for name, order_id in newest.items():
                page: Any = reader.page(QueryOrderLife(account, 0, name), 7)[1]
                assert page.order.order_id == order_id
        assert reader.page(QueryOrderLife("nobody", 5), 7)[1] is None
        assert reader.page(QueryOrderLife("acc-op", past.order_ids("acc-anna")[0]), 7)[1] is None
