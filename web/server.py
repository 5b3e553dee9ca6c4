"""Listens for HTTP, and keeps out what only costs: bodies and heads beyond a bound, connections that say nothing.

Made by whoever wires a process together, before it says that it is ready. What a connection may do is in `web.edge`.
"""

import asyncio
import contextlib
import errno
import socket
from typing import Any, Final

from tornado.httpserver import HTTPServer
from tornado.web import Application

from bus.addresses import HostPort
from bus.config import Web
from web.edge.connections import Connections
from web.edge.listening import listening
from web.edge.reading import BODY_BYTES_THROWN_AWAY_MAX, Reading
from web.edge.stream import Stream, TlsStream
from web.edge.tls import Tls
from web.guard.networks import Networks

#: The largest head that a browser sends is some kilobytes of cookies, and there are none here.
HEAD_BYTES_MAX: Final = 16_384
#: Connections that are taken in one go, so that a flood of them does not keep requests waiting.
_TAKEN_AT_ONCE_MAX: Final = 32
#: How often is looked for clients that say nothing, or do not take their answers.
_LOOK_S: Final = 1.0
#: When no file can be opened and nobody has to go, connections wait so long.
_PAUSE_S: Final = 0.5


class Server:
    """See above. Listens from its making on; raises AddressInUse.

    `tls`: under what connections are encrypted; None: they are not. `shared`: others may listen at the same place.
    """

    def __init__(
        self,
        where: HostPort,
        settings: Web,
        application: Application,
        *,
        tls: Tls | None = None,
        shared: bool = False,
    ) -> None:
        self._sockets = [listening(where, shared=shared)]
        host, port = self._sockets[0].getsockname()
        self._tls = tls
        self.url = f"{'https' if tls else 'http'}://{host}:{port}"
        self.connections = Connections(settings.connections_max)
        self._idle_s = settings.idle_connection_s
        self._http = HTTPServer(
            Reading(
                application,
                self.connections,
                settings.body_bytes_max,
                Networks(settings.trusted_proxies),
            ),
            max_header_size=HEAD_BYTES_MAX,
            max_body_size=BODY_BYTES_THROWN_AWAY_MAX,
        )
        # Tornado would make a timer for each head; `_look` ends whoever sends nothing.
        self._http.conn_params.header_timeout = None
        self._looking: asyncio.Task[None] | None = None

    def start(self) -> None:
        """From here on requests are answered, on the running loop."""
        loop = asyncio.get_running_loop()
        for one in self._sockets:
            loop.add_reader(one, self._accept, one)
        self._looking = loop.create_task(self._look())

    async def close(self) -> None:
        """Take no more connections, and end those that are open."""
        loop = asyncio.get_running_loop()
        if self._looking is not None:
            self._looking.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await self._looking
        for one in self._sockets:
            loop.remove_reader(one)
            one.close()
        await self._http.close_all_connections()

    def _accept(self, listener: socket.socket) -> None:
        for _ in range(_TAKEN_AT_ONCE_MAX):
            try:
                connection, address = listener.accept()
            except BlockingIOError:
                return
            except OSError as error:
                if error.errno in (errno.EMFILE, errno.ENFILE) and not self.connections.evict():
                    self._pause(listener)
                return  # or it was gone before it was taken
            self._take(connection, address)

    def _take(self, connection: socket.socket, address: Any) -> None:
        connection.setblocking(False)
        if self._tls is None:
            stream = Stream(connection, self.connections.ended)
        else:
            try:
                stream = TlsStream(self._tls.encrypted(connection), self.connections.ended)
            except OSError:
                connection.close()
                return  # it was gone before it was taken
        if self.connections.take(stream):
            self._http.handle_stream(stream, address)

    def _pause(self, listener: socket.socket) -> None:
        """A listener with somebody waiting would be called again and again."""
        loop = asyncio.get_running_loop()
        loop.remove_reader(listener)

        def go_on() -> None:
            if listener.fileno() >= 0:
                loop.add_reader(listener, self._accept, listener)

        loop.call_later(_PAUSE_S, go_on)

    async def _look(self) -> None:
        while True:
            await asyncio.sleep(_LOOK_S)
            self.connections.end_idle(self._idle_s)
