"""The last trades of a symbol, as they count now: a ring of fixed length.

Trade ids are dense, so the place of a trade follows from its id. Older trades are in the store. Called by `market`.
"""

from bus.protocol.feed import Trade
from bus.protocol.market.requests import TradeRow

VALID = 0
BUSTED = 1
CORRECTED = 2


class TradeRing:
    """At most `capacity` trades. `last_trade_id`: the newest, 0 when there is none."""

    __slots__ = ("_rows", "capacity", "last_trade_id")

    def __init__(self, capacity: int) -> None:
        self.capacity = capacity
        self._rows: list[TradeRow | None] = [None] * capacity
        self.last_trade_id = 0

    @property
    def oldest_trade_id(self) -> int:
        """The oldest that is kept; one more than the newest when none is."""
        oldest = max(1, self.last_trade_id - self.capacity + 1)
        while oldest <= self.last_trade_id and self._at(oldest) is None:
            oldest += 1
        return oldest

    def add(self, trade: Trade, state: int = VALID) -> None:
        """The next trade."""
        self._rows[trade.trade_id % self.capacity] = TradeRow(trade, state)
        self.last_trade_id = trade.trade_id

    def revise(self, trade_id: int, price_ticks: int | None) -> None:
        """It was busted (None), or has another price. Nothing when it is no longer kept."""
        row = self._at(trade_id)
        if row is None:
            return
        trade = row.trade
        if price_ticks is None:
            revised = TradeRow(trade, BUSTED)
        else:
            revised = TradeRow(with_price(trade, price_ticks), CORRECTED)
        self._rows[trade_id % self.capacity] = revised

    def at(self, trade_id: int) -> TradeRow | None:
        """A trade by its id, None when it is not kept."""
        return self._at(trade_id) if 0 < trade_id <= self.last_trade_id else None

    def between(self, from_trade_id: int, to_trade_id: int) -> list[TradeRow]:
        """Those that are kept of the ids `from_trade_id` to `to_trade_id - 1`, oldest first."""
        first = max(from_trade_id, self.last_trade_id - self.capacity + 1, 1)
        rows = (self._at(trade_id) for trade_id in range(first, min(to_trade_id, self.last_trade_id + 1)))
        return [row for row in rows if row is not None]

    def _at(self, trade_id: int) -> TradeRow | None:
        row = self._rows[trade_id % self.capacity]
        return row if row is not None and row.trade.trade_id == trade_id else None


def with_price(trade: Trade, price_ticks: int) -> Trade:
    """The same trade at another price."""
    return Trade(
        trade.sequence, trade.time_ns, trade.trade_id, price_ticks, trade.quantity_lots, trade.aggressor
    )
