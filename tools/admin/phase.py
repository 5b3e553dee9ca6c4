"""`matchbus admin phase`: what the market of an instrument, of several, or of all does from now on."""

from collections.abc import Iterator
from typing import Annotated

import typer

from bus.protocol.terms import PHASES
from bus.sockets.client import Client
from tools import options
from tools.operating import Asked, operate_on_each
from tools.order.times import length_ms


def phase(
    first: Annotated[
        str,
        typer.Argument(
            metavar="SYMBOL[,SYMBOL]",
            help="The instruments; with --all, only the phase is said.",
            show_default=False,
        ),
    ],
    second: Annotated[
        str, typer.Argument(metavar="PHASE", help=f"One of {', '.join(PHASES.values())}.", show_default=False)
    ] = "",
    every: Annotated[bool, typer.Option("--all", help="All instruments that there are.")] = False,
    lasts: Annotated[
        str | None,
        typer.Option(
            "--for",
            metavar="DURATION",
            help="How long it lasts, 30s, 5m, 2h; not given, until another is said.",
        ),
    ] = None,
    random: Annotated[
        str | None,
        typer.Option(metavar="DURATION", help="An auction ends by chance up to so much later."),
    ] = None,
    then: Annotated[
        str | None, typer.Option(metavar="PHASE", help="What follows; not given, what usually does.")
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
    """Set the phase of instruments: trading goes on, stops, or collects orders for an auction.

    Each instrument answers by itself; when one refuses, the others have it all the same, and the status is 1.

    \b
    Examples:
      matchbus admin phase BTC-USD,ETH-USD opening-auction --for 5m --random 30s
      matchbus admin phase BTC-USD halted --for 10m --then volatility-auction --why "news pending"
      matchbus admin phase --all closed
    """
    word = first if every else second
    if every == bool(second):
        raise typer.BadParameter("say SYMBOL[,SYMBOL] PHASE, or --all PHASE")

    def ask(client: Client) -> Iterator[Asked]:
        symbols = _all_symbols(client) if every else list(dict.fromkeys(first.split(",")))
        for symbol in symbols:
            yield (
                f"{symbol}: {word}",
                client.set_phase(
                    symbol,
                    word,
                    duration_ms=length_ms(lasts),
                    random_ms=length_ms(random),
                    next_phase=then or 0,
                    why=why,
                ),
            )

    operate_on_each(ask, data, token_file, port_base, connect, timeout, as_json, who)


def _all_symbols(client: Client) -> list[str]:
    found = list(client.instruments())
    if not found:
        raise ValueError("there are no instruments")
    return found
