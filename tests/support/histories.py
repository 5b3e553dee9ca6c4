"""Histories in a database, opened for a test; random logs to fill them, and the proof that they hold them."""

from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from random import Random
from typing import Any

from sqlalchemy import select

from bus.protocol.commands import BustTrade, CorrectTrade
from bus.protocol.history import (
    OPEN,
    Execution,
    NumberedRejection,
    NumberedReport,
    PastOrder,
    QueryExecutions,
    QueryMovements,
    QueryPastOrders,
    QueryRejections,
    QueryReports,
)
from bus.protocol.reports import Moved, Rejected, Settled
from bus.protocol.terms import CANCELLED, FILLED, RESTING, VENUE_FEES, WAITING
from bus.sockets.reading.feed_items import Run
from matcher.engine import Engine
from publisher.oversight.exposure.folding import Account
from publisher.oversight.exposure.keeping import account_of, last_trade, recomputed
from publisher.oversight.history.reading import HistoryReader
from publisher.oversight.history.tables import marks, positions
from publisher.oversight.history.writing import HistoryWriter, open_history
from tests.support.clearing_markets import clearing
from tests.support.drop_copies import DropCopy
from tests.support.markets import OPERATOR_SESSION, SYMBOLS, Message, Step, walk
from tests.support.past import Past, engine_orders, told_status


@contextmanager
def writing(url: str) -> Iterator[HistoryWriter]:
    """A history that is written."""
    engine, name = open_history(url, "")
    try:
        yield HistoryWriter(engine, name)
    finally:
        engine.dispose()


@contextmanager
def reading(url: str) -> Iterator[HistoryReader]:
    """A history that is read."""
    engine, name = open_history(url, "")
    try:
        yield HistoryReader(engine, name)
    finally:
        engine.dispose()


def random_runs(copy: DropCopy, seed: int, length: int, clears: bool = False) -> Iterator[Run]:
    """A log with busts and corrections in it, told step by step. `clears`: with money, too."""
    chance = Random(seed)
    steps: Iterable[Step] = walk(seed, length)
    for step in clearing(list(steps), Random(seed)) if clears else steps:
        if clears and isinstance(step, Message) and step.session not in copy.engine.state.sessions:
            continue  # a transfer that was drawn for a session that has ended
        yield from copy.tell(step)
        if chance.random() < 0.1:
            symbol, trade_id = chance.choice(SYMBOLS), 1 + chance.randrange(40)
            revise: Any = BustTrade(symbol, trade_id)
            if chance.random() < 0.6:
                revise = CorrectTrade(symbol, trade_id, chance.randrange(2, 12))
            yield from copy.tell(Message(OPERATOR_SESSION, (revise,)))


def random_market(seed: int, length: int, clears: bool = False) -> tuple[DropCopy, Past, list[Run]]:
    """Such a log told to its end, and what happened in it."""
    copy, past = DropCopy(), Past()
    runs = list(random_runs(copy, seed, length, clears))
    for run in runs:
        past.take(run)
    return copy, past, runs


def pages(reader: HistoryReader, make: Any, rows: str, number: str, limit: int) -> list[Any]:
    """All rows of a list, page by page; `make(after, limit)` gives the query of a page."""
    found: list[Any] = []
    after = 0
    while True:
        page: Any = reader.page(make(after, limit), 7)[1]
        here = getattr(page, rows)
        assert len(here) <= limit
        found += here
        assert page.more == bool(here) or not page.more
        if not page.more:
            return found
        after = getattr(here[-1], number)


def assert_kept(url: str, past: Past, engine: Engine | None) -> None:
    """The history holds exactly this past; where an engine still remembers an order, that order."""
    remembered = engine_orders(engine) if engine is not None else {}
    with reading(url) as reader:
        for account in past.reports:
            assert_account(reader, past, account, remembered)
    positions_stored(url)


def positions_stored(url: str) -> tuple[dict[tuple[str, str], Account], dict[str, int]]:
    """All positions, and the price of each mark; what is stored is what executions and orders say, counted again."""
    engine, _ = open_history(url, "")
    try:
        with engine.begin() as connection:
            kept = {
                (row.account, row.symbol): account_of(row) for row in connection.execute(select(positions))
            }
            prices = {row.symbol: row.price_ticks for row in connection.execute(select(marks))}
            for pair, account in kept.items():
                assert account == recomputed(connection, pair)
            for symbol, price in prices.items():
                mark = last_trade(connection, symbol)
                assert mark is not None
                assert mark.price_ticks == price
        return kept, prices
    finally:
        engine.dispose()


def assert_open(reader: HistoryReader, engine: Engine) -> None:
    """The open orders are those of the engine at this moment."""
    for account in engine.state.accounts:
        page: Any = reader.page(QueryPastOrders(account, state=OPEN, limit=1000), 7)[1]
        kept = [(o.order_id, o.price_ticks, o.quantity_lots, o.filled_lots, o.status) for o in page.orders]
        assert kept == [
            (number, price, quantity, filled, told_status(status, entered[7], filled))
            for number, entered, price, quantity, filled, status, _ in engine.open_orders(account)
        ]


