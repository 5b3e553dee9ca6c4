"""All alerts of one symbol: given its trades and quotes, they give what fired.

The rule guarded here: what fires is a function of the symbol's trades, of its best prices and of when alerts came and
went between them; what was stored after an event and is restored goes on as if nothing had happened.

Alerts of one kind and window look at the same value and stand in one group. A group knows the values between which
nothing happens to any of its alerts, so a trade costs a comparison a group, however many alerts there are. A trade is
seen twice by kinds with a window: before it, since the window has moved with time (this can only arm), and with it
(this can fire). A revision of a trade fires nothing.

Called by the market of the symbol, between the two steps of its statistics, and with each change of the best prices:

    statistics.advance(time_ns)
    fired = alerts.trade(sequence, time_ns, price_ticks, quantity_lots)
    statistics.trade(time_ns, price_ticks, quantity_lots)
"""

from collections.abc import Iterable
from typing import Final, final

from publisher.alerts.alert import HIGHEST, LOWEST, Alert, AlertFired, AlertRow, restored
from publisher.alerts.definition import (
    MOVE,
    PRICE,
    SPREAD_BASIS_POINTS,
    SPREAD_TICKS,
    VOLUME_SPIKE,
    AlertDefinition,
)
from publisher.alerts.readings import (
    LastPrice,
    Move,
    Reading,
    VolumeSpike,
    spread_basis_points,
    spread_ticks,
)
from publisher.statistics.rolling import RollingStatistics
from publisher.statistics.seconds import SECOND_NS

#: When a group is not quiet it looks at each of its alerts, a third of a microsecond each.
ALERTS_MAX: Final = 1_000
#: Different windows of a symbol. Each costs every trade a few microseconds.
WINDOWS_MAX: Final = 16

#: Kind, window_seconds, windows.
GroupKey = tuple[int, int, int]


@final
class AlertGroup:
    """The alerts that look at one value. Nothing happens while it is above `quiet_above` and below `quiet_below`."""

    __slots__ = ("alerts", "quiet_above", "quiet_below")

    def __init__(self) -> None:
        self.alerts: dict[str, Alert] = {}
        self.quiet_above = LOWEST
        self.quiet_below = HIGHEST

    def include(self, alert: Alert) -> None:
        """An alert more: the quiet values are also those of this one."""
        self.alerts[alert.definition.alert_id] = alert
        self.quiet_above = max(self.quiet_above, alert.quiet_above())
        self.quiet_below = min(self.quiet_below, alert.quiet_below())

    def settle(self) -> None:
        """Find the quiet values after alerts have changed or gone. O(alerts)."""
        self.quiet_above, self.quiet_below = LOWEST, HIGHEST
        for alert in self.alerts.values():
            self.include(alert)


