"""Histories of a symbol for the tests of the store, and what a plain reading of them comes to."""

from collections.abc import Iterable, Sequence
from typing import Final

from bus.protocol.feed import Trade
from publisher.candles.candle import Candle, of_trades
from publisher.candles.intervals import MINUTE_NS
from publisher.store import reading
from publisher.store.rows import Progress, StoredTrade, SymbolRows
from publisher.store.store import Store

#: A Monday, at midnight.
START_NS: Final = 1_790_553_600_000_000_000
ALL: Final = 10**9


def trade(trade_id: int, *, price_ticks: int = 100, quantity_lots: int = 5, second: float = 0) -> Trade:
    """The trade with this id: its log sequence is ten times that, and it happens `second` after the start."""
    time_ns = START_NS + int(second * 10**9) + trade_id
    return Trade(trade_id * 10, time_ns, trade_id, price_ticks, quantity_lots, 1 + trade_id % 2)


def trades(first: int, last: int, **fields: int) -> list[Trade]:
    """The trades of these ids, a second apart."""
    return [trade(i, second=i, **fields) for i in range(first, last + 1)]


def piece(
    made: Sequence[Trade], after: int | None = 0, symbol: str = "BTC-USD", number: int | None = None
) -> SymbolRows:
    """These trades as one piece. The number on the trade topic is the last one's id if no other is given."""
    last = made[-1]
    at = Progress(last.trade_id if number is None else number, last.sequence, last.time_ns, 1)
    return SymbolRows(symbol=symbol, after_sequence=after, progress=at, trades=list(made))


def pieces(first: int, last: int, length: int, symbol: str = "BTC-USD") -> list[SymbolRows]:
    """The trades of these ids in pieces that go on from each other, after the trade before the first."""
    made = trades(first, last)
    cut = [made[at : at + length] for at in range(0, len(made), length)]
    return [piece(part, (part[0].trade_id - 1) * 10, symbol) for part in cut]


def minute(at: int = 0, made: Sequence[Trade] = (), *, revision: int = 0, price_ticks: int = 100) -> Candle:
    """The closed candle of a minute after the start."""
    candle = of_trades(START_NS + at * MINUTE_NS, made, price_ticks)
    candle.closed = True
    candle.revision = revision
    return candle


def stored_trades(store: Store, symbol: str = "BTC-USD") -> list[StoredTrade]:
    """All that the store has of a symbol."""
    with store.reading() as connection:
        return reading.read_trades(connection, symbol, limit=ALL)


def stored_progress(store: Store, symbol: str = "BTC-USD") -> Progress | None:
    """Where the store stands with a symbol."""
    with store.reading() as connection:
        return reading.read_progress(connection).get(symbol)


def ids(rows: Iterable[StoredTrade | Trade]) -> list[int]:
    """The ids of trades."""
    return [row.trade_id for row in rows]
