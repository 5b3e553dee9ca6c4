"""What pages of other sites can do in a browser: nothing, unless their origin is allowed; what is on every answer."""

import asyncio
import json
from collections.abc import Iterator
from typing import Any, Final

import pytest
from msgspec import Struct
from tornado.httpclient import HTTPClientError, HTTPRequest
from tornado.websocket import websocket_connect

from bus.config_loading import load_config
from bus.errors import ConfigError
from tests.support.venue import WIDE_OPEN, Response
from tests.support.web_server import WAIT_S, WebServer, answer
from web.application import ROUTES
from web.call import Call
from web.guard.origins import Origins
from web.page_files import page_files
from web.routes import HOUSE, Route
from web.server import HEAD_BYTES_MAX

ALLOWED: Final = "https://example.com"
ALSO_ALLOWED: Final = "http://localhost:5173"
#: Origins that are not allowed, however near they are.
FOREIGN: Final = (
    "https://evil.example",
    "null",
    "*",
    "",
    "http://example.com",
    "https://example.com:8443",
    "https://example.com.evil.example",
    "https://www.example.com",
    "https://EXAMPLE.com",
    "https://example.com/",
    f"{ALLOWED},{ALSO_ALLOWED}",
)
BODY_BYTES_MAX: Final = 2_000


class Never(Struct, frozen=True):
    """What is never answered."""


async def breaks(call: Call) -> Never:
    """A mistake of ours."""
    raise RuntimeError(f"planted by a test: {call.path}")


BROKEN: Final = Route(
    method="GET", path="/broken", handler=breaks, summary="Broken", scope=None, cost=HOUSE, answer=Never
)


@pytest.fixture(scope="module")
def closed() -> Iterator[WebServer]:
    """A server as it is by default, guarded."""
    settings = {**WIDE_OPEN, "body_bytes_max": BODY_BYTES_MAX, "answer_timeout_ms": 10}
    with WebServer((*ROUTES, BROKEN), guarded=True, **settings) as running:
        yield running


@pytest.fixture(scope="module")
def opened() -> Iterator[WebServer]:
    """A server that lets in the pages of two origins."""
    with WebServer(guarded=True, allowed_origins=f"{ALLOWED}, {ALSO_ALLOWED}", **WIDE_OPEN) as running:
        yield running


def cors(said: Response) -> dict[str, str]:
    """What an answer says of origins."""
    return {name: value for name, value in said.headers.items() if name.startswith("access-control-")}


def preflight(server: WebServer, path: str, method: str, origin: str) -> Response:
    """What a browser asks before it sends a page's request."""
    asked = {
        "Origin": origin,
        "Access-Control-Request-Method": method,
        "Access-Control-Request-Headers": "content-type,x-api-key,x-signature,x-timestamp",
    }
    return server.request(path, asked, method="OPTIONS")


async def upgraded(server: WebServer, headers: dict[str, str]) -> dict[str, Any]:
    """What a WebSocket with these headers in its first request is told: a pong, or a refusal."""
    request = HTTPRequest(f"ws://127.0.0.1:{server.port}/ws", headers=headers)
    try:
        connection = await websocket_connect(request)
    except HTTPClientError as refused:
        said: dict[str, Any] = json.loads(refused.response.body if refused.response else b"{}")
        return said
    await connection.write_message(json.dumps({"op": "ping", "id": 1}))
    text = await asyncio.wait_for(connection.read_message(), WAIT_S)
    connection.close()
    told: dict[str, Any] = json.loads(text or b"{}")
    return told


def test_by_default_nothing_is_said_to_pages_of_others(closed: WebServer) -> None:
    for origin in (ALLOWED, *FOREIGN):
        said = closed.request("/health", {"Origin": origin})
        assert (said.status, cors(said)) == (200, {})
        assert "vary" not in said.headers
        refused = preflight(closed, "/v1/order", "POST", origin)
        assert (refused.status, refused.json["reason"], cors(refused)) == (405, "method_not_allowed", {})


def test_a_page_of_an_allowed_origin_may_do_everything(opened: WebServer) -> None:
    for origin in (ALLOWED, ALSO_ALLOWED):
        asked = preflight(opened, "/v1/order", "POST", origin)
        assert (asked.status, asked.body) == (204, b"")
        told = cors(asked)
        assert told["access-control-allow-origin"] == origin
        assert told["access-control-allow-methods"] == "GET, HEAD, POST"
        assert "X-API-Key, X-Signature, X-Timestamp" in told["access-control-allow-headers"]
        for path, status in (("/health", 200), ("/v1/orders", 401), ("/nothing", 404)):
            said = opened.request(path, {"Origin": origin})
            assert said.status == status
            assert cors(said)["access-control-allow-origin"] == origin
            assert "X-Request-Id" in cors(said)["access-control-expose-headers"]
            assert said.headers["vary"] == "Origin"
            # With it the browser would send its own cookies and passwords.
            assert "access-control-allow-credentials" not in cors(said)


