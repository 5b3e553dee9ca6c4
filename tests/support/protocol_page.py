"""What `docs/protocol.md` says, and functions to the list of where that is not what the code does.

A page is a text of sections, one a heading. In a section stand tables, and examples:

    ```hex command
    92 0b 05
    = [11, 5]
    ```

where the second word says in what such an item travels. Like `tests/support/house.py`, everything here can be pointed
at a page with a planted error.
"""

import json
import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, Final

import msgpack  # type: ignore[import-untyped]  # has no types
import msgspec
from msgspec import Raw, inspect

from bus.protocol import codec, history_codec
from bus.protocol.market import codec as market_codec

NO_DEFAULT: Final = "—"
#: How bytes are written in the JSON of an example, which has none.
BYTES: Final = "hex:"


@dataclass
class Example:
    """Bytes, what they mean, and in what they travel."""

    kind: str
    packed: bytes
    value: Any


@dataclass
class Section:
    """What stands under one heading: rows of cells without their header, examples, blocks of code by language."""

    rows: list[list[str]] = field(default_factory=list)
    examples: list[Example] = field(default_factory=list)
    code: dict[str, list[str]] = field(default_factory=dict)
    text: str = ""


def sections(page: str) -> dict[str, Section]:
    """The sections of a page by their headings."""
    found: dict[str, Section] = {"": Section()}
    section = found[""]
    block: list[str] | None = None
    language = ""
    header = True
    for line in page.splitlines():
        section.text += line + "\n"
        if line.startswith("```"):
            if block is None:
                block, language = [], line[3:].strip()
            else:
                _close(section, language, block)
                block = None
        elif block is not None:
            block.append(line)
        elif line.startswith("#"):
            section = found.setdefault(line.lstrip("# "), Section())
        elif line.startswith("|"):
            cells = [cell.strip() for cell in line.strip("|").split("|")]
            if set(cells[0]) == {"-"}:
                header = False
            elif not header:
                section.rows.append(cells)
        if not line.startswith("|"):
            header = True
    return found


def _close(section: Section, language: str, block: list[str]) -> None:
    first, _, kind = language.partition(" ")
    if first == "hex":
        packed, _, value = " ".join(line.strip() for line in block).partition("= ")
        section.examples.append(Example(kind, bytes.fromhex(packed), _with_bytes(json.loads(value))))
    else:
        section.code.setdefault(first, []).append("\n".join(block) + "\n")


def _with_bytes(value: Any) -> Any:
    if isinstance(value, str) and value.startswith(BYTES):
        return bytes.fromhex(value.removeprefix(BYTES))
    return [_with_bytes(part) for part in value] if isinstance(value, list) else value


# Structs


def structs_of(module: Any) -> list[type[msgspec.Struct]]:
    """The structs that a module defines and that are said as arrays, in its order. (What is no array is never said.)"""
    return [
        kind
        for kind in vars(module).values()
        if isinstance(kind, type)
        and issubclass(kind, msgspec.Struct)
        and kind.__module__ == module.__name__
        and kind.__struct_config__.array_like
    ]


def type_word(info: inspect.Type) -> str:
    """A type as the page writes it."""
    match info:
        case inspect.IntType():
            return "uint" if info.ge == 0 else "int"
        case inspect.BoolType():
            return "bool"
        case inspect.BytesType():
            return "bytes"
        case inspect.StrType():
            return "text" if info.max_length is None else f"text {info.min_length or 0}-{info.max_length}"
        case inspect.ListType():
            return f"[{type_word(info.item_type)}]"
        case inspect.VarTupleType():
            return f"[{type_word(info.item_type)}]"
        case inspect.TupleType():
            return f"[{', '.join(map(type_word, info.item_types))}]"
        case inspect.StructType():
            return info.cls.__name__
        case inspect.UnionType() | inspect.RawType():
            return "item"
    raise TypeError(f"the page has no word for {info}")


def unit_of(name: str) -> str:
    """The unit that a field's name ends with, "" when it says none."""
    unit = name.rpartition("_")[2]
    return unit if unit in ("ticks", "lots", "ns", "ms") else ""


def rows_of(kind: type[msgspec.Struct]) -> list[tuple[str, str, str, str]]:
    """`(place, field, type, default)` of a struct, as its table must have them."""
    info = inspect.type_info(kind)
    assert isinstance(info, inspect.StructType)
    rows = []
    if info.tag is not None:
        rows.append(("0", "tag", f"`{info.tag}`", ""))
    for place, known in enumerate(info.fields, len(rows)):
        default = NO_DEFAULT if known.required else f"`{_default_text(_default_of(known))}`"
        rows.append((str(place), known.name, type_word(known.type), default))
    return rows


def _default_of(known: inspect.Field) -> Any:
    return known.default if known.default_factory is msgspec.NODEFAULT else known.default_factory()


