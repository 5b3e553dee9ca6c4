"""Positions over HTTP: what trades and open orders made of an account, in decimals."""

from typing import Any

import pytest

from bus.protocol.commands import DefineInstrument
from bus.protocol.exposure import AccountPosition
from bus.sockets.session.prices import Scale
from tests.support.venue import ApiKey, Response, Venue
from web.positions import position

SYMBOL = "BTC-USD"


def done(answer: Response) -> Any:
    """The body of what was done."""
    assert answer.status == 200, answer.body
    return answer.json


def enter(venue: Venue, key: ApiKey, side: str, quantity: str, price: str, **more: str) -> int:
    """The sequence of an order that was taken."""
    body = {"symbol": SYMBOL, "side": side, "quantity": quantity, "price": price, **more}
    sequence: int = done(venue.signed(key, "POST", "/v1/order", body))["sequence"]
    return sequence


@pytest.fixture
def pair(venue: Venue) -> tuple[ApiKey, ApiKey]:
    """Keys of two accounts that nobody else uses."""
    return venue.key("holds", "read", "trade"), venue.key("gives", "read", "trade")


def test_a_position_grows_shrinks_and_turns(venue: Venue, pair: tuple[ApiKey, ApiKey]) -> None:
    holds, gives = pair
    for side, quantity, price in (("buy", "0.3", "30000"), ("buy", "0.1", "30004"), ("sell", "0.5", "30010")):
        enter(venue, gives, "sell" if side == "buy" else "buy", quantity, price)
        sequence = enter(venue, holds, side, quantity, price)
    enter(venue, holds, "buy", "0.2", "29000", client_order_id="bid")
    stop = {"type": "stop", "trigger_price": "31000", "client_order_id": "stop"}
    body = {"symbol": SYMBOL, "side": "buy", "quantity": "0.05", **stop}
    sequence = done(venue.signed(holds, "POST", "/v1/order", body))["sequence"]
    said = done(venue.signed(holds, "GET", f"/api/v1/positions?at_least={sequence}&time_ns=true"))
    (held,) = said["positions"]
    assert (said["account"], said["cost_method"], said["more"]) == ("holds", "average", False)
    assert said["sequence"] >= sequence
    assert held["traded_ns"] // 10**6 == held["traded_ms"] >= held["day_ms"] > held["traded_ms"] - 86_400_000
    assert {name: value for name, value in held.items() if not name.endswith(("_ms", "_ns"))} == {
        "symbol": SYMBOL,
        "quantity": "-0.100",
        "average_price": "30010.00000000",
        "cost": "-3001.00000",
        "mark_price": "30010.00",
        "value": "-3001.00000",
        "unrealised_profit": "0.00000",
        # 0.4 sold at 30010, bought for 9000 and 3000.4.
        "realised_profit": "3.60000",
        "day_realised_profit": "3.60000",
        "open_buys": {"orders": 2, "quantity": "0.250", "notional": "7300.50000"},
        "open_sells": {"orders": 0, "quantity": "0.000", "notional": "0.00000"},
        "longest": "0.150",
        "shortest": "-0.100",
        "worst_exposure": "4299.50000",
        "fees": [],
    }
    done(venue.signed(holds, "POST", "/v1/order/cancel_all", {}))
    (other,) = done(venue.signed(gives, "GET", f"/api/v1/positions?symbol={SYMBOL}"))["positions"]
    assert (other["quantity"], other["realised_profit"]) == ("0.100", "-3.60000")


def test_without_trades_and_orders_there_are_none_and_a_bad_question_is_refused(venue: Venue) -> None:
    key = venue.key("idle", "read")
    said = done(venue.signed(key, "GET", "/api/v1/positions"))
    assert (said["positions"], said["more"]) == ([], False)
    assert (
        done(venue.signed(key, "GET", f"/api/v1/positions?after={SYMBOL}&symbol={SYMBOL}"))["positions"] == []
    )
    for query, status, field in (
        ("limit=0", 400, "limit"),
        ("symbol=", 400, "symbol"),
        ("after=x*", 400, "after"),
    ):
        refused = venue.signed(key, "GET", f"/api/v1/positions?{query}")
        assert (refused.status, refused.json["field"]) == (status, field), refused.body
    assert venue.get("/api/v1/positions").status == 401


def test_an_average_price_is_rounded_and_nothing_else_is() -> None:
    scale = Scale(
        DefineInstrument("BTC-USD", "BTC", "USD", 1, 2, 1, 3, 1, 10**6, 1, 10**6),
    )
    day_ns = 86_400 * 10**9
    held = AccountPosition(
        "BTC-USD", "-3", "-1000", "-7", "5", day_ns, 334, 0, "0", "0", "0", 1, "2", "0", "2", 9, 9, day_ns + 10**9,
        [("BNB", "-5"), ("USD", "1234")]
    )  # fmt: skip
    said = position(scale, held, {"BNB": 3, "USD": 2}, time_ns=False)
    assert [(fee.asset, fee.amount) for fee in said.fees] == [("BNB", "-0.005"), ("USD", "12.34")]
    assert (said.average_price, said.quantity) == ("3.33333333", "-0.003")
    assert (said.cost, said.value, said.unrealised_profit) == ("-0.01000", "-0.01002", "-0.00002")
    assert (said.realised_profit, said.day_realised_profit) == ("-0.00007", "-0.00012")
    assert (said.open_sells.notional, said.shortest, said.worst_exposure) == ("0.00668", "-0.005", "0.01670")
    assert (said.day_ms, said.traded_ms) == (86_400_000, 86_401_000)
