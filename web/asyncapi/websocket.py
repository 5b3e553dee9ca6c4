"""Channels of the web's sockets: what a client says there by `op`, and what it is told by `type`."""

import inspect
from collections.abc import Sequence
from typing import Final, get_args

import msgspec

from bus.addresses import OFFSETS
from web.asyncapi.parts import MESSAGES, Node, Part, of_channel, reference, server
from web.asyncapi.schemas import schemas
from web.edge.problems import JSON
from web.openapi.components import REF
from web.routes import NoQuery, Route
from web.schemas import own, stream

_SERVER: Final = "websocket"


def part(sockets: Sequence[Route]) -> Part:
    """What is said over WebSocket at these paths."""
    said = [*get_args(stream.ClientMessage)]
    told = _told()
    channels: dict[str, Node] = {}
    operations: dict[str, Node] = {}
    for socket in sockets:
        name = "_".join(socket.path.strip("/").split("/"))
        channels[name] = {
            "address": socket.path,
            "title": socket.summary,
            "servers": [reference(f"#/servers/{_SERVER}")],
            "messages": {kind.__name__: reference(MESSAGES + kind.__name__) for kind in (*said, *told)},
            "bindings": {"ws": {"method": "GET", **_query(socket), "bindingVersion": "0.1.0"}},
        }
        operations[f"{name}_said"] = {
            "action": "receive",
            "title": "What a client says",
            "channel": of_channel(name),
            "messages": [of_channel(name, kind.__name__) for kind in said],
        }
        operations[f"{name}_told"] = {
            "action": "send",
            "title": "What a client is told",
            "channel": of_channel(name),
            "messages": [of_channel(name, kind.__name__) for kind in told],
        }
    return Part(
        {_SERVER: server("ws", OFFSETS["web"], "The web. Each message is a text of JSON.")},
        channels,
        operations,
        {kind.__name__: _message(kind) for kind in (*said, *told)},
        schemas((*said, *told)),
    )


def _query(socket: Route) -> Node:
    """What may stand in the query when it is opened."""
    if socket.query is NoQuery:
        return {}
    return {"query": schemas([socket.query])[socket.query.__name__]}


def _told() -> list[type[msgspec.Struct]]:
    """Every message that a server says, in the order in which they are defined."""
    named = [*vars(stream).values(), *vars(own).values()]
    kinds = [one for one in named if isinstance(one, type) and issubclass(one, msgspec.Struct)]
    return [kind for kind in dict.fromkeys(kinds) if kind.__struct_config__.tag_field == "type"]


def _message(kind: type[msgspec.Struct]) -> Node:
    summary, _, more = inspect.cleandoc(kind.__doc__ or "").partition("\n\n")
    message = {
        "name": str(kind.__struct_config__.tag),
        "title": kind.__name__,
        "summary": " ".join(summary.split()),
        "contentType": JSON,
        "payload": reference(REF + kind.__name__),
    }
    return message | ({"description": more} if more else {})
