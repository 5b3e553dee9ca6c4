"""What is asked of the store. Each question takes a connection of `Store.reading`, and blocks.

The rule guarded here: what does not count (busted trades) is only given to those who ask for it, and every sum is
exact. Ids and times of a symbol's trades grow together, so a time is found by bisection over the ids, in some twenty
steps, and no index over the time has to be written. Asked by the publisher at its start, for a revised minute, and by
requests of readers.
"""

from collections.abc import Iterator, Sequence
from typing import Any, Final, NamedTuple

import msgspec
from sqlalchemy import ColumnElement, Connection, and_, case, func, literal, select

from bus.errors import StoreDamaged
from bus.protocol.feed import InstrumentDefined, Trade
from bus.protocol.terms import BUY
from publisher.candles.candle import Candle
from publisher.candles.intervals import SECOND_NS
from publisher.store.revisions import correction_of
from publisher.store.rows import (
    BUSTED,
    Correction,
    Progress,
    StoredAlert,
    StoredTrade,
    SymbolDefinition,
)
from publisher.store.tables import alerts, candles, corrections, progress, symbols, trades
from publisher.store.writing import candle_of

#: Ids and times are below this.
_END: Final = 2**63 - 1
#: A sum of products below 2**63 leaves 64 bits: upper and lower halves are added by themselves, up to 2**31 rows.
_HALF: Final = 32
_LOWER: Final = 2**_HALF - 1


class SecondOfTrades(NamedTuple):
    """The valid trades of one second of engine time, of which there is at least one. Units as of a candle."""

    open_time_ns: int
    open_ticks: int
    high_ticks: int
    low_ticks: int
    close_ticks: int
    volume_lots: int
    quote_volume: int
    trades: int
    taker_buy_lots: int
    taker_buy_quote: int
    first_trade_id: int
    last_trade_id: int


def read_progress(connection: Connection) -> dict[str, Progress]:
    """What the rows contain, by symbol."""
    return {symbol: Progress(*values) for symbol, *values in connection.execute(select(progress))}


def read_trades(
    connection: Connection,
    symbol: str,
    *,
    limit: int,
    after_id: int = 0,
    before_id: int = _END,
    since_ns: int = 0,
    until_ns: int = _END,
    newest_first: bool = False,
    busted: bool = True,
) -> list[StoredTrade]:
    """At most `limit` trades with ids between the two (exclusive) and times from `since_ns` until before `until_ns`.

    The cursor is the id: ask again with that of the last one as `before_id` (newest first) or `after_id`.
    """
    lowest, highest = after_id + 1, before_id - 1
    if since_ns > 0:
        lowest = max(lowest, first_id_at(connection, symbol, since_ns))
    if until_ns < _END:
        highest = min(highest, first_id_at(connection, symbol, until_ns) - 1)
    wanted = select(*_trade_columns).where(
        trades.c.symbol == symbol, trades.c.trade_id.between(lowest, highest)
    )
    if not busted:
        wanted = wanted.where(trades.c.state != BUSTED)
    order = trades.c.trade_id.desc() if newest_first else trades.c.trade_id
    return [StoredTrade(*row) for row in connection.execute(wanted.order_by(order).limit(limit))]


def valid_trades(connection: Connection, symbol: str, since_ns: int, until_ns: int) -> list[Trade]:
    """All trades from `since_ns` until before `until_ns` that count, oldest first, at their corrected prices."""
    wanted = select(*_trade_columns[:-1]).where(_valid_within(connection, symbol, since_ns, until_ns))
    return [Trade(*row) for row in connection.execute(wanted.order_by(trades.c.trade_id))]


def first_trade(connection: Connection, symbol: str) -> StoredTrade | None:
    """The oldest trade that is stored, busted or not."""
    return next(iter(read_trades(connection, symbol, limit=1)), None)


def first_id_at(connection: Connection, symbol: str, time_ns: int) -> int:
    """The id of the first stored trade at this time or later; one more than the last id when there is none."""
    low, high = connection.execute(
        select(func.min(trades.c.trade_id), func.max(trades.c.trade_id)).where(trades.c.symbol == symbol)
    ).one()
    if low is None:
        return 1
    end = high + 1
    # Invariant: what is below `low` is before the time, `end` or a trade at `end` is not.
    while low < end:
        middle = (low + end) // 2
        # Also where ids are missing.
        trade_id, at_ns = connection.execute(
            select(trades.c.trade_id, trades.c.time_ns)
            .where(trades.c.symbol == symbol, trades.c.trade_id >= middle)
            .order_by(trades.c.trade_id)
            .limit(1)
        ).one()
        if at_ns < time_ns:
            low = trade_id + 1
        else:
            end = middle
    return int(low)


