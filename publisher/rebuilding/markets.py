"""The markets of a rebuild: the publisher's own, fed with moments of the log, their rows written into a fresh store.

The rule guarded here: what is written is what a publisher would have put, so an operator's revision of a trade reads
the minute from the fresh store just as a publisher reads it from its own. Blocks. Raises what the store does. Called by
`rebuilding`.
"""

from typing import Final

from publisher.alignment import Moment, Reached
from publisher.market import Market
from publisher.restoring import minute_of
from publisher.store.rows import SymbolRows
from publisher.store.store import Store

#: Rows that wait for a transaction of the fresh store, about 250 bytes each.
ROWS_MAX: Final = 20_000
#: Symbols of one transaction: SQLite takes 32,766 parameters in a statement.
SYMBOLS_MAX: Final = 1_000


class Markets:
    """All symbols that were asked for."""

    def __init__(self, fresh: Store) -> None:
        self._fresh = fresh
        self._markets: dict[str, Market] = {}
        self._rows: dict[str, SymbolRows] = {}
        self._rows_count = 0

    def market(self, symbol: str) -> Market:
        """A symbol's market; a new one when nothing has happened to it."""
        market = self._markets.get(symbol)
        if market is None:
            # Nobody reads what it says, so nothing of that is kept.
            market = self._markets[symbol] = Market(symbol, trades_kept=1, ring_frames_max=1)
        return market

    def take(self, symbol: str, item: Moment | Reached) -> None:
        """What a batch did to a symbol, or a time that it has reached."""
        market = self.market(symbol)
        market.take(item)
        while market.revision is not None:
            self._keep(market)
            self.write()
            with self._fresh.reading() as connection:
                found = minute_of(connection, symbol, market.revision.event.trade_id)
            assert found is not None, "what happened before was written just now"
            market.revise(*found)
        market.streams.departing.clear()
        self._keep(market)
        if self._rows_count >= ROWS_MAX:
            self.write()

    def drop(self, symbol: str) -> None:
        """Nothing more comes of it."""
        self._markets.pop(symbol, None)

    def write(self) -> None:
        """All rows into the fresh store."""
        pieces = list(self._rows.values())
        self._rows.clear()
        self._rows_count = 0
        for start in range(0, len(pieces), SYMBOLS_MAX):
            self._fresh.write(pieces[start : start + SYMBOLS_MAX])

    def _keep(self, market: Market) -> None:
        rows = market.take_rows()
        if rows is None:
            return
        self._rows_count += rows.count()
        waiting = self._rows.get(market.symbol)
        if waiting is None:
            self._rows[market.symbol] = rows
        else:
            waiting.extend(rows)
