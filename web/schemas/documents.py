"""The documents of REST itself."""

from typing import Any

from msgspec import Struct


class OpenApi(Struct, frozen=True):
    """A document in OpenAPI 3.1: all operations, what goes in and what comes out."""

    openapi: str
    info: dict[str, Any]
    servers: list[dict[str, Any]]
    tags: list[dict[str, Any]]
    paths: dict[str, Any]
    components: dict[str, Any]


class Page(Struct, frozen=True):
    """A page for people, in HTML, or its style."""
