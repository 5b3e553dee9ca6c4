"""The trades of all symbols as one feed: what a reader of it is told is what readers of each symbol are told.

It reads the feed of every symbol while anybody reads it. Made and fed by `hub`.
"""

from collections.abc import Iterable

from web.stream.channels import TRADES
from web.stream.feed import EventFeed, Listener, StateFeed
from web.stream.trades import TradeFeed


class AllTrades(EventFeed):
    """See above; a Listener of the feeds that it is made of."""

    def __init__(self) -> None:
        super().__init__(TRADES, "")
        #: Those that are known of; None before they were asked for.
        self._symbols: set[str] | None = None
        self._feeds: dict[str, TradeFeed] = {}
        #: Who wants what was before, from which sequence on.
        self._from: dict[Listener, int] = {}

    def begin(self, symbols: Iterable[str]) -> None:
        """These are all there are now; whatever is heard of later is new."""
        self._symbols = set(symbols) if self.listeners else None

    def lacks(self, symbol: str) -> bool:
        """Whether a symbol that is heard of is new."""
        return self._symbols is not None and symbol not in self._symbols

    def add(self, feed: TradeFeed, from_sequence: int | None) -> None:
        """One more symbol, and its trades from a sequence on."""
        if self._symbols is None or feed.symbol in self._feeds:
            return
        self._symbols.add(feed.symbol)
        self._feeds[feed.symbol] = feed
        if from_sequence is None:
            for listener, sequence in self._from.items():
                feed.tell_from(listener, sequence)
        feed.join(self, from_sequence)

    def join(self, listener: Listener, from_sequence: int | None) -> None:
        """See EventFeed."""
        self.listeners[listener] = None
        if from_sequence is not None:
            self._from[listener] = from_sequence
            for feed in self._feeds.values():
                feed.tell_from(listener, from_sequence)

    def leave(self, listener: Listener) -> None:
        """See Feed."""
        super().leave(listener)
        if self._from.pop(listener, None) is not None:
            for feed in self._feeds.values():
                feed.leave(listener)  # it may wait for what was
        if not self.listeners:
            for feed in self._feeds.values():
                feed.leave(self)
            self._feeds.clear()
            self._symbols = None

    def tell(self, message: bytes) -> None:
        """See Listener."""
        self.say(message)

    def changed(self, feed: StateFeed) -> None:
        """See Listener: trades are no such feed."""
