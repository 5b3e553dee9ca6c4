"""`matchbus order ...`: one thing done for one account, over the same session that every client has.

A report that answers is printed with what followed from it at once (fills of an aggressor, the rest of an IOC order).
What the market refuses is said, and ends with status 1.
"""

import sys
from typing import Annotated, Literal

import typer

from bus.protocol.reports import Filled
from bus.sockets.client import Client, PendingAnswer
from bus.sockets.session.happenings import Reports
from bus.sockets.session.orders import OrderName
from tools import options
from tools.decoded import json_line, named
from tools.ending import quietly, refused
from tools.order import words
from tools.order.carrying_out import carry_out
from tools.order.enter import enter
from tools.order.past import executions, history, life
from tools.showing import show

order = typer.Typer(
    name="order",
    help="Enter, change, cancel and list orders, and look at those of the past.",
    no_args_is_help=True,
)
order.command()(enter)
order.command()(history)
order.command()(life)
order.command()(executions)

OrderId = Annotated[
    int | None, typer.Argument(metavar="[ORDER]", help="The number that the engine gave.", show_default=False)
]
ClientOrderId = Annotated[
    str | None,
    typer.Option("--id", metavar="TEXT", help="Your own id of the order, in the place of its number."),
]


@order.command()
def cancel(
    order_id: OrderId = None,
    client_order_id: ClientOrderId = None,
    account: options.Account = options.DEFAULT_ACCOUNT,
    port_base: options.PortBase = options.DEFAULT_PORT_BASE,
    connect: options.Connect = options.DEFAULT_CONNECT,
    timeout: options.Timeout = options.DEFAULT_TIMEOUT,
    as_json: options.AsJson = False,
) -> None:
    """Cancel one open order, by its number or by your own id.

    \b
    Examples:
      matchbus order cancel 17
      matchbus order cancel --id my-1
    """
    name = _order_name(order_id, client_order_id)
    carry_out(lambda client: client.cancel(name), account, port_base, connect, timeout, as_json)


@order.command()
def replace(
    order_id: OrderId = None,
    client_order_id: ClientOrderId = None,
    price: Annotated[str | None, typer.Option(metavar="PRICE", help="The new limit.")] = None,
    quantity: Annotated[
        str | None, typer.Option(metavar="QUANTITY", help="The new whole quantity, what was filled included.")
    ] = None,
    request_id: Annotated[
        str | None,
        typer.Option(
            metavar="TEXT", help="Your own id of this change: sent again with it, it is not done twice."
        ),
    ] = None,
    account: options.Account = options.DEFAULT_ACCOUNT,
    port_base: options.PortBase = options.DEFAULT_PORT_BASE,
    connect: options.Connect = options.DEFAULT_CONNECT,
    timeout: options.Timeout = options.DEFAULT_TIMEOUT,
    as_json: options.AsJson = False,
) -> None:
    """Give an open order a new price, a new quantity, or both.

    A smaller quantity at the same price keeps the order's place in its level; anything else goes to the back.

    \b
    Examples:
      matchbus order replace 17 --price 30010
      matchbus order replace --id my-1 --quantity 0.3
    """
    name = _order_name(order_id, client_order_id)
    if price is None and quantity is None:
        raise typer.BadParameter("say --price, --quantity or both")

    def send(client: Client) -> PendingAnswer:
        # Its symbol gives the scale of the new price and quantity.
        symbols = [
            found.entered.symbol
            for found in client.open_orders().orders
            if name in (found.order_id, found.entered.client_order_id)
        ]
        if not symbols:
            refused(f"{account} has no open order {name!r}")
        return client.replace(name, price=price, quantity=quantity, symbol=symbols[0], request_id=request_id)

    carry_out(send, account, port_base, connect, timeout, as_json)


@order.command()
def mass_cancel(
    symbol: Annotated[str, typer.Option(metavar="SYMBOL", help="Only orders of this instrument.")] = "",
    side: Annotated[Literal["buy", "sell"] | None, typer.Option(help="Only orders of this side.")] = None,
    account: options.Account = options.DEFAULT_ACCOUNT,
    port_base: options.PortBase = options.DEFAULT_PORT_BASE,
    connect: options.Connect = options.DEFAULT_CONNECT,
    timeout: options.Timeout = options.DEFAULT_TIMEOUT,
    as_json: options.AsJson = False,
) -> None:
    """Cancel all open orders of the account at once.

    \b
    Examples:
      matchbus order mass-cancel
      matchbus order mass-cancel --symbol BTC-USD --side buy
    """
    carry_out(lambda client: client.mass_cancel(symbol, side), account, port_base, connect, timeout, as_json)


@order.command("list")
def list_(
    account: options.Account = options.DEFAULT_ACCOUNT,
    port_base: options.PortBase = options.DEFAULT_PORT_BASE,
    connect: options.Connect = options.DEFAULT_CONNECT,
    timeout: options.Timeout = options.DEFAULT_TIMEOUT,
    as_json: options.AsJson = False,
) -> None:
    """Show the account's open orders as they stand.

    \b
    Examples:
      matchbus order list
      matchbus order list --account alice --json
    """
    with Client(connect, port_base, account=account, timeout=timeout) as client:
        orders = client.open_orders().orders
        scales = {found.entered.symbol: client.scale(found.entered.symbol) for found in orders}
    with quietly():
        if as_json:
            for found in orders:
                print(json_line(named(found, scales[found.entered.symbol])))
        else:
            show(words.open_orders_table(account, orders, scales))


@order.command()
def fills(
    first: Annotated[
        int,
        typer.Option(
            "--from",
            metavar="REPORT",
            help="The number of the first report to look at.",
            min=1,
            max=2**63 - 1,
        ),
    ] = 1,
    account: options.Account = options.DEFAULT_ACCOUNT,
    port_base: options.PortBase = options.DEFAULT_PORT_BASE,
    connect: options.Connect = options.DEFAULT_CONNECT,
    timeout: options.Timeout = options.DEFAULT_TIMEOUT,
    as_json: options.AsJson = False,
) -> None:
    """Show the account's executions, as far back as the engine keeps its reports, and say so when that is not all.

    \b
    Examples:
      matchbus order fills
      matchbus order fills --from 1000 --json
    """
    kept: list[tuple[int, Filled]] = []
    oldest: list[int] = []

    def take(reports: Reports) -> None:
        oldest.append(reports.first_report)
        for number, report in enumerate(reports.reports, reports.first_report):
            if isinstance(report, Filled):
                kept.append((number, report))

    client = Client(connect, port_base, account=account, timeout=timeout, resume_from=first, on_reports=take)
    with client:
        # Asked for behind the reports that are resumed, and so answered behind them.
        following = client.open_orders().next_report
        scales = {fill.symbol: client.scale(fill.symbol) for _, fill in kept}
    begins = min(oldest, default=following)
    with quietly():
        if as_json:
            for number, fill in kept:
                print(json_line({"report": number, **named(fill, scales[fill.symbol])}))
        else:
            show(words.fills_table(account, kept, scales))
    if begins > first:
        print(
            f"note: reports {first} to {begins - 1} are no longer kept: older fills may be missing",
            file=sys.stderr,
        )


def _order_name(order_id: int | None, client_order_id: str | None) -> OrderName:
    if (order_id is None) == (client_order_id is None):
        raise typer.BadParameter("name the order by its number or by --id, one of them")
    return order_id if order_id is not None else str(client_order_id)
