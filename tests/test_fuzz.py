"""The fuzzer finds nothing in the engine, and finds what is broken in one that is broken on purpose."""

import json
from collections import Counter
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any, cast

import pytest
from typer.testing import CliRunner, Result

from bus.protocol.codec import encode
from bus.protocol.commands import MassCancel
from bus.protocol.reports import Report
from matcher.engine import Engine
from tools.__main__ import app
from tools.fuzz.drawing import draw_steps
from tools.fuzz.shrinking import shrink
from tools.fuzz.steps import Says, Step, read_steps, write_steps
from tools.fuzz.trial import Poison, Trial, poison_in

SEEDS = range(1, 9)
COMMANDS = 3_000
REPORTS = {kind.__name__ for kind in Report.__args__ if kind.__name__ != "Rejected"}


class Broken:
    """An engine that cannot stand a mass cancel while an account has two open orders."""

    def __init__(self) -> None:
        self._engine = Engine()

    def __getattr__(self, name: str) -> Any:
        return getattr(self._engine, name)

    def apply_message(
        self, session: int, correlation_id: int, created_ns: int, items: Sequence[object], *more: Any
    ) -> int:
        engine = self._engine
        open_orders = max(len(account.open) for account in engine.state.accounts.values())
        if open_orders > 1 and any(isinstance(item, MassCancel) for item in items):
            raise RuntimeError("two are too many")
        return engine.apply_message(session, correlation_id, created_ns, items, *more)


def broken() -> Engine:
    """One of them, for whoever takes any engine."""
    return cast(Engine, Broken())


def give_all(trial: Trial, taken: list[Step], steps: Iterable[Step]) -> None:
    """All steps, until one of them is poison; `taken` has them."""
    for step in steps:
        taken.append(step)
        trial.take(step)


def fuzz(kept: Path, *words: str) -> Result:
    """What the verb says; poison would be kept in that file."""
    return CliRunner().invoke(app, ["fuzz", "--keep", str(kept), *words])


def test_there_is_no_poison_and_everything_happens() -> None:
    answers: Counter[str] = Counter()
    for seed in SEEDS:
        trial = Trial()
        for step in draw_steps(seed, COMMANDS):
            try:
                trial.take(step)
            except Poison as error:
                pytest.fail(f"seed {seed}: {error}")
        trial.check()
        answers += trial.answers
    assert answers.keys() >= REPORTS, "every kind of report is among the answers"
    assert answers["Accepted"] > 0.1 * sum(answers.values()), "most of it is not refused at the door"
    assert sum(name.startswith("Rejected") for name in answers) > 30, "there are many reasons to refuse"


def test_a_seed_is_a_log() -> None:
    logs = [encode(list(draw_steps(seed, 500))) for seed in (5, 5, 6)]
    assert logs[0] == logs[1] != logs[2]


def test_poison_is_found_and_shrunk_to_what_does_it(tmp_path: Path) -> None:
    trial = Trial(new_engine=broken)
    taken: list[Step] = []
    with pytest.raises(Poison, match="RuntimeError: two are too many"):
        give_all(trial, taken, draw_steps(3, COMMANDS))
    shortest = shrink(taken, new_engine=broken)
    assert poison_in(shortest, broken) == "RuntimeError: two are too many"
    assert poison_in(shortest) is None
    # The engine starts, a session opens, an instrument is defined, two orders rest, and the mass cancel comes.
    assert len(shortest) <= 8
    assert sum(len(step.items) for step in shortest if isinstance(step, Says)) <= 6
    write_steps(tmp_path / "kept", shortest)
    assert encode(read_steps(tmp_path / "kept")) == encode(shortest)


def test_the_verb_says_what_happened(tmp_path: Path) -> None:
    kept = tmp_path / "kept"
    facts = json.loads(fuzz(kept, "--seed", "3", "--commands", "500", "--json").stdout)
    assert facts["seed"] == 3
    assert facts["sequence"] >= facts["commands"] > 200
    assert facts["answers"]["Accepted"] > 10
    assert len(facts["digest"]) == 64
    said = fuzz(kept, "--seed", "3", "--commands", "500", "--logs", "2").stdout
    assert [line.split(",")[0] for line in said.splitlines() if line.startswith("no poison")] == [
        f"no poison: seed {seed}" for seed in (3, 4)
    ]


def test_a_log_that_was_kept_is_tried_again(tmp_path: Path) -> None:
    kept = tmp_path / "kept"
    write_steps(kept, list(draw_steps(3, 300)))
    assert fuzz(tmp_path / "other", "--again", str(kept)).stdout.startswith(f"no poison: log {kept}")
    kept.write_bytes(b"\x01nothing")
    refused = fuzz(tmp_path / "other", "--again", str(kept))
    assert refused.exit_code != 0
    assert "not a log of the fuzzer" in str(refused.exception)
