"""Candles made the slow and obvious way: from the list of all trades, with the calendar of the standard library."""

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta

from bus.protocol.feed import Trade
from bus.protocol.terms import BUY
from publisher.candles.candle import CandleRow

SECOND_NS = 10**9

#: How many seconds each is long, written down once more.
SECONDS = {
    "1m": 60,
    "5m": 300,
    "15m": 900,
    "30m": 1800,
    "1h": 3600,
    "4h": 14400,
    "1d": 86400,
    "1w": 604800,
}

#: What a candle says: its row without `closed` and `revision`.
Said = tuple[int, ...]


def said(row: CandleRow) -> Said:
    """The part of a row that follows from the trades."""
    return row[:13]


def opens_ns(interval: str, time_ns: int) -> int:
    """By the calendar: midnight UTC of the day or of the week's Monday, and whole intervals from there."""
    at = datetime.fromtimestamp(time_ns // SECOND_NS, UTC)
    midnight = at.replace(hour=0, minute=0, second=0)
    if interval == "1w":
        opens = midnight - timedelta(days=at.weekday())
    else:
        opens = midnight + (at - midnight) // timedelta(seconds=SECONDS[interval]) * timedelta(
            seconds=SECONDS[interval]
        )
    return int(opens.timestamp()) * SECOND_NS


def candles(
    interval: str, trades: Sequence[Trade], begun_ns: int, first_ticks: int, now_ns: int
) -> list[Said]:
    """All candles from the one of the first trade ever to the open one.

    That trade was at `begun_ns`; while there is no trade before, the last price is `first_ticks`.
    """
    by_open: dict[int, list[Trade]] = {}
    for trade in trades:
        by_open.setdefault(opens_ns(interval, trade.time_ns), []).append(trade)
    length_ns = SECONDS[interval] * SECOND_NS
    made: list[Said] = []
    last_ticks = first_ticks
    for opens in range(opens_ns(interval, begun_ns), opens_ns(interval, now_ns) + 1, length_ns):
        own = by_open.get(opens, [])
        prices = [trade.price_ticks for trade in own] or [last_ticks]
        last_ticks = prices[-1]
        bought = [trade for trade in own if trade.aggressor == BUY]
        made.append(
            (
                *(opens, prices[0], max(prices), min(prices), prices[-1]),
                sum(trade.quantity_lots for trade in own),
                sum(trade.quantity_lots * trade.price_ticks for trade in own),
                len(own),
                sum(trade.quantity_lots for trade in bought),
                sum(trade.quantity_lots * trade.price_ticks for trade in bought),
                *((own[0].trade_id, own[-1].trade_id, own[-1].sequence) if own else (0, 0, 0)),
            )
        )
    return made