def seconds_of_trades(
    connection: Connection, symbol: str, since_ns: int, until_ns: int
) -> list[SecondOfTrades]:
    """The valid trades from `since_ns` until before `until_ns` by second, oldest first; no row for an empty second.

    O(trades) in the database, and one row a second out of it.
    """
    notional = trades.c.price_ticks * trades.c.quantity_lots
    bought = case((trades.c.aggressor == BUY, 1), else_=0)
    opened = trades.c.time_ns - trades.c.time_ns % SECOND_NS
    sums = [trades.c.quantity_lots, notional, trades.c.quantity_lots * bought, notional * bought]
    grouped = (
        select(
            opened.label("opened"),
            func.min(trades.c.trade_id).label("first_id"),
            func.max(trades.c.trade_id).label("last_id"),
            func.max(trades.c.price_ticks).label("high"),
            func.min(trades.c.price_ticks).label("low"),
            func.count().label("count"),
            *(half for at, value in enumerate(sums) for half in _halves(value, f"sum{at}")),
        )
        .where(_valid_within(connection, symbol, since_ns, until_ns))
        .group_by(opened)
        .subquery()
    )
    first, last = trades.alias("first"), trades.alias("last")
    found = connection.execute(
        select(grouped, first.c.price_ticks.label("open"), last.c.price_ticks.label("close"))
        .join(first, and_(first.c.symbol == symbol, first.c.trade_id == grouped.c.first_id))
        .join(last, and_(last.c.symbol == symbol, last.c.trade_id == grouped.c.last_id))
        .order_by(grouped.c.opened)
    )
    return [_second(*row) for row in found]


def read_candles(
    connection: Connection,
    symbol: str,
    interval: str,
    *,
    limit: int,
    since_ns: int = 0,
    until_ns: int = _END,
    newest_first: bool = False,
) -> list[Candle]:
    """At most `limit` closed candles that open from `since_ns` until before `until_ns`."""
    opens = candles.c.open_time_ns
    found = connection.execute(
        select(*list(candles.columns)[2:])
        .where(candles.c.symbol == symbol, candles.c.interval == interval)
        .where(opens >= since_ns, opens < until_ns)
        .order_by(opens.desc() if newest_first else opens)
        .limit(limit)
    )
    return [candle_of(row) for row in found]


def last_candles(connection: Connection, symbol: str, interval: str, count: int) -> list[Candle]:
    """The newest `count` closed candles, oldest first: what a ring holds."""
    return read_candles(connection, symbol, interval, limit=count, newest_first=True)[::-1]


def read_symbols(connection: Connection) -> dict[str, SymbolDefinition]:
    """All symbols, as they were announced last."""
    found = connection.execute(select(symbols).order_by(symbols.c.symbol))
    return {
        symbol: SymbolDefinition(sequence, status, _definition(symbol, text))
        for symbol, sequence, status, text in found
    }


def read_alerts(connection: Connection, symbol: str | None = None) -> list[StoredAlert]:
    """The alerts of a symbol, or all, by id."""
    wanted = select(alerts).order_by(alerts.c.alert_id)
    if symbol is not None:
        wanted = wanted.where(alerts.c.symbol == symbol)
    return [StoredAlert(*row) for row in connection.execute(wanted)]


def read_corrections(
    connection: Connection, symbol: str, *, limit: int, after: tuple[int, int] = (0, 0)
) -> list[Correction]:
    """At most `limit` corrections behind `after`, a number and a step, in their order."""
    number, step = corrections.c.number, corrections.c.step
    found = connection.execute(
        select(corrections)
        .where(corrections.c.symbol == symbol)
        .where((number > after[0]) | ((number == after[0]) & (step > after[1])))
        .order_by(number, step)
        .limit(limit)
    )
    return [correction_of(row) for row in found]


_trade_columns: Final = [trades.c[name] for name in StoredTrade.__struct_fields__]


def _valid_within(connection: Connection, symbol: str, since_ns: int, until_ns: int) -> ColumnElement[bool]:
    return and_(
        trades.c.symbol == symbol,
        trades.c.trade_id >= first_id_at(connection, symbol, since_ns),
        trades.c.trade_id < first_id_at(connection, symbol, until_ns),
        trades.c.state != BUSTED,
    )


def _halves(value: Any, name: str) -> Iterator[ColumnElement[Any]]:
    yield func.sum(value.op(">>")(literal(_HALF))).label(f"{name}_upper")
    yield func.sum(value.op("&")(literal(_LOWER))).label(f"{name}_lower")


def _second(
    opened: int, first_id: int, last_id: int, high: int, low: int, count: int, *rest: int
) -> SecondOfTrades:
    *halves, first_price, last_price = rest
    volume, quote, buy, buy_quote = _joined(halves)
    return SecondOfTrades(
        opened, first_price, high, low, last_price, volume, quote, count, buy, buy_quote, first_id, last_id
    )


def _joined(halves: Sequence[int]) -> list[int]:
    # PostgreSQL adds 64-bit numbers up to a Decimal.
    pairs = zip(halves[::2], halves[1::2], strict=True)
    return [(int(upper) << _HALF) + int(lower) for upper, lower in pairs]


def _definition(symbol: str, text: str) -> InstrumentDefined:
    try:
        fields = msgspec.json.decode(text, type=dict[str, int | str])
        known = {name: fields[name] for name in InstrumentDefined.__struct_fields__ if name in fields}
        return InstrumentDefined(**known)  # type: ignore[arg-type]  # which is which is written by name
    except (msgspec.DecodeError, TypeError) as error:
        raise StoreDamaged(
            f"the database has no definition for {symbol} that can be read: {error}"
        ) from error
