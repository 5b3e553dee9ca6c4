"""A symbol's rows in two stores, one beside the other: what is stored, and what was made anew of the log.

The rule guarded here: every row is looked at, field by field. What is no difference is so for a reason that is checked:

    an operator adjusted it      the row is what the last adjustment says, and a correction says so
    it follows from that         a candle that holds an adjusted trade or candle, or is flat behind such a one
    it was forgotten             it is older than the settings keep, and so is everything before it

Rows are read in pages and walked in the order of their keys, so memory stays small however many there are. Called by
the rebuild when the log has come to where the symbol stands in the store. Raises what the store does.
"""

from collections.abc import Callable, Container, Iterator
from typing import Any, Final, TypeVar

from msgspec import Struct
from sqlalchemy import Connection, func, select

from publisher.candles.candle import Candle, flat
from publisher.candles.intervals import DAY_NS, INTERVALS, Interval
from publisher.rebuilding.adjustments import Adjustments
from publisher.rebuilding.findings import Findings
from publisher.store.reading import read_candles, read_corrections, read_trades
from publisher.store.rows import MANUAL, Correction, StoredTrade
from publisher.store.tables import candles, corrections, symbols, trades

#: Rows of one page, of each store: about a MB.
PAGE_ROWS: Final = 4_000

#: Columns and fields have the same names; symbol and interval come before them.
_CANDLE_FIELDS: Final = candles.columns.keys()[2:]

Row = TypeVar("Row")


class Kept(Struct, frozen=True):
    """How many days rows are kept, 0 for ever: of trades, and of candles by interval."""

    trades_days: int
    candles_days: dict[str, int]


class Comparison:
    """One symbol. `time_ns`: its time in the store, where both have come to."""

    def __init__(
        self,
        symbol: str,
        time_ns: int,
        stored: Connection,
        rebuilt: Connection,
        kept: Kept,
        findings: Findings,
    ) -> None:
        self._symbol = symbol
        self._time_ns = time_ns
        self._stored = stored
        self._rebuilt = rebuilt
        self._kept = kept
        self._findings = findings
        self._adjustments = Adjustments()

    def run(self) -> None:
        """Corrections, trades, candles. O(rows)."""
        self._findings.symbols += 1
        self._compare_corrections()
        self._compare_trades()
        for interval in INTERVALS.values():
            self._compare_candles(interval)

    def _compare_corrections(self) -> None:
        findings, symbol = self._findings, self._symbol
        for there, made in merged(
            self._stored_corrections(),
            _corrections(self._rebuilt, symbol),
            lambda row: (row.number, row.step),
        ):
            row = there or made
            assert row is not None, "one of the two is there"
            findings.corrections += there is not None
            self._tell(f"correction {row.number}", there, made)

    def _stored_corrections(self) -> Iterator[Correction]:
        """Those of the feed; an operator's are kept apart."""
        for row in _corrections(self._stored, self._symbol):
            self._adjustments.take(row)
            if row.kind == MANUAL:
                self._findings.adjusted(self._symbol, _adjusted_what(row), f"by hand: {row.note}")
            else:
                yield row

    def _compare_trades(self) -> None:
        findings, symbol = self._findings, self._symbol
        before_ns = self._forgotten_before_ns(self._kept.trades_days)
        begun = False
        for there, made in merged(
            _trades(self._stored, symbol), _trades(self._rebuilt, symbol), lambda row: row.trade_id
        ):
            row = there or made
            assert row is not None, "one of the two is there"
            findings.trades += there is not None
            begun = begun or there is not None
            if there is None and not begun and row.time_ns < before_ns:
                findings.forgotten += 1
                continue
            expected = made if made is None else self._adjustments.trade(made)
            self._tell(f"trade {row.trade_id}", there, expected)

    def _compare_candles(self, interval: Interval) -> None:
        findings, adjustments = self._findings, self._adjustments
        before_ns = self._forgotten_before_ns(self._kept.candles_days[interval.name])
        begun = False
        follows: Candle | None = None  # the one before, when it was adjusted or follows from that
        for there, made in merged(
            _candles(self._stored, self._symbol, interval),
            _candles(self._rebuilt, self._symbol, interval),
            lambda row: row.open_time_ns,
        ):
            row = there or made
            assert row is not None, "one of the two is there"
            what = f"candle {interval.name} at {row.open_time_ns}"
            findings.candles += there is not None
            begun = begun or there is not None
            if there is None and not begun and row.open_time_ns < before_ns:
                findings.forgotten += 1
                continue
            by_hand = adjustments.candle(interval.name, row.open_time_ns)
            if by_hand is not None:
                self._tell(what, there, by_hand)
                follows = by_hand
                continue
            if there is not None and made is not None and there != made:
                end_ns = row.open_time_ns + interval.length_ns
                if adjustments.within(row.open_time_ns, end_ns) or _is_flat_behind(there, follows):
                    findings.adjusted(self._symbol, what, f"follows: {how_they_differ(there, made)}")
                    follows = there
                    continue
            self._tell(what, there, made)
            follows = None

    def _tell(self, what: str, there: Any, made: Any) -> None:
        if there is None:
            self._findings.differs(self._symbol, what, "is not stored")
        elif made is None:
            self._findings.differs(self._symbol, what, "is stored, and the log has no such")
        elif there != made:
            self._findings.differs(self._symbol, what, how_they_differ(there, made))

    def _forgotten_before_ns(self, days: int) -> int:
        """What is older than this may have been forgotten."""
        return self._time_ns - days * DAY_NS if days else 0


