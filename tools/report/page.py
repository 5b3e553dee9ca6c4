"""A report as pages to read and to print: one file for all of it, or a folder with an index and a page an account.

Each page has all that it needs in itself. What tables have in thousands of rows, pages show the first of, and say so.
"""

from collections.abc import Callable, Sequence
from itertools import islice
from pathlib import Path
from typing import Final

from msgspec import Struct
from tornado.escape import xhtml_escape
from tornado.template import Loader

from bus.errors import ConfigError
from bus.protocol.terms import EXTERNAL
from tools.report.amounts import NONE, amount, moment, moved, negated, quiet, side, word
from tools.report.gathering import FEES_ACCOUNT, PAGE_ROWS_MAX
from tools.report.landing import page_mark
from tools.report.period import moment_text
from tools.report.report import Report, Row
from tools.report.tables import ASSETS, BALANCES, INSTRUMENTS, POSITIONS, REVISIONS, TRADES, TRANSFERS
from tools.showing import counted

#: Accounts in one file: with more of them no browser scrolls through it.
FILE_ACCOUNTS_MAX: Final = 1_000
#: Accounts that a venue's page lists: those that traded most.
_LISTED_MAX: Final = 1_000
#: Assets side by side in a statement: so many fit on a page of paper.
_ASSETS_ABREAST: Final = 4

INDEX: Final = "index.html"
_FOLDER: Final = "accounts"

_TEMPLATES: Final = Loader(str(Path(__file__).parent))
_CSS: Final = (Path(__file__).parent / "page.css").read_text(encoding="utf-8")

#: Lines of a statement: its class, its name, the column of `balances`, and whether that leaves the account.
_LINES: Final = (
    ("edge", "Opening balance", "opening", False),
    ("", "Deposits", "deposits", False),
    ("", "Withdrawals", "withdrawals", True),
    ("", "Transfers in", "transfers_in", False),
    ("", "Transfers out", "transfers_out", True),
    ("", "Received in trades", "received", False),
    ("", "Paid in trades", "paid", True),
    ("", "Fees", "fees", True),
    ("edge closing", "Closing balance", "closing", False),
    ("of", "held by open orders", "held", False),
    ("of", "free", "free", False),
)
#: Of these there is always a line.
_ALWAYS: Final = ("opening", "closing", "held", "free")


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
    """All of the venue. `assets` is None where it does not clear."""

    facts: list[tuple[str, str]]
    assets: Rows | None
    checks: list[str]
    instruments: Rows
    revisions: Rows | None
    accounts: Rows


class Page(Struct):
    """What the template shows."""

    title: str
    kicker: str
    days: str
    span: str
    sequences: str
    unfinished: str
    mark: str
    home: str
    venue: VenuePart | None
    accounts: list[AccountPart]


def write_page(report: Report, file: Path) -> None:
    """All of it as one file. ConfigError when there are too many accounts for that."""
    names = _heard_of(report)
    if len(names) > FILE_ACCOUNTS_MAX:
        raise ConfigError(
            f"--html: {counted(len(names), 'account')} are too many for one page, {FILE_ACCOUNTS_MAX:,} fit;"
            " name a folder, or one account with --account"
        )
    parts = [_account(report, name) for name in names]
    venue = None if report.account else _venue(report, names, lambda name: f"#{_anchor(name)}")
    file.write_bytes(_rendered(_page(report, venue, parts)))


def write_pages(report: Report, folder: Path) -> list[str]:
    """An index and a page for each account; their names."""
    names = _heard_of(report)
    if report.account:
        (folder / INDEX).write_bytes(
            _rendered(_page(report, None, [_account(report, name) for name in names]))
        )
        return [INDEX]
    written = [INDEX]
    (folder / _FOLDER).mkdir()
    for name in names:
        path = _path(name)
        page = _page(report, None, [_account(report, name)], home=f"../{INDEX}")
        (folder / path).write_bytes(_rendered(page))
        written.append(path)
    (folder / INDEX).write_bytes(_rendered(_page(report, _venue(report, names, _path), [])))
    return written


def _rendered(page: Page) -> bytes:
    return _TEMPLATES.load("page.html").generate(page=page, css=_CSS, table=_table)


def _table(rows: Rows) -> bytes:
    return _TEMPLATES.load("table.html").generate(table=rows)


