"""Serves a process's metrics over HTTP on loopback, from a thread of its own.

The thread shares nothing with the process but what it reads for a page, and the interpreter's lock. So what clients
can make it do is bounded: connections are taken one after the other with a pause between them, each for one request,
and each is closed when its time is over, whatever it is at. Nobody is answered who sends more than a head.

Made by whoever wires a process together, before it says that it is ready.
"""

import asyncio
import contextlib
import socket
import threading
from types import TracebackType
from typing import Final, Self

from tornado.httpserver import HTTPServer
from tornado.httputil import HTTPHeaders, HTTPServerRequest, ResponseStartLine
from tornado.iostream import IOStream

from bus.addresses import HostPort
from bus.config import Metrics
from bus.errors import AddressInUse
from bus.metrics.metric import Read
from bus.metrics.page import Page

PATH: Final = "/metrics"
#: A page costs one to two milliseconds, most of them with the interpreter's lock: at most a twentieth of the time goes
#: there, however often somebody asks.
PAUSE_S: Final = 0.03
#: On loopback a request is there at once, and a page is read at once.
CONNECTION_S_MAX: Final = 2.0
#: How many connections are open at once; further ones wait in the listen queue.
CONNECTIONS_MAX: Final = 8
_LISTEN_QUEUE: Final = 16
#: A request of a monitoring system has some hundred bytes.
HEAD_BYTES_MAX: Final = 8_192
#: An end that takes longer than this hangs, and is left to the end of the process.
_STOP_S: Final = 5.0


class MetricsServer:
    """Listens from its making on, unless metrics are off; `start` serves. Raises AddressInUse.

    `url`: what a monitoring system is told to read; "off" when there is nothing.
    """

    def __init__(self, where: HostPort, settings: Metrics) -> None:
        self.url = "off"
        self._socket: socket.socket | None = None
        self._service: _Service | None = None
        if settings.enabled:
            self._socket = _listen(where)
            host, port = self._socket.getsockname()
            self.url = f"http://{host}:{port}{PATH}"

    def start(self, read: Read) -> None:
        """From here on requests are answered. `read` is called in another thread."""
        if self._socket is not None:
            self._service = _Service(self._socket, Page(read))

    def close(self) -> None:
        """Answer no more, and let the port go."""
        if self._service is not None:
            self._service.end()
        if self._socket is not None:
            self._socket.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()


class _Service:
    """The thread and its loop."""

    def __init__(self, listener: socket.socket, page: Page) -> None:
        self._listener = listener
        self._page = page
        self._loop = asyncio.new_event_loop()
        self._ending = self._loop.create_future()
        self._thread = threading.Thread(target=self._run, name="metrics", daemon=True)
        self._thread.start()

    def end(self) -> None:
        """Stop serving, and wait for that."""
        with contextlib.suppress(RuntimeError):  # it has ended by itself, at a bug
            self._loop.call_soon_threadsafe(self._ending.cancel)
        self._thread.join(_STOP_S)

    def _run(self) -> None:
        with contextlib.closing(self._loop) as loop:
            loop.run_until_complete(self._serve())

    async def _serve(self) -> None:
        server = HTTPServer(self._answer, no_keep_alive=True, max_header_size=HEAD_BYTES_MAX, max_body_size=0)
        accepting = asyncio.create_task(self._accept(server))
        await asyncio.wait((accepting, self._ending), return_when=asyncio.FIRST_COMPLETED)
        accepting.cancel()
        await server.close_all_connections()
        with contextlib.suppress(asyncio.CancelledError):
            await accepting  # a bug in it ends the thread, and not the process

    async def _accept(self, server: HTTPServer) -> None:
        """Take connections, one after the other."""
        loop = self._loop
        streams: list[IOStream] = []
        while True:
            await asyncio.sleep(PAUSE_S)
            streams = [stream for stream in streams if not stream.closed()]
            if len(streams) >= CONNECTIONS_MAX:
                continue
            try:
                connection, address = await loop.sock_accept(self._listener)
            except OSError:
                continue  # it was gone before it was taken, or there is no file descriptor left: later perhaps
            stream = IOStream(connection, max_buffer_size=2 * HEAD_BYTES_MAX, read_chunk_size=HEAD_BYTES_MAX)
            streams.append(stream)
            loop.call_later(CONNECTION_S_MAX, stream.close)
            server.handle_stream(stream, address)

    def _answer(self, request: HTTPServerRequest) -> None:
        """What a request gets: the page, or in one line why not."""
        headers = HTTPHeaders({"Connection": "close"})
        if request.method not in ("GET", "HEAD"):
            headers["Allow"] = "GET, HEAD"
            status, reason, body = 405, "Method Not Allowed", b"metrics are read with GET\n"
        elif request.path != PATH:
            status, reason, body = 404, "Not Found", f"metrics are at {PATH}\n".encode()
        else:
            try:
                body, headers["Content-Type"] = self._page.render(request.headers.get("Accept", ""))
                status, reason = 200, "OK"
            except Exception as error:  # a bug in a reading: whoever reads must hear of it, and nobody else
                status, reason = 500, "Internal Server Error"
                body = f"{type(error).__name__}: {error}\n".encode()
        headers.setdefault("Content-Type", "text/plain; charset=utf-8")
        headers["Content-Length"] = str(len(body))
        connection = request.connection
        assert connection is not None, "it came over one"
        start_line = ResponseStartLine("HTTP/1.1", status, reason)
        connection.write_headers(start_line, headers, b"" if request.method == "HEAD" else body)
        connection.finish()


def _listen(where: HostPort) -> socket.socket:
    listener = socket.socket()
    listener.setblocking(False)
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        listener.bind(where)
        listener.listen(_LISTEN_QUEUE)
    except OSError as error:
        listener.close()
        raise AddressInUse(
            f"http://{where[0]}:{where[1]}: metrics cannot be served there: {error.strerror};"
            " choose another --port-base, or set metrics.enabled = false"
        ) from None
    return listener
