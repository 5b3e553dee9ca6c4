"""Words become commands; words that do not exist are errors before anything is sent."""

import pytest

from bus.protocol.commands import CancelOrder, DefineInstrument, EnterOrder, MassCancel, ReplaceOrder
from bus.protocol.terms import BUY, FOK, GTC, HALTED, IOC, LIMIT, MARKET, POST_ONLY, SELL
from bus.sockets.session.orders import (
    cancel_order,
    enter_order,
    mass_cancel,
    replace_order,
    trading_status_of,
)
from bus.sockets.session.prices import Scale

BTC = Scale(DefineInstrument("BTC-USD", "BTC", "USD", 1, 2, 1, 3, 1, 10**9, 1, 10**9))


def test_a_limit_order() -> None:
    assert enter_order(BTC, "a", "buy", "1", "2", None, None, False) == EnterOrder(
        "a", "BTC-USD", BUY, 1000, 200, LIMIT, GTC, 0
    )
    assert enter_order(BTC, "a", "Sell", "1", "2", "fok", "limit", False) == EnterOrder(
        "a", "BTC-USD", SELL, 1000, 200, LIMIT, FOK, 0
    )
    assert enter_order(BTC, "a", SELL, 1, 2, GTC, LIMIT, True).flags == POST_ONLY


def test_without_a_price_it_is_a_market_order_and_does_not_rest() -> None:
    assert enter_order(BTC, "a", "buy", "1", None, None, None, False) == EnterOrder(
        "a", "BTC-USD", BUY, 1000, 0, MARKET, IOC, 0
    )
    assert enter_order(BTC, "a", "buy", "1", None, "FOK", None, False).time_in_force == FOK


def test_a_limit_order_without_a_price_is_a_mistake() -> None:
    with pytest.raises(ValueError, match="a limit order has a price"):
        enter_order(BTC, "a", "buy", "1", None, None, "limit", False)


@pytest.mark.parametrize(
    ("side", "force", "message"),
    [
        ("long", "GTC", "'long' is no side: there are buy, sell"),
        (3, "GTC", "3 is no side"),
        ("buy", "DAY", "'DAY' is no time in force: there are GTC, IOC, FOK"),
    ],
)
def test_words_that_do_not_exist(side: str | int, force: str, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        enter_order(BTC, "a", side, "1", "2", force, None, False)


def test_an_order_is_named_by_its_number_or_by_the_clients_text() -> None:
    assert cancel_order(7) == CancelOrder(7, "")
    assert cancel_order("7") == CancelOrder(0, "7")
    assert replace_order(BTC, "r", 7, "2", None) == ReplaceOrder("r", 7, "", 200, 0)
    assert replace_order(BTC, "r", "a", None, "3") == ReplaceOrder("r", 0, "a", 0, 3000)


def test_mass_cancels_and_statuses() -> None:
    assert mass_cancel("", None) == MassCancel("", 0)
    assert mass_cancel("BTC-USD", "sell") == MassCancel("BTC-USD", SELL)
    assert trading_status_of("halted") == HALTED
