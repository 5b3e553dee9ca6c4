"""What pages are made of: tables of cells that are HTML already, and the parts that hold them."""

from msgspec import Struct
from tornado.escape import xhtml_escape

from tools.report.amounts import NONE, amount


class Rows(Struct):
    """A table of a page: columns with the class of their cells, cells as HTML. `none`: what is said without rows."""

    columns: list[tuple[str, str]]
    rows: list[list[str]]
    none: str = ""
    note: str = ""


class Statement(Struct):
    """What became of some assets of an account. `lines`: class, name, an amount for each asset."""

    assets: list[str]
    lines: list[tuple[str, str, list[str]]]


class AccountPart(Struct):
    """All of one account."""

    name: str
    anchor: str
    summary: str
    statements: list[Statement]
    tables: list[tuple[str, Rows]]


class VenuePart(Struct):
    """All of the venue, or of a group: then `accounts` alone. `assets` is None where it does not clear."""

    facts: list[tuple[str, str]]
    assets: Rows | None
    checks: list[str]
    instruments: Rows | None
    revisions: Rows | None
    accounts: Rows


def filled_columns(
    columns: list[tuple[str, str]], rows: list[list[str]], none: str = "", note: str = ""
) -> Rows:
    """A table without the columns in which no row has anything."""
    kept = [at for at in range(len(columns)) if not rows or any(row[at] != NONE for row in rows)]
    return Rows([columns[at] for at in kept], [[row[at] for at in kept] for row in rows], none, note)


def anchor(name: str) -> str:
    """Where on a page an account stands."""
    return f"account-{name}"


def with_unit(units: str, asset: str) -> str:
    """An amount and what it is of."""
    if not units.strip("-0."):
        return NONE
    return f'{amount(units)} <span class="dim">{xhtml_escape(asset)}</span>'


def note_of(shown: int, count: int, table: str) -> str:
    """What is said under a table that shows the first rows of another one."""
    if shown >= count:
        return ""
    return f"The first {shown:,} of {count:,}; all of them are in the table `{table}` (--csv, --parquet)."
