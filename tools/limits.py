"""`matchbus limits ...`: what an account may do at most. The operator's, by the token."""

from typing import Annotated

import typer

from bus.sockets.client import Client, PendingAnswer
from tools import options
from tools.operating import operate
from tools.order.times import duration_ms
from tools.safeguards import limit_tables, show_safeguards


def limits(
    account: Annotated[
        str, typer.Argument(help="Whose limits these are; not given, all are shown.", show_default=False)
    ] = "",
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
    day_quantity: Annotated[
        str,
        typer.Option(
            metavar="DECIMAL", help="What it trades in a trading day at most; without a symbol, in lots."
        ),
    ] = "0",
    day_notional: Annotated[
        str,
        typer.Option(
            metavar="DECIMAL",
            help="The same of price times quantity; without a symbol, in ticks times lots.",
        ),
    ] = "0",
    per_second: Annotated[
        int, typer.Option(metavar="N", help="The most orders, replaces and quotes in a second.")
    ] = 0,
    rejects: Annotated[
        str | None,
        typer.Option(
            metavar="N/DURATION",
            help="More rejected commands in this time, such as 20/10s, set its kill switch; only without a symbol.",
        ),
    ] = None,
    who: options.As = None,
    data: options.Data = options.DEFAULT_DATA,
    token_file: options.TokenFile = None,
    port_base: options.PortBase = options.DEFAULT_PORT_BASE,
    connect: options.Connect = options.DEFAULT_CONNECT,
    timeout: options.Timeout = options.DEFAULT_TIMEOUT,
    as_json: options.AsJson = False,
) -> None:
    """Limit what an account may do, in one instrument or in all, or show all limits. What is not given, or 0, is none.

    They take the place of those that the account had for this symbol; orders that are open stay.

    \b
    Examples:
      matchbus limits alice BTC-USD --order-quantity 5 --order-notional 250000
      matchbus limits alice --open-orders 200 --per-second 500 --rejects 20/10s
      matchbus limits alice BTC-USD --day-quantity 1000
      matchbus limits alice BTC-USD
      matchbus limits
    """
    if not account:
        show_safeguards(limit_tables, data, token_file, port_base, connect, timeout, as_json, who)
        return

    def send(client: Client) -> PendingAnswer:
        rejects_max, window_ms = _rejects(rejects)
        return client.set_limits(
            account,
            symbol,
            order_quantity=order_quantity,
            order_notional=order_notional,
            open_orders=open_orders,
            rejects=rejects_max,
            rejects_window_ms=window_ms,
            day_quantity=day_quantity,
            day_notional=day_notional,
            commands_per_s=per_second,
        )

    where = symbol or "all instruments"
    done = f"{account} is limited in {where}"
    amounts = (order_quantity, order_notional, day_quantity, day_notional)
    if set(amounts) == {"0"} and not (open_orders or per_second or rejects):
        done = f"{account} has no limits of its own in {where}"
    operate(send, done, data, token_file, port_base, connect, timeout, as_json, who)


def _rejects(text: str | None) -> tuple[int, int]:
    """How many, and in how many milliseconds. Raises ValueError."""
    if text is None:
        return 0, 0
    count, slash, window = text.partition("/")
    if not slash or not (count.isascii() and count.isdecimal()):
        raise ValueError(f"{text!r} is no limit of rejects: say 20/10s")
    return int(count), duration_ms(window)
