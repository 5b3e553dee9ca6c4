"""`tap` as a process: which events come, how it ends, and what the house may see."""

import json
import subprocess
import sys
from pathlib import Path

import pytest

from tests.support.processes import ROOT, Processes


@pytest.fixture
def market(processes: Processes, tmp_path: Path) -> Processes:
    """An engine with two instruments and an order in one of them; its data directory is `tmp_path / "data"`."""
    data = tmp_path / "data"
    processes.engine(data)
    for symbol in ("BTC-USD", "ETH-USD"):
        processes.run(*processes.exchange("instrument", "define", symbol, "--data", str(data)))
    processes.run(*processes.exchange("order", "enter", "BTC-USD", "buy", "0.5", "30000"))
    return processes


def test_a_late_joiner_gets_the_book_first(market: Processes) -> None:
    words = ("tap", "--kind", "level", "--symbol", "BTC-USD", "--json", "--count", "1")
    book = json.loads(market.run(*market.exchange(*words)))
    assert (book["topic"], book["type"], book["bids"]) == (
        "level.BTC-USD.",
        "BookSnapshot",
        [[3_000_000, 5000, 1]],
    )
    kinds = ("--kind", "heartbeat", "--kind", "clock")
    lines = market.run(*market.exchange("tap", *kinds, "--symbol", "ETH-USD", "--count", "2")).splitlines()
    assert {line.split()[1] for line in lines} <= {"heartbeat", "clock"}
    assert market.run(*market.exchange("tap", "--kind", "trade", "--seconds", "0.1")) == ""


def test_the_house_sees_whose_reports_they_are_and_nobody_else_does(
    market: Processes, tmp_path: Path
) -> None:
    refused = market.run(*market.exchange("tap", "--drop-copy", "--data", str(tmp_path / "none")), status=1)
    assert "so there is no token; name the engine's directory with --data" in refused
    tap = market.start(
        *market.exchange("tap", "--drop-copy", "--json", "--count", "1", "--data", str(tmp_path / "data"))
    )
    while True:
        # Its subscription is there when it has seen one.
        market.run(*market.exchange("order", "enter", "ETH-USD", "buy", "1", "3000", "--account", "carol"))
        try:
            report = json.loads(tap.line(seconds=0.2))
        except AssertionError:
            continue
        break
    assert (report["account"], report["type"], report["price"]) == ("carol", "Accepted", "3000.00")


def test_a_pipe_that_nobody_reads_any_longer_ends_it_quietly(market: Processes) -> None:
    command = [sys.executable, "-m", "tools", *market.exchange("tap", "--kind", "heartbeat")]
    with subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.PIPE) as tap:
        assert tap.stdout is not None
        assert tap.stderr is not None
        assert b"heartbeat" in tap.stdout.readline()
        tap.stdout.close()
        assert (tap.wait(30), tap.stderr.read()) == (0, b"")


def test_what_is_not_there_is_said(market: Processes) -> None:
    unknown = market.run(*market.exchange("tap", "--book", "XRP-USD"), status=1)
    assert unknown == "matchbus: 'XRP-USD' is no instrument of this engine"
    both = market.run(*market.exchange("tap", "--book", "BTC-USD", "--json"), status=2)
    assert "--book stands alone" in both


def test_an_exchange_that_falls_silent_is_said_and_so_is_its_return(
    processes: Processes, tmp_path: Path
) -> None:
    data = tmp_path / "data"
    engine = processes.engine(data)
    tap = processes.start(*processes.exchange("tap", "--kind", "clock", "--kind", "heartbeat"))
    tap.line()
    engine.kill()
    tap.error_line(lambda line: line == "note: nothing is heard from the exchange, waiting for it")
    processes.engine(data)
    tap.error_line(lambda line: line == "note: the exchange is heard again")
    tap.line(lambda line: "up to" in line)
