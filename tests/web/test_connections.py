"""Who is connected when it are too many: whoever waits longest makes room, and whoever is answered stays."""

import asyncio
import contextlib
import select
import threading
import time
from collections.abc import Iterator
from http import HTTPStatus

import pytest

from tests.support.web_server import WAIT_S, WebServer, answer, ended
from web.call import Call
from web.rest import plain
from web.routes import HOUSE, Route
from web.schemas.plain import Health

CONNECTIONS_MAX = 50
GOOD = b"GET /health HTTP/1.1\r\nHost: x\r\n\r\n"
SLOW = b"GET /slow HTTP/1.1\r\nHost: x\r\n\r\n"


class Slow:
    """A route that answers when it is let go."""

    def __init__(self) -> None:
        self.entered = threading.Semaphore(0)
        self.go = threading.Event()

    async def __call__(self, call: Call) -> Health:
        """Wait."""
        del call
        self.entered.release()
        await asyncio.get_running_loop().run_in_executor(None, self.go.wait)
        return Health("ok")

    def route(self) -> Route:
        """Its row."""
        return Route(
            method="GET", path="/slow", handler=self, summary="Wait", scope=None, cost=HOUSE, answer=Health
        )


@pytest.fixture
def slow() -> Slow:
    """See Slow."""
    return Slow()


@pytest.fixture
def server(slow: Slow) -> Iterator[WebServer]:
    """A server with room for few."""
    routes = (*plain.ROUTES, slow.route())
    with WebServer(routes, connections_max=CONNECTIONS_MAX) as running:
        yield running
        slow.go.set()


def until_there_are(server: WebServer, waiting: int, working: int) -> None:
    """The server has come to see so many."""
    there = server.server.connections
    deadline = time.monotonic() + WAIT_S
    while (there.waiting, there.working) != (waiting, working):
        assert time.monotonic() < deadline, (there.waiting, there.working)
        threading.Event().wait(0.005)


def test_thousands_that_say_nothing_keep_nobody_out(server: WebServer) -> None:
    with contextlib.ExitStack() as stack:
        silent = [stack.enter_context(server.connect()) for _ in range(400)]
        for connection in silent[::7]:
            with contextlib.suppress(ConnectionError):
                connection.sendall(GOOD[:20])
        with server.connect() as honest:
            for _ in range(20):
                honest.sendall(GOOD)
                assert answer(honest).status == 200
                silent.append(stack.enter_context(server.connect()))
        there = server.server.connections
        assert there.evicted >= 400 - CONNECTIONS_MAX
        assert there.refused == 0
        assert ended(silent[0])
        assert there.waiting + there.working <= CONNECTIONS_MAX


def test_who_waits_longest_goes_and_who_just_asked_stays(server: WebServer) -> None:
    with contextlib.ExitStack() as stack:
        connections = [stack.enter_context(server.connect()) for _ in range(CONNECTIONS_MAX)]
        for connection in connections:
            connection.sendall(GOOD)
            assert answer(connection).status == 200
        connections[0].sendall(GOOD)
        assert answer(connections[0]).status == 200
        newcomer = stack.enter_context(server.connect())
        newcomer.sendall(GOOD)
        assert answer(newcomer).status == 200
        assert ended(connections[1])
        for connection in (connections[0], *connections[2:]):
            connection.sendall(GOOD)
            assert answer(connection).status == 200
        assert server.server.connections.evicted == 1


def test_where_all_work_a_newcomer_is_refused_and_all_are_answered(server: WebServer, slow: Slow) -> None:
    with contextlib.ExitStack() as stack:
        connections = [stack.enter_context(server.connect()) for _ in range(CONNECTIONS_MAX)]
        for connection in connections:
            connection.sendall(SLOW)
        for _ in connections:
            assert slow.entered.acquire(timeout=WAIT_S)
        said = answer(stack.enter_context(server.connect()))
        assert (said.status, said.json["reason"]) == (503, "too_many_connections")
        assert said.headers["retry-after"] == "1"
        assert "nothing was read" in said.json["message"]
        connections.pop().close()
        until_there_are(server, 0, CONNECTIONS_MAX - 1)
        assert server.exchange(GOOD).status == 200
        slow.go.set()
        for connection in connections:
            assert answer(connection).status == 200
        until_there_are(server, CONNECTIONS_MAX - 1, 0)


def test_connections_are_forgotten_when_they_end(server: WebServer) -> None:
    for _ in range(3 * CONNECTIONS_MAX):
        assert server.exchange(GOOD).status == 200
    until_there_are(server, 0, 0)
    assert (server.server.connections.accepted, server.server.connections.evicted) == (3 * CONNECTIONS_MAX, 0)


def test_who_sends_ahead_of_an_answer_waits_in_the_kernel() -> None:
    asked, stuck = threading.Event(), threading.Event()

    async def waits(call: Call) -> Health:
        del call
        asked.set()
        await asyncio.to_thread(stuck.wait, WAIT_S)
        for _ in range(200):  # in each of them the loop would read on, if it still listened
            await asyncio.sleep(0)
        return Health("ok")

    route = Route(
        method="GET", path="/slow", handler=waits, summary="Wait", scope=None, cost=HOUSE, answer=Health
    )
    # Far more than a connection holds of what was read and is not wanted yet.
    ahead = memoryview(
        b"POST /slow HTTP/1.1\r\nHost: x\r\nContent-Length: 20000000\r\n\r\n" + bytes(20_000_000)
    )
    with WebServer([route]) as server, server.connect() as connection:
        connection.sendall(SLOW)
        assert asked.wait(WAIT_S)
        connection.setblocking(False)
        sent = 0
        while select.select([], [connection], [], 0.2)[1] and sent < len(ahead):
            with contextlib.suppress(BlockingIOError):
                sent += connection.send(ahead[sent:])
        stuck.set()
        connection.settimeout(WAIT_S)
        assert answer(connection).status == HTTPStatus.OK
        connection.sendall(ahead[sent:])
        assert answer(connection).status == HTTPStatus.REQUEST_ENTITY_TOO_LARGE