def stray_symbols(connection: Connection, known: Container[str]) -> set[str]:
    """Symbols that have rows and are none of these."""
    found: set[str] = set()
    for table in (trades, candles, corrections, symbols):
        column, last = table.c.symbol, ""
        # From one symbol to the next along the key: a look at each row would take as long as there are rows.
        while (
            symbol := connection.execute(select(func.min(column)).where(column > last)).scalar_one()
        ) is not None:
            if symbol not in known:
                found.add(symbol)
            last = symbol
    return found


def merged(
    stored: Iterator[Row], rebuilt: Iterator[Row], key: Callable[[Row], Any]
) -> Iterator[tuple[Row | None, Row | None]]:
    """Rows of two sorted walks side by side by their keys; None where one has no such."""
    there, made = next(stored, None), next(rebuilt, None)
    while there is not None or made is not None:
        if made is None or (there is not None and key(there) < key(made)):
            yield there, None
            there = next(stored, None)
        elif there is None or key(made) < key(there):
            yield None, made
            made = next(rebuilt, None)
        else:
            yield there, made
            there, made = next(stored, None), next(rebuilt, None)


def _is_flat_behind(candle: Candle, before: Candle | None) -> bool:
    """Whether it has no trades and the last price of the one before."""
    return before is not None and candle.says_the_same(flat(candle.open_time_ns, before.close_ticks))


def _trades(connection: Connection, symbol: str) -> Iterator[StoredTrade]:
    last_id = 0
    while rows := read_trades(connection, symbol, limit=PAGE_ROWS, after_id=last_id):
        yield from rows
        last_id = rows[-1].trade_id


def _candles(connection: Connection, symbol: str, interval: Interval) -> Iterator[Candle]:
    since_ns = 0
    while rows := read_candles(connection, symbol, interval.name, limit=PAGE_ROWS, since_ns=since_ns):
        yield from rows
        since_ns = rows[-1].open_time_ns + 1


def _corrections(connection: Connection, symbol: str) -> Iterator[Correction]:
    after = (0, 0)
    while rows := read_corrections(connection, symbol, limit=PAGE_ROWS, after=after):
        yield from rows
        after = (rows[-1].number, rows[-1].step)


def how_they_differ(there: Any, made: Any) -> str:
    """The fields that differ, of two structs or candles."""
    names = there.__struct_fields__ if isinstance(there, Struct) else _CANDLE_FIELDS
    return ", ".join(
        f"{name} is {getattr(there, name)}, the log says {getattr(made, name)}"
        for name in names
        if getattr(there, name) != getattr(made, name)
    )


def _adjusted_what(row: Correction) -> str:
    if row.trade_id is not None:
        after = "does not count" if row.price_after_ticks is None else f"at {row.price_after_ticks} ticks"
        return f"trade {row.trade_id} {after}"
    return f"candle {row.interval} at {row.open_time_ns}"