def assert_account(
    reader: HistoryReader, past: Past, account: str, remembered: Mapping[tuple[str, int], tuple[int, ...]]
) -> None:
    """Of one account."""
    told = past.reports[account]

    def all_of(kind: Any, rows: str, number: str, limit: int) -> list[Any]:
        return pages(reader, lambda after, n: kind(account, after=after, limit=n), rows, number, limit)

    kept = all_of(QueryReports, "reports", "report_number", 37)
    assert kept == [NumberedReport(number, report) for number, report in enumerate(told, 1)]
    orders = all_of(QueryPastOrders, "orders", "order_id", 11)
    assert [order.order_id for order in orders] == past.order_ids(account)
    for order in orders:
        stood = (order.price_ticks, order.quantity_lots, order.filled_lots, order.status)
        assert stood == remembered.get((account, order.order_id), stood), order
        assert_order(past, account, order)
    executions = all_of(QueryExecutions, "executions", "report_number", 13)
    assert executions == [execution(trade) for trade in past.trades if trade.account == account]
    assert_movements(account, told, all_of(QueryMovements, "movements", "movement_number", 19))
    refused = all_of(QueryRejections, "rejections", "report_number", 17)
    assert refused == [
        NumberedRejection(number, report) for number, report in enumerate(told, 1) if type(report) is Rejected
    ]


def assert_movements(account: str, told: list[Any], kept: list[Any]) -> None:
    """Row by row what reports say that came and left, with a balance that is the sum of all before.

    Who trades with himself is told by both reports of the trade what he has after it.
    """
    totals: dict[str, int] = {}
    counted: set[tuple[str, int]] = set()
    wanted: list[tuple[Any, ...]] = []
    for number, report in enumerate(told, 1):
        if not isinstance(report, Moved | Settled):
            continue
        trade = (report.symbol, report.trade_id) if isinstance(report, Settled) else None
        if trade not in counted:
            sides = [one for one in told if isinstance(one, Settled) and (one.symbol, one.trade_id) == trade]
            both: list[Any] = sides or [report]
            for asset, amount in (row for one in both for row in legs(account, one)):
                totals[asset] = totals.get(asset, 0) + amount
            if trade is not None:
                counted.add(trade)
        rows = legs(account, report)
        for place, (asset, amount) in enumerate(rows):
            # The fee is the last row: before it there was more.
            after = sum(later for of, later in rows[place + 1 :] if of == asset)
            wanted.append((4 * number + place, report.sequence, asset, amount, totals[asset] - after))
    of_kept: list[tuple[Any, ...]] = [
        (m.movement_number, m.sequence, m.asset, m.amount, m.total) for m in kept
    ]
    if account == VENUE_FEES:  # fees come there without a report: what moved is not all that it has
        of_kept, wanted = [row[:4] for row in of_kept], [row[:4] for row in wanted]
    assert of_kept == wanted
    transfers = [report.transfer_id for report in told if isinstance(report, Moved)]
    assert [m.transfer_id for m in kept if m.counterparty] == transfers


def legs(account: str, report: Any) -> list[tuple[str, int]]:
    """What came, asset by asset; below 0 what left."""
    if isinstance(report, Moved):
        return [(report.asset, report.amount if report.target == account else -report.amount)]
    rows = [(report.paid_asset, -report.paid), (report.received_asset, report.received)]
    return [*rows, (report.fee_asset, -report.fee)] if report.fee else rows


def assert_order(past: Past, account: str, order: PastOrder) -> None:
    """Its sums are those of its trades, its times those of its first and last report."""
    fills, filled, quote, busted = past.sums(account, order.order_id)
    assert (order.fills, order.filled_lots, order.filled_quote, order.busted_lots) == (
        fills,
        filled,
        str(quote),
        busted,
    )
    about = past.about(account, order.order_id)
    assert order.entered_ns == about[0][1].time_ns
    changes = [(n, r) for n, r in about if type(r).__name__ not in ("Duplicate", "Prevented", "Settled")]
    number, last = changes[-1]
    assert (order.last_report, order.last_sequence, order.updated_ns) == (number, last.sequence, last.time_ns)
    ended = [r for _, r in about if type(r).__name__ == "Cancelled" or getattr(r, "leaves_lots", 1) == 0]
    assert order.ended_ns == (ended[-1].time_ns if ended else 0)
    assert order.status in ((CANCELLED, FILLED) if ended else (RESTING, WAITING))
    if order.status == CANCELLED:
        assert order.reason == ended[-1].reason


def execution(trade: Any) -> Execution:
    """A trade of the oracle as the protocol has it."""
    f = trade.filled
    return Execution(
        trade.report_number, f.sequence, f.time_ns, f.order_id, f.client_order_id, f.symbol, f.side, f.trade_id,
        trade.price_ticks, f.quantity_lots, f.cumulative_lots, f.leaves_lots, f.liquidity, trade.state,
        f.price_ticks, *trade.revised, *trade.fee,
    )  # fmt: skip
