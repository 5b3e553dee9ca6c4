"""Exposure: what accounts hold of each symbol, what they made of it, and what their open orders may still do.

Asked of the private history on its ROUTER, as everything there (`bus.protocol.history`), and told on its PUB. A
publication has two parts: the topic, and one frame:

    [version, shard, epoch, sequence, previous_sequence, time_ns, [event]]

    exposure.<account>.              what changed of an account, at most every 100 ms              chained
    marks.                           the prices of last trades, what changed of them               chained
    heartbeat.exposure.<account>.    the last frame of the account, once after it has changed
    heartbeat.marks.                 all marks, whole

Everything that the log caused in a topic up to `sequence` has been told in it. `previous_sequence` is that of the frame
before: a reader that holds an account as of sequence q takes a frame whose `previous_sequence` is at most q, drops one
whose `sequence` is at most q, and asks again (QueryPositions) behind any other, and when `epoch` is another one. A
subscription to `exposure.alice.` matches the sub-accounts `alice.x`, too.

Sums may leave 64 bits and are decimal text. Amounts of money are in tick-lots: price in ticks times quantity in lots.
What follows from a row at a price, the profit that is not realised for one, is in `bus.protocol.valuing`.
"""

from typing import Final

from msgspec import Struct

from bus.protocol.commands import Int64, Unsigned

QUERY_POSITIONS: Final = 126
QUERY_EXPOSURES: Final = 127

POSITIONS: Final = 136
EXPOSURES: Final = 137

ACCOUNT_CHANGED: Final = 160
MARKS: Final = 161
ACCOUNT_HEARTBEAT: Final = 162

EXPOSURE_TOPIC: Final = "exposure"
MARKS_TOPIC: Final = "marks."

#: By what accounts are ranked, the worst first.
BY_MOVE: Final = 1
BY_GROSS: Final = 2
BY_OPEN: Final = 3
BY_LOSS: Final = 4
RANKINGS: Final = {BY_MOVE: "move", BY_GROSS: "gross", BY_OPEN: "open", BY_LOSS: "loss"}

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
    last execution, 0 before the first. `fees`: assets, and what the executions cost of each in its units, less rebates.
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
    fees: list[tuple[str, str]]


class Positions(Struct, array_like=True, tag=POSITIONS, frozen=True):
    """A page of positions, by symbol. `more`: there are further ones behind the last.

    `time_ns`: engine time of the last batch of the log that told the history anything.
    """

    correlation_id: int
    log_sequence: int
    account: str
    positions: list[AccountPosition]
    more: bool
    time_ns: int


class WeighedSymbol(Struct, array_like=True, forbid_unknown_fields=True, frozen=True):
    """What a tick-lot of a symbol counts, in a unit of the asker's, and how far its price moves in two cases.

    `weight` at least 1. Moves are in basis points, -10,000 (to nothing) or more.
    """

    symbol: str
    weight: Unsigned
    first_basis_points: Int64
    second_basis_points: Int64


class QueryExposures(Struct, array_like=True, tag=QUERY_EXPOSURES, forbid_unknown_fields=True, frozen=True):
    """The worst accounts, all their positions in some symbols taken together. Answered with Exposures.

    A history knows no tick and no currency: whoever asks names symbols that have the quote asset in common, each with
    the weight of its tick-lots. `by`: one of RANKINGS; by a move counts the worse of the two.
    """

    symbols: list[WeighedSymbol]
    by: Unsigned = BY_MOVE
    limit: Unsigned = POSITIONS_PER_PAGE_DEFAULT
    at_least: Unsigned = 0
    token: str = ""


class AccountExposure(Struct, array_like=True, frozen=True):
    """An account over all of the symbols, in the asker's unit, at the last trades' prices.

    `positions`: how many are not flat. `gross` and `net`: what they are worth, without and with their signs.
    `open_bids` and `open_asks`: of the open orders. `worst`: what each position would be worth if all its bids or all
    its asks traded, whichever is more. `unrealised` and `realised` profit, and of it what was realised in the
    trading day of the answer's time, fees not counted. `first_move` and `second_move`: the profit of each case, rounded
    down.
    """

    account: str
    positions: int
    gross: str
    net: str
    open_bids: str
    open_asks: str
    worst: str
    unrealised: str
    realised: str
    day_realised: str
    first_move: str
    second_move: str


class Exposures(Struct, array_like=True, tag=EXPOSURES, frozen=True):
    """The worst accounts, the worst first. `accounts`: of how many. `marks`: symbols and the prices that were taken.

    `time_ns`: as in Positions.
    """

    correlation_id: int
    log_sequence: int
    time_ns: int
    accounts: int
    marks: list[tuple[str, int]]
    exposures: list[AccountExposure]


class AccountChanged(Struct, array_like=True, tag=ACCOUNT_CHANGED, frozen=True):
    """The positions of an account that changed since the frame before, by a trade, a revision or an open order.

    Each is whole, as it stands now. A mark alone changes no position: it is told on `marks.`.
    """

    account: str
    positions: list[AccountPosition]


class Marks(Struct, array_like=True, tag=MARKS, frozen=True):
    """Symbols and the prices of their last trades, in ticks: those that changed, or all of them (`whole`)."""

    whole: bool
    marks: list[tuple[str, int]]


class AccountHeartbeat(Struct, array_like=True, tag=ACCOUNT_HEARTBEAT, frozen=True):
    """The last frame of `exposure.<account>.` has this sequence, so that one that was lost is noticed."""

    account: str
    sequence: int


ExposureEvent = AccountChanged | Marks | AccountHeartbeat
