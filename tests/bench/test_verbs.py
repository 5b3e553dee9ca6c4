"""Each benchmark runs to its end in its quick form, against real engines, and prints what it says it prints.

None of the figures is looked at: benchmarks are commands, never timed tests.
"""

import msgspec
import pytest

from tests.support.processes import Processes, processes  # noqa: F401  # a fixture
from tools.core_kind import core_kind

MACHINE = {"cpu", "cores", "kernel", "python", "libzmq"}


def run(processes: Processes, *words: str) -> dict[str, object]:  # noqa: F811
    """The JSON that a benchmark prints, with the machine taken off and looked at."""
    result = msgspec.json.decode(processes.run("bench", *words, "--quick", "--json"), type=dict[str, object])
    machine = result.pop("machine")
    assert isinstance(machine, dict)
    assert set(machine) == MACHINE
    assert result.pop("core") == core_kind()
    return result


def keys(value: object) -> object:
    """The names in a JSON value, without its figures."""
    return {name: keys(inner) for name, inner in value.items()} if isinstance(value, dict) else None


def test_wire(processes: Processes) -> None:  # noqa: F811
    result = run(processes, "wire")
    assert keys(result) == {
        "echo": {"p50_us": None, "p99_us": None, "per_s": None},
        "order": {
            "p50_us": None,
            "p99_us": None,
            "p50_disk_us": None,
            "per_s_single": None,
            "per_s_coalesced": None,
        },
    }


def test_core(processes: Processes) -> None:  # noqa: F811
    stages = dict.fromkeys(("decode", "log", "apply", "reports", "feed", "all"))
    assert keys(run(processes, "core")) == {"us_per_command": {"64 a message": stages, "1 a message": stages}}


def test_book(processes: Processes) -> None:  # noqa: F811
    both = dict.fromkeys(("shallow", "deep"))
    assert keys(run(processes, "book")) == {
        "us_per_operation": {
            "cancel at the front": both,
            "cancel at the back": both,
            "cancel at random": both,
            "replace down": both,
            "replace to the back": both,
            "best price gone": both,
            "a level of a sweep": both,
        }
    }


def test_triggers(processes: Processes) -> None:  # noqa: F811
    assert keys(run(processes, "triggers")) == {
        "us_per_trade": dict.fromkeys(("nobody waits", "stops wait", "trailing stops wait")),
        "ms_per_cascade": dict.fromkeys(("at once", "one by one")),
    }


def test_auction(processes: Processes) -> None:  # noqa: F811
    prices = dict.fromkeys(("10 prices", "1000 prices"))
    timed = ("uncross_ms", "update_ms", "update_ms_max", "swing_ms", "swing_ms_max")
    result = run(processes, "auction")
    assert keys(result) == {"orders": None, "trades": prices, **dict.fromkeys(timed, prices)}
    trades = result["trades"]
    assert isinstance(trades, dict)
    assert min(trades.values()) > 400


def test_memory(processes: Processes) -> None:  # noqa: F811
    result = run(processes, "memory")
    assert set(result) == {
        "orders",
        "accounts",
        "bytes_per_resting_order",
        "bytes_of_rings",
        "bytes_per_ended_id",
    }


def test_accounts(processes: Processes) -> None:  # noqa: F811
    result = run(processes, "accounts")
    assert keys(result) == dict.fromkeys(("accounts", "assets", "seconds", "bytes_per_account"))
    assert (result["accounts"], result["assets"]) == (500, 5)


def test_recovery(processes: Processes) -> None:  # noqa: F811
    result = run(processes, "recovery")
    assert set(result) == {"commands", "seconds", "seconds_one_a_batch"}
    assert result["commands"] == 2_000


@pytest.mark.slow
def test_shadow(processes: Processes) -> None:  # noqa: F811
    result = run(processes, "shadow")
    assert set(result) == {"resting", "encode_state_ms", "ms"}
    figures = dict.fromkeys(("p50", "p99", "p99_9", "max", "engine_cpu_us_per_order", "histogram"))
    assert keys(result["ms"]) == dict.fromkeys(
        (
            "alone",
            "a shadow follows",
            "a shadow writes checkpoints",
            "L3 snapshots from the engine",
            "L3 snapshots from the shadow",
        ),
        figures,
    )
    assert isinstance(result["ms"], dict)
    for case in result["ms"].values():
        assert sum(case["histogram"]) == 60


@pytest.mark.slow
def test_publisher(processes: Processes) -> None:  # noqa: F811
    result = run(processes, "publisher")
    assert set(result) == {"throughput", "live", "latency", "relay_latency", "late_joiner", "memory"}
    throughput, memory = result["throughput"], result["memory"]
    assert isinstance(throughput, dict)
    assert throughput["events"] > 1000
    assert 0.15 < throughput["trades"] < 0.25
    assert keys(result["relay_latency"]) == dict.fromkeys(("p50_ms", "p99_ms", "max_ms"))
    assert keys(result["late_joiner"]) == dict.fromkeys(("levels", "median_ms", "max_ms"))
    assert isinstance(memory, dict)
    assert memory["symbols"] == 3


def test_only_the_parts_of_the_publisher_that_are_asked_for(processes: Processes) -> None:  # noqa: F811
    assert set(run(processes, "publisher", "--part", "throughput")) == {"throughput"}
    refused = processes.run("bench", "publisher", "--part", "speed", status=1)
    assert refused == "matchbus: --part speed: expected one of throughput, live, memory"


@pytest.mark.slow
def test_web_orders(processes: Processes) -> None:  # noqa: F811
    result = run(processes, "web", "--part", "orders")
    figures = dict.fromkeys(("per_s", "p50_us", "p99_us", "cpu_us", "p50_alone_us"))
    ratios = dict.fromkeys(("os_of_bare", "disk_of_bare"))
    assert keys(result) == {"orders": {**dict.fromkeys(("bare", "os", "disk"), figures), **ratios}}


@pytest.mark.slow
def test_web_streams(processes: Processes) -> None:  # noqa: F811
    result = run(processes, "web", "--part", "websocket", "--part", "readers")
    figures = dict.fromkeys(("per_s", "p50_us", "p99_us", "cpu_us"))
    assert keys(result["websocket"]) == dict.fromkeys(("os", "disk"), figures)
    readers = result["readers"]
    assert isinstance(readers, dict)
    for name, count in (("steady", 20), ("one_stalled", 19)):
        found = readers[name]
        assert found["readers"] == found["alive"] == count
        # From a clock to the same clock: nothing of it takes as long as the benchmark may.
        assert 0 < found["p50_ms"] <= found["p99_ms"] <= found["max_ms"] < 60_000
        assert found["oldest_p50_ms"] <= found["oldest_p99_ms"] <= found["max_ms"]


def test_only_the_parts_of_the_web_that_there_are(processes: Processes) -> None:  # noqa: F811
    refused = processes.run("bench", "web", "--part", "speed", status=1)
    assert refused == "matchbus: --part speed: expected one of orders, websocket, readers"


def test_fairness_for_people(processes: Processes) -> None:  # noqa: F811
    shown = processes.run("bench", "fairness", "--quick")
    assert f"core: {core_kind()}" in shown.splitlines()[0]
    for row in ("no flood", "flood, 1 a message", "flood, 64 a message"):
        assert row in shown
