"""`matchbus admin emergency`: the whole market stands still, or goes on."""

from typing import Annotated

import typer

from bus.sockets.client import Client, PendingAnswer
from tools import options
from tools.operating import operate
from tools.order.times import length_ms


def emergency(
    switch: Annotated[
        options.Switch,
        typer.Argument(metavar="on|off", help="on: the market stands still.", show_default=False),
    ],
    cancel_orders: Annotated[
        bool, typer.Option("--cancel-orders", help="All open orders of everybody end.")
    ] = False,
    auction: Annotated[
        str | None,
        typer.Option(
            metavar="DURATION",
            help="With off: what traded goes through a volatility auction of so long; not given, it trades at once.",
        ),
    ] = None,
    random: options.RandomEnd = None,
    why: options.Why = "",
    who: options.As = None,
    data: options.Data = options.DEFAULT_DATA,
    token_file: options.TokenFile = None,
    port_base: options.PortBase = options.DEFAULT_PORT_BASE,
    connect: options.Connect = options.DEFAULT_CONNECT,
    timeout: options.Timeout = options.DEFAULT_TIMEOUT,
    as_json: options.AsJson = False,
) -> None:
    """Stop the whole market at once: everything is halted, and only cancels are taken. Or let it go on.

    \b
    Examples:
      matchbus admin emergency on --why "prices are wrong"
      matchbus admin emergency on --cancel-orders
      matchbus admin emergency off --auction 5m --random 30s
    """
    on = switch is options.Switch.ON

    def send(client: Client) -> PendingAnswer:
        return client.set_emergency(
            on,
            cancel_orders=cancel_orders,
            auction_ms=length_ms(auction),
            random_ms=length_ms(random),
            why=why,
        )

    done = "the market stands still" if on else "the market goes on"
    operate(send, done, data, token_file, port_base, connect, timeout, as_json, who)
