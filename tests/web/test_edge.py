"""What is no good request is refused in the one shape, or its connection ends; and others are answered meanwhile."""

import contextlib
import json
import socket
import time
from collections.abc import Iterator

import pytest

from tests.support.venue import Response
from tests.support.web_server import WebServer, answer, ended
from web.edge.reading import BODY_BYTES_THROWN_AWAY_MAX
from web.server import HEAD_BYTES_MAX

GOOD = b"GET /health HTTP/1.1\r\nHost: x\r\n\r\n"
BODY_BYTES_MAX = 4_096
IDLE_S = 1


@pytest.fixture(scope="module")
def server() -> Iterator[WebServer]:
    """A server with small limits."""
    with WebServer(body_bytes_max=BODY_BYTES_MAX, idle_connection_s=IDLE_S, connections_max=60) as running:
        yield running


def refused(said: Response, status: int, reason: str) -> None:
    """It is said in the one shape."""
    assert (said.status, said.json["reason"]) == (status, reason), said.body
    assert set(said.json) == {"code", "reason", "message", "field", "request_id"}
    assert said.json["request_id"] == said.headers["x-request-id"]
    assert said.headers["content-type"] == "application/json"
    assert said.headers["x-content-type-options"] == "nosniff"
    assert said.headers["cache-control"] == "no-store"
    assert "server" not in said.headers


def well(server: WebServer) -> None:
    """Others are answered."""
    assert server.exchange(GOOD).json == {"status": "ok"}


@pytest.mark.parametrize(
    "head",
    [
        b"hello\r\n\r\n",
        b"GET /health\r\n\r\n",
        b"GET /health HTTP/9.9\r\nHost: x\r\n\r\n",
        b"GET /health HTTP/1.1\r\n\r\n",
        b"GET /health HTTP/1.1\r\nHost: x\r\nHost: y\r\n\r\n",
        b"GET /health HTTP/1.1\r\nHost: x\r\nno header\r\n\r\n",
        b"GET /health HTTP/1.1\r\nHost: x\r\nX: \x00\r\n\r\n",
        b"GET /\x00 HTTP/1.1\r\nHost: x\r\n\r\n",
        b"GET /health HTTP/1.1\r\nHost: x\r\nContent-Length: -1\r\n\r\n",
        b"GET /health HTTP/1.1\r\nHost: x\r\nContent-Length: 1, 2\r\n\r\n12",
        b"POST /health HTTP/1.1\r\nHost: x\r\nContent-Length: 1\r\nTransfer-Encoding: chunked\r\n\r\n1",
        b"POST /health HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: gzip\r\n\r\n",
        b"POST /health HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n",
        b"POST /health HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n" + b"1" * 100,
        b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03\r\n\r\n",
        b"\x00" * 100 + b"\r\n\r\n",
    ],
)
def test_what_is_no_http_is_told_so_and_ended(server: WebServer, head: bytes) -> None:
    with server.connect() as connection:
        connection.sendall(head)
        said = answer(connection)
        refused(said, 400, "bad_http")
        assert said.headers["connection"] == "close"
        assert ended(connection)
    well(server)


@pytest.mark.parametrize(
    ("head", "status", "reason"),
    [
        (b"GET /%ff HTTP/1.1\r\nHost: x\r\n\r\n", 404, "not_found"),
        (b"GET /api/v1/orderbook/%ff HTTP/1.1\r\nHost: x\r\n\r\n", 400, "bad_path"),
        (b"GET /health?%ff=1 HTTP/1.1\r\nHost: x\r\n\r\n", 400, "unknown_field"),
        (b"GET /health?a=%00 HTTP/1.1\r\nHost: x\r\n\r\n", 400, "unknown_field"),
        (b"BREW /health HTTP/1.1\r\nHost: x\r\n\r\n", 405, "method_not_allowed"),
        (b"TRACE /health HTTP/1.1\r\nHost: x\r\n\r\n", 405, "method_not_allowed"),
        (b"BREW /nothing HTTP/1.1\r\nHost: x\r\n\r\n", 404, "not_found"),
        (b"get /health HTTP/1.1\r\nHost: x\r\n\r\n", 405, "method_not_allowed"),
        (b"OPTIONS * HTTP/1.1\r\nHost: x\r\n\r\n", 404, "not_found"),
        (b"GET //health HTTP/1.1\r\nHost: x\r\n\r\n", 404, "not_found"),
        (b"GET /../health HTTP/1.1\r\nHost: x\r\n\r\n", 404, "not_found"),
    ],
)
def test_odd_requests_are_refused_and_the_connection_goes_on(
    server: WebServer, head: bytes, status: int, reason: str
) -> None:
    with server.connect() as connection:
        connection.sendall(head)
        said = answer(connection)
        refused(said, status, reason)
        if status == 405:
            assert said.headers["allow"] == "GET, HEAD"
        connection.sendall(GOOD)
        assert answer(connection).status == 200


def test_head_says_what_get_says_without_its_body(server: WebServer) -> None:
    with server.connect() as connection:
        connection.sendall(GOOD.replace(b"GET", b"HEAD"))
        said = answer(connection, "HEAD")
        assert (said.status, said.body) == (200, b"")
        connection.sendall(GOOD)
        get = answer(connection)
        assert (get.json, get.headers["content-length"]) == ({"status": "ok"}, said.headers["content-length"])


@pytest.mark.parametrize("line", [b"X-Long: %s\r\n", b"X: 1\r\n%s: 2\r\n"])
def test_a_head_that_is_too_large_is_told_so(server: WebServer, line: bytes) -> None:
    with server.connect() as connection:
        connection.sendall(GOOD[:-2] + line % (b"a" * HEAD_BYTES_MAX) + b"\r\n")
        refused(answer(connection), 431, "head_too_large")
        assert ended(connection)
    with server.connect() as connection:
        # A client that sends and does not read meanwhile is not cut off before it can.
        connection.sendall(b"GET /?" + b"a" * 8_000_000)
        refused(answer(connection), 431, "head_too_large")
    well(server)


