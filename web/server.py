"""Listens for HTTP, and keeps out what only costs: bodies and heads beyond a bound, connections that say nothing.

Made by whoever wires a process together, before it says that it is ready.
"""

import socket
from typing import Final

from tornado.httpserver import HTTPServer
from tornado.web import Application

from bus.addresses import HostPort
from bus.config import Web
from bus.errors import AddressInUse

#: The largest head that a browser sends is some kilobytes of cookies, and there are none here.
HEAD_BYTES_MAX: Final = 16_384
_LISTEN_QUEUE: Final = 1_024


class Server:
    """See above. Listens from its making on; raises AddressInUse."""

    def __init__(self, where: HostPort, settings: Web, application: Application) -> None:
        try:
            self._sockets = [_listen(where)]
        except OSError as error:
            raise AddressInUse(
                f"http://{where[0]}:{where[1]}: cannot be served there: {error.strerror}"
            ) from None
        host, port = self._sockets[0].getsockname()
        self.url = f"http://{host}:{port}"
        self._http = HTTPServer(
            application,
            max_header_size=HEAD_BYTES_MAX,
            max_body_size=settings.body_bytes_max,
            idle_connection_timeout=settings.idle_connection_s,
            body_timeout=settings.idle_connection_s,
        )

    def start(self) -> None:
        """From here on requests are answered, on the running loop."""
        self._http.add_sockets(self._sockets)

    async def close(self) -> None:
        """Take no more connections, and end those that are open."""
        self._http.stop()
        for one in self._sockets:
            one.close()
        await self._http.close_all_connections()


def _listen(where: HostPort) -> socket.socket:
    listener = socket.socket()
    try:
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listener.setblocking(False)
        listener.bind(where)
        listener.listen(_LISTEN_QUEUE)
    except OSError:
        listener.close()
        raise
    return listener
