"""Several instances behind one port: any of them dies or starts under load, and nobody loses anything."""

import asyncio
import contextlib
import http.client
import json
import os
import re
import threading
import time
from collections.abc import Iterable, Iterator
from functools import partial
from pathlib import Path
from typing import Any, Final

import pytest
from tornado.websocket import WebSocketClosedError

from tests.support.processes import LINE_S, Process, wait_for_end
from tests.support.streaming import BookKept, Stream
from tests.support.venue import ApiKey, Response, Venue

#: Orders of an account between one thing that happens to the instances and the next.
ORDERS: Final = 15
OWN_KEYS: Final = "/api/v1/keys"


@pytest.fixture(scope="module")
def venue(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Venue]:
    """A venue whose web has two instances."""
    with Venue(tmp_path_factory.mktemp("instances"), "--instances", "2") as running:
        running.define("BTC-USD")
        with connections(running) as each:
            for one in each:
                running.until(
                    partial(asked, one, "/api/v1/orderbook/BTC-USD"), lambda said: said.status == 200
                )
        yield running


def pids_of(web: Process | Venue) -> list[int]:
    """Its instances as they were when all were ready."""
    facts = web.web_facts if isinstance(web, Venue) else web.ready()
    return [int(pid) for pid in facts["instance_pids"].split(",")]


@contextlib.contextmanager
def connections(venue: Venue) -> Iterator[list[http.client.HTTPConnection]]:
    """A connection to each of the two instances of the moment."""
    pids = children_of(venue.web.pid)
    found: dict[int, http.client.HTTPConnection] = {}
    with contextlib.ExitStack() as stack:
        while len(found) < 2:
            one = http.client.HTTPConnection("127.0.0.1", venue.web_port, timeout=LINE_S)
            stack.enter_context(contextlib.closing(one))
            one.request("GET", "/health")
            one.getresponse().read()
            found.setdefault(served_by(pids, one.sock.getsockname()[1]), one)
        yield list(found.values())


def children_of(parent: int) -> list[int]:
    """The processes that it started and that still run."""
    found = []
    for stat in Path("/proc").glob("[0-9]*/stat"):
        with contextlib.suppress(FileNotFoundError, ProcessLookupError):
            # Behind the name, which may have anything in it: the state, the parent.
            if stat.read_text(encoding="utf-8", errors="replace").rpartition(")")[2].split()[1] == str(
                parent
            ):
                found.append(int(stat.parent.name))
    return found


def served_by(pids: Iterable[int], local_port: int) -> int:
    """Whose connection it is that our side of has this port: as the system knows it."""
    rows = [line.split() for line in Path("/proc/net/tcp").read_text(encoding="ascii").splitlines()[1:]]
    inodes = {f"socket:[{row[9]}]" for row in rows if row[2].endswith(f":{local_port:04X}")}
    for pid in pids:
        for fd in Path(f"/proc/{pid}/fd").iterdir():
            with contextlib.suppress(FileNotFoundError):
                if os.readlink(fd) in inodes:
                    return pid
    raise AssertionError(f"no connection of {pids} comes from port {local_port}")


class Trader(threading.Thread):
    """Enters orders over a connection that it keeps, and sends again what was not answered, until it is."""

    def __init__(self, venue: Venue, key: ApiKey, side: str, quantity: str) -> None:
        super().__init__(name=key.account)
        self._venue = venue
        self._key = key
        self._order = {"symbol": "BTC-USD", "side": side, "quantity": quantity}
        self.answers: list[dict[str, Any]] = []
        self.retries = 0
        self.failure = ""
        self.enough = threading.Event()

    def run(self) -> None:
        """One order after the other, until it is enough."""
        connection = http.client.HTTPConnection("127.0.0.1", self._venue.web_port, timeout=LINE_S)
        with contextlib.closing(connection):
            while not self.enough.is_set():
                number = len(self.answers)
                body = {**self._order, "price": str(100 + number % 20), "client_order_id": f"{number}"}
                answer = self._answered(connection, json.dumps(body).encode())
                if answer is None:
                    return
                self.answers.append(answer)

    def _answered(self, connection: http.client.HTTPConnection, body: bytes) -> dict[str, Any] | None:
        deadline = time.monotonic() + LINE_S
        while time.monotonic() < deadline:
            headers = self._key.headers("POST", "/v1/order", body) | {"Content-Type": "application/json"}
            try:
                connection.request("POST", "/v1/order", body, headers)
                answer = connection.getresponse()
                said: dict[str, Any] = json.loads(answer.read())
            except (OSError, http.client.HTTPException):
                connection.close()  # the next request connects again
                self.retries += 1
                continue
            if answer.status != 503:
                if answer.status == 200:
                    return said
                self.failure = f"{answer.status} {said}"
                return None
            self.retries += 1
        self.failure = "no answer in time"
        return None


