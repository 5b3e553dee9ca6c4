"""Heads of answers are Tornado's, byte by byte, though they are made in one go; and none breaks out of its line."""

import re

import pytest
from tornado.httputil import HTTPHeaders

from tests.support.web_server import WebServer
from web.edge.heads import head

#: What differs from one answer to the next.
_OF_ITS_OWN = re.compile(rb"(?i)(Date|X-Request-Id|RateLimit-\w+): [^\r]*|\"request_id\":\"\w+\"")
_LENGTH = re.compile(rb"Content-Length: (\d+)\r\n(?:[^\r]+\r\n)*\r\n")


def said(server: WebServer, request: bytes) -> bytes:
    """All that is answered, without what is of this answer only."""
    with server.connect() as connection:
        connection.sendall(request)
        came = b""
        while (found := _LENGTH.search(came)) is None or len(came) < found.end() + int(found[1]):
            piece = connection.recv(65_536)
            assert piece, f"the connection ended behind {came!r}"
            came += piece
    return _OF_ITS_OWN.sub(rb"\1", came)


def test_a_head_is_what_tornado_writes() -> None:
    lines = (
        b"GET /health HTTP/1.1",
        b"GET /api/v1/nothing HTTP/1.1",
        b"DELETE /health HTTP/1.1",
        b"GET /v1/orders HTTP/1.1",
        b"GET / HTTP/1.1",
        b"GET /openapi.json HTTP/1.1",
    )
    with WebServer(guarded=True) as server:
        for line in lines:
            # With this header an answer is written by Tornado, who has nothing to add to it.
            others = said(server, line + b"\r\nHost: x\r\nConnection: keep-alive\r\n\r\n")
            ours = said(server, line + b"\r\nHost: x\r\n\r\n")
            assert ours.startswith(b"HTTP/1.1 ")
            assert ours == others, line


@pytest.mark.parametrize("value", ["a\r\nSet-Cookie: b", "a\nb", "a\rb"])
def test_no_header_breaks_out_of_its_line(value: str) -> None:
    headers = HTTPHeaders()
    headers["X-Good"] = "good"
    assert head(200, headers) == b"HTTP/1.1 200 OK\r\nX-Good: good\r\n\r\n"
    headers["X-Bad"] = value
    with pytest.raises(ValueError, match="end of line"):
        head(200, headers)