def _default_text(default: Any) -> str:
    if isinstance(default, bytes):
        return json.dumps(BYTES + default.hex())
    return json.dumps(msgspec.to_builtins(default))


def structs_not_in_page(page: str, structs: Mapping[str, Iterable[type[msgspec.Struct]]]) -> Iterator[str]:
    """Structs whose section has no table of exactly their fields, by heading."""
    found = sections(page)
    for heading, kinds in structs.items():
        if heading not in found:
            yield f"{heading} has no section"
            continue
        rows = found[heading].rows
        for kind in kinds:
            wanted = rows_of(kind)
            said = [(row[0], row[1], row[2], row[4]) if len(row) == 6 else ("", "", "", "") for row in rows]
            for index in range(max(len(wanted), len(said))):
                here = said[index] if index < len(said) else None
                there = wanted[index] if index < len(wanted) else None
                if here != there:
                    yield f"{heading}, row {index}: the page says {here}, the code {there}"
        yield from (
            f"{heading}.{row[1]}: its unit is {unit_of(row[1])!r}, the page says {row[3]!r}"
            for row in rows
            if len(row) == 6 and unit_of(row[1]) and row[3] != unit_of(row[1])
        )


def unknown_tags(page: str, kinds: Iterable[type[msgspec.Struct]]) -> Iterator[str]:
    """Sections with a tag that belongs to no struct of that name."""
    known = {(kind.__name__, f"`{inspect.type_info(kind).tag}`") for kind in kinds}  # type: ignore[attr-defined]
    for heading, section in sections(page).items():
        for row in section.rows:
            if len(row) == 6 and row[1] == "tag" and (heading, row[2]) not in known:
                yield f"{heading} has the tag {row[2]}, the code has not"


# Numbers with names


def numbers_not_in_page(page: str, groups: Mapping[str, Mapping[int, str]]) -> Iterator[str]:
    """Groups of numbers whose section has not exactly these numbers and names, in this order."""
    found = sections(page)
    for heading, names in groups.items():
        rows = found.get(heading, Section()).rows
        said = [(row[0], row[1]) for row in rows if row[0].isdigit()]
        wanted = [(str(number), name) for number, name in names.items()]
        if said != wanted:
            yield f"{heading}: the page says {said}, the code {wanted}"


def reasons_not_in_page(page: str, reasons: Mapping[int, tuple[str, str]]) -> Iterator[str]:
    """Reasons that have no row with number, name and meaning, and rows of reasons that do not exist."""
    rows = sections(page).get("Reasons", Section()).rows
    said = {int(row[0]): (row[1], row[2]) for row in rows if row[0].isdigit()}
    for number in sorted(said.keys() | reasons.keys()):
        if said.get(number) != reasons.get(number):
            yield f"{number}: the page says {said.get(number)}, the code {reasons.get(number)}"


def limits_not_in_page(page: str, limits: Mapping[str, int]) -> Iterator[str]:
    """Limits, by the name of their setting or constant, that the page has not or has with another value."""
    said: dict[str, int] = {}
    for row in sections(page).get("Limits", Section()).rows:
        number = re.search(r"\d[\d,]*", row[1])
        said[row[2].strip("`")] = int(number[0].replace(",", "")) if number else -1
    for name in [*limits, *(name for name in said if name not in limits)]:
        if said.get(name) != limits.get(name):
            yield f"{name}: the page says {said.get(name)}, the code {limits.get(name)}"


# Examples

_Decode = Callable[[Example], tuple[Any, bytes]]


def _in_message(example: Example) -> tuple[Any, bytes]:
    message = codec.decode_client_message(codec.encode_message(7, 1, 1, [Raw(example.packed)]))
    (item,) = message.items
    return item, codec.encode(item)


def _in_recovery_message(example: Example) -> tuple[Any, bytes]:
    message = codec.decode_recovery_message(codec.encode_message(0, 1, 0, [Raw(example.packed)]))
    (item,) = message.items
    return item, codec.encode(item)


def _in_envelope(example: Example) -> tuple[Any, bytes]:
    first_report = 1 if example.kind == "report" else 0
    envelope = codec.decode_envelope(codec.encode_envelope(7, 1, first_report, 1, 1, [Raw(example.packed)]))
    (item,) = envelope.items
    return item, codec.encode(item)


def _in_recovery_envelope(example: Example) -> tuple[Any, bytes]:
    envelope = codec.decode_recovery_envelope(codec.encode_envelope(0, 1, 0, 1, 1, [Raw(example.packed)]))
    (item,) = envelope.items
    return item, codec.encode(item)


def _in_history_message(example: Example) -> tuple[Any, bytes]:
    message = history_codec.decode_history_message(codec.encode_message(0, 1, 0, [Raw(example.packed)]))
    (item,) = message.items
    return item, codec.encode(item)