@final
class SymbolAlerts:
    """Of one symbol, whose statistics it reads."""

    __slots__ = (
        "_alerts",
        "_ask_ticks",
        "_bid_ticks",
        "_changed",
        "_groups",
        "_readings",
        "_statistics",
        "symbol",
    )

    def __init__(self, symbol: str, statistics: RollingStatistics) -> None:
        self.symbol = symbol
        self._statistics = statistics
        self._alerts: dict[str, Alert] = {}
        self._groups: dict[GroupKey, AlertGroup] = {}
        # Those groups that look at trades. The others look at best prices.
        self._readings: dict[GroupKey, Reading] = {}
        # Ids of alerts whose rows have changed, come or gone, in the order of their first change.
        self._changed: dict[str, None] = {}
        self._bid_ticks = 0
        self._ask_ticks = 0

    def add(self, definition: AlertDefinition, time_ns: int) -> str:
        """A new alert. It sees the value of now, at `time_ns`, to which the statistics have been brought.

        "", or in one sentence why not. Another one with the same id takes its place; the very same one again changes
        nothing, so that asking twice is safe.
        """
        alert_id = definition.alert_id
        refusal = definition.refusal()
        if refusal:
            return refusal
        if definition.symbol != self.symbol:
            return f"these are the alerts of {self.symbol}"
        old = self._alerts.get(alert_id)
        if old is not None and old.definition.row() == definition.row():
            return ""
        if old is None and len(self._alerts) >= ALERTS_MAX:
            return f"a symbol has at most {ALERTS_MAX} alerts"
        key = _key(definition)
        if definition.window_seconds and key not in self._groups and self._windows() >= WINDOWS_MAX:
            return f"the alerts of a symbol look at {WINDOWS_MAX} different windows at the most"
        self.remove(alert_id)
        alert = Alert(definition)
        group = self._group(key)
        value = self._now(key, time_ns)
        if value is not None:
            alert.arm(value)
        group.include(alert)
        self._alerts[alert_id] = alert
        self._changed[alert_id] = None
        return ""

    def remove(self, alert_id: str) -> bool:
        """Whether there was such an alert."""
        alert = self._alerts.pop(alert_id, None)
        if alert is None:
            return False
        key = _key(alert.definition)
        group = self._groups[key]
        del group.alerts[alert_id]
        if group.alerts:
            group.settle()
        else:
            del self._groups[key]
            self._readings.pop(key, None)
        self._changed[alert_id] = None
        return True

    def trade(self, sequence: int, time_ns: int, price_ticks: int, quantity_lots: int) -> list[AlertFired]:
        """A trade that the statistics do not have yet, but its time. What fired, by alert id. O(groups) when quiet."""
        fired: list[AlertFired] = []
        if not self._readings:
            return fired
        second = time_ns // SECOND_NS
        for key, reading in list(self._readings.items()):
            group = self._groups[key]
            reading.slide(second)
            value = reading.now()
            if value is not None and not group.quiet_above < value < group.quiet_below:
                self._arm(group, value)
            value = reading.with_trade(price_ticks, quantity_lots)
            if value is not None and not group.quiet_above < value < group.quiet_below:
                self._look(group, value, sequence, time_ns, fired)
        return sorted(fired, key=_alert_id)

    def quote(self, sequence: int, time_ns: int, bid_ticks: int, ask_ticks: int) -> list[AlertFired]:
        """The best prices as they are now, 0 for one that is not there. What fired, by alert id."""
        self._bid_ticks = bid_ticks
        self._ask_ticks = ask_ticks
        fired: list[AlertFired] = []
        for key, group in list(self._groups.items()):
            if key not in self._readings:
                value = self._spread(key[0])
                if value is not None and not group.quiet_above < value < group.quiet_below:
                    self._look(group, value, sequence, time_ns, fired)
        return sorted(fired, key=_alert_id)

    def alerts(self) -> list[Alert]:
        """All of them, in the order in which they came; to be looked at only."""
        return list(self._alerts.values())

    def has(self, alert_id: str) -> bool:
        """Whether there is such an alert."""
        return alert_id in self._alerts

    def look_at_quotes(self) -> bool:
        """Whether any alert does; without one `quote` need not be told."""
        return len(self._groups) > len(self._readings)

    def rows(self) -> list[AlertRow]:
        """All alerts and their states, in the order in which they came."""
        return [alert.row() for alert in self._alerts.values()]

    @property
    def has_changed(self) -> bool:
        """Whether `take_changed` would give anything."""
        return bool(self._changed)

    def take_changed(self) -> dict[str, AlertRow | None]:
        """The rows that have changed since the last call, by alert id; None for alerts that are gone."""
        changed: dict[str, AlertRow | None] = {}
        for alert_id in self._changed:
            alert = self._alerts.get(alert_id)
            changed[alert_id] = None if alert is None else alert.row()
        self._changed = {}
        return changed

    def restore(self, rows: Iterable[AlertRow]) -> None:
        """Take up what was. ValueError for a row that cannot be."""
        assert not self._alerts, "restored before anything else"
        for row in rows:
            alert = restored(row)
            refusal = alert.definition.refusal()
            if not refusal and (
                alert.definition.symbol != self.symbol or alert.definition.alert_id in self._alerts
            ):
                refusal = f"it is of {alert.definition.symbol}, or there twice"
            if refusal:
                raise ValueError(f"alert {alert.definition.alert_id!r} cannot be restored: {refusal}")
            self._group(_key(alert.definition)).include(alert)
            self._alerts[alert.definition.alert_id] = alert

    # The parts of the above.

    def _group(self, key: GroupKey) -> AlertGroup:
        """The group, made when it is not there."""
        if key not in self._groups:
            self._groups[key] = AlertGroup()
            kind, window_seconds, windows = key
            if kind == PRICE:
                self._readings[key] = LastPrice(self._statistics)
            elif kind == MOVE:
                self._readings[key] = Move(self._statistics, window_seconds)
            elif kind == VOLUME_SPIKE:
                self._readings[key] = VolumeSpike(self._statistics, window_seconds, windows)
        return self._groups[key]

    def _windows(self) -> int:
        return sum(1 for _, window_seconds, _ in self._groups if window_seconds)

    def _now(self, key: GroupKey, time_ns: int) -> int | None:
        reading = self._readings.get(key)
        if reading is None:
            return self._spread(key[0])
        reading.slide(time_ns // SECOND_NS)
        return reading.now()

    def _spread(self, kind: int) -> int | None:
        if kind == SPREAD_TICKS:
            return spread_ticks(self._bid_ticks, self._ask_ticks)
        assert kind == SPREAD_BASIS_POINTS
        return spread_basis_points(self._bid_ticks, self._ask_ticks)

    def _arm(self, group: AlertGroup, value: int) -> None:
        """All alerts of the group see a value that cannot fire."""
        for alert_id, alert in group.alerts.items():
            if alert.arm(value):
                self._changed[alert_id] = None
        group.settle()

    def _look(
        self, group: AlertGroup, value: int, sequence: int, time_ns: int, fired: list[AlertFired]
    ) -> None:
        """All alerts of the group see a value; those that are over when they have fired go."""
        for alert_id, alert in list(group.alerts.items()):
            before = alert.row()
            threshold = alert.look(value)
            if threshold:
                ended = not alert.definition.repeats
                fired.append(
                    AlertFired(
                        alert_id,
                        self.symbol,
                        alert.definition.condition,
                        sequence,
                        time_ns,
                        value,
                        threshold,
                        ended,
                    )
                )
                if ended:
                    self.remove(alert_id)
            if alert.row() != before:
                self._changed[alert_id] = None
        group.settle()


def _key(definition: AlertDefinition) -> GroupKey:
    return definition.kind, definition.window_seconds, definition.windows


def _alert_id(fired: AlertFired) -> str:
    return fired.alert_id
