"""Orders and executions of the past for people: tables and lines, decimals instead of ticks and lots."""

from collections.abc import Mapping, Sequence
from decimal import Decimal

from rich.table import Table
from rich.text import Text

from bus.protocol.history import AS_IT_HAPPENED, BUSTED, Execution, PastOrder
from bus.protocol.reasons import reason_name
from bus.protocol.terms import LIQUIDITIES, ORDER_STATUSES, SIDES
from bus.sockets.session.prices import Scale
from tools.decoded import time_text
from tools.order.words import SIDE_STYLES, conditions, price_text, quantity_text
from tools.showing import counted, plain_table

#: Decimals of an average price behind those of a tick.
_AVERAGE_DECIMALS = 2


def orders_table(account: str, orders: Sequence[PastOrder], scales: Mapping[str, Scale]) -> Table:
    """Orders as they stand, in the order in which they come."""
    columns = (
        "entered (UTC)",
        "symbol",
        "side",
        ">quantity",
        ">filled",
        ">price",
        ">average",
        "status",
        "",
        ">order",
        "client order id",
    )
    table = plain_table(f"{counted(len(orders), 'order')} of {account}", columns)
    for order in orders:
        entered = order.entered
        scale = scales.get(entered.symbol)
        table.add_row(
            time_text(order.entered_ns)[:-3],
            entered.symbol,
            _side(entered.side),
            quantity_text(scale, order.quantity_lots),
            quantity_text(scale, order.filled_lots),
            price_text(scale, order.price_ticks) if order.price_ticks else "",
            average_text(order, scale),
            _status(order),
            Text(" ".join(conditions(entered, scale)), "dim"),
            str(order.order_id),
            entered.client_order_id,
        )
    return table


def executions_table(account: str, executions: Sequence[Execution], scales: Mapping[str, Scale]) -> Table:
    """Executions as they count now, in the order in which they come."""
    columns = (
        "time (UTC)",
        "symbol",
        "side",
        ">quantity",
        ">price",
        "",
        ">trade",
        ">order",
        ">report",
        "client order id",
    )
    table = plain_table(f"{counted(len(executions), 'execution')} of {account}", columns)
    for execution in executions:
        scale = scales.get(execution.symbol)
        first = price_text(scale, execution.first_price_ticks)
        notes = [LIQUIDITIES.get(execution.liquidity, "")]
        if execution.state != AS_IT_HAPPENED:
            notes.append(f"was at {first}")
        table.add_row(
            time_text(execution.time_ns)[:-3],
            execution.symbol,
            _side(execution.side),
            quantity_text(scale, execution.quantity_lots),
            "busted" if execution.state == BUSTED else price_text(scale, execution.price_ticks),
            Text(", ".join(notes), "dim"),
            str(execution.trade_id),
            str(execution.order_id),
            str(execution.report_number),
            execution.client_order_id,
        )
    return table


def order_line(order: PastOrder, scale: Scale | None) -> Text:
    """One order as it stands."""
    entered = order.entered
    line = Text()
    line.append(f"order {order.order_id}  {entered.client_order_id}  ", "bold")
    line.append_text(_side(entered.side))
    line.append(f" {quantity_text(scale, order.quantity_lots)} {entered.symbol}")
    line.append(f" at {price_text(scale, order.price_ticks)}" if order.price_ticks else "")
    line.append(f"  {_status(order)}, {quantity_text(scale, order.filled_lots)} filled")
    average = average_text(order, scale)
    line.append(f" at {average} on average" if average else "")
    return line


def at_time(time_ns: int, line: Text) -> Text:
    """A line with the time of what it tells in front."""
    return Text.assemble((f"{time_text(time_ns)[:-3]}  ", "dim"), line)


def average_text(order: PastOrder, scale: Scale | None) -> str:
    """The average price of the fills that count, "" when there are none."""
    lots = order.filled_lots - order.busted_lots
    if not lots:
        return ""
    average_ticks = Decimal(order.filled_quote) / lots
    if scale is None:
        return f"{average_ticks:.{_AVERAGE_DECIMALS}f} ticks"
    tick = scale.price(1)
    exponent = tick.as_tuple().exponent
    assert isinstance(exponent, int), "a tick is a number"
    return f"{average_ticks * tick:.{max(0, -exponent) + _AVERAGE_DECIMALS}f}"


def _status(order: PastOrder) -> str:
    status = ORDER_STATUSES.get(order.status, str(order.status))
    return f"{status} ({reason_name(order.reason)})" if order.ended_ns and order.reason else status


def _side(side: int) -> Text:
    word = SIDES.get(side, str(side))
    return Text(word, SIDE_STYLES.get(word, ""))
