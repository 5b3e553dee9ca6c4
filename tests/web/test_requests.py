"""What holds of every request: one shape of errors, fields by request, and nothing that was not asked for."""

import json
from typing import Any

import pytest

from tests.support.venue import Venue


def problem(venue: Venue, path: str, status: int, method: str = "GET", **words: Any) -> Any:
    """The error that a request is answered with."""
    answer = venue.request(method, path, **words)
    assert answer.status == status, answer.body
    assert answer.headers["content-type"] == "application/json"
    assert answer.headers["cache-control"] == "no-store"
    said = answer.json
    assert set(said) == {"code", "reason", "message", "field", "request_id"}
    assert said["request_id"] == answer.headers["x-request-id"]
    return said


def test_what_is_not_there_is_said_in_the_one_shape(venue: Venue) -> None:
    assert problem(venue, "/api/v1/nothing", 404)["reason"] == "not_found"
    assert problem(venue, "/api/v1/orderbook/NONE", 404) | {"request_id": ""} == {
        "code": 301,
        "reason": "unknown_symbol",
        "message": "no instrument has this symbol",
        "field": "symbol",
        "request_id": "",
    }


def test_a_method_that_is_not_there_names_those_that_are(venue: Venue) -> None:
    for method in ("POST", "PUT", "PATCH", "DELETE", "OPTIONS"):
        assert problem(venue, "/api/v1/time", 405, method)["reason"] == "method_not_allowed"
        assert venue.request(method, "/api/v1/time").headers["allow"] == "GET, HEAD"


@pytest.mark.parametrize(
    ("query", "status", "reason", "field"),
    [
        ("depth=1&depth=2", 400, "bad_query", "depth"),
        ("depth=%ff", 400, "bad_query", "depth"),
        ("depth=-1", 400, "invalid_field", "depth"),
        ("depth=5001", 400, "invalid_field", "depth"),
        ("depth=ten", 400, "invalid_field", "depth"),
        ("levels=1", 400, "unknown_field", "levels"),
        ("step=1e3", 400, "invalid_field", "step"),
        ("step=0.001", 409, "invalid_field", "step"),
        ("step=0", 409, "invalid_field", "step"),
        ("step=null", 400, "invalid_field", "step"),
        ("depth=null", 400, "invalid_field", "depth"),
        ("fields=nothing", 400, "unknown_field", "fields"),
        ("fields=bids.price", 400, "unknown_field", "fields"),
        ("fields=", 400, "unknown_field", "fields"),
    ],
)
def test_a_query_that_cannot_be_read_is_refused_by_name(
    venue: Venue, query: str, status: int, reason: str, field: str
) -> None:
    said = problem(venue, f"/api/v1/orderbook/BTC-USD?{query}", status)
    assert (said["reason"], said["field"]) == (reason, field)


def test_fields_are_selected(venue: Venue) -> None:
    assert set(venue.get("/api/v1/orderbook/BTC-USD?fields=symbol,bids").json) == {"symbol", "bids"}
    parts = venue.get("/ready?fields=parts.name,parts.health").json["parts"]
    assert parts == [{"name": name, "health": "ok"} for name in ("engine", "publisher", "history")]


def test_nothing_is_read_from_a_body_where_none_belongs(venue: Venue) -> None:
    assert problem(venue, "/api/v1/time", 400, body="{}")["reason"] == "bad_json"


def test_a_book_has_an_etag_and_is_not_said_twice(venue: Venue) -> None:
    answer = venue.get("/api/v1/orderbook/BTC-USD?fields=bids")
    again = venue.get("/api/v1/orderbook/BTC-USD?fields=bids", {"If-None-Match": answer.headers["etag"]})
    assert (again.status, again.body) == (304, b"")
    assert "etag" not in venue.get("/api/v1/time").headers


def test_who_asks_for_a_book_gets_it(venue: Venue) -> None:
    with venue.client("maker") as maker:
        for side, quantity, price in (
            ("buy", "0.5", "99.01"),
            ("buy", "1", "98.99"),
            ("sell", "2.125", "101"),
        ):
            maker.enter("BTC-USD", side, quantity, price).result()
        book = venue.until(
            lambda: venue.get("/api/v1/orderbook/BTC-USD"), lambda answer: bool(answer.json["asks"])
        ).json
        assert json.dumps(book["bids"]) == '[["99.01", "0.500"], ["98.99", "1.000"]]'
        assert json.dumps(book["asks"]) == '[["101.00", "2.125"]]'
        stepped = venue.get("/api/v1/orderbook/BTC-USD?step=0.5&depth=1").json
        assert (stepped["bids"], stepped["asks"]) == ([["99.00", "0.500"]], [["101.00", "2.125"]])
        maker.mass_cancel().result()
