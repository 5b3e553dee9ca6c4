"""The trading page as files: what holds of them without a browser, and how they are served."""

import gzip
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.support.contrast import CONTRAST_MIN, Colour, contrast, over
from tests.support.venue import Response
from tests.support.web_server import WebServer
from web.page_files import page_files

FILES = page_files()
PAGE = {path: file.plain.decode() for path, file in FILES.items() if "lightweight" not in path}
#: What is not text of a person's own but a name: of XML, and of the makers of the charts, whose licence asks for it.
NAMES_OF_HOSTS = ("http://www.w3.org/", "https://www.tradingview.com/")


def test_the_page_names_no_other_host() -> None:
    for path, text in PAGE.items():
        found = re.findall(r"(?:https?:|wss?:)?//[\w.-]+\.[a-z]{2,}/?", text)
        assert [host for host in found if host not in NAMES_OF_HOSTS] == [], path


def test_the_page_has_no_script_or_style_inside() -> None:
    index = PAGE["/"]
    assert re.findall(r"<script(?![^>]*\ssrc=)[^>]*>|<style|\sstyle=|\son\w+=", index) == []
    for path, text in PAGE.items():
        if path.endswith(".js"):
            assert (
                re.findall(
                    r"innerHTML|outerHTML|insertAdjacentHTML|document\.write|\beval\(|new Function", text
                )
                == []
            ), path


def test_what_the_page_refers_to_is_there() -> None:
    for path, text in PAGE.items():
        for name in re.findall(r'(?:src|href)="(/page/[^"]+)"', text):
            assert name in FILES, f"{path}: {name}"
        for name in re.findall(r'from "\./([\w.]+)"', text):
            assert f"/page/{name}" in FILES, f"{path}: {name}"


def test_every_element_that_a_script_asks_for_by_its_id_is_there() -> None:
    there = set(re.findall(r'\sid="([\w-]+)"', PAGE["/"]))
    for path, text in PAGE.items():
        made = set(re.findall(r'\bid: "([\w-]+)"', text))
        asked = set(re.findall(r'\bat\("([\w-]+)"\)', text))
        assert asked <= there | made, f"{path}: {asked - there - made}"


def colour_of(text: str) -> Colour:
    """Of `#rrggbb`."""
    red, green, blue = (int(text[at : at + 2], 16) for at in (1, 3, 5))
    return (red, green, blue)


def colours(theme: str) -> tuple[dict[str, Colour], dict[str, tuple[Colour, float]]]:
    """The colours of a theme by name, and those that are only partly there, each with its share."""
    block = re.search(rf'\[data-theme="{theme}"\] {{(.*?)\n}}', PAGE["/page/theme.css"], re.DOTALL)
    assert block
    whole = {
        name: colour_of(text) for name, text in re.findall(r"--([\w-]+): (#[0-9a-f]{6});", block.group(1))
    }
    partly = re.findall(r"--([\w-]+): rgb\((\d+) (\d+) (\d+) / (\d+)%\);", block.group(1))
    soft: dict[str, tuple[Colour, float]] = {}
    for name, red, green, blue, share in partly:
        soft[name] = (float(red), float(green), float(blue)), int(share) / 100
    return whole, soft


@pytest.mark.parametrize("theme", ["dark", "light"])
def test_text_can_be_read_in_both_themes(theme: str) -> None:
    whole, soft = colours(theme)
    grounds = {name: whole[name] for name in ("panel", "raised", "hover")}
    texts = ("text", "quiet", "up", "down", "accent", "warn", "average-a", "average-b")
    pairs = [(text, name, ground) for text in texts for name, ground in grounds.items()]
    shown_on = {"up-soft": ["text", "up"], "down-soft": ["text", "down"], "accent-soft": ["accent"]}
    for name, words in shown_on.items():
        pairs += [
            (text, f"{name} on {below}", over(*soft[name], whole[below]))
            for text in words
            for below in ("panel", "hover")
        ]
    solid = ("up-solid", "down-solid", "up-solid-hover", "down-solid-hover")
    pairs += [("on-solid", name, whole[name]) for name in solid]
    found = {(text, name): contrast(whole[text], ground) for text, name, ground in pairs}
    assert {pair: value for pair, value in found.items() if value < CONTRAST_MIN} == {}


