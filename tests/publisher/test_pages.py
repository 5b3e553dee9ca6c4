"""Encoded answers: encoded once for as long as they stay the same, with each reader's own correlation id, bounded."""

from typing import Any

import msgspec
import pytest

from publisher.pages import Pages


class Maker:
    """Counts how often an answer is made."""

    def __init__(self, *fields: Any) -> None:
        self.fields = fields
        self.made = 0

    def __call__(self) -> tuple[Any, ...]:
        self.made += 1
        return self.fields


@pytest.mark.parametrize("tag", [7, 100, 127, 128, 140, 255])
@pytest.mark.parametrize("count", [1, 13, 14, 15, 40])
def test_the_bytes_are_those_of_the_whole_answer(tag: int, count: int) -> None:
    fields = (tag, *range(count))
    for correlation_id in (0, 1, 200, 2**63 - 1):
        raw = Pages().answer("key", 1, correlation_id, lambda: fields)
        assert msgspec.msgpack.decode(raw) == [tag, correlation_id, *range(count)]


def test_it_is_made_once_for_each_version() -> None:
    pages, make = Pages(), Maker(140, "BTC", [1, 2])
    for correlation_id in range(1000):
        pages.answer("key", 5, correlation_id, make)
    assert (make.made, pages.hits, pages.misses) == (1, 999, 1)
    pages.answer("key", 6, 1, make)
    pages.answer("other", 6, 1, make)
    assert make.made == 3


def test_the_page_that_was_asked_for_longest_ago_makes_room() -> None:
    pages, make = Pages(pages_max=3), Maker(140, "x" * 100)
    for key in "abcadab":
        pages.answer(key, 1, 0, make)
    # a b c, a again, d for b, a again, b for c
    assert make.made == 5
    assert pages.bytes <= 3 * 110
    small = Pages(bytes_max=250)
    for key in "abc":
        small.answer(key, 1, 0, make)
    assert small.bytes <= 250
    huge = Pages(bytes_max=50)
    huge.answer("a", 1, 0, make)
    huge.answer("a", 1, 0, make)
    assert huge.hits == 1  # the newest stays whatever its size
