"""What is written into the store and read from it, as values.

The rule guarded here: what is written of a symbol in one piece (`SymbolRows`) says after which log sequence it goes
on and up to which it goes. So no piece is left out unnoticed. Made by the owner of the writer, and by `reading`.
"""

from typing import Final, NamedTuple, final

from msgspec import Struct, field

from bus.protocol.feed import InstrumentDefined, Trade, TradeBusted, TradeCorrected
from publisher.candles.candle import Candle

#: States of a stored trade.
VALID: Final = 0
BUSTED: Final = 1
CORRECTED: Final = 2

#: Kinds of a correction: two events of the feed, and the operator's hand.
BUST: Final = "bust"
CORRECT: Final = "correct"
MANUAL: Final = "manual"

#: Symbol, interval, open time in ns.
CandleKey = tuple[str, str, int]


class Progress(Struct, frozen=True, gc=False):
    """What the rows of a symbol contain: everything up to this log sequence, and its last number on the trade topic."""

    trade_number: int
    sequence: int
    time_ns: int
    epoch: int


class PastEvent(NamedTuple):
    """An event of a symbol's trade topic. `epoch`: the last one of which something is stored."""

    number: int
    sequence: int
    time_ns: int
    epoch: int


class StoredTrade(Struct, frozen=True, gc=False):
    """A trade as it counts now: `price_ticks` is the corrected one in state CORRECTED, the original one otherwise."""

    sequence: int
    time_ns: int
    trade_id: int
    price_ticks: int
    quantity_lots: int
    aggressor: int
    state: int


class Correction(Struct, frozen=True, kw_only=True):
    """One change of what had been stored. `(number, step)` orders those of a symbol.

    Of an event `number` is its own on the trade topic, and `step` 0. What an operator did by hand has the number of
    the last event that was stored before it, and steps from 1. Of a trade `price_after_ticks` is None when it no
    longer counts, and `open_time_ns` is that of its minute (None: the trade is not stored). A candle has no
    `trade_id`; `before` and `after` are all its fields as JSON.
    """

    number: int
    step: int = 0
    sequence: int
    time_ns: int
    kind: str
    trade_id: int | None = None
    price_before_ticks: int | None = None
    price_after_ticks: int | None = None
    interval: str = "1m"
    open_time_ns: int | None = None
    before: str = ""
    after: str = ""
    note: str = ""


class SymbolDefinition(Struct, frozen=True):
    """A symbol as it was announced last. `sequence` is that of the last event that changed any of it."""

    sequence: int
    phase: int
    definition: InstrumentDefined


class StoredAlert(Struct, frozen=True):
    """An alert; `content` is its definition and state as JSON, of which the store knows nothing.

    `sequence` is the log sequence of its state: of two, the later one stays.
    """

    alert_id: str
    symbol: str
    sequence: int
    content: str


@final
class SymbolRows(Struct, kw_only=True):
    """What happened to one symbol between two log sequences: written as one, or not at all.

    `after_sequence` is the log sequence at which the piece before it ended, 0 when there is none. None says that what
    lies before is missing for good. `revisions` are events with their numbers on the trade topic; `candles` are closed
    ones with their intervals, each at most once.
    """

    symbol: str
    after_sequence: int | None
    progress: Progress
    trades: list[Trade] = field(default_factory=list)
    revisions: list[tuple[int, TradeBusted | TradeCorrected]] = field(default_factory=list)
    candles: list[tuple[str, Candle]] = field(default_factory=list)
    definition: SymbolDefinition | None = None
    alerts: list[StoredAlert] = field(default_factory=list)
    removed_alerts: list[str] = field(default_factory=list)

    def count(self) -> int:
        """How many rows these are, the one of the progress included."""
        return (
            1
            + len(self.trades)
            + len(self.revisions)
            + len(self.candles)
            + (self.definition is not None)
            + len(self.alerts)
            + len(self.removed_alerts)
        )

    def extend(self, newer: "SymbolRows") -> None:
        """Take in the piece that follows, so that both are written as one. That one is not changed."""
        assert newer.after_sequence in (None, self.progress.sequence), "a piece is missing in between"
        self.progress = newer.progress
        self.trades += newer.trades
        self.revisions += newer.revisions
        if newer.candles:
            latest = {
                (interval, candle.open_time_ns): (interval, candle) for interval, candle in self.candles
            }
            latest.update({(interval, c.open_time_ns): (interval, c) for interval, c in newer.candles})
            self.candles = list(latest.values())
        self.definition = newer.definition or self.definition
        if newer.alerts or newer.removed_alerts:
            ended = set(newer.removed_alerts) | {alert.alert_id for alert in newer.alerts}
            self.alerts = [alert for alert in self.alerts if alert.alert_id not in ended] + newer.alerts
            made = {alert.alert_id for alert in newer.alerts}
            self.removed_alerts = [i for i in self.removed_alerts if i not in made] + newer.removed_alerts
