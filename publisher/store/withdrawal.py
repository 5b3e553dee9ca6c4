"""Takes back what an engine said before it lost it: under `sync = "os"` a loss of power may do that.

The rule guarded here: afterwards the rows are what they were when the last event that stays had been stored. What
cannot be known any more is left to be made again from the feed: candles that were open then are deleted. Called by the
publisher in one transaction, before the symbol begins anew.
"""

from sqlalchemy import Connection, and_, delete, func, select, update

from publisher.candles.intervals import INTERVALS
from publisher.store.revisions import revise_trade
from publisher.store.rows import MANUAL, VALID
from publisher.store.tables import alerts, candles, corrections, progress, symbols, trades


def withdraw(connection: Connection, symbol: str, number: int) -> None:
    """The events of the symbol's trade topic from `number` on never happened. O(rows that go)."""
    of_event = and_(corrections.c.symbol == symbol, corrections.c.kind != MANUAL)
    stay = connection.execute(
        select(func.count()).where(of_event, corrections.c.number < number)
    ).scalar_one()
    last_id = number - 1 - stay
    revisions = connection.execute(
        select(corrections.c.trade_id, corrections.c.open_time_ns, corrections.c.price_before_ticks)
        .where(corrections.c.symbol == symbol, corrections.c.number >= number)
        .where(corrections.c.trade_id <= last_id)
        .order_by(corrections.c.number, corrections.c.step)
    ).all()
    connection.execute(
        delete(corrections).where(corrections.c.symbol == symbol, corrections.c.number >= number)
    )
    before: dict[int, int] = {}
    for trade_id, _, price_ticks in revisions:
        before.setdefault(trade_id, price_ticks)
    for trade_id, price_ticks in before.items():
        _put_back(connection, symbol, trade_id, price_ticks)
    connection.execute(delete(trades).where(trades.c.symbol == symbol, trades.c.trade_id > last_id))
    last = connection.execute(
        select(trades.c.sequence, trades.c.time_ns).where(
            trades.c.symbol == symbol, trades.c.trade_id == last_id
        )
    ).one_or_none()
    revised = connection.execute(
        select(func.max(corrections.c.sequence), func.max(corrections.c.time_ns)).where(of_event)
    ).one()
    sequence, time_ns = (max(a or 0, b or 0) for a, b in zip(last or (0, 0), revised, strict=True))
    # A candle that closed later may be another one: what happens next may be of before its end.
    from_ns = min([time_ns, *(opened for _, opened, _ in revisions if opened is not None)])
    for name, interval in INTERVALS.items():
        connection.execute(
            delete(candles).where(
                candles.c.symbol == symbol,
                candles.c.interval == name,
                candles.c.open_time_ns > from_ns - interval.length_ns,
            )
        )
    for table in (symbols, alerts):
        connection.execute(
            update(table)
            .where(table.c.symbol == symbol, table.c.sequence > sequence)
            .values(sequence=sequence)
        )
    connection.execute(
        update(progress)
        .where(progress.c.symbol == symbol)
        .values(trade_number=number - 1, sequence=sequence, time_ns=time_ns)
    )


def _put_back(connection: Connection, symbol: str, trade_id: int, price_ticks: int) -> None:
    """A trade is what the corrections that stay say of it; without any it is as it happened."""
    of_trade = and_(corrections.c.symbol == symbol, corrections.c.trade_id == trade_id)
    if connection.execute(select(func.count()).where(of_trade)).scalar_one():
        revise_trade(connection, symbol, trade_id)
        return
    connection.execute(
        update(trades)
        .where(trades.c.symbol == symbol, trades.c.trade_id == trade_id)
        .values(state=VALID, price_ticks=price_ticks)
    )
