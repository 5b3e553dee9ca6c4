"""An account's own channels: what is kept of them is what REST says, whatever is missed, killed or begun anew."""

import asyncio
import random
import signal
from collections.abc import Callable
from typing import Any

import pytest
from tornado.httpclient import HTTPRequest

from tests.support.processes import LINE_S
from tests.support.streaming import SYMBOL, Stream, limit, url
from tests.support.venue import ApiKey, Venue
from tests.support.web_instance import WebInstance
from web.stream import account

#: What of an order is compared.
COMPARED = (
    "client_order_id",
    "side",
    "type",
    "price",
    "quantity",
    "filled_quantity",
    "remaining_quantity",
    "status",
)


class OrdersKept:
    """What an outsider makes of the messages of `orders` and `executions`, by the rules of docs/websocket.md."""

    def __init__(self) -> None:
        self.next_report = 0
        self.snapshots = 0
        self.orders: dict[int, dict[str, Any]] = {}
        self.executions: list[dict[str, Any]] = []
        self.gaps: list[dict[str, Any]] = []
        self.upstream: list[str] = []

    def take(self, said: dict[str, Any]) -> None:
        """One message."""
        if said["type"] == "orders":
            if said["first"]:
                self.snapshots += 1
                self.orders = {}
            self.next_report = said["next_report"]
            self.orders |= {order["order_id"]: order for order in said["orders"]}
        elif said["type"] == "report":
            assert said["report_number"] == self.next_report, "dense"
            self.next_report += 1
            if "order" in said:
                self._fold(said["order"])
            if said["event"] == "triggered" and "trigger_trade_price" not in said:
                self._release(said["order"]["order_id"])
        elif said["type"] == "execution":
            self.executions.append(said)
        elif said["type"] == "gap":
            self.gaps.append(said)
        elif said["type"] == "upstream":
            assert said["name"] == "engine"
            self.upstream.append(said["state"])

    def _fold(self, order: dict[str, Any]) -> None:
        known = self.orders.setdefault(order["order_id"], {})
        known |= order
        if known["status"] in ("filled", "cancelled"):
            del self.orders[order["order_id"]]

    def _release(self, order_id: int) -> None:
        """Another order released it."""
        waits = self.orders[order_id]["type"] in ("stop", "stop-limit")
        self.orders[order_id]["status"] = "waiting" if waits else "open"

    def rows(self) -> dict[int, dict[str, Any]]:
        """What is compared of the open orders."""
        return {number: {name: order[name] for name in COMPARED} for number, order in self.orders.items()}


def open_orders(venue: Venue, key: ApiKey, at_least: int = 0) -> dict[int, dict[str, Any]]:
    """As REST has them."""
    page = venue.signed(key, "GET", f"/v1/orders?limit=1000&at_least={at_least}").json
    assert not page["more"]
    return {order["order_id"]: {name: order[name] for name in COMPARED} for order in page["orders"]}


def executions(venue: Venue, key: ApiKey, told: list[dict[str, Any]], after: int = 0) -> list[dict[str, Any]]:
    """As REST has them, oldest first, with all that were told."""
    path = f"/v1/execution?limit=1000&order=oldest&after={after}&at_least={told[-1]['sequence']}"
    page = venue.signed(key, "GET", path).json
    assert not page["more"]
    rows: list[dict[str, Any]] = page["executions"]
    return rows


async def follow(stream: Stream, kept: OrdersKept, holds: Callable[[], bool]) -> None:
    """Keep what is told until something holds of it."""
    async with asyncio.timeout(LINE_S):
        while not holds():
            said = await stream.hear()
            assert said is not None, f"closed with {stream.connection.close_code}"
            kept.take(said)


