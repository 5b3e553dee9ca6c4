"""Orders over a WebSocket: who may, what is answered, what is one order when it is sent twice, and what has a limit."""

import asyncio
import json
import signal
import time
from collections.abc import Iterator
from typing import Any

import pytest
from tornado.httpclient import HTTPClientError, HTTPRequest

from tests.support.processes import LINE_S
from tests.support.streaming import SYMBOL, Stream, limit, url
from tests.support.venue import ApiKey, Venue
from tests.support.web_instance import WebInstance
from web.stream import conversation, order_entry

#: Long for an engine that is there, short for who waits for one that is not.
ANSWER_MS = 1_000


@pytest.fixture(scope="module")
def venue(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Venue]:
    """A venue whose web waits for a second."""
    folder = tmp_path_factory.mktemp("venue")
    with Venue(folder, MATCHBUS_WEB_ANSWER_TIMEOUT_MS=str(ANSWER_MS)) as running:
        running.define(SYMBOL, "ETH-USD")
        yield running


def test_an_order_is_answered_as_over_rest(venue: Venue) -> None:
    alice, bob = venue.key("alice", "read", "trade"), venue.key("bob", "trade")

    async def trading() -> None:
        async with Stream(url(venue)) as one, Stream(url(venue)) as two:
            assert await one.login(alice) == {
                "type": "logged_in",
                "id": "login",
                "account": "alice",
                "scopes": ["read", "trade"],
            }
            await two.login(bob)
            said = await one.answer("order", 1, **limit("sell", "100", client_order_id="a-1"))
            assert (said["type"], said["id"], said["order"]["status"]) == ("answer", 1, "open")
            # Sent again over HTTP it is the same order.
            again = venue.signed(alice, "POST", "/v1/order", limit("sell", "100", client_order_id="a-1")).json
            assert again.pop("duplicate")
            assert {**said["order"], "sequence": again["sequence"], "time_ms": again["time_ms"]} == again
            said = await two.answer("order", "b", **limit("buy", "100", "0.2", response="full"))
            (done,) = said["order"]["executions"]
            assert (done["price"], done["quantity"], done["liquidity"]) == ("100.00", "0.200", "taker")
            order_id = again["order_id"]
            said = await one.answer("replace", 2, symbol=SYMBOL, order_id=order_id, price="101")
            assert (said["order"]["price"], said["order"]["remaining_quantity"]) == ("101.00", "0.300")
            said = await one.answer("cancel", 3, symbol=SYMBOL, client_order_id="a-1")
            assert (said["order"]["status"], said["order"]["reason"]) == ("cancelled", "by_request")
            assert set(said["order"]) == set(
                venue.signed(
                    alice, "POST", "/v1/order/cancel", {"symbol": SYMBOL, "order_id": enter(venue)}
                ).json
            )

    def enter(venue: Venue) -> int:
        body = limit("sell", "100", client_order_id="a-2")
        number: int = venue.signed(alice, "POST", "/v1/order", body).json["order_id"]
        return number

    asyncio.run(trading())


def test_many_orders_under_way_are_carried_out_in_their_order(venue: Venue) -> None:
    key = venue.key("many", "trade", "read")
    count = 2_500  # more than may be under way

    async def trading() -> None:
        async with Stream(url(venue)) as stream:
            stream.say_login(key)
            for number in range(count):
                stream.say(op="order", id=number, order=limit("buy", "50", "0.001"))
            stream.say(op="cancel", id="last", order={"symbol": SYMBOL, "client_order_id": "nobody"})
            last = await stream.until(lambda said: said.get("id") == "last")
            assert last["reason"] == "unknown_order"
            answers = [said for said in stream.heard if said["type"] == "answer"]
            assert [said["id"] for said in answers] == list(range(count))
            sequences = [said["order"]["sequence"] for said in answers]
            assert sequences == sorted(set(sequences))
            assert venue.signed(key, "POST", "/v1/order/cancel_all", {}).json["cancelled"] == count

    asyncio.run(trading())


