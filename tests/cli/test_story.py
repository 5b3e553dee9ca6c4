"""An exchange from the command line alone, from its first instrument to a crash and back, on real ports."""

import json
import os
import signal
from pathlib import Path

from tests.support.processes import Processes


def test_two_traders_meet_and_nothing_that_was_acknowledged_is_lost_in_a_crash(
    processes: Processes, tmp_path: Path
) -> None:
    data = str(tmp_path / "data")
    up = processes.start(*processes.exchange("up", "--data", data, "--sync", "os"))
    facts = up.ready()
    assert facts["orders"] == f"tcp://127.0.0.1:{processes.port_base + 1}"

    def run(*words: str, status: int = 0) -> str:
        return processes.run(*processes.exchange(*words), status=status)

    assert run("instrument", "define", "BTC-USD", "--data", data) == "BTC-USD is defined"
    tap = processes.start(*processes.exchange("tap", "--kind", "level", "--kind", "trade", "--json"))

    # alice rests, bob takes half of it.
    accepted = json.loads(
        run(
            "order", "enter", "BTC-USD", "buy", "0.5", "30000", "--id", "my-1", "--account", "alice", "--json"
        )
    )
    assert (accepted["type"], accepted["price"], accepted["price_ticks"]) == (
        "Accepted",
        "30000.00",
        3_000_000,
    )
    level = json.loads(tap.line(lambda line: '"Level"' in line or '"bids":[[' in line))
    assert level["topic"] == "level.BTC-USD."
    sold = run("order", "enter", "BTC-USD", "sell", "0.2", "--type", "market", "--account", "bob")
    assert "sell 0.2000 BTC-USD market  IOC" in sold
    assert "sell 0.2000 BTC-USD at 30000.00  trade 1, taker, 0.0000 left" in sold
    trade = json.loads(tap.line(lambda line: '"Trade"' in line))
    assert {
        name: trade[name] for name in ("topic", "number", "trade_id", "price", "quantity", "aggressor")
    } == {
        "topic": "trade.BTC-USD.",
        "number": 1,
        "trade_id": 1,
        "price": "30000.00",
        "quantity": "0.2000",
        "aggressor": "sell",
    }

    # The same order again is not executed again; a refusal says why.
    again = run("order", "enter", "BTC-USD", "buy", "0.5", "30000", "--id", "my-1", "--account", "alice")
    assert again == (
        f"duplicate my-1 was executed at sequence {accepted['sequence']}:"
        f" order {accepted['order_id']} is open, 0.2000 of 0.5000 filled"
    )
    refused = run("order", "enter", "BTC-USD", "sell", "1", "29000", "--post-only", status=1)
    assert refused == "matchbus: rejected: would_trade: a post-only order would trade at once"

    # The engine dies without a warning: up says so, and stops.
    os.kill(int(facts["engine_pid"]), signal.SIGKILL)
    status, _, errors = up.wait()
    assert (status, errors[-1]) == (1, "matchbus: the engine was killed by SIGKILL")
    nobody = run("order", "list", "--timeout", "0.2", status=1)
    assert nobody == (
        f"matchbus: no engine answered at tcp://127.0.0.1:{processes.port_base + 1} within 0.2 s"
    )

    up = processes.start(*processes.exchange("up", "--data", data, "--sync", "os"))
    up.ready()
    orders = [json.loads(line) for line in run("order", "list", "--account", "alice", "--json").splitlines()]
    assert [(found["order_id"], found["quantity"], found["filled"]) for found in orders] == [
        (accepted["order_id"], "0.5000", "0.2000")
    ]
    fills = json.loads(run("order", "fills", "--account", "bob", "--json"))
    assert (fills["liquidity"], fills["price"], fills["trade_id"]) == ("taker", "30000.00", 1)

    # What rests can be changed and taken back.
    assert "at 29990.00" in run("order", "replace", "--id", "my-1", "--price", "29990", "--account", "alice")
    assert "0.3000 BTC-USD taken back  by_request" in run(
        "order", "cancel", str(accepted["order_id"]), "--account", "alice"
    )
    ended = run("order", "cancel", "--id", "my-1", "--account", "alice", status=1)
    assert ended.startswith("matchbus: rejected: order_ended: ")

    up.signal(signal.SIGINT)
    status, lines, errors = up.wait()
    assert (status, lines, errors) == (
        0,
        [],
        [
            "starting the engine",
            "starting the shadow",
            "starting the publisher",
            "starting the history",
            "starting the web",
            "stopping",
            "stopped",
        ],
    )
    tap.signal(signal.SIGINT)
    status, _, errors = tap.wait()
    # Depending on how long the exchange was away, it has said that it heard nothing.
    assert (status, [line for line in errors if not line.startswith("note: ")]) == (0, [])

    # The log tells the same story, and gives the same state from its start as from its checkpoint.
    assert processes.run("journal", "verify", "--data", data).endswith("intact")
    digests = [
        json.loads(processes.run("journal", "digest", "--data", data, "--json", *words))
        for words in ((), ("--from-start",))
    ]
    assert digests[0]["digest"] == digests[1]["digest"]
    assert digests[1]["checkpoints_compared"] == [digests[0]["sequence"]]
    log = [json.loads(line) for line in processes.run("journal", "export", "--data", data).splitlines()]
    assert [entry["sequence"] for entry in log] == list(range(1, digests[0]["sequence"] + 1))
    entered = [entry for entry in log if entry["type"] == "EnterOrder"]
    assert [(entry["account"], entry["side"]) for entry in entered] == [
        ("alice", "buy"),
        ("bob", "sell"),
        ("alice", "buy"),
        ("demo", "sell"),
    ]
