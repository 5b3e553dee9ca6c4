"""An OpenAPI document as one page of HTML for people: no script, nothing from elsewhere, one style sheet beside it.

Everything that stands in the document is text here, whatever it has in it. Called by `web.rest.documents`.
"""

import json
import re
from collections.abc import Iterable, Iterator, Mapping
from html import escape
from typing import Any, Final

from web.openapi.components import REF, SELECTED

Document = Mapping[str, Any]

_CODE: Final = re.compile(r"`([^`]+)`")


def page(document: Document) -> str:
    """The whole page."""
    info = document["info"]
    components = document["components"]["schemas"]
    shown = [name for name in components if not name.endswith(SELECTED)]
    body = [
        f"<header><h1>{escape(info['title'])} <small>{escape(info['version'])}</small></h1>",
        *_paragraphs(info["description"]),
        '<p>As a document: <a href="/openapi.json">OpenAPI 3.1</a>.</p></header>',
        "<nav aria-label='Operations'>",
        *_contents(document),
        "</nav><main>",
    ]
    for tag in document["tags"]:
        body.append(f"<h2>{escape(tag['name'])}</h2>")
        body += _paragraphs(tag["description"])
        for path, method, operation in _operations(document, tag["name"]):
            body += _operation(document, path, method, operation)
    body.append("<h2>Schemas</h2>")
    for name in sorted(shown):
        body += _schema(name, components[name])
    body.append("</main>")
    return _FRAME.format(title=escape(info["title"]), body="\n".join(body))


def _operations(document: Document, tag: str) -> Iterator[tuple[str, str, Mapping[str, Any]]]:
    for path, methods in document["paths"].items():
        for method, operation in methods.items():
            if tag in operation["tags"]:
                yield path, method.upper(), operation


def _contents(document: Document) -> Iterator[str]:
    for tag in document["tags"]:
        yield f"<p>{escape(tag['name'])}</p><ul>"
        for path, method, operation in _operations(document, tag["name"]):
            where = escape(operation["operationId"])
            yield f'<li><a href="#{where}"><b>{method}</b> {escape(path)}</a></li>'
        yield "</ul>"


def _operation(document: Document, path: str, method: str, operation: Mapping[str, Any]) -> Iterator[str]:
    yield f'<section id="{escape(operation["operationId"])}">'
    yield f"<h3><b>{method}</b> <code>{escape(path)}</code></h3>"
    yield f"<p><strong>{_text(operation['summary'])}.</strong></p>"
    yield from _paragraphs(operation["description"])
    if operation["parameters"]:
        yield from _table(
            ("parameter", "in", "what", "meaning"),
            (
                (
                    _code(one["name"]) + (" *" if one["required"] else ""),
                    escape(one["in"]),
                    _kind(one["schema"]),
                    _text(one["description"]),
                )
                for one in operation["parameters"]
            ),
        )
    if "requestBody" in operation:
        for content in operation["requestBody"]["content"].values():
            yield f"<p>Body: {_kind(content['schema'])}.</p>"
    yield from _table(
        ("status", "answer", "meaning"),
        (
            (escape(status), _answer(document, said), _text(_resolved(document, said)["description"]))
            for status, said in sorted(operation["responses"].items())
        ),
    )
    yield "</section>"


def _answer(document: Document, said: Mapping[str, Any]) -> str:
    content = _resolved(document, said).get("content", {})
    return ", ".join(
        _kind(one["schema"]) if "json" in kind else escape(kind) for kind, one in content.items()
    )


def _resolved(document: Document, said: Mapping[str, Any]) -> Mapping[str, Any]:
    if "$ref" not in said:
        return said
    found: Any = document
    for name in said["$ref"].removeprefix("#/").split("/"):
        found = found[name]
    resolved: Mapping[str, Any] = found
    return resolved


def _schema(name: str, schema: Mapping[str, Any]) -> Iterator[str]:
    yield f'<section id="schema-{escape(name)}"><h3>{escape(name)}</h3>'
    yield from _paragraphs(schema.get("description", ""))
    required = schema.get("required", ())
    if properties := schema.get("properties"):
        yield from _table(
            ("field", "what", "meaning"),
            (
                (
                    _code(field) + (" *" if field in required else ""),
                    _kind(one),
                    _text(one.get("description", "")) + _default(one),
                )
                for field, one in properties.items()
            ),
        )
    yield "</section>"