def test_no_more_is_read_while_as_many_orders_as_may_be_are_under_way(venue: Venue) -> None:
    key = venue.key("paused-many", "trade", "read")

    async def trading() -> None:
        async with WebInstance(venue) as instance, Stream(instance.url) as stream:
            await stream.login(key)
            await stream.answer("order", "first", **limit("buy", "50", "0.001"))
            venue.engine.signal(signal.SIGSTOP)
            try:
                for number in range(order_entry.UNDER_WAY_MAX):
                    stream.say(op="order", id=number, order=limit("buy", "50", "0.001"))
                stream.say(op="ping", id="before")
                await stream.until(lambda said: said.get("id") == "before")
                heard = len(stream.heard)
                stream.say(op="order", id="more", order=limit("buy", "50", "0.001"))
                stream.say(op="ping", id="behind")
                # What is told meanwhile is a heartbeat at the most.
                with pytest.raises(TimeoutError):
                    await asyncio.wait_for(stream.hear(), 0.3)
            finally:
                venue.engine.signal(signal.SIGCONT)
            await stream.until(lambda said: said.get("id") == "behind")
            assert any(said["type"] in ("answer", "error") for said in stream.heard[heard:-1])
            await stream.until(lambda said: said.get("id") == "more")
        venue.signed(key, "POST", "/v1/order/cancel_all", {})

    asyncio.run(trading())


def test_what_is_refused_is_refused_as_over_rest_and_the_connection_goes_on(venue: Venue) -> None:
    key = venue.key("wrong", "trade")
    cases: list[tuple[str, dict[str, Any], str, str | None]] = [
        ("order", limit("buy", "100.001"), "invalid_field", "price"),
        ("order", limit("buy", "abc"), "invalid_field", "price"),
        ("order", limit("buy", "100", "0"), "quantity_not_positive", "quantity"),
        ("order", {**limit("buy", "100"), "symbol": "X"}, "unknown_symbol", "symbol"),
        ("order", {**limit("buy", "100"), "more": 1}, "unknown_field", "more"),
        ("order", {"symbol": SYMBOL}, "missing_field", "side"),
        ("cancel", {"symbol": SYMBOL}, "missing_field", "order_id"),
        (
            "cancel",
            {"symbol": SYMBOL, "order_id": 1, "client_order_id": "x"},
            "invalid_field",
            "client_order_id",
        ),
        ("cancel", {"symbol": SYMBOL, "client_order_id": "nobody"}, "unknown_order", None),
        ("replace", {"symbol": SYMBOL, "client_order_id": "nobody", "price": "1"}, "unknown_order", None),
        (
            "replace",
            {"symbol": "ETH-USD", "client_order_id": "mine", "price": "1"},
            "invalid_field",
            "symbol",
        ),
        ("cancel", {"symbol": "ETH-USD", "client_order_id": "mine"}, "invalid_field", "symbol"),
    ]
    paths = {"order": "/v1/order", "cancel": "/v1/order/cancel", "replace": "/v1/order/replace"}

    async def trading() -> None:
        async with Stream(url(venue)) as stream:
            await stream.login(key)
            await stream.answer("order", "mine", **limit("buy", "50", client_order_id="mine"))
            for number, (op, body, reason, field) in enumerate(cases):
                said = await stream.answer(op, number, **body)
                assert (said["type"], said["reason"], said["field"]) == ("error", reason, field), body
                over_rest = venue.signed(key, "POST", paths[op], body).json
                del over_rest["request_id"]
                assert {name: said[name] for name in over_rest} == over_rest
            stream.say(op="order", id="none")
            said = await stream.until(lambda said: said.get("id") == "none")
            assert (said["reason"], said["field"]) == ("missing_field", "order")
            said = await stream.answer("cancel", "end", symbol=SYMBOL, client_order_id="mine")
            assert said["order"]["status"] == "cancelled"

    asyncio.run(trading())


