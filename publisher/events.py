"""The publisher's values in the shape of its protocol: tuples as `bus.protocol.market.streams` has them.

Sums become decimal text here, and nowhere else. Called by `market` and `answers`.
"""

from collections.abc import Mapping
from typing import Any, Final

import msgspec

from bus.protocol.market.requests import Alert as AlertTold
from bus.protocol.market.streams import ALERT_FIRED, CANDLE, MINI_STATISTICS, STATISTICS
from publisher.alerts.alert import Alert, AlertFired, AlertRow
from publisher.candles.candle import Candle
from publisher.statistics.values import Statistics
from publisher.store.rows import StoredAlert

_decode_alert: Final = msgspec.json.Decoder(AlertRow).decode


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


def alert_event(fired: AlertFired) -> tuple[Any, ...]:
    """In the shape of AlertFired."""
    return (ALERT_FIRED, fired.sequence, fired.alert_id, fired.condition, fired.value, fired.threshold)


def told_alert(alert: Alert) -> AlertTold:
    """An alert as it stands."""
    definition = alert.definition
    return AlertTold(
        definition.alert_id,
        definition.symbol,
        definition.condition,
        list(definition.parameters),
        definition.repeats,
        definition.hysteresis,
        alert.armed(),
        alert.fired,
    )


def alert_rows(
    symbol: str, log_sequence: int, changed: Mapping[str, AlertRow | None]
) -> tuple[list[StoredAlert], list[str]]:
    """For the store: alerts that have changed, and the ids of those that are gone."""
    rows = [
        StoredAlert(alert_id, symbol, log_sequence, msgspec.json.encode(row).decode())
        for alert_id, row in changed.items()
        if row is not None
    ]
    return rows, [alert_id for alert_id, row in changed.items() if row is None]


def alert_row(stored: StoredAlert) -> AlertRow:
    """What the store has of an alert. Raises msgspec.MsgspecError."""
    row: AlertRow = _decode_alert(stored.content)
    return row
