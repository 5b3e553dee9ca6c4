"""`matchbus admin breakers`: how far the whole market may fall in a day before all of it is halted."""

from typing import Annotated

import typer

from bus.sockets.client import Client, PendingAnswer
from tools import options
from tools.operating import operate
from tools.order.times import length_ms


def breakers(
    levels: Annotated[
        list[str] | None,
        typer.Argument(
            metavar="[LEVEL]...",
            help="Up to three, rising, of a decline in basis points and how long it halts: 700:15m, or 2000: for until"
            " further notice. Not given, there are no breakers any more.",
            show_default=False,
        ),
    ] = None,
    symbol: Annotated[
        str,
        typer.Option(
            metavar="SYMBOL", help="The instrument that is looked at; not given, all, equally weighted."
        ),
    ] = "",
    auction: Annotated[
        str | None,
        typer.Option(
            metavar="DURATION",
            help="How long the auctions behind a halt last; not given, 5m with a level.",
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
    """Set the circuit breakers of the whole market, in the place of those that there were.

    \b
    Examples:
      matchbus admin breakers 700:15m 1300:15m 2000: --auction 5m --random 30s
      matchbus admin breakers 1000:5m --symbol BTC-USD
      matchbus admin breakers
    """
    found = levels or []
    length = auction or ("5m" if found else "")

    def send(client: Client) -> PendingAnswer:
        return client.set_breakers(
            [_level(level) for level in found],
            symbol,
            auction_ms=length_ms(length),
            random_ms=length_ms(random),
            why=why,
        )

    done = f"the market halts at {', '.join(found)}" if found else "the market has no breakers"
    operate(send, done, data, token_file, port_base, connect, timeout, as_json, who)


def _level(text: str) -> tuple[int, int]:
    """Basis points and milliseconds. Raises ValueError."""
    decline, colon, halt = text.partition(":")
    if not colon or not (decline.isascii() and decline.isdecimal()):
        raise ValueError(f"{text!r} is no level: say 700:15m, or 2000: for until further notice")
    return int(decline), length_ms(halt)
