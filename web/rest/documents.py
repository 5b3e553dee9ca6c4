"""The documents: OpenAPI for programs, and the same as a page for people; AsyncAPI of what is said in messages.

Made of the table of routes when they are first asked for, which takes some ten milliseconds.
"""

from collections.abc import Sequence
from functools import cache
from typing import Any, Final

import msgspec

from web.asyncapi.document import document as asyncapi_document
from web.call import Call
from web.edge.problems import JSON
from web.openapi.document import document
from web.openapi.page import STYLE, page
from web.routes import HOUSE, Route
from web.schemas.documents import AsyncApi, OpenApi, Page

HTML: Final = "text/html; charset=utf-8"
CSS: Final = "text/css; charset=utf-8"
#: A document changes with the version that serves it.
_CACHE_S: Final = 60


def routes(others: Sequence[Route], sockets: Sequence[Route]) -> tuple[Route, ...]:
    """Routes that tell of all others and of themselves, and of what is said over WebSockets and ZeroMQ."""

    @cache
    def told() -> dict[str, Any]:
        return document((*others, *own))

    @cache
    def rendered() -> bytes:
        return page(told()).encode()

    async def openapi(call: Call) -> OpenApi:
        """All operations in OpenAPI 3.1, as a program reads them."""
        del call
        return msgspec.convert(told(), OpenApi)

    @cache
    def messages() -> AsyncApi:
        return msgspec.convert(asyncapi_document(sockets), AsyncApi)

    async def asyncapi(call: Call) -> AsyncApi:
        """All that is said over WebSocket and ZeroMQ, in AsyncAPI 3.0, as a program reads it."""
        del call
        return messages()

    async def reference(call: Call) -> bytes:
        """All operations on one page, as people read them."""
        del call
        return rendered()

    async def style(call: Call) -> bytes:
        """How that page looks."""
        del call
        return STYLE.encode()

    own = (
        _route("/openapi.json", openapi, "This document", OpenApi),
        _route("/asyncapi.json", asyncapi, "The document of messages", AsyncApi),
        _route("/reference", reference, "This document as a page", Page, HTML),
        _route("/reference.css", style, "How that page looks", Page, CSS),
    )
    return own


def _route(
    path: str, handler: Any, summary: str, answer: type[msgspec.Struct], content_type: str = JSON
) -> Route:
    return Route(
        method="GET",
        path=path,
        handler=handler,
        summary=summary,
        scope=None,
        cost=HOUSE,
        answer=answer,
        cache_s=_CACHE_S,
        content_type=content_type,
    )
