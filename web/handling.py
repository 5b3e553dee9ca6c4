"""The way of one request: found ─▶ admitted ─▶ read ─▶ handled ─▶ said, and each may end in a refusal.

One Tornado handler serves every path; what a path can do stands in its routes. Whatever goes wrong leaves as the one
JSON shape of errors, with the request's id, and never as a trace.
"""

import asyncio
import functools
from collections.abc import Mapping
from email.utils import formatdate
from http import HTTPStatus
from secrets import token_hex
from typing import Any, Final, cast

import msgspec
import structlog
from tornado.http1connection import HTTP1Connection
from tornado.httputil import HTTPHeaders
from tornado.web import RequestHandler

from bus.clock import monotonic_ns, utc_ns
from bus.errors import MatchbusError
from web import bodies
from web.call import Call
from web.edge import heads
from web.edge.problems import JSON, SECURITY_HEADERS, problem
from web.edge.tls import STRICT_TRANSPORT
from web.errors import (
    BAD_JSON,
    BAD_PATH,
    BAD_QUERY,
    BUG,
    INVALID_FIELD,
    METHOD_NOT_ALLOWED,
    MISSING_FIELD,
    NOT_FOUND,
    WRONG_CONTENT_TYPE,
    Refusal,
    of_failure,
    of_validation,
)
from web.fields import Selection, parse, select
from web.guard.guard import Guard
from web.guard.principal import Principal
from web.house import House
from web.routes import Otherwise, Route
from web.tally import NOWHERE

_LOG: Final = structlog.get_logger("matchbus.web")
_REQUEST_ID_BYTES: Final = 16
_NS_PER_S: Final = 1_000_000_000
#: Parameters of a query that every route has.
_FIELDS: Final = "fields"


