"""A real server of the web in this process, on a free port, with nobody behind it: for what concerns HTTP only.

with WebServer(connections_max=20) as server:
    server.exchange(b"GET /health HTTP/1.1\r\nHost: x\r\n\r\n").json
"""

import asyncio
import contextlib
import socket
import threading
from collections.abc import Iterable, Mapping
from http.client import HTTPResponse
from pathlib import Path
from tempfile import TemporaryDirectory
from types import TracebackType
from typing import Any, Final, Self

import msgspec
import uvloop
import zmq

from bus.config import Config, Engine, Web
from bus.metrics.page import Page
from bus.sockets.market.market_sockets import publisher_at
from tests.support.ports import free_port_base
from tests.support.venue import Response
from web.application import ROUTES, application
from web.edge.tls import Tls
from web.guard.audit import Audit
from web.guard.guard import Guard, OpenDoor
from web.guard.key_book import KeyBook
from web.guard.keyed_guard import KeyedGuard
from web.guard.store import KeyStore
from web.house import House
from web.metrics import read_web
from web.routes import Route
from web.server import Server

#: What takes longer than this hangs.
WAIT_S: Final = 20.0


class WebServer:
    """See above. `settings` are those of `bus.config.Web`. `guarded`: by keys and limits, as a real one.
    `tls`: what its connections are encrypted under.

    `keys`: the store of its keys, `data`: its data directory, for as long as it runs. `rules`: of its application.
    """

    def __init__(
        self,
        routes: Iterable[Route] = ROUTES,
        guarded: bool = False,
        tls: Tls | None = None,
        **settings: Any,
    ) -> None:
        self._tls = tls
        self._routes = tuple(routes)
        self._guarded = guarded
        self._config = Config(web=msgspec.convert(settings, Web))
        self._started = threading.Event()
        self._thread = threading.Thread(target=self._run, name="web")

    def __enter__(self) -> Self:
        self._thread.start()
        assert self._started.wait(WAIT_S), "the server does not start"
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._loop.call_soon_threadsafe(self._ending.set)
        self._thread.join(WAIT_S)
        assert not self._thread.is_alive(), "the server does not end"

    def connect(self, source: str = "127.0.0.1") -> socket.socket:
        """A connection that has said nothing, from an address of loopback."""
        return socket.create_connection(("127.0.0.1", self.port), WAIT_S, (source, 0))

    def request(
        self,
        path: str,
        headers: Mapping[str, str] | None = None,
        source: str = "127.0.0.1",
        method: str = "GET",
    ) -> Response:
        """One request without a body, on a connection of its own."""
        lines = [f"{method} {path} HTTP/1.1", "Host: x", *(f"{k}: {v}" for k, v in (headers or {}).items())]
        with self.connect(source) as connection:
            connection.sendall("".join(f"{line}\r\n" for line in (*lines, "")).encode())
            return answer(connection, method)

    def exchange(self, request: bytes) -> Response:
        """The one answer to these bytes, on a connection of their own."""
        with self.connect() as connection:
            connection.sendall(request)
            return answer(connection)

    def _run(self) -> None:
        with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
            runner.run(self._serve())

    async def _serve(self) -> None:
        self._loop = asyncio.get_running_loop()
        self._ending = asyncio.Event()
        base = free_port_base()
        with zmq.Context() as context, TemporaryDirectory() as folder, contextlib.ExitStack() as stack:
            settings = msgspec.structs.replace(self._config, engine=Engine(data_dir=folder, port_base=base))
            self.data = Path(folder)
            self.keys = stack.enter_context(contextlib.closing(KeyStore(settings)))
            book = KeyBook(self.keys)
            house = House(settings, [publisher_at(base, "127.0.0.1")], "token", context, book)
            await house.open()
            guard: Guard = OpenDoor()
            if self._guarded:
                audit = stack.enter_context(contextlib.closing(Audit(folder, settings.web.audit_bytes_max)))
                guard = KeyedGuard(book, settings.web, audit)
            served = application(house, guard, self._routes)
            self.rules = served.wildcard_router.rules
            self.server = Server(("127.0.0.1", 0), self._config.web, served, tls=self._tls)
            house.page = Page(lambda: read_web("", house, self.server.connections))
            self.port = int(self.server.url.rpartition(":")[2])
            self.server.start()
            self._started.set()
            await self._ending.wait()
            await self.server.close()
            await house.close()


def answer(connection: socket.socket, method: str = "GET") -> Response:
    """The next answer of a connection, read by the standard library."""
    reader = HTTPResponse(connection, method=method)
    reader.begin()
    return Response(reader.status, dict(reader.getheaders()), reader.read())


def ended(connection: socket.socket) -> bool:
    """Whether the other side has ended it, waited for."""
    try:
        return connection.recv(1) == b""
    except ConnectionError:
        return True
