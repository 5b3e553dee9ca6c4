"""Where demand and supply of an auction cross, kept at hand while orders come and go.

    asked for at a price:  bids at it and above, market orders    falls as the price rises
    offered at a price:    asks at it and below, market orders    rises as the price rises

    at `ticks` as much is asked for as is offered, or more; at the next price above it, less

The price of the auction is one of these two or a neighbour at which the same would happen.

Each change of the book is O(1); finding the place again is O(levels that it has moved by). What it says is what
`matcher.book.equilibrium` would: `tests/matcher/test_auction_prices.py` holds them together. Orders that cancel each
other are not counted right here. It follows from the book, so it is no state. Called by `matcher.day.uncrossing`.
"""

from collections.abc import Iterator

from bus.protocol.terms import BUY
from matcher.book.equilibrium import Candidate, Equilibrium, decided
from matcher.book.side import BookSide


class Crossing:
    """`ticks`: the highest price of a limit order at which no more is offered than asked for, 0 when there is none,
    once it was found again. `asked_lots`: what limit bids at it or above ask for; `offered_lots`: what limit asks at
    it or below offer.
    """

    __slots__ = ("asked_lots", "asks", "bids", "offered_lots", "ticks")

    def __init__(self, bids: BookSide, asks: BookSide) -> None:
        self.bids = bids
        self.asks = asks
        self.ticks = ticks = bids.best_limit_ticks()
        self.asked_lots = bids.lots_at(ticks)
        self.offered_lots = 0
        for level in asks:
            if level.price_ticks > ticks:
                break
            if level.price_ticks:
                self.offered_lots += level.quantity_lots + level.reserve_lots

    def change(self, side: int, price_ticks: int, lots: int) -> None:
        """So many lots more of a price are in the book, or fewer."""
        if not price_ticks:
            return
        if side == BUY:
            if price_ticks >= self.ticks:
                self.asked_lots += lots
        elif price_ticks <= self.ticks:
            self.offered_lots += lots

    def equilibrium(self, reference_ticks: int) -> Equilibrium:
        """As `matcher.book.equilibrium.equilibrium`, without links."""
        bids, asks = self.bids, self.asks
        market_bid, market_ask = bids.market_lots(), asks.market_lots()
        self._find(market_ask - market_bid)
        ticks = self.ticks
        asked, offered = market_bid + self.asked_lots, market_ask + self.offered_lots
        candidates: list[Candidate] = []
        if ticks:
            below = _Prices(bids.keys_after(-ticks), asks.keys_before(ticks), False).take()
            if below:
                candidates.append((below, asked + bids.lots_at(below), offered - asks.lots_at(ticks)))
            candidates.append((ticks, asked, offered))
        higher = _Prices(bids.keys_before(-ticks), asks.keys_after(ticks), True)
        for _ in range(2):
            above = higher.take()
            if not above:
                break
            asked -= bids.lots_at(ticks)
            offered += asks.lots_at(above)
            candidates.append((above, asked, offered))
            ticks = above
        return decided(candidates, market_bid, market_ask, reference_ticks)

    def _find(self, wanted: int) -> None:
        """Go to the highest price at which demand is larger than supply by so many lots or more, of limit orders."""
        if self.asked_lots - self.offered_lots >= wanted:
            self._go_up(wanted)
        else:
            self._go_down(wanted)

    def _go_up(self, wanted: int) -> None:
        bids, asks = self.bids, self.asks
        ticks, asked, offered = self.ticks, self.asked_lots, self.offered_lots
        here = bids.lots_at(ticks)
        stands = here != 0 or asks.lots_at(ticks) != 0
        above = _Prices(bids.keys_before(-ticks), asks.keys_after(ticks), True)
        while True:
            price = above.take()
            fewer = asked - here
            more = offered + asks.lots_at(price)
            if not price or fewer - more < wanted:
                break
            ticks, asked, offered = price, fewer, more
            here = bids.lots_at(price)
            stands = True
        if not stands and ticks:
            # Nobody stands there any more: at the next price below as much is offered, and not less asked for.
            ticks = _Prices(bids.keys_after(-ticks), asks.keys_before(ticks), False).take()
            asked += bids.lots_at(ticks)
        self.ticks, self.asked_lots, self.offered_lots = ticks, asked, offered

    def _go_down(self, wanted: int) -> None:
        bids, asks = self.bids, self.asks
        ticks, asked, offered = self.ticks, self.asked_lots, self.offered_lots
        below = _Prices(bids.keys_after(-ticks), asks.keys_before(ticks), False)
        while ticks and asked - offered < wanted:
            offered -= asks.lots_at(ticks)
            ticks = below.take()
            asked += bids.lots_at(ticks)
        self.ticks, self.asked_lots, self.offered_lots = ticks, asked, offered


class _Prices:
    """The prices of both sides in one line, each once; 0 behind the last."""

    __slots__ = ("_ask", "_asks", "_bid", "_bids", "_up")

    def __init__(self, bid_keys: Iterator[int], ask_keys: Iterator[int], up: bool) -> None:
        self._bids = bid_keys
        self._asks = ask_keys
        self._up = up
        self._bid = -next(bid_keys, 0)
        self._ask = next(ask_keys, 0)

    def take(self) -> int:
        """The next one."""
        bid, ask = self._bid, self._ask
        price = bid
        if not bid or (ask and (ask < bid) == self._up):
            price = ask
        if bid == price:
            self._bid = -next(self._bids, 0)
        if ask == price:
            self._ask = next(self._asks, 0)
        return price
