"""A report as pages to read and to print: one file for all of it, or a folder with an index and a page an account.

Each page has all that it needs in itself. What tables have in thousands of rows, pages show the first of, and say so.
"""

from pathlib import Path
from typing import Final

from msgspec import Struct
from tornado.template import Loader

from bus.errors import ConfigError
from tools.report.landing import page_mark
from tools.report.parts import AccountPart, Rows, VenuePart, anchor
from tools.report.period import moment_text
from tools.report.report import Report
from tools.report.statement import account_part
from tools.report.venue_page import venue_part
from tools.showing import counted

#: Accounts in one file: with more of them no browser scrolls through it.
FILE_ACCOUNTS_MAX: Final = 1_000

INDEX: Final = "index.html"
_FOLDER: Final = "accounts"

_TEMPLATES: Final = Loader(str(Path(__file__).parent))
_CSS: Final = (Path(__file__).parent / "page.css").read_text(encoding="utf-8")


class Page(Struct):
    """What the template shows."""

    title: str
    kicker: str
    span: str
    sequences: str
    unfinished: str
    mark: str
    home: str
    venue: VenuePart | None
    accounts: list[AccountPart]


def check_page(report: Report) -> None:
    """ConfigError when there are too many accounts for one page."""
    count = len(_heard_of(report))
    if count > FILE_ACCOUNTS_MAX:
        raise ConfigError(
            f"--html: {counted(count, 'account')} are too many for one page, {FILE_ACCOUNTS_MAX:,} fit;"
            " name a folder, or one account with --account"
        )


def write_page(report: Report, file: Path) -> None:
    """All of it as one file, which `check_page` has found to fit."""
    names = _heard_of(report)
    parts = [account_part(report, name) for name in names]
    venue = None if report.is_of_one else venue_part(report, names, lambda name: f"#{anchor(name)}")
    file.write_bytes(_rendered(_page(report, venue, parts)))


def write_pages(report: Report, folder: Path) -> list[str]:
    """An index and a page for each account; their names."""
    names = _heard_of(report)
    if report.is_of_one:
        (folder / INDEX).write_bytes(
            _rendered(_page(report, None, [account_part(report, name) for name in names]))
        )
        return [INDEX]
    written = [INDEX]
    (folder / _FOLDER).mkdir()
    for name in names:
        path = _path(name)
        page = _page(report, None, [account_part(report, name)], home=f"../{INDEX}")
        (folder / path).write_bytes(_rendered(page))
        written.append(path)
    (folder / INDEX).write_bytes(_rendered(_page(report, venue_part(report, names, _path), [])))
    return written


def _rendered(page: Page) -> bytes:
    return _TEMPLATES.load("page.html").generate(page=page, css=_CSS, table=_table)


def _table(rows: Rows) -> bytes:
    return _TEMPLATES.load("table.html").generate(table=rows)


def _page(report: Report, venue: VenuePart | None, accounts: list[AccountPart], home: str = "") -> Page:
    walked = report.walked
    days = _days(report)
    kicker = "report of the venue" if report.is_of_venue else days
    if venue is None:
        title, kicker = accounts[0].name, f"statement · {days}"
    else:
        title = days if report.is_of_venue else report.whose.replace(":", " ")
    commands = walked.last_sequence - walked.first_sequence + 1
    sequences = f"{walked.first_sequence:,} to {walked.last_sequence:,}"
    until = moment_text(walked.until_ns)
    return Page(
        title=title,
        kicker=f"matchbus · {kicker}",
        span=f"{moment_text(walked.period.begin_ns)[:16].replace('T', ' ')} to {until[:16].replace('T', ' ')} UTC",
        sequences=f"{counted(commands, 'command')} of the log" + (f", {sequences}" if commands else ""),
        unfinished="" if walked.is_over else f"This is no whole day: the log ends with {until}.",
        mark=page_mark(report.of_what),
        home=home,
        venue=venue,
        accounts=accounts,
    )


def _days(report: Report) -> str:
    """`Friday, 27 November 2026`, or `1 to 30 November 2026`."""
    first, last = report.walked.period.first, report.walked.period.last
    if first == last:
        return f"{first:%A}, {first.day} {first:%B %Y}"
    if (first.year, first.month) == (last.year, last.month):
        return f"{first.day} to {last.day} {last:%B %Y}"
    return f"{first.day} {first:%B %Y} to {last.day} {last:%B %Y}"


def _heard_of(report: Report) -> list[str]:
    """Accounts with anything to show; the one that was asked for in any case."""
    return [name for name in report.accounts() if report.is_of_one or not report.is_silent(name)]


def _path(name: str) -> str:
    """A file for each account: names have letters, digits and `_.-`, and the venue's a colon."""
    return f"{_FOLDER}/{anchor(name).replace(':', '~')}.html"
