"""`matchbus admin risk`: what an account may have at stake, and how much that is."""

from typing import Annotated

import typer

from bus.sockets.client import Client, PendingAnswer
from tools import options
from tools.operating import operate
from tools.safeguards import risk_tables, show_safeguards


def risk(
    account: Annotated[
        str, typer.Argument(help="Whose limits these are; not given, all are shown.", show_default=False)
    ] = "",
    symbol: Annotated[str, typer.Argument(help="The instrument; not given, they are of all.")] = "",
    long: Annotated[
        str,
        typer.Option(
            metavar="DECIMAL",
            help="How long its position may become, with all that is open; without a symbol, in lots.",
        ),
    ] = "0",
    short: Annotated[str, typer.Option(metavar="DECIMAL", help="How short.")] = "0",
    open_notional: Annotated[
        str,
        typer.Option(
            metavar="DECIMAL",
            help="What its open orders may be worth together; without a symbol, in ticks times lots.",
        ),
    ] = "0",
    day_loss: Annotated[
        str,
        typer.Option(
            metavar="DECIMAL",
            help="With how large a loss of the day its positions may only become smaller; the same.",
        ),
    ] = "0",
    loss_stops: Annotated[
        bool, typer.Option("--loss-stops", help="With that loss its kill switch is set.")
    ] = False,
    collar: Annotated[
        int,
        typer.Option(metavar="BASIS POINTS", help="How far from the last trade's price a limit may be."),
    ] = 0,
    per_fill: Annotated[
        int, typer.Option(metavar="N", help="The most orders, replaces and cancels of a day for each fill.")
    ] = 0,
    per_fill_from: Annotated[
        int, typer.Option(metavar="N", help="So many commands pass whatever that is.")
    ] = 0,
    reduce_only: Annotated[
        bool, typer.Option("--reduce-only", help="Its positions may only become smaller.")
    ] = False,
    position: Annotated[
        str | None,
        typer.Option(
            metavar="DECIMAL",
            help="What its position is now, below 0 if short; not given, as it was counted.",
        ),
    ] = None,
    why: options.Why = "",
    who: options.As = None,
    data: options.Data = options.DEFAULT_DATA,
    token_file: options.TokenFile = None,
    port_base: options.PortBase = options.DEFAULT_PORT_BASE,
    connect: options.Connect = options.DEFAULT_CONNECT,
    timeout: options.Timeout = options.DEFAULT_TIMEOUT,
    as_json: options.AsJson = False,
) -> None:
    """Limit what an account may have at stake, in one instrument or in all; or show all such limits, and how it stands.

    They take the place of those that the account had for this symbol. What is not given, or 0, is without a limit.

    \b
    Examples:
      matchbus admin risk alice BTC-USD --long 5 --short 5 --position -0.5
      matchbus admin risk alice BTC-USD --day-loss 20000 --loss-stops --collar 500
      matchbus admin risk alice --per-fill 100 --per-fill-from 10000
      matchbus admin risk alice BTC-USD --reduce-only --why "margin call"
      matchbus admin risk alice BTC-USD
      matchbus admin risk
    """
    if not account:
        show_safeguards(risk_tables, data, token_file, port_base, connect, timeout, as_json, who)
        return

    def send(client: Client) -> PendingAnswer:
        return client.set_risk(
            account,
            symbol,
            long=long,
            short=short,
            open_notional=open_notional,
            day_loss=day_loss,
            loss_stops=loss_stops,
            collar_basis_points=collar,
            commands_per_fill=per_fill,
            commands_from=per_fill_from,
            reduce_only=reduce_only,
            position=position,
            why=why,
        )

    where = symbol or "all instruments"
    done = f"the risk of {account} is limited in {where}"
    if {long, short, open_notional, day_loss} == {"0"} and not (collar or per_fill or reduce_only):
        done = f"the risk of {account} has no limits of its own in {where}"
    operate(send, done, data, token_file, port_base, connect, timeout, as_json, who)
