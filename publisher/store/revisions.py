"""Corrections: what was changed of stored trades and candles, by whom, and what follows from it.

The rule guarded here: the state of a trade is what its last correction says, by `(number, step)`. So corrections may
be written again and in any order, and what an operator did by hand stays until a newer event of the feed changes it.
Called by `writing`, and by `adjustment`.
"""

import json
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, Final

import msgspec
from sqlalchemy import Connection, Row, func, insert, select, update

from bus.errors import StoreDiffers
from bus.protocol.feed import TradeBusted, TradeCorrected
from publisher.candles.candle import Candle
from publisher.candles.intervals import MINUTE_NS
from publisher.store.rows import BUST, BUSTED, CORRECT, CORRECTED, MANUAL, CandleKey, Correction, SymbolRows
from publisher.store.tables import corrections, trades

# Columns and fields have the same names; the symbol comes before them.
_FIELDS: Final = corrections.columns.keys()[1:]


def write_corrections(connection: Connection, piece: SymbolRows) -> None:
    """The events of a piece that are not there; those that are there have to be the same."""
    symbol = piece.symbol
    numbers = [number for number, _ in piece.revisions]
    found = connection.execute(
        select(corrections).where(
            corrections.c.symbol == symbol,
            corrections.c.number.between(numbers[0], numbers[-1]),
            corrections.c.step == 0,
        )
    )
    there = {row.number: correction_of(row) for row in found}
    ids = {event.trade_id for _, event in piece.revisions}
    times = connection.execute(
        select(trades.c.trade_id, trades.c.time_ns).where(
            trades.c.symbol == symbol, trades.c.trade_id.in_(ids)
        )
    )
    minutes = {trade_id: time_ns - time_ns % MINUTE_NS for trade_id, time_ns in times}
    new = []
    for number, event in piece.revisions:
        row = _correction(number, event, minutes.get(event.trade_id))
        if number not in there:
            new.append(row)
        # The minute is not known any more when the trade has been forgotten since.
        elif msgspec.structs.replace(there[number], open_time_ns=row.open_time_ns) != row:
            raise StoreDiffers(
                f"{symbol}: the database has another event {number} on the trade topic", symbol
            )
    if new:
        insert_corrections(connection, symbol, new)


def insert_corrections(connection: Connection, symbol: str, rows: Iterable[Correction]) -> None:
    """Add rows that are not there."""
    connection.execute(
        insert(corrections), [{"symbol": symbol, **msgspec.structs.asdict(row)} for row in rows]
    )


def revise_trade(connection: Connection, symbol: str, trade_id: int) -> None:
    """Let a stored trade be what its last correction says."""
    last = connection.execute(
        select(corrections.c.price_before_ticks, corrections.c.price_after_ticks)
        .where(corrections.c.symbol == symbol, corrections.c.trade_id == trade_id)
        .order_by(corrections.c.number.desc(), corrections.c.step.desc())
        .limit(1)
    ).one()
    before, after = last
    # What no longer counts has the price at which it counted last.
    changed = (
        {"state": BUSTED, "price_ticks": before}
        if after is None
        else {"state": CORRECTED, "price_ticks": after}
    )
    connection.execute(
        update(trades).where(trades.c.symbol == symbol, trades.c.trade_id == trade_id).values(changed)
    )


def original_prices(connection: Connection, symbol: str, first: int, last: int) -> dict[int, int]:
    """The prices at first of those trades in a range that were corrected."""
    changes = connection.execute(
        select(corrections.c.trade_id, corrections.c.price_before_ticks)
        .where(corrections.c.symbol == symbol, corrections.c.trade_id.between(first, last))
        .order_by(corrections.c.number.desc(), corrections.c.step.desc())
    )
    return {row.trade_id: row.price_before_ticks for row in changes}


def last_corrected(connection: Connection, names: Sequence[str]) -> dict[str, int]:
    """The highest id of a corrected trade, of each symbol that has any."""
    if not names:
        return {}
    found = connection.execute(
        select(corrections.c.symbol, func.max(corrections.c.trade_id).label("trade_id"))
        .where(corrections.c.symbol.in_(names), corrections.c.trade_id.is_not(None))
        .group_by(corrections.c.symbol)
    )
    return {row.symbol: row.trade_id for row in found}


def corrected_within(connection: Connection, symbol: str, first: int, last: int) -> set[int]:
    found = connection.execute(
        select(corrections.c.trade_id).where(
            corrections.c.symbol == symbol, corrections.c.trade_id.between(first, last)
        )
    )
    return {trade_id for (trade_id,) in found}


def adjusted_candles(connection: Connection, names: Iterable[str]) -> Mapping[CandleKey, Candle]:
    """What an operator made of candles by hand, the last word on each."""
    found = connection.execute(
        select(corrections.c.symbol, corrections.c.interval, corrections.c.open_time_ns, corrections.c.after)
        .where(
            corrections.c.symbol.in_(list(names)),
            corrections.c.trade_id.is_(None),
            corrections.c.kind == MANUAL,
        )
        .order_by(corrections.c.number, corrections.c.step)
    )
    return {
        (symbol, interval, open_time_ns): Candle(*json.loads(after))
        for symbol, interval, open_time_ns, after in found
    }


def _correction(number: int, event: TradeBusted | TradeCorrected, open_time_ns: int | None) -> Correction:
    if isinstance(event, TradeCorrected):
        kind, before, after = CORRECT, event.previous_price_ticks, event.price_ticks
    else:
        kind, before, after = BUST, event.price_ticks, None
    return Correction(
        number=number,
        sequence=event.sequence,
        time_ns=event.time_ns,
        kind=kind,
        trade_id=event.trade_id,
        price_before_ticks=before,
        price_after_ticks=after,
        open_time_ns=open_time_ns,
    )


def correction_of(row: Row[Any]) -> Correction:
    """A row of the table."""
    return Correction(**dict(zip(_FIELDS, row[1:], strict=True)))