class Handler(RequestHandler):
    """See above. `routes`: those of this path, by method; none where there is nothing."""

    def initialize(self, house: House, guard: Guard, routes: Mapping[str, Route]) -> None:
        """What Tornado hands over, when the request is there as a whole."""
        self._began_ns = monotonic_ns()
        self._house = house
        self._guard = guard
        self._routes = routes
        self._who: Principal | None = None
        self._names: Mapping[str, str] = {}
        self._symbol: str | None = None
        method = self.request.method or ""
        # HEAD is GET whose body is not sent, which Tornado sees to.
        self._route = routes.get("GET" if method == "HEAD" else method)

    def clear(self) -> None:
        """As Tornado's, for an answer to be begun; what is the same in many answers is not made for each."""
        self.request_id = token_hex(_REQUEST_ID_BYTES)
        headers = self._headers = HTTPHeaders()
        headers["Date"] = _date(utc_ns() // _NS_PER_S)
        headers["X-Request-Id"] = self.request_id
        for name, value in SECURITY_HEADERS.items():
            headers[name] = value
        if self.request.protocol == "https":
            for name, value in STRICT_TRANSPORT.items():
                headers[name] = value
        self._write_buffer = []
        self.set_status(HTTPStatus.OK)

    async def _any(self, *_: str, **path: str) -> None:
        try:
            await self._serve(self._route, path)
        except Refusal as refusal:
            self._refuse(refusal)
        except MatchbusError as failure:
            self._refuse(of_failure(failure))
        except Exception:
            _LOG.exception("a request failed", request_id=self.request_id)
            self._refuse(Refusal(BUG))
        self._guard.told(self._route, self.request, self.get_status())

    get = head = post = put = patch = delete = options = _any

    async def _serve(self, route: Route | None, path: dict[str, str]) -> None:
        try:
            self._who = who = await self._guard.admit(route, self.request)
        except Refusal:
            self._who = self._guard.caller(self.request)
            raise
        if route is None:
            self._serve_nothing()
            return
        self._names, self._symbol = path, path.get("symbol")
        query, selection = self._read_query(route)
        call = Call(self._house, path, query, self._read_body(route), who)
        if self._symbol is None:
            self._symbol = getattr(query if call.body is None else call.body, "symbol", None)
        try:
            answer = await route.handler(call)
            self.set_status(route.status)
        except Otherwise as bad_news:
            assert route.otherwise is not None, f"{route.path} has no other status"
            answer = bad_news.answer
            self.set_status(route.otherwise)
        if route.cache_s is not None:
            self.set_header("Cache-Control", f"public, max-age={route.cache_s}")
        if selection:
            answer = select(selection, msgspec.to_builtins(answer))
        self._say(answer if isinstance(answer, bytes) else msgspec.json.encode(answer), route.content_type)

    def _serve_nothing(self) -> None:
        """No route: a browser may have asked whether it may send what a page of another site wants."""
        told = None
        if self.request.method == "OPTIONS" and self._routes:
            told = self._house.origins.preflight(self.request.headers, self._methods())
        if told is None:
            raise self._not_here()
        self.set_status(HTTPStatus.NO_CONTENT)
        for name, value in told.items():
            self.set_header(name, value)
        self.finish()

    def _methods(self) -> list[str]:
        return sorted({*self._routes, *(("HEAD",) if "GET" in self._routes else ())})

    def _not_here(self) -> Refusal:
        if not self._routes:
            return Refusal(NOT_FOUND)
        return Refusal(METHOD_NOT_ALLOWED, headers={"Allow": ", ".join(self._methods())})

    def _read_query(self, route: Route) -> tuple[msgspec.Struct, Selection]:
        given: dict[str, str] = {}
        for name, values in self.request.query_arguments.items():
            if len(values) != 1:
                raise Refusal(BAD_QUERY, "a parameter stands there twice", name)
            try:
                given[name] = values[0].decode()
            except UnicodeDecodeError:
                raise Refusal(BAD_QUERY, "a parameter is not UTF-8", name) from None
        fields = given.pop(_FIELDS, None)
        selection = parse(fields, route.answer) if fields is not None else {}
        try:
            query = msgspec.convert(given, route.query, strict=False)
        except msgspec.ValidationError as error:
            raise of_validation(error) from None
        for name, attribute in _optional(route.query):
            # msgspec reads the text "null" as nothing; who means nothing says nothing.
            if name in given and getattr(query, attribute) is None:
                raise Refusal(INVALID_FIELD, "there is no null in a query", name)
        return query, selection

    def _read_body(self, route: Route) -> Any:
        body = self.request.body
        if route.body is None:
            if body:
                raise Refusal(BAD_JSON, "nothing is read from a body here")
            return None
        if not self._is_json():
            raise Refusal(WRONG_CONTENT_TYPE)
        if not body:
            raise Refusal(MISSING_FIELD, "a JSON body has to be given")
        return bodies.read(body, _decoder(route.body))

    def _is_json(self) -> bool:
        return self.request.headers.get("Content-Type", "").partition(";")[0].strip().lower() == JSON

    def _refuse(self, refusal: Refusal) -> None:
        self.set_status(refusal.status)
        self.clear_header("Cache-Control")
        for name, value in refusal.headers.items():
            self.set_header(name, value)
        self._say(problem(refusal, self.request_id))

    def _say(self, body: bytes, content_type: str = JSON) -> None:
        headers = self._headers
        if "Cache-Control" not in headers:
            headers["Cache-Control"] = "no-store"
        headers["Content-Type"] = content_type
        for name, value in self._guard.headers(self.request).items():
            headers[name] = value
        self.finish(body)

    def flush(self, include_footers: bool = False) -> "asyncio.Future[None]":
        """As Tornado's: the answer leaves, once. It is counted before, so that whoever has it finds it counted."""
        for name, value in self._house.origins.headers(self.request.headers).items():
            self.add_header(name, value)
        route = self._route
        where = (NOWHERE, NOWHERE) if route is None else (route.method, route.path)
        status, took_us = self.get_status(), (monotonic_ns() - self._began_ns) // 1_000
        self._house.tally.add(*where, status, took_us)
        self._house.usage.answered(self._who, *where, self._names, self._symbol, status, took_us)
        if self._headers_written or not heads.is_plain(self.request, status):
            return super().flush(include_footers)
        self._headers_written = True
        body, self._write_buffer = b"".join(self._write_buffer), []
        connection = cast(HTTP1Connection, self.request.connection)
        return connection.write(heads.head(status, self._headers) + body)

    def compute_etag(self) -> str | None:
        """Only of what may be kept."""
        if self._headers.get("Cache-Control") == "no-store":
            return None
        return super().compute_etag()

    def write_error(self, status_code: int, **_: Any) -> None:
        """What Tornado itself refuses before a route is reached: methods of no HTTP, bad paths, bad forms."""
        if status_code == HTTPStatus.METHOD_NOT_ALLOWED:
            self._refuse(self._not_here())
        elif status_code == HTTPStatus.BAD_REQUEST and self.request.body and not self._is_json():
            self._refuse(Refusal(WRONG_CONTENT_TYPE))
        else:
            self._refuse(Refusal(BUG if status_code >= 500 else BAD_PATH))

    def log_exception(self, *_: Any) -> None:
        """Nothing: what nobody foresaw was told in `_any`, the rest is the caller's mistake."""


@functools.cache
def _decoder(body: type[msgspec.Struct]) -> "msgspec.json.Decoder[Any]":
    return msgspec.json.Decoder(body)


@functools.cache
def _optional(query: type[msgspec.Struct]) -> tuple[tuple[str, str], ...]:
    """The parameters of a query that may be left out without a value in their place: `(name, attribute)`."""
    fields = msgspec.structs.fields(query)
    return tuple((field.encode_name, field.name) for field in fields if field.default is None)


@functools.lru_cache(1)
def _date(utc_s: int) -> str:
    """The header Date."""
    return formatdate(utc_s, usegmt=True)
