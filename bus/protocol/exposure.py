"""Exposure: what accounts hold of each symbol, what they made of it, and what their open orders may still do.

Asked of the private history on its ROUTER, as everything there (`bus.protocol.history`). Sums may leave 64 bits and are
decimal text. Amounts of money are in tick-lots: price in ticks times quantity in lots. What follows from a row at a
price, the profit that is not realised for one, is in `bus.protocol.valuing`.
"""

from typing import Final

from msgspec import Struct

from bus.protocol.commands import Unsigned

QUERY_POSITIONS: Final = 126

POSITIONS: Final = 136

#: Rows of one page when nothing else is said; how many there may be stands in `bus.protocol.history`.
POSITIONS_PER_PAGE_DEFAULT: Final = 100


class QueryPositions(Struct, array_like=True, tag=QUERY_POSITIONS, forbid_unknown_fields=True, frozen=True):
    """The positions of an account, in all symbols in which it traded or has open orders. Answered with Positions.

    `symbol` "" for all. `after`: the symbol of the last row that the reader has; the page begins behind it.
    """

    account: str
    symbol: str = ""
    after: str = ""
    limit: Unsigned = POSITIONS_PER_PAGE_DEFAULT
    at_least: Unsigned = 0
    token: str = ""


class AccountPosition(Struct, array_like=True, frozen=True):
    """What an account holds of a symbol: `lots` bought less lots sold, below 0 when it is short.

    `cost`, of the sign of `lots`, is what they were traded at by average cost: the average price is `cost / lots`.
    `realised`: the profit of what was closed, fees not counted; `realised_before`: of it, what was realised before the
    trading day of the last execution began, at `day_ns`. `mark_ticks`: the price of the symbol's last trade, 0 before
    the first. Of the open orders of each side: how many, their lots, the sum of price times lots over those with a
    price, and of `lots` those of orders without one. `report_number`, `last_sequence` and `traded_ns` are those of the
    last execution, 0 before the first.
    """

    symbol: str
    lots: str
    cost: str
    realised: str
    realised_before: str
    day_ns: int
    mark_ticks: int
    bid_orders: int
    bid_lots: str
    bid_notional: str
    bid_unpriced_lots: str
    ask_orders: int
    ask_lots: str
    ask_notional: str
    ask_unpriced_lots: str
    report_number: int
    last_sequence: int
    traded_ns: int


class Positions(Struct, array_like=True, tag=POSITIONS, frozen=True):
    """A page of positions, by symbol. `more`: there are further ones behind the last."""

    correlation_id: int
    log_sequence: int
    account: str
    positions: list[AccountPosition]
    more: bool
