"""The rulebook and the scenarios belong together: each rule is shown, and nothing is shown that is no rule.

Each check stands here twice: pointed at the page and the scenarios, where it must find nothing, and at a planted error.
"""

from collections.abc import Iterable
from pathlib import Path

import pytest

from bus.protocol.reasons import REASONS, SKIPPED
from tools.rules.rulebook import BadRulebook, Rule, read_rulebook, rules_of
from tools.rules.stories import StoryText, read_stories, stories_in

ROOT = Path(__file__).parent.parent
PAGE = (ROOT / "docs/rules.md").read_text(encoding="utf-8")
CHAPTERS = read_rulebook(PAGE)
STORIES = stories_in(ROOT / "tests/scenarios")

SMALL = """# Rules

Whatever.

## TEA: how it is made

### MB-TEA-001 Water comes first

Then the tea, and
then the milk.

It is hot.

Source: Orwell, "A Nice Cup of Tea"

Convention. Others pour the
milk first.

### MB-TEA-004 It is stirred

Once.

Source: matchbus
"""
FIRST = Rule(
    "MB-TEA-001",
    "TEA",
    "Water comes first",
    ("Then the tea, and then the milk.", "It is hot."),
    'Orwell, "A Nice Cup of Tea"',
    "Others pour the milk first.",
)
SECOND = Rule("MB-TEA-004", "TEA", "It is stirred", ("Once.",), "matchbus", "")


def rules_that_nothing_shows(rules: Iterable[Rule], stories: Iterable[StoryText]) -> list[str]:
    """Rules without a scenario."""
    shown = {id_ for story in stories for id_ in story.rules}
    return [rule.id for rule in rules if rule.id not in shown]


def stories_that_show_nothing(stories: Iterable[StoryText]) -> list[str]:
    """Scenarios without a rule."""
    return [f"{story.file}: {story.title}" for story in stories if not story.rules]


def wrong_ids(rules: Iterable[Rule], stories: Iterable[StoryText]) -> list[str]:
    """Rules that a scenario names and that do not exist, or that it names twice."""
    known = {rule.id for rule in rules}
    return [
        f"{story.file}: {story.title}: {id_}"
        for story in stories
        for at, id_ in enumerate(story.rules)
        if id_ not in known or id_ in story.rules[:at]
    ]


def test_each_rule_is_shown() -> None:
    assert rules_that_nothing_shows(rules_of(CHAPTERS), STORIES) == []


def test_each_story_shows_a_rule() -> None:
    assert stories_that_show_nothing(STORIES) == []


def test_each_id_is_of_a_rule() -> None:
    assert wrong_ids(rules_of(CHAPTERS), STORIES) == []


def test_a_rule_that_nothing_shows_a_story_that_shows_none_and_an_unknown_id_are_found() -> None:
    text = (
        "start\n----\n\n== A.\nrules: MB-TEA-001 MB-TEA-002 MB-TEA-001\n\nx\n----\n\n"
        "== B.\n\nx\n----\n\n== C.\n\nrules: MB-TEA-004\n"
    )
    stories = read_stories("tea", text)
    assert rules_that_nothing_shows([FIRST, SECOND], stories) == ["MB-TEA-004"]
    assert stories_that_show_nothing(stories) == ["tea: B.", "tea: C."]
    assert wrong_ids([FIRST, SECOND], stories) == ["tea: A.: MB-TEA-002", "tea: A.: MB-TEA-001"]


def test_the_page_is_one_of_rules() -> None:
    rules = rules_of(CHAPTERS)
    assert len(rules) > 90
    titles = [rule.title for rule in rules]
    assert sorted({title for title in titles if titles.count(title) > 1}) == []
    assert [chapter.name for chapter in CHAPTERS] == list(dict.fromkeys(chapter.name for chapter in CHAPTERS))


def test_a_rule_is_short() -> None:
    """A table is looked up, and not read."""
    texts = {rule.id: [text for text in rule.text if not text.startswith("|")] for rule in rules_of(CHAPTERS)}
    assert [rule for rule, text in texts.items() if len(" ".join(text)) > 360] == []


def test_each_reason_of_the_log_is_named_by_a_rule() -> None:
    """`by_request` is no refusal: the account asked for it. `skipped` is of a poison command, not of the market."""
    wanted = [
        name for reason, (name, _) in REASONS.items() if 200 <= reason < 900 and name not in ("by_request",)
    ]
    assert REASONS[SKIPPED][0] not in wanted
    assert [name for name in wanted if f"`{name}`" not in PAGE] == []


def test_a_page_is_read() -> None:
    (chapter,) = read_rulebook(SMALL)
    assert (chapter.name, chapter.title, chapter.rules) == ("TEA", "how it is made", (FIRST, SECOND))


@pytest.mark.parametrize(
    ("old", "new", "error"),
    [
        ("## TEA: how", "## Tea: how", "'## Tea: how it is made' is no heading of a chapter"),
        ("made\n\n###", "made\n\nNobody knows.\n\n###", "no heading of a chapter with rules right under it"),
        ("MB-TEA-001 ", "MB-TEA-1 ", "'### MB-TEA-1 Water comes first' is no heading of a rule"),
        ("comes first", "comes first.", "is no heading of a rule"),
        ("### MB-TEA-004", "#### MB-TEA-004", "is no heading of a rule"),
        ("MB-TEA-004", "MB-MILK-004", "MB-MILK-004 stands in chapter TEA"),
        ("MB-TEA-004", "MB-TEA-001", "MB-TEA-001 stands behind 001"),
        ("Source: matchbus\n", "", "MB-TEA-004 does not end with its source"),
        ("Source: matchbus", "Source:matchbus", "MB-TEA-004 does not end with its source"),
        ("Once.\n\n", "", "MB-TEA-004 says nothing"),
        ("Once.", "Convention. None.", "MB-TEA-004: 'Convention. None.' stands in the wrong place"),
        ("## TEA", "## MILK: what it is\n\n## TEA", "chapter MILK has no rule"),
    ],
)
def test_a_page_of_another_form_is_refused(old: str, new: str, error: str) -> None:
    assert SMALL.count(old) == 1
    with pytest.raises(BadRulebook, match=error):
        read_rulebook(SMALL.replace(old, new))


def test_stories_of_a_folder_below_are_found_by_their_path(tmp_path: Path) -> None:
    (tmp_path / "teas").mkdir()
    (tmp_path / "teas/green.txt").write_text("\n== A.\nrules: X\n\na\n----\n", encoding="utf-8")
    (tmp_path / "water.txt").write_text("\n== B.\nrules: X\n\nb\n----\n", encoding="utf-8")
    assert [(story.file, story.title) for story in stories_in(tmp_path)] == [
        ("teas/green", "A."),
        ("water", "B."),
    ]


def test_stories_are_read_with_their_opening() -> None:
    text = "# Tea.\n\nstart\n----\n\n== A.\nrules: X Y\n\nanna: a\n----\nb\n\n== B.\nrules: X\n\nc\n----\n"
    opening = "# Tea.\n\nstart\n----"
    assert read_stories("tea", text) == [
        StoryText("tea", "A.", ("X", "Y"), opening, "anna: a\n----\nb"),
        StoryText("tea", "B.", ("X",), opening, "c\n----"),
    ]
