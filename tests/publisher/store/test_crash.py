"""`kill -9` in the midst of writing, and a server that goes away: the database holds a prefix and says which."""

import random
import subprocess
import sys
import time
from contextlib import closing
from pathlib import Path

import pytest

from publisher.store.reading import read_progress, read_trades
from publisher.store.rows import Progress
from publisher.store.store import Store
from tests.support.postgres import PostgresServer
from tests.support.stored import ALL, ids, stored_trades

ROOT = Path(__file__).parents[3]
SYMBOLS = ("BTC-USD", "ETH-USD")
LINE_S = 30.0


def started(url: str) -> "subprocess.Popen[str]":
    """A process that writes."""
    return subprocess.Popen(
        [sys.executable, "-m", "tests.support.store_process", url, *SYMBOLS],
        cwd=ROOT,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


def end(process: "subprocess.Popen[str]") -> None:
    """`kill -9`, and its end."""
    process.kill()
    process.wait()
    for stream in (process.stdout, process.stderr):
        if stream is not None:
            stream.close()


def check(url: str, told: int) -> int:
    """The database has a prefix of each symbol, at least what was told of; how far the shorter one goes."""
    numbers = []
    # One moment: a server may still be at the last transaction of a process that has ended.
    with closing(Store(url, "")) as store, store.reading() as connection:
        stored = read_progress(connection)
        for symbol in SYMBOLS:
            at = stored.get(symbol, Progress(0, 0, 0, 0))
            numbers.append(at.trade_number)
            assert ids(read_trades(connection, symbol, limit=ALL)) == list(range(1, at.trade_number + 1))
            assert at.sequence == at.trade_number * 10
    assert min(numbers) >= told
    return min(numbers)


def test_after_kill_9_the_database_holds_a_prefix_and_says_which(url: str) -> None:
    seed = random.randrange(2**32)
    chance = random.Random(seed)
    reached = 0
    for _ in range(2):
        process = started(url)
        assert process.stdout is not None
        assert process.stderr is not None
        told = 0
        # It ends somewhere behind the line that is waited for.
        for _ in range(chance.randint(1, 30)):
            line = process.stdout.readline()
            assert line, process.stderr.read()
            told = int(line.split("=")[-1])
        process.kill()
        process.wait()
        for line in process.stdout:
            if line.endswith("\n"):
                told = int(line.split("=")[-1])
        process.stdout.close()
        process.stderr.close()
        assert told > reached, f"seed {seed}"
        reached = check(url, told)


def test_two_that_write_the_same_at_once_leave_one_history_also_when_one_is_killed(url: str) -> None:
    both = [started(url) for _ in range(2)]
    told = 0
    try:
        for _ in range(40):
            for process in both:
                assert process.stdout is not None
                assert process.stderr is not None
                line = process.stdout.readline()
                assert line, process.stderr.read()
                told = max(told, int(line.split("=")[-1]))
        both[0].kill()
        assert both[1].stdout is not None
        for _ in range(20):
            told = max(told, int(both[1].stdout.readline().split("=")[-1]))
        assert both[1].poll() is None, "it goes on"
    finally:
        for process in both:
            end(process)
    check(url, told)


def test_a_server_that_ends_and_comes_back_loses_and_doubles_nothing(
    postgres_server: PostgresServer, postgres_url: str
) -> None:
    process = started(postgres_url)
    try:
        assert process.stdout is not None
        assert process.stderr is not None
        for mode in ("fast", "immediate"):
            for _ in range(3):
                assert process.stdout.readline(), process.stderr.read()
            postgres_server.stop(mode)
            postgres_server.start()
        told = 0
        deadline = time.monotonic() + LINE_S
        for _ in range(200):
            line = process.stdout.readline()
            assert line, process.stderr.read()
            told = int(line.split("=")[-1])
        assert time.monotonic() < deadline
        assert process.poll() is None, "it goes on"
    finally:
        end(process)
    check(postgres_url, told)


@pytest.mark.parametrize("mode", ["fast", "immediate"])
def test_a_server_that_was_away_is_reached_again(
    postgres_server: PostgresServer, postgres_url: str, mode: str
) -> None:
    with closing(Store(postgres_url, "")) as store:
        assert stored_trades(store) == []
        postgres_server.stop(mode)
        postgres_server.start()
        check(postgres_url, 0)
