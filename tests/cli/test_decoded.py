"""Messages as JSON: the protocol's names, words for numbers that stand for one, decimals beside ticks and lots."""

from bus.protocol.commands import DefineInstrument, ReplaceOrder
from bus.protocol.market.streams import Statistics
from bus.protocol.reports import Completed, Duplicate, Filled, Rejected
from bus.sockets.session.prices import Scale
from tools.decoded import json_line, named, time_text

SCALE = Scale(DefineInstrument("BTC-USD", "BTC", "USD", 25, 2, 1, 4, 1, 10**8, 1, 10**8))


def test_decimals_stand_beside_ticks_and_lots_where_the_instrument_is_known() -> None:
    filled = Filled(9, 8, 7, 6, 5, "a", "BTC-USD", 2, 4, 120_000, 2, 3, 1, 2)
    plain = {
        "type": "Filled",
        "sequence": 9,
        "time_ns": 8,
        "session": 7,
        "correlation_id": 6,
        "order_id": 5,
        "client_order_id": "a",
        "symbol": "BTC-USD",
        "side": "sell",
        "trade_id": 4,
        "price_ticks": 120_000,
        "quantity_lots": 2,
        "cumulative_lots": 3,
        "leaves_lots": 1,
        "liquidity": "taker",
    }
    decimals = {"price": "30000.00", "quantity": "0.0002", "cumulative": "0.0003", "leaves": "0.0001"}
    assert named(filled) == plain
    assert named(filled, SCALE) == plain | decimals
    assert json_line({"a": ["x", None]}) == '{"a":["x",null]}'


def test_numbers_that_stand_for_a_word_become_it_and_unknown_ones_stay() -> None:
    rejected = named(Rejected(1, 2, 3, 4, 10, "a", 504))
    assert (rejected["command"], rejected["reason"]) == ("EnterOrder", "would_trade")
    duplicate = named(Duplicate(1, 2, 3, 4, 12, "a", 1, 0, 5, 1, 1, 1, 0))
    assert (duplicate["command"], duplicate["reason"], duplicate["status"]) == ("ReplaceOrder", None, "open")
    assert named(Completed(1, 2, 3, 4, 99, 1))["command"] == 99
    # A replace that keeps the price has none.
    replace = named(ReplaceOrder("r", 5, "", 0, 7), SCALE)
    assert (replace["price_ticks"], replace["price"], replace["quantity"]) == (0, None, "0.0007")


def test_sums_means_and_best_prices_of_market_data_have_decimals() -> None:
    day = Statistics(1, 4, 8, 0, 8, 0, -5000, "50", "900", 2, 5_250_000, 4, 20, 0, 0, 4, "9" * 40, 0)
    values = named(day, SCALE)
    assert (values["volume"], values["session_volume"]) == ("0.0050", "9" * 36 + ".9999")
    assert values["quote_volume_decimal"] == "0.022500"
    assert (values["vwap"], values["session_vwap"]) == ("1.31250000", None)
    assert (values["best_bid_price"], values["best_bid_quantity"]) == ("1.00", "0.0020")
    assert (values["best_ask_price"], values["best_ask_quantity"]) == (None, "0.0000")
    assert (values["low"], values["change"]) == (None, "0.00")


def test_times_are_exact_to_the_microsecond() -> None:
    assert time_text(1_795_361_146_047_766_510) == "2026-11-22 15:25:46.047766"
