"""The documents of REST hold what the routes and schemas have, and the answers of a real server are what they say."""

import html.parser
import re
from collections.abc import Callable, Iterator
from typing import Any, Final

import jsonschema_rs
import msgspec
import openapi_spec_validator
import pytest

from tests.support.venue import Response, Venue
from tests.support.web_server import WebServer
from web.application import ROUTES
from web.errors import WEB_REASONS
from web.openapi.components import REF
from web.openapi.document import document
from web.openapi.page import page
from web.routes import Route

DOCUMENT: Final = document(ROUTES)
CASES = {f"{route.method} {route.path}": route for route in ROUTES}
#: What stands in the place of names in paths, and in queries that have to be given.
VALUES = {
    "symbol": "BTC-USD",
    "interval": "1m",
    "indicator": "sma",
    "period": "5",
    "account": "alice",
    "key": "0" * 32,
}
#: Bodies that are carried out. A route that is not here is asked with an empty body, and refuses that.
BODIES: dict[str, Any] = {
    "POST /api/v1/keys": {"scopes": ["read"], "label": "mine"},
    "POST /api/v1/accounts/{account}/keys": {"scopes": ["read", "trade"]},
    "POST /api/v1/admin/phase": {"symbol": "BTC-USD", "phase": "continuous", "why": "it is"},
    "POST /api/v1/admin/protection": {
        "symbol": "BTC-USD",
        "dynamic_basis_points": 5_000,
        "auction_ms": 1_000,
    },
    "POST /api/v1/admin/schedule": {"symbol": "BTC-USD"},
    "POST /api/v1/admin/kill_switch": {"account": "nobody", "on": True},
    "POST /api/v1/admin/emergency": {"on": False},
    "POST /api/v1/admin/breakers": {
        "levels": [{"basis_points": 700, "halt_ms": 60_000}],
        "auction_ms": 60_000,
    },
    "POST /api/v1/admin/limits": {"account": "nobody", "symbol": "BTC-USD", "day_notional": "1000"},
    "POST /api/v1/admin/risk": {"account": "nobody", "symbol": "BTC-USD", "long": "5"},
    "POST /v1/order": {"symbol": "BTC-USD", "side": "buy", "quantity": "1", "price": "90"},
    "POST /v1/order/cancel_all": {},
    "POST /v1/order/cancel_all_after": {"timeout_ms": 0},
    "POST /v1/orders": {
        "orders": [
            {"op": "enter", "symbol": "BTC-USD", "side": "sell", "quantity": "1", "price": "110"},
            {"op": "cancel", "symbol": "BTC-USD", "client_order_id": "none"},
        ]
    },
}


def judge(schema: dict[str, Any]) -> Callable[[Any], list[str]]:
    """What is wrong with a value, by a schema of the document."""
    validator = jsonschema_rs.validator_for({**schema, "components": DOCUMENT["components"]})

    def wrong(value: Any) -> list[str]:
        return [f"{error.instance_path}: {error.message}" for error in validator.iter_errors(value)]

    return wrong


def operation(route: Route) -> Any:
    """What the document says of a route."""
    return DOCUMENT["paths"][route.path][route.method.lower()]


@pytest.fixture(scope="module")
def caller(venue: Venue) -> Iterator[Callable[..., Response]]:
    """Asks a route with good values, signed with a key that may everything."""
    key = venue.key("alice", "read", "trade", "operator")
    with venue.client("alice") as alice, venue.client("bob") as bob:
        bob.enter("BTC-USD", "sell", "2", "100").result()
        alice.enter("BTC-USD", "buy", "1", "100").result()
        resting = alice.enter("BTC-USD", "buy", "1", "99").result()
        queries = {"GET /v1/order": f"order_id={resting.order_id}"}
        venue.until(
            lambda: venue.get("/api/v1/executions/BTC-USD"), lambda said: bool(said.json.get("trades"))
        )

        def ask(route: Route, query: str = "") -> Response:
            path = re.sub(r"\{(\w+)\}", lambda match: VALUES.get(match.group(1), "1"), route.path)
            required = [
                f"{one['name']}={VALUES.get(one['name'], '1')}"
                for one in operation(route)["parameters"]
                if one["in"] == "query" and one["required"]
            ]
            more = [one for one in (queries.get(f"{route.method} {route.path}"), query) if one]
            if words := "&".join([*required, *more]):
                path += f"?{words}"
            body = BODIES.get(f"{route.method} {route.path}", {}) if route.body is not None else None
            return venue.signed(key, route.method, path, body)

        yield ask


def test_the_document_is_valid() -> None:
    openapi_spec_validator.validate(DOCUMENT)


def test_every_route_is_in_it_and_nothing_else() -> None:
    told = {f"{method.upper()} {path}" for path, methods in DOCUMENT["paths"].items() for method in methods}
    assert told == set(CASES)


@pytest.mark.parametrize("case", CASES)
def test_what_a_route_has_is_told(case: str) -> None:
    route, told = CASES[case], operation(CASES[case])
    assert told["summary"]
    assert ("security" in told) == (route.scope is not None)
    assert ("requestBody" in told) == (route.body is not None)
    assert str(route.status) in told["responses"]
    named = {(one["in"], one["name"]) for one in told["parameters"]}
    assert {("path", name) for name in re.findall(r"\{(\w+)\}", route.path)} <= named
    fields = msgspec.structs.fields(route.query)
    assert {("query", field.encode_name) for field in fields} <= named
    for one in told["parameters"]:
        assert re.fullmatch(r"\S.*\.", one["description"], re.DOTALL), f"{one['name']} is not described"
        assert one["schema"]
    for field in fields:
        required = next(one["required"] for one in told["parameters"] if one["name"] == field.encode_name)
        assert required == field.required


