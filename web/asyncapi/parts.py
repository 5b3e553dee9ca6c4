"""What each transport gives to the whole document, by the names that it has there."""

from typing import Any, Final

from msgspec import Struct

from bus.config import Engine

#: Where an exchange listens that was not told otherwise.
_PORT_BASE: Final = Engine().port_base
MESSAGES: Final = "#/components/messages/"
Node = dict[str, Any]


class Part(Struct, frozen=True):
    """Servers, channels, operations, messages and schemas, by name."""

    servers: dict[str, Node]
    channels: dict[str, Node]
    operations: dict[str, Node]
    messages: dict[str, Node]
    schemas: dict[str, Node]


def reference(where: str) -> Node:
    """To what stands elsewhere in the document."""
    return {"$ref": where}


def of_channel(channel: str, message: str = "") -> Node:
    """To a channel, or to a message of it."""
    return reference(f"#/channels/{channel}" + (f"/messages/{message}" if message else ""))


def server(protocol: str, offset: int, description: str) -> Node:
    """A server on loopback, at a port that is counted from the port base."""
    told = f"The port base and {offset}."
    return {
        "host": "127.0.0.1:{port}",
        "protocol": protocol,
        "description": description,
        "variables": {"port": {"default": str(_PORT_BASE + offset), "description": told}},
    }
