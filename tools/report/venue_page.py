"""The page of a venue: what is there, that it adds up, what instruments traded, and who is there."""

from collections.abc import Callable, Sequence
from typing import Final

from tornado.escape import xhtml_escape

from tools.report.amounts import NONE, amount, moment, moved, negated, word
from tools.report.gathering import PAGE_ROWS_MAX
from tools.report.parts import Rows, VenuePart, filled_columns, note_of, with_unit
from tools.report.report import Report
from tools.report.tables import ASSETS, INSTRUMENTS, REVISIONS, TRADES, TRANSFERS

#: Accounts that it lists: those that traded most.
LISTED_MAX: Final = 1_000


def venue_part(report: Report, names: Sequence[str], link: Callable[[str], str]) -> VenuePart:
    """Of a group there is what its accounts did, and nothing of the venue."""
    facts = [
        ("Transfers", f"{report.count(TRANSFERS) // 2:,}"),
        ("Open orders at the end", f"{sum(map(report.open_orders, names)):,}"),
        ("Accounts", f"{len(names):,}"),
    ]
    if not report.is_of_venue:
        facts[0] = ("Trades of its accounts", f"{report.count(TRADES):,}")
        return VenuePart(facts, None, [], None, None, _accounts(report, names, link))
    trades = sum(row[INSTRUMENTS.place("trades")] for row in report.rows(INSTRUMENTS))
    return VenuePart(
        facts=[("Trades", f"{trades:,}"), *facts],
        assets=_assets(report) if report.clears else None,
        checks=_checks(report),
        instruments=_instruments(report),
        revisions=_revisions(report) if report.count(REVISIONS) else None,
        accounts=_accounts(report, names, link),
    )


def _instruments(report: Report) -> Rows:
    instruments = report.rows(INSTRUMENTS)
    return filled_columns(
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
                with_unit(volume, base),
                with_unit(value, quote),
                *(amount(price) for price in prices),
                f"{busts:,}" if busts else NONE,
                f"{corrections:,}" if corrections else NONE,
            ]
            for symbol, base, quote, traded, volume, value, *prices, busts, corrections in instruments
        ],
        none="There are no instruments.",
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
    return filled_columns(columns, rows, note=note_of(len(rows), len(buyers), REVISIONS.name))


def _accounts(report: Report, names: Sequence[str], link: Callable[[str], str]) -> Rows:
    """Those that traded most first."""
    counts = {name: (report.count_of(TRADES, name), report.count_of(TRANSFERS, name)) for name in names}
    listed = sorted(names, key=lambda name: (-counts[name][0], name))[:LISTED_MAX]
    rows = [
        [
            f'<a href="{xhtml_escape(link(name))}">{xhtml_escape(name)}</a>',
            *(f"{count:,}" if count else NONE for count in counts[name]),
            f"{count:,}" if (count := report.open_orders(name)) else NONE,
        ]
        for name in listed
    ]
    columns = [("Account", ""), ("Trades", "n"), ("Transfers", "n"), ("Open orders at the end", "n")]
    note = (
        f"The {len(rows):,} that traded most, of {len(names):,}; each of the others has a page, too."
        if len(rows) < len(names)
        else ""
    )
    return filled_columns(columns, rows, none="Nobody has anything or did anything.", note=note)
