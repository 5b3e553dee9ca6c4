"""Pro-rata shares: what each order of a level gets, against a statement of the rule that takes lots one by one."""

from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from matcher.book.shares import shared_lots

SIZES = st.lists(st.integers(1, 60), min_size=1, max_size=8)


@pytest.mark.parametrize(
    ("sizes", "incoming", "minimum", "shares"),
    [
        ([6, 3, 1], 5, 0, [4, 1, 0]),
        ([60, 30, 10], 50, 0, [30, 15, 5]),
        ([2, 2, 1], 4, 0, [2, 2, 0]),
        ([1, 1, 1], 2, 0, [1, 1, 0]),
        ([4, 12, 4], 5, 2, [2, 3, 0]),
        ([4, 12, 4], 5, 9, [4, 1, 0]),
        ([3, 4], 7, 9, [3, 4]),
        ([3, 4], 10, 0, [3, 4]),
        ([2**40, 2**40], 2**40, 0, [2**39, 2**39]),
        ([], 5, 0, []),
    ],
)
def test_shares(sizes: list[int], incoming: int, minimum: int, shares: list[int]) -> None:
    assert shared_lots(sizes, incoming, minimum) == shares


@given(SIZES, st.integers(1, 500), st.integers(0, 20))
def test_shares_are_what_the_rule_says(sizes: list[int], incoming: int, minimum: int) -> None:
    total = min(incoming, sum(sizes))
    exact = [Fraction(total * size, sum(sizes)) for size in sizes]
    expected = [int(share) if int(share) >= minimum else 0 for share in exact]
    while sum(expected) < total:
        oldest = next(at for at, size in enumerate(sizes) if expected[at] < size)
        expected[oldest] += 1
    assert shared_lots(sizes, incoming, minimum) == expected


@given(SIZES, st.integers(1, 500), st.integers(0, 20))
def test_all_that_can_trade_trades_and_nobody_gets_more_than_it_has(
    sizes: list[int], incoming: int, minimum: int
) -> None:
    shares = shared_lots(sizes, incoming, minimum)
    assert sum(shares) == min(incoming, sum(sizes))
    assert all(0 <= share <= size for share, size in zip(shares, sizes, strict=True))
