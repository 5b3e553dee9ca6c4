"""The analysis of use of a real web: what was asked is counted, by whom and for what, and nothing else is kept."""

import asyncio
import json
import sqlite3
from contextlib import closing
from typing import Any

from tests.support.streaming import Stream
from tests.support.venue import ApiKey, Venue
from tests.support.web_server import WebServer
from web.guard.keys import wish
from web.rest.usage import PATH


def order(symbol: str, price: str = "100.00") -> dict[str, str]:
    return {"symbol": symbol, "side": "buy", "quantity": "1", "price": price}


def asked(venue: Venue, ops: ApiKey, words: str = "") -> Any:
    """What the analysis says."""
    told = venue.signed(ops, "GET", f"{PATH}?minutes=60{words}")
    assert told.status == 200, told.body
    return told.json


def test_calls_are_counted_by_key_route_symbol_and_status(venue: Venue) -> None:
    alice, bob, ops = (
        venue.key("alice", "read", "trade"),
        venue.key("bob", "read"),
        venue.key("ops", "operator"),
    )
    before = asked(venue, ops)
    for _ in range(3):
        assert venue.signed(alice, "POST", "/v1/order", order("BTC-USD")).status == 200
    assert venue.signed(alice, "POST", "/v1/order", order("BTC-USD", "100.001")).status == 409
    assert venue.signed(alice, "POST", "/v1/order", order("NOPE")).status == 404
    assert venue.signed(bob, "POST", "/v1/order", order("BTC-USD")).status == 403
    assert venue.signed(bob, "GET", "/v1/orders?symbol=BTC-USD").status == 200
    wrong = ApiKey(alice.account, alice.key_id, "00" * 32)
    assert venue.signed(wrong, "POST", "/v1/order", order("BTC-USD")).status == 401
    for _ in range(2):
        assert venue.get("/api/v1/klines/BTC-USD/1m").status == 200
    assert venue.get("/api/v1/klines/BTC-USD/7m").status == 400
    found = asked(venue, ops)
    # The questions themselves: the one before was answered when it was counted.
    assert found["calls"] - before["calls"] == 12
    assert found["refused"] - before["refused"] == 5
    by_key = {one["key"]: one for one in found["keys"]}
    assert (by_key[alice.key_id]["account"], by_key[alice.key_id]["calls"]) == ("alice", 5)
    assert (by_key[alice.key_id]["refused"], by_key[alice.key_id]["failed"]) == (2, 0)
    assert (by_key[bob.key_id]["account"], by_key[bob.key_id]["refused"]) == ("bob", 1)
    assert by_key[None]["account"] is None
    of_alice = asked(venue, ops, "&account=alice")
    assert [(one["method"], one["path"], one["calls"]) for one in of_alice["routes"]] == [
        ("POST", "/v1/order", 5)
    ]
    assert {one["status"]: one["calls"] for one in of_alice["statuses"]} == {200: 3, 404: 1, 409: 1}
    assert [(one["symbol"], one["calls"]) for one in of_alice["symbols"]] == [("BTC-USD", 4)]
    assert asked(venue, ops, f"&key={bob.key_id}&symbol=BTC-USD")["calls"] == 1
    slowest = found["slowest"]
    assert [one["p99_us"] for one in slowest] == sorted((one["p99_us"] for one in slowest), reverse=True)
    assert all(0 < one["p50_us"] <= one["p99_us"] for one in found["routes"])
    wanted = {(one["data"], one["symbol"]): one for one in found["data"]}
    assert wanted["klines_1m", "BTC-USD"]["requests"] == 2
    assert not [one for one in wanted if one[0] == "klines_7m"]


def test_what_nobody_has_made_does_not_make_it_grow(venue: Venue) -> None:
    ops = venue.key("ops", "operator")

    def rows() -> int:
        asked(venue, ops)
        with closing(sqlite3.connect(venue.data / "web/usage.db")) as database:
            names = {
                f"{row[0]} {row[1]}" for row in database.execute("SELECT DISTINCT path, symbol FROM calls")
            }
            return len(names)

    venue.get("/nothing/0")
    venue.get("/api/v1/orderbook/NONE-0")
    venue.request("POST", "/nothing/0")
    before = rows()
    for number in range(1, 40):
        assert venue.get(f"/nothing/{number}").status == 404
        assert venue.get(f"/api/v1/orderbook/NONE-{number}").status == 404
        assert venue.request("POST", f"/nothing/{number}").status == 404
    assert rows() == before


def test_the_command_line_says_the_same_and_nothing_is_kept_that_is_secret(venue: Venue) -> None:
    alice, ops = venue.key("alice", "read", "trade"), venue.key("ops", "operator")
    path = "/v1/orders?symbol=BTC-USD"
    headers = alice.headers("GET", path)
    assert venue.request("GET", path, headers=headers).status == 200
    found = asked(venue, ops, f"&key={alice.key_id}")
    told = venue.processes.run("usage", "--data", str(venue.data), "--json", "--key", alice.key_id)
    said = json.loads(told)
    assert {**said, "to_ms": 0, "from_ms": 0} == {**found, "to_ms": 0, "from_ms": 0}
    assert said["calls"] == 1
    shown = venue.processes.run("usage", "--data", str(venue.data))
    assert alice.key_id in shown
    assert "GET /v1/orders" in shown
    kept = b"".join(file.read_bytes() for file in sorted((venue.data / "web").glob("usage.db*")))
    assert alice.key_id.encode() in kept
    for secret in (alice.secret, ops.secret, headers["X-Signature"], headers["X-Timestamp"], "127.0.0.1"):
        assert secret.encode() not in kept


