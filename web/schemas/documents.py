"""The documents of REST and of messages."""

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


class AsyncApi(Struct, frozen=True, rename="camel"):
    """A document in AsyncAPI 3.0: all channels, and what is said in them."""

    asyncapi: str
    info: dict[str, Any]
    default_content_type: str
    servers: dict[str, Any]
    channels: dict[str, Any]
    operations: dict[str, Any]
    components: dict[str, Any]


class Page(Struct, frozen=True):
    """A page for people, in HTML, or its style."""
