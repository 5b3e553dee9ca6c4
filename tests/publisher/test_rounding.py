"""Rounding, against the fractions of the standard library and the decimals' ways to round."""

from decimal import ROUND_HALF_UP, Decimal
from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from publisher.rounding import half_away, half_even
from tests.support.drawn import drawn

NUMERATORS = st.one_of(st.integers(-50, 50), st.integers(-(2**130), 2**130))
DENOMINATORS = st.one_of(st.integers(1, 20), st.integers(1, 2**70))


@pytest.mark.parametrize(
    ("numerator", "even", "away"),
    [(-7, -4, -4), (-6, -3, -3), (-5, -2, -3), (-1, 0, -1), (0, 0, 0), (1, 0, 1), (3, 2, 2), (5, 2, 3)],
)
def test_halves(numerator: int, even: int, away: int) -> None:
    assert half_even(numerator, 2) == even
    assert half_away(numerator, 2) == away


@drawn(300)
@given(NUMERATORS, DENOMINATORS)
def test_half_even_is_what_fractions_do(numerator: int, denominator: int) -> None:
    assert half_even(numerator, denominator) == round(Fraction(numerator, denominator))


@drawn(300)
@given(st.integers(-(10**9), 10**9), st.sampled_from([1, 2, 4, 5, 8, 1000, 2**20]))
def test_half_away_is_what_decimals_call_half_up(numerator: int, denominator: int) -> None:
    """These quotients are exact decimals of less than 28 digits."""
    exact = Decimal(numerator) / denominator
    assert half_away(numerator, denominator) == int(exact.to_integral_value(ROUND_HALF_UP))