def _in_history_envelope(example: Example) -> tuple[Any, bytes]:
    payload = codec.encode_envelope(0, 1, 0, 1, 1, [Raw(example.packed)])
    (item,) = history_codec.decode_history_envelope(payload).items
    return item, codec.encode(item)


def _in_market_message(example: Example) -> tuple[Any, bytes]:
    message = market_codec.decode_market_message(codec.encode_message(0, 1, 0, [Raw(example.packed)]))
    (item,) = message.items
    return item, codec.encode(item)


def _in_market_envelope(example: Example) -> tuple[Any, bytes]:
    payload = codec.encode_envelope(0, 1, 0, 1, 1, [Raw(example.packed)])
    (item,) = market_codec.decode_market_envelope(payload).items
    return item, codec.encode(item)


def _in_market_frame(example: Example) -> tuple[Any, bytes]:
    events = codec.encode([Raw(example.packed)])
    frame = market_codec.decode_market_frame(market_codec.encode_market_frame(1, 1, 1, 1, events))
    (event,) = frame.events
    return event, codec.encode(event)


def _in_exposure_frame(example: Example) -> tuple[Any, bytes]:
    data = history_codec.encode_exposure_frame(1, 1, 1, 1, Raw(example.packed))  # type: ignore[arg-type]  # undecoded
    (event,) = history_codec.decode_exposure_frame(data).events
    return event, codec.encode(event)


def _in_frame(example: Example) -> tuple[Any, bytes]:
    frame = codec.decode_frame(codec.encode_frame(1, 1, 1, 1, 1, [Raw(example.packed)]))
    (event,) = frame.events
    return event, codec.encode(event)


def _whole(decode: Callable[[bytes], Any]) -> _Decode:
    def decoded(example: Example) -> tuple[Any, bytes]:
        value = decode(example.packed)
        return value, codec.encode(value)

    return decoded


#: How each kind of example is decoded by the code itself, and encoded again.
DECODERS: Final[dict[str, _Decode]] = {
    "command": _in_message,
    "control": _in_message,
    "request": _in_recovery_message,
    "answer": _in_envelope,
    "report": _in_envelope,
    "recovery-answer": _in_recovery_envelope,
    "history-request": _in_history_message,
    "history-answer": _in_history_envelope,
    "event": _in_frame,
    "exposure-event": _in_exposure_frame,
    "record": _whole(codec.decode_record),
    "message": _whole(codec.decode_client_message),
    "envelope": _whole(codec.decode_envelope),
    "frame": _whole(codec.decode_frame),
    "drop-frame": _whole(codec.decode_drop_frame),
    "stream-event": _in_market_frame,
    "market-request": _in_market_message,
    "market-answer": _in_market_envelope,
    "market-frame": _whole(market_codec.decode_market_frame),
}


def _as_lists(value: Any) -> Any:
    return [_as_lists(part) for part in value] if isinstance(value, list | tuple) else value


def wrong_examples(page: str) -> Iterator[str]:
    """Examples whose bytes are not what stands beside them, for another library or for the code."""
    for heading, section in sections(page).items():
        for example in section.examples:
            where = f"{heading}, {example.packed.hex(' ')[:23]}"
            try:
                decoded, encoded = DECODERS[example.kind](example)
            except (codec.MalformedMessage, msgspec.MsgspecError, ValueError, KeyError) as error:
                yield f"{where}: cannot be decoded: {error!r}"
                continue
            if msgpack.unpackb(example.packed) != example.value:
                yield f"{where}: another library reads {msgpack.unpackb(example.packed)}"
            elif _as_lists(msgspec.to_builtins(decoded, builtin_types=(bytes,))) != example.value:
                yield f"{where}: the code reads {decoded}"
            elif encoded != example.packed:
                yield f"{where}: the code writes {encoded.hex(' ')}"
            elif type(decoded).__name__ != heading and type(decoded).__name__ in sections(page):
                yield f"{where}: is a {type(decoded).__name__}"


def without_example(page: str, kinds: Iterable[type[msgspec.Struct]]) -> list[str]:
    """Structs with a tag whose section has no example."""
    found = sections(page)
    return [
        kind.__name__
        for kind in kinds
        if inspect.type_info(kind).tag is not None  # type: ignore[attr-defined]
        and not found.get(kind.__name__, Section()).examples
    ]


# Links


def broken_links(page: str) -> list[str]:
    """Links within the page to headings that are not there."""
    anchors = {
        "#" + re.sub(r"[^\w -]", "", heading).lower().replace(" ", "-")
        for heading in sections(page)
        if heading
    }
    return [link for link in re.findall(r"\]\((#[^)]*)\)", page) if link not in anchors]