def test_what_is_kept_is_kept_for_one_origin(opened: WebServer) -> None:
    first = opened.request("/openapi.json", {"Origin": ALLOWED})
    again = opened.request("/openapi.json", {"Origin": ALSO_ALLOWED, "If-None-Match": first.headers["etag"]})
    assert (again.status, again.headers["vary"]) == (304, "Origin")
    assert again.headers["access-control-allow-origin"] == ALSO_ALLOWED
    assert "Origin" in opened.request("/", {}).headers["vary"]


def test_no_other_page_may_do_anything(opened: WebServer) -> None:
    for origin in FOREIGN:
        said = opened.request("/health", {"Origin": origin})
        assert (said.status, cors(said), said.headers["vary"]) == (200, {}, "Origin")
        refused = preflight(opened, "/v1/order", "POST", origin)
        assert (refused.status, cors(refused)) == (405, {})
    nowhere = preflight(opened, "/nothing", "POST", ALLOWED)
    assert (nowhere.status, nowhere.json["reason"]) == (404, "not_found")
    no_preflight = opened.request("/v1/order", {"Origin": ALLOWED}, method="OPTIONS")
    assert no_preflight.status == 405


def test_websockets_are_for_the_same_pages(opened: WebServer, closed: WebServer) -> None:
    pong, refused = "pong", "origin_refused"
    own, own_closed = f"http://127.0.0.1:{opened.port}", f"http://127.0.0.1:{closed.port}"
    expected = [
        (opened, {}, pong),
        (opened, {"Origin": own}, pong),
        (opened, {"Origin": ALLOWED}, pong),
        (opened, {"Origin": ALSO_ALLOWED, "Sec-Fetch-Site": "cross-site"}, pong),
        (opened, {"Origin": "https://evil.example", "Sec-Fetch-Site": "cross-site"}, refused),
        *((opened, {"Origin": origin}, refused) for origin in FOREIGN if origin),
        (closed, {"Origin": own_closed}, pong),
        (closed, {"Origin": ALLOWED}, refused),
    ]

    async def told() -> list[dict[str, Any]]:
        return [await upgraded(server, headers) for server, headers, _ in expected]

    for said, (_, headers, wanted) in zip(asyncio.run(told()), expected, strict=True):
        assert wanted in (said.get("type"), said.get("reason")), (headers, said)


def test_what_a_foreign_page_sends_without_a_preflight_changes_nothing(closed: WebServer) -> None:
    """A form or an image needs no preflight, and takes along what the browser holds: here that is nothing."""
    changing = [route for route in ROUTES if route.method != "GET"]
    assert changing
    for route in changing:
        assert route.scope is not None, f"{route.path} needs a header, which needs a preflight"
    order = {"symbol": "BTC-USD", "side": "buy", "quantity": "1", "price": "1"}
    browser = {"Origin": "https://evil.example", "Cookie": "session=1", "Sec-Fetch-Site": "cross-site"}
    for route in ROUTES:
        path = route.path.replace("{", "").replace("}", "")
        for kind in ("application/x-www-form-urlencoded", "multipart/form-data; boundary=x", "text/plain"):
            body = json.dumps(order).encode()
            head = {**browser, "Content-Type": kind, "Content-Length": str(len(body)), "Host": "x"}
            lines = [f"POST {path} HTTP/1.1", *(f"{name}: {value}" for name, value in head.items()), "", ""]
            said = closed.exchange("\r\n".join(lines).encode() + body)
            assert said.status in (401, 404, 405, 415), (route.path, said.body)
            assert "set-cookie" not in said.headers


def test_what_is_allowed_is_written_as_browsers_write_it() -> None:
    good = "https://example.com,http://localhost:5173,https://[::1]:8080"
    assert load_config(command_line={"web.allowed_origins": good}).web.allowed_origins == good
    for bad in (
        "*",
        "null",
        "example.com",
        "https://example.com/",
        "https://*.example.com",
        "HTTPS://example.com",
        "ftp://x",
    ):
        with pytest.raises(ConfigError, match=r"web.allowed_origins = .* Expected origins as browsers write"):
            load_config(command_line={"web.allowed_origins": f"{ALLOWED}, {bad}"})
    assert not Origins("")


