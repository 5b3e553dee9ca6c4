"""A market as the store left it: what a publisher starts from.

The rule guarded here: what is restored is exactly what the market was when its last rows were taken; the trade topic is
followed from the number behind that. Called by `service`, in a thread since it reads the database. The market belongs
to that thread until it is handed over.
"""

from collections.abc import Iterator
from typing import Final

from sqlalchemy import Connection

from bus.protocol.feed import Trade
from publisher.candles.candle import Candle
from publisher.candles.intervals import DAY_NS, INTERVALS, MINUTE_NS, SECOND_NS
from publisher.events import alert_row
from publisher.market import Market
from publisher.statistics.seconds import BucketRow
from publisher.store.reading import (
    SecondOfTrades,
    last_candles,
    read_alerts,
    read_progress,
    read_symbols,
    read_trades,
    seconds_of_trades,
    valid_trades,
)
from publisher.store.rows import StoredTrade

_END: Final = 2**63 - 1


def restore(connection: Connection, market: Market) -> None:
    """Fill a new market from the store; one that was never stored stays new. Raises what the store does."""
    symbol = market.symbol
    progress = read_progress(connection).get(symbol)
    definition = read_symbols(connection).get(symbol)
    if definition is not None:
        market.state.restore(definition.definition, definition.phase)
    if progress is None:
        return
    newest = read_trades(connection, symbol, limit=market.trades.capacity, newest_first=True)[::-1]
    candles = list(_candles(connection, symbol))
    minutes = [candle for name, candle in candles if name == "1m"]
    open_minute_ns = minutes[-1].open_time_ns + MINUTE_NS if minutes else 0
    unfinished = valid_trades(connection, symbol, open_minute_ns, _END)
    window_ns = max(0, progress.time_ns // SECOND_NS * SECOND_NS - DAY_NS)
    seconds = seconds_of_trades(connection, symbol, window_ns, _END)
    before = read_trades(connection, symbol, limit=1, until_ns=window_ns, newest_first=True, busted=False)
    market.restore(
        progress,
        [(_trade(row), row.state) for row in newest],
        candles,
        unfinished,
        [_bucket(second) for second in seconds],
        before[0].price_ticks if before else 0,
        [alert_row(stored) for stored in read_alerts(connection, symbol)],
    )


def _candles(connection: Connection, symbol: str) -> Iterator[tuple[str, Candle]]:
    for name, interval in INTERVALS.items():
        for candle in last_candles(connection, symbol, name, interval.ring_length):
            yield name, candle


def _bucket(second: SecondOfTrades) -> BucketRow:
    return (
        second.open_time_ns // SECOND_NS,
        second.open_ticks,
        second.high_ticks,
        second.low_ticks,
        second.close_ticks,
        second.volume_lots,
        second.quote_volume,
        second.trades,
    )


def _trade(row: StoredTrade) -> Trade:
    return Trade(row.sequence, row.time_ns, row.trade_id, row.price_ticks, row.quantity_lots, row.aggressor)


def minute_of(connection: Connection, symbol: str, trade_id: int) -> tuple[int, list[Trade]] | None:
    """The minute in which a trade happened: when it opens, and its trades that count, oldest first.

    None when the trade is not there: of a symbol that is spilled the store does not have all that was put.
    """
    found = read_trades(connection, symbol, limit=1, after_id=trade_id - 1, before_id=trade_id + 1)
    if not found:
        return None
    minute_ns = found[0].time_ns // MINUTE_NS * MINUTE_NS
    return minute_ns, valid_trades(connection, symbol, minute_ns, minute_ns + MINUTE_NS)