def test_a_head_may_have_as_many_bytes_as_is_said(server: WebServer) -> None:
    filler = b"X: " + b"a" * (HEAD_BYTES_MAX - len(GOOD) - len(b"X: \r\n")) + b"\r\n"
    assert server.exchange(GOOD[:-2] + filler + b"\r\n").status == 200
    filler = b"X: " + b"a" * (HEAD_BYTES_MAX - len(GOOD) - len(b"X: \r\n") + 1) + b"\r\n"
    assert server.exchange(GOOD[:-2] + filler + b"\r\n").status == 431


def posted(body: bytes, *headers: bytes) -> bytes:
    """A POST with a body."""
    more = b"".join(header + b"\r\n" for header in headers)
    return b"POST /health HTTP/1.1\r\nHost: x\r\n" + more + b"Content-Length: %d\r\n\r\n" % len(body) + body


def chunked(body: bytes) -> bytes:
    """The same, told in chunks of 1,000 bytes."""
    chunks = [body[start : start + 1_000] for start in range(0, len(body), 1_000)]
    told = b"".join(b"%x\r\n%s\r\n" % (len(chunk), chunk) for chunk in chunks)
    return b"POST /health HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n" + told + b"0\r\n\r\n"


@pytest.mark.parametrize("tell", [posted, chunked])
def test_a_body_that_is_too_large_is_told_so(server: WebServer, tell: object) -> None:
    assert callable(tell)
    refused(server.exchange(tell(b"a" * BODY_BYTES_MAX)), 405, "method_not_allowed")
    refused(server.exchange(tell(b"a" * (BODY_BYTES_MAX + 1))), 413, "body_too_large")
    refused(server.exchange(tell(b"a" * 10_000_000)), 413, "body_too_large")
    well(server)


def test_a_body_that_never_ends_is_ended(server: WebServer) -> None:
    with server.connect() as connection:
        length = b"Content-Length: %d\r\n\r\n" % (BODY_BYTES_THROWN_AWAY_MAX + 1)
        connection.sendall(b"POST /health HTTP/1.1\r\nHost: x\r\n" + length)
        refused(answer(connection), 413, "body_too_large")
    chunk = b"%x\r\n%s\r\n" % (1_000_000, b"a" * 1_000_000)
    with server.connect() as connection:
        connection.sendall(b"POST /health HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n")
        with contextlib.suppress(ConnectionError):
            for _ in range(BODY_BYTES_THROWN_AWAY_MAX // 1_000_000 + 1):
                connection.sendall(chunk)
        refused(answer(connection), 413, "body_too_large")
    well(server)


def test_who_asks_for_leave_is_told_before_it_sends(server: WebServer) -> None:
    with server.connect() as connection:
        connection.sendall(
            posted(b"", b"Expect: 100-continue").replace(b"Length: 0", b"Length: %d" % (BODY_BYTES_MAX + 1))
        )
        refused(answer(connection), 413, "body_too_large")


def test_half_a_request_is_ended_and_nothing_is_said(server: WebServer) -> None:
    halves = [b"", b"GET /hea", GOOD[:-2], posted(b"abc")[:-1], chunked(b"abc")[:-2]]
    with contextlib.ExitStack() as stack:
        connections = [stack.enter_context(server.connect()) for _ in halves]
        for connection, half in zip(connections, halves, strict=True):
            connection.sendall(half)
        began = time.monotonic()
        well(server)
        for connection in connections:
            assert ended(connection)
        assert IDLE_S - 0.1 <= time.monotonic() - began < IDLE_S + 4


def test_a_head_that_comes_a_byte_at_a_time_does_not_hold_a_connection(server: WebServer) -> None:
    with server.connect() as connection:
        connection.settimeout(0.05)
        began = time.monotonic()
        gone = False
        while not gone and time.monotonic() - began < IDLE_S + 4:
            try:
                connection.sendall(b"a")
                gone = connection.recv(1) == b""
            except TimeoutError:
                continue
            except ConnectionError:
                gone = True
        assert gone
        assert time.monotonic() - began >= IDLE_S - 0.1


def test_requests_that_come_together_are_answered_in_their_order(server: WebServer) -> None:
    paths = [b"/health", b"/nothing", b"/api/v1/time", b"/health?a=1"] * 250
    with server.connect() as connection:
        connection.sendall(b"".join(GOOD.replace(b"/health", path) for path in paths))
        with connection.makefile("rb") as reader:
            statuses = []
            for _ in paths:
                statuses.append(int(reader.readline().split()[1]))
                length = 0
                while (line := reader.readline()) != b"\r\n":
                    if line.lower().startswith(b"content-length:"):
                        length = int(line.split(b":")[1])
                assert json.loads(reader.read(length))
        assert statuses == [200, 404, 200, 400] * 250


def test_who_asks_much_and_reads_nothing_is_ended(server: WebServer) -> None:
    stalled = server.server.connections.stalled
    with socket.socket() as connection:
        # Small, so that not everything fits into the sockets.
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4_096)
        connection.settimeout(0.2)
        connection.connect(("127.0.0.1", server.port))
        deadline = time.monotonic() + 15
        with contextlib.suppress(ConnectionError):
            while server.server.connections.stalled == stalled and time.monotonic() < deadline:
                with contextlib.suppress(TimeoutError):
                    connection.sendall(GOOD * 1_000)
    assert server.server.connections.stalled == stalled + 1
    well(server)
