"""One transaction of the store: what is inserted, what is compared, what is changed.

The rule guarded here: the rows are a function of the log, so what is there already is the same or an alarm, and what
is newer is never overwritten by what is older, in whatever order several publishers write.

    trades       inserted; one that is there has to be the same (its price at first, before corrections)
    corrections  inserted; then each touched trade is what its last correction says, by (number, step)
    candles      inserted; a higher revision replaces a lower one; what an operator adjusted by hand stays
    symbols, alerts, progress   the later log sequence stays

Called by `Store` with a transaction that writes. In PostgreSQL the rows of `progress` are locked first, in the order
of the symbols, so that two publishers take turns; SQLite has one writer anyway.
"""

from collections.abc import Mapping, Sequence
from typing import Any, Final, NamedTuple, final

import msgspec
from sqlalchemy import Connection, Table, and_, delete, select, update
from sqlalchemy.dialects import postgresql, sqlite

from bus.errors import StoreBehind, StoreDiffers
from bus.protocol.feed import Trade
from publisher.candles.candle import Candle
from publisher.store.bulk import Bulk
from publisher.store.revisions import (
    adjusted_candles,
    corrected_within,
    last_corrected,
    original_prices,
    revise_trade,
    write_corrections,
)
from publisher.store.rows import VALID, CandleKey, Progress, SymbolRows
from publisher.store.tables import alerts, candles, progress, symbols, trades

_NOTHING: Final = Progress(0, 0, 0, 0)


class Written(NamedTuple):
    """What a transaction did: where the database now stands with each symbol, and which candles stayed as adjusted."""

    progress: dict[str, Progress]
    kept: list[CandleKey]


@final
class Writing:
    """The statements of one kind of database."""

    def __init__(self, dialect_name: str) -> None:
        self._postgres = dialect_name == "postgresql"
        self._trades = Bulk(trades, dialect_name)
        self._candles = Bulk(candles, dialect_name)
        self._progress = Bulk(progress, dialect_name)
        self._newer_symbols = self._newer(symbols)
        self._newer_alerts = self._newer(alerts)
        self._newer_progress = self._newer(progress)

    def write(self, connection: Connection, pieces: Sequence[SymbolRows]) -> Written:
        """Everything in `pieces`, each of another symbol."""
        names = sorted(piece.symbol for piece in pieces)
        assert len(names) == len(set(names)), "one piece a symbol"
        stored = self._locked_progress(connection, names)
        for piece in pieces:
            _check_place(piece, stored.get(piece.symbol, _NOTHING))
        self._write_trades(connection, pieces)
        self._write_revisions(connection, pieces)
        kept = self._write_candles(connection, pieces)
        self._write_symbols(connection, pieces)
        moved = {piece.symbol: piece.progress for piece in pieces}
        for symbol, there in stored.items():
            if there.sequence > moved[symbol].sequence:
                moved[symbol] = there
        rows = [{"symbol": piece.symbol, **msgspec.structs.asdict(piece.progress)} for piece in pieces]
        connection.execute(self._newer_progress, rows)
        return Written(moved, kept)

    def _locked_progress(self, connection: Connection, names: list[str]) -> dict[str, Progress]:
        """The progress of the symbols that have one; in PostgreSQL locked until the transaction ends."""
        if self._postgres:
            nothing = msgspec.structs.astuple(_NOTHING)
            self._progress.insert(connection, [(name, *nothing) for name in names])
        question = select(progress).where(progress.c.symbol.in_(names)).order_by(progress.c.symbol)
        found = connection.execute(question.with_for_update() if self._postgres else question)
        return {symbol: Progress(*values) for symbol, *values in found}

    def _write_trades(self, connection: Connection, pieces: Sequence[SymbolRows]) -> None:
        astuple = msgspec.structs.astuple
        rows = [(piece.symbol, *astuple(trade), VALID) for piece in pieces for trade in piece.trades]
        if self._trades.insert(connection, rows) == len(rows):
            return
        for piece in pieces:
            if piece.trades:
                _compare_trades(connection, piece.symbol, piece.trades)

    def _write_revisions(self, connection: Connection, pieces: Sequence[SymbolRows]) -> None:
        for piece in pieces:
            if piece.revisions:
                write_corrections(connection, piece)
        # Trades that are written again, after they were lost, come back as they were corrected.
        corrected = last_corrected(connection, [piece.symbol for piece in pieces if piece.trades])
        for piece in pieces:
            ids = {event.trade_id for _, event in piece.revisions}
            if piece.trades and piece.trades[0].trade_id <= corrected.get(piece.symbol, 0):
                ids |= corrected_within(
                    connection, piece.symbol, piece.trades[0].trade_id, piece.trades[-1].trade_id
                )
            for trade_id in sorted(ids):
                revise_trade(connection, piece.symbol, trade_id)

    def _write_candles(self, connection: Connection, pieces: Sequence[SymbolRows]) -> list[CandleKey]:
        given = {
            (piece.symbol, interval, candle.open_time_ns): candle
            for piece in pieces
            for interval, candle in piece.candles
        }
        if not given:
            return []
        adjusted = adjusted_candles(connection, {symbol for symbol, _, _ in given})
        kept = [key for key in given if key in adjusted and given[key] != adjusted[key]]
        wanted = {key: adjusted.get(key, candle) for key, candle in given.items()}
        rows = [candle_row(symbol, interval, candle) for (symbol, interval, _), candle in wanted.items()]
        if self._candles.insert(connection, rows) < len(rows):
            _settle_candles(connection, wanted)
        return kept

    def _write_symbols(self, connection: Connection, pieces: Sequence[SymbolRows]) -> None:
        announced = [
            {
                "symbol": piece.symbol,
                "sequence": piece.definition.sequence,
                "status": piece.definition.phase,
                "definition": msgspec.json.encode(
                    msgspec.structs.asdict(piece.definition.definition)
                ).decode(),
            }
            for piece in pieces
            if piece.definition is not None
        ]
        if announced:
            connection.execute(self._newer_symbols, announced)
        removed = [alert_id for piece in pieces for alert_id in piece.removed_alerts]
        if removed:
            connection.execute(delete(alerts).where(alerts.c.alert_id.in_(removed)))
        changed = [msgspec.structs.asdict(alert) for piece in pieces for alert in piece.alerts]
        if changed:
            connection.execute(self._newer_alerts, changed)

    def _newer(self, table: Table) -> Any:
        """An insert that replaces a row of a smaller or the same log sequence."""
        statement = (postgresql if self._postgres else sqlite).insert(table)
        key = [column.name for column in table.primary_key]
        return statement.on_conflict_do_update(
            index_elements=key,
            set_={c.name: statement.excluded[c.name] for c in table.columns if c.name not in key},
            where=statement.excluded.sequence >= table.c.sequence,
        )


