"""What trading costs, told as stories: worked examples of public venues, and the rules that they leave open.

An example says whose contract it restates, and whether the amount stands there or follows from the rates that do.
"""

import re
from pathlib import Path

import pytest

from tests.support.fee_stories import FeeTeller, fee_files
from tests.support.scenario import ScenarioFile
from tests.support.scenario_language import NotUnderstood

FILES = fee_files()
#: Files of stories that restate nobody's contract.
OWN = ("rules_of_fees", "tiers")
STORIES = [(path, story.title) for path in FILES for story in ScenarioFile(path).stories]
EXAMPLE = re.compile(r"\w+ (?:maker|taker) (?:buys|sells) ")
STATED = re.compile(r"(?m)^# Stated\.")
DERIVED = re.compile(r"(?m)^# Derived from rates\.")
LABEL = re.compile(f"{STATED.pattern}|^# Derived from rates\\.")


@pytest.mark.parametrize(
    ("path", "title"), [pytest.param(path, title, id=f"{path.stem}: {title}") for path, title in STORIES]
)
def test_story(path: Path, title: str) -> None:
    file = ScenarioFile(path)
    teller = FeeTeller()
    for block in (*file.opening.blocks, *file.story(title).blocks):
        assert teller.tell(block) == block.expected, f"{path.name}:{block.line}"


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.stem)
def test_a_file_that_is_written_again_stays_as_it_is(path: Path) -> None:
    assert ScenarioFile(path).text() == path.read_text(encoding="utf-8")


def test_titles_are_sentences_and_told_once() -> None:
    titles = [title for _, title in STORIES]
    assert len(titles) == len(set(titles)) > 45
    assert [title for title in titles if not title.endswith(".")] == []


def unlabelled(text: str) -> list[str]:
    """Blocks of examples that do not say whether their amounts are stated or derived, and stories without a source."""
    missing = []
    for story in re.split(r"(?m)^== ", text)[1:]:
        title = story.partition("\n")[0]
        if "# Source: " not in story:
            missing.append(title)
        missing += [
            title for block in story.split("\n\n") if EXAMPLE.search(block) and not LABEL.search(block)
        ]
    return missing


@pytest.mark.parametrize("path", [path for path in FILES if path.stem not in OWN], ids=lambda path: path.stem)
def test_an_example_names_its_source_and_what_is_stated_there(path: Path) -> None:
    assert unlabelled(path.read_text(encoding="utf-8")) == []


def test_an_example_without_a_label_is_found() -> None:
    text = "x\n\n== A.\nrules: X\n\n# Source: y\n# Stated.\nanna taker buys 1 A-B @ 1\n\nanna taker buys 1 A-B @ 1\n"
    assert unlabelled(text) == ["A."]
    assert unlabelled(text.replace("# Source", "# So")) == ["A.", "A."]


def test_there_are_enough_examples() -> None:
    """Counted by fill, those whose amount stands in the source apart."""
    stated = derived = 0
    for path in FILES:
        for block in path.read_text(encoding="utf-8").split("\n\n"):
            examples = sum(1 for line in block.splitlines() if EXAMPLE.match(line))
            if STATED.search(block):
                stated += examples
            elif DERIVED.search(block):
                derived += examples
    assert stated >= 60
    assert derived >= 60


@pytest.mark.parametrize(
    ("line", "error"),
    [
        ("anna taker buys 1.5 BTC-USD @ 1", "line 2: .*no whole number"),
        ("anna juggler buys 1 BTC-USD @ 1", "line 2: .*is no fill"),
        ("anna taker buys 1 ETH-USD @ 1", "line 2: .*ETH-USD"),
        ("fees BTC-USD maker 0.00000000001 taker 1%", "line 2: .*no whole number"),
        ("fees BTC-USD maker 1% taker 1% round away", "line 2: .*away"),
    ],
)
def test_a_line_that_is_not_understood_is_named(tmp_path: Path, line: str, error: str) -> None:
    path = tmp_path / "story.txt"
    path.write_text(f"market BTC-USD tick 1 lot 1 units 1 1\n{line}\n----\n", encoding="utf-8")
    (block,) = ScenarioFile(path).opening.blocks
    with pytest.raises(NotUnderstood, match=error):
        FeeTeller().tell(block)
