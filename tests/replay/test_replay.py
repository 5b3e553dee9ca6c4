"""`matchbus replay` against a real engine, with real sockets; and with real data where it is at hand."""

import time
from pathlib import Path
from typing import Any

import msgspec
import pytest
from typer.testing import CliRunner, Result

from bus.addresses import addresses
from bus.errors import BadFlow, ConfigError, DataDirectoryMismatch, NotConnected, SessionRefused
from bus.protocol.control import Hello
from tests.replay.engines import running
from tests.replay.test_bitstamp import order, snapshot, trade
from tools.__main__ import app
from tools.replay.connection import Connection

#: A day's beginning on an exchange: see the README beside it. Never part of this repository.
RECORDING = Path(__file__).parents[3] / "shared" / "data" / "bitstamp-2015-05-01.log.xz"

STORY = [
    order("created", 1, 1, "1.00000000", "236.47"),
    order("created", 2, 0, "3.00000000", "236.40", 5),
    snapshot(("236.40", "3.00000000"), ("236.47", "1.00000000"), 6),
    order("created", 3, 0, "0.40000000", "236.47", 7),
    order("deleted", 3, 0, "0.00000000", "236.47", 8),
    order("changed", 1, 1, "0.60000000", "236.47", 8),
    trade("0.4", "236.47", 9),
    trade("0.5", "236.47", 9),
    snapshot(("236.40", "3.00000000"), ("236.47", "0.60000000"), 10),
    snapshot(("236.40", "3.00000000"), ("236.47", "1.00000000"), 11),
]


def invoke(*words: object) -> Result:
    """The verb with these words."""
    return CliRunner().invoke(app, ["replay", *map(str, words)])


def outcome(*words: object) -> dict[str, Any]:
    """What `--json` prints, which is one object and nothing else."""
    result = invoke(*words, "--json")
    assert result.exception is None, result.exception
    decoded: dict[str, Any] = msgspec.json.decode(result.stdout)
    return decoded


def written(folder: Path, *lines: str) -> Path:
    file = folder / "flow"
    file.write_text("".join(line + "\n" for line in lines))
    return file


@pytest.mark.skipif(not RECORDING.exists(), reason="the recorded data is not beside the repository")
def test_a_real_exchange_comes_out_of_the_sockets(tmp_path: Path) -> None:
    """Prices and amounts of trades, and price and amount of both best levels, exactly."""
    with running(tmp_path / "data") as port_base:
        result = outcome(
            RECORDING, "--format", "bitstamp", "--port-base", port_base, "--data", tmp_path / "data"
        )
    assert result["trades_real"] == 575
    assert result["trades_matched"] >= 512
    assert result["snapshots_comparable"] == 5010
    assert result["snapshots_equal"] >= 4950


def test_a_story_is_compared_with_what_happened(tmp_path: Path) -> None:
    """Of two real trades the second never was, of three snapshots the last is old."""
    file = written(tmp_path, *STORY)
    with running(tmp_path / "data") as port_base:
        result = outcome(file, "--format", "bitstamp", "--port-base", port_base, "--data", tmp_path / "data")
        speed = result.pop("commands_per_s")
        assert speed > 0
        assert result == {
            "commands": 6,  # three orders, each at its own time
            "trades_real": 2,
            "trades_matched": 1,
            "snapshots_comparable": 3,
            "snapshots_equal": 2,
        }
        again = invoke(file, "--format", "bitstamp", "--port-base", port_base, "--data", tmp_path / "data")
        assert isinstance(again.exception, DataDirectoryMismatch)
        assert "was traded here before" in str(again.exception)
        other = invoke(
            *(file, "--format", "bitstamp", "--port-base", port_base, "--data", tmp_path / "data"),
            *("--symbol", "ETH-USD", "--account", "other"),
        )
        assert isinstance(other.exception, DataDirectoryMismatch)
        assert "time is later than the flow's" in str(other.exception)


