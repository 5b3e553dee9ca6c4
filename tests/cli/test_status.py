"""`status` asks real processes: one that is well, one that is gone, one that hangs, one that is somebody else."""

import json
import signal
import socket
import threading
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from typing import Any

import pytest

from tests.support.processes import Process, Processes


def asked(processes: Processes, *words: str, status: int = 0, **environment: str) -> dict[str, Any]:
    """The rows that `status --json` prints, by name."""
    text = processes.run(*processes.exchange("status", "--json", *words), status=status, **environment)
    return {row["name"]: row for row in map(json.loads, text.splitlines())}


@pytest.fixture
def engine(processes: Processes, tmp_path: Path) -> Process:
    """An engine that has taken a few commands; its data directory is `tmp_path / "data"`."""
    engine = processes.engine(tmp_path / "data")
    for symbol in ("BTC-USD", "ETH-USD"):
        words = ("instrument", "define", symbol, "--data", str(tmp_path / "data"))
        processes.run(*processes.exchange(*words))
    return engine


def test_an_engine_that_is_well_and_then_is_killed(processes: Processes, engine: Process) -> None:
    rows = asked(processes, "--expect", "engine")
    row = rows["engine"]
    assert (row["health"], row["ok"], row["problem"]) == ("ok", True, "")
    assert (row["pid"], row["epoch"]) == (engine.pid, 1)
    assert row["log_sequence"] >= 3
    assert 0 < row["uptime_ns"] < 60_000_000_000
    assert (row["facts"]["sync"], row["facts"]["instruments"]) == ("os", "2")
    assert [rows[name]["health"] for name in ("shadow", "publisher", "history", "web")] == ["absent"] * 4
    table = processes.run(*processes.exchange("status", "--expect", "engine")).splitlines()
    assert table[0].split() == ["process", "health", "log", "sequence", "behind", "up", "pid"]
    assert table[1].split()[:2] == ["engine", "ok"]
    assert table[-1] == "engine ok"
    assert [one["definition"]["symbol"] for one in row["instruments"]] == ["BTC-USD", "ETH-USD"]
    market = ["2 instruments: 2 continuous", "BTC-USD  continuous", "ETH-USD  continuous"]
    assert table[-6:-1] == ["", *market, ""]

    engine.kill()
    gone = asked(processes, "--expect", "engine", status=1)["engine"]
    assert (gone["health"], gone["pid"]) == ("absent", None)
    assert gone["problem"] == f"nobody listens at tcp://127.0.0.1:{processes.port_base + 3}"


def test_an_engine_that_hangs_is_told_from_one_that_is_gone(processes: Processes, engine: Process) -> None:
    engine.signal(signal.SIGSTOP)
    row = asked(processes, "--expect", "engine", "--timeout", "0.2", status=1)["engine"]
    assert (row["health"], row["ok"]) == ("silent", False)
    assert row["problem"] == (
        f"something listens at tcp://127.0.0.1:{processes.port_base + 3}, but it does not answer within 0.2 s"
    )
    engine.signal(signal.SIGCONT)
    assert asked(processes, "--expect", "engine")["engine"]["ok"]


def test_who_must_be_there_and_is_not_makes_it_fail(processes: Processes, engine: Process) -> None:
    assert engine.pid
    all_of_up = processes.run(*processes.exchange("status"), status=1)
    assert all_of_up.splitlines()[-1] == (
        "not well: shadow absent, publisher absent, history absent, web absent"
    )
    table = processes.run(*processes.exchange("status", "--expect", "engine, shadow"), status=1)
    assert table.splitlines()[-1] == "not well: shadow absent"
    wrong = processes.run(*processes.exchange("status", "--expect", "engine,page"), status=1)
    assert wrong == (
        "matchbus: --expect engine,page: 'page' is none of engine, shadow, publisher, history, web"
    )


def test_further_publishers_and_who_answers_in_their_place(processes: Processes, engine: Process) -> None:
    recovery = f"127.0.0.1:{processes.port_base + 3}"
    with socket.create_server(("127.0.0.1", 0)) as listener:
        mute = f"127.0.0.1:{listener.getsockname()[1]}"
        words = ("--expect", "engine", "--publisher", recovery, "--publisher", mute, "--timeout", "0.2")
        text = processes.run(*processes.exchange("status", "--json", *words), status=1)
    rows = [json.loads(line) for line in text.splitlines()]
    assert [(row["name"], row["expected"], row["health"]) for row in rows] == [
        ("engine", True, "ok"),
        ("shadow", False, "absent"),
        ("publisher", False, "absent"),
        ("publisher", True, "stranger"),
        ("publisher", True, "silent"),
        ("history", False, "absent"),
        ("web", False, "absent"),
    ]
    assert rows[3]["problem"] == f"engine (process {engine.pid}) answers at tcp://{recovery}"
    for wrong in ("here", "127.0.0.1:0", "127.0.0.1:65536", ":3112"):
        refused = processes.run(*processes.exchange("status", "--publisher", wrong), status=1)
        assert refused == f"matchbus: --publisher {wrong}: expected HOST:PORT, such as 127.0.0.1:3112"
    refused = processes.run(*processes.exchange("status", "--publisher", "over there:3112"), status=1)
    assert refused == "matchbus: tcp://over there:3112: this is no address that can be connected to"


class Stranger(BaseHTTPRequestHandler):
    """Answers 501 to whatever it is asked."""

    def log_message(self, *_: object) -> None:
        """Say nothing about it."""


def test_what_answers_in_the_place_of_the_web_is_told_apart(processes: Processes, engine: Process) -> None:
    assert engine.pid
    where = f"http://127.0.0.1:{processes.port_base + 30}"
    words = ("--expect", "web", "--timeout", "0.3")
    gone = asked(processes, *words, status=1)["web"]
    assert (gone["health"], gone["problem"]) == ("absent", f"nobody listens at {where}")
    with socket.create_server(("127.0.0.1", processes.port_base + 30)):
        mute = asked(processes, *words, status=1)["web"]
        assert (mute["health"], mute["problem"]) == (
            "silent",
            f"something listens at {where}, but it does not answer within 0.3 s",
        )
    with HTTPServer(("127.0.0.1", processes.port_base + 30), Stranger) as other:
        # Whoever asked the mute one may come once more, when that has hung up.
        serving = threading.Thread(target=other.serve_forever)
        serving.start()
        strange = asked(processes, "--expect", "web", "--timeout", "20", status=1)["web"]
        other.shutdown()
        serving.join()
    assert strange["health"] == "silent"
    assert strange["problem"].endswith("but it answers what is no readiness")


def test_it_watches_until_it_is_interrupted(processes: Processes, engine: Process) -> None:
    watch = processes.start(*processes.exchange("status", "--watch", "--json", "--expect", "engine"))

    def engine_is(health: str) -> None:
        for _ in range(5):
            if json.loads(watch.line(lambda line: '"name":"engine"' in line))["health"] == health:
                return
        raise AssertionError(f"five times the engine was not {health}")

    engine_is("ok")
    engine.kill()
    engine_is("absent")
    watch.signal(signal.SIGINT)
    assert watch.wait()[0] == 0
