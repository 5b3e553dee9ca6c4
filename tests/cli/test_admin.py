"""The operator's desk on the command line: phases are set, and the log says by whom and why."""

import json
import re
import time
from pathlib import Path

import pytest

from bus.errors import ConfigError
from tests.support.documented import verbs
from tests.support.processes import LINE_S, Processes
from tools.__main__ import app
from tools.operating import operator_name
from tools.order.times import duration_ms


def test_phases_are_set_and_the_log_says_by_whom_and_why(processes: Processes, tmp_path: Path) -> None:
    data = str(tmp_path / "data")
    engine = processes.engine(tmp_path / "data")

    def run(*words: str, status: int = 0) -> str:
        return processes.run(*processes.exchange(*words, "--data", data), status=status)

    def phases() -> list[str]:
        listed = processes.run(*processes.exchange("instrument", "list", "--json"))
        return [json.loads(line)["phase"] for line in listed.splitlines()]

    assert run("admin", "phase", "--all", "closed", status=1) == "matchbus: there are no instruments"
    for symbol in ("BTC-USD", "ETH-USD"):
        run("instrument", "define", symbol)

    # Several, each answered by itself.
    done = run("admin", "phase", "BTC-USD,ETH-USD", "opening-auction", "--for", "1h", "--random", "30s")
    assert done.splitlines() == ["BTC-USD: opening-auction", "ETH-USD: opening-auction"]
    assert phases() == ["opening-auction"] * 2
    for side, price, quantity in (("buy", "101", "2"), ("sell", "99", "1.5")):
        processes.run(*processes.exchange("order", "enter", "BTC-USD", side, quantity, price))
    # Told at most once in 100 ms: the next second's tick tells the rest.
    deadline = time.monotonic() + LINE_S
    while "1.5000 at 101.00, buyers want 0.5000 more" not in (
        listed := processes.run(*processes.exchange("instrument", "list"))
    ):
        assert time.monotonic() < deadline, listed
    assert re.search(r"BTC-USD +opening-auction +\d\d:\d\d:\d\d +1\.5000 at", listed)
    picture = processes.run(*processes.exchange("tap", "--book", "BTC-USD", "--seconds", "0.1"))
    assert "OPENING-AUCTION until " in picture
    assert "auction: 1.5000 at 101.00, buyers want 0.5000 more" in picture
    refused = run("admin", "phase", "XRP-USD,BTC-USD", "halted", "--as", "ann", "--why", 'a "test"', status=1)
    assert "matchbus: XRP-USD: halted: rejected: unknown_symbol: " in refused
    assert phases() == ["halted", "opening-auction"]
    assert run("admin", "phase", "--all", "closed", "--as", "bob").count(": closed") == 2
    assert run("instrument", "open", "ETH-USD", "--as", "bob", "--why", "late") == "ETH-USD is open"
    assert phases() == ["closed", "continuous"]

    # What cannot be said at all is never sent.
    wrong: tuple[tuple[tuple[str, ...], str], ...] = (
        (("BTC-USD", "open"), "'open' is no phase: there are continuous, halted, closed, pre-open, "),
        (("BTC-USD", "halted", "--for", "soon"), "'soon' is no duration: say 30s, 5m or 2h"),
        (("BTC-USD", "halted", "--then", "lunch"), "'lunch' is no phase"),
        (("BTC-USD", "halted", "--why", "x" * 201), "a remark has at most 200 characters"),
        (("BTC-USD", "halted", "--as", "Ann Lee"), "--as 'Ann Lee': a name is "),
    )
    for words, said in wrong:
        assert said in run("admin", "phase", *words, status=1)
    for words in (("BTC-USD",), ("--all", "BTC-USD", "halted")):
        assert "say SYMBOL[,SYMBOL] PHASE, or --all PHASE" in run("admin", "phase", *words, status=2)
    too_long = run("admin", "phase", "BTC-USD", "halted", "--for", "25h", status=1)
    assert too_long.startswith("matchbus: rejected: invalid_duration: ")

    engine.kill()
    log = [json.loads(line) for line in processes.run("journal", "export", "--data", data).splitlines()]
    told = [entry for entry in log if entry["type"] == "SetPhase"]
    assert [(entry["account"], entry["symbol"], entry["phase"], entry["why"]) for entry in told[2:-1]] == [
        ("ann", "XRP-USD", "halted", 'a "test"'),
        ("ann", "BTC-USD", "halted", 'a "test"'),
        ("bob", "BTC-USD", "closed", ""),
        ("bob", "ETH-USD", "closed", ""),
        ("bob", "ETH-USD", "continuous", "late"),
    ]
    assert (told[0]["account"], told[0]["duration_ms"], told[0]["random_ms"]) == (
        operator_name(None),
        3_600_000,
        30_000,
    )
    at = str(told[3]["sequence"])
    shown = processes.run("journal", "show", "--data", data, "--from", at, "--to", at).splitlines()[1]
    assert "(ann)" in shown
    assert shown.endswith(r'SetPhase symbol=BTC-USD phase=halted why="a \"test\""')


def test_an_operator_is_named_after_who_is_logged_in(monkeypatch: pytest.MonkeyPatch) -> None:
    def nobody() -> str:
        raise KeyError

    for login, name in (("ann", "ann"), ("CORP\\ann lee", "CORP-ann-lee"), ("x" * 40, "x" * 32)):
        monkeypatch.setattr("getpass.getuser", lambda login=login: login)
        assert operator_name(None) == name
    monkeypatch.setattr("getpass.getuser", nobody)
    assert operator_name(None) == "operator"
    assert operator_name("bob") == "bob"
    with pytest.raises(ConfigError, match="a name is 1 to 32 of letters"):
        operator_name("")


def test_whoever_operates_can_say_who_they_are() -> None:
    options = {
        name: {option for parameter in command.params for option in parameter.opts}
        for name, command in verbs(app).items()
    }
    operators = {
        name for name, found in options.items() if "--token-file" in found and "--account" not in found
    }
    # The demo's operator is part of it, and who listens to the drop copy or asks the history logs nothing.
    operators -= {"demo", "tap", "account movements"}
    assert {"admin phase", "instrument define", "limits"} <= operators
    assert [name for name in sorted(operators) if "--as" not in options[name]] == []


@pytest.mark.parametrize(
    ("text", "found"), [("500ms", 500), ("30s", 30_000), ("5m", 300_000), ("2h", 7_200_000), ("0s", 0)]
)
def test_a_duration(text: str, found: int) -> None:
    assert duration_ms(text) == found


@pytest.mark.parametrize("text", ["", "5", "m", "-5m", "1.5h", "5 m", "5M"])
def test_what_is_no_duration_is_said(text: str) -> None:
    with pytest.raises(ValueError, match="is no duration"):
        duration_ms(text)
