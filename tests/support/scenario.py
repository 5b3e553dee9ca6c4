"""Scenario files: stories of an exchange with the exact events under each command, after etcd's datadriven tests.

    start
    open anna
    ----

    == A story: one sentence that says what is shown.
    rules: MB-MATCH-001 MB-MATCH-003

    # What happens next, and why.
    anna: enter a1 BTC-USD buy 5 @ 100
    ----
    anna accepted a1 #3 BTC-USD buy 5 @ 100 GTC
    ...

What stands before the first story is done at the beginning of each. Each story names the rules of `docs/rules.md`
that it shows. The lines are of `scenario_language`; whoever
drives an exchange with them is a `Driver`: `engine_driver` has the engine alone, `socket_driver` a running node behind
its sockets, and both are told every story. `pytest --rewrite` writes what happened in place of what was expected; a
person reads the difference.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

from tests.support.scenario_language import Action, NotUnderstood, parse_action
from tests.support.scenario_printing import Moment, event_line
from tools.rules.stories import HEADING, RULES

SCENARIOS = Path(__file__).parent.parent / "scenarios"
RULE = "----"


@dataclass(frozen=True)
class Happened:
    """What an action caused, as `(account or topic, event)` in the order of leaving, and its commands' moments."""

    events: list[tuple[str, tuple[Any, ...]]]
    moments: Mapping[int, Moment]


def middle(below: int) -> int:
    """What is drawn in scenarios."""
    return below // 2


class Driver(Protocol):
    """An exchange that a scenario can be told to."""

    def perform(self, action: Action) -> Happened:
        """Do it, and wait until all that it causes has been said."""


@dataclass
class Block:
    """Some actions and what they are expected to cause. `line` is the number of the first action's line."""

    line: int
    actions: list[str]
    expected: list[str]


@dataclass
class Story:
    """A scenario: its sentence, the ids of the rules that it shows, and its blocks."""

    title: str
    rules: tuple[str, ...]
    blocks: list[Block]


class ScenarioFile:
    """A file of scenarios. It remembers its layout, so that it can be written again with other expectations."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.opening = Story("", (), [])
        self.stories: list[Story] = []
        self._layout: list[str | Block] = []
        self._parse(path.read_text(encoding="utf-8").splitlines())

    def story(self, title: str) -> Story:
        """The story of this title."""
        (found,) = [story for story in self.stories if story.title == title]
        return found

    def text(self) -> str:
        """The file as it is now."""
        lines: list[str] = []
        for part in self._layout:
            if isinstance(part, Block):
                lines += [*part.actions, RULE, *part.expected]
            else:
                lines.append(part)
        return "\n".join(lines).rstrip("\n") + "\n"

    def _parse(self, lines: list[str]) -> None:
        story = self.opening
        at = 0
        while at < len(lines):
            line = lines[at]
            if line.startswith(HEADING):
                shown = lines[at + 1] if at + 1 < len(lines) else ""
                if not shown.startswith(RULES):
                    raise NotUnderstood(f"{self.path.name}:{at + 1}: the story names no rule")
                story = Story(line.removeprefix(HEADING), tuple(shown.removeprefix(RULES).split()), [])
                self.stories.append(story)
                self._layout += [line, shown]
                at += 2
                continue
            if not line or line.startswith("#"):
                self._layout.append(line)
                at += 1
                continue
            end = _next_blank(lines, at)
            if RULE not in lines[at:end]:
                raise NotUnderstood(f"{self.path.name}:{at + 1}: no {RULE} under the commands")
            rule = lines.index(RULE, at)
            block = Block(at + 1, lines[at:rule], lines[rule + 1 : end])
            self._layout.append(block)
            story.blocks.append(block)
            at = end


def _next_blank(lines: list[str], at: int) -> int:
    while at < len(lines) and lines[at]:
        at += 1
    return at


def perform_block(driver: Driver, block: Block) -> list[str]:
    """What a block causes, in the words of the language."""
    lines: list[str] = []
    for number, text in enumerate(block.actions):
        try:
            action = parse_action(text)
        except NotUnderstood as error:
            raise NotUnderstood(f"line {block.line + number}: {error}") from None
        happened = driver.perform(action)
        lines += [event_line(stream, event, happened.moments) for stream, event in happened.events]
    return lines


def every_story() -> list[tuple[Path, str]]:
    """File and title of each story that there is."""
    return [
        (path, story.title)
        for path in sorted(SCENARIOS.glob("*.txt"))
        for story in ScenarioFile(path).stories
    ]