class Follower:
    """Keeps a book and the trades over WebSocket; connects again whenever its connection ends."""

    def __init__(self, venue: Venue) -> None:
        self._venue = venue
        self.book = BookKept()
        self.trade_ids: list[int] = []
        self.connections = 0
        self._trade_sequence = 1
        self._told = asyncio.Event()

    async def follow(self) -> None:
        """Until it is cancelled."""
        while True:
            with contextlib.suppress(OSError, WebSocketClosedError):
                async with Stream(f"ws://127.0.0.1:{self._venue.web_port}/ws") as stream:
                    self.connections += 1
                    for channel, held in (("book", self.book.held), ("trades", self._trade_sequence)):
                        come_back = {"from_seq": held} if held else {}
                        stream.say(op="subscribe", channels=[channel], symbols=["BTC-USD"], **come_back)
                    while (said := await stream.hear()) is not None:
                        self._take(said)

    def _take(self, said: dict[str, Any]) -> None:
        assert said["type"] not in ("gap", "error"), said
        self.book.take(said)
        if said["type"] == "trade":
            self._trade_sequence = said["sequence"]
            if said["trade_id"] not in self.trade_ids[-10:]:
                self.trade_ids.append(said["trade_id"])
        self._told.set()

    async def until_told(self) -> None:
        """The next message."""
        self._told.clear()
        await self._told.wait()

    async def until_book(self, answer: Response) -> None:
        """Its book has come to be that of an answer."""
        rows = answer.json
        async with asyncio.timeout(LINE_S):
            while any([list(row) for row in self.book.rows(side)] != rows[side] for side in ("bids", "asks")):
                await self.until_told()


def test_instances_die_under_load_and_nothing_is_lost(venue: Venue) -> None:
    keys = {account: venue.key(account, "read", "trade") for account in ("alice", "bob")}
    buyer, seller = (
        Trader(venue, keys["alice"], "buy", "0.003"),
        Trader(venue, keys["bob"], "sell", "0.002"),
    )

    async def more_orders() -> None:
        wanted = [len(trader.answers) + ORDERS for trader in (buyer, seller)]
        async with asyncio.timeout(LINE_S):
            while any(len(one.answers) < count for one, count in zip((buyer, seller), wanted, strict=True)):
                assert buyer.failure + seller.failure == ""
                await follower.until_told()

    async def die(number: int, pid: int) -> None:
        name = f"the web instance {number}"
        os.kill(pid, 9)
        said = await asyncio.to_thread(venue.web.error_line, lambda line: "started again" in line)
        assert said == f"{name} was killed by SIGKILL: it is started again in 0.1 s"
        # The other one answers meanwhile.
        assert (await asyncio.to_thread(venue.get, "/health")).status == 200
        await more_orders()
        await asyncio.to_thread(venue.web.error_line, lambda line: line.startswith(f"{name} is back"))

    async def story() -> None:
        async with asyncio.TaskGroup() as group:
            following = group.create_task(follower.follow())
            for trader in (buyer, seller):
                trader.start()
            await more_orders()
            for number, pid in enumerate(pids_of(venue), 1):
                await die(number, pid)
            # Whichever it was connected to is gone.
            async with asyncio.timeout(LINE_S):
                while follower.connections < 2:
                    await follower.until_told()
            await more_orders()
            for trader in (buyer, seller):
                trader.enough.set()
                await asyncio.to_thread(trader.join)
            await follower.until_book(await asyncio.to_thread(venue.get, "/api/v1/orderbook/BTC-USD"))
            newest = await asyncio.to_thread(venue.get, "/api/v1/executions/BTC-USD?limit=1")
            async with asyncio.timeout(LINE_S):
                while follower.trade_ids[-1] < newest.json["trades"][0]["trade_id"]:
                    await follower.until_told()
            following.cancel()

    follower = Follower(venue)
    try:
        asyncio.run(story())
    finally:
        for trader in (buyer, seller):
            trader.enough.set()
    for trader in (buyer, seller):
        assert trader.failure == ""
        # What was answered is what there is: nothing is lost, and nothing that was sent again happened twice.
        ids = {str(number): answer["order_id"] for number, answer in enumerate(trader.answers)}
        assert ids == all_orders(venue, keys[trader.name])
    assert buyer.retries + seller.retries > 0, "both instances were killed: somebody was cut off"
    assert follower.trade_ids == list(range(1, len(follower.trade_ids) + 1)), "each once, in order"