def test_people_get_a_table(tmp_path: Path) -> None:
    file = written(tmp_path, *STORY, order("deleted", 3, 0, "0.10000000", "236.47", 12))
    with running(tmp_path / "data") as port_base:
        result = invoke(file, "--format", "bitstamp", "--port-base", port_base, "--data", tmp_path / "data")
    assert result.exception is None
    assert [line.split() for line in result.stdout.splitlines()][1:] == [
        ["refused", "1", "order_ended"],
        ["trades", "2", "1", "matched"],
        ["snapshots", "3", "2", "with", "an", "equal", "top"],
    ]


def test_a_csv_without_times_goes_to_an_engine_on_the_system_clock(tmp_path: Path) -> None:
    file = written(tmp_path, "action,client_order_id,side,quantity,price", "enter,a,buy,1,5", "cancel,a,,,")
    with running(tmp_path / "data", "system") as port_base:
        words = (file, "--format", "csv", "--port-base", port_base, "--data", tmp_path / "data")
        result = outcome(*words, "--symbol", "X-Y", "--tick", "0.5", "--lot", "1")
        assert (result["commands"], result["trades_real"], result["snapshots_comparable"]) == (2, 0, 0)
        # What is there is not defined again: the tick is still 0.5.
        finer = written(tmp_path, "action,client_order_id,side,quantity,price", "enter,b,buy,1,5.01")
        refused = invoke(*words, "--symbol", "X-Y")
        assert str(refused.exception) == (
            f"{finer}:2: column price: '5.01' is not a whole number of ticks of 0.5"
        )


def test_a_flow_with_times_needs_an_engine_whose_clock_it_may_move(tmp_path: Path) -> None:
    file = written(tmp_path, *STORY)
    with running(tmp_path / "data", "system") as port_base:
        result = invoke(file, "--format", "bitstamp", "--port-base", port_base, "--data", tmp_path / "data")
    assert isinstance(result.exception, DataDirectoryMismatch)
    assert str(result.exception) == (
        "the engine runs on the system clock and the flow has times: start it with --clock commands"
    )


def test_a_slowed_flow_takes_its_time(tmp_path: Path) -> None:
    """Two orders 400 ms apart, twice as fast: no less than 200 ms."""
    file = written(
        tmp_path,
        "time,action,client_order_id,side,quantity,price",
        "2026-01-31T09:30:00.1Z,enter,a,buy,1,5",
        "2026-01-31T09:30:00.5Z,enter,b,buy,1,5",
    )
    with running(tmp_path / "data") as port_base:
        words = (file, "--format", "csv", "--port-base", port_base, "--data", tmp_path / "data")
        before = time.monotonic()
        result = outcome(*words, "--symbol", "X-Y", "--speed", "2")
    assert time.monotonic() - before >= 0.2
    assert result["commands"] == 4


def test_only_an_operator_may_replay(tmp_path: Path) -> None:
    file = written(tmp_path, *STORY)
    token = tmp_path / "token"
    token.write_text("0" * 64)
    with running(tmp_path / "data") as port_base:
        result = invoke(file, "--format", "bitstamp", "--port-base", port_base, "--token-file", token)
    assert isinstance(result.exception, SessionRefused)
    assert "bad_token" in str(result.exception)


def test_what_cannot_be_used_is_refused_before_anything_is_sent(tmp_path: Path) -> None:
    file = written(tmp_path, *STORY)
    token = tmp_path / "token"
    words = (file, "--format", "bitstamp", "--token-file", token)
    assert isinstance(invoke(*words).exception, ConfigError)
    token.write_text("0" * 64)
    assert "--speed: 'fast'" in str(invoke(*words, "--speed", "fast").exception)
    assert "--tick: a tick or lot is more than 0" in str(invoke(*words, "--tick", "0").exception)
    assert isinstance(invoke(tmp_path / "none", *words[1:]).exception, BadFlow)


def test_an_engine_that_is_not_there_is_one_line() -> None:
    with (
        Connection(addresses(9, "127.0.0.1"), Hello("replay"), open_timeout_s=0.1) as connection,
        pytest.raises(NotConnected, match=r"^tcp://127\.0\.0\.1:10: no engine answered in 0\.1 s$"),
    ):
        connection.open()