async def begin(stream: Stream, key: ApiKey, *channels: str, **words: Any) -> OrdersKept:
    """Log in and subscribe."""
    await stream.login(key)
    stream.say(op="subscribe", channels=list(channels), id="own", **words)
    assert await stream.hear() == {
        "type": "subscribed",
        "id": "own",
        "channels": list(channels),
        "symbols": [],
    }
    kept = OrdersKept()
    kept.next_report = words.get("after_report", -1) + 1
    return kept


def trade_at_random(venue: Venue, keys: list[ApiKey], rng: random.Random, orders: int) -> int:
    """Enter, replace and cancel over REST; the last sequence."""
    entered: list[tuple[ApiKey, int]] = []
    sequence = 0
    for _ in range(orders):
        chance = rng.random()
        if entered and chance < 0.35:
            key, order_id = entered[rng.randrange(len(entered))]
            body = {"symbol": SYMBOL, "order_id": order_id}
            if chance < 0.2:
                said = venue.signed(key, "POST", "/v1/order/cancel", body)
            else:
                body |= {"price": f"{100 + rng.randrange(-30, 30) / 100:.2f}"}
                said = venue.signed(key, "POST", "/v1/order/replace", body)
        else:
            key = rng.choice(keys)
            body = limit(
                rng.choice(("buy", "sell")),
                f"{100 + rng.randrange(-30, 30) / 100:.2f}",
                f"0.{rng.randrange(1, 9)}",
            )
            if chance > 0.9:
                body |= {"type": "stop-limit", "trigger_price": f"{100 + rng.randrange(-30, 30) / 100:.2f}"}
            said = venue.signed(key, "POST", "/v1/order", body)
            if said.status == 200:
                entered.append((key, said.json["order_id"]))
        if said.status == 200:
            sequence = said.json["sequence"]
    return sequence


def test_what_is_kept_of_reports_and_executions_is_what_rest_says(venue: Venue) -> None:
    one, two = venue.key("drawn-1", "read", "trade"), venue.key("drawn-2", "read", "trade")
    seed = 11  # of what is drawn

    async def trading() -> None:
        await asyncio.to_thread(trade_at_random, venue, [one, two], random.Random(seed), 40)
        async with Stream(url(venue)) as stream, Stream(url(venue)) as other:
            kept = await begin(stream, one, "orders", "executions")
            begun = await stream.until(lambda said: said["type"] == "executions")
            for said in stream.heard:
                kept.take(said)
            trading = asyncio.create_task(
                asyncio.to_thread(trade_at_random, venue, [one, two], random.Random(seed + 1), 300)
            )
            await follow(stream, kept, lambda: len(kept.executions) > 10)
            # Another one begins in the midst.
            late = await begin(other, one, "orders")
            await trading
            end = limit("buy", "1", client_order_id="end")
            last = await asyncio.to_thread(venue.signed, one, "POST", "/v1/order", end)
            order_id = last.json["order_id"]
            await follow(stream, kept, lambda: order_id in kept.orders)
            await follow(other, late, lambda: order_id in late.orders)
            rows = await asyncio.to_thread(open_orders, venue, one, last.json["sequence"])
            assert kept.rows() == rows
            assert late.rows() == rows
            told = [
                {name: value for name, value in said.items() if name != "type"} for said in kept.executions
            ]
            assert told == await asyncio.to_thread(executions, venue, one, told, begun["next_report"] - 1)
            assert len(told) > 20
            assert {row["status"] for row in rows.values()} == {"open", "waiting"}
            assert (kept.snapshots, kept.gaps, kept.upstream) == (1, [], [])

    asyncio.run(trading())
    # What rests would trade with the orders of whoever comes next.
    for key in (one, two):
        assert venue.signed(key, "POST", "/v1/order/cancel_all", {}).status == 200


