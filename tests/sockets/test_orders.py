"""Words become commands; words that do not exist are errors before anything is sent."""

import pytest

from bus.errors import OffLot, OffTick
from bus.protocol.commands import (
    CancelOrder,
    DefineInstrument,
    EnterOrder,
    MassCancel,
    ReplaceOrder,
    SetPhase,
)
from bus.protocol.terms import (
    BEST_BID,
    BUY,
    CLOSED,
    DECREMENT,
    FOK,
    GTC,
    GTD,
    HALTED,
    HIDDEN,
    IOC,
    LIMIT,
    MARKET,
    OPENING_AUCTION,
    PEGGED,
    POST_ONLY,
    POST_ONLY_REPRICE,
    SELL,
    STOP,
    STOP_LIMIT,
    TAKE_PROFIT,
    TRAILING_STOP,
)
from bus.sockets.session.orders import (
    Instructions,
    cancel_order,
    enter_order,
    mass_cancel,
    replace_order,
    set_phase,
)
from bus.sockets.session.prices import Scale

BTC = Scale(DefineInstrument("BTC-USD", "BTC", "USD", 1, 2, 1, 3, 1, 10**9, 1, 10**9))


def test_a_limit_order() -> None:
    assert enter_order(BTC, "a", "buy", "1", "2", None, None, False, {}) == EnterOrder(
        "a", "BTC-USD", BUY, 1000, 200, LIMIT, GTC, 0
    )
    assert enter_order(BTC, "a", "Sell", "1", "2", "fok", "limit", False, {}) == EnterOrder(
        "a", "BTC-USD", SELL, 1000, 200, LIMIT, FOK, 0
    )
    assert enter_order(BTC, "a", SELL, 1, 2, GTC, LIMIT, True, {}).flags == POST_ONLY


def test_without_a_price_it_is_a_market_order_and_does_not_rest() -> None:
    assert enter_order(BTC, "a", "buy", "1", None, None, None, False, {}) == EnterOrder(
        "a", "BTC-USD", BUY, 1000, 0, MARKET, IOC, 0
    )
    assert enter_order(BTC, "a", "buy", "1", None, "FOK", None, False, {}).time_in_force == FOK


def test_a_limit_order_without_a_price_is_a_mistake() -> None:
    with pytest.raises(ValueError, match="a limit order has a price"):
        enter_order(BTC, "a", "buy", "1", None, None, "limit", False, {})


@pytest.mark.parametrize(
    ("side", "force", "message"),
    [
        ("long", "GTC", "'long' is no side: there are buy, sell"),
        (3, "GTC", "3 is no side"),
        ("buy", "LATER", "'LATER' is no time in force: there are GTC, IOC, FOK, DAY, GTD"),
    ],
)
def test_words_that_do_not_exist(side: str | int, force: str, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        enter_order(BTC, "a", side, "1", "2", force, None, False, {})


@pytest.mark.parametrize(
    ("price", "instructions", "order_type"),
    [
        ("2", {}, LIMIT),
        (None, {}, MARKET),
        (None, {"trigger": "3"}, STOP),
        ("2", {"trigger": "3"}, STOP_LIMIT),
        (None, {"trail": "0.1"}, TRAILING_STOP),
        (None, {"trail_basis_points": 50}, TRAILING_STOP),
        (None, {"peg": "midpoint"}, PEGGED),
    ],
)
def test_the_type_that_is_meant_when_none_is_said(
    price: str | None, instructions: Instructions, order_type: int
) -> None:
    assert enter_order(BTC, "a", "buy", "1", price, None, None, False, instructions).order_type == order_type


def test_instructions_are_converted_like_everything_else() -> None:
    order = enter_order(
        BTC,
        "a",
        "buy",
        "1",
        "2",
        None,
        None,
        False,
        {
            "hidden": True,
            "display": "0.5",
            "minimum": "0.25",
            "peg": "best-bid",
            "peg_offset": "-0.02",
            "self_trade": "decrement",
            "self_trade_group": 7,
            "cancels_with": "x",
            "triggered_by": "y",
            "expires_ns": 9,
        },
    )
    assert (order.flags, order.display_lots, order.minimum_lots) == (HIDDEN, 500, 250)
    assert (order.order_type, order.peg, order.peg_offset_ticks) == (PEGGED, BEST_BID, -2)
    assert (order.self_trade, order.self_trade_group) == (DECREMENT, 7)
    assert (order.cancels_with, order.triggered_by) == ("x", "y")
    assert (order.time_in_force, order.expires_ns) == (GTD, 9)
    trailing = enter_order(BTC, "a", "buy", "1", None, None, None, False, {"trail": "0.1"})
    assert (trailing.trail_ticks, trailing.trigger_price_ticks) == (10, 0)
    stop = enter_order(BTC, "a", "buy", "1", None, None, "take-profit", False, {"trigger": "3"})
    assert (stop.order_type, stop.trigger_price_ticks, stop.time_in_force) == (TAKE_PROFIT, 300, GTC)
    assert enter_order(BTC, "a", "buy", "1", "2", None, None, False, {"reprice": True}).flags == (
        POST_ONLY_REPRICE
    )


def test_instructions_that_cannot_be_said() -> None:
    with pytest.raises(OffLot):
        enter_order(BTC, "a", "buy", "1", "2", None, None, False, {"display": "0.0001"})
    with pytest.raises(OffTick):
        enter_order(BTC, "a", "buy", "1", "2", None, None, False, {"trigger": "0.001"})
    with pytest.raises(ValueError, match="'somebody' is no way to prevent self-trades"):
        enter_order(BTC, "a", "buy", "1", "2", None, None, False, {"self_trade": "somebody"})
    with pytest.raises(ValueError, match="a stop-limit order has a price"):
        enter_order(BTC, "a", "buy", "1", None, None, "stop-limit", False, {"trigger": "3"})


def test_an_order_is_named_by_its_number_or_by_the_clients_text() -> None:
    assert cancel_order(7) == CancelOrder(7, "")
    assert cancel_order("7") == CancelOrder(0, "7")
    assert replace_order(BTC, "r", 7, "2", None) == ReplaceOrder("r", 7, "", 200, 0)
    assert replace_order(BTC, "r", "a", None, "3") == ReplaceOrder("r", 0, "a", 0, 3000)


def test_mass_cancels() -> None:
    assert mass_cancel("", None) == MassCancel("", 0)
    assert mass_cancel("BTC-USD", "sell") == MassCancel("BTC-USD", SELL)


def test_phases() -> None:
    assert set_phase("BTC-USD", "Halted", 0, 0, 0, "") == SetPhase("BTC-USD", HALTED)
    assert set_phase("BTC-USD", "opening-auction", 60_000, 500, "closed", "late") == SetPhase(
        "BTC-USD", OPENING_AUCTION, 60_000, 500, CLOSED, "late"
    )
    with pytest.raises(ValueError, match="'open' is no phase: there are continuous, halted, "):
        set_phase("BTC-USD", "open", 0, 0, 0, "")
    with pytest.raises(ValueError, match="at most 200 characters, this one 201"):
        set_phase("BTC-USD", "halted", 0, 0, 0, "x" * 201)
