"""`up` and `engine` as processes: how they start, how they refuse to, and that nothing is left of them."""

import contextlib
import http.client
import json
import os
from pathlib import Path
from typing import Any

from tests.support.processes import LINE_S, Processes, ended, wait_for_end
from tests.support.venue import ApiKey
from tools.demo.money import VISITORS_HAVE, units


def asked(url: str, path: str, key: ApiKey) -> tuple[int, Any]:
    """The status and the JSON of a signed GET."""
    connection = http.client.HTTPConnection(url.removeprefix("http://"), timeout=LINE_S)
    with contextlib.closing(connection):
        connection.request("GET", path, headers=key.headers("GET", path))
        answer = connection.getresponse()
        return answer.status, json.loads(answer.read())


def test_a_parent_that_is_killed_leaves_nothing_running(processes: Processes, tmp_path: Path) -> None:
    words = ("up", "--data", str(tmp_path / "data"), "--port-base", "0")
    up = processes.start(*words, MATCHBUS_WEB_INSTANCES="2")
    facts = up.ready()
    up.kill()
    wait_for_end(int(facts["engine_pid"]))
    wait_for_end(int(facts["shadow_pid"]))
    wait_for_end(int(facts["history_pid"]))
    wait_for_end(int(facts["web_pid"]))
    instances = facts["instance_pids"].split(",")
    assert len(instances) == 2
    for pid in instances:
        wait_for_end(int(pid))


def test_a_port_in_use_and_a_held_directory_are_one_line(processes: Processes, tmp_path: Path) -> None:
    held = tmp_path / "held"
    engine = processes.engine(held)
    in_use = processes.run(*processes.exchange("engine", "--data", str(tmp_path / "other")), status=1)
    assert in_use == (
        f"matchbus: tcp://127.0.0.1:{processes.port_base + 1}: something listens there already;"
        " choose another --port-base"
    )
    up = processes.start("up", "--data", str(held), "--port-base", "0")
    assert up.wait() == (
        1,
        [],
        [
            "starting the engine",
            f"matchbus: the engine ended with status 1: {held}: held by process {engine.pid}, stop that one first",
        ],
    )


def test_an_unknown_setting_is_refused_before_anything_starts(processes: Processes, tmp_path: Path) -> None:
    file = tmp_path / "matchbus.toml"
    file.write_text("[engine]\ndata_dri = 'x'\n")
    for verb in ("engine", "up"):
        assert processes.run(verb, "--config", str(file), status=1) == (
            f"matchbus: {file}: engine.data_dri: there is no such setting; the nearest is engine.data_dir"
        )
    assert processes.run("engine", status=1, MATCHBUS_ENGINE_SYNC="tape") == (
        "matchbus: MATCHBUS_ENGINE_SYNC: engine.sync = 'tape': Expected 'disk' or 'os'"
    )
    assert os.listdir(tmp_path) == ["matchbus.toml"]


def test_the_demo_makes_a_market_and_leaves_an_empty_book(processes: Processes, tmp_path: Path) -> None:
    data = str(tmp_path / "data")
    up = processes.start(*processes.exchange("up", "--demo", "--data", data, "--sync", "os"))
    facts = up.ready()
    assert (facts["instruments"], facts["accounts"]) == ("5", "6")
    trades = processes.run(*processes.exchange("tap", "--kind", "trade", "--count", "3")).splitlines()
    assert len(trades) == 3
    for entry in json.loads(Path(facts["demo_keys"]).read_text(encoding="utf-8")):
        key = ApiKey(entry["account"], entry["key"], entry["secret"])
        status, answer = asked(facts["web"], "/api/v1/keys", key)
        assert (status, [one["key"] for one in answer["keys"]]) == (200, [key.key_id])
    rows = processes.run(*processes.exchange("account", "balances", "demo", "--data", data, "--json"))
    assert {row["asset"]: row["total"] for row in map(json.loads, rows.splitlines())} == {
        asset: units(asset, coins) for asset, coins in VISITORS_HAVE.items()
    }
    earned = processes.run(*processes.exchange("account", "balances", "venue:fees", "--data", data, "--json"))
    assert any(row["total"] > 0 for row in map(json.loads, earned.splitlines()))
    picture = processes.run(*processes.exchange("tap", "--book", "BTC-USD", "--count", "5"))
    assert "spread " in picture
    assert "█" in picture

    status, _, errors = up.stop()
    assert (status, errors) == (
        0,
        [
            "starting the engine",
            "starting the shadow",
            "starting the publisher",
            "starting the history",
            "starting the web",
            "starting the demo",
            "stopping",
            "stopped",
        ],
    )
    for part in ("engine", "shadow", "history", "web", "demo"):
        assert ended(int(facts[f"{part}_pid"]))
    engine = processes.start(*processes.exchange("engine", "--data", data, "--sync", "os"))
    engine.ready()
    for account in ("bot-maker-1", "bot-crowd"):
        listed = processes.run(*processes.exchange("order", "list", "--account", account))
        assert listed.startswith(f"0 open orders of {account}")


def test_a_part_that_dies_stops_the_others(processes: Processes, tmp_path: Path) -> None:
    up = processes.start(*processes.exchange("up", "--demo", "--data", str(tmp_path / "d"), "--sync", "os"))
    facts = up.ready()
    os.kill(int(facts["demo_pid"]), 9)
    status, _, errors = up.wait()
    assert (status, errors[-1]) == (1, "matchbus: the demo was killed by SIGKILL")
    assert ended(int(facts["engine_pid"])), "before up itself"


def test_what_the_demo_cannot_do_is_refused(processes: Processes) -> None:
    assert processes.run("up", "--demo", "--clock", "commands", status=1) == (
        "matchbus: --clock commands with --demo: the demo trades by the system's clock"
    )


def test_without_a_port_base_its_parts_find_each_other(processes: Processes, tmp_path: Path) -> None:
    up = processes.start("up", "--data", str(tmp_path / "data"), "--port-base", "0", "--sync", "os")
    facts = up.ready()
    assert {
        "orders",
        "feed",
        "recovery",
        "deep_recovery",
        "history",
        "web",
        "engine_pid",
        "shadow_pid",
        "history_pid",
    } <= set(facts)
    status, _, errors = up.stop()
    starts = [f"starting the {part}" for part in ("engine", "shadow", "publisher", "history", "web")]
    assert (status, errors) == (0, [*starts, "stopping", "stopped"])
    assert ended(int(facts["shadow_pid"]))
    assert ended(int(facts["history_pid"]))
