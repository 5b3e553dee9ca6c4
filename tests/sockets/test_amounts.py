"""Amounts of an asset: exactly so many units, or refused; and back."""

from decimal import Decimal, localcontext

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bus.sockets.session.amounts import amount_of, units_of


@given(st.integers(-(2**63) + 1, 2**63 - 1), st.integers(0, 18))
def test_units_are_an_amount_and_come_back(units: int, decimals: int) -> None:
    # Whatever precision its caller works with.
    with localcontext(prec=3):
        amount = amount_of(units, decimals)
        assert units_of(f"{amount:f}", decimals) == units_of(amount, decimals) == units
        assert -amount.as_tuple().exponent == decimals  # type: ignore[operator]  # it is a finite one


@pytest.mark.parametrize(
    ("amount", "decimals", "problem"),
    [
        ("1.001", 2, "more than the 2 decimals"),
        ("1." + "0" * 40 + "1", 6, "more than the 6 decimals"),
        (Decimal("0.1"), 0, "more than the 0 decimals"),
        ("9223372036854.775808", 6, "63 bits"),
        ("1e40", 0, "63 bits"),
        ("1e999999", 0, "is no amount"),
        ("nan", 2, "is no amount"),
        ("lots", 2, "is no amount"),
        ("", 2, "is no amount"),
    ],
)
def test_what_is_no_whole_number_of_units_is_refused(
    amount: str | Decimal, decimals: int, problem: str
) -> None:
    with pytest.raises(ValueError, match=problem):
        units_of(amount, decimals)


def test_no_float_is_an_amount() -> None:
    with pytest.raises(TypeError, match="write Decimal"):
        units_of(0.1, 2)  # type: ignore[arg-type]


def test_trailing_zeros_are_no_more_decimals() -> None:
    assert units_of("1.5000000", 1) == 15
    assert units_of(7, 3) == 7_000
    assert units_of("9223372036854775807", 0) == 2**63 - 1
