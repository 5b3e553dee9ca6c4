"""The matching rules, told as stories: each command, and exactly what it causes. See `tests/support/scenario.py`."""

import re
from pathlib import Path

import pytest

from bus.protocol.reasons import REASONS, SKIPPED
from tests.support.engine_driver import EngineDriver, RestartingDriver
from tests.support.scenario import SCENARIOS, ScenarioFile, every_story, perform_block
from tests.support.scenario_language import NotUnderstood

FILES = sorted(SCENARIOS.glob("*.txt"))

STORY = """start
open anna
----

== She speaks of a market that is not there.
rules: MB-REFUSE-001

anna: cancel a1
----
EXPECTED
"""


@pytest.mark.parametrize(
    ("path", "title"),
    [pytest.param(path, title, id=f"{path.stem}: {title}") for path, title in every_story()],
)
def test_story(path: Path, title: str, rewrite: bool) -> None:
    tell(path, title, rewrite)


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.stem)
def test_stories_go_on_from_a_checkpoint_wherever_they_are(path: Path) -> None:
    for story in ScenarioFile(path).stories:
        tell(path, story.title, rewrite=False, driver=RestartingDriver())


def tell(path: Path, title: str, rewrite: bool, driver: EngineDriver | None = None) -> None:
    """Tell one story of a file and compare; or record it."""
    file = ScenarioFile(path)
    driver = driver or EngineDriver()
    for block in (*file.opening.blocks, *file.story(title).blocks):
        happened = perform_block(driver, block)
        if rewrite:
            block.expected = happened
        assert happened == block.expected, f"{path.name}:{block.line}: {' / '.join(block.actions)}"
    if rewrite:
        path.write_text(file.text(), encoding="utf-8")


def test_every_reason_that_the_engine_gives_is_in_a_story() -> None:
    """Bands 2xx to 8xx. `skipped` is the operator's word about a poison command, and said by the node."""
    told = set()
    for path in FILES:
        for story in ScenarioFile(path).stories:
            for block in story.blocks:
                told |= {
                    match[1] for line in block.expected if (match := re.search(r": (\w+)(, unasked)?$", line))
                }
    wanted = {name for reason, (name, _) in REASONS.items() if 200 <= reason < 900 and reason != SKIPPED}
    assert wanted - told == set()


def test_titles_are_sentences_and_told_once() -> None:
    titles = [story.title for path in FILES for story in ScenarioFile(path).stories]
    assert len(titles) == len(set(titles)) > 45
    assert [title for title in titles if not title.endswith(".")] == []


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.stem)
def test_a_file_that_is_written_again_stays_as_it_is(path: Path) -> None:
    assert ScenarioFile(path).text() == path.read_text(encoding="utf-8")


# The runner itself.


def test_a_story_that_goes_otherwise_fails_and_is_recorded_when_asked(tmp_path: Path) -> None:
    path = tmp_path / "story.txt"
    path.write_text(STORY, encoding="utf-8")
    (story,) = ScenarioFile(path).stories
    with pytest.raises(AssertionError, match=r"story\.txt:8: anna: cancel a1"):
        tell(path, story.title, rewrite=False)
    tell(path, story.title, rewrite=True)
    assert path.read_text(encoding="utf-8") == STORY.replace(
        "EXPECTED", "anna rejected cancel a1: unknown_order"
    )
    tell(path, story.title, rewrite=False)


@pytest.mark.parametrize(
    ("line", "error"),
    [
        ("anna: juggle a1", "line 8: 'juggle' is no command"),
        ("dance", "line 8: 'dance' is no action"),
        ("anna: enter a1 BTC-USD buy 5 at 3", "line 8: 'at' is no word of an order"),
        ("anna: enter a1 BTC-USD buy 5", "line 8: .*a limit order has a price"),
        ("anna: enter a1 BTC-USD hold 5 @ 3", "line 8: .*KeyError 'hold'"),
        ("anna: cancel a1 with colour=3", "line 8: .*TypeError"),
        ("wait long", "line 8: 'long' is no duration"),
        ("start speed=3", "line 8: 'start speed=3' is no action"),
    ],
)
def test_a_line_that_is_not_understood_is_named(tmp_path: Path, line: str, error: str) -> None:
    path = tmp_path / "story.txt"
    path.write_text(STORY.replace("anna: cancel a1", line), encoding="utf-8")
    (story,) = ScenarioFile(path).stories
    with pytest.raises(NotUnderstood, match=error):
        tell(path, story.title, rewrite=False)


def test_a_story_that_names_no_rule_is_named(tmp_path: Path) -> None:
    path = tmp_path / "story.txt"
    path.write_text(STORY.replace("rules: ", "rules:"), encoding="utf-8")
    with pytest.raises(NotUnderstood, match=r"story\.txt:5: the story names no rule"):
        ScenarioFile(path)


def test_commands_without_a_line_under_them_are_named(tmp_path: Path) -> None:
    path = tmp_path / "story.txt"
    path.write_text(STORY.replace("----\nEXPECTED", ""), encoding="utf-8")
    with pytest.raises(NotUnderstood, match=r"story\.txt:8: no ---- under the commands"):
        ScenarioFile(path)
