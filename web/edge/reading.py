"""Between Tornado's parser and the application: bodies beyond the limit are thrown away as they come, and refused.

Who sends too much is read to the end all the same, up to `BODY_BYTES_THROWN_AWAY_MAX`: a client that is cut off while
it sends does not hear why. Nothing of it is kept.

Called by `web.server`, which gives it to Tornado's HTTP server.
"""

from collections.abc import Awaitable
from typing import Any, Final, cast

from tornado.http1connection import HTTP1Connection
from tornado.httputil import (
    HTTPConnection,
    HTTPHeaders,
    HTTPMessageDelegate,
    HTTPServerConnectionDelegate,
    RequestStartLine,
    ResponseStartLine,
)

from web.edge.connections import Connections
from web.edge.proxies import FORWARDED_FOR, sender
from web.edge.stream import Stream
from web.errors import BODY_TOO_LARGE, Refusal
from web.guard.networks import Networks

#: What is thrown away of a body that is too large. 10 MB are a mistake and deserve an answer; what is larger than this
#: is ended in the middle.
BODY_BYTES_THROWN_AWAY_MAX: Final = 33_554_432


class Reading(HTTPServerConnectionDelegate):
    """See above. `inner`: the application."""

    def __init__(
        self,
        inner: HTTPServerConnectionDelegate,
        connections: Connections,
        body_bytes_max: int,
        trusted_proxies: Networks,
    ) -> None:
        self._inner = inner
        self._connections = connections
        self._body_bytes_max = body_bytes_max
        self._trusted = trusted_proxies

    def start_request(self, server_conn: object, request_conn: HTTPConnection) -> HTTPMessageDelegate:
        """A connection begins to wait for a request."""
        connection = cast(HTTP1Connection, request_conn)
        stream = cast(Stream, connection.stream)
        self._connections.waits(stream)
        inner = self._inner.start_request(server_conn, request_conn)
        return _Message(inner, connection, stream, self._connections, self._body_bytes_max, self._trusted)

    def on_close(self, server_conn: object) -> None:
        """A connection has ended, or is no longer HTTP."""
        self._inner.on_close(server_conn)


class _Message(HTTPMessageDelegate):
    """One request as it comes."""

    def __init__(
        self,
        inner: HTTPMessageDelegate,
        connection: HTTP1Connection,
        stream: Stream,
        connections: Connections,
        body_bytes_max: int,
        trusted: Networks,
    ) -> None:
        self._inner = inner
        self._trusted = trusted
        self._connection = connection
        self._stream = stream
        self._connections = connections
        self._left_bytes = body_bytes_max
        self._refused = False

    def headers_received(
        self, start_line: RequestStartLine | ResponseStartLine, headers: HTTPHeaders
    ) -> Awaitable[None] | None:
        """Refuse at once what is too long where the client asks before it sends."""
        length = headers.get("Content-Length", "0")
        # What is no number is refused by Tornado.
        length_bytes = int(length) if length.isascii() and length.isdigit() and len(length) < 20 else 0
        if length_bytes > self._left_bytes:
            # Which is what Tornado's own refusal says then, of what is far too long.
            self._stream.fault = Refusal(BODY_TOO_LARGE)
            if headers.get("Expect", "").lower() == "100-continue":
                self._refused = True
                self._stream.refuse(self._stream.fault)
                return None
        self._connections.waits(self._stream)
        if self._trusted:
            # Anew for each request of a connection: those of many clients come over one of a proxy's.
            context: Any = self._connection.context
            context.remote_ip = sender(self._trusted, context.address[0], headers.get(FORWARDED_FOR, ""))
        return self._inner.headers_received(start_line, headers)

    def data_received(self, chunk: bytes) -> Awaitable[None] | None:
        """Hand on what is within the limit."""
        self._left_bytes -= len(chunk)
        if self._left_bytes < 0:
            self._stream.fault = Refusal(BODY_TOO_LARGE)
            return None
        return self._inner.data_received(chunk)

    def finish(self) -> None:
        """The request is there as a whole."""
        if self._left_bytes < 0:
            self._inner.on_connection_close()
            self._stream.refuse(self._stream.fault)
            return
        self._connections.works(self._stream, self._connection)
        self._inner.finish()

    def on_connection_close(self) -> None:
        """It will never be whole."""
        if not self._refused:
            self._inner.on_connection_close()
