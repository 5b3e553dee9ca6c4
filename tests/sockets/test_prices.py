"""Prices and quantities are exact both ways, and what is no whole number of steps is an error."""

from decimal import Decimal, localcontext
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bus.errors import OffLot, OffTick
from bus.protocol.commands import DefineInstrument
from bus.sockets.session.prices import Scale, step_of


def scale(tick: int = 1, tick_decimals: int = 2, lot: int = 1, lot_decimals: int = 3) -> Scale:
    return Scale(
        DefineInstrument("BTC-USD", "BTC", "USD", tick, tick_decimals, lot, lot_decimals, 1, 10**9, 1, 10**9)
    )


def test_prices_and_quantities_become_whole_steps() -> None:
    btc = scale()
    assert btc.price_ticks("30000.01") == 3_000_001
    assert btc.price_ticks(Decimal("30000")) == 3_000_000
    assert btc.price_ticks(30_000) == 3_000_000
    assert btc.price_ticks("3e4") == 3_000_000
    assert btc.quantity_lots("0.001") == 1
    assert btc.quantity_lots("-2") == -2000  # the engine says what it thinks of it


def test_steps_become_decimals_with_all_their_places() -> None:
    btc = scale()
    assert str(btc.price(3_000_000)) == "30000.00"
    assert str(btc.quantity(1)) == "0.001"


def test_sums_and_means_of_prices_are_exact() -> None:
    quarters = scale(tick=25, lot=2)
    assert str(quarters.amount(3 * 10**30)) == "1500000000000000000000000000.00000"
    assert str(quarters.mean_price(4_000_001)) == "1.00000025"


def test_a_tick_need_not_be_a_power_of_ten() -> None:
    quarters = scale(tick=25)
    assert quarters.price_ticks("1.75") == 7
    assert str(quarters.price(7)) == "1.75"
    with pytest.raises(OffTick, match=r"^1\.76 is no price of BTC-USD: a tick is 0\.25$"):
        quarters.price_ticks("1.76")


def test_between_two_steps_is_an_error() -> None:
    with pytest.raises(OffTick, match=r"0\.01"):
        scale().price_ticks("0.001")
    with pytest.raises(OffLot, match=r"^0\.0005 is no quantity of BTC-USD: a lot is 0\.001$"):
        scale().quantity_lots("0.0005")


def test_more_digits_than_the_context_has_are_not_rounded_away() -> None:
    with pytest.raises(OffTick):
        scale().price_ticks("1.00000000000000000000000000000000000000000000000001")


@pytest.mark.parametrize("number", [0.1, 1.0, float("nan"), True, None, b"1"])
def test_floats_and_other_things_are_no_prices(number: Any) -> None:
    with pytest.raises(TypeError, match="a price is a Decimal, a text or an int, not"):
        scale().price_ticks(number)


@pytest.mark.parametrize("text", ["", "x", "NaN", "Infinity", "-inf", "1e999999", "1e-999999", "1,5"])
def test_texts_that_are_no_numbers(text: str) -> None:
    with pytest.raises(ValueError, match="is no price"):
        scale().price_ticks(text)


@given(st.integers(1, 2**63 - 1), st.integers(1, 2**63 - 1), st.integers(0, 18), st.integers(1, 60))
def test_there_and_back(ticks: int, mantissa: int, decimals: int, precision: int) -> None:
    """Whatever the caller's decimal context is."""
    steps = scale(tick=mantissa, tick_decimals=decimals)
    with localcontext() as context:
        context.prec = precision
        price = steps.price(ticks)
        assert steps.price_ticks(price) == ticks
        assert steps.price_ticks(str(price)) == ticks
        assert str(price) == str(Decimal(f"{ticks * mantissa}E-{decimals}"))


@pytest.mark.parametrize(
    ("step", "parts"),
    [("0.01", (1, 2)), ("0.25", (25, 2)), ("0.10", (1, 1)), (1, (1, 0)), ("1e2", (100, 0)), ("1E-8", (1, 8))],
)
def test_a_step_as_mantissa_and_decimals(step: str | int, parts: tuple[int, int]) -> None:
    assert step_of(step, "tick") == parts