def test_the_same_message_behind_the_same_login_is_one_order(venue: Venue) -> None:
    key = venue.key("twice", "trade", "read")
    now_ms = time.time_ns() // 1_000_000
    message = json.dumps({"op": "order", "id": 7, "order": limit("buy", "50")})

    async def said_by(stream: Stream, text: str, number: int = 7) -> dict[str, Any]:
        stream.say_text(text)
        return (await stream.until(lambda said: said.get("id") == number))["order"]  # type: ignore[no-any-return]

    async def trading() -> None:
        async with Stream(url(venue)) as stream:
            await stream.login(key, now_ms)
            first = await said_by(stream, message)
            again = await said_by(stream, message)
            assert (again["order_id"], again.get("duplicate")) == (first["order_id"], True)
            other = await said_by(stream, message.replace("7", "8", 1), 8)
            assert other["order_id"] != first["order_id"]
        async with Stream(url(venue)) as stream:
            # The same login on another connection, shown in headers this time.
            await stream.login(key, now_ms)
            assert (await said_by(stream, message))["order_id"] == first["order_id"]
        async with Stream(url(venue)) as stream:
            await stream.login(key, now_ms + 1)
            third = await said_by(stream, message)
            assert third["order_id"] not in (first["order_id"], other["order_id"])
            # A replace in the same way: done once.
            text = json.dumps(
                {
                    "op": "replace",
                    "id": 9,
                    "order": {"symbol": SYMBOL, "order_id": third["order_id"], "price": "51"},
                }
            )
            assert "duplicate" not in await said_by(stream, text, 9)
            assert (await said_by(stream, text, 9))["duplicate"]
            # Without an id nobody could know a message again.
            stream.say(op="order", order=limit("buy", "50"))
            refused = await stream.until(lambda said: said["type"] == "error")
            assert (refused["id"], refused["reason"], refused["field"]) == (
                None,
                "missing_field",
                "client_order_id",
            )
        assert venue.signed(key, "POST", "/v1/order/cancel_all", {}).json["cancelled"] == 3

    asyncio.run(trading())


