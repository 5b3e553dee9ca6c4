"""The order book where it is deep: many orders in a level, many levels, and every way in which they can leave."""

import random

import pytest

from bus.protocol import feed, reasons, reports
from bus.protocol.checksum import CHECKSUM_LEVELS, book_checksum
from bus.protocol.commands import CancelOrder, MassCancel, ReplaceOrder
from bus.protocol.terms import BUY, FOK, IOC, MARKET, SELL
from matcher.book.book import Book
from tests.matcher.exchanges import Event, Exchange, answers, enter
from tests.support.markets import btc

ANNA, BORIS = 1, 2


def book(exchange: Exchange) -> Book:
    """The book of BTC-USD."""
    return exchange.engine.state.instruments["BTC-USD"].book


def of_tag(events: list[tuple[str, Event]], tag: int) -> list[Event]:
    """The events of one kind."""
    return [event for _, event in events if event[0] == tag]


@pytest.mark.parametrize("seed", range(5))
@pytest.mark.parametrize("side", [BUY, SELL])
def test_a_deep_level_keeps_its_order_whoever_leaves_it(seed: int, side: int) -> None:
    chance = random.Random(seed)
    exchange = Exchange("anna")
    exchange.say(ANNA, *(enter(f"a{n}", side, n + 1, 50) for n in range(200)))
    waiting = list(range(200))
    for gone in chance.sample(waiting, 200):
        waiting.remove(gone)
        exchange.say(ANNA, CancelOrder(client_order_id=f"a{gone}"))
        assert book(exchange).orders(side) == [(n + 1, 50, n + 1) for n in waiting]
        if gone % 20 == 0:
            exchange.engine.state.check()
    assert book(exchange).levels(side) == []
    assert book(exchange).checksum() == 0
    exchange.engine.state.check()


@pytest.mark.parametrize("side", [BUY, SELL])
def test_a_sweep_takes_every_level_from_the_best_on(side: int) -> None:
    prices = list(range(100, 200)) if side == SELL else list(range(199, 99, -1))
    exchange = Exchange("anna", "boris")
    shuffled = random.Random(7).sample(prices, 100)
    exchange.say(ANNA, *(enter(f"a{price}", side, 2, price) for price in shuffled))
    other = SELL if side == BUY else BUY
    events = exchange.say(BORIS, enter("b1", other, 201, 0, order_type=MARKET, time_in_force=IOC))
    assert [event[4] for event in of_tag(events, feed.TRADE)] == prices
    assert [event[3:] for event in of_tag(events, feed.LEVEL)] == [(price, 0, 0) for price in prices]
    assert [event[10] for event in of_tag(events, reports.CANCELLED)] == [reasons.NO_LIQUIDITY]
    assert book(exchange).levels(side) == []
    exchange.engine.state.check()


@pytest.mark.parametrize("side", [BUY, SELL])
def test_the_best_price_is_known_when_levels_come_and_go_in_any_order(side: int) -> None:
    chance = random.Random(side)
    exchange = Exchange("anna")
    resting: dict[str, int] = {}
    for number in range(400):
        if resting and chance.random() < 0.5:
            name = chance.choice(sorted(resting))
            del resting[name]
            exchange.say(ANNA, CancelOrder(client_order_id=name))
        else:
            resting[f"a{number}"] = price = chance.randint(2, 30)
            exchange.say(ANNA, enter(f"a{number}", side, 1, price))
        best = (book(exchange).bids if side == BUY else book(exchange).asks).best
        expected = (max if side == BUY else min)(resting.values(), default=None)
        assert (best.price_ticks if best else None) == expected


def test_fill_or_kill_counts_the_whole_depth_and_not_a_lot_more() -> None:
    exchange = Exchange("anna", "boris")
    exchange.say(ANNA, *(enter(f"a{price}", SELL, 3, price) for price in range(100, 130)))
    too_much = exchange.say(BORIS, enter("b1", BUY, 61, 119, time_in_force=FOK))
    assert answers(too_much) == [(reports.ACCEPTED, 0), (reports.CANCELLED, reasons.FOK_UNFILLED)]
    all_of_it = exchange.say(BORIS, enter("b2", BUY, 60, 119, time_in_force=FOK))
    assert len(of_tag(all_of_it, feed.TRADE)) == 20
    assert book(exchange).levels(SELL) == [(price, 3, 1) for price in range(120, 130)]


