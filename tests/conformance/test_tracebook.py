"""A foreign suite, `tracebook-conformance`, judges the engine behind its sockets: outcomes, trades and whole books.

Each trace goes event by event to the package's reference and, through `adapter`, to a real engine; at the first
difference the package stops, and says so in its exit status (0: conforms, 1: differs, 2: the adapter broke down). What
is asserted besides the status is that something was judged: an empty campaign conforms, too.

One engine serves all traces of this file. A campaign that fails leaves the smallest trace that still fails in
`reduced.jsonl` under pytest's temporary folder.
"""

import json
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final

import pytest
from tracebook.conformance.cli import main

from tests.support.real_engine import RealEngine

PROFILES: Final = ("fifo-limit-v1", "fifo-partial-fill-v1", "fifo-full-v1")
SEEDS: Final = (1, 42, 1337, 20_260_727, 2**64 - 1)
#: The package's probes of priority end at event 133 to 175; before them there is a book, behind them some of it.
EVENTS: Final = 200
#: A failure is made smaller by running parts of it again, half a second each.
MINIMIZE_RUNS_MAX: Final = 40
#: For an answer of the adapter, its start included, on a busy machine.
ANSWER_S: Final = 30

#: The fixed suite: how many events each case holds.
CASES: Final = {
    "fifo-lifecycle": 10,
    "order-instructions": 6,
    "stp-cancel-resting": 5,
    "stp-cancel-resting-deep": 4,
    "stp-cancel-incoming": 5,
    "pro-rata-allocation": 7,
    "multi-symbol": 7,
    "tick-grid": 4,
    "deep-cancellation": 16,
}

_ROOT: Final = Path(__file__).parents[2]


@pytest.fixture(scope="module")
def candidate(tmp_path_factory: pytest.TempPathFactory) -> Iterator[list[str]]:
    """The options that name the engine to be judged."""
    with RealEngine(
        tmp_path_factory.mktemp("engine"), engine={"sync": "os"}, feed={"heartbeat_interval_ms": 100}
    ) as engine:
        adapter = [sys.executable, "-m", "tests.conformance.adapter"]
        where = [str(engine.port_base), str(engine.data_dir)]
        yield [f"--timeout={ANSWER_S}", "--candidate", "env", f"PYTHONPATH={_ROOT}", *adapter, *where]


@pytest.fixture(scope="module")
def suite(candidate: list[str], tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    """The report on the fixed suite, and the status with which the package ended."""
    folder = tmp_path_factory.mktemp("suite")
    assert main(["sample", str(folder / "cases"), "--suite-version", "v2"]) == 0
    report = folder / "report.json"
    status = main(["suite", str(folder / "cases"), "--output", str(report), *candidate])
    return {**json.loads(report.read_text(encoding="utf-8")), "status": status}


@pytest.mark.parametrize("seed", SEEDS)
@pytest.mark.parametrize("profile", PROFILES)
def test_a_generated_trace_conforms(candidate: list[str], profile: str, seed: int, tmp_path: Path) -> None:
    bundle = tmp_path / "campaign"
    budget = ["--traces=1", f"--events-per-trace={EVENTS}", f"--max-minimize-runs={MINIMIZE_RUNS_MAX}"]
    status = main(
        ["campaign", f"--profile={profile}", f"--seed={seed}", *budget, f"--output-dir={bundle}", *candidate]
    )
    assert status == 0, f"seed {seed} ended with status {status}; what differs is in {bundle}, if anything is"
    campaign = json.loads((bundle / "campaign.json").read_text(encoding="utf-8"))
    assert campaign["conformant"]
    assert campaign["seed"] == seed
    assert [trace["compared_events"] for trace in campaign["traces"]] == [EVENTS]
    coverage = campaign["semantic_coverage"]
    assert coverage["trades"] > 0
    assert coverage["partial_fill_events"] > 0
    assert coverage["queue_priority_probes"] == 1


@pytest.mark.parametrize("case", CASES)
def test_a_case_of_the_fixed_suite_conforms(suite: dict[str, Any], case: str) -> None:
    report = next(judged["report"] for judged in suite["cases"] if judged["name"] == case)
    assert report["divergence"] is None
    assert report["conformant"]
    assert report["compared_events"] == CASES[case]


def test_the_fixed_suite_was_judged_whole_and_found_no_fault(suite: dict[str, Any]) -> None:
    assert {case["name"]: case["report"]["trace"]["event_count"] for case in suite["cases"]} == CASES
    assert suite["conformant_cases"] == len(CASES)
    # 1 would be a difference, 2 an adapter that broke down.
    assert suite["status"] == 0


@pytest.mark.slow
@pytest.mark.parametrize("profile", PROFILES)
def test_the_engine_qualifies(candidate: list[str], profile: str, tmp_path: Path) -> None:
    """As much as the package takes for evidence of a whole profile, all of what it covers included."""
    bundle = tmp_path / "qualification"
    budget = ["--seed=42", "--traces=25", f"--events-per-trace={EVENTS}", "--suite-version=v2"]
    assert main(["qualify", f"--profile={profile}", *budget, f"--output-dir={bundle}", *candidate]) == 0
    qualification = json.loads((bundle / "qualification.json").read_text(encoding="utf-8"))
    assert qualification["qualified"]
    assert qualification["checks"]["semantic_coverage"]["uncovered"] == []
    traces = qualification["campaign"]["traces"]
    assert [trace["compared_events"] for trace in traces] == [EVENTS] * 25
