"""Counts by powers of two are those that a list of all numbers gives."""

import random

import pytest

from bus.metrics.powers import Powers


def naive(numbers: list[int], bounds: list[int]) -> list[int]:
    """How many are at most each bound."""
    return [sum(number <= bound for number in numbers) for bound in bounds]


@pytest.mark.parametrize("seed", range(5))
def test_counts_are_those_of_the_numbers(seed: int) -> None:
    drawn = random.Random(seed)
    numbers = [0, 1, 2, 3, 4, 5, 1024, 1025, 10**9]
    numbers += [int(2 ** (drawn.random() * 14)) for _ in range(500)]
    powers = Powers(10, lowest=3, unit=1000)
    for number in numbers:
        powers.add(number)
    bounds = [2**power for power in range(3, 11)]
    assert list(powers.buckets()) == [
        *zip([bound / 1000 for bound in bounds], naive(numbers, bounds), strict=True),
        (float("inf"), len(numbers)),
    ]
    assert powers.sum == sum(numbers)


def test_nothing_was_counted() -> None:
    assert list(Powers(1).buckets()) == [(1.0, 0), (2.0, 0), (float("inf"), 0)]
