"""The public streams over real WebSockets: books, trades, and what becomes of whoever does wrong or reads slowly."""

import asyncio
import contextlib
import json
import random
import socket
import time
from collections.abc import Callable
from typing import Any

import pytest
from tornado.httpclient import HTTPClientError

from bus.protocol.terms import BUY
from bus.sockets.client import Client
from tests.support.processes import LINE_S
from tests.support.streaming import SYMBOL, BookKept, Stream, url
from tests.support.venue import Venue
from tests.support.web_instance import WebInstance


def trade_at_random(client: Client, rng: random.Random, orders: int) -> None:
    """Enter and cancel."""
    open_ids: list[str] = []
    for number in range(orders):
        if open_ids and rng.random() < 0.3:
            client.cancel(open_ids.pop(rng.randrange(len(open_ids)))).result()
            continue
        name = f"d-{rng.randrange(10**12)}-{number}"
        price = f"{100 + rng.randrange(-60, 60) / 100:.2f}"
        side = rng.choice(("buy", "sell"))
        client.enter(SYMBOL, side, f"0.{rng.randrange(1, 999):03}", price, client_order_id=name).result()
        open_ids.append(name)


def engine_rows(venue: Venue) -> dict[str, list[tuple[str, str]]]:
    """What a publisher answers over REST, whole."""
    book = venue.get(f"/api/v1/orderbook/{SYMBOL}?depth=5000").json
    return {side: [tuple(row) for row in book[side]] for side in ("bids", "asks")}


async def follow(stream: Stream, book: BookKept, holds: Callable[[], bool]) -> None:
    """Keep a book until something holds of it."""
    async with asyncio.timeout(LINE_S):
        while not holds():
            said = await stream.hear()
            assert said is not None
            book.take(said)


def subscribe(stream: Stream, *channels: str, **words: Any) -> None:
    """To the instrument."""
    stream.say(op="subscribe", channels=list(channels), symbols=[SYMBOL], **words)


def test_a_book_kept_from_snapshot_and_updates_is_the_engines(venue: Venue) -> None:
    seed = 5  # of what is drawn

    async def reading() -> None:
        with venue.client("drawn") as client:
            await asyncio.to_thread(trade_at_random, client, random.Random(seed), 40)
            book = BookKept()
            async with Stream(url(venue)) as stream:
                subscribe(stream, "book", id=1)
                assert await stream.hear() == {
                    "type": "subscribed",
                    "id": 1,
                    "channels": ["book"],
                    "symbols": [SYMBOL],
                }
                trading = asyncio.create_task(
                    asyncio.to_thread(trade_at_random, client, random.Random(seed + 1), 400)
                )
                await follow(stream, book, trading.done)
                await asyncio.to_thread(lambda: client.enter(SYMBOL, "buy", "0.777", "1.11").result())
                await follow(stream, book, lambda: ("1.11", "0.777") in book.rows("bids"))
                rows = await asyncio.to_thread(engine_rows, venue)
                assert {side: book.rows(side) for side in rows} == rows
                assert rows == await asyncio.to_thread(open_levels, client)
                assert book.snapshots == 1
                # How many there are depends on the machine: a quick one trades all of it between few of them.
                assert 1 <= book.updates < 400, "changes are told together"
            await asyncio.to_thread(lambda: client.mass_cancel().result())

    asyncio.run(reading())


def open_levels(client: Client) -> dict[str, list[tuple[str, str]]]:
    """The engine's own answer, put together by price."""
    scale = client.scale(SYMBOL)
    levels: dict[str, dict[int, int]] = {"bids": {}, "asks": {}}
    for order in client.open_orders().orders:
        side = levels["bids" if order.entered.side == BUY else "asks"]
        side[order.price_ticks] = side.get(order.price_ticks, 0) + order.quantity_lots - order.filled_lots
    return {
        name: [
            (f"{scale.price(ticks):f}", f"{scale.quantity(lots):f}")
            for ticks, lots in sorted(side.items(), reverse=name == "bids")
        ]
        for name, side in levels.items()
    }


