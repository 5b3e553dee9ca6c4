"""Reports and open orders for people: a line each, decimals instead of ticks and lots."""

from collections.abc import Mapping
from typing import Final

from rich.table import Table
from rich.text import Text

from bus.protocol import reports
from bus.protocol.commands import EnterOrder
from bus.protocol.control import OpenOrder
from bus.protocol.reasons import REASONS, reason_name
from bus.protocol.terms import (
    BUY,
    LIMIT,
    LIQUIDITIES,
    MARKET,
    ORDER_STATUSES,
    ORDER_TYPES,
    PEGS,
    SELF_TRADES,
    SIDES,
    TIMES_IN_FORCE,
    WAITING,
)
from bus.sockets.session.prices import Scale
from tools.decoded import command_name, flag_words, time_text
from tools.order.account_words import OF_ACCOUNTS, account_line
from tools.showing import counted, plain_table

_UNKNOWN: Final[Mapping[str, int]] = {}

SIDE_STYLES = {"buy": "green", "sell": "red"}


def reason_sentence(reason: int) -> str:
    """A reason's name and what it means."""
    known = REASONS.get(reason)
    return f"{reason_name(reason)}: {known[1]}" if known else reason_name(reason)


def report_line(report: reports.Report, scale: Scale | None, decimals: Mapping[str, int] = _UNKNOWN) -> Text:
    """One report as one line; `scale` is that of its symbol, None where it has none, `decimals` those of assets."""
    if isinstance(report, OF_ACCOUNTS):
        return account_line(report, decimals)
    line = Text()
    if isinstance(report, reports.Accepted):
        kind = ORDER_TYPES.get(report.order_type, "")
        line.append("accepted  ", "bold cyan")
        line.append(f"order {report.order_id}  {report.client_order_id}  ")
        _side(line, report.side)
        line.append(f"{quantity_text(scale, report.quantity_lots)} {report.symbol} ")
        at = f"at {price_text(scale, report.price_ticks)}" if report.price_ticks else ""
        line.append(" ".join(filter(None, ("" if report.order_type == LIMIT else kind, at))), "bold")
        line.append(f"  {' '.join(conditions(report, scale))}", "dim")
    elif isinstance(report, reports.Filled):
        line.append("filled    ", "bold green")
        line.append(f"order {report.order_id}  {report.client_order_id}  ")
        _side(line, report.side)
        line.append(f"{quantity_text(scale, report.quantity_lots)} {report.symbol} ")
        line.append(f"at {price_text(scale, report.price_ticks)}", "bold")
        line.append(
            f"  trade {report.trade_id}, {LIQUIDITIES.get(report.liquidity, '')},"
            f" {quantity_text(scale, report.leaves_lots)} left",
            "dim",
        )
    elif isinstance(report, reports.Cancelled):
        line.append("cancelled ", "bold yellow")
        line.append(f"order {report.order_id}  {report.client_order_id}  ")
        line.append(f"{quantity_text(scale, report.quantity_lots)} {report.symbol} taken back")
        line.append(
            f"  {reason_name(report.reason)}, {quantity_text(scale, report.cumulative_lots)} filled before",
            "dim",
        )
    elif isinstance(report, reports.Replaced):
        line.append("replaced  ", "bold cyan")
        line.append(f"order {report.order_id}  {report.client_order_id}  ")
        line.append(f"{quantity_text(scale, report.quantity_lots)} {report.symbol} ")
        line.append(f"at {price_text(scale, report.price_ticks)}" if report.price_ticks else "", "bold")
        place = "kept its place" if report.kept_priority else "at the back of its level"
        line.append(f"  {place}, {quantity_text(scale, report.leaves_lots)} left", "dim")
    elif isinstance(report, reports.Duplicate):
        line.append("duplicate ", "bold yellow")
        line.append(f"{report.request_id} was executed at sequence {report.first_sequence}")
        if report.reason:
            line.append(f", rejected then: {reason_sentence(report.reason)}")
        elif report.order_id:
            status = ORDER_STATUSES.get(report.status, str(report.status))
            line.append(
                f": order {report.order_id} is {status}, {quantity_text(scale, report.cumulative_lots)} of"
                f" {quantity_text(scale, report.quantity_lots)} filled"
            )
    elif isinstance(report, reports.Triggered):
        line.append("triggered ", "bold cyan")
        line.append(f"order {report.order_id}  {report.client_order_id}  {report.symbol}")
        if report.last_price_ticks:
            line.append(f"  by a trade at {price_text(scale, report.last_price_ticks)}", "dim")
    elif isinstance(report, reports.Restated):
        line.append("restated  ", "bold yellow")
        line.append(f"order {report.order_id}  {report.client_order_id}  ")
        line.append(f"{quantity_text(scale, report.quantity_lots)} {report.symbol} ")
        line.append(f"at {price_text(scale, report.price_ticks)}" if report.price_ticks else "", "bold")
        line.append(f"  {reason_name(report.reason)}, {quantity_text(scale, report.leaves_lots)} left", "dim")
    elif isinstance(report, reports.Prevented):
        line.append("prevented ", "bold yellow")
        line.append(f"order {report.order_id}  {report.client_order_id}  ")
        _side(line, report.side)
        line.append(f"{quantity_text(scale, report.quantity_lots)} {report.symbol} ")
        line.append(f"at {price_text(scale, report.price_ticks)}", "bold")
        line.append("  an order of the same owner stood there", "dim")
    elif isinstance(report, reports.TradeRevised):
        line.append("revised   ", "bold yellow")
        line.append(f"order {report.order_id}  {report.client_order_id}  trade {report.trade_id}  ")
        _side(line, report.side)
        line.append(f"{quantity_text(scale, report.quantity_lots)} {report.symbol} ")
        price = f"at {price_text(scale, report.price_ticks)}" if report.price_ticks else "busted"
        line.append(price, "bold")
        line.append(f"  was at {price_text(scale, report.previous_price_ticks)}", "dim")
    elif isinstance(report, reports.Completed):
        line.append("done      ", "bold cyan")
        line.append(
            f"{counted(report.count, 'order')} cancelled"
            if command_name(report.command) == "MassCancel"
            else command_name(report.command) + ("" if report.count else ": would be taken")
        )
    else:
        line.append("rejected  ", "bold red")
        line.append(f"{report.request_id}  {reason_sentence(report.reason)}")
    return line


