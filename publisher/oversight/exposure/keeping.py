"""Positions and marks in the database of the history: written in its transactions, and made anew from its executions.

Called by `history.writing`, in the writer's thread and inside of its transaction, behind the rows of orders and
executions: what fails there leaves nothing of both.
"""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any, Final, final

import msgspec
from msgspec.structs import astuple, replace
from sqlalchemy import Connection, and_, delete, func, select

from bus.protocol.history import Execution
from publisher.candles.intervals import DAY_NS
from publisher.oversight.exposure.folding import (
    Account,
    Mark,
    Moved,
    Pair,
    charged,
    folded,
    marks_of,
    pairs_of,
    with_order,
)
from publisher.oversight.exposure.open_orders import OpenSide
from publisher.oversight.exposure.positions import Held, Opening, Standing, at_opening, executed
from publisher.oversight.history.changes import Changes
from publisher.oversight.history.lives import OrderState
from publisher.oversight.history.rows import order_of
from publisher.oversight.history.tables import executions, marks, orders, positions
from publisher.store.bulk import Bulk

#: Positions at hand, about 700 bytes each; any other one is read again when something happens to it.
POSITIONS_AT_HAND_MAX: Final = 100_000
#: Executions that are read at once when a position is made anew.
_EXECUTIONS_AT_ONCE: Final = 10_000

#: Parameters of one statement that names accounts: far below what each database takes.
_NAMES_PER_STATEMENT: Final = 500

_encode_fees: Final = msgspec.json.Encoder().encode
_decode_fees: Final = msgspec.json.Decoder(dict[str, str]).decode

_EXECUTION: Final = [executions.c[name] for name in Execution.__struct_fields__]


@final
class Positions:
    """Everything that is known of all accounts, as it is stored. Of no more use when a transaction failed."""

    def __init__(self, dialect_name: str) -> None:
        self._put_positions = Bulk(positions, dialect_name, replaces=True)
        self._put_marks = Bulk(marks, dialect_name, replaces=True)
        self._at_hand: dict[Pair, Account] = {}

    def keep(self, connection: Connection, changes: Changes, before: Mapping[int, OrderState]) -> Moved:
        """Write what changes make of positions and marks: those that they touch. `before`: orders as they were.

        O(what they touch), and for a revised trade O(what its account traded of it in the day).
        """
        pairs = pairs_of(changes)
        after = folded(self._known(connection, pairs), changes, before)
        for (order_id, _), report in changes.revisions.items():
            order = changes.orders[order_id]
            pair = order.account, order.entered.symbol
            after[pair] = _revised(connection, pair, after[pair], report.time_ns)
        marked = marks_of(kept.execution for kept in changes.executions.values())
        self._write(connection, after, marked.values())
        return Moved(after, marked)

    def rebuild(self, connection: Connection, pairs: set[Pair]) -> None:
        """Make these, and their symbols' marks, anew from orders and executions that are kept. O(these executions)."""
        self._at_hand.clear()
        rebuilt, gone = {}, []
        for pair in pairs:
            account = recomputed(connection, pair)
            if account is None:
                gone.append(pair)
            else:
                rebuilt[pair] = account
        for account_name, symbol in gone:
            of_pair = and_(positions.c.account == account_name, positions.c.symbol == symbol)
            connection.execute(delete(positions).where(of_pair))
        marked = []
        for symbol in sorted({symbol for _, symbol in pairs}):
            connection.execute(delete(marks).where(marks.c.symbol == symbol))
            mark = last_trade(connection, symbol)
            if mark is not None:
                marked.append(mark)
        self._write(connection, rebuilt, marked)

    def _known(self, connection: Connection, pairs: set[Pair]) -> dict[Pair, Account]:
        at_hand = self._at_hand
        found = {pair: at_hand[pair] for pair in pairs if pair in at_hand}
        missing = pairs - found.keys()
        names = sorted({account for account, _ in missing})
        for start in range(0, len(names), _NAMES_PER_STATEMENT):
            some = names[start : start + _NAMES_PER_STATEMENT]
            for row in connection.execute(select(positions).where(positions.c.account.in_(some))):
                if (row.account, row.symbol) in missing:
                    found[row.account, row.symbol] = account_of(row)
        return found

    def _write(self, connection: Connection, after: Mapping[Pair, Account], marked: Iterable[Mark]) -> None:
        self._put_positions.insert(connection, [row_of(pair, account) for pair, account in after.items()])
        self._put_marks.insert(connection, [astuple(mark) for mark in marked])
        at_hand = self._at_hand
        for pair, account in after.items():
            at_hand.pop(pair, None)
            at_hand[pair] = account
        # The one that lay there longest goes first: a dict keeps the order in which keys came.
        while len(at_hand) > POSITIONS_AT_HAND_MAX:
            del at_hand[next(iter(at_hand))]


