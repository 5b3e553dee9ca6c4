"""`matchbus admin group risk` and `kill-switch`: what members may have at stake together, and that they are stopped."""

from typing import Annotated

import typer

from bus.sockets.client import Client, PendingAnswer
from tools import options
from tools.operating import operate

Group = Annotated[str, typer.Argument(help="The group.", show_default=False)]


def group_risk(
    name: Group,
    symbol: Annotated[str, typer.Argument(help="The instrument; not given, the limits are of all.")] = "",
    long: Annotated[
        str,
        typer.Option(
            metavar="DECIMAL",
            help="How long their position may become, with all that is open; without a symbol, in lots.",
        ),
    ] = "0",
    short: Annotated[str, typer.Option(metavar="DECIMAL", help="How short.")] = "0",
    open_notional: Annotated[
        str,
        typer.Option(
            metavar="DECIMAL",
            help="What their open orders may be worth together; without a symbol, in ticks times lots.",
        ),
    ] = "0",
    day_quantity: Annotated[
        str,
        typer.Option(
            metavar="DECIMAL", help="What they trade in a trading day at most; without a symbol, in lots."
        ),
    ] = "0",
    day_notional: Annotated[
        str,
        typer.Option(
            metavar="DECIMAL",
            help="The same of price times quantity; without a symbol, in ticks times lots.",
        ),
    ] = "0",
    day_loss: Annotated[
        str,
        typer.Option(
            metavar="DECIMAL",
            help="With how large a loss of the day the positions of each may only become smaller; the same.",
        ),
    ] = "0",
    loss_stops: Annotated[
        bool, typer.Option("--loss-stops", help="With that loss the kill switch of the group is set.")
    ] = False,
    why: options.Why = "",
    who: options.As = None,
    data: options.Data = options.DEFAULT_DATA,
    token_file: options.TokenFile = None,
    port_base: options.PortBase = options.DEFAULT_PORT_BASE,
    connect: options.Connect = options.DEFAULT_CONNECT,
    timeout: options.Timeout = options.DEFAULT_TIMEOUT,
    as_json: options.AsJson = False,
) -> None:
    """Limit what all members of a group have at stake together, in one instrument or in all.

    The limits take the place of those that the group had for this symbol. What is not given, or 0, is without a limit;
    `matchbus admin risk` shows what there is.

    \b
    Examples:
      matchbus admin group risk desk BTC-USD --long 50 --short 50
      matchbus admin group risk desk BTC-USD --day-loss 100000 --loss-stops
      matchbus admin group risk desk BTC-USD
    """

    def send(client: Client) -> PendingAnswer:
        return client.set_group_risk(
            name,
            symbol,
            long=long,
            short=short,
            open_notional=open_notional,
            day_quantity=day_quantity,
            day_notional=day_notional,
            day_loss=day_loss,
            loss_stops=loss_stops,
            why=why,
        )

    where = symbol or "all instruments"
    done = f"the risk of group {name} is limited in {where}"
    if {long, short, open_notional, day_quantity, day_notional, day_loss} == {"0"}:
        done = f"the risk of group {name} has no limits in {where}"
    operate(send, done, data, token_file, port_base, connect, timeout, as_json, who)


def group_kill_switch(
    name: Group,
    switch: Annotated[
        options.Switch,
        typer.Argument(
            metavar="on|off", help="on: nothing but cancels is taken any more.", show_default=False
        ),
    ],
    why: options.Why = "",
    who: options.As = None,
    data: options.Data = options.DEFAULT_DATA,
    token_file: options.TokenFile = None,
    port_base: options.PortBase = options.DEFAULT_PORT_BASE,
    connect: options.Connect = options.DEFAULT_CONNECT,
    timeout: options.Timeout = options.DEFAULT_TIMEOUT,
    as_json: options.AsJson = False,
) -> None:
    """End all open orders of all members of a group and take nothing but cancels from them, or take their orders again.

    \b
    Examples:
      matchbus admin group kill-switch desk on --why "runs wild"
      matchbus admin group kill-switch desk off
    """
    on = switch is options.Switch.ON
    done = f"all members of {name} are stopped" if on else f"all members of {name} may trade"
    operate(
        lambda client: client.set_group_kill_switch(name, on, why=why),
        done,
        data,
        token_file,
        port_base,
        connect,
        timeout,
        as_json,
        who,
    )