def requests(server: WebServer) -> Iterator[tuple[str, int, Response]]:
    """All kinds of answers: what they are, with which status."""

    def get(path: str, headers: dict[str, str] | None = None, method: str = "GET") -> Response:
        return server.request(path, headers, method=method)

    yield "JSON", 200, get("/health")
    yield "without its body", 200, get("/health", method="HEAD")
    yield "not there", 404, get("/nothing")
    yield "another method", 405, get("/health", method="DELETE")
    yield "a method of no HTTP", 405, get("/health", method="BREW")
    yield "options", 405, get("/health", method="OPTIONS")
    yield "a bad query", 400, get("/health?a=1&a=2")
    yield "a bad path", 400, get("/api/v1/orderbook/%ff")
    yield "no key", 401, get("/v1/orders")
    yield "no upgrade", 426, get("/ws")
    yield (
        "a foreign page's upgrade",
        403,
        get("/ws", {"Upgrade": "websocket", "Connection": "Upgrade", "Origin": "https://evil.example"}),
    )
    upgrade = {
        "Upgrade": "websocket",
        "Connection": "Upgrade",
        "Sec-WebSocket-Version": "13",
        "Sec-WebSocket-Key": "AAAAAAAAAAAAAAAAAAAAAA==",
    }
    yield "an upgrade", 101, get("/ws", upgrade)
    yield "nobody behind it", 503, get("/api/v1/symbols")
    yield "a mistake of ours", 500, get("/broken")
    yield "a document", 200, get("/openapi.json")
    etag = get("/openapi.json").headers["etag"]
    yield "not changed", 304, get("/openapi.json", {"If-None-Match": etag})
    yield "a page to read", 200, get("/reference")
    yield "its style", 200, get("/reference.css")
    for path in page_files():
        yield f"the page: {path}", 200, get(path)
    yield "no HTTP", 400, server.exchange(b"nonsense\r\n\r\n")
    yield "a large head", 431, server.exchange(b"GET / HTTP/1.1\r\nHost: x\r\nX: " + b"x" * HEAD_BYTES_MAX)
    large = b"x" * (BODY_BYTES_MAX + 1)
    head = f"POST /v1/order HTTP/1.1\r\nHost: x\r\nContent-Length: {len(large)}\r\n\r\n".encode()
    yield "a large body", 413, server.exchange(head + large)


def test_every_kind_of_answer_tells_browsers_what_not_to_do(closed: WebServer) -> None:
    seen = 0
    for kind, status, said in requests(closed):
        assert said.status == status, (kind, said.status, said.body)
        seen += 1
        headers = said.headers
        assert headers["x-content-type-options"] == "nosniff", kind
        assert headers["x-frame-options"] == "DENY", kind
        assert headers["referrer-policy"] == "no-referrer", kind
        assert headers["cross-origin-resource-policy"] == "same-origin", kind
        policy = dict(
            part.strip().partition(" ")[::2] for part in headers["content-security-policy"].split(";")
        )
        assert policy["default-src"] == policy["frame-ancestors"] == policy["base-uri"] == "'none'", kind
        sources = {source for name in policy for source in policy[name].split()}
        assert sources <= {"'none'", "'self'", "data:"}, (
            f"{kind}: nothing inline, nothing of others: {sources}"
        )
        assert policy.get("script-src", "'none'") in ("'none'", "'self'"), kind
        assert headers["x-request-id"], kind
        assert not {"server", "set-cookie", "strict-transport-security"} & set(headers), kind
        if status == 200 and kind != "without its body":
            assert headers["content-type"], kind
    assert seen > 30


def test_who_finds_no_room_is_told_with_the_same_headers() -> None:
    with WebServer(connections_max=1, **WIDE_OPEN) as server, server.connect() as working:
        # One connection works as long as its answer is not taken; here a WebSocket does.
        upgrade = (
            "GET /ws HTTP/1.1",
            "Host: x",
            "Upgrade: websocket",
            "Connection: Upgrade",
            "Sec-WebSocket-Version: 13",
            "Sec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==",
            "",
            "",
        )
        working.sendall("\r\n".join(upgrade).encode())
        assert working.recv(12) == b"HTTP/1.1 101"
        with server.connect() as late:
            said = answer(late)
    assert (said.status, said.headers["x-content-type-options"]) == (503, "nosniff")
    assert "frame-ancestors 'none'" in said.headers["content-security-policy"]