def test_trades_and_the_best_levels_are_told(venue: Venue) -> None:
    async def reading() -> None:
        with venue.client("one") as one, venue.client("two") as two:
            async with Stream(url(venue)) as stream:
                subscribe(stream, "trades", "depth20", id="a")
                await stream.until(lambda said: said["type"] == "depth20")
                await asyncio.to_thread(lambda: one.enter(SYMBOL, "sell", "2", "50.5").result())
                await stream.until(lambda said: said["type"] == "depth20" and bool(said["asks"]))
                assert stream.heard[-1]["asks"] == [["50.50", "2.000"]]
                await asyncio.to_thread(lambda: two.enter(SYMBOL, "buy", "0.5", "51").result())
                trade = await stream.until(lambda said: said["type"] == "trade")
                assert (trade["price"], trade["quantity"], trade["taker_side"]) == ("50.50", "0.500", "buy")
                await stream.until(
                    lambda said: said["type"] == "depth20" and said["asks"] == [["50.50", "1.500"]]
                )
                assert stream.heard[-1]["sequence"] >= trade["sequence"]
                await asyncio.to_thread(lambda: one.mass_cancel().result())

    asyncio.run(reading())


def test_candles_and_statistics_are_told_as_over_rest(venue: Venue) -> None:
    async def reading() -> None:
        with venue.client("one") as one, venue.client("two") as two:
            async with Stream(url(venue)) as stream:
                subscribe(stream, "klines_1m", "klines_1w", "statistics", "tickers", id=1)
                await stream.until(lambda said: said["type"] == "subscribed")
                await asyncio.to_thread(lambda: one.enter(SYMBOL, "sell", "0.25", "61.5").result())
                await asyncio.to_thread(lambda: two.enter(SYMBOL, "buy", "0.25", "61.5").result())
                await stream.told(lambda said: said["type"] == "statistics" and said["last"] == "61.50")
                await stream.told(lambda said: said["type"] == "ticker" and said["last"] == "61.50")
                await stream.told(lambda said: said.get("interval") == "1m" and said["close"] == "61.50")
                kline = {
                    **await stream.told(
                        lambda said: said.get("interval") == "1w" and said["close"] == "61.50"
                    )
                }
                assert (kline.pop("type"), kline.pop("interval"), kline.pop("symbol")) == (
                    "kline",
                    "1w",
                    SYMBOL,
                )
                answer = await asyncio.to_thread(venue.get, f"/api/v1/klines/{SYMBOL}/1w")
                assert answer.json["klines"][-1] == kline

    asyncio.run(reading())


def test_who_comes_back_is_told_what_it_missed(venue: Venue) -> None:
    async def reading() -> None:
        with venue.client("one") as one, venue.client("two") as two:

            def trade(count: int) -> None:
                for _ in range(count):
                    one.enter(SYMBOL, "sell", "0.1", "70").result()
                    two.enter(SYMBOL, "buy", "0.1", "70").result()
                one.enter(SYMBOL, "buy", "0.001", "1").result()

            book = BookKept()
            async with Stream(url(venue)) as stream:
                subscribe(stream, "book", "trades")
                await asyncio.to_thread(trade, 3)
                await follow(stream, book, lambda: bool(book.rows("bids")))
                await follow(stream, book, lambda: len(told(stream)) == 3)
                trades = told(stream)
            # A level changes twice, and is said each time.
            seen = BookKept()
            async with Stream(url(venue)) as stream:
                subscribe(stream, "book")
                for quantity in ("0.500", "1.000"):
                    await asyncio.to_thread(lambda: one.enter(SYMBOL, "buy", "0.5", "2").result())
                    await follow(stream, seen, lambda: ("2.00", quantity) in seen.rows("bids"))  # noqa: B023  # it is awaited
            await asyncio.to_thread(trade, 4)
            before = book.snapshots
            async with Stream(url(venue)) as stream:
                subscribe(stream, "book", from_seq=book.held)
                await follow(stream, book, lambda: ("1.00", "0.002") in book.rows("bids"))
                assert ("2.00", "1.000") in book.rows("bids")
                assert book.snapshots == before
                subscribe(stream, "trades", from_seq=trades[-1]["sequence"])
                await follow(stream, book, lambda: len(told(stream)) == 5)
                again = told(stream)
                assert again[0] == trades[-1]
                assert [said["trade_id"] for said in again] == list(
                    range(trades[-1]["trade_id"], trades[-1]["trade_id"] + 5)
                )
                # From what nobody keeps, there is a snapshot.
                subscribe(stream, "book", from_seq=1)
                await follow(stream, book, lambda: book.snapshots == before + 1)
            await asyncio.to_thread(lambda: one.mass_cancel().result())

    def told(stream: Stream) -> list[dict[str, Any]]:
        return [said for said in stream.heard if said["type"] == "trade"]

    asyncio.run(reading())