def test_who_has_not_logged_in_or_may_not_trade_enters_nothing(venue: Venue) -> None:
    reader, other = venue.key("reads", "read"), venue.key("other", "trade")

    async def trading() -> None:
        async with Stream(url(venue)) as stream:
            said = await stream.answer("order", 1, **limit("buy", "50"))
            assert said["reason"] == "key_needed"
            said = await stream.login(reader, time.time_ns() // 1_000_000 - 60_000)
            assert (said["type"], said["reason"]) == ("error", "timestamp_outside")
            stream.say(
                op="login", id="bad", key=reader.key_id, timestamp=time.time_ns() // 1_000_000, signature="00"
            )
            said = await stream.until(lambda said: said.get("id") == "bad")
            assert said["reason"] == "bad_signature"
            await stream.login(reader)
            said = await stream.answer("order", 2, **limit("buy", "50"))
            assert said["reason"] == "scope_missing"
            said = await stream.login(other)
            assert (said["reason"], said["field"]) == ("invalid_field", "key")
        async with Stream(url(venue)) as stream:
            await stream.login(other)
            stream.say(op="subscribe", channels=["orders"], id=1)
            said = await stream.until(lambda said: said.get("id") == 1)
            assert said["reason"] == "scope_missing"

    asyncio.run(trading())


def test_a_key_in_the_headers_of_the_upgrade_is_a_login(venue: Venue) -> None:
    key = venue.key("headers", "trade")

    async def trading() -> None:
        request = HTTPRequest(url(venue), headers=key.headers("GET", "/ws"))
        async with Stream(request) as stream:
            said = await stream.answer("order", 1, **limit("buy", "50"))
            assert said["order"]["status"] == "open"
            await stream.answer("cancel", 2, symbol=SYMBOL, order_id=said["order"]["order_id"])
        wrong = {**key.headers("GET", "/ws"), "X-Signature": "00"}
        with pytest.raises(HTTPClientError) as refused:
            async with Stream(HTTPRequest(url(venue), headers=wrong)):
                pass
        assert refused.value.code == 401

    asyncio.run(trading())


def test_a_revoked_key_ends_its_connections_within_a_second(
    venue: Venue, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(conversation, "LOGIN_S", 2)
    trader, reader = venue.key("revoked", "trade"), venue.key("revoked", "read")

    async def revoked(stream: Stream, key: ApiKey) -> None:
        words = ("keys", "revoke", key.key_id, "--data", str(venue.data))
        await asyncio.to_thread(venue.processes.run, *words)
        started = time.monotonic()
        assert (await stream.closed())[0] == 4003
        # Half a second it takes; the rest is for a machine that has much to do.
        assert time.monotonic() - started < 5

    async def trading() -> None:
        async with (
            WebInstance(venue, market_data_needs_key=True) as instance,
            Stream(instance.url) as one,
            Stream(instance.url) as two,
            Stream(instance.url) as three,
        ):
            await one.login(trader)
            await two.login(reader)
            # Also where it only listens to what is public elsewhere.
            two.say(op="subscribe", channels=["trades"], symbols=[SYMBOL])
            await two.until(lambda said: said["type"] == "subscribed")
            three.say(op="subscribe", channels=["trades"], symbols=[SYMBOL])
            refused = await three.until(lambda said: said["type"] == "error")
            assert refused["reason"] == "key_needed"
            await revoked(one, trader)
            await revoked(two, reader)
            # Whoever logs in nowhere does not stay.
            assert (await three.closed())[0] == 4001

    asyncio.run(trading())


def test_orders_are_limited_by_their_key_and_who_goes_on_is_cut_off(venue: Venue) -> None:
    key = venue.key("limited", "trade")

    async def trading() -> None:
        async with WebInstance(venue, orders_per_s_max=10) as instance, Stream(instance.url) as stream:
            await stream.login(key)
            for number in range(60):
                stream.say(op="order", id=number, order=limit("buy", "50", "0.001"))
            said = await stream.answer("cancel", "all", symbol=SYMBOL, client_order_id="nobody")
            assert said["reason"] == "unknown_order", "cancels have a limit of their own"
            answers = [said for said in stream.heard if said["type"] == "answer"]
            limited = [said for said in stream.heard if said.get("reason") == "rate_limited"]
            assert 20 <= len(answers) < 40
            assert len(answers) + len(limited) == 60
            for number in range(1_200):
                stream.say(op="order", id=number, order=limit("buy", "50", "0.001"))
            assert (await stream.closed())[0] == 4002
        venue.signed(key, "POST", "/v1/order/cancel_all", {})

    asyncio.run(trading())


def test_what_an_engine_that_says_nothing_made_of_an_order_is_unknown(venue: Venue) -> None:
    key = venue.key("paused", "trade", "read")

    async def trading() -> None:
        async with Stream(url(venue)) as stream:
            await stream.login(key)
            await stream.answer("order", 1, **limit("buy", "50", client_order_id="before"))
            venue.engine.signal(signal.SIGSTOP)
            try:
                stream.say(op="order", id=2, order=limit("buy", "50", client_order_id="during"))
                stream.say(op="order", id=3, order=limit("buy", "50"))
                said = await stream.until(lambda said: said.get("id") == 2)
                assert said["reason"] == "unknown"
                assert "GET /v1/order?client_order_id=during" in said["message"]
                said = await stream.until(lambda said: said.get("id") == 3)
                assert "execution status unknown: ask GET /v1/order?client_order_id=" in said["message"]
                # By now it is known that nobody is there: nothing is sent.
                async with asyncio.timeout(LINE_S):
                    while said["reason"] != "unreachable":
                        said = await stream.answer("cancel", 4, symbol=SYMBOL, client_order_id="nobody")
            finally:
                venue.engine.signal(signal.SIGCONT)
            async with asyncio.timeout(LINE_S):
                while (said := await stream.answer("cancel", 9, symbol=SYMBOL, client_order_id="before"))[
                    "type"
                ] != "answer":
                    assert said["reason"] == "unreachable"
            # It came too late, so it was not carried out.
            said = await stream.answer("cancel", 10, symbol=SYMBOL, client_order_id="during")
            assert said["reason"] == "unknown_order"

    asyncio.run(trading())
