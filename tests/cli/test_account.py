"""The operator's cash desk: what words become, and what they can not be."""

from pathlib import Path

import pytest
from typer.testing import CliRunner

from bus.protocol.reports import Accepted
from bus.sockets.client import Client
from tests.support.processes import Processes
from tools.__main__ import app


def test_money_comes_moves_and_leaves_from_the_command_line(
    processes: Processes, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("MATCHBUS_ENGINE_CLEARING", "spot")
    data = str(tmp_path / "data")
    processes.engine(tmp_path / "data")

    def run(*words: str, status: int = 0) -> str:
        done = CliRunner().invoke(app, processes.exchange("account", *words, "--data", data, "--as", "ann"))
        assert done.exit_code == status, done.output
        why = done.exception
        return done.output.strip() if why is None or isinstance(why, SystemExit) else str(why)

    assert run("asset", "USD", "6") == "USD is an asset"
    run("asset", "BTC", "8")
    deposit = ("deposit", "alice", "USD", "100.25", "--id", "wire-1", "--why", "wire")
    assert run(*deposit) == "alice has 100.25 USD more"
    assert run(*deposit) == "alice has 100.25 USD more (sent before, and done once)"
    refused = ("withdraw", "alice", "USD", "200", "--id", "payout-1")
    assert "insufficient_funds" in run(*refused, status=1)
    assert "insufficient_funds" in run(*refused, status=1)
    assert run("transfer", "alice", "alice.algo", "USD", "0.25") == "0.25 USD moved from alice to alice.algo"
    CliRunner().invoke(
        app,
        processes.exchange(
            *("instrument", "define", "BTC-USD", "--tick", "0.01", "--lot", "0.001", "--data", data)
        ),
    )
    with Client(port_base=processes.port_base, account="alice") as alice:
        assert isinstance(alice.enter("BTC-USD", "buy", "0.5", "100").result(), Accepted)
        assert "insufficient_funds" in run("withdraw", "alice", "USD", "50.000001", status=1)
        assert run("withdraw", "alice", "USD", "40") == "alice has 40 USD less"
        assert run("balances", "alice").splitlines()[-1].split() == [
            "USD",
            "60.000000",
            "50.000000",
            "10.000000",
        ]
        assert '"total":60000000' in run("balances", "alice", "--json")
    assert "USD" in run("balances", "venue:external")
    assert "BTC" in run("balances", "venue:external")
    for amount in ("0.0000001", "lots", "nan", "1e999999", "9223372036854.775808"):
        assert run("deposit", "alice", "USD", amount, status=1)
    assert "is no asset of this venue" in run("deposit", "alice", "EUR", "1", status=1)
    for amount in ("0", "-1"):
        assert "amount_not_positive" in run("deposit", "alice", "USD", amount, status=1)
    run("deposit", "alice", "USD", "1", "--idd", "wire-2", status=2)
    assert "account_in_use" in run("close", "alice.algo", status=1)
    run("withdraw", "alice.algo", "USD", "0.25")
    assert run("close", "alice.algo", "--why", "has left") == "alice.algo is closed"
    assert "account_closed" in run("deposit", "alice.algo", "USD", "1", status=1)
    assert run("reopen", "alice.algo") == "alice.algo is open again"
    assert run("deposit", "alice.algo", "USD", "1") == "alice.algo has 1 USD more"
    run("deposit", "bob", "BTC", "1")
    fees = ("admin", "fees", "set", "BTC-USD", "--tier", "0.1%/0.2%")
    done = CliRunner().invoke(app, processes.exchange(*fees, "--data", data))
    assert done.exit_code == 0, done.output
    sold = processes.run(
        *processes.exchange("order", "enter", "BTC-USD", "sell", "0.1", "100", "--account", "bob")
    )
    settled = next(line for line in sold.splitlines() if line.startswith("settled"))
    assert settled.endswith("0.10000000 BTC for 10.000000 USD, fee 0.020000 USD")
