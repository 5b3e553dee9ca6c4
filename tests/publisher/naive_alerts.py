"""Alerts the slow and obvious way: each looks at the list of all trades, in fractions, with each event."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from fractions import Fraction

from bus.protocol.feed import Trade
from publisher.alerts.definition import (
    ABOVE,
    BELOW,
    MOVE,
    PRICE,
    SPREAD_BASIS_POINTS,
    SPREAD_TICKS,
    VOLUME_SPIKE,
    AlertDefinition,
)

SECOND_NS = 10**9


def value_of(definition: AlertDefinition, trades: Sequence[Trade], now_ns: int) -> Fraction | None:
    """What an alert about trades looks at, after these trades, at this time."""
    if not trades:
        return None
    last = trades[-1].price_ticks
    if definition.kind == PRICE:
        return Fraction(last)
    now, length = now_ns // SECOND_NS, definition.window_seconds
    if definition.kind == MOVE:
        before = [trade for trade in trades if trade.time_ns // SECOND_NS < now - length]
        compared = before[-1] if before else trades[0]
        return Fraction((last - compared.price_ticks) * 10**6, compared.price_ticks)
    assert definition.kind == VOLUME_SPIKE
    start = now - length * (definition.windows + 1)
    inside = [trade for trade in trades if trade.time_ns // SECOND_NS >= now - length]
    earlier = [trade for trade in trades if start <= trade.time_ns // SECOND_NS < now - length]
    if not earlier or trades[0].time_ns // SECOND_NS >= start:
        return None
    average = Fraction(sum(trade.quantity_lots for trade in earlier), definition.windows)
    return Fraction(sum(trade.quantity_lots for trade in inside) * 100) / average


def spread_of(definition: AlertDefinition, bid_ticks: int, ask_ticks: int) -> Fraction | None:
    """What an alert about the spread looks at."""
    if not bid_ticks or not ask_ticks:
        return None
    spread = Fraction(ask_ticks - bid_ticks)
    return (
        spread if definition.kind == SPREAD_TICKS else spread * 10_000 / (Fraction(ask_ticks + bid_ticks) / 2)
    )


@dataclass
class NaiveAlert:
    """One alert: for each of its thresholds whether it may fire there."""

    definition: AlertDefinition
    seen: bool = False
    over: bool = False
    armed: dict[int, bool] = field(default_factory=dict)

    @property
    def is_about_spreads(self) -> bool:
        """Whether it looks at quotes, and not at trades."""
        return self.definition.kind in (SPREAD_TICKS, SPREAD_BASIS_POINTS)

    def thresholds(self) -> list[tuple[int, int]]:
        """Each with the sign of the direction in which it is reached."""
        definition = self.definition
        down = -definition.threshold if definition.kind == MOVE else definition.threshold
        both = {ABOVE: [(1, definition.threshold)], BELOW: [(-1, down)]}
        return both.get(definition.direction) or both[ABOVE] + both[BELOW]

    def see(self, value: Fraction | None, may_fire: bool) -> int:
        """The threshold for which it fires, 0 for none."""
        if value is None or self.over:
            return 0
        fired = 0
        for sign, threshold in self.thresholds():
            beyond = (value - threshold) * sign
            if not self.seen:
                self.armed[sign] = beyond < 0
            elif may_fire and self.armed[sign] and beyond >= 0:
                self.armed[sign] = False
                fired = threshold
            # A rounded value is at or beyond a whole number exactly when the exact one is; behind it, what is
            # published counts.
            elif (rounded(self.definition, value) - threshold) * sign <= -(self.definition.hysteresis or 1):
                self.armed[sign] = True
        self.seen = True
        self.over = bool(fired) and not self.definition.repeats
        return fired


def rounded(definition: AlertDefinition, value: Fraction) -> int:
    """As it is published: moves towards zero, the others down."""
    if definition.kind == MOVE and value < 0:
        return -int(-value)
    return int(value)
