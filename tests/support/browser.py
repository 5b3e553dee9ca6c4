"""A real browser for the trading page: Debian's chromium, without a window.

    def test_it(page: Page) -> None:
        page.goto(venue_url)

What a page says on its console or asks of another host is kept, and a test ends with none of it.
"""

import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Final

import pytest
from playwright.sync_api import Browser, ConsoleMessage, Error, Page, Request, sync_playwright

#: Two noisy cores and a whole test suite: what takes this long hangs.
WAIT_MS: Final = 30_000
_NAMES: Final = ("chromium", "chromium-browser", "google-chrome")
#: Without a window, in a container, as root.
_WORDS: Final = ("--no-sandbox", "--disable-dev-shm-usage")


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
    a server is away is none. `before`: JavaScript that runs before that of the page.
    """

    def __init__(
        self,
        browser: Browser,
        url: str,
        width: int = 1440,
        height: int = 900,
        scheme: str = "dark",
        before: str = "",
    ) -> None:
        self.url = url
        self.complaints: list[str] = []
        self._context = browser.new_context(
            viewport={"width": width, "height": height},
            color_scheme="light" if scheme == "light" else "dark",
            has_touch=width < 768,
        )
        self._context.set_default_timeout(WAIT_MS)
        self.page: Page = self._context.new_page()
        if before:
            self.page.add_init_script(before)
        self.page.on("console", self._console)
        self.page.on("pageerror", self._error)
        self.page.on("request", self._request)
        self.page.goto(url)

    def close(self) -> None:
        """Close the page."""
        self._context.close()

    def _console(self, message: ConsoleMessage) -> None:
        away = "ERR_CONNECTION_REFUSED" in message.text or "WebSocket connection" in message.text
        if message.type == "error" and not away and "Failed to load resource" not in message.text:
            self.complaints.append(message.text)

    def _error(self, error: Error) -> None:
        self.complaints.append(str(error))

    def _request(self, request: Request) -> None:
        if not request.url.startswith((self.url, "data:")):
            self.complaints.append(f"asked {request.url}")
