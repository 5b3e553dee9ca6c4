"""`order history`, `order life` and `order executions` on a real engine and a real history."""

import json
from pathlib import Path

import pytest

from bus.journal.directory import read_token
from bus.protocol.history import QueryReports
from bus.sockets.history_client import HistoryClient
from tests.support.processes import Processes


@pytest.fixture
def data(processes: Processes, tmp_path: Path) -> Path:
    """A data directory with some past in it: a bid that traded and was cancelled, a correction and a bust."""
    data = tmp_path / "data"
    processes.engine(data)
    processes.history(data)

    def run(*words: str) -> str:
        return processes.run(*processes.exchange(*words))

    run("instrument", "define", "BTC-USD", "--data", str(data))
    run("order", "enter", "BTC-USD", "buy", "0.5", "30000", "--id", "my-1", "--account", "alice")
    run("order", "enter", "BTC-USD", "buy", "0.1", "29000", "--id", "my-2", "--account", "alice")
    run("order", "enter", "BTC-USD", "sell", "0.2", "--account", "bob")
    run("order", "enter", "BTC-USD", "sell", "0.1", "--account", "bob")
    run("order", "cancel", "--id", "my-1", "--account", "alice")
    run("instrument", "correct", "BTC-USD", "1", "30000.50", "--data", str(data))
    busted = json.loads(run("instrument", "bust", "BTC-USD", "2", "--data", str(data), "--json"))
    with HistoryClient(port_base=processes.port_base, token=read_token(str(data))) as client:
        client.ask(QueryReports("bob", at_least=busted["sequence"]))
    return data


def test_the_past_is_shown(processes: Processes, data: Path) -> None:
    def run(*words: str, status: int = 0) -> str:
        return processes.run(*processes.exchange("order", *words, "--data", str(data)), status=status)

    ids = {
        order["entered"]["client_order_id"]: str(order["order_id"])
        for order in map(json.loads, run("history", "--account", "alice", "--json").splitlines())
    }
    assert list(ids) == ["my-2", "my-1"], "newest first"
    shown = run("history", "--account", "alice").splitlines()
    assert shown[0] == "2 orders of alice"
    assert shown[2].split()[2:] == f"BTC-USD buy 0.1000 0.0000 29000.00 open GTC {ids['my-2']} my-2".split()
    assert shown[3].split()[2:] == [
        *"BTC-USD buy 0.5000 0.3000 30000.00 30000.5000 cancelled (by_request) GTC".split(),
        ids["my-1"],
        "my-1",
    ]
    ended = json.loads(run("history", "--account", "alice", "--state", "ended", "--from", "1h", "--json"))
    assert (ended["status"], ended["reason"], ended["filled"], ended["busted"]) == (
        "cancelled",
        "by_request",
        "0.3000",
        "0.1000",
    )
    assert ended["entered"]["client_order_id"] == "my-1"
    assert run("history", "--account", "alice", "--to", "1h").startswith("0 orders of alice")

    told = run("executions", "--account", "bob").splitlines()
    assert told[0] == "2 executions of bob"
    assert told[2].split()[4:] == "0.1000 busted taker, was at 30000.00 2".split() + told[2].split()[-3:]
    assert "30000.50  taker, was at 30000.00" in told[3]
    rows = [
        json.loads(line)
        for line in run("executions", "--account", "bob", "--oldest-first", "--json").splitlines()
    ]
    assert [(row["state"], row["price"], row["first_price"]) for row in rows] == [
        ("corrected", "30000.50", "30000.00"),
        ("busted", None, "30000.00"),
    ]
    one = run("executions", "--account", "bob", "--symbol", "BTC-USD", "--trade", "2", "--json")
    assert json.loads(one) == rows[1]
    assert run("executions", "--account", "bob", "--limit", "1", "--json") == one

    life = run("life", "--id", "my-1", "--account", "alice").splitlines()
    assert life[0].startswith(
        f"order {ids['my-1']}  my-1  buy 0.5000 BTC-USD at 30000.00  cancelled (by_request), 0.3000 filled"
    )
    assert [
        line.split()[2] for line in life[1:]
    ] == "accepted filled filled cancelled revised revised".split()
    objects = [
        json.loads(line) for line in run("life", ids["my-1"], "--account", "alice", "--json").splitlines()
    ]
    assert [found["type"] for found in objects] == [
        "PastOrder",
        *"Accepted Filled Filled Cancelled TradeRevised TradeRevised".split(),
    ]

    unknown = run("life", ids["my-1"], "--account", "bob", status=1)
    assert unknown == f"matchbus: the history refused: not_offered: bob has no order {ids['my-1']}"
    no_symbol = run("executions", "--trade", "2", status=1)
    assert no_symbol.endswith("invalid_request: trade_id counts within a symbol: name the symbol, too")


def test_who_has_no_token_and_who_finds_no_history_is_told(
    processes: Processes, data: Path, tmp_path: Path
) -> None:
    wrong = tmp_path / "wrong"
    wrong.write_text("0" * 64)
    words = processes.exchange("order", "history", "--token-file", str(wrong))
    assert processes.run(*words, status=1).startswith("matchbus: the history refused: bad_token: ")
    nobody = processes.run(
        "order", "history", "--data", str(data), "--port-base", "1", "--timeout", "0.1", status=1
    )
    assert nobody == "matchbus: no history answered at tcp://127.0.0.1:14 within 0.1 s"
    soon = processes.run(
        *processes.exchange("order", "history", "--data", str(data), "--from", "soon"), status=1
    )
    assert soon == "matchbus: 'soon' is no time: say 2h, or 2026-12-31T17:00"
