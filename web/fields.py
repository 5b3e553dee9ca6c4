"""`?fields=a,b.c`: of an answer only what was asked for, on every route.

A path names fields from the outside in; what stands in a list is taken from each of its elements. A path that the
answer's type does not have is refused by name, whatever the answer would have been.
"""

import functools
from typing import Any, Final, get_args

import msgspec

from web.errors import BAD_QUERY, UNKNOWN_FIELD, Refusal

#: Paths of one request.
PATHS_MAX: Final = 50
#: A tree of names; an empty one stands for all that is there.
Selection = dict[str, Any]


def parse(text: str, answer: type[msgspec.Struct]) -> Selection:
    """The selection that a text means for an answer of this type. Raises Refusal."""
    paths = text.split(",")
    if len(paths) > PATHS_MAX:
        raise Refusal(BAD_QUERY, f"at most {PATHS_MAX} fields", "fields")
    tree: Selection = {}
    for path in paths:
        if path not in paths_of(answer):
            raise Refusal(UNKNOWN_FIELD, f"the answer has no field {path[:100]!r}", "fields")
        names = path.split(".")
        branch = tree
        for index, name in enumerate(names):
            if name in branch and not branch[name]:
                break  # all of it was asked for already
            last = index == len(names) - 1
            branch = branch.setdefault(name, {})
            if last:
                branch.clear()
    return tree


def select(selection: Selection, value: Any) -> Any:
    """What is asked for of a value made of dicts and lists."""
    if not selection:
        return value
    if isinstance(value, list):
        return [select(selection, element) for element in value]
    if isinstance(value, dict):
        return {name: select(below, value[name]) for name, below in selection.items() if name in value}
    return value


@functools.cache
def paths_of(answer: type[msgspec.Struct]) -> tuple[str, ...]:
    """Every path that an answer of this type has, from the outside in. Made once for each type."""
    found: list[str] = []
    for struct in structs_in(answer):
        for field in msgspec.structs.fields(struct):
            found.append(field.encode_name)
            found += [
                f"{field.encode_name}.{path}" for inner in structs_in(field.type) for path in paths_of(inner)
            ]
    return tuple(dict.fromkeys(found))


def structs_in(kind: Any) -> list[type[msgspec.Struct]]:
    """The Structs that a value of a type may be, or may hold in lists."""
    if isinstance(kind, type) and issubclass(kind, msgspec.Struct):
        return [kind]
    return [found for inner in get_args(kind) for found in structs_in(inner)]
