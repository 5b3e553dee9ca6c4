"""Orders over HTTP, from the outside: a signed request, and what the market and the account see of it."""

import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor, as_completed
from typing import Any

import pytest

from tests.support.venue import ApiKey, Response, Venue
from web.turns import QUESTIONS_AT_ONCE_MAX

TWO_NAMES = b'{"symbol":"BTC-USD","order_id":1,"client_order_id":"a"}'
NO_SYMBOL = b'{"orders":[{"op":"cancel","symbol":"NONE","order_id":1}]}'
IN_AN_HOUR_MS = (time.time_ns() // 10**9 + 3600) * 1000
LIMIT_BUY = {"symbol": "BTC-USD", "side": "buy", "quantity": "0.5", "price": "30000"}


@pytest.fixture(scope="module")
def keys(venue: Venue) -> dict[str, ApiKey]:
    """A key of each account."""
    return {account: venue.key(account, "read", "trade") for account in ("alice", "bob", "carol", "dave")}


@pytest.fixture(autouse=True)
def an_empty_market(venue: Venue, keys: dict[str, ApiKey]) -> Iterator[None]:
    """What a test leaves in the book is taken out."""
    yield
    for key in keys.values():
        assert venue.signed(key, "POST", "/v1/order/cancel_all", {}).status == 200


def done(answer: Response) -> Any:
    """The body of what was done."""
    assert answer.status == 200, answer.body
    return answer.json


def refused(answer: Response, status: int, reason: str, field: str | None = None) -> Any:
    """The body of what was refused, for this reason."""
    said = answer.json
    assert (answer.status, said["reason"], said["field"]) == (status, reason, field), said
    return said


def test_an_order_rests_and_stands_in_the_book_and_among_the_open_orders(
    venue: Venue, keys: dict[str, ApiKey]
) -> None:
    said = done(venue.signed(keys["alice"], "POST", "/v1/order", {**LIMIT_BUY, "client_order_id": "rests"}))
    order_id, sequence = said["order_id"], said["sequence"]
    assert said | {"time_ms": 0} == {
        "order_id": order_id,
        "client_order_id": "rests",
        "symbol": "BTC-USD",
        "side": "buy",
        "type": "limit",
        "time_in_force": "GTC",
        "price": "30000.00",
        "quantity": "0.500",
        "filled_quantity": "0.000",
        "remaining_quantity": "0.500",
        "status": "open",
        "sequence": sequence,
        "time_ms": 0,
    }
    book = venue.until(
        lambda: venue.get("/api/v1/orderbook/BTC-USD"), lambda answer: answer.json["sequence"] >= sequence
    ).json
    assert book["bids"] == [["30000.00", "0.500"]]
    page = done(venue.signed(keys["alice"], "GET", f"/v1/orders?at_least={sequence}"))
    assert [order["order_id"] for order in page["orders"]] == [order_id]
    assert page["sequence"] >= sequence
    assert done(venue.signed(keys["bob"], "GET", f"/v1/orders?at_least={sequence}"))["orders"] == []


def test_two_accounts_trade_and_both_see_it(venue: Venue, keys: dict[str, ApiKey]) -> None:
    alice, bob = keys["alice"], keys["bob"]
    maker = done(venue.signed(alice, "POST", "/v1/order", {**LIMIT_BUY, "client_order_id": "maker"}))
    taker = done(
        venue.signed(
            bob,
            "POST",
            "/v1/order?time_ns=true",
            {**LIMIT_BUY, "side": "sell", "quantity": "0.2", "client_order_id": "taker", "response": "full"},
        )
    )
    assert (taker["status"], taker["filled_quantity"], taker["remaining_quantity"]) == (
        "filled",
        "0.200",
        "0.000",
    )
    assert taker["time_ns"] // 1_000_000 == taker["time_ms"]
    (fill,) = taker["executions"]
    assert (fill["price"], fill["quantity"], fill["liquidity"]) == ("30000.00", "0.200", "taker")
    query = f"symbol=BTC-USD&limit=1&time_ns=true&at_least={taker['sequence']}"
    assert done(venue.signed(bob, "GET", f"/v1/execution?{query}"))["executions"] == [fill]
    (own,) = done(venue.signed(alice, "GET", f"/v1/execution?{query}"))["executions"]
    assert own | {"report_number": 0} == fill | {
        "report_number": 0,
        "order_id": maker["order_id"],
        "client_order_id": "maker",
        "side": "buy",
        "filled_quantity": "0.200",
        "remaining_quantity": "0.300",
        "liquidity": "maker",
    }
    left = done(venue.signed(alice, "GET", "/v1/order?client_order_id=maker"))
    assert (left["status"], left["executions"], left["quote_volume"]) == ("open", 1, "6000.00000")
    ended = done(venue.signed(bob, "GET", f"/v1/order?order_id={taker['order_id']}"))
    assert (ended["status"], ended["remaining_quantity"]) == ("filled", "0.000")
    assert ended["ended_ms"] == taker["time_ms"]


def test_the_same_signed_request_sent_twice_is_one_order(venue: Venue, keys: dict[str, ApiKey]) -> None:
    alice = keys["alice"]
    body = b'{"symbol":"BTC-USD","side":"buy","quantity":"0.5","price":"29999"}'
    headers = {**alice.headers("POST", "/v1/order", body), "Content-Type": "application/json"}
    first = done(venue.request("POST", "/v1/order", body, headers))
    again = done(venue.request("POST", "/v1/order", body, headers))
    assert again["order_id"] == first["order_id"]
    assert (again["duplicate"], "duplicate" in first) == (True, False)
    # Signed again it is another request, and another order.
    other = done(venue.signed(alice, "POST", "/v1/order", body))
    assert other["order_id"] != first["order_id"]
    path = f"/v1/orders?at_least={other['sequence']}"
    ids = [order["order_id"] for order in done(venue.signed(alice, "GET", path))["orders"]]
    assert ids == [first["order_id"], other["order_id"]]


def test_an_id_used_for_something_else_is_refused(venue: Venue, keys: dict[str, ApiKey]) -> None:
    order = {**LIMIT_BUY, "client_order_id": "once"}
    done(venue.signed(keys["alice"], "POST", "/v1/order", order))
    other = venue.signed(keys["alice"], "POST", "/v1/order", {**order, "quantity": "0.6"})
    refused(other, 409, "id_taken", "client_order_id")
    # Another account's ids are its own.
    done(venue.signed(keys["bob"], "POST", "/v1/order", order))


def test_a_replace_changes_and_a_cancel_ends(venue: Venue, keys: dict[str, ApiKey]) -> None:
    alice = keys["alice"]
    said = done(venue.signed(alice, "POST", "/v1/order", {**LIMIT_BUY, "client_order_id": "changed"}))
    smaller = {"symbol": "BTC-USD", "order_id": said["order_id"], "quantity": "0.4"}
    kept = done(venue.signed(alice, "POST", "/v1/order/replace", smaller))
    assert (kept["quantity"], kept["price"], kept["kept_priority"]) == ("0.400", "30000.00", True)
    dearer = {"symbol": "BTC-USD", "client_order_id": "changed", "price": "30001", "request_id": "r-1"}
    moved = done(venue.signed(alice, "POST", "/v1/order/replace", dearer))
    assert (moved["quantity"], moved["price"], moved["kept_priority"]) == ("0.400", "30001.00", False)
    assert done(venue.signed(alice, "POST", "/v1/order/replace", dearer))["duplicate"]
    gone = {"symbol": "BTC-USD", "client_order_id": "changed"}
    ended = done(venue.signed(alice, "POST", "/v1/order/cancel", gone))
    assert (ended["status"], ended["reason"], ended["remaining_quantity"]) == (
        "cancelled",
        "by_request",
        "0.000",
    )
    refused(venue.signed(alice, "POST", "/v1/order/cancel", gone), 409, "order_ended")
    dearer["request_id"] = "r-2"
    refused(venue.signed(alice, "POST", "/v1/order/replace", dearer), 409, "order_ended")
    path = f"/v1/order?order_id={said['order_id']}&at_least={ended['sequence']}"
    found = done(venue.signed(alice, "GET", path))
    assert (found["status"], found["reason"], found["price"]) == ("cancelled", "by_request", "30001.00")


def test_another_accounts_order_is_not_there(venue: Venue, keys: dict[str, ApiKey]) -> None:
    alice, bob = keys["alice"], keys["bob"]
    said = done(venue.signed(alice, "POST", "/v1/order", {**LIMIT_BUY, "client_order_id": "mine"}))
    for name in ({"order_id": said["order_id"]}, {"client_order_id": "mine"}):
        order = {"symbol": "BTC-USD", **name}
        refused(venue.signed(bob, "POST", "/v1/order/cancel", order), 404, "unknown_order")
        replace = {**order, "quantity": "0.1"}
        refused(venue.signed(bob, "POST", "/v1/order/replace", replace), 404, "unknown_order")
        ((field, value),) = name.items()
        path = f"/v1/order?{field}={value}&at_least={said['sequence']}"
        refused(venue.signed(bob, "GET", path), 404, "unknown_order")
    still = done(venue.signed(alice, "GET", f"/v1/order?order_id={said['order_id']}"))
    assert (still["status"], still["quantity"]) == ("open", "0.500")


def test_a_key_for_reading_changes_nothing(venue: Venue) -> None:
    reader = venue.key("alice", "read")
    refused(venue.signed(reader, "POST", "/v1/order", LIMIT_BUY), 403, "scope_missing")
    refused(venue.request("GET", "/v1/orders"), 401, "key_needed")
    assert done(venue.signed(reader, "GET", "/v1/orders"))["orders"] == []


def test_an_order_that_is_said_to_be_of_another_symbol_stays_as_it_is(
    venue: Venue, keys: dict[str, ApiKey]
) -> None:
    alice = keys["alice"]
    venue.define("ETH-USD")
    with venue.client("alice") as elsewhere:  # an order that the web has not entered itself
        entered = elsewhere.enter("BTC-USD", "buy", "0.5", "30000", client_order_id="of btc").result()
    other = {"symbol": "ETH-USD", "client_order_id": "of btc"}
    refused(
        venue.signed(alice, "POST", "/v1/order/replace", {**other, "price": "1"}),
        409,
        "invalid_field",
        "symbol",
    )
    refused(venue.signed(alice, "POST", "/v1/order/cancel", other), 409, "invalid_field", "symbol")
    still = done(venue.signed(alice, "GET", f"/v1/order?order_id={entered.order_id}"))
    assert (still["status"], still["price"]) == ("open", "30000.00")


def test_all_orders_of_a_side_or_all_are_cancelled(venue: Venue, keys: dict[str, ApiKey]) -> None:
    carol = keys["carol"]
    for side, price in (("buy", "1"), ("buy", "2"), ("sell", "3")):
        done(venue.signed(carol, "POST", "/v1/order", {**LIMIT_BUY, "side": side, "price": price}))
    said = done(venue.signed(carol, "POST", "/v1/order/cancel_all", {"symbol": "BTC-USD", "side": "buy"}))
    assert said["cancelled"] == 2
    said = done(venue.signed(carol, "POST", "/v1/order/cancel_all", {}))
    assert said["cancelled"] == 1
    path = f"/v1/orders?at_least={said['sequence']}"
    assert done(venue.signed(carol, "GET", path))["orders"] == []


def test_orders_end_when_nobody_says_again_that_they_shall_stay(
    venue: Venue, keys: dict[str, ApiKey]
) -> None:
    dave = keys["dave"]
    order = done(venue.signed(dave, "POST", "/v1/order", LIMIT_BUY))
    said = done(venue.signed(dave, "POST", "/v1/order/cancel_all_after", {"timeout_ms": 60_000}))
    assert said["timeout_ms"] == 60_000
    done(venue.signed(dave, "POST", "/v1/order/cancel_all_after", {"timeout_ms": 1}))
    path = f"/v1/order?order_id={order['order_id']}"
    ended = venue.until(
        lambda: venue.signed(dave, "GET", path), lambda answer: answer.json.get("status") == "cancelled"
    ).json
    assert ended["reason"] == "cancel_all_after"
    long = {"timeout_ms": 86_400_001}
    answer = venue.signed(dave, "POST", "/v1/order/cancel_all_after", long)
    refused(answer, 400, "invalid_field", "timeout_ms")


@pytest.mark.parametrize(
    ("order", "status", "told"),
    [
        ({"type": "market", "price": None, "quantity": "1"}, "cancelled", {"reason": "no_liquidity"}),
        ({"type": "stop", "price": None, "trigger_price": "31000"}, "waiting", {"trigger_price": "31000.00"}),
        ({"type": "stop-limit", "trigger_price": "31000"}, "waiting", {"price": "30000.00"}),
        ({"type": "take-profit", "price": None, "trigger_price": "29000"}, "waiting", {}),
        (
            {"type": "trailing-stop", "price": None, "trail_distance": "100.5"},
            "waiting",
            {"trail_distance": "100.50"},
        ),
        ({"time_in_force": "IOC"}, "cancelled", {"reason": "ioc_remainder"}),
        ({"time_in_force": "FOK"}, "cancelled", {"reason": "fok_unfilled"}),
        ({"time_in_force": "DAY"}, "open", {"time_in_force": "DAY"}),
        ({"expires_ms": IN_AN_HOUR_MS}, "open", {"time_in_force": "GTD", "expires_ms": IN_AN_HOUR_MS}),
        ({"display_quantity": "0.1"}, "open", {"display_quantity": "0.100"}),
        ({"hidden": True}, "open", {"hidden": True}),
        ({"post_only": True}, "open", {"post_only": True}),
        ({"self_trade": "cancel-oldest", "self_trade_group": 7}, "open", {"self_trade_group": 7}),
    ],
)
def test_every_kind_of_order_is_taken_and_told_of(
    venue: Venue, keys: dict[str, ApiKey], order: dict[str, Any], status: str, told: dict[str, Any]
) -> None:
    if order.get("type") == "take-profit":
        for side in ("buy", "sell"):  # a take-profit of a buyer waits below the last trade
            key = keys["bob" if side == "buy" else "carol"]
            done(venue.signed(key, "POST", "/v1/order", {**LIMIT_BUY, "side": side}))
    body = {name: value for name, value in {**LIMIT_BUY, **order}.items() if value is not None}
    said = done(venue.signed(keys["dave"], "POST", "/v1/order", body))
    assert said["status"] == status
    path = f"/v1/order?order_id={said['order_id']}&at_least={said['sequence']}"
    found = done(venue.signed(keys["dave"], "GET", path))
    assert found["status"] == status
    assert {name: found.get(name) for name in told} == told
    shared = set(said) & set(found) - {"sequence", "time_ms"}
    assert {name: said[name] for name in shared} == {name: found[name] for name in shared}


def test_a_batch_does_one_after_the_other_and_says_what_became_of_each(
    venue: Venue, keys: dict[str, ApiKey]
) -> None:
    alice = keys["alice"]
    enter = {"op": "enter", **LIMIT_BUY, "client_order_id": "b-1"}
    batch = {
        "orders": [
            enter,
            {"op": "replace", "symbol": "BTC-USD", "client_order_id": "b-1", "quantity": "0.7"},
            {**enter, "client_order_id": "b-2", "price": "1000001"},
            {"op": "cancel", "symbol": "BTC-USD", "client_order_id": "b-1"},
        ]
    }
    results = done(venue.signed(alice, "POST", "/v1/orders", batch))["results"]
    assert [result["order"] and result["order"]["status"] for result in results] == [
        "open",
        "open",
        None,
        "cancelled",
    ]
    assert results[1]["order"]["quantity"] == "0.700"
    assert results[2]["error"] == {
        "code": 411,
        "reason": "price_too_high",
        "message": "above the instrument's highest price",
        "field": "price",
    }


def test_all_or_nothing_is_nothing_and_judging_does_nothing(venue: Venue, keys: dict[str, ApiKey]) -> None:
    alice = keys["alice"]
    good = {"op": "enter", **LIMIT_BUY, "client_order_id": "g"}
    bad = {**good, "client_order_id": "h", "price": "1000001"}
    whole = done(venue.signed(alice, "POST", "/v1/orders", {"orders": [good, bad], "all_or_nothing": True}))
    reasons = [result["error"]["reason"] for result in whole["results"]]
    assert reasons == ["batch_refused", "price_too_high"]
    judged = done(venue.signed(alice, "POST", "/v1/orders", {"orders": [good, bad], "validate_only": True}))
    assert judged["results"][0] == {"order": None, "error": None}
    assert judged["results"][1]["error"]["reason"] == "price_too_high"
    refused(venue.signed(alice, "GET", "/v1/order?client_order_id=g"), 404, "unknown_order")


def test_who_waits_for_what_does_not_come_keeps_nobody_else_waiting(
    venue: Venue, keys: dict[str, ApiKey]
) -> None:
    bob = keys["bob"]
    path = "/v1/execution?at_least=9000000000"
    count = QUESTIONS_AT_ONCE_MAX + 1
    with ThreadPoolExecutor(count) as threads:
        asked = [threads.submit(venue.signed, bob, "GET", path) for _ in range(count)]
        first = next(as_completed(asked))
        refused(first.result(), 429, "rate_limited")
        assert first.result().headers["retry-after"] == "1"
        done(venue.signed(keys["carol"], "GET", "/v1/execution"))
        waiting = [one for one in asked if one is not first]
        assert not any(one.done() for one in waiting)
        for one in waiting:
            refused(one.result(), 409, "not_yet", "at_least")
    done(venue.signed(bob, "GET", "/v1/execution"))


def test_two_instances_make_one_order_of_one_request(venue: Venue, keys: dict[str, ApiKey]) -> None:
    other = venue.start_web("--port", "0")
    try:
        port = int(other.ready()["web"].rpartition(":")[2])
        alice = keys["alice"]
        body = b'{"symbol":"BTC-USD","side":"buy","quantity":"0.5","price":"29998"}'
        headers = {**alice.headers("POST", "/v1/order", body), "Content-Type": "application/json"}
        first = done(venue.request("POST", "/v1/order", body, headers))
        again = done(venue.request("POST", "/v1/order", body, headers, port))
        assert again | {"sequence": 0, "time_ms": 0} == first | {
            "sequence": 0,
            "time_ms": 0,
            "duplicate": True,
        }
        # An order of one instance is replaced and cancelled at the other, and read at both.
        smaller = {"symbol": "BTC-USD", "order_id": first["order_id"], "quantity": "0.4"}
        assert done(venue.signed(alice, "POST", "/v1/order/replace", smaller, port))["quantity"] == "0.400"
        gone = {"symbol": "BTC-USD", "order_id": first["order_id"]}
        ended = done(venue.signed(alice, "POST", "/v1/order/cancel", gone))
        path = f"/v1/order?order_id={first['order_id']}&at_least={ended['sequence']}"
        assert done(venue.signed(alice, "GET", path, None, port))["status"] == "cancelled"
    finally:
        other.stop()


def test_pages_of_executions_and_orders_lose_none(venue: Venue, keys: dict[str, ApiKey]) -> None:
    carol, dave = keys["carol"], keys["dave"]
    for number in range(5):
        done(venue.signed(carol, "POST", "/v1/order", {**LIMIT_BUY, "client_order_id": f"p-{number}"}))
    sell = {**LIMIT_BUY, "side": "sell", "quantity": "2.5"}
    last = done(venue.signed(dave, "POST", "/v1/order", sell))
    numbers: list[int] = []
    after, more = 0, True
    while more:
        path = f"/v1/execution?limit=2&after={after}&order_id={last['order_id']}&at_least={last['sequence']}"
        page = done(venue.signed(dave, "GET", path))
        numbers += [one["report_number"] for one in page["executions"]]
        after, more = numbers[-1], page["more"]
    assert len(numbers) == 5
    assert numbers == sorted(numbers, reverse=True)
    query = f"state=ended&client_order_id=p-3&at_least={last['sequence']}"
    (order,) = done(venue.signed(carol, "GET", f"/v1/orders/history?{query}"))["orders"]
    assert (order["client_order_id"], order["status"]) == ("p-3", "filled")
    entered = order["entered_ms"]
    for times, count in ((f"from={entered}&to={entered + 1}", 1), (f"to={entered}", 0)):
        path = f"/v1/orders/history?client_order_id=p-3&{times}"
        assert len(done(venue.signed(carol, "GET", path))["orders"]) == count


@pytest.mark.parametrize(
    ("change", "status", "reason", "field"),
    [
        ({"symbol": "NONE"}, 404, "unknown_symbol", "symbol"),
        ({"symbol": ""}, 400, "invalid_field", "symbol"),
        ({"symbol": None}, 400, "invalid_field", "symbol"),
        ({"side": "hold"}, 400, "invalid_field", "side"),
        ({"side": 1}, 400, "invalid_field", "side"),
        ({"type": "guess"}, 400, "invalid_field", "type"),
        ({"time_in_force": "gtc"}, 400, "invalid_field", "time_in_force"),
        ({"quantity": 0.5}, 400, "invalid_field", "quantity"),
        ({"quantity": "5e-1"}, 400, "invalid_field", "quantity"),
        ({"quantity": "-1"}, 400, "invalid_field", "quantity"),
        ({"quantity": "0"}, 409, "quantity_not_positive", "quantity"),
        ({"quantity": "0.0001"}, 409, "invalid_field", "quantity"),
        ({"quantity": "1001"}, 409, "quantity_too_large", "quantity"),
        ({"quantity": "9" * 64}, 409, "invalid_field", "quantity"),
        ({"quantity": "9" * 65}, 400, "invalid_field", "quantity"),
        ({"quantity": "0." + "0" * 61 + "1"}, 409, "invalid_field", "quantity"),
        ({"price": "30000.001"}, 409, "invalid_field", "price"),
        ({"price": "0"}, 409, "price_not_positive", "price"),
        ({"price": "1000001"}, 409, "price_too_high", "price"),
        ({"price": "92233720368547758.08"}, 409, "invalid_field", "price"),
        ({"price": None}, 400, "missing_field", "price"),
        ({"price": "٣"}, 400, "invalid_field", "price"),
        ({"price": "NaN"}, 400, "invalid_field", "price"),
        ({"client_order_id": ""}, 400, "invalid_field", "client_order_id"),
        ({"client_order_id": "x" * 37}, 400, "invalid_field", "client_order_id"),
        ({"client_order_id": "a\0b"}, 400, "invalid_field", "client_order_id"),
        ({"client_order_id": "ü"}, 400, "invalid_field", "client_order_id"),
        ({"display_quantity": "0.5"}, 409, "invalid_display", "display_quantity"),
        ({"display_quantity": "0.0001"}, 409, "invalid_field", "display_quantity"),
        ({"minimum_quantity": "0.6"}, 409, "invalid_minimum", "minimum_quantity"),
        ({"trigger_price": "1"}, 409, "invalid_trigger", "trigger_price"),
        ({"type": "stop", "trigger_price": "0.001"}, 409, "invalid_field", "trigger_price"),
        ({"trail_basis_points": 10_000}, 400, "invalid_field", "trail_basis_points"),
        ({"trail_distance": "1"}, 409, "invalid_trail", "trail_distance"),
        ({"peg": "midpoint"}, 409, "invalid_peg", "peg"),
        ({"type": "pegged", "price": None, "peg": "best-bid", "peg_offset": "--1"}, 400, "invalid_field", "peg_offset"),
        ({"expires_ms": 1}, 409, "invalid_expiry", "expires_ms"),
        ({"self_trade_group": 2**63}, 400, "invalid_field", "self_trade_group"),
        ({"self_trade": "never"}, 400, "invalid_field", "self_trade"),
        ({"cancels_with": "nobody"}, 409, "link_ended", None),
        ({"post_only": 1}, 400, "invalid_field", "post_only"),
        ({"response": "both"}, 400, "invalid_field", "response"),
        ({"leverage": "10"}, 400, "unknown_field", "leverage"),
    ],
)  # fmt: skip
def test_an_order_that_cannot_be_is_refused_by_its_field_and_changes_nothing(
    venue: Venue,
    keys: dict[str, ApiKey],
    change: dict[str, Any],
    status: int,
    reason: str,
    field: str | None,
) -> None:
    bob = keys["bob"]
    body = {**LIMIT_BUY, **change}
    if change.get("price", "") is None:
        del body["price"]
    refused(venue.signed(bob, "POST", "/v1/order", body), status, reason, field)
    assert done(venue.signed(bob, "POST", "/v1/order/cancel_all", {}))["cancelled"] == 0


@pytest.mark.parametrize(
    ("path", "body", "status", "reason", "field"),
    [
        ("/v1/order", b"", 400, "missing_field", None),
        ("/v1/order", b"{", 400, "bad_json", None),
        ("/v1/order", b"[]", 400, "invalid_field", None),
        ("/v1/order", b"null", 400, "invalid_field", None),
        ("/v1/order", b'{"symbol":"\xff"}', 400, "bad_json", None),
        ("/v1/order", b'{"symbol":"\\ud800"}', 400, "bad_json", None),
        ("/v1/order", b"[" * 100_000, 400, "bad_json", None),
        ("/v1/order", b'{"symbol":"BTC-USD"}', 400, "missing_field", "side"),
        ("/v1/order?fast=1", b"{}", 400, "unknown_field", "fast"),
        ("/v1/order/cancel", b'{"symbol":"BTC-USD"}', 400, "missing_field", "order_id"),
        ("/v1/order/cancel", TWO_NAMES, 400, "invalid_field", "client_order_id"),
        ("/v1/order/cancel", b'{"symbol":"BTC-USD","order_id":0}', 400, "invalid_field", "order_id"),
        ("/v1/order/cancel", b'{"symbol":"BTC-USD","order_id":9223372036854775808}', 400, "invalid_field", "order_id"),
        ("/v1/order/cancel", b'{"symbol":"BTC-USD","order_id":9223372036854775807}', 404, "unknown_order", None),
        ("/v1/order/cancel", b'{"symbol":"NONE","order_id":1}', 404, "unknown_symbol", "symbol"),
        ("/v1/order/replace", b'{"symbol":"BTC-USD","order_id":1}', 409, "nothing_to_replace", None),
        ("/v1/order/replace", b'{"symbol":"BTC-USD","order_id":1,"price":"0"}', 409, "price_not_positive", "price"),
        ("/v1/order/cancel_all", b'{"symbol":"NONE"}', 404, "unknown_symbol", "symbol"),
        ("/v1/order/cancel_all_after", b'{"timeout_ms":-1}', 400, "invalid_field", "timeout_ms"),
        ("/v1/orders", b'{"orders":[]}', 400, "invalid_field", "orders"),
        ("/v1/orders", b'{"orders":[{"op":"steal"}]}', 400, "invalid_field", "orders[0].op"),
        ("/v1/orders", b'{"orders":[{"op":"cancel","symbol":"BTC-USD"}]}', 400, "missing_field", "orders[0].order_id"),
        ("/v1/orders", NO_SYMBOL, 404, "unknown_symbol", "orders[0].symbol"),
    ],
)  # fmt: skip
def test_a_body_that_cannot_be_read_is_refused_by_name(
    venue: Venue, keys: dict[str, ApiKey], path: str, body: bytes, status: int, reason: str, field: str | None
) -> None:
    refused(venue.signed(keys["bob"], "POST", path, body), status, reason, field)


@pytest.mark.parametrize(
    ("path", "status", "reason", "field"),
    [
        ("/v1/order", 409, "missing_field", "order_id"),
        ("/v1/order?order_id=1&client_order_id=a", 409, "invalid_field", "client_order_id"),
        ("/v1/order?order_id=x", 400, "invalid_field", "order_id"),
        ("/v1/order?client_order_id=%00", 400, "invalid_field", "client_order_id"),
        ("/v1/orders?limit=0", 400, "invalid_field", "limit"),
        ("/v1/orders?limit=1001", 400, "invalid_field", "limit"),
        ("/v1/orders?symbol=none", 400, "invalid_request", None),
        ("/v1/orders/history?state=lost", 400, "invalid_field", "state"),
        ("/v1/orders/history?from=2&to=1", 409, "invalid_field", "to"),
        ("/v1/execution?trade_id=1", 409, "missing_field", "symbol"),
        ("/v1/execution?at_least=9000000000", 409, "not_yet", "at_least"),
    ],
)
def test_a_question_that_cannot_be_answered_is_refused_by_name(
    venue: Venue, keys: dict[str, ApiKey], path: str, status: int, reason: str, field: str | None
) -> None:
    refused(venue.signed(keys["bob"], "GET", path), status, reason, field)
