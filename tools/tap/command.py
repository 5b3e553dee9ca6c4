"""`matchbus tap`: the public feed, or with the token every report of every account, on the terminal or into a pipe."""

from enum import StrEnum
from typing import Annotated

import typer

from bus.errors import UnknownSymbol
from bus.protocol.market.streams import STREAMS_HEARTBEAT_TOPIC
from bus.protocol.topics import CLOCK, DROP, topic
from bus.sockets.market.market_client import MarketClient
from bus.sockets.market.market_reader import MarketReader
from bus.sockets.market.market_sockets import PublisherAddress
from bus.sockets.session.prices import Scale
from bus.sockets.subscriber import Subscriber
from tools import options
from tools.ending import quietly
from tools.exchange import ask_book, ask_instruments
from tools.tap.live_book import TRADES_MAX, tap_book
from tools.tap.market import BOOKS, ask_symbols, publishers_of, stream_topics
from tools.tap.market_book import tap_market_book
from tools.tap.market_stream import tap_streams
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
    stream: Annotated[
        list[str] | None,
        typer.Option(
            metavar="NAME",
            help="What a publisher says in the place of the feed: this stream (all: everything); may be given again.",
        ),
    ] = None,
    publisher: Annotated[
        list[str] | None,
        typer.Option(
            metavar="HOST:PORT", help="A further publisher's requests, with --stream; may be given again."
        ),
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
      matchbus tap --stream candle-1m --stream mini
      matchbus tap --drop-copy --count 10
    """
    if publisher and not stream:
        raise typer.BadParameter("--publisher is another one to read a --stream from")
    if book is not None and (drop_copy or as_json or kind or symbol):
        raise typer.BadParameter("--book stands alone: it is a picture of one instrument")
    if drop_copy and (kind or symbol):
        raise typer.BadParameter("--drop-copy is one stream of all accounts: without --kind and --symbol")
    if stream:
        if kind or drop_copy:
            raise typer.BadParameter("--stream is what a publisher says: without --kind and --drop-copy")
        publishers = publishers_of(port_base, connect, publisher or ())
        with quietly(), MarketClient(publishers, timeout=timeout) as client:
            _tap_market(publishers, client, stream, symbol or [], book, as_json, count, seconds)
        return
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


def _tap_market(
    publishers: list[PublisherAddress],
    client: MarketClient,
    streams: list[str],
    symbols: list[str],
    book: str | None,
    as_json: bool,
    count: int | None,
    seconds: float | None,
) -> None:
    """The publishers' side of it."""
    topics = stream_topics(streams, symbols)
    known = ask_symbols(client)
    for name in [*symbols, *([book] if book else ())]:
        if name not in known:
            raise UnknownSymbol(f"{name!r} is no symbol of this publisher")
    if book is not None:
        if len(streams) != 1 or streams[0] not in BOOKS:
            raise typer.BadParameter(f"--book is kept from one --stream of {', '.join(BOOKS)}")
        tap_market_book(publishers, client, known[book], streams[0], count_max=count, seconds=seconds)
        return
    scales = Scales(lambda: {name: Scale(one) for name, one in ask_symbols(client).items()})
    with MarketReader(topics, publishers) as reader:
        tap_streams(
            reader,
            scales,
            as_json=as_json,
            with_heartbeats=STREAMS_HEARTBEAT_TOPIC in streams,
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