def test_an_instance_that_ends_has_told_all_that_it_counted(venue: Venue) -> None:
    bob, ops = venue.key("bob", "read"), venue.key("ops", "operator")
    port = venue.port_base + 36
    second = venue.start_web("--port", str(port))
    second.ready()
    for _ in range(7):
        assert venue.signed(bob, "GET", "/v1/orders", port=port).status == 200
    assert second.stop()[0] == 0
    assert venue.signed(bob, "GET", "/v1/orders").status == 200
    found = asked(venue, ops, f"&key={bob.key_id}")
    assert [(one["path"], one["calls"]) for one in found["routes"]] == [("/v1/orders", 8)]


def test_who_is_no_operator_is_told_nothing(venue: Venue) -> None:
    assert venue.get(PATH).json["reason"] == "key_needed"
    assert venue.signed(venue.key("alice", "read", "trade"), "GET", PATH).json["reason"] == "scope_missing"
    for words in ("minutes=0", "minutes=44641", "limit=0", "limit=1001", "by=key"):
        assert venue.signed(venue.key("ops", "operator"), "GET", f"{PATH}?{words}").status == 400


def test_a_store_that_takes_nothing_holds_up_nobody_and_is_told_later() -> None:
    with WebServer(guarded=True) as server:
        key, secret = server.keys.create(wish("ops", ["operator"]))
        ops = ApiKey("ops", key.key_id, str(secret))

        def told() -> Any:
            return server.request(PATH, ops.headers("GET", PATH))

        assert told().json["calls"] == 0
        with closing(sqlite3.connect(server.data / "web/usage.db")) as holder:
            holder.execute("BEGIN IMMEDIATE")
            for _ in range(5):
                assert server.request("/health").status == 200
            assert (told().status, told().json["reason"]) == (503, "unreachable")
        found = told().json
    # Beside what was asked of it: the first question, and two that failed.
    assert {one["path"]: one["calls"] for one in found["routes"]} == {"/health": 5, PATH: 3}
    assert (found["failed"], found["keys"][0]["key"]) == (2, None)


def test_where_nothing_is_kept_there_is_nothing() -> None:
    with WebServer(guarded=True, usage_hours=0) as server:
        key, secret = server.keys.create(wish("ops", ["operator"]))
        ops = ApiKey("ops", key.key_id, str(secret))
        assert server.request("/health").status == 200
        assert server.request(PATH, ops.headers("GET", PATH)).status == 404
        assert not list((server.data / "web").glob("usage.db*"))


async def _talk(url: str, key: ApiKey) -> None:
    async with Stream(url) as stream:
        stream.say(op="subscribe", channels=["book", "klines_1m"], symbols=["BTC-USD"], id=1)
        await stream.until(lambda said: said["type"] == "subscribed")
        stream.say(op="subscribe", channels=["book"], symbols=["BTC-USD"], id=2)
        await stream.until(lambda said: said.get("id") == 2)
        stream.say(op="subscribe", channels=["book"], symbols=["NONE"], id=3)
        await stream.until(lambda said: said["type"] == "error")
        headers = key.headers("GET", "/ws")
        signed = {
            "key": key.key_id,
            "timestamp": int(headers["X-Timestamp"]),
            "signature": headers["X-Signature"],
        }
        stream.say(op="login", id=4, **signed)
        await stream.until(lambda said: said.get("id") == 4)
        stream.say(op="order", id=5, order=order("BTC-USD"))
        await stream.until(lambda said: said.get("id") == 5)
        stream.say(op="order", id=6, order=order("BTC-USD", "100.001"))
        await stream.until(lambda said: said.get("id") == 6)


def test_messages_over_websocket_count_as_calls_and_subscriptions_as_wishes(venue: Venue) -> None:
    ops, carol = venue.key("ops", "operator"), venue.key("carol", "trade")
    asyncio.run(_talk(f"ws://127.0.0.1:{venue.web_port}/ws", carol))
    found = asked(venue, ops)
    calls = {one["path"]: (one["calls"], one["refused"]) for one in found["routes"] if one["method"] == "WS"}
    assert calls == {"subscribe": (3, 1), "login": (1, 0), "order": (2, 1)}
    assert asked(venue, ops, f"&key={carol.key_id}&symbol=BTC-USD")["calls"] == 2
    wanted = {(one["data"], one["symbol"]): one["subscriptions"] for one in found["data"]}
    assert (wanted["book", "BTC-USD"], wanted["klines_1m", "BTC-USD"]) == (1, 1)
    assert ("book", "NONE") not in wanted
