"""Where market data comes from for `matchbus tap --stream`: the names of the streams, the publishers, the scales."""

from collections.abc import Iterable
from typing import Final

import typer

from bus.errors import ConfigError
from bus.protocol.market.requests import SymbolsAnswer
from bus.protocol.market.streams import (
    ALERT_TOPIC,
    CANDLES,
    DEPTH,
    INDICATIVE_TOPIC,
    INTERVALS,
    MINI,
    PERIODS,
    STATISTICS_TOPIC,
    STREAMS_HEARTBEAT_TOPIC,
    SYMBOL_TOPIC,
    TOPS,
    TRADES,
    Symbol,
)
from bus.protocol.topics import topic
from bus.sockets.market.market_client import MarketClient
from bus.sockets.market.market_sockets import PublisherAddress, publisher_at
from bus.sockets.market.questions import symbols

ALL: Final = "all"
#: The depth streams, of which a book can be kept.
BOOKS: Final = (DEPTH, *(f"{DEPTH}-{period}" for period in PERIODS))
_KINDS: Final = (
    TRADES,
    *BOOKS,
    *(f"top{count}-{period}" for period in PERIODS for count in TOPS),
    *(f"{CANDLES}-{interval}" for interval in INTERVALS),
    STATISTICS_TOPIC,
    MINI,
    SYMBOL_TOPIC,
    INDICATIVE_TOPIC,
    ALERT_TOPIC,
    STREAMS_HEARTBEAT_TOPIC,
)


def publishers_of(port_base: int, connect: str, further: Iterable[str]) -> list[PublisherAddress]:
    """The publisher of the exchange, and those that were named by the address of their requests."""
    found = [publisher_at(port_base, connect)]
    for place in further:
        host, _, port = place.rpartition(":")
        if not host or not port.isascii() or not port.isdigit() or not 1 < int(port) < 65_536:
            raise ConfigError(f"--publisher {place}: expected HOST:PORT, such as 127.0.0.1:3112")
        found.append(PublisherAddress(f"tcp://{host}:{int(port) - 1}", f"tcp://{host}:{port}"))
    return found


def stream_topics(streams: Iterable[str], wanted: Iterable[str]) -> list[str]:
    """What to read: whole topics of the symbols, without symbols the prefix of each stream. Raises BadParameter."""
    kinds = dict.fromkeys(streams)
    for kind in kinds:
        if kind != ALL and kind not in _KINDS:
            raise typer.BadParameter(f"--stream {kind}: there are {ALL}, {', '.join(_KINDS)}")
    if ALL in kinds:
        kinds = dict.fromkeys((*(kind for kind in _KINDS if kind != STREAMS_HEARTBEAT_TOPIC), *kinds))
        del kinds[ALL]
    names = list(wanted)
    return [name for kind in kinds for name in ([topic(kind, symbol) for symbol in names] or [f"{kind}."])]


def ask_symbols(client: MarketClient) -> dict[str, Symbol]:
    """All symbols of the publishers, by name. Raises TimedOut."""
    answer: SymbolsAnswer = client.ask(symbols()).answer
    return {symbol.symbol: symbol for symbol in answer.symbols}