def test_an_order_that_another_one_releases_is_open_but_a_stop_that_waits_still(venue: Venue) -> None:
    one, two = venue.key("released-1", "read", "trade"), venue.key("released-2", "read", "trade")

    async def trading() -> None:
        async with Stream(url(venue)) as stream:
            kept = await begin(stream, one, "orders")
            stream.say(op="order", id=1, order=limit("sell", "100", client_order_id="first"))
            stop = {"type": "stop-limit", "trigger_price": "150"}
            for number, words in enumerate(({}, stop), 2):
                order = limit("buy", "90", triggered_by="first", **words)
                stream.say(op="order", id=number, order=order)
            await follow(stream, kept, lambda: len(kept.orders) == 3)
            last = await asyncio.to_thread(venue.signed, two, "POST", "/v1/order", limit("buy", "100"))
            await follow(stream, kept, lambda: len(kept.orders) == 2)
            await follow(stream, kept, lambda: any(o["status"] == "open" for o in kept.orders.values()))
            rows = await asyncio.to_thread(open_orders, venue, one, last.json["sequence"])
            assert kept.rows() == rows
            assert sorted(row["status"] for row in rows.values()) == ["open", "waiting"]

    asyncio.run(trading())
    assert venue.signed(one, "POST", "/v1/order/cancel_all", {}).status == 200


def test_many_open_orders_are_told_in_parts(venue: Venue) -> None:
    key = venue.key("parts", "read", "trade")

    async def trading() -> None:
        async with Stream(url(venue)) as stream:
            await stream.login(key)
            for number in range(500):
                stream.say(op="order", id=number, order=limit("buy", "50", "0.001"))
            await stream.until(lambda said: said.get("id") == 499)
            stream.say(op="subscribe", channels=["orders"], id="own")
            stream.say(op="order", id="last", order=limit("buy", "51", "0.001"))
            kept = OrdersKept()
            await follow(stream, kept, lambda: len(kept.orders) == 501)
            parts = [said for said in stream.heard if said["type"] == "orders"]
            assert (parts[0]["first"], parts[0]["more"]) == (True, True)
            assert [said["more"] for said in parts].count(False) == 1
            assert max(len(said["orders"]) for said in parts) == account.ORDERS_PER_MESSAGE
            stream.say(op="unsubscribe", channels=["orders"], id="off")
            await stream.until(lambda said: said.get("id") == "off")
            heard = len(stream.heard)
            await asyncio.to_thread(venue.signed, key, "POST", "/v1/order/cancel_all", {})
            stream.say(op="ping", id="still")
            await stream.until(lambda said: said.get("id") == "still")
            assert len(stream.heard) == heard + 1

    asyncio.run(trading())


def test_who_comes_back_is_told_what_it_missed_and_nothing_twice(
    venue: Venue, monkeypatch: pytest.MonkeyPatch
) -> None:
    one, two = venue.key("back-1", "read", "trade"), venue.key("back-2", "read", "trade")

    def trade(count: int) -> None:
        for _ in range(count):
            venue.signed(one, "POST", "/v1/order", limit("sell", "100", "0.001"))
            venue.signed(two, "POST", "/v1/order", limit("buy", "100", "0.001"))

    async def trading() -> None:
        async with Stream(url(venue)) as stream:
            kept = await begin(stream, one, "executions")
            await stream.until(lambda said: said["type"] == "executions")
            await asyncio.to_thread(trade, 2)
            await follow(stream, kept, lambda: len(kept.executions) == 2)
        held = kept.executions[-1]["report_number"]
        await asyncio.to_thread(trade, 3)
        # Another instance goes on where this one was left, and says when it is too much.
        async with WebInstance(venue) as instance:
            async with Stream(instance.url) as stream:
                again = await begin(stream, one, "orders", "executions", after_report=held)
                await follow(stream, again, lambda: len(again.executions) == 3)
                await asyncio.to_thread(trade, 1)
                await follow(stream, again, lambda: len(again.executions) == 4)
                told = [said["report_number"] for said in again.executions]
                rows = await asyncio.to_thread(executions, venue, one, again.executions, held)
                assert told == [row["report_number"] for row in rows]
                assert (again.snapshots, again.gaps) == (0, [])
            # What is more than is told again is a gap, and the orders begin anew.
            monkeypatch.setattr(account, "RESUMED_REPORTS_MAX", 2)
            async with Stream(instance.url) as stream:
                late = await begin(stream, one, "orders", "executions", after_report=held)
                await follow(stream, late, lambda: len(late.gaps) == 2 and late.snapshots == 1)
                assert {(gap["channel"], gap["reason"]) for gap in late.gaps} == {
                    ("orders", "missed"),
                    ("executions", "missed"),
                }
                assert all(gap["after_report"] == held for gap in late.gaps)
            # Of reports that never were, that is said.
            async with Stream(instance.url) as stream:
                wrong = await begin(stream, one, "orders", after_report=10**6)
                await follow(stream, wrong, lambda: wrong.snapshots == 1)
                assert [gap["reason"] for gap in wrong.gaps] == ["withdrawn"]

    asyncio.run(trading())


