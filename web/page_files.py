"""The trading page's files over HTTP: what stands in `web/page`, and the charts of the installed package `litecharts`.

Files are read once, at the start, so that a path can only ever name one of them. The rule guarded here: the page runs
no script and asks no host but this one (`CONTENT_SECURITY_POLICY`). Its URLs are made by `web.application`.
"""

import gzip
from importlib.resources import files
from importlib.resources.abc import Traversable
from typing import Final

from msgspec import Struct

from web.call import Call
from web.guard.guard import Guard
from web.handling import Handler
from web.house import House
from web.routes import PAGE, Route

#: No inline script or style, nothing from elsewhere, in nobody's frame. A WebSocket of this host is 'self', too.
CONTENT_SECURITY_POLICY: Final = "; ".join(
    (
        "default-src 'none'",
        "script-src 'self'",
        "style-src 'self'",
        "img-src 'self' data:",
        "connect-src 'self'",
        "base-uri 'none'",
        "form-action 'none'",
        "frame-ancestors 'none'",
    )
)
_HEADERS: Final = {
    "Content-Security-Policy": CONTENT_SECURITY_POLICY,
    "Cross-Origin-Opener-Policy": "same-origin",
    "Permissions-Policy": "camera=(), geolocation=(), microphone=(), payment=(), usb=()",
    # Kept, and asked after each time: after an upgrade nobody has half of the old page.
    "Cache-Control": "no-cache",
    "Vary": "Accept-Encoding",
}
_TYPES: Final = {
    "html": "text/html; charset=utf-8",
    "css": "text/css; charset=utf-8",
    "js": "text/javascript; charset=utf-8",
    "svg": "image/svg+xml",
}
_INDEX: Final = "index.html"
_CHARTS: Final = "lightweight-charts.js"


class PageFile(Struct, frozen=True):
    """A file, as it is sent plain and packed with gzip."""

    content_type: str
    plain: bytes
    packed: bytes


def page_files() -> dict[str, PageFile]:
    """Each file by its path in a URL. Reads them."""
    found = {
        f"/page/{file.name}": _read(file) for file in (files("web") / "page").iterdir() if file.is_file()
    }
    found["/"] = found.pop(f"/page/{_INDEX}")
    found[f"/page/{_CHARTS}"] = _read(files("litecharts") / "js" / _CHARTS)
    return found


def _read(file: Traversable) -> PageFile:
    content = file.read_bytes()
    kind = _TYPES[file.name.rpartition(".")[2]]
    # Without a time in it, so that all instances say the same bytes and the same ETag.
    return PageFile(kind, content, gzip.compress(content, mtime=0))


async def _nothing(call: Call) -> None:
    """A file is not made for a call: see PageHandler."""


#: What the guard is asked about.
ROUTE: Final = Route(
    method="GET",
    path="/",
    handler=_nothing,
    summary="The trading page",
    scope=None,
    cost=PAGE,
    answer=PageFile,
    cache_s=0,
)


class PageHandler(Handler):
    """Says one file. Whoever asks is let in, refused and told of as everywhere."""

    def initialize(self, house: House, guard: Guard, file: PageFile) -> None:  # type: ignore[override]
        """What Tornado hands over."""
        super().initialize(house, guard, {"GET": ROUTE, "HEAD": ROUTE})
        self._file = file

    async def _serve(self, route: Route | None, path: dict[str, str]) -> None:
        if route is None:
            await super()._serve(route, path)
            return
        await self._guard.admit(route, self.request)
        for name, value in _HEADERS.items():
            self.set_header(name, value)
        self.set_header("Content-Type", self._file.content_type)
        if "gzip" in self.request.headers.get("Accept-Encoding", ""):
            self.set_header("Content-Encoding", "gzip")
            self.finish(self._file.packed)
        else:
            self.finish(self._file.plain)
