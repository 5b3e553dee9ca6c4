"""Pages of other sites that may use the web from a browser (CORS): those whose origin is allowed by name, else none.

    its own page ──────────────────────────────▶ everything
    a page of an allowed origin ─▶ preflight ──▶ everything
    any other page ─▶ no preflight, no answer that it could read, no WebSocket

The rule guarded here: an origin is said to be allowed only if it stands in the settings, letter by letter, and never
all of them. Cookies and the browser's own passwords are never let in: a key is in headers, which a page of another site
cannot set without a preflight. Held by `web.house`; asked by `web.handling` and `web.stream.sockets`.
"""

from collections.abc import Iterable, Mapping
from typing import Final

ORIGIN: Final = "Origin"
REQUEST_METHOD: Final = "Access-Control-Request-Method"
#: What a page may send beside what every page may.
_HEADERS_TAKEN: Final = "Content-Type, If-None-Match, X-API-Key, X-Signature, X-Timestamp"
#: What a page may read beside what every page may.
_HEADERS_SHOWN: Final = ", ".join(
    (
        "Allow",
        "ETag",
        "RateLimit-Limit",
        "RateLimit-Remaining",
        "RateLimit-Reset",
        "Retry-After",
        "X-Request-Id",
        "X-Server-Time",
    )
)
#: The answer to a preflight changes with the settings: Chromium keeps none for longer.
_PREFLIGHT_S: Final = 7_200


class Origins:
    """See above. `allowed`: as in `web.allowed_origins`."""

    def __init__(self, allowed: str) -> None:
        self._allowed = frozenset(filter(None, (origin.strip() for origin in allowed.split(","))))

    def __bool__(self) -> bool:
        return bool(self._allowed)

    def __contains__(self, origin: str) -> bool:
        return origin in self._allowed

    def headers(self, request: Mapping[str, str]) -> dict[str, str]:
        """What an answer tells the browser, by the headers of its request. Where any origin is allowed it varies."""
        if not self._allowed:
            return {}
        told = {"Vary": ORIGIN}
        origin = request.get(ORIGIN, "")
        if origin in self._allowed:
            told["Access-Control-Allow-Origin"] = origin
            told["Access-Control-Expose-Headers"] = _HEADERS_SHOWN
        return told

    def preflight(self, request: Mapping[str, str], methods: Iterable[str]) -> dict[str, str] | None:
        """What is told a browser that asks before it sends a page's request; None where it did not, or may not."""
        if REQUEST_METHOD not in request or request.get(ORIGIN, "") not in self._allowed:
            return None
        return {
            "Access-Control-Allow-Methods": ", ".join(sorted(methods)),
            "Access-Control-Allow-Headers": _HEADERS_TAKEN,
            "Access-Control-Max-Age": str(_PREFLIGHT_S),
        }