def all_orders(venue: Venue, key: ApiKey) -> dict[str, int]:
    """All orders that an account ever had, open or not, by their client_order_id."""
    found: dict[str, int] = {}
    sequence = venue.signed(key, "GET", "/v1/orders").json["sequence"]
    while True:
        path = f"/v1/orders/history?order=oldest&limit=100&after={max(found.values(), default=0)}&at_least={sequence}"
        said = venue.signed(key, "GET", path).json
        for order in said["orders"]:
            assert order["client_order_id"] not in found
            found[order["client_order_id"]] = order["order_id"]
        if not said["more"]:
            return found


def test_a_key_that_is_revoked_at_one_instance_is_refused_by_all_within_a_second(venue: Venue) -> None:
    alice, other = venue.key("alice", "trade"), venue.key("alice", "trade")
    with connections(venue) as (here, there):
        assert asked(there, OWN_KEYS, other).status == 200
        assert asked(here, f"{OWN_KEYS}/{other.key_id}", alice, "DELETE").status == 200
        revoked = time.monotonic()
        while (began := time.monotonic()) and asked(there, OWN_KEYS, other).status == 200:
            assert began - revoked < 1.0, "it is good still"
        assert asked(there, OWN_KEYS, other).json["reason"] == "bad_key"


def asked(
    connection: http.client.HTTPConnection, path: str, key: ApiKey | None = None, method: str = "GET"
) -> Response:
    """The answer on a connection that is kept."""
    connection.request(method, path, headers=key.headers(method, path) if key else {})
    answer = connection.getresponse()
    return Response(answer.status, dict(answer.getheaders()), answer.read())


def test_nobody_shares_a_port_by_accident(venue: Venue) -> None:
    taken = f"matchbus: http://127.0.0.1:{venue.web_port}: cannot be served there: Address already in use"
    for web in [venue.start_web("--instances", count) for count in ("1", "2")]:
        assert web.wait() == (1, [], [taken])


def test_what_cannot_start_at_all_is_one_line(venue: Venue) -> None:
    words = venue.processes.exchange("web", "--data", str(venue.data))
    port = str(venue.web_port + 1)
    no_folder = {"MATCHBUS_WEB_KEYS_URL": f"sqlite:///{venue.data}/token/keys.db"}
    web = venue.processes.start(*words, "--port", port, "--instances", "2", **no_folder)
    status, output, errors = web.wait()
    assert (status, output, len(errors)) == (1, [], 1)
    assert re.match(r"matchbus: the web instance \d ended with status 1: .*/token/keys.db", errors[0])
    assert venue.processes.run(*words, "--instance", "2", status=1) == (
        "matchbus: --instance 2: there are 1 (web.instances)"
    )
    assert venue.processes.run(*words, "--port", "0", "--instances", "2", status=1) == (
        "matchbus: --port 0: several instances share a port that is named"
    )


def test_all_end_with_the_one_that_looks_after_them(venue: Venue) -> None:
    pids = children_of(venue.web.pid)
    assert len(pids) == 2
    assert venue.web.stop()[:2] == (0, [])
    killed = venue.start_web()
    pids += pids_of(killed)
    killed.kill()
    for pid in pids:
        wait_for_end(pid)
