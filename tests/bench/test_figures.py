"""What is computed from measured times: percentiles, medians over rounds, rates, and whether a target was reached."""

import pytest

from tools.bench.figures import Latency, latency, median_latency, per_s, percentile, spread
from tools.bench.results import Target


@pytest.mark.parametrize(
    ("values", "percent", "expected"),
    [
        ([7], 50, 7),
        ([7], 99, 7),
        ([1, 2], 50, 1),
        ([1, 2, 3], 50, 2),
        ([1, 2, 3, 4], 50, 2),
        (list(range(1, 101)), 50, 50),
        (list(range(1, 101)), 99, 99),
        (list(range(1, 101)), 100, 100),
        (list(range(1, 102)), 99, 100),
        (list(range(1, 1001)), 99.9, 999),
        ([1, 2, 3], 0, 1),
    ],
)
def test_a_percentile_is_the_nearest_rank(values: list[int], percent: float, expected: int) -> None:
    assert percentile(values, percent) == expected


def test_there_is_no_percentile_of_nothing() -> None:
    with pytest.raises(ValueError, match="no values"):
        percentile([], 50)


def test_a_latency_is_in_microseconds_whatever_the_order_of_the_times() -> None:
    times_ns = [1_000 * number for number in range(100, 0, -1)]
    assert latency(times_ns) == Latency(50.0, 99.0, 100.0)


def test_one_disturbed_round_does_not_move_the_median() -> None:
    rounds = [Latency(100, 200, 300), Latency(110, 190, 400), Latency(9_000, 9_000, 9_000)]
    assert median_latency(rounds) == Latency(110, 200, 400)


def test_a_rate_is_a_second() -> None:
    assert per_s(500, 250_000_000) == 2_000
    assert spread([1_234.4, 999.6, 1_000]) == "1,000-1,234"


@pytest.mark.parametrize(
    ("reached", "wanted", "at_most", "verdict"),
    [
        (1.4, 1.4, True, "reached"),
        (1.75, 1.4, True, "missed by 25%"),
        (0.45, 0.45, False, "reached"),
        (0.36, 0.45, False, "missed by 20%"),
    ],
)
def test_a_miss_is_said_by_how_much(reached: float, wanted: float, at_most: bool, verdict: str) -> None:
    target = Target("p50", reached, wanted, "x echo", at_most)
    assert target.row()[3] == verdict
    assert target.met == (verdict == "reached")
