"""The simple moving average of the closes. Named in `publisher.indicators.table`."""

from collections.abc import Sequence

from publisher.candles.candle import Candle
from publisher.rounding import half_even
from publisher.statistics.values import MICRO


def sma(candles: Sequence[Candle], period: int) -> list[int | None]:
    """For each candle the average of its close and the `period` - 1 closes before it, in microticks.

    None for the first `period` - 1 candles. Exact, rounded half to even. O(candles).
    """
    values: list[int | None] = []
    total_ticks = 0
    for at, candle in enumerate(candles):
        total_ticks += candle.close_ticks
        if at >= period:
            total_ticks -= candles[at - period].close_ticks
        values.append(half_even(total_ticks * MICRO, period) if at >= period - 1 else None)
    return values
