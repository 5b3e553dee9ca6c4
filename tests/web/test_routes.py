"""Every route is guarded: it needs a key, or stands in the list of what is public, and its class of cost has a limit.

Walks the table of all routes, and asks a real server for each of them.
"""

import re
from collections.abc import Iterator

import pytest

from bus.config import Web
from tests.support.venue import ApiKey
from tests.support.web_server import WebServer
from web.application import ROUTES
from web.guard.keyed_guard import KeyedGuard
from web.guard.keys import wish
from web.guard.limits import rates
from web.guard.principal import SCOPES
from web.routes import MARKET, Route

#: What anybody may ask for, beside market data. A route that is added here is one that somebody has thought about.
PUBLIC = {"/api/v1/time", "/health", "/ready", "/openapi.json", "/asyncapi.json"}
PUBLIC |= {"/reference", "/reference.css"}
_NAMES = re.compile(r"\{(\w+)\}")


@pytest.fixture(scope="module")
def server() -> Iterator[WebServer]:
    """A guarded server without an exchange behind it, and more allowed than there are routes."""
    with WebServer(guarded=True, answer_timeout_ms=10, keys_per_s_max=100) as running:
        yield running


def unguarded(route: Route) -> list[str]:
    """What is missing on a route."""
    name = f"{route.method} {route.path}"
    return [
        *([f"{name}: {route.scope} is no scope"] if route.scope not in (None, *SCOPES) else []),
        *(
            [f"{name} is open to everybody"]
            if route.scope is None and route.cost != MARKET and route.path not in PUBLIC
            else []
        ),
        *(
            [f"{name} changes something without a key"]
            if route.scope is None and route.method != "GET"
            else []
        ),
        *([f"{name}: {route.cost} has no limit"] if route.cost not in rates(Web()) else []),
    ]


def test_every_route_has_a_scope_or_is_public_and_a_limit() -> None:
    assert [line for route in ROUTES for line in unguarded(route)] == []


def test_a_route_without_them_is_found() -> None:
    def planted(method: str, scope: str | None, cost: str) -> list[str]:
        route = ROUTES[0]
        return unguarded(
            Route(
                method=method,
                path="/x",
                handler=route.handler,
                summary="",
                scope=scope,
                cost=cost,
                answer=route.answer,
            )
        )

    assert planted("GET", None, "house") == ["GET /x is open to everybody"]
    assert planted("GET", "root", "house") == ["GET /x: root is no scope"]
    assert planted("POST", None, "market") == ["POST /x changes something without a key"]
    assert planted("POST", "trade", "free") == ["POST /x: free has no limit"]
    assert planted("GET", None, "market") == planted("POST", "trade", "orders") == []


def test_every_route_refuses_who_has_no_key_or_the_wrong_scope_and_counts(server: WebServer) -> None:
    key, secret = server.keys.create(wish("alice", ["read"]))
    assert secret is not None
    reader = ApiKey("alice", key.key_id, secret)
    for number, route in enumerate(ROUTES):
        path = _NAMES.sub("x", route.path)
        source = f"127.3.{number // 250}.{number % 250 + 1}"
        answer = server.request(path, method=route.method, source=source)
        assert "ratelimit-limit" in answer.headers, path
        if route.scope is None:
            assert answer.status not in (401, 403, 405), path
            continue
        assert (answer.status, answer.json["reason"]) == (401, "key_needed"), path
        if route.scope != "read":
            refused = server.request(path, reader.headers(route.method, path), source, route.method)
            assert (refused.status, refused.json["reason"]) == (403, "scope_missing"), path


def test_what_tornado_serves_is_given_the_guard(server: WebServer) -> None:
    """Also what stands in no row of the table: sockets, files of a page, what is not there."""
    rules = list(server.rules)
    assert len(rules) >= len({route.path for route in ROUTES})
    for rule in rules:
        guard = rule.target_kwargs.get("guard")
        assert isinstance(guard, KeyedGuard), f"{rule.matcher} is served without a guard"
