"""Decimal texts become exactly so many ticks and lots, or are refused."""

import pytest

from tools.replay.scale import Scale, step_of

CENTS = Scale(1, 2, 1, 8)
HALVES = Scale(5, 1, 25, 2)


@pytest.mark.parametrize(
    ("scale", "text", "ticks"),
    [
        (CENTS, "236.47", 23647),
        (CENTS, "236", 23600),
        (CENTS, "236.4700", 23647),
        (CENTS, "0", 0),
        (CENTS, "92233720368547758.07", 2**63 - 1),
        (HALVES, "236.5", 473),
    ],
)
def test_a_price_is_a_whole_number_of_ticks(scale: Scale, text: str, ticks: int) -> None:
    assert scale.price_ticks(text) == ticks


def test_a_quantity_is_a_whole_number_of_lots() -> None:
    assert CENTS.quantity_lots("2.00000001") == 200_000_001
    assert HALVES.quantity_lots("0.75") == 3


@pytest.mark.parametrize(
    ("scale", "text", "what"),
    [
        (CENTS, "236.471", "'236.471' is not a whole number of ticks of 0.01"),
        (HALVES, "236.4", "'236.4' is not a whole number of ticks of 0.5"),
        (Scale(25, 0, 1, 0), "30", "'30' is not a whole number of ticks of 25"),
        (CENTS, "92233720368547758.08", "'92233720368547758.08' is too large"),
        (CENTS, "-1", "'-1' is not a decimal number"),
        (CENTS, "1e5", "'1e5' is not a decimal number"),
        (CENTS, "", "'' is not a decimal number"),
        (CENTS, "\u0661", "'\u0661' is not a decimal number"),
    ],
)
def test_what_is_no_whole_number_of_ticks_is_refused(scale: Scale, text: str, what: str) -> None:
    with pytest.raises(ValueError, match=r".") as refusal:
        scale.price_ticks(text)
    assert str(refusal.value) == what


def test_a_binary_fraction_means_the_nearest_decimal_one() -> None:
    assert CENTS.nearest_price_ticks(236.61000000000001) == 23661
    assert CENTS.nearest_quantity_lots(1.7885566900000001) == 178_855_669


def test_a_tick_is_written_as_a_decimal() -> None:
    assert step_of("0.01") == (1, 2)
    assert step_of("0.50") == (5, 1)
    assert step_of("25") == (25, 0)
    for text in ("0", "0.0", "x", "-1"):
        with pytest.raises(ValueError, match=r"."):
            step_of(text)
