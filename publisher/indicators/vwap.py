"""The volume-weighted average price of the last candles. Named in `publisher.indicators.table`."""

from collections.abc import Sequence

from publisher.candles.candle import Candle
from publisher.statistics.values import vwap_microticks


def vwap(candles: Sequence[Candle], period: int) -> list[int | None]:
    """For each candle the quote volume by the volume, of itself and the `period` - 1 before it, in microticks.

    Of the trades themselves, not of typical prices: exact, rounded half to even. None for the first `period` - 1
    candles, and where nothing was traded in them. O(candles).
    """
    values: list[int | None] = []
    quote_volume = 0
    volume_lots = 0
    for at, candle in enumerate(candles):
        quote_volume += candle.quote_volume
        volume_lots += candle.volume_lots
        if at >= period:
            quote_volume -= candles[at - period].quote_volume
            volume_lots -= candles[at - period].volume_lots
        is_there = at >= period - 1 and volume_lots > 0
        values.append(vwap_microticks(quote_volume, volume_lots) if is_there else None)
    return values