def test_reports_that_another_session_was_given_are_asked_of_the_history(venue: Venue) -> None:
    one, two = venue.key("heal-1", "read", "trade"), venue.key("heal-2", "read", "trade")

    def trade(count: int) -> None:
        for _ in range(count):
            venue.signed(one, "POST", "/v1/order", limit("sell", "100", "0.001"))
            venue.signed(two, "POST", "/v1/order", limit("buy", "100", "0.001"))

    async def trading() -> None:
        async with WebInstance(venue) as instance, Stream(instance.url) as stream:
            kept = await begin(stream, one, "orders", "executions")
            await follow(stream, kept, lambda: kept.snapshots == 1)
            session = await instance.house.sessions.of("heal-1")
            venue.history.signal(signal.SIGSTOP)
            try:
                # The session ends while nobody looks; trades come before there is another one, and behind it.
                await session.close()
                await asyncio.to_thread(trade, 3)
                await follow(stream, kept, lambda: kept.upstream == ["lost", "back"])
                await asyncio.to_thread(trade, 2)
            finally:
                venue.history.signal(signal.SIGCONT)
            await follow(stream, kept, lambda: len(kept.executions) == 5)
            assert not kept.gaps
            numbers = [said["report_number"] for said in kept.executions]
            rows = await asyncio.to_thread(executions, venue, one, kept.executions)
            assert numbers == [row["report_number"] for row in rows]

    asyncio.run(trading())


