"""`matchbus admin protection`: within which price bands an instrument trades."""

from typing import Annotated

import typer

from bus.sockets.client import Client, PendingAnswer
from tools import options
from tools.operating import operate
from tools.order.times import length_ms

#: As the shortest call phase of Xetra's volatility interruptions.
_AUCTION = "2m"


def protection(
    symbol: Annotated[str, typer.Argument(help="The instrument.", show_default=False)],
    static: Annotated[
        int,
        typer.Option(metavar="BASIS POINTS", help="The band around the reference price; not given, none."),
    ] = 0,
    dynamic: Annotated[
        int,
        typer.Option(metavar="BASIS POINTS", help="The band around the last trade; not given, none."),
    ] = 0,
    reference: Annotated[
        str | None,
        typer.Option(
            metavar="DECIMAL", help="The reference price until the next auction; not given, what it is."
        ),
    ] = None,
    rebalance: Annotated[
        bool,
        typer.Option("--rebalance", help="Trades that leave a side of the book empty begin an auction, too."),
    ] = False,
    auction: Annotated[
        str | None,
        typer.Option(
            metavar="DURATION",
            help="How long an auction lasts that begins by this; not given, 2m with a band or --rebalance.",
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
    """Set the price bands of an instrument, in the place of those that it had; without any, it has none.

    \b
    Examples:
      matchbus admin protection BTC-USD --static 500 --dynamic 200 --auction 2m --random 30s
      matchbus admin protection BTC-USD --static 500 --reference 30000 --rebalance
      matchbus admin protection BTC-USD
    """
    acts = bool(static or dynamic or rebalance)
    length = auction or (_AUCTION if acts else "")

    def send(client: Client) -> PendingAnswer:
        return client.set_protection(
            symbol,
            static_basis_points=static,
            dynamic_basis_points=dynamic,
            reference=reference or 0,
            auction_ms=length_ms(length),
            random_ms=length_ms(random),
            rebalance=rebalance,
            why=why,
        )

    done = f"{symbol} is protected" if acts else f"{symbol} has no protection"
    operate(send, done, data, token_file, port_base, connect, timeout, as_json, who)
