"""Times in people's words."""

import pytest

from bus.clock import utc_ns
from tools.order.times import time_of


@pytest.mark.parametrize(
    ("text", "time_ns"),
    [
        ("2026-01-01", 1_767_225_600 * 10**9),
        ("2026-01-01T02:00+02:00", 1_767_225_600 * 10**9),
        ("2026-01-01T00:00:00.000001", 1_767_225_600 * 10**9 + 1000),
    ],
)
def test_a_date_is_utc_unless_it_says_another_zone(text: str, time_ns: int) -> None:
    assert time_of(text) == time_ns


def test_a_duration_is_from_now() -> None:
    before = utc_ns()
    assert before + 7200 * 10**9 <= time_of("2h") <= utc_ns() + 7200 * 10**9


@pytest.mark.parametrize("text", ["soon", "2", "2w", "", "2026-13-01"])
def test_what_is_no_time_is_said(text: str) -> None:
    with pytest.raises(ValueError, match="is no time"):
        time_of(text)