def test_another_instance_goes_on_with_trades(venue: Venue) -> None:
    async def reading() -> None:
        with venue.client("one") as one, venue.client("two") as two:

            def trade() -> None:
                one.enter(SYMBOL, "sell", "0.1", "70").result()
                two.enter(SYMBOL, "buy", "0.1", "70").result()

            async with Stream(url(venue)) as stream:
                subscribe(stream, "trades")
                await stream.until(lambda said: said["type"] == "subscribed")
                await asyncio.to_thread(trade)
                first = await stream.until(lambda said: said["type"] == "trade")
            for _ in range(3):
                await asyncio.to_thread(trade)
            async with WebInstance(venue) as instance, Stream(instance.url) as stream:
                subscribe(stream, "trades", from_seq=first["sequence"])
                await asyncio.to_thread(trade)
                await stream.until(lambda said: said.get("trade_id") == first["trade_id"] + 4)
                told = [said["trade_id"] for said in stream.heard if said["type"] == "trade"]
                assert told == [first["trade_id"] + more for more in range(5)]

    asyncio.run(reading())


def test_a_message_is_encoded_once_for_all_its_readers(venue: Venue) -> None:
    async def reading() -> None:
        readers = 25
        async with WebInstance(venue) as instance, contextlib.AsyncExitStack() as ends:
            streams = [await ends.enter_async_context(Stream(instance.url)) for _ in range(readers)]
            books = [BookKept() for _ in streams]

            async def all_follow(holds: Callable[[BookKept], bool]) -> None:
                for stream, book in zip(streams, books, strict=True):
                    await follow(stream, book, lambda book=book: holds(book))  # type: ignore[misc]

            for stream in streams:
                subscribe(stream, "book")
            await all_follow(lambda book: bool(book.snapshots))
            feed: Any = await instance.house.hub.feed("book", SYMBOL)
            before, told = feed.encodings, books[0].updates
            with venue.client("drawn") as client:
                await asyncio.to_thread(trade_at_random, client, random.Random(9), 200)
                await all_follow(lambda book: book.updates > told)
                await asyncio.to_thread(lambda: client.mass_cancel().result())
                await asyncio.to_thread(lambda: client.enter(SYMBOL, "buy", "0.777", "1.11").result())
                await all_follow(lambda book: book.rows("bids") == [("1.11", "0.777")])
                await asyncio.to_thread(lambda: client.mass_cancel().result())
            assert all(book.snapshots == 1 for book in books)
            messages = books[0].updates - told
            assert messages > 1
            assert feed.encodings - before <= messages + 1, "one for each message, not for each reader"

    asyncio.run(reading())


class Stalled:
    """A raw socket that asks for streams and reads nothing more."""

    def __init__(self, port: int) -> None:
        self._socket = socket.socket()
        self._socket.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4_096)
        self._socket.settimeout(LINE_S)
        self._socket.connect(("127.0.0.1", port))
        self._socket.sendall(
            b"GET /ws HTTP/1.1\r\nHost: x\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
            b"Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\n\r\n"
        )
        head = b""
        while not head.endswith(b"\r\n\r\n"):
            head += self._socket.recv(1)
        assert b"101 " in head

    def subscribe(self, *channels: str) -> None:
        """One masked frame, with a mask of zeros."""
        text = json.dumps({"op": "subscribe", "channels": channels, "symbols": [SYMBOL]}).encode()
        assert len(text) < 126
        self._socket.sendall(bytes([0x81, 0x80 | len(text), 0, 0, 0, 0]) + text)

    def close_code(self) -> int:
        """Read at last, to the end: the code of the close frame."""
        data = b""
        while chunk := self._socket.recv(65_536):
            data += chunk
            while len(data) >= 2:
                size, at = data[1] & 0x7F, 2
                if size == 126:
                    size, at = int.from_bytes(data[2:4]), 4
                elif size == 127:
                    size, at = int.from_bytes(data[2:10]), 10
                if len(data) < at + size or (size and len(data) < at):
                    break
                if data[0] & 0x0F == 8:
                    self._socket.close()
                    return int.from_bytes(data[at : at + 2])
                data = data[at + size :]
        raise AssertionError("it ended without a close frame")