def candle_row(symbol: str, interval: str, candle: Candle) -> tuple[Any, ...]:
    """A candle as its row."""
    assert candle.closed, "only closed candles are stored"
    *fields, _, revision = candle.row()
    return (symbol, interval, *fields, revision)


def candle_of(fields: Sequence[Any]) -> Candle:
    """A row without symbol and interval as its candle."""
    candle = Candle(*fields[:-1])
    candle.closed = True
    candle.revision = fields[-1]
    return candle


def read_candle(connection: Connection, key: CandleKey) -> Candle | None:
    """The candle of a key as it is stored."""
    found = connection.execute(select(candles).where(_candle_is(key))).one_or_none()
    return None if found is None else candle_of(found[2:])


def replace_candle(connection: Connection, key: CandleKey, candle: Candle) -> None:
    """Put a candle in the place of the stored one."""
    row = dict(zip(candles.columns.keys(), candle_row(key[0], key[1], candle), strict=True))
    connection.execute(update(candles).where(_candle_is(key)).values(row))


def _check_place(piece: SymbolRows, stored: Progress) -> None:
    """Whether a piece goes on where the database stands, or before that; and whether both tell the same history."""
    symbol, given = piece.symbol, piece.progress
    if piece.after_sequence is not None and piece.after_sequence > stored.sequence:
        raise StoreBehind(
            f"{symbol}: the database has it up to sequence {stored.sequence}, the rows go on after"
            f" {piece.after_sequence}",
            symbol,
            stored.sequence,
        )
    if given.sequence > stored.sequence:
        agrees = given.trade_number >= stored.trade_number
    elif given.sequence == stored.sequence:
        agrees = given == stored
    else:
        agrees = given.trade_number <= stored.trade_number
    if not agrees:
        raise StoreDiffers(
            f"{symbol}: the database stands at trade number {stored.trade_number} and sequence"
            f" {stored.sequence}, the rows say {given.trade_number} and {given.sequence}",
            symbol,
        )


def _compare_trades(connection: Connection, symbol: str, given: Sequence[Trade]) -> None:
    first, last = given[0].trade_id, given[-1].trade_id
    within = and_(trades.c.symbol == symbol, trades.c.trade_id.between(first, last))
    found = {row.trade_id: row for row in connection.execute(select(trades).where(within))}
    original: dict[int, int] = {}
    if any(row.state != VALID for row in found.values()):
        original = original_prices(connection, symbol, first, last)
    for trade in given:
        row = found[trade.trade_id]
        there = (
            row.sequence,
            row.time_ns,
            row.trade_id,
            original.get(row.trade_id, row.price_ticks),
            row.quantity_lots,
            row.aggressor,
        )
        if there != msgspec.structs.astuple(trade):
            raise StoreDiffers(
                f"{symbol}: the database has another trade {trade.trade_id}: {there} and not"
                f" {msgspec.structs.astuple(trade)}",
                symbol,
            )


def _settle_candles(connection: Connection, given: Mapping[CandleKey, Candle]) -> None:
    """Candles that may have been there before: the higher revision stays, the same one has to be the same."""
    names, intervals, times = (sorted(set(part)) for part in zip(*given, strict=True))
    found = connection.execute(
        select(candles)
        .where(candles.c.symbol.in_(names), candles.c.interval.in_(intervals))
        .where(candles.c.open_time_ns.between(times[0], times[-1]))
    )
    there = {(row.symbol, row.interval, row.open_time_ns): candle_of(row[2:]) for row in found}
    for key, candle in given.items():
        if candle.revision > there[key].revision:
            replace_candle(connection, key, candle)
        elif candle.revision == there[key].revision and candle != there[key]:
            raise StoreDiffers(
                f"{key[0]}: the database has another candle of {key[1]} that opens at {key[2]}", key[0]
            )


def _candle_is(key: CandleKey) -> Any:
    symbol, interval, open_time_ns = key
    return and_(
        candles.c.symbol == symbol,
        candles.c.interval == interval,
        candles.c.open_time_ns == open_time_ns,
    )
