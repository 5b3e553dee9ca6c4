"""Positions as the protocol has them, read from the database. Called by `history.reading`, in its transaction."""

from collections.abc import Iterator
from typing import Any

from sqlalchemy import Connection, or_, select

from bus.protocol.exposure import AccountPosition, Exposures, QueryExposures, QueryPositions
from publisher.candles.intervals import DAY_NS
from publisher.oversight.exposure.folding import Account
from publisher.oversight.exposure.keeping import account_of, all_marks
from publisher.oversight.exposure.ranking import Held, totals, worst
from publisher.oversight.history.changes import Position
from publisher.oversight.history.tables import marks, positions


def positions_of(connection: Connection, query: QueryPositions) -> list[AccountPosition]:
    """Those that a query asks for, and one more than it wants when there are more. O(rows)."""
    question = (
        select(positions, marks.c.price_ticks)
        .join_from(positions, marks, positions.c.symbol == marks.c.symbol, isouter=True)
        .where(positions.c.account == query.account, positions.c.symbol > query.after, _is_told())
        .order_by(positions.c.symbol)
        .limit(query.limit + 1)
    )
    if query.symbol:
        question = question.where(positions.c.symbol == query.symbol)
    return [told(row.symbol, account_of(row), row.price_ticks or 0) for row in connection.execute(question)]


def exposures_of(
    connection: Connection, query: QueryExposures, correlation_id: int, at: Position
) -> Exposures:
    """The worst accounts as of a position of the history. O(positions of all accounts)."""
    prices = all_marks(connection)
    known = [
        (weighed.symbol, prices[weighed.symbol]) for weighed in query.symbols if weighed.symbol in prices
    ]
    day_ns = at.time_ns - at.time_ns % DAY_NS
    summed = totals(_all_held(connection), query.symbols, prices, day_ns)
    rows = worst(summed, query.by, query.limit)
    return Exposures(correlation_id, at.log_sequence, at.time_ns, len(summed), known, rows)


def _all_held(connection: Connection) -> Iterator[Held]:
    columns = positions.c
    question = select(
        columns.account,
        columns.symbol,
        columns.lots,
        columns.cost,
        columns.realised,
        columns.opening_realised,
        columns.opening_day_ns,
        columns.bid_lots,
        columns.bid_notional,
        columns.bid_unpriced_lots,
        columns.ask_lots,
        columns.ask_notional,
        columns.ask_unpriced_lots,
    ).where(_is_told())
    for row in connection.execute(question):
        yield Held._make(row)


def told(symbol: str, account: Account, mark_ticks: int) -> AccountPosition:
    """As the protocol has it."""
    standing, bids, asks = account.standing, account.bids, account.asks
    held, opening = standing.held, standing.opening
    return AccountPosition(
        symbol,
        str(held.lots),
        str(held.cost),
        str(held.realised),
        str(opening.held.realised),
        opening.day_ns,
        mark_ticks,
        bids.orders,
        str(bids.lots),
        str(bids.notional),
        str(bids.unpriced_lots),
        asks.orders,
        str(asks.lots),
        str(asks.notional),
        str(asks.unpriced_lots),
        standing.report_number,
        standing.sequence,
        standing.time_ns,
        [(asset, str(paid)) for asset, paid in account.fees],
    )


def _is_told() -> Any:
    """Where nothing was traded and nothing is open there was at most an order that came to nothing."""
    return or_(positions.c.last_report > 0, positions.c.bid_orders > 0, positions.c.ask_orders > 0)
