"""The schemas of Structs, as msgspec makes them, with what their docstrings say of their fields.

Each Struct of an answer is there twice: whole, and as `...Selected`, of which `?fields=` leaves out whatever it wants.
"""

import inspect
import re
from collections.abc import Iterable, Mapping
from typing import Any, Final

import msgspec

from web.fields import structs_in
from web.schemas.conditions import CONDITIONS

REF: Final = "#/components/schemas/"
SELECTED: Final = "Selected"
Schema = dict[str, Any]

#: Python's way to say that nothing may follow is `\Z`; JSON Schema's regular expressions say it with `$`.
_PYTHONS_END: Final = re.compile(r"\\Z$")
#: "`name`: what it is", up to the next one or the end of the paragraph.
_TOLD: Final = re.compile(r"`(\w+)`: (.+?)(?=\s+`\w+`: |\n\n|\Z)", re.DOTALL)


def schemas(types: Iterable[type[msgspec.Struct]]) -> dict[str, Schema]:
    """The schemas of these types and of all that they hold, by name."""
    kinds = held(types)
    _, found = msgspec.json.schema_components(kinds, ref_template=REF + "{name}")
    by_name = {kind.__name__: kind for kind in kinds}
    return {name: _with_descriptions(_tidy(schema), by_name[name]) for name, schema in found.items()}


def selected(whole: Mapping[str, Schema], wanted: Iterable[str]) -> dict[str, Schema]:
    """These schemas and all that they refer to, under the names with `Selected`, with nothing required."""
    found: dict[str, Schema] = {}
    left = list(wanted)
    while left:
        name = left.pop()
        if name + SELECTED in found:
            continue
        schema = {key: value for key, value in whole[name].items() if key not in ("required", "title")}
        if schema.get("type") == "object":
            schema.setdefault("additionalProperties", False)
        found[name + SELECTED], referred = _renamed(schema)
        left += referred
    return found


def described(kind: type[msgspec.Struct]) -> dict[str, str]:
    """What the docstrings of a Struct and its bases say of their fields."""
    found: dict[str, str] = {}
    for base in reversed(kind.__mro__):
        if issubclass(base, msgspec.Struct) and base is not msgspec.Struct:
            doc = inspect.cleandoc(base.__doc__ or "")
            found |= {name: _sentence(" ".join(text.split())) for name, text in _TOLD.findall(doc)}
    return found


def query_parameters(kind: type[msgspec.Struct]) -> list[Schema]:
    """A query's fields as parameters."""
    (reference,), found = msgspec.json.schema_components([kind], ref_template=REF + "{name}")
    schema = _tidy(found[reference["$ref"].removeprefix(REF)])
    told = described(kind)
    parameters = []
    for name, of_field in schema["properties"].items():
        described_schema = _without_null(of_field)
        description = described_schema.pop("description", told.get(name, ""))
        parameters.append(
            {
                "name": name,
                "in": "query",
                "required": name in schema.get("required", ()),
                "description": description,
                "schema": described_schema,
            }
        )
    return parameters


def held(types: Iterable[type[msgspec.Struct]]) -> list[type[msgspec.Struct]]:
    """These, and all Structs in their fields, by their names."""
    found: dict[str, type[msgspec.Struct]] = {}
    left = list(types)
    while left:
        kind = left.pop()
        if kind.__name__ not in found:
            found[kind.__name__] = kind
            left += [inner for field in msgspec.structs.fields(kind) for inner in structs_in(field.type)]
        assert found[kind.__name__] is kind, f"two Structs are called {kind.__name__}"
    return [found[name] for name in sorted(found)]


def _with_descriptions(schema: Schema, kind: type[msgspec.Struct]) -> Schema:
    """The schema, its properties with what the docstring says of them, and which of them need each other."""
    told = described(kind)
    properties = {
        name: {"description": told[name], **of_field} if name in told and "$ref" not in of_field else of_field
        for name, of_field in schema.get("properties", {}).items()
    }
    if properties:
        schema = {**schema, "properties": properties}
    return {**schema, **CONDITIONS.get(kind, {})}


def _without_null(schema: Schema) -> Schema:
    """What a parameter may be where it is given: there is no null in a query."""
    schema = {key: value for key, value in schema.items() if not (key == "default" and value is None)}
    some = [one for one in schema.get("anyOf", ()) if one != {"type": "null"}]
    if len(some) == 1:
        rest = {key: value for key, value in schema.items() if key != "anyOf"}
        return {**some[0], **rest}
    return schema


def _tidy(schema: Any) -> Any:
    if isinstance(schema, list):
        return [_tidy(one) for one in schema]
    if not isinstance(schema, dict):
        return schema
    tidied = {key: _tidy(value) for key, value in schema.items()}
    if isinstance(pattern := tidied.get("pattern"), str):
        tidied["pattern"] = _PYTHONS_END.sub("$", pattern)
    if isinstance(description := tidied.get("description"), str):
        tidied["description"] = inspect.cleandoc(description)
    return tidied


def _renamed(schema: Any) -> tuple[Any, list[str]]:
    """With references to the selected ones; and the names of those."""
    if isinstance(schema, list):
        pairs = [_renamed(one) for one in schema]
        return [one for one, _ in pairs], [name for _, names in pairs for name in names]
    if not isinstance(schema, dict):
        return schema, []
    found, referred = {}, []
    for key, value in schema.items():
        if key == "$ref":
            referred.append(value.removeprefix(REF))
            found[key] = value + SELECTED
        else:
            found[key], more = _renamed(value)
            referred += more
    return found, referred


def _sentence(text: str) -> str:
    text = text.strip().rstrip(";,")
    return text if text.endswith(".") else f"{text}."
