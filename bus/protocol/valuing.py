"""What a position is worth at a price, and what could become of it: the one place that knows. Values in, values out.

Everything is in tick-lots of the symbol, whole numbers of any size; the mark is the price of the last trade. Called by
whoever shows positions: the private history, the web, the command line.
"""

from msgspec import Struct

from bus.protocol.exposure import AccountPosition

#: A whole price, in basis points.
WHOLE_BASIS_POINTS = 10_000


class Valued(Struct, frozen=True):
    """A position at its mark. `net` is what it is worth, below 0 when short; `unrealised` its profit against its cost.

    `bids` and `asks`: what open orders would pay and get, those without a price at the mark. `longest_lots` and
    `shortest_lots`: the position if all bids, or all asks, traded. `worst`: the larger of what it and all bids come to,
    and what it and all asks come to, without its sign.
    """

    lots: int
    net: int
    unrealised: int
    bids: int
    asks: int
    longest_lots: int
    shortest_lots: int
    worst: int

    @property
    def gross(self) -> int:
        """What it is worth, whether long or short."""
        return abs(self.net)

    @property
    def open_notional(self) -> int:
        """Of the open orders of both sides."""
        return self.bids + self.asks

    def move(self, basis_points: int) -> int:
        """The profit if the price moves by so much, rounded down: a loss is not made smaller."""
        return self.net * basis_points // WHOLE_BASIS_POINTS


def value(
    lots: int, cost: int, mark_ticks: int, bids: tuple[int, int, int], asks: tuple[int, int, int]
) -> Valued:
    """A position at a mark. `bids`, `asks`: lots, notional and lots without a price of the open orders of a side."""
    net = lots * mark_ticks
    bid_lots, bid_notional, bid_unpriced = bids
    ask_lots, ask_notional, ask_unpriced = asks
    to_pay = bid_notional + bid_unpriced * mark_ticks
    to_get = ask_notional + ask_unpriced * mark_ticks
    return Valued(
        lots,
        net,
        net - cost,
        to_pay,
        to_get,
        lots + bid_lots,
        lots - ask_lots,
        max(abs(net + to_pay), abs(net - to_get)),
    )


def valued(position: AccountPosition) -> Valued:
    """A position at its mark. Before a symbol's first trade there is none, and nothing is held."""
    return value(
        int(position.lots),
        int(position.cost),
        position.mark_ticks,
        (int(position.bid_lots), int(position.bid_notional), int(position.bid_unpriced_lots)),
        (int(position.ask_lots), int(position.ask_notional), int(position.ask_unpriced_lots)),
    )


def realised_of_day(position: AccountPosition, day_ns: int) -> int:
    """What was realised in the trading day that began at `day_ns`, fees not counted."""
    return int(position.realised) - int(position.realised_before) if position.day_ns == day_ns else 0
