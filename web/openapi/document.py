"""OpenAPI 3.1 of a table of routes: https://spec.openapis.org/oas/v3.1.0.

Everything is taken from the routes, from their handlers' docstrings and from the Structs that go in and come out. A
route that is added is in the document without further doing.
"""

import inspect
import re
import sys
from collections.abc import Iterable, Sequence
from importlib.metadata import version
from typing import Any, Final

import msgspec

from bus.protocol.reasons import REASONS
from web.edge.problems import JSON
from web.errors import WEB_REASONS
from web.fields import PATHS_MAX, paths_of
from web.openapi.components import REF, SELECTED, query_parameters, schemas, selected
from web.openapi.path_parameters import path_parameter
from web.routes import NoQuery, Route
from web.schemas.examples import EXAMPLES
from web.schemas.plain import Problem

_NAME: Final = re.compile(r"\{(\w+)\}")
_WHAT: Final = """\
REST of a matchbus exchange. Prices and quantities are decimal text, times are in ms since 1970 (`time_ms`), UTC.

Whatever goes wrong is told in one shape, Problem: `code` and `reason` are of the table below it. A status of 5xx never
means that an order was not carried out, unless the reason says so. HEAD is answered wherever GET is. Beside the
statuses of each operation the server answers 400 to what is no HTTP, 405 to methods that are not there, 413 and 431 to
what is too large.

A signed request has the headers X-API-Key, X-Timestamp (UTC in ms) and X-Signature: in hex, HMAC-SHA256 or Ed25519 over
timestamp + method + path with query + body.
"""
_SECURITY: Final = {
    "key": ("X-API-Key", "The id of the key."),
    "timestamp": ("X-Timestamp", "UTC in ms since 1970, near the server's time."),
    "signature": ("X-Signature", "In hex, over timestamp + method + path with query + body."),
}
_STATUSES: Final = {
    304: "What the caller has, by its ETag, is what there is.",
    400: "Something in the request is not what it should be.",
    401: "The request is not signed, or not by a good key.",
    403: "Whoever calls may not do this.",
    404: "There is nothing of this name.",
    409: "Each value is good in itself, but not together with the others, the instrument, or as things stand.",
    413: "The body is too large.",
    415: "The body is not said to be JSON.",
    429: "Too many requests.",
    500: "Something that nobody foresaw.",
    503: "What would answer this is not there, or did not answer in time; the reason says what that means.",
}
#: What any operation may be answered with: a key that is shown is looked at also where none is needed.
_OF_ALL: Final = (400, 401, 403, 413, 429, 500, 503)
_OF_BODIES: Final = (404, 409, 415)


def document(routes: Sequence[Route]) -> dict[str, Any]:
    """The whole document, as JSON has it."""
    answers = {route.answer for route in routes}
    bodies = {route.body for route in routes if route.body is not None}
    whole = schemas({*answers, *bodies, Problem})
    parts = selected(whole, [route.answer.__name__ for route in routes if _selects(route)])
    paths: dict[str, dict[str, Any]] = {}
    for route in routes:
        paths.setdefault(route.path, {})[route.method.lower()] = _operation(route)
    return {
        "openapi": "3.1.0",
        "info": {"title": "matchbus", "version": version("matchbus"), "description": _WHAT},
        "servers": [{"url": "/"}],
        "tags": _tags(routes),
        "paths": paths,
        "components": {
            "schemas": {**whole, **parts, "Problem": _problem(whole["Problem"])},
            "responses": {str(status): _refusal(status) for status in _STATUSES},
            "headers": {
                "X-Request-Id": {
                    "description": "The id of this request, the one of an error as well.",
                    "required": True,
                    "schema": {"type": "string", "pattern": "^[0-9a-f]{32}$"},
                }
            },
            "securitySchemes": {
                name: {"type": "apiKey", "in": "header", "name": header, "description": description}
                for name, (header, description) in _SECURITY.items()
            },
        },
    }


def _operation(route: Route) -> dict[str, Any]:
    names = _NAME.findall(route.path)
    parameters = [path_parameter(name) for name in names]
    if route.query is not NoQuery:
        parameters += query_parameters(route.query)
    if _selects(route):
        parameters.append(_fields(route.answer))
    if route.cache_s is not None:
        parameters.append(_IF_NONE_MATCH)
    operation: dict[str, Any] = {
        "operationId": f"{route.method.lower()}{re.sub(r'[^A-Za-z0-9]+', '_', route.path).rstrip('_')}",
        "summary": route.summary,
        "description": _told(route),
        "tags": [_tag(route)],
        "parameters": parameters,
        "responses": {
            str(route.status): _answer(route),
            **{str(status): {"$ref": f"#/components/responses/{status}"} for status in _refusals(route)},
            **({str(route.otherwise): _bad_news(route)} if route.otherwise is not None else {}),
        },
    }
    if route.body is not None:
        schema = {"$ref": REF + route.body.__name__}
        content = {"schema": schema, "example": EXAMPLES[route.body]}
        operation["requestBody"] = {"required": True, "content": {JSON: content}}
    if route.scope is not None:
        operation["security"] = [{name: [] for name in _SECURITY}]
    return operation