def test_the_path_of_executions_tells_public_trades_or_ones_own(venue: Venue) -> None:
    one, two = venue.key("path-1", "read", "trade"), venue.key("path-2", "read", "trade")
    name = "PATH-USD"  # where nobody else trades
    venue.define(name)
    at = f"{url(venue)}/executions"

    def trade(symbol: str) -> dict[str, Any]:
        body = {"symbol": symbol, "quantity": "0.001", "price": "300"}
        venue.signed(one, "POST", "/v1/order", {**body, "side": "sell"})
        said = venue.signed(two, "POST", "/v1/order", {**body, "side": "buy", "response": "full"}).json
        execution: dict[str, Any] = said["executions"][0]
        return execution

    async def trading() -> None:
        async with (
            Stream(at) as everything,
            Stream(f"{at}?symbols={name}") as some,
            Stream(HTTPRequest(at, headers=one.headers("GET", "/ws/executions"))) as own_ones,
            Stream(at) as late,
        ):
            subscribed = {"type": "subscribed", "id": None, "channels": ["trades"], "symbols": []}
            assert await everything.hear() == subscribed
            assert await some.hear() == {**subscribed, "symbols": [name]}
            assert await own_ones.hear() == {**subscribed, "channels": ["executions"]}
            await own_ones.until(lambda said: said["type"] == "executions")
            await late.hear()
            await late.login(two)
            await late.until(lambda said: said["type"] == "executions")
            first = await asyncio.to_thread(trade, name)
            told = await everything.until(lambda said: said["type"] == "trade")
            assert (told["trade_id"], told["symbol"]) == (first["trade_id"], name)
            # Also of a symbol that comes to be meanwhile.
            await asyncio.to_thread(venue.define, "NEW-USD")
            new = await asyncio.to_thread(trade, "NEW-USD")
            told = await everything.until(lambda said: said["type"] == "trade")
            assert (told["trade_id"], told["symbol"]) == (new["trade_id"], "NEW-USD")
            last = await asyncio.to_thread(trade, name)
            for stream in (everything, some):
                await stream.until(lambda said: said.get("trade_id") == last["trade_id"])
            assert [said["symbol"] for said in some.heard if said["type"] == "trade"] == [name] * 2
            for stream, liquidity in ((own_ones, "maker"), (late, "taker")):
                await stream.until(lambda said: said.get("sequence") == last["sequence"])
                done = [said for said in stream.heard if said["type"] == "execution"]
                assert [said["trade_id"] for said in done] == [
                    first["trade_id"],
                    new["trade_id"],
                    last["trade_id"],
                ]
                assert {said["liquidity"] for said in done} == {liquidity}
            assert not any(said["type"] == "trade" for said in late.heard)
        # Who comes back says where it was.
        async with Stream(f"{at}?from_seq={new['sequence']}") as stream:
            again = {(await stream.until(lambda said: said["type"] == "trade"))["sequence"] for _ in range(2)}
            assert again == {new["sequence"], last["sequence"]}
        for words, reason in (("symbols=X", "unknown_symbol"), ("more=1", "unknown_field")):
            answer = await asyncio.to_thread(
                venue.get,
                f"/ws/executions?{words}",
                {
                    "Connection": "Upgrade",
                    "Upgrade": "websocket",
                    "Sec-WebSocket-Version": "13",
                    "Sec-WebSocket-Key": "dGhlIHNhbXBsZSBub25jZQ==",
                },
            )
            assert answer.json["reason"] == reason
        assert (await asyncio.to_thread(venue.get, "/ws/executions")).status == 426

    asyncio.run(trading())


def test_alerts_are_told_to_their_account_and_to_nobody_else(venue: Venue) -> None:
    symbol = "BELL-USD"  # where nobody else trades
    venue.define(symbol)
    one, two, maker = (venue.key(f"alert-{name}", "read", "trade") for name in ("1", "2", "maker"))

    def arm(key: ApiKey, threshold: str) -> None:
        wish = {"alert_id": "mine", "symbol": symbol, "condition": "price-above", "threshold": threshold}
        assert venue.signed(key, "POST", "/api/v1/alerts", wish).status == 200

    async def trading() -> None:
        await asyncio.to_thread(arm, one, "500")
        await asyncio.to_thread(arm, two, "600")
        async with Stream(url(venue)) as first, Stream(url(venue)) as second, Stream(url(venue)) as other:
            for stream, key, words in (
                (first, one, {}),
                (second, two, {"symbols": [symbol]}),
                (other, two, {}),
            ):
                await stream.login(key)
                stream.say(op="subscribe", channels=["alerts"], id=1, **words)
                await stream.until(lambda said: said["type"] == "subscribed")
            other.say(op="unsubscribe", channels=["alerts"], id=2)
            await other.until(lambda said: said["type"] == "unsubscribed")
            for price in ("450", "550", "650"):  # it has to be below before
                for side in ("sell", "buy"):
                    body = {"symbol": symbol, "side": side, "quantity": "0.001", "price": price}
                    await asyncio.to_thread(venue.signed, maker, "POST", "/v1/order", body)
            fired = await first.until(lambda said: said["type"] == "alert")
            assert (fired["alert_id"], fired["symbol"], fired["value"]) == ("mine", symbol, "550.00")
            assert set(fired) == {"type", "alert_id", "symbol", "sequence", "condition", "value", "threshold"}
            fired = await second.until(lambda said: said["type"] == "alert")
            assert (fired["threshold"], fired["value"]) == ("600.00", "650.00")
            for stream, count in ((first, 1), (second, 1), (other, 0)):
                stream.say(op="ping", id="end")
                await stream.until(lambda said: said.get("id") == "end")
                assert sum(said["type"] == "alert" for said in stream.heard) == count
            first.say(op="subscribe", channels=["alerts"], symbols=["X"], id=3)
            said = await first.until(lambda said: said.get("id") == 3)
            assert said["reason"] == "unknown_symbol"

    asyncio.run(trading())


