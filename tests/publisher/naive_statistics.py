"""Statistics made the slow and obvious way: from the list of all trades, each time anew, in fractions."""

from collections.abc import Sequence
from datetime import UTC, datetime
from fractions import Fraction

from bus.protocol.feed import Trade
from publisher.statistics.values import StatisticsRow

SECOND_NS = 10**9
DAY_SECONDS = 24 * 60 * 60


def half_away(exact: Fraction) -> int:
    """The nearest whole number, halves away from zero."""
    size = int(abs(exact) + Fraction(1, 2))
    return size if exact > 0 else -size


def average(trades: Sequence[Trade]) -> int:
    """The volume-weighted average price in microticks; `round` of a fraction takes halves to even."""
    volume = sum(trade.quantity_lots for trade in trades)
    quote = sum(trade.quantity_lots * trade.price_ticks for trade in trades)
    return round(Fraction(quote * 10**6, volume)) if volume else 0


def statistics(trades: Sequence[Trade], now_ns: int) -> StatisticsRow | None:
    """What is to be said at `now_ns`, after these trades."""
    if not trades:
        return None
    now = now_ns // SECOND_NS
    today = datetime.fromtimestamp(now, UTC).date()
    window = [trade for trade in trades if trade.time_ns // SECOND_NS >= now - DAY_SECONDS]
    session = [
        trade for trade in trades if datetime.fromtimestamp(trade.time_ns // SECOND_NS, UTC).date() == today
    ]
    last = trades[-1].price_ticks
    prices = [trade.price_ticks for trade in window] or [last]
    return (
        *(prices[0], max(prices), min(prices), last),
        last - prices[0],
        half_away(Fraction((last - prices[0]) * 10**6, prices[0])),
        sum(trade.quantity_lots for trade in window),
        sum(trade.quantity_lots * trade.price_ticks for trade in window),
        len(window),
        average(window),
        session[0].price_ticks if session else 0,
        sum(trade.quantity_lots for trade in session),
        sum(trade.quantity_lots * trade.price_ticks for trade in session),
        len(session),
        average(session),
    )


def boundaries(trades: Sequence[Trade], after_ns: int, until_ns: int) -> list[int]:
    """The beginnings of seconds behind `after_ns`, up to `until_ns`, at which what is to be said changes by itself.

    Only looked for a day after trades and at midnights: at all others the same trades count as before.
    """
    candidates = {trade.time_ns // SECOND_NS + DAY_SECONDS + 1 for trade in trades}
    first = after_ns // SECOND_NS // DAY_SECONDS * DAY_SECONDS
    candidates.update(range(first, until_ns // SECOND_NS + 1, DAY_SECONDS))
    return [
        second * SECOND_NS
        for second in sorted(candidates)
        if after_ns < second * SECOND_NS <= until_ns
        and statistics(trades, second * SECOND_NS) != statistics(trades, second * SECOND_NS - 1)
    ]
