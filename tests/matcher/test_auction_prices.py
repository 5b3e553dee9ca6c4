"""Auctions against a solver that walks all orders for each price: what is told, who trades, and what is left.

Books of up to 2,000 orders: limit, market, iceberg and hidden ones, few prices or many, both sides or one. The solver
is `tests.support.naive_auction`; what is drawn is the same each time (`tests.support.drawn`).
"""

from random import Random
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bus.protocol import feed, reports
from bus.protocol.commands import CancelOrder, EnterOrder, ReplaceOrder, SetPhase
from bus.protocol.records import TimeTicked
from bus.protocol.terms import (
    AT_OPEN,
    BUY,
    CONTINUOUS,
    GFA,
    GTC,
    HIDDEN,
    IN_AUCTION,
    LIMIT,
    MARKET,
    OPENING_AUCTION,
    SELL,
    VOLATILITY_AUCTION,
)
from matcher.book.crossing import Crossing
from matcher.book.equilibrium import equilibrium
from tests.matcher.exchanges import Exchange
from tests.matcher.test_properties import levels_of, rebuilt_levels, rebuilt_orders
from tests.support.drawn import drawn, seeds
from tests.support.naive_auction import Wish, outcome, pairs

SYMBOL = "BTC-USD"
SECOND_NS = 10**9


class Auction:
    """An exchange in an opening auction, and what everybody in it wishes, by client order id."""

    def __init__(self, random: Random, *, prices: int, one_sided: int = 0) -> None:
        self.random = random
        self.prices = prices
        self.one_sided = one_sided
        self.exchange = Exchange("op", "anna", "boris", "carla", ids=10_000)
        self.heard: list[tuple[str, Any]] = self.exchange.say(1, SetPhase(SYMBOL, OPENING_AUCTION))
        self.orders: dict[str, EnterOrder] = {}
        self.reference = 0
        self.entered = 0

    def with_reference(self, price: int) -> "Auction":
        """After an auction at this price."""
        both = [EnterOrder(f"r{side}", SYMBOL, side, 1, price) for side in (BUY, SELL)]
        self.heard += self.exchange.say(2, *both)
        self.heard += self.exchange.say(1, SetPhase(SYMBOL, CONTINUOUS), SetPhase(SYMBOL, VOLATILITY_AUCTION))
        self.reference = price
        return self

    def enter(self, count: int) -> None:
        """So many orders of all kinds; each account has some."""
        random = self.random
        for _ in range(count):
            self.entered += 1
            side = self.one_sided or random.choice((BUY, SELL))
            lots = random.choice((1, 2, 3, 5, 10, 50))
            price = 500 + random.randrange(self.prices)
            fields: dict[str, Any] = {}
            kind = random.randrange(10)
            if kind == 0:
                time_in_force = GFA if self.reference else random.choice((AT_OPEN, GFA))
                fields = {"order_type": MARKET, "time_in_force": time_in_force}
                price = 0 if random.randrange(3) else price
            elif kind == 1:
                fields = {"time_in_force": GFA}
            elif kind == 2:
                fields = {"flags": HIDDEN}
            elif kind in (3, 4) and lots > 2:
                fields = {"display_lots": random.randint(1, lots - 1)}
            order = EnterOrder(f"o{self.entered}", SYMBOL, side, lots, price, **fields)
            self.orders[order.client_order_id] = order
            self.heard += self.exchange.say(2 + self.entered % 3, order)

    def in_line(self) -> tuple[list[str], list[Wish]]:
        """Ids and wishes of all, in the order in which those of one price stand."""
        # Sorting is stable: the order of entry stays.
        names = sorted(self.orders, key=lambda name: bool(self.orders[name].flags & HIDDEN))
        wishes = [
            Wish(order.side, order.price_ticks, order.quantity_lots)
            for order in (self.orders[name] for name in names)
        ]
        return names, wishes


def status_of(events: list[tuple[str, Any]], tag: int) -> list[Any]:
    """The events of one kind about the phases."""
    return [event for stream, event in events if stream == f"status.{SYMBOL}." and event[0] == tag]


