"""A client of the web's streams, with a WebSocket of Tornado's own, and the book that an outsider keeps of them.

async with Stream(url) as stream:
    stream.say(op="subscribe", channels=["book"], symbols=["BTC-USD"], id=1)
    await stream.until(lambda said: said["type"] == "book")
"""

import asyncio
import json
import zlib
from collections.abc import Callable
from decimal import Decimal
from types import TracebackType
from typing import Any

from tornado.httpclient import HTTPRequest
from tornado.websocket import WebSocketClientConnection, websocket_connect

from tests.support.processes import LINE_S
from tests.support.venue import ApiKey, Venue

#: What tests trade, if nothing else is said.
SYMBOL = "BTC-USD"


def url(venue: Venue) -> str:
    """Of the web's process."""
    return f"ws://127.0.0.1:{venue.web_port}/ws"


def limit(side: str, price: str, quantity: str = "0.5", **words: Any) -> dict[str, Any]:
    """The body of a limit order."""
    return {"symbol": SYMBOL, "side": side, "quantity": quantity, "price": price, **words}


class Stream:
    """See above. `heard`: all that was told, but heartbeats."""

    def __init__(self, url: str | HTTPRequest, **words: Any) -> None:
        self._url = url
        self._words = words
        self.heard: list[dict[str, Any]] = []
        self.heartbeats = 0
        self._ended = False
        self._connection: WebSocketClientConnection | None = None

    async def __aenter__(self) -> "Stream":
        self._connection = await websocket_connect(self._url, **self._words)
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.connection.close()
        while not self._ended:
            await self._read()

    @property
    def connection(self) -> WebSocketClientConnection:
        """The connection."""
        assert self._connection is not None
        return self._connection

    def say(self, **words: Any) -> None:
        """One message."""
        self.say_text(json.dumps(words))

    def say_text(self, text: str | bytes, *, binary: bool = False) -> None:
        """Whatever it is."""
        sent = self.connection.write_message(text, binary=binary)
        sent.add_done_callback(lambda future: future.exception())

    def say_login(self, key: ApiKey, time_ms: int | None = None, **words: Any) -> None:
        """Log in with a key, as of now or of another time."""
        headers = key.headers("GET", "/ws", time_ms=time_ms)
        self.say(
            op="login",
            key=headers["X-API-Key"],
            timestamp=int(headers["X-Timestamp"]),
            signature=headers["X-Signature"],
            **words,
        )

    async def login(self, key: ApiKey, time_ms: int | None = None) -> dict[str, Any]:
        """Log in, and wait for the answer."""
        self.say_login(key, time_ms, id="login")
        return await self.until(lambda said: said.get("id") == "login")

    async def answer(self, op: str, number: int | str, **order: Any) -> dict[str, Any]:
        """Enter, cancel or replace an order, and wait for what it is answered with."""
        self.say(op=op, id=number, order=order)
        return await self.until(lambda said: said.get("id") == number)

    async def hear(self) -> dict[str, Any] | None:
        """The next message that is no heartbeat; None when the connection has ended."""
        while True:
            text = None if self._ended else await self._read()
            if text is None:
                return None
            said: dict[str, Any] = json.loads(text)
            if said["type"] == "heartbeat":
                self.heartbeats += 1
                continue
            self.heard.append(said)
            return said

    async def _read(self) -> str | bytes | None:
        text = await asyncio.wait_for(self.connection.read_message(), LINE_S)
        self._ended = text is None
        return text

    async def until(self, holds: Callable[[dict[str, Any]], bool]) -> dict[str, Any]:
        """The next message of which something holds."""
        async with asyncio.timeout(LINE_S):
            while True:
                said = await self.hear()
                assert said is not None, f"closed with {self.connection.close_code}"
                if holds(said):
                    return said

    async def told(self, holds: Callable[[dict[str, Any]], bool]) -> dict[str, Any]:
        """The last message of which something holds, of all that was heard; or the next one."""
        known = [said for said in self.heard if holds(said)]
        return known[-1] if known else await self.until(holds)

    async def closed(self) -> tuple[int | None, str | None]:
        """Code and reason of its end."""
        async with asyncio.timeout(LINE_S):
            while await self.hear() is not None:
                pass
        return self.connection.close_code, self.connection.close_reason


class BookKept:
    """What an outsider makes of the messages of `book`, by the rules of docs/websocket.md."""

    def __init__(self) -> None:
        self.held = 0
        self.snapshots = 0
        self.updates = 0
        self.sides: dict[str, dict[Decimal, str]] = {"bids": {}, "asks": {}}

    def take(self, said: dict[str, Any]) -> None:
        """One message; what is not of the book is passed over."""
        if said["type"] != "book":
            return
        if said["event"] == "snapshot":
            self.snapshots += 1
            self.sides = {"bids": {}, "asks": {}}
            self.held = said["seq"]
        elif said["seq"] <= self.held:
            return
        else:
            assert said["prev_seq"] <= self.held, "a gap"
            self.updates += 1
            self.held = said["seq"]
        for side, levels in self.sides.items():
            for price, quantity in said[side]:
                if quantity == "0":
                    levels.pop(Decimal(price), None)
                else:
                    levels[Decimal(price)] = quantity
        assert self.checksum() == said["checksum"], said

    def rows(self, side: str) -> list[tuple[str, str]]:
        """Price and quantity, best first."""
        ordered = sorted(self.sides[side].items(), reverse=side == "bids")
        return [(f"{price:f}", quantity) for price, quantity in ordered]

    def checksum(self) -> int:
        """As it is told."""
        rows = (*self.rows("bids")[:25], *self.rows("asks")[:25])
        return zlib.crc32("".join(f"{price}:{quantity};" for price, quantity in rows).encode())
