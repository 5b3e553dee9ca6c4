"""Bad input from outside to a whole venue: a documented 4xx or close code each, no trace in a log, and others go on."""

import asyncio
import json
import socket
from collections.abc import Iterator
from contextlib import ExitStack
from typing import Any, Final

import pytest

from tests.support.processes import LINE_S
from tests.support.streaming import Stream
from tests.support.venue import ApiKey, Response, Venue
from web.stream.client import TOO_MANY_MISTAKES

ORDER: Final = {"symbol": "BTC-USD", "side": "buy", "quantity": "1", "price": "90"}
BODY_BYTES: Final = 10_000_000


@pytest.fixture(scope="module")
def mallory(venue: Venue) -> ApiKey:
    """Who sends it all."""
    return venue.key("mallory", "read", "trade")


@pytest.fixture(autouse=True)
def others_go_on(venue: Venue) -> Iterator[None]:
    """Behind each test somebody else's orders are carried out, and nothing has been logged that should not be."""
    yield
    with venue.client("alice") as alice:
        alice.enter("BTC-USD", "sell", "1", "100").result()
        assert alice.enter("BTC-USD", "buy", "1", "100").result().order_id
    assert [line for line in venue.web.errors if "Traceback" in line or "failed" in line] == []


def refused(said: Response, status: int, reason: str) -> None:
    """It is told in the one shape."""
    assert (said.status, said.json["reason"]) == (status, reason), said.body
    assert set(said.json) == {"code", "reason", "message", "field", "request_id"}
    assert b"Traceback" not in said.body


def text(**change: Any) -> bytes:
    """The body of a good order, changed."""
    return json.dumps({**ORDER, **change}).encode()


@pytest.mark.parametrize(
    ("body", "reason"),
    [
        (b"{", "bad_json"),
        (b"\x00", "bad_json"),
        (text()[:-1], "bad_json"),
        (text() * 2, "bad_json"),
        (text(price="\udcff"), "bad_json"),
        (text().replace(b"BTC", b"B\xffC"), "bad_json"),
        (text().replace(b"BTC", b"B\x00C"), "bad_json"),
        (json.dumps(ORDER).encode("utf-16"), "bad_json"),
        (b'{"symbol":' * 6_000, "bad_json"),
        (b"[" * 60_000, "bad_json"),
        (text(price=90), "invalid_field"),
        (text(price=None, quantity=[]), "invalid_field"),
        (text(quantity={"quantity": "1"}), "invalid_field"),
        (text(price="1e400"), "invalid_field"),
        (text(price="1E-9"), "invalid_field"),
        (text(price="-90"), "invalid_field"),
        (text(price="Infinity"), "invalid_field"),
        (text(price="9" * 1_000), "invalid_field"),
        (text(price="0x5A"), "invalid_field"),
        (text(price="90\n"), "invalid_field"),
        (text(price=" 90"), "invalid_field"),
        (text(price="9\u0030\u0660"), "invalid_field"),
        (text(price="90\x00"), "invalid_field"),
        (text(client_order_id="\x00"), "invalid_field"),
        (text(expires_ms=10**30), "invalid_field"),
        (text(expires_ms=-1), "invalid_field"),
        (text(self_trade_group=1.5), "invalid_field"),
        (text()[:-1] + b',"price":"91"}', "invalid_field"),
        (text(account="alice"), "unknown_field"),
        (text(order_id=1), "unknown_field"),
        (b"{}", "missing_field"),
        (b"null", "invalid_field"),
    ],
)
def test_a_bad_body_is_refused_and_nothing_is_entered(
    venue: Venue, mallory: ApiKey, body: bytes, reason: str
) -> None:
    refused(venue.signed(mallory, "POST", "/v1/order", body), 400, reason)
    assert venue.signed(mallory, "POST", "/v1/order/cancel_all", {}).json["cancelled"] == 0


@pytest.mark.parametrize(
    "kind", ["", "text/plain", "application/jsonx", "application/x-www-form-urlencoded", "\xff"]
)
def test_another_content_type_is_refused(venue: Venue, mallory: ApiKey, kind: str) -> None:
    body = text()
    headers = {**mallory.headers("POST", "/v1/order", body), "Content-Type": kind}
    refused(venue.request("POST", "/v1/order", body, headers), 415, "wrong_content_type")


@pytest.mark.parametrize("path", ["/v1/order", "/v1/orders", "/api/v1/keys", "/api/v1/time", "/nothing"])
def test_ten_megabytes_are_too_much_everywhere(venue: Venue, mallory: ApiKey, path: str) -> None:
    refused(venue.signed(mallory, "POST", path, b" " * BODY_BYTES), 413, "body_too_large")


