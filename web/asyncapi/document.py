"""AsyncAPI 3.0 of all that is said over WebSocket and ZeroMQ: https://www.asyncapi.com/docs/reference/specification/v3.0.0.

Everything is taken from the sockets' routes and from the Structs that travel: a message that is added is in the
document without further doing.
"""

from collections.abc import Sequence
from importlib.metadata import version
from typing import Any, Final

from web.asyncapi import websocket, zeromq
from web.edge.problems import JSON
from web.routes import Route

_WHAT: Final = """\
Messages of a matchbus exchange: over WebSocket for everybody, in JSON; over ZeroMQ between its processes and for
whoever has access to them, in MessagePack.

Actions are the exchange's: what it receives a client sends. Over ZeroMQ everything is an array whose places have the
titles that stand there; the exchange may add places at the end of what it sends. Requests over HTTP stand in OpenAPI
(`/openapi.json`).
"""


def document(sockets: Sequence[Route]) -> dict[str, Any]:
    """The whole document, as JSON has it. `sockets`: where WebSockets are opened."""
    parts = (websocket.part(sockets), zeromq.part())
    return {
        "asyncapi": "3.0.0",
        "info": {"title": "matchbus", "version": version("matchbus"), "description": _WHAT},
        "defaultContentType": JSON,
        "servers": {name: node for part in parts for name, node in part.servers.items()},
        "channels": {name: node for part in parts for name, node in part.channels.items()},
        "operations": {name: node for part in parts for name, node in part.operations.items()},
        "components": {
            "messages": {name: node for part in parts for name, node in part.messages.items()},
            "schemas": {name: node for part in parts for name, node in part.schemas.items()},
        },
    }
