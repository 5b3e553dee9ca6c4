"""The page of an account: what became of its balances, what it traded and moved, and what is still open."""

from itertools import islice
from typing import Final

from bus.protocol.terms import EXTERNAL, VENUE_FEES
from tools.report.amounts import NONE, amount, moment, moved, negated, quiet, side, word
from tools.report.gathering import PAGE_ROWS_MAX
from tools.report.parts import AccountPart, Rows, Statement, anchor, filled_columns, note_of, with_unit
from tools.report.report import Report, Row
from tools.report.tables import BALANCES, POSITIONS, REVISIONS, TRADES, TRANSFERS
from tools.showing import counted

#: Assets side by side: so many fit on a page of paper.
_ASSETS_ABREAST: Final = 4

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


def account_part(report: Report, name: str) -> AccountPart:
    trades, transfers = report.count_of(TRADES, name), report.count_of(TRANSFERS, name)
    orders = list(islice(report.orders(name), PAGE_ROWS_MAX))
    order_count = report.open_orders(name)
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
                (
                    title,
                    filled_columns(_COLUMNS[table.name], rows, note=note_of(len(rows), count, table.name)),
                )
            )
    if orders:
        rows = [_order(row) for row in orders]
        tables.append(
            (
                "Open orders at the end",
                filled_columns(_ORDER_COLUMNS, rows, note=note_of(len(rows), order_count, "orders")),
            )
        )
    return AccountPart(
        name,
        anchor(name),
        _summary(name, trades, transfers, order_count),
        _statements(report, name),
        tables,
    )


def _summary(name: str, trades: int, transfers: int, orders: int) -> str:
    if name == EXTERNAL:
        return "The world outside: below 0 by what is at the venue. Deposits come from here, withdrawals go here."
    if name == VENUE_FEES:
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
    return filled_columns(columns, rows)


def _trade(row: Row, with_day: bool) -> list[str]:
    fee_asset, fee = row[TRADES.place("fee_asset")], row[TRADES.place("fee")]
    return [
        moment(row[1], with_day=with_day),
        word(row[2]),
        side(row[7]),
        amount(row[10]),
        amount(row[9]),
        amount(row[11]),
        with_unit(fee, fee_asset) if fee_asset else NONE,
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
    price, trigger, quantity, filled, _, held_asset, held, fee_asset, fee_held = rest
    return [
        word(symbol),
        side(which),
        quiet(" ".join(part for part in (kind, time_in_force, status if status != "open" else "") if part)),
        amount(quantity),
        moved(filled),
        amount(price),
        amount(trigger),
        with_unit(held, held_asset) if held_asset else NONE,
        with_unit(fee_held, fee_asset) if fee_asset else NONE,
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
    ("And for fees", "n"),
    ("Number", "n"),
    ("Order", "long"),
]
