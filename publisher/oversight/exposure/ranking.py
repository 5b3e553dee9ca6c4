"""All positions of each account taken together, and which accounts are the worst. Values in, values out.

Positions are weighed as whoever asks says: a tick-lot of one symbol is not worth that of another. Nothing is rounded
but what a move comes to, once for each account.
"""

import heapq
from collections.abc import Iterable, Mapping, Sequence
from typing import NamedTuple, final

from bus.protocol.exposure import BY_GROSS, BY_LOSS, BY_MOVE, AccountExposure, WeighedSymbol
from bus.protocol.valuing import WHOLE_BASIS_POINTS, value


class Held(NamedTuple):
    """What is known of an account and a symbol, as far as it is weighed."""

    account: str
    symbol: str
    lots: int
    cost: int
    realised: int
    realised_before: int
    day_ns: int
    bid_lots: int
    bid_notional: int
    bid_unpriced_lots: int
    ask_lots: int
    ask_notional: int
    ask_unpriced_lots: int


@final
class Total:
    """The sums of one account. Moves are in ten-thousandths until they are told."""

    __slots__ = (
        "account",
        "asks",
        "bids",
        "day_realised",
        "first",
        "gross",
        "net",
        "positions",
        "realised",
        "second",
        "unrealised",
        "worst",
    )

    def __init__(self, account: str) -> None:
        self.account = account
        self.positions = 0
        self.gross = self.net = self.bids = self.asks = self.worst = 0
        self.unrealised = self.realised = self.day_realised = 0
        self.first = self.second = 0

    def badness(self, by: int) -> int:
        """More is worse."""
        if by == BY_MOVE:
            return -min(self.first, self.second)
        if by == BY_GROSS:
            return self.gross
        if by == BY_LOSS:
            return -(self.unrealised + self.realised)
        return self.bids + self.asks

    def told(self) -> AccountExposure:
        """As the protocol has it."""
        return AccountExposure(
            self.account,
            self.positions,
            str(self.gross),
            str(self.net),
            str(self.bids),
            str(self.asks),
            str(self.worst),
            str(self.unrealised),
            str(self.realised),
            str(self.day_realised),
            str(self.first // WHOLE_BASIS_POINTS),
            str(self.second // WHOLE_BASIS_POINTS),
        )


def totals(
    held: Iterable[Held], symbols: Sequence[WeighedSymbol], marks: Mapping[str, int], day_ns: int
) -> list[Total]:
    """The sums of each account that has anything in the symbols. `day_ns`: when the present trading day began."""
    weighed = {one.symbol: one for one in symbols}
    found: dict[str, Total] = {}
    for one in held:
        of_symbol = weighed.get(one.symbol)
        if of_symbol is None:
            continue
        total = found.get(one.account)
        if total is None:
            total = found[one.account] = Total(one.account)
        weight = of_symbol.weight
        at_mark = value(
            one.lots,
            one.cost,
            marks.get(one.symbol, 0),
            (one.bid_lots, one.bid_notional, one.bid_unpriced_lots),
            (one.ask_lots, one.ask_notional, one.ask_unpriced_lots),
        )
        net = weight * at_mark.net
        total.positions += one.lots != 0
        total.net += net
        total.gross += abs(net)
        total.bids += weight * at_mark.bids
        total.asks += weight * at_mark.asks
        total.worst += weight * at_mark.worst
        total.unrealised += weight * at_mark.unrealised
        total.realised += weight * one.realised
        if one.day_ns == day_ns:
            total.day_realised += weight * (one.realised - one.realised_before)
        total.first += net * of_symbol.first_basis_points
        total.second += net * of_symbol.second_basis_points
    return list(found.values())


def worst(summed: Iterable[Total], by: int, limit: int) -> list[AccountExposure]:
    """So many, the worst first; of equals, by name. O(accounts x log limit)."""
    chosen = heapq.nsmallest(limit, summed, key=lambda total: (-total.badness(by), total.account))
    return [total.told() for total in chosen]
