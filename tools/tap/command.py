"""`matchbus tap`: the public feed, or with the token every report of every account, on the terminal or into a pipe."""

from enum import StrEnum
from typing import Annotated

import typer

from bus.errors import UnknownSymbol
from bus.protocol.topics import CLOCK, DROP, topic
from bus.sockets.session.prices import Scale
from bus.sockets.subscriber import Subscriber
from tools import options
from tools.ending import quietly
from tools.exchange import ask_book, ask_instruments
from tools.tap.live_book import TRADES_MAX, tap_book
from tools.tap.stream import Scales, tap_events


class Kind(StrEnum):
    """The kinds of the feed's topics."""

    TRADE = "trade"
    LEVEL = "level"
    ORDER = "order"
    STATUS = "status"
    CLOCK = "clock"
    HEARTBEAT = "heartbeat"


#: Without --kind: everything that is numbered.
_NUMBERED = tuple(kind for kind in Kind if kind is not Kind.HEARTBEAT)


def tap(
    symbol: Annotated[
        list[str] | None, typer.Option(metavar="SYMBOL", help="Only this instrument; may be given again.")
    ] = None,
    kind: Annotated[
        list[Kind] | None,
        typer.Option(help="Only this kind; may be given again. Not given: all but heartbeats."),
    ] = None,
    book: Annotated[
        str | None, typer.Option(metavar="SYMBOL", help="Draw this instrument's book, live.")
    ] = None,
    drop_copy: Annotated[
        bool, typer.Option("--drop-copy", help="Every report of every account instead, for the house.")
    ] = False,
    count: Annotated[int | None, typer.Option(metavar="N", help="End after so many events.", min=1)] = None,
    seconds: Annotated[
        float | None,
        typer.Option(metavar="N", help="End after so many seconds.", min=0, max=options.WAIT_S_MAX),
    ] = None,
    data: options.Data = options.DEFAULT_DATA,
    token_file: options.TokenFile = None,
    port_base: options.PortBase = options.DEFAULT_PORT_BASE,
    connect: options.Connect = options.DEFAULT_CONNECT,
    timeout: options.Timeout = options.DEFAULT_TIMEOUT,
    as_json: options.AsJson = False,
) -> None:
    """Show the feed as it comes: trades, levels, orders, or a live book.

    What was missed is asked for again; what cannot be had any more is said. Ctrl-C ends it.

    \b
    Examples:
      matchbus tap --kind trade
      matchbus tap --symbol BTC-USD --kind level --json
      matchbus tap --book BTC-USD
      matchbus tap --drop-copy --count 10
    """
    if book is not None and (drop_copy or as_json or kind or symbol):
        raise typer.BadParameter("--book stands alone: it is a picture of one instrument")
    if drop_copy and (kind or symbol):
        raise typer.BadParameter("--drop-copy is one stream of all accounts: without --kind and --symbol")
    token = options.operator_token(data, token_file) if drop_copy else ""
    # Asked first: a subscription alone would wait for ever for an exchange that is not there.
    instruments = ask_instruments(connect, port_base, timeout)
    for name in [*(symbol or ()), *([book] if book else ())]:
        if name not in instruments:
            raise UnknownSymbol(f"{name!r} is no instrument of this engine")
    with quietly():
        if book is not None:
            topics = [topic(name, book) for name in (Kind.LEVEL, Kind.TRADE, Kind.STATUS)]
            # The trades that were before are drawn as well.
            before = ask_book(connect, port_base, timeout, book).trade_number
            begin = {topic(Kind.TRADE, book): max(1, before + 1 - TRADES_MAX)}
            scale = Scale(instruments[book].definition)
            with Subscriber(topics, connect, port_base, from_numbers=begin) as subscriber:
                tap_book(subscriber, book, scale, trades_before=before, count_max=count, seconds=seconds)
            return
        kinds = kind or _NUMBERED
        topics = [DROP] if drop_copy else topics_of(kinds, symbol or [])
        scales = Scales(
            lambda: {
                name: Scale(state.definition)
                for name, state in ask_instruments(connect, port_base, timeout).items()
            }
        )
        with Subscriber(topics, connect, port_base, token=token) as subscriber:
            tap_events(
                subscriber,
                scales,
                as_json=as_json,
                with_heartbeats=Kind.HEARTBEAT in kinds and not drop_copy,
                count_max=count,
                seconds=seconds,
            )


def topics_of(kinds: "list[Kind] | tuple[Kind, ...]", symbols: list[str]) -> list[str]:
    """What to subscribe to: whole topics of the symbols, without symbols the prefix of each kind."""
    found: list[str] = []
    for kind in kinds:
        if kind is Kind.CLOCK:
            if not symbols or len(kinds) < len(_NUMBERED):
                found.append(CLOCK)
        elif symbols:
            found += [topic(kind, symbol) for symbol in symbols]
        else:
            found.append(f"{kind}.")
    return found