def _refusals(route: Route) -> list[int]:
    found = {*_OF_ALL}
    if route.cache_s is not None:
        found.add(304)
    if route.body is not None:
        found |= {*_OF_BODIES}
    if _NAME.search(route.path) or route.query is not NoQuery:
        found |= {404, 409}
    return sorted(found)


def _answer(route: Route) -> dict[str, Any]:
    name = route.answer.__name__
    schema: dict[str, Any] = {"type": "string"}
    if route.content_type == JSON:
        schema = {"$ref": REF + name}
    if _selects(route):
        schema = {"anyOf": [schema, {"$ref": REF + name + SELECTED}]}
    headers: dict[str, Any] = {"X-Request-Id": _REQUEST_ID}
    if route.cache_s is not None:
        text = {"required": True, "schema": {"type": "string"}}
        headers["ETag"] = {"description": "What is compared with If-None-Match.", **text}
        headers["Cache-Control"] = {"description": "How long the answer may be kept.", **text}
    description = inspect.cleandoc(route.answer.__doc__ or route.summary).partition("\n\n")[0]
    return {
        "description": " ".join(description.split()),
        "headers": headers,
        "content": {route.content_type: {"schema": schema}},
    }


def _bad_news(route: Route) -> dict[str, Any]:
    """The same answer with another status, at which a refusal may come as well."""
    assert route.otherwise is not None, "whoever asks has looked"
    answer = _answer(route)
    media = answer["content"][route.content_type]
    media["schema"] = {"anyOf": [media["schema"], {"$ref": f"{REF}Problem"}]}
    return {**answer, "description": _STATUSES[route.otherwise]}


def _refusal(status: int) -> dict[str, Any]:
    said: dict[str, Any] = {"description": _STATUSES[status], "headers": {"X-Request-Id": _REQUEST_ID}}
    if status >= 400:
        said["content"] = {JSON: {"schema": {"$ref": f"{REF}Problem"}}}
    if status in (429, 503):
        said["headers"]["Retry-After"] = {
            "description": "After how many seconds it may be tried again, where that is known.",
            "schema": {"type": "integer", "minimum": 0},
        }
    return said


def _problem(schema: dict[str, Any]) -> dict[str, Any]:
    """The shape of errors, with all codes that there are."""
    codes = {
        **{code: row[0] for code, row in REASONS.items()},
        **{n: row[0] for n, row in WEB_REASONS.items()},
    }
    means = {
        **{code: row[1] for code, row in REASONS.items()},
        **{n: row[2] for n, row in WEB_REASONS.items()},
    }
    lines = "\n".join(f"| {code} | `{codes[code]}` | {means[code]} |" for code in sorted(codes))
    properties = {
        **schema["properties"],
        "code": {"enum": sorted(codes)},
        "reason": {"enum": [codes[code] for code in sorted(codes)]},
    }
    table = f"\n\n| code | reason | meaning |\n|---|---|---|\n{lines}"
    return {**schema, "properties": properties, "description": schema["description"] + table}


def _fields(answer: type[msgspec.Struct]) -> dict[str, Any]:
    return {
        "name": "fields",
        "in": "query",
        "required": False,
        "description": "Of the answer only these, `a,b.c`: paths from the outside in, through lists.",
        "style": "form",
        "explode": False,
        "schema": {
            "type": "array",
            "items": {"enum": list(paths_of(answer))},
            "minItems": 1,
            "maxItems": PATHS_MAX,
        },
    }


_REQUEST_ID: Final = {"$ref": "#/components/headers/X-Request-Id"}
_IF_NONE_MATCH: Final = {
    "name": "If-None-Match",
    "in": "header",
    "required": False,
    "description": "ETags of what the caller has; 304 and no body when there is nothing else.",
    "schema": {"type": "string"},
}


def _selects(route: Route) -> bool:
    """Whether `?fields=` means something."""
    return route.content_type == JSON and bool(route.answer.__struct_fields__)


def _told(route: Route) -> str:
    """The handler's docstring, unless it says what the summary says."""
    told = [inspect.getdoc(route.handler) or ""]
    if told[0].rstrip(".") in ("", route.summary):
        told = []
    if route.scope is not None:
        told.append(f"Needs a key of scope `{route.scope}`.")
    return "\n\n".join([*told, f"Cost class: `{route.cost}`."])


def _tag(route: Route) -> str:
    return str(route.handler.__module__).rpartition(".")[2]


def _tags(routes: Iterable[Route]) -> list[dict[str, str]]:
    """The subjects, in the order of the table; what they are stands at the top of their modules."""
    found: dict[str, str] = {}
    for route in routes:
        module = sys.modules[route.handler.__module__]
        found.setdefault(_tag(route), inspect.cleandoc(module.__doc__ or "").partition("\n\n")[0])
    return [{"name": name, "description": " ".join(told.split())} for name, told in found.items()]