def test_a_stalled_reader_is_cut_off_with_its_code_and_changes_nothing_for_others(venue: Venue) -> None:
    async def reading() -> None:
        async with WebInstance(venue, slow_reader_ms=500) as instance, Stream(instance.url) as stream:
            book = BookKept()
            subscribe(stream, "book")
            await follow(stream, book, lambda: bool(book.snapshots))
            stalled = await asyncio.to_thread(Stalled, instance.port)
            stalled.subscribe("book", "trades", "depth20")
            hub = instance.house.hub
            with venue.client("drawn") as client:
                rng = random.Random(11)
                for _ in range(20):
                    await asyncio.to_thread(fill_book, client, rng)
                await follow(stream, book, lambda: len(book.rows("asks")) > 1_000)
                started = time.monotonic()
                while hub.cut_off == 0:
                    assert time.monotonic() - started < LINE_S, "it was not cut off"
                    stalled.subscribe("book")  # the whole book once more
                    await asyncio.to_thread(lambda: client.enter(SYMBOL, "buy", "0.001", "2").result())
                    held = book.held
                    await follow(stream, book, lambda held=held: book.held > held)  # type: ignore[misc]
                assert await asyncio.to_thread(stalled.close_code) == 4008
                await asyncio.to_thread(lambda: client.mass_cancel().result())
                await follow(stream, book, lambda: not book.rows("asks"))
            assert book.snapshots == 1
            assert stream.connection.close_code is None

    asyncio.run(reading())


def fill_book(client: Client, rng: random.Random) -> None:
    """Many levels at once, so that messages are large."""
    with client.batch():
        for _ in range(100):
            price = f"{rng.randrange(200, 9_999) / 100 + 100:.2f}"
            client.enter(SYMBOL, "sell", "0.001", price)


def test_a_publisher_that_is_killed_and_started_again_is_healed(venue: Venue) -> None:
    async def reading() -> None:
        with venue.client("one") as one:
            book = BookKept()
            async with Stream(url(venue)) as stream:
                subscribe(stream, "book", "trades")
                await asyncio.to_thread(lambda: one.enter(SYMBOL, "buy", "0.5", "20").result())
                await follow(stream, book, lambda: ("20.00", "0.500") in book.rows("bids"))
                venue.publisher.kill()
                await asyncio.to_thread(lambda: one.enter(SYMBOL, "buy", "0.25", "21").result())
                await asyncio.to_thread(lambda: one.enter(SYMBOL, "sell", "0.125", "21").result())
                # That nobody tells what happens any more is told, and that somebody does again.
                await follow(stream, book, lambda: upstream(stream)[-1:] == [("publishers", "lost")])
                words = venue.processes.exchange("publisher", "--data", str(venue.data))
                venue.publisher = await asyncio.to_thread(venue.processes.start, *words)
                await asyncio.to_thread(venue.publisher.ready)
                await follow(stream, book, lambda: ("21.00", "0.125") in book.rows("bids"))
                assert book.rows("bids") == [("21.00", "0.125"), ("20.00", "0.500")]
                assert upstream(stream)[-1] == ("publishers", "back")
                if not any(said["type"] == "trade" for said in stream.heard):
                    await stream.until(lambda said: said["type"] == "trade")
                trades = [said["quantity"] for said in stream.heard if said["type"] == "trade"]
                assert trades == ["0.125"]
            await asyncio.to_thread(lambda: one.mass_cancel().result())

    def upstream(stream: Stream) -> list[tuple[str, str]]:
        return [(said["name"], said["state"]) for said in stream.heard if said["type"] == "upstream"]

    asyncio.run(reading())