def _kind(schema: Mapping[str, Any]) -> str:
    """What a value is, in a few words."""
    if "$ref" in schema:
        name = escape(schema["$ref"].removeprefix(REF))
        return f'<a href="#schema-{name}">{name}</a>'
    if "anyOf" in schema:
        kinds = [one for one in schema["anyOf"] if not one.get("$ref", "").endswith(SELECTED)]
        return " or ".join(dict.fromkeys(_kind(one) for one in kinds))
    if "enum" in schema:
        # Names of all fields of an answer would fill the page.
        values = [_code(str(one)) for one in schema["enum"][:_VALUES_MAX]]
        return ", ".join(values) + (", ..." if len(schema["enum"]) > _VALUES_MAX else "")
    if "const" in schema:
        return _code(str(schema["const"]))
    if schema.get("type") == "array":
        if "prefixItems" in schema:
            return "[" + ", ".join(_kind(one) for one in schema["prefixItems"]) + "]"
        return f"list of {_kind(schema.get('items', {}))}"
    bounds = [f"{word} {schema[key]}" for key, word in _BOUNDS.items() if key in schema]
    return escape(" ".join([str(schema.get("type", "any")), *bounds]))


def _default(schema: Mapping[str, Any]) -> str:
    if schema.get("default") in (None, [], ""):
        return ""
    return f" Default: {_code(json.dumps(schema['default']))}."


def _table(heads: Iterable[str], rows: Iterable[Iterable[str]]) -> Iterator[str]:
    yield "<div class='wide'><table><thead><tr>"
    yield "".join(f"<th scope='col'>{escape(head)}</th>" for head in heads)
    yield "</tr></thead><tbody>"
    for row in rows:
        yield "<tr>" + "".join(f"<td>{cell}</td>" for cell in row) + "</tr>"
    yield "</tbody></table></div>"


def _paragraphs(text: str) -> Iterator[str]:
    for paragraph in filter(None, (part.strip() for part in text.split("\n\n"))):
        lines = paragraph.split("\n")
        if all(line.startswith("|") for line in lines):
            cells = [[cell.strip() for cell in line.strip("|").split("|")] for line in lines]
            yield from _table(cells[0], ([_text(cell) for cell in row] for row in cells[2:]))
        else:
            yield f"<p>{_text(paragraph)}</p>"


def _text(text: str) -> str:
    """Text in which `...` is code."""
    return _CODE.sub(r"<code>\1</code>", escape(text))


def _code(text: str) -> str:
    return f"<code>{escape(text)}</code>"


#: Values of an enumeration that are shown.
_VALUES_MAX: Final = 12
_BOUNDS: Final = {
    "minimum": "from",
    "maximum": "to",
    "minLength": "at least",
    "maxLength": "at most",
    "pattern": "like",
}
_FRAME: Final = """<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>{title}: reference</title>
<link rel="stylesheet" href="/reference.css">
</head>
<body>
{body}
</body>
</html>
"""
STYLE: Final = """\
:root { color-scheme: light dark; --text: #1b1f24; --quiet: #57606a; --line: #d0d7de; --ground: #ffffff;
  --raised: #f6f8fa; --link: #0550ae; }
@media (prefers-color-scheme: dark) { :root { --text: #e6edf3; --quiet: #9aa4af; --line: #30363d; --ground: #0d1117;
  --raised: #161b22; --link: #79c0ff; } }
body { margin: 0 auto; max-width: 76rem; padding: 1rem; color: var(--text); background: var(--ground);
  font: 1rem/1.5 system-ui, sans-serif; }
h1, h2, h3 { line-height: 1.25; }
h2 { margin-top: 3rem; border-bottom: 1px solid var(--line); padding-bottom: .3rem; }
h3 { margin-top: 2rem; overflow-wrap: anywhere; }
small, nav p { color: var(--quiet); }
a { color: var(--link); }
a:focus-visible { outline: 3px solid var(--link); outline-offset: 2px; }
code { font-family: ui-monospace, monospace; font-size: .92em; background: var(--raised); padding: .1em .3em;
  border-radius: .25rem; overflow-wrap: anywhere; }
nav { border: 1px solid var(--line); border-radius: .5rem; padding: 0 1rem; }
nav ul { list-style: none; padding: 0; columns: 22rem; }
nav li { overflow-wrap: anywhere; }
section:target > h3 { background: var(--raised); }
.wide { overflow-x: auto; }
table { border-collapse: collapse; width: 100%; margin: .5rem 0 1rem; font-size: .95rem; }
th, td { text-align: left; vertical-align: top; padding: .35rem .6rem; border-bottom: 1px solid var(--line); }
th { color: var(--quiet); font-weight: 600; }
"""