def test_a_contrast_that_is_known() -> None:
    assert contrast(colour_of("#000000"), colour_of("#ffffff")) == pytest.approx(21)
    assert contrast(colour_of("#777777"), colour_of("#ffffff")) == pytest.approx(4.48, abs=0.01)


def test_the_files_of_the_page_are_those_of_its_folder() -> None:
    folder = Path(__file__).parents[2] / "web" / "page"
    if not folder.exists():
        pytest.skip("looks at the sources, and here are only the tests of an installed package")
    assert {f"/page/{file.name}" for file in folder.iterdir()} - {"/page/index.html"} == set(FILES) - {
        "/",
        "/page/lightweight-charts.js",
    }


@pytest.fixture(scope="module")
def server() -> Iterator[WebServer]:
    """A server with nobody behind it: files are all that is asked for."""
    with WebServer() as running:
        yield running


def policy(answer: Response) -> dict[str, str]:
    """The content security policy, by directive."""
    directives = answer.headers["content-security-policy"].split("; ")
    return {name: value for name, _, value in (directive.partition(" ") for directive in directives)}


def test_the_page_is_at_the_root_and_its_policy_runs_nothing_but_its_files(server: WebServer) -> None:
    answer = server.request("/")
    assert answer.status == 200
    assert answer.headers["content-type"] == "text/html; charset=utf-8"
    assert answer.headers["x-content-type-options"] == "nosniff"
    assert answer.headers["x-frame-options"] == "DENY"
    said = policy(answer)
    assert said["default-src"] == said["base-uri"] == said["frame-ancestors"] == "'none'"
    assert said["script-src"] == said["style-src"] == said["connect-src"] == "'self'"


@pytest.mark.parametrize("path", [path for path in FILES if path != "/"])
def test_every_file_is_served_with_its_type(server: WebServer, path: str) -> None:
    answer = server.request(path)
    kind = {"css": "text/css", "js": "text/javascript", "svg": "image/svg+xml"}[path.rpartition(".")[2]]
    assert (answer.status, answer.headers["content-type"].partition(";")[0]) == (200, kind)
    assert answer.body == FILES[path].plain


def test_a_file_that_is_known_is_not_sent_again(server: WebServer) -> None:
    first = server.request("/page/main.js")
    again = server.request("/page/main.js", {"If-None-Match": first.headers["etag"]})
    assert (again.status, again.body) == (304, b"")
    assert first.headers["cache-control"] == "no-cache"


def test_a_file_is_packed_for_who_takes_it_so(server: WebServer) -> None:
    packed = server.request("/page/lightweight-charts.js", {"Accept-Encoding": "gzip, br"})
    assert packed.headers["content-encoding"] == "gzip"
    plain = server.request("/page/lightweight-charts.js")
    assert gzip.decompress(packed.body) == plain.body
    assert packed.headers["vary"] == plain.headers["vary"] == "Accept-Encoding"
    assert packed.headers["etag"] != plain.headers["etag"]


@pytest.mark.parametrize(
    "path", ["/page/", "/page/index.html", "/page/../page_files.py", "/page/%2e%2e/house.py", "/page"]
)
def test_nothing_else_can_be_named(server: WebServer, path: str) -> None:
    answer = server.request(path)
    assert (answer.status, answer.json["reason"]) == (404, "not_found")


def test_a_file_is_only_read(server: WebServer) -> None:
    answer = server.request("/", method="POST")
    assert (answer.status, answer.headers["allow"]) == (405, "GET, HEAD")
    assert server.request("/", method="HEAD").body == b""