def test_who_does_not_read_its_reports_is_cut_off_and_changes_nothing_for_others(venue: Venue) -> None:
    key = venue.key("stalled", "read", "trade")

    async def trading() -> None:
        async with (
            WebInstance(venue, slow_reader_ms=2_000) as instance,
            Stream(instance.url) as stalled,
            Stream(instance.url) as other,
        ):
            await begin(stalled, key, "orders")  # and from here on nothing is read of it
            await other.login(key)
            cut_off, number = instance.house.hub.cut_off, 0
            async with asyncio.timeout(LINE_S):
                while instance.house.hub.cut_off == cut_off:
                    number += 500
                    for id_ in range(number - 500, number):
                        other.say(op="order", id=id_, order=limit("buy", "50", "0.001"))
                    await other.until(lambda said: said.get("id") == number - 1)  # noqa: B023  # it is awaited
            answers = [said["id"] for said in other.heard if said["type"] == "answer"]
            assert answers == list(range(number))
            assert (await stalled.closed())[0] == 4008
            await asyncio.to_thread(venue.signed, key, "POST", "/v1/order/cancel_all", {})

    asyncio.run(trading())


def test_an_engine_that_is_killed_under_orders_loses_no_execution_and_tells_none_twice(venue: Venue) -> None:
    key, other = venue.key("killed", "read", "trade"), venue.key("killed-2", "trade")

    async def trading() -> None:
        async with Stream(url(venue)) as stream, Stream(url(venue)) as taker:
            kept = await begin(stream, key, "orders", "executions")
            await follow(stream, kept, lambda: kept.snapshots == 1)
            await taker.login(other)
            for number in range(400):
                stream.say(
                    op="order", id=number, order=limit("sell", "100", "0.001", client_order_id=f"s-{number}")
                )
                taker.say(
                    op="order", id=number, order=limit("buy", "100", "0.001", client_order_id=f"b-{number}")
                )
                if number == 200:
                    await follow(stream, kept, lambda: len(kept.executions) > 20)
                    await asyncio.to_thread(venue.engine.kill)
            await follow(stream, kept, lambda: "lost" in kept.upstream)
            venue.engine = await asyncio.to_thread(venue.processes.engine, venue.data)
            await follow(stream, kept, lambda: "back" in kept.upstream)
            # All are answered: done, not done, or nobody knows. Only then nothing more trades.
            await follow(stream, kept, lambda: answered(stream) == 400)
            await follow(taker, OrdersKept(), lambda: answered(taker) == 400)
            last = await asyncio.to_thread(
                venue.until,
                lambda: venue.signed(key, "POST", "/v1/order", limit("buy", "1", client_order_id="end")),
                lambda answer: answer.status == 200,
            )
            await follow(stream, kept, lambda: last.json["order_id"] in kept.orders)
            rows = await asyncio.to_thread(open_orders, venue, key, last.json["sequence"])
            assert kept.rows() == rows
            told = [said["report_number"] for said in kept.executions]
            assert told == [
                row["report_number"]
                for row in await asyncio.to_thread(executions, venue, key, kept.executions)
            ]
            assert len(told) > 20
            assert (kept.snapshots, kept.gaps) == (1, [])
            assert kept.upstream[:2] == ["lost", "back"]

    def answered(stream: Stream) -> int:
        return len({said["id"] for said in stream.heard if said["type"] in ("answer", "error")})

    asyncio.run(trading())
