"""The head of an answer, made in one go: Tornado encodes and checks each header for itself, at three times the cost.

The rule guarded here: no header breaks out of its line. What is made here Tornado writes as it is, which it offers for
old programs; `tests/web/test_heads.py` holds that both say the same. Called by `web.handling`.
"""

from http.client import responses

from tornado.httputil import HTTPHeaders, HTTPServerRequest

#: Of these the head says something of its own about what follows.
_WITHOUT_BODY = (204, 304)


def is_plain(request: HTTPServerRequest, status: int) -> bool:
    """Whether an answer is a head with its length and then a body, on a connection that goes on.

    Whatever else HTTP has is left to Tornado.
    """
    return (
        request.version == "HTTP/1.1"
        and request.method != "HEAD"
        and "Connection" not in request.headers
        and status >= 200
        and status not in _WITHOUT_BODY
    )


def head(status: int, headers: HTTPHeaders) -> bytes:
    """The head of an answer; the body follows it. Raises ValueError for a header with an end of line in it."""
    lines = [f"{name}: {value}\r\n" for name, value in headers.get_all()]
    text = "".join(lines)
    if text.count("\n") != len(lines) or text.count("\r") != len(lines):
        raise ValueError(f"a header has an end of line in it: {text!r}")
    return f"HTTP/1.1 {status} {responses[status]}\r\n{text}\r\n".encode("latin-1")
