"""A connection that says in the one JSON shape why it is ended, and is read to the end afterwards.

Tornado ends a connection whose head is too long without a word, and one whose head is no HTTP with a bare status line.
Here both are told why. And a socket that is closed while something comes in resets the connection, which takes from the
client what it was told: so after last words only the way out is closed, and what still comes is thrown away for a
moment.
"""

import asyncio
import contextlib
import socket
from collections.abc import Awaitable, Callable, Mapping
from typing import Any, Final

from tornado.iostream import IOStream, SSLIOStream, UnsatisfiableReadError

from bus.clock import monotonic_ns
from web.edge.problems import last_words
from web.edge.tls import STRICT_TRANSPORT
from web.errors import BAD_HTTP, HEAD_TOO_LARGE, Refusal

#: What Tornado writes when it cannot read a request; `tests/web/test_edge.py` notices when that changes.
_TORNADOS_WORDS: Final = b"HTTP/1.1 400 Bad Request\r\n\r\n"
#: What waits in one connection, read and not yet taken: more than any head, or any message of a WebSocket.
_BUFFER_BYTES_MAX: Final = 1_048_576
#: A client that has been refused gets so long, and may send so much, until it has read why.
_LINGER_S: Final = 2.0
_LINGER_BYTES_MAX: Final = 33_554_432
_LINGER_CHUNK_BYTES: Final = 65_536


class Stream(IOStream):
    """See above. `on_end`: called once, when it is over. `writing_since_ns`: 0 when nothing waits to be written."""

    #: On everything that is said here, beside what is said everywhere.
    headers: Mapping[str, str] = {}

    def __init__(self, connection: socket.socket, on_end: "Callable[[Stream], None]") -> None:
        super().__init__(connection, max_buffer_size=_BUFFER_BYTES_MAX)
        self._on_end = on_end
        self._in_head = True
        self._lingers = False
        self._goes_on = False
        self._is_prompt = False
        self._writing_since_ns = 0
        #: What is said in the place of Tornado's bare words: why what comes cannot be read.
        self.fault = Refusal(BAD_HTTP)

    @property
    def writing_since_ns(self) -> int:
        """Since when the client has not taken all that was written; 0: it has."""
        return self._writing_since_ns if self.writing() else 0

    @property
    def was_refused(self) -> bool:
        """Whether it was told why it ends."""
        return self._lingers

    def refuse(self, refusal: Refusal) -> None:
        """Say why, and end it."""
        if not self.closed():
            self._last_words(refusal)
            self.close()

    def read_until_regex(self, regex: bytes, max_bytes: int | None = None) -> Awaitable[bytes]:
        """As Tornado's; it reads heads so, and nothing else."""
        self._in_head = True
        return super().read_until_regex(regex, max_bytes)

    def read_until(self, delimiter: bytes, max_bytes: int | None = None) -> Awaitable[bytes]:
        """As Tornado's; it reads the lines of chunked bodies so."""
        self._in_head = False
        return super().read_until(delimiter, max_bytes)

    def reading(self) -> bool:
        """As Tornado's; also for the moment in which it settles whether to go on listening to who has sent something.

        Else it would cease to, between a head and its body, and begin again: half a dozen system calls for each
        request. Who sends more while that waits here is listened to no longer, as ever.
        """
        return self._goes_on or super().reading()

    def _handle_read(self) -> None:
        was_empty = not self._read_buffer_size
        super()._handle_read()
        self._goes_on = was_empty

    def _handle_events(self, fd: Any, events: int) -> None:
        super()._handle_events(fd, events)
        self._goes_on = False

    def set_nodelay(self, value: bool) -> None:
        """Never held back, from the first time on: each answer is one write. Tornado turns it on and off for each."""
        if value and not self._is_prompt:
            self._is_prompt = True
            super().set_nodelay(True)

    def write(self, data: bytes | memoryview) -> "asyncio.Future[None]":
        """As Tornado's, in other words where it refuses."""
        if not self.writing():
            self._writing_since_ns = monotonic_ns()
        if data == _TORNADOS_WORDS:
            self._lingers = True
            data = last_words(self.fault, self.headers)
        return super().write(data)

    def close(self, exc_info: Any = False) -> None:
        """As Tornado's, with a word before it where what was read grew beyond its limit."""
        if isinstance(exc_info, UnsatisfiableReadError) and not self.closed():
            self._last_words(Refusal(HEAD_TOO_LARGE) if self._in_head else self.fault)
        super().close(exc_info)

    def close_fd(self) -> None:
        """Let the socket go, at once or when the client has had the time to read its last words."""
        connection, self.socket = self.socket, None  # type: ignore[assignment]  # as Tornado does
        self._on_end(self)
        if self._lingers:
            _linger(connection)
        else:
            connection.close()

    def _last_words(self, refusal: Refusal) -> None:
        self._lingers = True
        # A few hundred bytes: where not even these fit into the socket, nobody reads.
        with contextlib.suppress(OSError):
            self.socket.send(last_words(refusal, self.headers))


class TlsStream(Stream, SSLIOStream):
    """A stream that is encrypted. Who is refused before the handshake is only closed."""

    headers = STRICT_TRANSPORT


def _linger(connection: socket.socket) -> None:
    """Close the way out, throw away what comes in, and close when nothing more comes or it has been long enough."""
    loop = asyncio.get_running_loop()
    left_bytes = _LINGER_BYTES_MAX

    def end() -> None:
        if connection.fileno() >= 0:
            loop.remove_reader(connection)
            connection.close()

    def throw_away() -> None:
        nonlocal left_bytes
        try:
            came = len(connection.recv(_LINGER_CHUNK_BYTES))
        except BlockingIOError:
            return
        except OSError:
            came = 0
        left_bytes -= came
        if not came or left_bytes <= 0:
            end()

    try:
        connection.shutdown(socket.SHUT_WR)
    except OSError:
        connection.close()  # the other side is gone
        return
    loop.add_reader(connection, throw_away)
    loop.call_later(_LINGER_S, end)
