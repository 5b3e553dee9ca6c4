"""The pages hold together: what they name is there, links lead somewhere, each invariant has its place.

Each check stands here twice: pointed at the pages, where it must find nothing, and at a planted error.
"""

import re
from collections.abc import Mapping
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
PAGES = {
    str(path.relative_to(ROOT)): path.read_text(encoding="utf-8")
    for path in [ROOT / "README.md", *sorted((ROOT / "docs").rglob("*.md"))]
}
ARCHITECTURE = PAGES["docs/architecture.md"]
DECISIONS = {name: text for name, text in PAGES.items() if re.match(r"docs/decisions/\d", name)}
LINES_OF_A_PAGE = 60

in_the_repository = pytest.mark.skipif(
    not (ROOT / ".git").exists(),
    reason="looks at the sources, and here are only the tests of an installed package",
)


def missing_files(pages: Mapping[str, str]) -> list[str]:
    """Files and folders of the repository that a page names and that are not there."""
    named = r"`((?:bus|matcher|publisher|web|tools|tests|docs)/[\w./-]*)`"
    return [
        f"{page}: {name}"
        for page, text in pages.items()
        for name in re.findall(named, text)
        if not (ROOT / name).exists()
    ]


def anchors(text: str) -> set[str]:
    """The anchors of a page: its headings, and those that it sets itself."""
    headings = re.findall(r"^#+ (.*)$", text, re.MULTILINE)
    made = {re.sub(r"[^\w -]", "", heading).lower().replace(" ", "-") for heading in headings}
    return made | set(re.findall(r'<a id="([^"]+)">', text))


def broken_links(pages: Mapping[str, str]) -> list[str]:
    """Links between pages that lead nowhere."""
    broken = []
    for page, text in pages.items():
        for link in re.findall(r"\]\(([^)\s]+)\)", text):
            target, _, anchor = link.partition("#")
            if "://" in link:
                continue
            path = (ROOT / page).parent / target if target else ROOT / page
            if not path.exists() or (anchor and anchor not in anchors(path.read_text(encoding="utf-8"))):
                broken.append(f"{page}: {link}")
    return broken


def invariants_without_a_place(text: str) -> list[str]:
    """Invariants without a row that names a file which keeps it."""
    rows = {
        cells[0].strip(): cells[2]
        for line in text.splitlines()
        if line.startswith("| I") and len(cells := line.strip("|").split(" | ")) == 3
    }
    return [
        name for name in (f"I{i}" for i in range(1, 13)) if not re.search(r"`\w+/.+\.py`", rows.get(name, ""))
    ]


def twice_in_the_glossary(text: str) -> list[str]:
    """Words with two rows."""
    words = [
        word.strip()
        for row in re.findall(r"^\| ([^|]+) \| [^-]", text, re.MULTILINE)
        if row not in ("word",)
        for word in row.split(",")
    ]
    return sorted({word for word in words if words.count(word) > 1})


@in_the_repository
def test_what_the_pages_name_is_there() -> None:
    assert missing_files(PAGES) == []


@in_the_repository
def test_a_file_that_is_not_there_is_found() -> None:
    assert missing_files({"a": "see `bus/none.py`, `bus/` and `docs/glossary.md`"}) == ["a: bus/none.py"]


def test_links_lead_somewhere() -> None:
    assert broken_links(PAGES) == []


def test_a_link_that_leads_nowhere_is_found() -> None:
    page = "[a](cli.md) [b](none.md) [c](protocol.md#none) [d](protocol.md#limits) [e](#f) [g](https://h)"
    assert (
        broken_links({"docs/x.md": page})
        == [
            "docs/x.md: none.md",
            "docs/x.md: protocol.md#none",
            "docs/x.md: #f",
        ]
        or not (ROOT / "docs/x.md").exists()
    )


@in_the_repository
def test_each_invariant_has_a_place() -> None:
    assert invariants_without_a_place(ARCHITECTURE) == []


def test_an_invariant_without_a_place_is_found() -> None:
    page = re.sub(r"^\| I7 .*\n", "", ARCHITECTURE, flags=re.MULTILINE).replace(
        "`bus/config.py`", "everywhere"
    )
    assert invariants_without_a_place(page) == ["I7", "I11"]


def test_each_decision_is_in_the_list_has_its_form_and_fits_a_page() -> None:
    listed = re.findall(r"\]\((\d{4}-[\w-]+\.md)\)", PAGES["docs/decisions/README.md"])
    assert [f"docs/decisions/{name}" for name in listed] == list(DECISIONS)
    for number, (name, text) in enumerate(DECISIONS.items(), 1):
        assert name.startswith(f"docs/decisions/{number:04}-")
        assert text.startswith(f"# {number:04} ")
        assert text.splitlines()[0][2:] in PAGES["docs/decisions/README.md"]
        assert "**Decided.**" in text
        assert "**Why" in text
        assert len(text.splitlines()) <= LINES_OF_A_PAGE


def test_a_word_has_one_row_in_the_glossary() -> None:
    glossary = PAGES["docs/glossary.md"]
    assert twice_in_the_glossary(glossary) == []
    assert twice_in_the_glossary(glossary + "| maker, tick | again |\n") == ["maker", "tick"]
