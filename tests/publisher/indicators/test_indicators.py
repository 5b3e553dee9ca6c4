"""Indicators: their definitions in fractions, and what TA-Lib says of the same candles."""

from fractions import Fraction

import numpy as np
import pytest
import talib
from hypothesis import given
from hypothesis import strategies as st

from publisher.candles.candle import Candle
from publisher.candles.series import CandleSeries
from publisher.indicators.table import INDICATORS, PERIOD_MAX
from tests.publisher.real_trades import needs_the_recording, real_trades
from tests.support.drawn import drawn

MICRO = 10**6
NEVER_NS, EVER_NS = -(2**62), 2**62


def closing_at(closes: list[int]) -> list[Candle]:
    """Candles with these closes; the volume of each is its place, from 0."""
    return [
        Candle(at * 60 * 10**9, close, close + 5, 1, close, at, at * (close + 2), at)
        for at, close in enumerate(closes)
    ]


CANDLES = st.lists(st.one_of(st.integers(1, 300), st.integers(1, 2**50)), max_size=40).map(closing_at)
PERIODS = st.one_of(st.integers(1, 6), st.integers(1, 50))


def microticks(value: Fraction) -> int:
    """Rounded half to even, as `round` does with fractions."""
    return round(value * MICRO)


def test_small_ones_by_hand() -> None:
    candles = closing_at([10, 20, 30, 41])
    assert INDICATORS["sma"].function(candles, 2) == [None, 15_000_000, 25_000_000, 35_500_000]
    assert INDICATORS["ema"].function(candles, 3) == [None, None, 20_000_000, 30_500_000]
    assert INDICATORS["vwap"].function(candles, 1) == [None, 22_000_000, 32_000_000, 43_000_000]
    assert INDICATORS["vwap"].function(candles, 2) == [None, 22_000_000, 28_666_667, 38_600_000]


@drawn(120)
@given(CANDLES, PERIODS)
def test_the_simple_average_is_exact(candles: list[Candle], period: int) -> None:
    closes = [candle.close_ticks for candle in candles]
    assert INDICATORS["sma"].function(candles, period) == [
        None if at < period - 1 else microticks(Fraction(sum(closes[at - period + 1 : at + 1]), period))
        for at in range(len(closes))
    ]


@drawn(120)
@given(CANDLES, PERIODS)
def test_the_volume_weighted_average_is_exact(candles: list[Candle], period: int) -> None:
    expected: list[int | None] = []
    for at in range(len(candles)):
        window = candles[max(at - period + 1, 0) : at + 1]
        volume = sum(candle.volume_lots for candle in window)
        quote = sum(candle.quote_volume for candle in window)
        is_there = at >= period - 1 and volume > 0
        expected.append(microticks(Fraction(quote, volume)) if is_there else None)
    assert INDICATORS["vwap"].function(candles, period) == expected


def within_a_millionth(value: int | None, exact: Fraction) -> bool:
    """Whether it is the exact number of microticks, or one a millionth beside it, rounded."""
    return value in (round(exact - Fraction(1, 10**6)), round(exact + Fraction(1, 10**6)))


@drawn(120)
@given(CANDLES, PERIODS)
def test_the_exponential_average_is_as_good_as_exact(candles: list[Candle], period: int) -> None:
    closes = [candle.close_ticks for candle in candles]
    values = INDICATORS["ema"].function(candles, period)
    assert values[: period - 1] == [None] * min(period - 1, len(closes))
    average = Fraction(sum(closes[:period]), period)
    for at in range(period - 1, len(closes)):
        if at >= period:
            average += (closes[at] - average) * Fraction(2, period + 1)
        assert within_a_millionth(values[at], average * MICRO)


def test_the_exponential_average_is_so_after_many_candles() -> None:
    """Against one with 60 more digits."""
    period, digits = 211, 10**60
    closes = [at * 7919 % 100_003 + 1 for at in range(20_000)]
    values = INDICATORS["ema"].function(closing_at(closes), period)
    average = sum(closes[:period]) * MICRO * digits // period
    for close, value in zip(closes[period:], values[period:], strict=True):
        average += (close * MICRO * digits - average) * 2 // (period + 1)
        assert within_a_millionth(value, Fraction(average, digits))


@pytest.mark.parametrize("name", INDICATORS)
@pytest.mark.parametrize("period", [1, 2, 7, 20])
def test_with_its_lead_in_a_value_does_not_depend_on_the_page(name: str, period: int) -> None:
    """Prices that jump from 1 to 2**30 ticks and back: what is left of the seed is not seen."""
    candles = closing_at([1 if at % 5 < 3 else 2**30 + at * 7919 for at in range(700)])
    indicator = INDICATORS[name]
    whole = indicator.values(candles, [period])
    lead_in = indicator.lead_in([period])
    for first in range(lead_in, 700, 61):
        page = indicator.values(candles[first - lead_in : first + 5], [period])
        assert page[lead_in:] == whole[first : first + 5]


@pytest.mark.parametrize("name", INDICATORS)
def test_periods_have_limits(name: str) -> None:
    indicator = INDICATORS[name]
    assert indicator.refusal([1]) == indicator.refusal([PERIOD_MAX]) == ""
    assert indicator.refusal([0]) == f"the period of {name} is 1 to 500 candles, not 0"
    assert indicator.refusal([501]) == f"the period of {name} is 1 to 500 candles, not 501"
    for parameters in ([], [5, 5]):
        assert indicator.refusal(parameters) == f"the parameters of {name} are period"


@needs_the_recording
@pytest.mark.parametrize("period", [2, 9, 20, 200])
@pytest.mark.parametrize("name", ["sma", "ema"])
def test_real_candles_have_the_averages_that_ta_lib_gives_them(name: str, period: int) -> None:
    """It computes in floats, whose error is far below a microtick at these prices; ours are rounded to one."""
    series = CandleSeries()
    for trade in real_trades():
        series.advance(trade.time_ns)
        series.trade(
            *(trade.sequence, trade.time_ns, trade.trade_id),
            *(trade.price_ticks, trade.quantity_lots, trade.aggressor),
        )
    candles = series.page("1m", NEVER_NS, EVER_NS, 1440)
    closes = np.array([candle.close_ticks for candle in candles], dtype=np.float64)
    theirs = (talib.SMA if name == "sma" else talib.EMA)(closes, timeperiod=period)
    ours = INDICATORS[name].values(candles, [period])
    assert len(ours) > 280
    assert [value is None for value in ours] == [bool(missing) for missing in np.isnan(theirs)]
    for value, other in zip(ours[period - 1 :], theirs[period - 1 :], strict=True):
        assert value is not None
        assert abs(value - float(other) * MICRO) <= 0.501
