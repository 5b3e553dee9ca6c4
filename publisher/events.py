"""The publisher's values in the shape of its protocol: tuples as `bus.protocol.market.streams` has them.

Sums become decimal text here, and nowhere else. Called by `market` and `answers`.
"""

from typing import Any

from bus.protocol.market.streams import CANDLE, MINI_STATISTICS, STATISTICS
from publisher.candles.candle import Candle
from publisher.statistics.values import Statistics


def candle_event(interval: str, candle: Candle) -> tuple[Any, ...]:
    """In the shape of CandleUpdated."""
    return (
        CANDLE,
        interval,
        candle.open_time_ns,
        candle.open_ticks,
        candle.high_ticks,
        candle.low_ticks,
        candle.close_ticks,
        str(candle.volume_lots),
        str(candle.quote_volume),
        candle.trades,
        str(candle.taker_buy_lots),
        str(candle.taker_buy_quote),
        candle.first_trade_id,
        candle.last_trade_id,
        candle.closed,
        candle.revision,
    )


def statistics_event(
    time_ns: int, day: Statistics, best_bid: tuple[int, int, int], best_ask: tuple[int, int, int]
) -> tuple[Any, ...]:
    """In the shape of Statistics. Best rows are `(price_ticks, quantity_lots, orders)`."""
    return (
        STATISTICS,
        time_ns,
        day.open_ticks,
        day.high_ticks,
        day.low_ticks,
        day.last_ticks,
        day.change_ticks,
        day.change_ppm,
        str(day.volume_lots),
        str(day.quote_volume),
        day.trades,
        day.vwap_microticks,
        best_bid[0],
        best_bid[1],
        best_ask[0],
        best_ask[1],
        day.session_open_ticks,
        str(day.session_volume_lots),
        day.session_vwap_microticks,
    )


def mini_event(time_ns: int, day: Statistics) -> tuple[Any, ...]:
    """In the shape of MiniStatistics."""
    return (
        MINI_STATISTICS,
        time_ns,
        day.open_ticks,
        day.high_ticks,
        day.low_ticks,
        day.last_ticks,
        str(day.volume_lots),
        str(day.quote_volume),
    )
