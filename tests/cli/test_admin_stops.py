"""The operator's desk stops accounts and the market, and limits them: what words become, and what traders see of it."""

import json
from pathlib import Path

from typer.testing import CliRunner

from bus.protocol.reasons import (
    ACCOUNT_STOPPED,
    DAY_QUANTITY_LIMIT,
    MARKET_STOPPED,
    POSITION_LIMIT,
)
from bus.protocol.reports import Accepted, KillSwitchSet, Rejected
from bus.sockets.client import Client
from tests.support.processes import Processes
from tools.__main__ import app


def test_accounts_and_the_market_are_stopped_and_limited_from_the_command_line(
    processes: Processes, tmp_path: Path
) -> None:
    data = str(tmp_path / "data")
    engine = processes.engine(tmp_path / "data")

    def run(*words: str, status: int = 0) -> str:
        done = CliRunner().invoke(app, processes.exchange(*words, "--data", data, "--as", "ann"))
        assert done.exit_code == status, done.output
        why = done.exception
        return done.output.strip() if why is None or isinstance(why, SystemExit) else str(why)

    run("instrument", "define", "BTC-USD", "--tick", "0.01", "--lot", "0.001")
    with Client(port_base=processes.port_base, account="alice") as alice:

        def enter(client_order_id: str) -> object:
            answer = alice.enter("BTC-USD", "buy", "0.5", "100", client_order_id=client_order_id).result()
            return answer.reason if isinstance(answer, Rejected) else type(answer)

        assert enter("first") is Accepted
        assert run("admin", "kill-switch", "alice", "on", "--why", "runs wild") == "alice is stopped"
        assert enter("stopped") == ACCOUNT_STOPPED
        assert alice.open_orders().orders == []
        assert run("admin", "kill-switch", "alice", "off") == "alice may trade"

        assert run("admin", "emergency", "on") == "the market stands still"
        assert enter("halted") == MARKET_STOPPED
        assert run("admin", "emergency", "off", "--cancel-orders") == "the market goes on"
        assert enter("again") is Accepted

        assert run("limits", "alice", "BTC-USD", "--day-quantity", "0.4") == "alice is limited in BTC-USD"
        assert enter("large") == DAY_QUANTITY_LIMIT
        assert "has no limits of its own in BTC-USD" in run("admin", "limits", "alice", "BTC-USD")
        run("admin", "risk", "alice", "BTC-USD", "--long", "2", "--position", "1.2", "--collar", "500")
        assert enter("longer") == POSITION_LIMIT
        shown = run("admin", "risk").splitlines()
        assert [line.split() for line in shown[1:5]] == [
            ["account", "symbol", "limit", "at", "most", "now"],
            ["alice", "BTC-USD", "long", "2", "1.2"],
            ["alice", "BTC-USD", "from", "the", "last", "price", "500", "bp"],
            ["positions"],
        ]
        assert shown[6].split() == ["alice", "BTC-USD", "1.2", "0.5", "0", "50", "0"]
        assert json.loads(run("admin", "risk", "--json"))["positions"][0]["position_lots"] == 1200
        wanted = (
            "--open-notional",
            "5",
            "--day-loss",
            "7",
            "--loss-stops",
            "--per-fill",
            "9",
            "--reduce-only",
        )
        run("admin", "risk", "alice", *wanted, "--per-fill-from", "1", "--short", "3", "--why", "margin")
        shown = run("admin", "risk").splitlines()
        assert [line.split()[2:] for line in shown if line.startswith("alice    all")] == [
            ["short", "3", "lots"],
            ["open", "notional", "5", "ticks", "x", "lots", "0", "ticks", "x", "lots"],
            ["a", "day's", "loss,", "then", "stopped", "7", "ticks", "x", "lots", "0", "ticks", "x", "lots"],
            ["commands", "a", "fill,", "from", "1", "on", "9", "0", "for", "0"],
            ["reduces", "only"],
        ]
        none = "the risk of alice has no limits of its own in"
        assert run("admin", "risk", "alice") == f"{none} all instruments"
        assert run("admin", "risk", "alice", "BTC-USD") == f"{none} BTC-USD"
        run("admin", "group", "set", "desk")
        run("admin", "group", "join", "alice", "desk")
        ours = ("--long", "2", "--short", "3", "--open-notional", "40", "--day-loss", "7", "--loss-stops")
        limited = run("admin", "group", "risk", "desk", "BTC-USD", *ours, "--why", "margin")
        assert limited == "the risk of group desk is limited in BTC-USD"
        run("admin", "group", "risk", "desk", "--day-quantity", "9", "--day-notional", "8")
        shown = run("admin", "risk").splitlines()
        assert [line.split()[1:] for line in shown if line.startswith("desk")] == [
            ["BTC-USD", "long", "2", "0"],
            ["BTC-USD", "short", "3", "0"],
            ["BTC-USD", "open", "notional", "40", "0"],
            ["BTC-USD", "a", "day's", "loss,", "then", "stopped", "7", "0"],
            ["all", "a", "day", "9", "lots", "0", "lots"],
            ["all", "a", "day's", "notional", "8", "ticks", "x", "lots", "0", "ticks", "x", "lots"],
        ]
        assert json.loads(run("admin", "risk", "--json").splitlines()[-1])["members"] == ["alice"]
        assert enter("together") == DAY_QUANTITY_LIMIT
        assert (
            run("admin", "group", "kill-switch", "desk", "on", "--why", "wild")
            == "all members of desk are stopped"
        )
        assert enter("of stopped") == ACCOUNT_STOPPED
        assert "desk   all      kill switch" in run("admin", "risk")
        assert run("admin", "group", "kill-switch", "desk", "off") == "all members of desk may trade"
        none = "the risk of group desk has no limits in"
        assert run("admin", "group", "risk", "desk") == f"{none} all instruments"
        assert run("admin", "group", "risk", "desk", "BTC-USD") == f"{none} BTC-USD"
        run("limits", "alice", "BTC-USD", "--day-quantity", "5", "--open-orders", "9")
        assert [line.split() for line in run("limits").splitlines()[2:]] == [
            ["alice", "BTC-USD", "open", "orders", "9"],
            ["alice", "BTC-USD", "a", "day", "5", "0"],
        ]
        run("limits", "alice", "BTC-USD")
        run("limits", "alice", "--per-second", "1", "--rejects", "500/10s", "--day-notional", "100000000")
        switches = (report for report in alice.reports() if isinstance(report, KillSwitchSet))
        told = [next(switches), next(switches)]
        assert [(one.on, one.rejects, one.why) for one in told] == [(True, 0, "runs wild"), (False, 0, "")]

    levels = ("700:15m", "1300:1h", "2000:")
    assert run("admin", "breakers", *levels, "--random", "30s") == f"the market halts at {', '.join(levels)}"
    assert run("admin", "breakers", "50:1s", "--symbol", "BTC-USD", "--auction", "1m").endswith(
        "halts at 50:1s"
    )
    assert run("admin", "breakers") == "the market has no breakers"

    assert run("admin", "group", "set", "makers", "--discount", "0%") == "makers has a discount of 0%"
    assert run("admin", "group", "join", "alice", "makers", "--why", "promised") == "alice is in makers"
    assert run("admin", "group", "leave", "alice") == "alice is in no group"

    # What is refused, and what cannot be said at all.
    for words, status, said in (
        (("breakers", "700:15m", "600:15m"), 1, "rejected: invalid_breakers: "),
        (("breakers", "1:1s", "2:1s", "3:1s", "4:1s"), 1, "4 levels: breakers have up to 3"),
        (("breakers", "700"), 1, "'700' is no level: say 700:15m"),
        (("breakers", "7%:15m"), 1, "'7%:15m' is no level"),
        (("breakers", "700:long"), 1, "'long' is no duration"),
        (("emergency", "on", "--auction", "5m"), 1, "rejected: invalid_duration: "),
        (("emergency", "off", "--why", "x" * 201), 1, "a remark has at most 200 characters"),
        (("emergency", "maybe"), 2, "'maybe' is not one of 'on', 'off'"),
        (("kill-switch", "alice!", "on"), 1, "rejected: invalid_kill_switch: "),
        (("group", "join", "alice", "takers"), 1, "rejected: invalid_group: "),
        (("group", "set", "makers", "--discount", "25%"), 1, "rejected: no_clearing: "),
        (("group", "set", "makers", "--discount", "much"), 1, "'much' is no share: say 0.25% or 0.0025"),
        (("group", "set", "makers", "--discount", "0.0000000001"), 1, "is no discount: it is a whole number"),
        (("risk", "alice", "--position", "5"), 1, "rejected: invalid_risk: "),
        (("risk", "alice", "--long", "-5"), 1, "rejected: invalid_risk: "),
        (("risk", "alice", "--long", "0.5"), 1, "0.5 is no quantity: it is a whole number"),
        (("risk", "alice", "BTC-USD", "--long", "0.0005"), 1, "0.0005 is no quantity of BTC-USD: a lot is"),
        (("risk", "alice", "NONE", "--long", "5"), 1, "'NONE' is no instrument of this engine"),
        (("risk", "alice", "--day-loss", "9223372036854775808"), 1, "<= 9223372036854775807"),
        (("risk", "alice", "--why", "x" * 201), 1, "a remark has at most 200 characters"),
        (("group", "risk", "nobody", "--long", "5"), 1, "rejected: unknown_group: "),
        (("group", "risk", "desk", "--loss-stops"), 1, "rejected: invalid_risk: "),
        (("group", "risk", "desk", "--day-quantity", "0.5"), 1, "0.5 is no quantity: it is a whole number"),
        (("group", "kill-switch", "nobody", "on"), 1, "rejected: unknown_group: "),
        (("limits", "alice", "--rejects", "20"), 1, "'20' is no limit of rejects: say 20/10s"),
        (("limits", "alice", "BTC-USD", "--rejects", "20/10s"), 1, "rejected: invalid_limits: "),
    ):
        assert said in run("admin", *words, status=status)

    engine.kill()
    log = [json.loads(line) for line in processes.run("journal", "export", "--data", data).splitlines()]
    told_log = {
        kind: [entry for entry in log if entry["type"] == kind]
        for kind in ("SetKillSwitch", "SetEmergency", "SetBreakers", "SetLimits")
    }
    assert all(entry["account"] for entries in told_log.values() for entry in entries)
    first = told_log["SetBreakers"][0]
    numbers = (first["first_basis_points"], first["second_halt_ms"], first["third_basis_points"])
    assert numbers == (700, 3_600_000, 2000)
    assert (first["third_halt_ms"], first["auction_ms"], first["random_ms"]) == (0, 300_000, 30_000)
    limits = told_log["SetLimits"][4]
    assert (limits["rejects_max"], limits["rejects_window_ms"], limits["commands_per_s_max"]) == (
        500,
        10_000,
        1,
    )
