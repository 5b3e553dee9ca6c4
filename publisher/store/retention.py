"""Forgetting: which trades and candles are old enough to be deleted, a few at a time.

The rule guarded here: time is the engine time up to which the rows of the symbol go, never that of the wall clock; and
whatever the publisher needs at its start stays, however old: full rings of candles, the last trades, the last two days
(24 hours of statistics, and trades that may still be busted). Corrections stay for ever. Called by the writer thread
in moments when nothing waits.
"""

from typing import Any, Final, final

from sqlalchemy import Column, ColumnElement, Connection, delete, func, select

from bus.config import Store as Settings
from publisher.candles.intervals import DAY_NS, INTERVALS
from publisher.store.reading import first_id_at, read_progress
from publisher.store.store import Store
from publisher.store.tables import candles, trades

#: Rows of one transaction: about 10 ms, for which new rows wait.
FORGOTTEN_ROWS_MAX: Final = 2_000
#: The trades of this much time stay in any case.
DAYS_MIN: Final = 2
#: Of each symbol, in any case: as many as its ring of trades and a page of a reader's request could want.
TRADES_MIN: Final = 10_000


@final
class Forgetting:
    """Walks through symbols and tables, a small transaction each step; `begin` starts a round."""

    def __init__(self, settings: Settings) -> None:
        days = {name: int(getattr(settings, f"candles_{name}_days")) for name in INTERVALS}
        self._candles_ns = {name: kept * DAY_NS for name, kept in days.items() if kept}
        self._trades_ns = max(settings.trades_days, DAYS_MIN) * DAY_NS if settings.trades_days else 0
        self._waiting: list[tuple[str, str, int]] = []
        self.rows_deleted = 0

    @property
    def wanted(self) -> bool:
        """Whether anything is ever deleted."""
        return bool(self._candles_ns or self._trades_ns)

    @property
    def under_way(self) -> bool:
        """Whether there is a next step."""
        return bool(self._waiting)

    def begin(self, store: Store) -> None:
        """See what there is to look at: each symbol, each table that is not kept for ever."""
        with store.reading() as connection:
            times = {symbol: at.time_ns for symbol, at in read_progress(connection).items()}
        self._waiting = [
            (symbol, name, now_ns - kept_ns)
            for symbol, now_ns in times.items()
            for name, kept_ns in (("", self._trades_ns), *self._candles_ns.items())
            if kept_ns
        ]

    def step(self, store: Store) -> None:
        """Delete a few rows of what comes next; it comes again when there were more."""
        symbol, interval, before_ns = self._waiting[-1]
        with store.transaction() as connection:
            if interval:
                deleted = _forget_candles(connection, symbol, interval, before_ns)
            else:
                deleted = _forget_trades(connection, symbol, before_ns)
        self.rows_deleted += deleted
        if deleted < FORGOTTEN_ROWS_MAX:
            self._waiting.pop()


def _forget_trades(connection: Connection, symbol: str, before_ns: int) -> int:
    """Delete the oldest trades before this time; how many."""
    of_symbol = trades.c.symbol == symbol
    kept_id = connection.execute(
        select(trades.c.trade_id)
        .where(of_symbol)
        .order_by(trades.c.trade_id.desc())
        .offset(TRADES_MIN - 1)
        .limit(1)
    ).scalar_one_or_none()
    if kept_id is None:
        return 0
    end = min(kept_id, first_id_at(connection, symbol, before_ns))
    return _delete_oldest(connection, trades.c.trade_id, [of_symbol], end)


def _forget_candles(connection: Connection, symbol: str, interval: str, before_ns: int) -> int:
    """Delete the oldest candles that open before this time; how many."""
    of_symbol = [candles.c.symbol == symbol, candles.c.interval == interval]
    opens = candles.c.open_time_ns
    kept_ns = connection.execute(
        select(opens)
        .where(*of_symbol)
        .order_by(opens.desc())
        .offset(INTERVALS[interval].ring_length - 1)
        .limit(1)
    ).scalar_one_or_none()
    if kept_ns is None:
        return 0
    return _delete_oldest(connection, opens, of_symbol, min(before_ns, kept_ns))


def _delete_oldest(
    connection: Connection, key: Column[Any], rows: list[ColumnElement[bool]], end: int
) -> int:
    """Delete at most `FORGOTTEN_ROWS_MAX` of these rows, those with the lowest keys, all below `end`."""
    lowest = select(key).where(*rows, key < end).order_by(key).limit(FORGOTTEN_ROWS_MAX).subquery()
    last: int | None = connection.execute(select(func.max(lowest.c[0]))).scalar_one()
    if last is None:
        return 0
    return connection.execute(delete(key.table).where(*rows, key <= last)).rowcount
