"""Structs as AsyncAPI has them: JSON Schema of draft 7, which all its tools read.

On the wire a Struct is an array: what stands at each place has the name of its field as a title.
"""

from collections.abc import Iterable
from typing import Any, Final

import msgspec

from web.asyncapi.parts import Node
from web.openapi.components import REF, held
from web.openapi.components import schemas as newer

#: Of a Struct that is told apart by its first place.
_TAG: Final = "tag"


def schemas(types: Iterable[type[msgspec.Struct]], prefix: str = "") -> dict[str, Node]:
    """The schemas of these types and of all that they hold, under their names behind a prefix."""
    types = list(types)
    places = {kind.__name__: _places(kind) for kind in held(types)}
    return {
        prefix + name: _named(_older(schema, prefix), places[name]) for name, schema in newer(types).items()
    }


def _places(kind: type[msgspec.Struct]) -> list[str]:
    """What stands at each place of the array that a Struct is."""
    config = kind.__struct_config__
    if not config.array_like:
        return []
    tag = [] if config.tag is None else [_TAG]
    return tag + [field.encode_name for field in msgspec.structs.fields(kind)]


def _named(schema: Node, places: list[str]) -> Node:
    if not places:
        return schema
    items = [
        {"title": place, **item} if "$ref" not in item else {"title": place, "allOf": [item]}
        for place, item in zip(places, schema["items"], strict=True)
    ]
    return {**schema, "items": items}


def _older(schema: Any, prefix: str) -> Any:
    """Of draft 2020-12 what msgspec uses, in the words of draft 7."""
    if isinstance(schema, list):
        return [_older(one, prefix) for one in schema]
    if not isinstance(schema, dict):
        return schema
    found = {}
    for key, value in schema.items():
        if key == "$ref":
            found[key] = REF + prefix + value.removeprefix(REF)
        elif key == "prefixItems":
            found["items"] = _older(value, prefix)
        elif key == "contentEncoding":
            found["format"] = "binary"  # on the wire bytes are bytes
        elif key != "discriminator" and not (key == "items" and "prefixItems" in schema):
            # There a discriminator is no object; the tags tell the same.
            found[key] = _older(value, prefix)
    return found