@drawn(16)
@given(
    st.integers(0, 2**32),
    st.sampled_from([0, 1, 2, 5, 30, 300, 2_000]),
    st.sampled_from([1, 2, 5, 40]),
    st.sampled_from([0, 0, 0, BUY, SELL]),
    st.sampled_from([0, 0, 499, 501, 520, 600]),
)
def test_the_end_of_an_auction_is_what_walking_all_orders_finds(
    seed: int, count: int, prices: int, one_sided: int, reference: int
) -> None:
    auction = Auction(Random(seed), prices=prices, one_sided=one_sided)
    if reference:
        auction.with_reference(reference)
    auction.enter(count)
    names, wishes = auction.in_line()
    expected = outcome(wishes, auction.reference)
    exchange = auction.exchange
    # What is told last before the end.
    exchange.now_ns = exchange.engine.state.time_ns + SECOND_NS
    auction.heard += exchange.record(TimeTicked())
    assert status_of(auction.heard, feed.INDICATIVE)[-1][3:] == tuple(expected)
    ended = exchange.say(1, SetPhase(SYMBOL, CONTINUOUS))
    # Price, quantity and imbalance.
    (told,) = status_of(ended, feed.AUCTION_ENDED)
    assert told[4:] == tuple(expected)
    # Who trades with whom, how much, in which order.
    made = pairs(wishes, expected.price) if expected.price else []
    trades = [event for stream, event in ended if stream == f"trade.{SYMBOL}."]
    assert [(event[4], event[5], event[6]) for event in trades] == [
        (expected.price, pair.lots, 0) for pair in made
    ]
    fills = [event for _, event in ended if event[0] == reports.FILLED]
    by_trade: dict[int, dict[int, Any]] = {}
    for fill in fills:
        by_trade.setdefault(fill[9], {})[fill[8]] = fill
        assert fill[14] == IN_AUCTION
    assert [(by_trade[event[3]][BUY][6], by_trade[event[3]][SELL][6]) for event in trades] == [
        (names[pair.buyer], names[pair.seller]) for pair in made
    ]
    # Conservation: what was traded is what was told, and nobody has traded more than he wished.
    assert sum(pair.lots for pair in made) == expected.lots
    filled = dict.fromkeys(names, 0)
    for fill in fills:
        filled[fill[6]] += fill[11]
    assert all(filled[name] <= auction.orders[name].quantity_lots for name in names)
    # Nothing that could trade is left, and of those for an auction alone nobody.
    instrument = exchange.engine.state.instruments[SYMBOL]
    exchange.engine.state.check()
    rests = {order.client_order_id for order in auction.orders.values() if order.time_in_force == GTC}
    for name in names:
        order = auction.orders[name]
        left = order.quantity_lots - filled[name] if name in rests else 0
        known = [
            account.requests[name]
            for account in exchange.engine.state.accounts.values()
            if name in account.requests
        ]
        assert [one.ended_ns == 0 for one in known] == [left > 0]
    # The feed tells an outsider the same book.
    heard = auction.heard + ended
    by_level = rebuilt_levels([event for stream, event in heard if stream == f"level.{SYMBOL}."])
    by_order = rebuilt_orders([event for stream, event in heard if stream == f"order.{SYMBOL}."])
    for side in (BUY, SELL):
        assert by_level[side] == instrument.book.levels(side)
        assert by_order[side] == instrument.book.orders(side)
        assert levels_of(by_order[side]) == by_level[side]


@pytest.mark.parametrize("seed", seeds(12))
def test_what_is_kept_at_hand_is_what_a_look_at_the_whole_book_finds(seed: int) -> None:
    random = Random(seed)
    auction = Auction(random, prices=random.choice([2, 5, 20, 200]))
    exchange = auction.exchange
    instrument = exchange.engine.state.instruments[SYMBOL]
    stage = instrument.stage
    assert stage is not None
    for _ in range(150):
        kind = random.randrange(6)
        name = random.choice(list(auction.orders) or [""])
        session = 2 + int(name[1:] or 0) % 3
        if kind == 0 and name:
            exchange.say(session, CancelOrder(client_order_id=name))
            auction.orders.pop(name)
        elif kind == 1 and name and auction.orders[name].price_ticks:
            price, lots = 500 + random.randrange(auction.prices), random.choice((1, 5, 80))
            exchange.say(session, ReplaceOrder(f"p{auction.entered}-{_}", 0, name, price, lots))
        else:
            auction.enter(random.choice((1, 1, 5)))
        if random.randrange(3) == 0:
            continue
        reference = random.choice((0, 500, 510, 700))
        book = instrument.book
        whole = equilibrium(book.bids, book.asks, reference, False)
        assert stage.crossing is not None
        assert stage.crossing.equilibrium(reference) == whole
        assert Crossing(book.bids, book.asks).equilibrium(reference) == whole
        wishes = [
            Wish(side.side, level.price_ticks, level.quantity_lots + level.reserve_lots)
            for side in (book.bids, book.asks)
            for level in side
        ]
        assert tuple(outcome(wishes, reference)) == whole


@drawn(200)
@given(
    st.lists(
        st.tuples(st.sampled_from([BUY, SELL]), st.sampled_from([0, 1, 2, 3, 4]), st.integers(1, 4)),
        max_size=9,
    ),
    st.sampled_from([0, 0, 1, 3, 9]),
)
def test_small_books_of_every_shape(orders: list[tuple[int, int, int]], reference: int) -> None:
    auction = Auction(Random(0), prices=1)
    commands = [
        EnterOrder(
            f"o{n}",
            SYMBOL,
            side,
            lots,
            499 + price if price else 0,
            *((LIMIT, GTC) if price else (MARKET, AT_OPEN)),
        )
        for n, (side, price, lots) in enumerate(orders)
    ]
    auction.exchange.say(2, *commands)
    instrument = auction.exchange.engine.state.instruments[SYMBOL]
    instrument.reference_ticks = 499 + reference if reference else 0
    wishes = [Wish(order.side, order.price_ticks, order.quantity_lots) for order in commands]
    expected = outcome(wishes, instrument.reference_ticks)
    (told,) = status_of(auction.exchange.say(1, SetPhase(SYMBOL, CONTINUOUS)), feed.AUCTION_ENDED)
    assert told[4:] == tuple(expected)
