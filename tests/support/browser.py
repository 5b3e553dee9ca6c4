"""A real browser for the trading page: Debian's chromium, without a window.

    def test_it(page: Page) -> None:
        page.goto(venue_url)

What a page says on its console or asks of another host is kept, and a test ends with none of it.
"""

import json
import shutil
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Final
from urllib.parse import urljoin

import pytest
from playwright.sync_api import Browser, ConsoleMessage, Error, Page, Request, WebSocketRoute, sync_playwright

#: Two noisy cores and a whole test suite: what takes this long hangs.
WAIT_MS: Final = 30_000
_LOOK_MS: Final = 20
_NAMES: Final = ("chromium", "chromium-browser", "google-chrome")
#: Ports that browsers keep away from, since other things than the web are usual there; a venue may be on any.
_AVOIDED: Final = (
    1719, 1720, 1723, 2049, 3659, 4045, 4190, 5060, 5061, 6000, 6566, 6665, 6666, 6667, 6668, 6669, 6679, 6697, 10080,
)  # fmt: skip
#: Without a window, in a container, as root.
_WORDS: Final = (
    "--no-sandbox",
    "--disable-dev-shm-usage",
    f"--explicitly-allowed-ports={','.join(map(str, _AVOIDED))}",
)


@contextmanager
def chromium() -> Iterator[Browser]:
    """The browser of this machine. Skips where there is none; `.ci/run` installs one."""
    path = next((found for name in _NAMES if (found := shutil.which(name))), None)
    if path is None:
        pytest.skip("no chromium here: the trading page is not looked at in a browser")
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=path, args=list(_WORDS))
        try:
            yield browser
        finally:
            browser.close()


class Watched:
    """A page that opens `url`, and what it did that it should not.

    `complaints`: errors of scripts and of its console, and requests to other hosts. A connection that is refused while
    a server is away is none. `heard`: the types of what the stream has told it.

    `before`: JavaScript that runs before that of the page. `route`: a path of WebSockets, and who stands between them
    and the server.
    """

    def __init__(
        self,
        browser: Browser,
        url: str,
        width: int = 1440,
        height: int = 900,
        scheme: str = "dark",
        before: str = "",
        route: tuple[str, Callable[[WebSocketRoute], None]] | None = None,
    ) -> None:
        self.url = url
        self.complaints: list[str] = []
        self.heard: set[str] = set()
        self._context = browser.new_context(
            viewport={"width": width, "height": height},
            color_scheme="light" if scheme == "light" else "dark",
            has_touch=width < 768,
        )
        self._context.set_default_timeout(WAIT_MS)
        self.page: Page = self._context.new_page()
        if before:
            self.page.add_init_script(before)
        if route is not None:
            path, between = route
            self.page.route_web_socket(urljoin(url, path).replace("http", "ws", 1), between)
        self.page.on("console", self._console)
        self.page.on("pageerror", self._error)
        self.page.on("request", self._request)
        self.page.on("websocket", lambda socket: socket.on("framereceived", self._frame))
        self.page.goto(url)

    def until(self, holds: Callable[[], bool]) -> None:
        """Let the browser go on until something holds that is not of the page: what it calls is called meanwhile."""
        deadline = time.monotonic() + WAIT_MS / 1000
        while not holds():
            assert time.monotonic() < deadline, "it did not come to hold"
            self.page.wait_for_timeout(_LOOK_MS)

    def close(self) -> None:
        """Close the page."""
        self._context.close()

    def _console(self, message: ConsoleMessage) -> None:
        away = "ERR_CONNECTION_REFUSED" in message.text or "WebSocket connection" in message.text
        if message.type == "error" and not away and "Failed to load resource" not in message.text:
            self.complaints.append(message.text)

    def _error(self, error: Error) -> None:
        self.complaints.append(str(error))

    def _frame(self, text: str | bytes) -> None:
        self.heard.add(json.loads(text)["type"])

    def _request(self, request: Request) -> None:
        if not request.url.startswith((urljoin(self.url, "/"), "data:")):
            self.complaints.append(f"asked {request.url}")
