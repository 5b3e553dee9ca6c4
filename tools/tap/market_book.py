"""One symbol's book as publishers say it, on the terminal: `matchbus tap --book SYMBOL --stream depth-100ms`."""

from collections.abc import Iterator
from typing import Any, Final

from bus.clock import monotonic_ns
from bus.protocol.feed import Indicative, PhaseChanged, Trade
from bus.protocol.market.streams import INDICATIVE_TOPIC, SYMBOL_TOPIC, TRADES, Symbol
from bus.protocol.topics import topic
from bus.sockets.market.market_client import MarketClient
from bus.sockets.market.market_reader import MarketReader
from bus.sockets.market.market_sockets import PublisherAddress
from bus.sockets.market.questions import trades
from bus.sockets.market.stream_items import (
    JOINED,
    Differs,
    Item,
    Published,
    PublisherSilent,
    Resynced,
    Skipped,
)
from bus.sockets.session.prices import Scale
from tools.tap.ladder import View
from tools.tap.live_book import TRADES_MAX, Shown, draw

_COUNTED: Final = "log sequence"


class MarketBook(Shown):
    """The book that a reader keeps, with what else is drawn of a symbol."""

    def __init__(self, reader: MarketReader, symbol: Symbol, stream: str) -> None:
        super().__init__(symbol.symbol, Scale(symbol))
        self._begin_phase(symbol.phase, symbol.phase_ends_ns)
        self._depth = reader.depth(symbol.symbol, stream)
        self._last_trade_id = 0

    def begin(self, found: list[Trade]) -> None:
        """The trades that were before, oldest first."""
        for trade in found:
            self._take_new(trade)

    def take(self, event: Any) -> None:
        """An item that the book has taken."""
        item: Item = event
        if isinstance(item, PublisherSilent):
            self._say(f"nothing is heard from the publisher at {item.endpoint}")
            return
        self._heard_ns = monotonic_ns()
        if isinstance(item, Published):
            for one in item.events:
                if isinstance(one, Trade):
                    self._take_new(one)
                elif isinstance(one, Symbol) and one.phase != self._phase:
                    self._begin_phase(one.phase, one.phase_ends_ns)
                elif isinstance(one, PhaseChanged | Indicative):
                    self._take_status(one)
        elif isinstance(item, Resynced):
            for row in item.trades:
                self._take_new(row.trade)
            if item.book is not None and item.reason != JOINED:
                self._say(f"the book began anew at log sequence {item.sequence:,}: {item.reason}")
        elif isinstance(item, Skipped):
            self._say(f"what {item.topic} said behind {item.after_sequence:,} is missing")
        elif isinstance(item, Differs):
            self._say(f"ALARM: {' and '.join(item.publishers)} contradict each other")

    def view(self) -> View:
        """What is to be drawn now."""
        return self._view(self._depth, self._depth.sequence, _COUNTED)

    def _take_new(self, trade: Trade) -> None:
        """Some of those that were asked for may come in the stream, too."""
        if trade.trade_id > self._last_trade_id:
            self._last_trade_id = trade.trade_id
            self._take_trade(trade)


def tap_market_book(
    publishers: list[PublisherAddress],
    client: MarketClient,
    symbol: Symbol,
    stream: str,
    *,
    count_max: int | None,
    seconds: float | None,
) -> None:
    """Draw a book until so many events, or so many seconds, are over; the last picture stays."""
    topics = [topic(kind, symbol.symbol) for kind in (stream, TRADES, SYMBOL_TOPIC, INDICATIVE_TOPIC)]
    with MarketReader(topics, publishers) as reader:
        shown = MarketBook(reader, symbol, stream)
        shown.begin([row.trade for row in client.ask(trades(symbol.symbol, limit=TRADES_MAX)).answer.trades])

        def events(wait_s: float) -> Iterator[Any]:
            return reader.items(wait_s)

        draw(events, shown, count_max, seconds)