def open_orders_table(account: str, orders: list[OpenOrder], scales: dict[str, Scale]) -> Table:
    """Open orders, oldest first."""
    columns = ("symbol", "side", ">quantity", ">filled", ">price", "", ">order", "client order id")
    table = plain_table(f"{counted(len(orders), 'open order')} of {account}", columns)
    for order in orders:
        entered = order.entered
        scale = scales[entered.symbol]
        side = SIDES[entered.side]
        table.add_row(
            entered.symbol,
            Text(side, SIDE_STYLES[side]),
            f"{scale.quantity(order.quantity_lots):f}",
            f"{scale.quantity(order.filled_lots):f}",
            f"{scale.price(order.price_ticks):f}" if order.price_ticks else "",
            Text(" ".join(conditions(entered, scale) + _waits(order, scale)), "dim"),
            str(order.order_id),
            entered.client_order_id,
        )
    return table


def fills_table(account: str, fills: list[tuple[int, reports.Filled]], scales: dict[str, Scale]) -> Table:
    """Executions with their report numbers, oldest first."""
    columns = (
        "time (UTC)",
        "symbol",
        "side",
        ">quantity",
        ">price",
        "",
        ">trade",
        ">report",
        "client order id",
    )
    table = plain_table(f"{counted(len(fills), 'fill')} of {account}", columns)
    for number, fill in fills:
        scale = scales[fill.symbol]
        side = SIDES[fill.side]
        table.add_row(
            time_text(fill.time_ns)[:-3],
            fill.symbol,
            Text(side, SIDE_STYLES[side]),
            f"{scale.quantity(fill.quantity_lots):f}",
            f"{scale.price(fill.price_ticks):f}",
            Text(LIQUIDITIES.get(fill.liquidity, ""), "dim"),
            str(fill.trade_id),
            str(number),
            fill.client_order_id,
        )
    return table


def conditions(order: EnterOrder | reports.Accepted, scale: Scale | None) -> list[str]:
    """Time in force and everything else that an order asks for, a few words each."""
    words = [TIMES_IN_FORCE.get(order.time_in_force, ""), *flag_words(order.flags)]
    if isinstance(order, EnterOrder) and order.order_type not in (LIMIT, MARKET):
        words.insert(0, ORDER_TYPES.get(order.order_type, ""))
    if order.expires_ns:
        words.append(f"until {time_text(order.expires_ns)[:-7]}")
    if order.display_lots:
        words.append(f"display {quantity_text(scale, order.display_lots)}")
    if order.minimum_lots:
        words.append(f"minimum {quantity_text(scale, order.minimum_lots)}")
    if order.trigger_price_ticks:
        words.append(f"trigger {price_text(scale, order.trigger_price_ticks)}")
    if order.trail_ticks:
        words.append(f"trail {price_text(scale, order.trail_ticks)}")
    if order.trail_basis_points:
        words.append(f"trail {order.trail_basis_points} bp")
    if order.peg:
        words.append(PEGS.get(order.peg, str(order.peg)))
    if order.peg_offset_ticks:
        words.append(f"offset {price_text(scale, order.peg_offset_ticks)}")
    if order.self_trade:
        words.append(SELF_TRADES.get(order.self_trade, str(order.self_trade)))
    if order.self_trade_group:
        words.append(f"group {order.self_trade_group}")
    if order.cancels_with:
        words.append(f"cancels with {order.cancels_with}")
    if order.triggered_by:
        words.append(f"triggered by {order.triggered_by}")
    return words


def _waits(order: OpenOrder, scale: Scale) -> list[str]:
    """That an order waits, and for which price if it is a price that it waits for."""
    if order.status != WAITING:
        return []
    return [
        f"waiting for {price_text(scale, order.trigger_price_ticks)}"
        if order.trigger_price_ticks
        else "waiting"
    ]


def _side(line: Text, side: int) -> None:
    word = SIDES.get(side, str(side))
    line.append(f"{word} ", SIDE_STYLES["buy" if side == BUY else "sell"])


def quantity_text(scale: Scale | None, lots: int) -> str:
    """A quantity; in lots where nobody knows how much one is."""
    return f"{lots} lots" if scale is None else f"{scale.quantity(lots):f}"


def price_text(scale: Scale | None, ticks: int) -> str:
    """A price; in ticks where nobody knows how much one is."""
    return f"{ticks} ticks" if scale is None else f"{scale.price(ticks):f}"