def recomputed(connection: Connection, pair: Pair) -> Account | None:
    """What the executions and open orders that are kept say; None when the account never had an order there."""
    name, symbol = pair
    found = select(orders.c.order_id).where(orders.c.account == name, orders.c.symbol == symbol).limit(1)
    if connection.execute(found).one_or_none() is None:
        return None
    account = Account(_executed(connection, pair, Standing()), fees=_fees(connection, pair))
    open_ones = select(orders).where(
        orders.c.account == name, orders.c.ended_ns == 0, orders.c.symbol.concat("") == symbol
    )
    for row in connection.execute(open_ones):
        account = with_order(account, None, order_of(row))
    return account


def last_trade(connection: Connection, symbol: str) -> Mark | None:
    """The last trade of a symbol that is kept."""
    last = select(func.max(executions.c.trade_id)).where(executions.c.symbol == symbol).scalar_subquery()
    question = (
        select(*_EXECUTION).where(executions.c.symbol == symbol, executions.c.trade_id == last).limit(1)
    )
    row = connection.execute(question).one_or_none()
    return None if row is None else marks_of([Execution(*row)])[symbol]


def account_of(row: Any) -> Account:
    """A row of the table of positions as a value."""
    return Account(
        Standing(
            Held(row.lots, row.cost, row.realised),
            Opening(
                row.opening_day_ns,
                row.opening_report,
                Held(row.opening_lots, row.opening_cost, row.opening_realised),
            ),
            row.last_report,
            row.last_sequence,
            row.traded_ns,
        ),
        OpenSide(row.bid_orders, row.bid_lots, row.bid_notional, row.bid_unpriced_lots),
        OpenSide(row.ask_orders, row.ask_lots, row.ask_notional, row.ask_unpriced_lots),
        tuple((asset, int(paid)) for asset, paid in _decode_fees(row.fees).items()),
    )


def row_of(pair: Pair, account: Account) -> tuple[Any, ...]:
    """The other way round."""
    standing, bids, asks = account.standing, account.bids, account.asks
    held, opening = standing.held, standing.opening
    return (
        *pair,
        held.lots,
        held.cost,
        held.realised,
        opening.day_ns,
        opening.report_number,
        opening.held.lots,
        opening.held.cost,
        opening.held.realised,
        standing.report_number,
        standing.sequence,
        standing.time_ns,
        _encode_fees({asset: str(paid) for asset, paid in account.fees}).decode(),
        bids.orders,
        bids.lots,
        bids.notional,
        bids.unpriced_lots,
        asks.orders,
        asks.lots,
        asks.notional,
        asks.unpriced_lots,
    )


def _revised(connection: Connection, pair: Pair, account: Account, revised_ns: int) -> Account:
    """The account when a trade was revised at a time: what it traded in that day is counted again."""
    standing = account.standing
    # No trade of another day is revised (MB-BUST-005). A log in which one was is counted from its beginning.
    same_day = standing.opening.day_ns == revised_ns - revised_ns % DAY_NS
    begin = at_opening(standing) if same_day else Standing()
    return replace(account, standing=_executed(connection, pair, begin))


def _fees(connection: Connection, pair: Pair) -> tuple[tuple[str, int], ...]:
    """What its executions have cost."""
    name, symbol = pair
    question = select(executions.c.fee_asset, executions.c.fee).where(
        executions.c.account == name, executions.c.symbol == symbol, executions.c.fee != 0
    )
    fees: tuple[tuple[str, int], ...] = ()
    for asset, fee in connection.execute(question):
        fees = charged(fees, asset, fee)
    return fees


def _executed(connection: Connection, pair: Pair, standing: Standing) -> Standing:
    """The position behind all executions that follow on it."""
    name, symbol = pair
    number = executions.c.report_number
    question = (
        select(*_EXECUTION)
        .where(executions.c.account == name, executions.c.symbol == symbol)
        .order_by(number)
        .limit(_EXECUTIONS_AT_ONCE)
    )
    while True:
        rows: Sequence[Any] = connection.execute(question.where(number > standing.report_number)).all()
        for row in rows:
            standing = executed(standing, Execution(*row))
        if len(rows) < _EXECUTIONS_AT_ONCE:
            return standing


def all_marks(connection: Connection) -> dict[str, int]:
    """The price of each symbol's last trade, in ticks."""
    return {row.symbol: row.price_ticks for row in connection.execute(select(marks))}