@pytest.mark.parametrize(
    ("query", "reason"),
    [
        ("limit=1&limit=1", "bad_query"),
        ("symbol=%ff", "bad_query"),
        ("limit=1.5", "invalid_field"),
        ("limit=1e400", "invalid_field"),
        ("limit=99999999999999999999999", "invalid_field"),
        ("limit=", "invalid_field"),
        ("after=null", "invalid_field"),
        ("to=null", "invalid_field"),
        ("symbol=%00", "invalid_request"),
        ("client_order_id=%00", "invalid_field"),
        ("account=alice", "unknown_field"),
        ("fields=orders,orders.account", "unknown_field"),
        ("=1", "unknown_field"),
        ("%00=1", "unknown_field"),
    ],
)
def test_a_bad_query_is_refused(venue: Venue, mallory: ApiKey, query: str, reason: str) -> None:
    refused(venue.signed(mallory, "GET", f"/v1/orders/history?{query}"), 400, reason)


def test_who_says_nothing_or_half_a_request_is_waited_for_by_nobody(venue: Venue) -> None:
    half = text()[:-1]
    head = f"POST /v1/order HTTP/1.1\r\nHost: x\r\nContent-Length: {len(half) + 1}\r\n\r\n".encode()
    with ExitStack() as stack:
        for number in range(500):
            where = ("127.0.0.1", venue.web_port)
            connection = stack.enter_context(socket.create_connection(where, LINE_S))
            if number % 2:
                connection.sendall(head + half)
        assert venue.get("/health").status == 200


@pytest.mark.parametrize(
    ("said", "reason"),
    [
        ("", "bad_json"),
        ("\x00", "bad_json"),
        ("{", "bad_json"),
        ("[" * 60_000, "bad_json"),
        ('{"op":"ping","id":1e400}', "invalid_field"),
        ('{"op":"ping","id":true}', "invalid_field"),
        ('{"op":"ping","id":1,"id":2}', "invalid_field"),
        ('{"op":"ping","when":1}', "unknown_field"),
        ('{"op":"pong"}', "invalid_field"),
        ("{}", "missing_field"),
        ('{"op":"subscribe","channels":["book"],"symbols":["\\u0000"]}', "unknown_symbol"),
        ('{"op":"subscribe","channels":["everything"],"symbols":["BTC-USD"]}', "invalid_field"),
        ('{"op":"subscribe","channels":["book"],"symbols":["BTC-USD"],"from_seq":-1}', "invalid_field"),
        ('{"op":"subscribe","channels":["orders"]}', "key_needed"),
        ('{"op":"order","order":{"symbol":"BTC-USD"}}', "missing_field"),
        (json.dumps({"op": "order", "order": ORDER}), "key_needed"),
        ('{"op":"login","key":"","timestamp":0,"signature":""}', "bad_key"),
    ],
)
def test_a_bad_message_is_refused_and_the_connection_goes_on(venue: Venue, said: str, reason: str) -> None:
    async def talk() -> None:
        async with Stream(f"ws://127.0.0.1:{venue.web_port}/ws") as stream:
            stream.say_text(said)
            told = await stream.until(lambda one: one["type"] == "error")
            assert told["reason"] == reason, told
            stream.say(op="ping", id="still here")
            await stream.until(lambda one: one.get("id") == "still here")

    asyncio.run(talk())


def test_messages_without_sense_or_end_are_cut_off(venue: Venue) -> None:
    async def talk() -> None:
        url = f"ws://127.0.0.1:{venue.web_port}/ws"
        async with Stream(url) as stream:
            stream.say_text(b"\x00\xff" * 100, binary=True)
            assert (await stream.until(lambda one: one["type"] == "error"))["reason"] == "bad_json"
            stream.say_text("[" * 70_000)
            assert (await stream.closed())[0] == 1009
        async with Stream(url) as stream:
            for _ in range(50):
                stream.say_text("{")
            assert (await stream.closed())[0] == TOO_MANY_MISTAKES
        async with Stream(url) as stream:
            known = ["book", "depth20", "trades", "statistics", "tickers"]
            stream.say(op="subscribe", channels=known, symbols=[f"S{number}" for number in range(200)], id=1)
            told = await stream.until(lambda one: one.get("id") == 1)
            assert told["reason"] == "too_many_subscriptions"
            stream.say(op="subscribe", channels=["book"] * 33, symbols=["BTC-USD"], id=2)
            assert (await stream.until(lambda one: one.get("id") == 2))["reason"] == "invalid_field"

    asyncio.run(talk())
