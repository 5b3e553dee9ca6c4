"""The trading page as files: what holds of them without a browser. How they are served is looked at in `test_page`."""

import re
from pathlib import Path

import pytest

from web.page_files import page_files

FILES = page_files()
PAGE = {path: file.plain.decode() for path, file in FILES.items() if "lightweight" not in path}
#: What is not text of a person's own but a name: of XML, and of the makers of the charts, whose licence asks for it.
NAMES_OF_HOSTS = ("http://www.w3.org/", "https://www.tradingview.com/")
CONTRAST_MIN = 4.5


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


def colours(theme: str) -> dict[str, str]:
    """The colours of a theme, `#rrggbb` by name."""
    block = re.search(rf'\[data-theme="{theme}"\] {{(.*?)\n}}', PAGE["/page/theme.css"], re.DOTALL)
    assert block
    return dict(re.findall(r"--([\w-]+): (#[0-9a-f]{6});", block.group(1)))


def luminance(colour: str) -> float:
    """Relative luminance as WCAG 2.2 defines it."""
    parts = [int(colour[at : at + 2], 16) / 255 for at in (1, 3, 5)]
    red, green, blue = (
        part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4 for part in parts
    )
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue


def contrast(one: str, other: str) -> float:
    """Contrast as WCAG 2.2 defines it: 1 to 21."""
    low, high = sorted((luminance(one), luminance(other)))
    return (high + 0.05) / (low + 0.05)


@pytest.mark.parametrize("theme", ["dark", "light"])
def test_text_can_be_read_in_both_themes(theme: str) -> None:
    colour = colours(theme)
    pairs = [
        (text, ground)
        for text in ("text", "quiet", "up", "down", "accent", "warn")
        for ground in ("panel", "raised")
    ] + [("on-solid", "up-solid"), ("on-solid", "down-solid")]
    poor = {pair: contrast(colour[pair[0]], colour[pair[1]]) for pair in pairs}
    assert {pair: found for pair, found in poor.items() if found < CONTRAST_MIN} == {}


def test_a_contrast_that_is_known() -> None:
    assert contrast("#000000", "#ffffff") == pytest.approx(21)
    assert contrast("#777777", "#ffffff") == pytest.approx(4.48, abs=0.01)


def test_the_files_of_the_page_are_those_of_its_folder() -> None:
    folder = Path(__file__).parents[2] / "web" / "page"
    if not folder.exists():
        pytest.skip("looks at the sources, and here are only the tests of an installed package")
    assert {f"/page/{file.name}" for file in folder.iterdir()} - {"/page/index.html"} == set(FILES) - {
        "/",
        "/page/lightweight-charts.js",
    }
