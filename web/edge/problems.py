"""The one JSON shape of refusals, and the headers of everything that is said.

Used by `web.handling` for requests, and by the edge for what never became one.
"""

from collections.abc import Mapping
from http.client import responses
from typing import Final
from uuid import uuid4

import msgspec

from web.errors import Refusal
from web.schemas.plain import Problem

JSON: Final = "application/json"
#: A caller's own words come back in an answer no longer than this.
TEXT_CHARACTERS_MAX: Final = 300
#: On everything that is said.
SECURITY_HEADERS: Final = {
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
    "Referrer-Policy": "no-referrer",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Content-Security-Policy": "default-src 'none'; style-src 'self'; base-uri 'none'; form-action 'none';"
    " frame-ancestors 'none'",
}


def problem(refusal: Refusal, request_id: str) -> bytes:
    """The body of a refusal."""
    field = refusal.field if refusal.field is None else _short(refusal.field)
    return msgspec.json.encode(
        Problem(refusal.code, refusal.reason, _short(refusal.message), field, request_id)
    )


def last_words(refusal: Refusal, headers: Mapping[str, str]) -> bytes:
    """A whole answer in HTTP, for a connection that ends with it. `headers`: more than are always there."""
    request_id = uuid4().hex
    body = problem(refusal, request_id)
    told = {
        "Content-Type": JSON,
        "Content-Length": str(len(body)),
        "Cache-Control": "no-store",
        "Connection": "close",
        "X-Request-Id": request_id,
        **SECURITY_HEADERS,
        **headers,
        **refusal.headers,
    }
    head = f"HTTP/1.1 {refusal.status} {responses[refusal.status]}\r\n"
    return (head + "".join(f"{name}: {value}\r\n" for name, value in told.items()) + "\r\n").encode() + body


def _short(text: str) -> str:
    return text if len(text) <= TEXT_CHARACTERS_MAX else text[: TEXT_CHARACTERS_MAX - 3] + "..."