@pytest.mark.parametrize(
    ("text", "reason", "field"),
    [
        ("{", "bad_json", None),
        ("\ud800".encode("utf-8", "surrogatepass").decode("latin-1"), "bad_json", None),
        ("[" * 5_000, "bad_json", None),
        ('{"op": "ping", "id": ' + "[" * 5_000, "bad_json", None),
        ('{"op": "dance", "id": 7}', "invalid_field", "op"),
        ('{"id": 7}', "missing_field", "op"),
        ('{"op": "ping", "id": 7, "more": 1}', "unknown_field", "more"),
        ('{"op": "ping", "id": [7]}', "invalid_field", "id"),
        ('{"op": "subscribe", "id": 7, "channels": []}', "invalid_field", "channels"),
        ('{"op": "subscribe", "id": 7, "channels": ["book"]}', "missing_field", "symbols"),
        (
            '{"op": "subscribe", "id": 7, "channels": ["x"], "symbols": ["BTC-USD"]}',
            "invalid_field",
            "channels",
        ),
        ('{"op": "subscribe", "id": 7, "channels": ["book"], "symbols": ["X"]}', "unknown_symbol", "symbols"),
        (
            '{"op": "subscribe", "channels": ["book"], "symbols": ["BTC-USD"], "from_seq": -1}',
            "invalid_field",
            "from_seq",
        ),
    ],
)
def test_a_message_that_cannot_be_read_is_refused_and_the_connection_goes_on(
    venue: Venue, text: str, reason: str, field: str | None
) -> None:
    async def reading() -> None:
        async with Stream(url(venue)) as stream:
            stream.say_text(text)
            said = await stream.hear()
            assert said is not None
            assert (said["type"], said["reason"], said["field"]) == ("error", reason, field)
            assert set(said) == {"type", "id", "code", "reason", "message", "field"}
            assert said["id"] == (7 if '"id": 7' in text else None)
            stream.say(op="ping", id="still")
            said = await stream.hear()
            assert said is not None
            assert (said["type"], said["id"]) == ("pong", "still")

    asyncio.run(reading())


def test_who_makes_too_many_mistakes_is_cut_off(venue: Venue) -> None:
    async def reading() -> None:
        async with Stream(url(venue)) as stream, Stream(url(venue)) as other:
            for _ in range(40):
                stream.say_text("no")
            code, reason = await stream.closed()
            assert code == 4002
            assert reason == "too many messages that were refused"
            assert 20 <= len(stream.heard) < 40
            other.say_text(b"\x00", binary=True)
            said = await other.hear()
            assert said is not None
            assert said["reason"] == "bad_json"

    asyncio.run(reading())


def test_a_message_that_is_too_large_ends_the_connection(venue: Venue) -> None:
    async def reading() -> None:
        async with Stream(url(venue)) as stream:
            stream.say_text(" " * 70_000)
            assert (await stream.closed())[0] == 1009

    asyncio.run(reading())


def test_what_is_not_a_websocket_is_told_so(venue: Venue) -> None:
    answer = venue.get("/ws")
    assert (answer.status, answer.json["reason"]) == (426, "upgrade_needed")
    assert venue.request("POST", "/ws").status == 405


def test_a_page_of_another_origin_is_refused(venue: Venue) -> None:
    async def reading() -> None:
        from tornado.httpclient import HTTPRequest

        request = HTTPRequest(url(venue), headers={"Origin": "http://elsewhere.example"})
        with pytest.raises(HTTPClientError) as refused:
            async with Stream(request):
                pass
        assert refused.value.code == 403

    asyncio.run(reading())


def test_deflate_is_there_for_who_wants_it(venue: Venue) -> None:
    async def reading() -> None:
        async with Stream(url(venue), compression_options={}) as stream:
            headers = stream.connection.headers
            assert headers is not None
            assert "permessage-deflate" in headers["Sec-WebSocket-Extensions"]
            subscribe(stream, "depth20")
            await stream.until(lambda said: said["type"] == "depth20")

    asyncio.run(reading())


def test_subscriptions_have_a_limit_and_can_be_ended(venue: Venue) -> None:
    async def reading() -> None:
        async with Stream(url(venue)) as stream:
            stream.say(op="subscribe", channels=["book", "trades"], symbols=[f"S{n}" for n in range(150)])
            said = await stream.hear()
            assert said is not None
            assert said["reason"] == "too_many_subscriptions"
            subscribe(stream, "book")
            await stream.until(lambda said: said["type"] == "book")
            stream.say(op="unsubscribe", channels=["book"], symbols=[SYMBOL], id=3)
            assert (await stream.until(lambda said: said["type"] == "unsubscribed"))["id"] == 3
            with venue.client("one") as one:
                await asyncio.to_thread(lambda: one.enter(SYMBOL, "buy", "1", "5").result())
                subscribe(stream, "depth20")
                await stream.until(lambda said: said["type"] == "depth20" and bool(said["bids"]))
                await asyncio.to_thread(lambda: one.mass_cancel().result())
            assert sum(said["type"] == "book" for said in stream.heard) == 1

    asyncio.run(reading())