def _page(report: Report, venue: VenuePart | None, accounts: list[AccountPart], home: str = "") -> Page:
    walked = report.walked
    one = accounts[0].name if venue is None and accounts else report.account
    days = _days(report)
    commands = walked.last_sequence - walked.first_sequence + 1
    sequences = f"{walked.first_sequence:,} to {walked.last_sequence:,}"
    until = moment_text(walked.until_ns)
    return Page(
        title=days if venue is not None else one,
        kicker="matchbus · report of the venue" if venue is not None else f"matchbus · statement · {days}",
        days=days if venue is None else "report of the venue",
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


# Of the venue.


def _venue(report: Report, names: Sequence[str], link: Callable[[str], str]) -> VenuePart:
    instruments = list(report.rows(INSTRUMENTS))
    trades = sum(row[INSTRUMENTS.place("trades")] for row in instruments)
    open_orders = sum(len(account.open) for account in report.walked.core.state.accounts.values())
    return VenuePart(
        facts=[
            ("Trades", f"{trades:,}"),
            ("Transfers", f"{report.count(TRANSFERS) // 2:,}"),
            ("Open orders at the end", f"{open_orders:,}"),
            ("Accounts", f"{len(names):,}"),
        ],
        assets=_assets(report) if report.clears else None,
        checks=_checks(report),
        instruments=Rows(
            [
                ("Instrument", ""),
                ("Trades", "n"),
                ("Volume", "n"),
                ("Value", "n"),
                ("Open", "n"),
                ("High", "n"),
                ("Low", "n"),
                ("Close", "n"),
                ("VWAP", "n"),
                ("Busts", "n"),
                ("Corrections", "n"),
            ],
            [
                [
                    word(symbol),
                    f"{traded:,}" if traded else NONE,
                    _with_unit(volume, base),
                    _with_unit(value, quote),
                    *(amount(price) for price in prices),
                    f"{busts:,}" if busts else NONE,
                    f"{corrections:,}" if corrections else NONE,
                ]
                for symbol, base, quote, traded, volume, value, *prices, busts, corrections in instruments
            ],
            none="There are no instruments.",
        ),
        revisions=_revisions(report) if report.count(REVISIONS) else None,
        accounts=_accounts(report, names, link),
    )


def _assets(report: Report) -> Rows:
    return Rows(
        [
            ("Asset", ""),
            ("Before", "n"),
            ("Deposits", "n"),
            ("Withdrawals", "n"),
            ("After", "n"),
            ("Held by open orders", "n"),
            ("Fees taken", "n"),
            ("Accounts that have some", "n"),
        ],
        [
            [
                word(asset),
                amount(opening),
                moved(deposits),
                moved(negated(withdrawals)),
                f"<b>{amount(closing)}</b>",
                moved(held),
                moved(fees),
                f"{accounts:,}",
            ]
            for asset, _, opening, deposits, withdrawals, closing, fees, _, held, accounts in report.rows(
                ASSETS
            )
        ],
        none="No asset is defined.",
    )


def _checks(report: Report) -> list[str]:
    """What has been found to hold: without it there is no page."""
    lines = []
    if report.clears:
        lines += [
            "Of each account and asset, the opening balance and everything that moved come to the closing balance.",
            "All accounts together, the venue's own included, have 0 of each asset: nothing was made and nothing lost.",
            "What is held of each account is what its open orders need.",
        ]
    lines.append("Of each instrument, what was bought is what was sold, and what was published.")
    return lines


def _revisions(report: Report) -> Rows:
    """Both sides of each revised trade have a row; one of them is enough here."""
    buyers = [row for row in report.rows(REVISIONS) if row[REVISIONS.place("side")] == "buy"]
    rows = [
        [
            moment(row[1], with_day=report.is_of_days),
            word(row[2]),
            f"{row[3]:,}",
            word(row[8]),
            amount(row[9]),
            amount(row[10]),
            amount(row[11]),
        ]
        for row in buyers[:PAGE_ROWS_MAX]
    ]
    columns = [
        ("Time", ""),
        ("Instrument", ""),
        ("Trade", "n"),
        ("", ""),
        ("Quantity", "n"),
        ("Price before", "n"),
        ("Price", "n"),
    ]
    return Rows(columns, rows, note=_first_of(len(rows), len(buyers), REVISIONS.name))


def _accounts(report: Report, names: Sequence[str], link: Callable[[str], str]) -> Rows:
    """Those that traded most first."""
    core = report.walked.core
    counts = {name: (report.count_of(TRADES, name), report.count_of(TRANSFERS, name)) for name in names}
    listed = sorted(names, key=lambda name: (-counts[name][0], name))[:_LISTED_MAX]
    rows = [
        [
            f'<a href="{xhtml_escape(link(name))}">{xhtml_escape(name)}</a>',
            *(f"{count:,}" if count else NONE for count in counts[name]),
            f"{count:,}" if (count := len(core.state.accounts[name].open)) else NONE,
        ]
        for name in listed
    ]
    columns = [("Account", ""), ("Trades", "n"), ("Transfers", "n"), ("Open orders at the end", "n")]
    note = (
        f"The {len(rows):,} that traded most, of {len(names):,}; each of the others has a page, too."
        if len(rows) < len(names)
        else ""
    )
    return Rows(columns, rows, none="Nobody has anything or did anything.", note=note)


# Of an account.


def _account(report: Report, name: str) -> AccountPart:
    trades, transfers = report.count_of(TRADES, name), report.count_of(TRANSFERS, name)
    orders = list(islice(report.orders(name), PAGE_ROWS_MAX))
    order_count = len(report.walked.core.state.accounts[name].open)
    tables: list[tuple[str, Rows]] = []
    positions = list(report.positions(name))
    if positions:
        tables.append(("What it traded", _positions(positions)))
    for title, table, made in (
        ("Trades", TRADES, _trade),
        ("Transfers", TRANSFERS, _transfer),
        ("Busts and corrections", REVISIONS, _revision),
    ):
        count = report.count_of(table, name)
        if count:
            rows = [made(row, report.is_of_days) for row in report.first_rows(table, name)]
            tables.append(
                (title, Rows(_COLUMNS[table.name], rows, note=_first_of(len(rows), count, table.name)))
            )
    if orders:
        rows = [_order(row) for row in orders]
        tables.append(
            (
                "Open orders at the end",
                Rows(_ORDER_COLUMNS, rows, note=_first_of(len(rows), order_count, "orders")),
            )
        )
    return AccountPart(
        name,
        _anchor(name),
        _summary(name, trades, transfers, order_count),
        _statements(report, name),
        tables,
    )


def _summary(name: str, trades: int, transfers: int, orders: int) -> str:
    if name == EXTERNAL:
        return "The world outside: below 0 by what is at the venue. Deposits come from here, withdrawals go here."
    if name == FEES_ACCOUNT:
        return "The venue's own account of fees: what all accounts have paid, less rebates."
    done = [
        counted(count, noun) for count, noun in ((trades, "trade"), (transfers, "transfer")) if count
    ] or ["No trades"]
    standing = f"{counted(orders, 'open order')} at the end" if orders else "no open orders at the end"
    return f"{', '.join((*done, standing))}."


def _statements(report: Report, name: str) -> list[Statement]:
    rows = [
        dict(zip((column for column, _ in BALANCES.columns), row, strict=True))
        for row in report.balances(name)
    ]
    return [_statement(rows[at : at + _ASSETS_ABREAST]) for at in range(0, len(rows), _ASSETS_ABREAST)]


def _statement(rows: list[dict[str, str]]) -> Statement:
    lines: list[tuple[str, str, list[str]]] = []
    for kind, title, column, leaves in _LINES:
        units = [negated(row[column]) if leaves else row[column] for row in rows]
        if column in _ALWAYS:
            lines.append((kind, title, [amount(one) for one in units]))
        elif any(one.strip("-0.") for one in units):
            lines.append((kind, title, [moved(one) for one in units]))
    return Statement([row["asset"] for row in rows], lines)


def _positions(positions: list[Row]) -> Rows:
    """With what there was before, where that was counted."""
    counted_before = positions[0][POSITIONS.place("opening")] is not None
    columns = [("Instrument", "")]
    columns += [("Position before", "n")] if counted_before else []
    columns += [("Bought", "n"), ("Sold", "n"), ("Net", "n")]
    columns += [("Position after", "n")] if counted_before else []
    columns += [("Bought for", "n"), ("Sold for", "n"), ("Average bought", "n"), ("Average sold", "n")]
    rows = []
    for _, symbol, opening, bought, sold, net, closing, bought_value, sold_value, *averages in positions:
        cells = [word(symbol)]
        cells += [amount(opening)] if counted_before else []
        cells += [moved(bought), moved(sold), amount(net)]
        cells += [amount(closing)] if counted_before else []
        cells += [moved(bought_value), moved(sold_value), *(amount(one) for one in averages)]
        rows.append(cells)
    return Rows(columns, rows)


def _trade(row: Row, with_day: bool) -> list[str]:
    fee_asset, fee = row[TRADES.place("fee_asset")], row[TRADES.place("fee")]
    return [
        moment(row[1], with_day=with_day),
        word(row[2]),
        side(row[7]),
        amount(row[10]),
        amount(row[9]),
        amount(row[11]),
        _with_unit(fee, fee_asset) if fee_asset else NONE,
        quiet(row[8]),
        quiet(row[3]),
        quiet(row[6]),
    ]


def _transfer(row: Row, with_day: bool) -> list[str]:
    _, time_ns, transfer_id, _, kind, other, asset, units, total = row
    return [
        moment(time_ns, with_day=with_day),
        word(kind),
        word(other),
        word(asset),
        amount(units),
        amount(total),
        quiet(transfer_id),
    ]


def _revision(row: Row, with_day: bool) -> list[str]:
    _, time_ns, symbol, trade_id, _, _, client_order_id, which, kind, quantity, before, price = row
    return [
        moment(time_ns, with_day=with_day),
        word(symbol),
        word(kind),
        side(which),
        amount(quantity),
        amount(before),
        amount(price),
        quiet(trade_id),
        quiet(client_order_id),
    ]


def _order(row: Row) -> list[str]:
    _, order_id, client_order_id, symbol, which, kind, time_in_force, status, *rest = row
    price, trigger, quantity, filled, _, held_asset, held = rest
    return [
        word(symbol),
        side(which),
        quiet(" ".join(part for part in (kind, time_in_force, status if status != "open" else "") if part)),
        amount(quantity),
        moved(filled),
        amount(price),
        amount(trigger),
        _with_unit(held, held_asset) if held_asset else NONE,
        quiet(order_id),
        quiet(client_order_id),
    ]


_COLUMNS: Final = {
    TRADES.name: [
        ("Time", ""),
        ("Instrument", ""),
        ("Side", ""),
        ("Quantity", "n"),
        ("Price", "n"),
        ("Value", "n"),
        ("Fee", "n"),
        ("As", ""),
        ("Trade", "n"),
        ("Order", "long"),
    ],
    TRANSFERS.name: [
        ("Time", ""),
        ("", ""),
        ("From or to", ""),
        ("Asset", ""),
        ("Amount", "n"),
        ("Balance", "n"),
        ("Transfer", "long"),
    ],
    REVISIONS.name: [
        ("Time", ""),
        ("Instrument", ""),
        ("", ""),
        ("Side", ""),
        ("Quantity", "n"),
        ("Price before", "n"),
        ("Price", "n"),
        ("Trade", "n"),
        ("Order", "long"),
    ],
}
_ORDER_COLUMNS: Final = [
    ("Instrument", ""),
    ("Side", ""),
    ("Kind", ""),
    ("Quantity", "n"),
    ("Filled", "n"),
    ("Price", "n"),
    ("Trigger", "n"),
    ("Holds", "n"),
    ("Number", "n"),
    ("Order", "long"),
]


def _with_unit(units: str, asset: str) -> str:
    if not units.strip("-0."):
        return NONE
    return f'{amount(units)} <span class="dim">{xhtml_escape(asset)}</span>'


def _first_of(shown: int, count: int, table: str) -> str:
    if shown >= count:
        return ""
    return f"The first {shown:,} of {count:,}; all of them are in the table `{table}` (--csv, --parquet)."


def _heard_of(report: Report) -> list[str]:
    """Accounts with anything to show; the one that was asked for in any case."""
    return [name for name in report.accounts() if report.account or not report.is_silent(name)]


def _anchor(name: str) -> str:
    return f"account-{name}"


def _path(name: str) -> str:
    """A file for each account: names have letters, digits and `_.-`, and the venue's a colon."""
    return f"{_FOLDER}/{_anchor(name).replace(':', '~')}.html"
