"""`matchbus rules`: all rules, some, one with its scenarios, and from an installed wheel far from the repository."""

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from typer.testing import CliRunner, Result

import bus
import tools
from tests.support.processes import ROOT
from tools.__main__ import app
from tools.build.carried import carried_files
from tools.rules import places

TITLE = "An IOC order that meets nobody leaves no trace in the book."


def rules(*words: str) -> Result:
    """What the verb says."""
    return CliRunner().invoke(app, ["rules", *words])


def listed(said: str) -> list[str]:
    """The ids at the beginnings of lines."""
    return [line.split()[0] for line in said.splitlines() if line.startswith("MB-")]


def test_all_rules_are_listed_by_chapter_with_how_often_they_are_shown() -> None:
    said = rules().stdout
    page = (ROOT / "docs/rules.md").read_text(encoding="utf-8")
    assert listed(said) == [line.split()[1] for line in page.splitlines() if line.startswith("### ")]
    assert "TIF: time in force" in said
    (line,) = [line for line in said.splitlines() if line.startswith("MB-TIF-002")]
    assert line.split("  ")[1] == "What an IOC order does not trade at once is cancelled"
    shown = sum(
        "MB-TIF-002" in line.split()
        for path in (ROOT / "tests/scenarios").rglob("*.txt")
        for line in path.read_text(encoding="utf-8").splitlines()
        if line.startswith("rules: ")
    )
    assert int(line.split()[-1]) == shown > 1


@pytest.mark.parametrize("prefix", ["MB-TIF", "mb-tif-", "tif", "TI"])
def test_rules_are_listed_by_the_beginning_of_their_ids(prefix: str) -> None:
    ids = listed(rules(prefix).stdout)
    assert "MB-TIF-001" in ids
    assert {id_[: len("MB-TI")] for id_ in ids} == {"MB-TI"}
    assert ("MB-TIME-001" in ids) == (prefix == "TI")


@pytest.mark.parametrize("id_", ["MB-TIF-003", "tif-003"])
def test_a_rule_is_shown_with_its_source_convention_and_scenarios(id_: str) -> None:
    lines = rules(id_).stdout.splitlines()
    assert lines[0] == "MB-TIF-003  An IOC order that meets nobody is accepted and cancelled"
    assert [line.split(" ")[0] for line in lines if line.startswith(("Source:", "Convention."))] == [
        "Source:",
        "Convention.",
    ]
    at = lines.index(f"{TITLE}  (immediate_or_cancel.txt)")
    assert lines[at + 1 : at + 5] == [
        "",
        "    start",
        "    open op as operator",
        "    op: define BTC-USD BTC/USD tick 1e-2 lot 1e-4 price 10..1000 quantity 2..500",
    ]
    assert lines[-4:] == [
        "    carla: enter c1 BTC-USD buy 5 @ 100 IOC",
        "    ----",
        "    carla accepted c1 #8 BTC-USD buy 5 @ 100 IOC",
        "    carla cancelled c1 #8 BTC-USD 5 gone, 0 done: ioc_remainder",
    ]


def test_json_has_one_object_a_rule() -> None:
    objects = [json.loads(line) for line in rules("--json", "tif").stdout.splitlines()]
    assert [rule["id"] for rule in objects][:3] == ["MB-TIF-001", "MB-TIF-002", "MB-TIF-003"]
    rule = objects[2]
    assert list(rule) == ["id", "chapter", "title", "text", "source", "convention", "scenarios"]
    assert rule["chapter"] == "TIF"
    story = rule["scenarios"][0]
    assert (story["file"], story["title"], story["rules"]) == ("immediate_or_cancel", TITLE, ["MB-TIF-003"])
    assert story["text"].startswith("anna: enter a1")
    assert "start\nopen op" in story["opening"]


@pytest.mark.parametrize(
    ("asked", "near"),
    [
        ("MB-TIFF-003", "MB-TIF-003"),
        ("TOF-003", "MB-TIF-003"),
        ("MB-REPLACE-0012", "MB-REPLACE-012"),
        ("MB-TIF-003-", "MB-TIF-003"),
    ],
)
def test_an_unknown_rule_is_one_line_with_the_nearest(asked: str, near: str) -> None:
    result = rules(asked)
    assert (result.exit_code, result.stdout) == (1, "")
    assert result.stderr == f"matchbus: there is no rule {asked}; the nearest is {near}\n"


def test_an_installed_package_needs_no_repository(tmp_path: Path) -> None:
    """As a wheel lays it out (see tests/test_build.py), in a place where nothing else of the repository is."""
    installed = tmp_path / "installed"
    for package in (bus, tools):
        room = Path(package.__path__[0])  # of the repository, or of a wheel that is tested
        shutil.copytree(room, installed / room.name, ignore=shutil.ignore_patterns("__pycache__", "carried"))
    for target, source in carried_files(ROOT).items():
        (installed / target).parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(ROOT / source, installed / target)
    environment = {**os.environ, "PYTHONPATH": str(installed)}
    command = [sys.executable, "-P", "-m", "tools", "rules", "tif-003"]
    done = subprocess.run(command, cwd=tmp_path, env=environment, capture_output=True, text=True, check=True)
    assert done.stdout == rules("tif-003").stdout
    assert TITLE in done.stdout


def test_what_a_wheel_carries_is_where_it_is_looked_for() -> None:
    below = places.CARRIED.relative_to(Path(places.__file__).parents[2]).as_posix()
    targets = carried_files(ROOT)
    assert targets[f"{below}/rules.md"] == "docs/rules.md"
    assert targets[f"{below}/scenarios/cancel.txt"] == "tests/scenarios/cancel.txt"