def test_no_two_operations_have_one_id() -> None:
    ids = [operation(route)["operationId"] for route in ROUTES]
    assert len(set(ids)) == len(ids)


def test_every_code_of_an_error_is_told() -> None:
    schema = DOCUMENT["components"]["schemas"]["Problem"]
    for code, (reason, _, means) in WEB_REASONS.items():
        assert code in schema["properties"]["code"]["enum"]
        assert f"| {code} | `{reason}` | {means} |" in schema["description"]


def test_patterns_are_not_pythons_own() -> None:
    assert r"\Z" not in str(DOCUMENT)


@pytest.mark.parametrize("case", CASES)
def test_a_real_answer_is_what_is_told(caller: Callable[..., Response], case: str) -> None:
    route = CASES[case]
    said = caller(route)
    responses = operation(route)["responses"]
    assert str(said.status) in responses, (said.status, said.body)
    if said.status == route.status:
        assert said.headers["content-type"] == route.content_type
        if "json" in route.content_type:
            assert judge({"$ref": REF + route.answer.__name__})(said.json) == []
    else:
        # Only where there was nothing good to ask for.
        assert case not in BODIES, said.body
        assert route.method != "GET" or said.status == 404, said.body
        assert judge({"$ref": f"{REF}Problem"})(said.json) == []
    assert re.fullmatch("[0-9a-f]{32}", said.headers["x-request-id"])
    if route.cache_s is not None and said.status == 200:
        assert said.headers["etag"]
        assert said.headers["cache-control"]


def test_some_fields_of_a_real_answer_are_what_is_told(caller: Callable[..., Response]) -> None:
    route = CASES["GET /api/v1/klines/{symbol}/{interval}"]
    said = caller(route, "fields=symbol,klines.open,klines.close").json
    assert list(said) == ["symbol", "klines"]
    assert judge({"$ref": f"{REF}KlinesSelected"})(said) == []
    assert judge({"$ref": f"{REF}Klines"})(said) != []
    assert judge({"$ref": f"{REF}KlinesSelected"})({"symbols": 1}) != []


def test_every_field_that_can_be_selected_is_told_and_can_be() -> None:
    with WebServer() as server:
        (fields,) = (
            one for one in operation(CASES["GET /api/v1/time"])["parameters"] if one["name"] == "fields"
        )
        names = fields["schema"]["items"]["enum"]
        assert names == ["time_ms", "time_ns"]
        for name in names:
            request = f"GET /api/v1/time?fields={name} HTTP/1.1\r\nHost: x\r\n\r\n"
            assert list(server.exchange(request.encode()).json) == [name]


# What is served


def test_the_document_is_served_with_a_page_and_its_style() -> None:
    with WebServer() as server:

        def get(path: str) -> Response:
            return server.exchange(f"GET {path} HTTP/1.1\r\nHost: x\r\n\r\n".encode())

        assert get("/openapi.json").json == DOCUMENT
        shown = get("/reference")
        assert shown.headers["content-type"] == "text/html; charset=utf-8"
        assert shown.body.decode() == page(DOCUMENT)
        policy = shown.headers["content-security-policy"]
        assert "default-src 'none'" in policy
        assert "script" not in policy
        assert "unsafe" not in policy
        assert get("/reference.css").headers["content-type"] == "text/css; charset=utf-8"
        assert (get("/reference?fields=a").status, get("/reference?a=1").status) == (400, 400)


class Seen(html.parser.HTMLParser):
    """Elements, links and ids of a page."""

    def __init__(self) -> None:
        super().__init__()
        self.tags: set[str] = set()
        self.links: set[str] = set()
        self.ids: list[str] = []
        self.text = ""

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.add(tag)
        for name, value in attrs:
            assert not name.startswith("on")
            assert name != "style"
            if name in ("href", "src"):
                self.links.add(value or "")
            if name == "id":
                self.ids.append(value or "")

    def handle_data(self, data: str) -> None:
        self.text += data


def seen(text: str) -> Seen:
    """See Seen."""
    found = Seen()
    found.feed(text)
    return found


def test_the_page_has_every_operation_and_asks_nobody_else_for_anything() -> None:
    found = seen(page(DOCUMENT))
    assert not {"script", "iframe", "img", "object", "form", "style"} & found.tags
    assert {link for link in found.links if not link.startswith("#")} == {"/reference.css", "/openapi.json"}
    assert {link[1:] for link in found.links if link.startswith("#")} <= set(found.ids)
    assert len(set(found.ids)) == len(found.ids)
    for route in ROUTES:
        assert route.path in found.text
        assert operation(route)["operationId"] in found.ids


def test_what_stands_in_the_document_is_text_on_the_page() -> None:
    evil = "<script>alert(1)</script> \"'&"
    told = {
        **DOCUMENT,
        "info": {"title": evil, "version": evil, "description": evil},
        "tags": [{"name": evil, "description": f"`{evil}`"}],
    }
    assert "script" not in seen(page(told)).tags