def test_a_mass_cancel_takes_its_own_out_of_the_midst_of_others() -> None:
    exchange = Exchange("anna", "boris")
    for number in range(60):
        exchange.say(ANNA if number % 3 else BORIS, enter(f"c{number}", SELL, 1, 100 + number % 4))
    events = exchange.say(ANNA, MassCancel())
    assert of_tag(events, reports.COMPLETED)[0][6] == 40
    assert [event[3:] for event in of_tag(events, feed.LEVEL)] == [
        (101, 5, 5),
        (102, 5, 5),
        (100, 5, 5),
        (103, 5, 5),
    ]
    assert len(of_tag(events, feed.ORDER_DELETED)) == 40
    exchange.engine.state.check()


def test_a_level_that_a_command_empties_and_fills_again_is_published_as_it_is_now() -> None:
    """A replace at its own price, alone there: the level vanishes and comes back within one command."""
    exchange = Exchange("anna")
    exchange.say(ANNA, enter("a1", SELL, 3, 100))
    events = exchange.say(ANNA, ReplaceOrder("r1", client_order_id="a1", quantity_lots=9))
    assert [event[3:] for event in of_tag(events, feed.LEVEL)] == [(100, 9, 1)]


def test_a_mass_cancel_in_the_same_message_publishes_its_levels_again() -> None:
    """Once a command, not once a message."""
    exchange = Exchange("anna", "boris")
    exchange.say(BORIS, enter("b1", SELL, 1, 100))
    events = exchange.say(
        ANNA, enter("a1", SELL, 2, 100), MassCancel(), enter("a2", SELL, 3, 100), MassCancel()
    )
    assert [event[3:] for event in of_tag(events, feed.LEVEL)] == [
        (100, 3, 2),
        (100, 1, 1),
        (100, 4, 2),
        (100, 1, 1),
    ]


def test_a_replace_that_trades_in_part_rests_with_what_it_has_left_and_can_be_replaced_again() -> None:
    exchange = Exchange("anna", "boris")
    exchange.say(ANNA, enter("a1", SELL, 3, 100))
    exchange.say(BORIS, enter("b1", BUY, 10, 90))
    exchange.say(BORIS, ReplaceOrder("r1", client_order_id="b1", price_ticks=100))
    assert book(exchange).orders(BUY) == [(3, 100, 7)]
    exchange.say(BORIS, ReplaceOrder("r2", client_order_id="b1", price_ticks=90, quantity_lots=4))
    assert book(exchange).orders(BUY) == [(4, 90, 1)]
    events = exchange.say(BORIS, ReplaceOrder("r3", client_order_id="b1", quantity_lots=3))
    assert answers(events) == [(reports.CANCELLED, reasons.REPLACED_TO_FILLED)]
    assert book(exchange).levels(BUY) == []


def test_new_limits_refuse_new_orders_and_let_old_ones_trade() -> None:
    exchange = Exchange("anna", "boris")
    exchange.say(ANNA, enter("a1", SELL, 3, 500))
    exchange.say(ANNA, btc(price_max_ticks=300, quantity_min_lots=5, quantity_max_lots=1000))
    assert answers(exchange.say(BORIS, enter("b1", BUY, 5, 500))) == [
        (reports.REJECTED, reasons.PRICE_TOO_HIGH)
    ]
    events = exchange.say(BORIS, enter("b2", BUY, 5, 0, order_type=MARKET, time_in_force=IOC))
    assert [event[4:6] for event in of_tag(events, feed.TRADE)] == [(500, 3)]


def test_the_checksum_is_over_the_best_levels_only() -> None:
    exchange = Exchange("anna")
    exchange.say(ANNA, *(enter(f"a{n}", SELL, 1, 100 + n) for n in range(CHECKSUM_LEVELS)))
    before = book(exchange).checksum()
    assert before == book_checksum([], [(100 + n, 1, 1) for n in range(CHECKSUM_LEVELS)])
    exchange.say(ANNA, enter("deeper", SELL, 1, 500))
    assert book(exchange).checksum() == before
    exchange.say(ANNA, enter("better", SELL, 1, 99))
    assert book(exchange).checksum() != before
