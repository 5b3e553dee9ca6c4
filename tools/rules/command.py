"""`matchbus rules`: the rules of the market, and the scenarios that show them."""

import difflib
import json
from collections.abc import Iterable
from itertools import groupby
from typing import Annotated, Any

import typer
from rich.table import Table
from rich.text import Text

from tools import options
from tools.ending import quietly, refused
from tools.rules.places import rulebook_page, scenarios_folder
from tools.rules.rulebook import Chapter, Rule, read_rulebook, rules_of
from tools.rules.stories import StoryText, stories_in
from tools.showing import plain_table, show

Which = Annotated[
    str,
    typer.Argument(metavar="[ID|PREFIX]", help="A rule, or the beginning of some; `MB-` may be left out."),
]


def rules(which: Which = "", as_json: options.AsJson = False) -> None:
    """Show the rules of the market; one rule with the scenarios that show it.

    \b
    Examples:
      matchbus rules
      matchbus rules MB-TIF
      matchbus rules replace-001
    """
    chapters = read_rulebook(rulebook_page().read_text(encoding="utf-8"))
    stories = stories_in(scenarios_folder())
    known = rules_of(chapters)
    found = matching(which, known)
    if not found:
        refused(f"there is no rule {which}; the nearest is {nearest(which, known)}")
    with quietly():
        if as_json:
            for rule in found:
                print(json.dumps(values(rule, shown_by(rule, stories)), ensure_ascii=False))
        elif found[0].id == completed(which, known):
            show_rule(found[0], shown_by(found[0], stories))
        else:
            for table in tables(chapters, found, stories):
                show(table)


def completed(which: str, known: Iterable[Rule]) -> str:
    """What was asked for as an id begins: in capitals, and with `MB-` unless that would fit nothing."""
    asked = which.upper()
    return asked if any(rule.id.startswith(asked) for rule in known) else f"MB-{asked}"


def matching(which: str, known: list[Rule]) -> list[Rule]:
    """The rules whose ids begin so."""
    asked = completed(which, known)
    return [rule for rule in known if rule.id.startswith(asked)]


def nearest(which: str, known: Iterable[Rule]) -> str:
    """The id that is most like what was asked for."""
    asked = which.upper()
    asked = asked if asked.startswith("MB-") else f"MB-{asked}"
    return difflib.get_close_matches(asked, [rule.id for rule in known], n=1, cutoff=0)[0]


def shown_by(rule: Rule, stories: Iterable[StoryText]) -> list[StoryText]:
    """The scenarios that name the rule."""
    return [story for story in stories if rule.id in story.rules]


def tables(chapters: Iterable[Chapter], found: Iterable[Rule], stories: list[StoryText]) -> Iterable[Table]:
    """A table for each chapter that has some of these rules."""
    titles = {chapter.name: chapter.title for chapter in chapters}
    for name, group in groupby(found, key=lambda rule: rule.chapter):
        table = plain_table(f"\n{name}: {titles[name]}", ["id", "rule", ">scenarios"])
        for rule in group:
            table.add_row(rule.id, Text(rule.title), str(len(shown_by(rule, stories))))
        yield table


def values(rule: Rule, stories: Iterable[StoryText]) -> dict[str, Any]:
    """A rule for `--json`."""
    return {
        "id": rule.id,
        "chapter": rule.chapter,
        "title": rule.title,
        "text": list(rule.text),
        "source": rule.source,
        "convention": rule.convention,
        "scenarios": [
            {
                "file": story.file,
                "title": story.title,
                "rules": list(story.rules),
                "opening": story.opening,
                "text": story.text,
            }
            for story in stories
        ],
    }


def show_rule(rule: Rule, stories: Iterable[StoryText]) -> None:
    """Print a rule with its scenarios: commands, and under a line what they cause."""
    show(Text.assemble((rule.id, "bold cyan"), "  ", (rule.title, "bold")))
    for paragraph in rule.text:
        show(Text(f"\n{paragraph}"))
    show(Text.assemble(("\nSource: ", "bold"), rule.source))
    if rule.convention:
        show(Text.assemble(("\nConvention. ", "bold"), rule.convention))
    for story in stories:
        show(Text.assemble((f"\n{story.title}", "bold"), (f"  ({story.file}.txt)\n", "dim")))
        show(Text("\n".join(f"    {line}" for line in actions(story.opening)), style="dim"))
        show(Text(""))
        show(colored(story.text))


def actions(text: str) -> list[str]:
    """The commands of a text of blocks, without what they cause."""
    blocks = (block.partition("----")[0] for block in text.split("\n\n"))
    return [line for block in blocks for line in block.splitlines() if line and not line.startswith("#")]


def colored(text: str) -> Text:
    """A scenario's blocks: commands bold, remarks and lines dim."""
    lines = Text()
    for block in text.split("\n\n"):
        above = True
        for line in block.splitlines():
            above = above and line != "----"
            style = "dim" if line == "----" or line.startswith("#") else "bold" if above else ""
            lines.append(f"    {line}".rstrip() + "\n", style)
        lines.append("\n")
    lines.rstrip()
    return lines
