"""The kept trades of an instrument as a row of the state, and back. A part of `matcher.codec.state_codec`.

    kept  [day_first, first, trades, revised, strangers]

`trades` has four numbers for each: maker and taker by their log sequences, price, quantity. `revised` are pairs of
trade id and price. Most orders are among the requests of their accounts; `strangers` are those whose ids the accounts
have forgotten, as far as a report about a trade needs them: [account, sequence, client order id, side].
"""

from typing import Any, Final

from bus.protocol.terms import FILLED, GTC, LIMIT
from matcher.book.level import Order
from matcher.book.trades import PLACES
from matcher.instruments import Instrument
from matcher.ledger.account import Account

Row = tuple[Any, ...]

#: The shape, for the decoder.
KEPT: Final[Any] = tuple[int, int, list[int], list[tuple[int, int]], list[tuple[str, int, str, int]]]


def kept_row(instrument: Instrument) -> Row:
    """O(trades that are kept)."""
    kept = instrument.kept
    trades: list[int] = []
    strangers: dict[int, Row] = {}
    for trade_id in range(kept.first, kept.first + len(kept.items) // PLACES):
        for order in (kept.maker(trade_id), kept.taker(trade_id)):
            sequence = order.sequence
            trades.append(sequence)
            if sequence not in strangers and order.account.requests.get(order.request_id) is not order:
                strangers[sequence] = (order.account.name, sequence, order.request_id, order.side)
        at = (trade_id - kept.first) * PLACES
        trades.append(kept.items[at + 2])
        trades.append(kept.items[at + 3])
    return (kept.day_first, kept.first, trades, list(kept.revised.items()), list(strangers.values()))


def orders_by_sequence(accounts: dict[str, Account]) -> dict[int, Order]:
    """All orders that accounts remember, open and ended. O(requests)."""
    orders: dict[int, Order] = {}
    for account in accounts.values():
        for request in account.requests.values():
            if isinstance(request, Order):
                orders[request.sequence] = request
    return orders


def fill_kept(
    instrument: Instrument, row: Row, accounts: dict[str, Account], orders: dict[int, Order]
) -> None:
    """Take the kept trades of a row. Raises ValueError when they could not have come about."""
    kept = instrument.kept
    kept.day_first, kept.first = row[0], row[1]
    trades: list[int] = row[2]
    if len(trades) % PLACES:
        raise ValueError(f"not a state: half a trade of {instrument.symbol} is kept")
    strangers: dict[int, Order] = {}
    for name, sequence, request_id, side in row[4]:
        account = accounts.get(name)
        if account is None:
            raise ValueError(f"not a state: order {sequence} is of no account")
        order = Order(request_id, sequence, 0, account, 0, instrument.symbol, side, LIMIT, GTC, 0, 0, 0, None)
        order.status = FILLED
        strangers[sequence] = order
    items = kept.items
    for at in range(0, len(trades), PLACES):
        for sequence in (trades[at], trades[at + 1]):
            known = strangers.get(sequence) or orders.get(sequence)
            if known is None or known.symbol != instrument.symbol:
                raise ValueError(f"not a state: order {sequence} has traded and is not there")
            items.append(known)
        items.append(trades[at + 2])
        items.append(trades[at + 3])
    for trade_id, price_ticks in row[3]:
        if not kept.first <= trade_id < kept.first + len(trades) // PLACES:
            raise ValueError(f"not a state: trade {trade_id} was revised and is not kept")
        kept.revised[trade_id] = price_ticks
