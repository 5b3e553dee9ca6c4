"""The exponential moving average of the closes. Named in `publisher.indicators.table`."""

from collections.abc import Sequence
from typing import Final

from publisher.candles.candle import Candle
from publisher.rounding import half_even
from publisher.statistics.values import MICRO

#: Between two candles an average is kept in parts of a microtick of this size. Each step rounds by half of one at the
#: most, and what a step was wrong by fades as the average does: 501 halves in all at the longest period.
PARTS: Final = 10**12


def ema(candles: Sequence[Candle], period: int) -> list[int | None]:
    """For each candle the average before it, moved towards its close by 2 / (`period` + 1) of the way, in microticks.

    The first value is the simple average of the first `period` closes, as TA-Lib has it; None before that. In whole
    numbers, rounded half to even, so it is the same on every machine; within a millionth of a microtick of the exact
    value before the last rounding. What it says depends on where it was seeded: see `lead_in` in the table. O(candles).
    """
    values: list[int | None] = []
    average = 0
    total_ticks = 0
    for at, candle in enumerate(candles):
        if at < period:
            total_ticks += candle.close_ticks
            if at < period - 1:
                values.append(None)
                continue
            average = half_even(total_ticks * MICRO * PARTS, period)
        else:
            close = candle.close_ticks * MICRO * PARTS
            average = half_even(average * (period - 1) + 2 * close, period + 1)
        values.append(half_even(average, PARTS))
    return values
