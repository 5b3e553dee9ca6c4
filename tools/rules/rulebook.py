"""The rulebook: the page `docs/rules.md` as values. Called by `matchbus rules` and by the tests of the page.

The page's grammar, after whatever stands before the first chapter. Parts are set apart by empty lines.

    chapter    ## NAME: what it is about
    rule       ### MB-NAME-001 A short title without a dot
               one or several paragraphs
               Source: whose convention it follows
               Convention. what others do                    (where they differ)

The rule guarded here: an id stands under its own chapter, and the numbers of a chapter rise, so no id is there twice.
What a rule that falls leaves is a gap: ids are never given again.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

_CHAPTER: Final = re.compile(r"## ([A-Z]+): (.+)")
_RULE: Final = re.compile(r"### (MB-([A-Z]+)-(\d{3})) (.+[^.])")
_SOURCE: Final = "Source: "
_CONVENTION: Final = "Convention. "


class BadRulebook(ValueError):
    """The page is not of its grammar; the text names the line or the rule."""


@dataclass(frozen=True)
class Rule:
    """One rule. `text`: its paragraphs; `convention`: what correct engines do otherwise, "" where they agree."""

    id: str
    chapter: str
    title: str
    text: tuple[str, ...]
    source: str
    convention: str


@dataclass(frozen=True)
class Chapter:
    """Rules that belong together."""

    name: str
    title: str
    rules: tuple[Rule, ...]


def read_rulebook(page: str) -> list[Chapter]:
    """The chapters of the page. Raises BadRulebook."""
    return [_chapter(part) for part in re.split(r"(?m)^(?=## )", page)[1:]]


def rules_of(chapters: list[Chapter]) -> list[Rule]:
    """All rules, in order of the page."""
    return [rule for chapter in chapters for rule in chapter.rules]


def _chapter(text: str) -> Chapter:
    beginning, *rules = re.split(r"(?m)^(?=###)", text)
    heading = _CHAPTER.fullmatch(beginning.strip())
    if heading is None:
        raise BadRulebook(f"{_first_line(beginning)!r} is no heading of a chapter with rules right under it")
    chapter = Chapter(heading[1], heading[2], tuple(_rules(heading[1], rules)))
    if not chapter.rules:
        raise BadRulebook(f"chapter {chapter.name} has no rule")
    return chapter


def _rules(chapter: str, parts: list[str]) -> Iterator[Rule]:
    last = 0
    for part in parts:
        heading, *paragraphs = (_one_line(lines) for lines in re.split(r"\n{2,}", part.strip()))
        match = _RULE.fullmatch(heading)
        if match is None:
            raise BadRulebook(f"{heading!r} is no heading of a rule")
        id_, of, number, title = match[1], match[2], int(match[3]), match[4]
        if of != chapter:
            raise BadRulebook(f"{id_} stands in chapter {chapter}")
        if number <= last:
            raise BadRulebook(f"{id_} stands behind {last:03}")
        last = number
        yield Rule(id_, chapter, title, *_paragraphs(id_, paragraphs))


def _paragraphs(id_: str, paragraphs: list[str]) -> tuple[tuple[str, ...], str, str]:
    """What a rule says, its source and its convention."""
    convention = ""
    if paragraphs and paragraphs[-1].startswith(_CONVENTION):
        convention = paragraphs.pop().removeprefix(_CONVENTION)
    if not paragraphs or not paragraphs[-1].startswith(_SOURCE):
        raise BadRulebook(f"{id_} does not end with its source, or that and a convention")
    source = paragraphs.pop().removeprefix(_SOURCE)
    if not paragraphs:
        raise BadRulebook(f"{id_} says nothing")
    for paragraph in paragraphs:
        if paragraph.startswith((_SOURCE.strip(), _CONVENTION.strip(), "#")):
            raise BadRulebook(f"{id_}: {paragraph!r} stands in the wrong place")
    return tuple(paragraphs), source, convention


def _one_line(paragraph: str) -> str:
    """A paragraph is broken for editors; a table is as it is."""
    return paragraph if paragraph.startswith("|") else " ".join(paragraph.split("\n"))


def _first_line(text: str) -> str:
    return text.partition("\n")[0]
