"""`journal` on a real log: what it shows, and that it finds what was changed."""

import json
from pathlib import Path

import pytest

from bus.sockets.client import Client
from tests.support.processes import Processes


@pytest.fixture
def log(processes: Processes, tmp_path: Path) -> Path:
    """A data directory with some orders in it, its engine killed."""
    data = tmp_path / "data"
    engine = processes.engine(data)
    processes.run(*processes.exchange("instrument", "define", "BTC-USD", "--data", str(data)))
    processes.run(*processes.exchange("order", "enter", "BTC-USD", "buy", "0.5", "30000", "--id", "my-1"))
    with Client(port_base=processes.port_base, account="batch") as client, client.batch():
        for price in range(3):
            client.enter("BTC-USD", "buy", 1, 29_000 + price)
    beside = processes.run("journal", "verify", "--data", str(data))
    assert beside.endswith("intact"), "an engine that runs is no damage"
    engine.kill()
    return data


def test_each_command_stands_there_with_its_sequence(processes: Processes, log: Path) -> None:
    lines = processes.run("journal", "export", "--data", str(log)).splitlines()
    entries = [json.loads(line) for line in lines]
    assert [entry["sequence"] for entry in entries] == list(range(1, len(entries) + 1))
    order, *batch = [entry for entry in entries if entry["type"] == "EnterOrder"]
    assert [entry["account"] for entry in batch] == ["batch"] * 3
    assert len({entry["time_ns"] for entry in batch}) == 1, "of one batch"
    assert (order["account"], order["client_order_id"], order["price_ticks"]) == ("demo", "my-1", 3_000_000)

    sequence = str(order["sequence"])
    shown = processes.run("journal", "show", "--data", str(log), "--from", sequence, "--to", sequence)
    assert shown.splitlines()[1].split()[:4] == [sequence, "session", str(order["session"]), "(demo)"]
    assert "EnterOrder client_order_id=my-1 symbol=BTC-USD side=buy quantity_lots=5000" in shown

    # Every prefix of the log has a digest of its own, also one that ends inside a batch; beyond its end there is none.
    found = [
        json.loads(processes.run("journal", "digest", "--data", str(log), "--json", "--at", str(at)))
        for at in range(1, len(entries) + 1)
    ]
    assert [digest["sequence"] for digest in found] == [entry["sequence"] for entry in entries]
    assert len({digest["digest"] for digest in found}) == len(entries)
    beyond = processes.run("journal", "digest", "--data", str(log), "--at", "9999", status=1)
    assert beyond.startswith("matchbus: --at 9999: the log ends with sequence ")


def test_a_changed_byte_is_found_and_named(processes: Processes, log: Path) -> None:
    (segment,) = log.glob("journal-*.mbj")
    changed = bytearray(segment.read_bytes())
    place = changed.index(b"my-1")
    changed[place] ^= 1
    segment.write_bytes(changed)
    for words in (
        ("journal", "verify", "--data", str(log)),
        ("journal", "digest", "--data", str(log)),
        processes.exchange("engine", "--data", str(log)),
    ):
        found = processes.run(*words, status=1).splitlines()[-1]
        assert found.startswith(f"matchbus: {segment}: offset ")
        assert "the batch is not intact, but " in found


def test_a_directory_without_a_log_is_said(processes: Processes, tmp_path: Path) -> None:
    for verb in ("show", "verify", "digest", "export"):
        assert processes.run("journal", verb, "--data", str(tmp_path), status=1) == (
            f"matchbus: {tmp_path}: there is no journal; name the data directory with --data"
        )
