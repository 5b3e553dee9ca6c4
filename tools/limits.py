"""`matchbus limits ...`: what an account may do at most. The operator's, by the token."""

from typing import Annotated

import typer

from bus.sockets.client import Client, PendingAnswer
from tools import options
from tools.operating import operate


def limits(
    account: Annotated[str, typer.Argument(help="Whose limits these are.", show_default=False)],
    symbol: Annotated[str, typer.Argument(help="The instrument; not given, they are of all.")] = "",
    order_quantity: Annotated[
        str,
        typer.Option(metavar="DECIMAL", help="The largest quantity of an order; without a symbol, in lots."),
    ] = "0",
    order_notional: Annotated[
        str,
        typer.Option(
            metavar="DECIMAL",
            help="The largest price times quantity of an order; without a symbol, in ticks times lots.",
        ),
    ] = "0",
    open_orders: Annotated[int, typer.Option(metavar="N", help="The most open orders.")] = 0,
    who: options.As = None,
    data: options.Data = options.DEFAULT_DATA,
    token_file: options.TokenFile = None,
    port_base: options.PortBase = options.DEFAULT_PORT_BASE,
    connect: options.Connect = options.DEFAULT_CONNECT,
    timeout: options.Timeout = options.DEFAULT_TIMEOUT,
    as_json: options.AsJson = False,
) -> None:
    """Limit what an account may do, in one instrument or in all. What is not given, or 0, is without a limit.

    They take the place of those that the account had for this symbol; orders that are open stay.

    \b
    Examples:
      matchbus limits alice BTC-USD --order-quantity 5 --order-notional 250000
      matchbus limits alice --open-orders 200
      matchbus limits alice BTC-USD
    """

    def send(client: Client) -> PendingAnswer:
        return client.set_limits(
            account,
            symbol,
            order_quantity=order_quantity,
            order_notional=order_notional,
            open_orders=open_orders,
        )

    where = symbol or "all instruments"
    done = f"{account} is limited in {where}"
    if order_quantity == order_notional == "0" and not open_orders:
        done = f"{account} has no limits of its own in {where}"
    operate(send, done, data, token_file, port_base, connect, timeout, as_json, who)
