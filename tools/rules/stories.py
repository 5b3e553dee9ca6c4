"""The scenarios as texts to read: their sentences, the rules they name, and their lines. Nobody tells them here.

    == A story: one sentence that says what is shown.
    rules: MB-MATCH-001 MB-MATCH-003

What an action is and what an event looks like is the business of the tests that tell them (`tests/support/`).
"""

from dataclasses import dataclass
from pathlib import Path
from typing import Final

HEADING: Final = "== "
RULES: Final = "rules: "


@dataclass(frozen=True)
class StoryText:
    """A scenario. `file`: its path below the folder, without ending; `opening`: what is done before each one of it."""

    file: str
    title: str
    rules: tuple[str, ...]
    opening: str
    text: str


def read_stories(file: str, content: str) -> list[StoryText]:
    """The scenarios of a file. A line of rules stands right under the sentence, or is not there."""
    opening, *parts = ("\n" + content).split("\n" + HEADING)
    stories = []
    for part in parts:
        title, _, text = part.partition("\n")
        rules: tuple[str, ...] = ()
        if text.startswith(RULES):
            line, _, text = text.partition("\n")
            rules = tuple(line.removeprefix(RULES).split())
        stories.append(StoryText(file, title, rules, opening.strip(), text.strip()))
    return stories


def stories_in(folder: Path) -> list[StoryText]:
    """The scenarios of all files in a folder and below it, in order of the files' names."""
    return [
        story
        for path in sorted(folder.rglob("*.txt"))
        for story in read_stories(
            path.relative_to(folder).with_suffix("").as_posix(), path.read_text(encoding="utf-8")
        )
    ]
