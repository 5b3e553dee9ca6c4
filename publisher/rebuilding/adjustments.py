"""What an operator did by hand to a symbol's rows, as its corrections tell: what the rows have to be therefore.

Of a trade the last word counts, the operator's or that of a newer event; of a candle always the operator's. Memory
grows with what was done by hand alone. No I/O. Called by `comparison`.
"""

import json

import msgspec

from publisher.candles.candle import Candle
from publisher.candles.intervals import INTERVALS, MINUTE_NS
from publisher.store.rows import BUSTED, CORRECTED, MANUAL, Correction, StoredTrade


class Adjustments:
    """Fed with all corrections of a symbol, in their order."""

    def __init__(self) -> None:
        self._trades: dict[int, Correction] = {}
        self._candles: dict[tuple[str, int], Candle] = {}
        #: (from, until) in ns: what lies within was touched by hand.
        self._spans: list[tuple[int, int]] = []

    def take(self, row: Correction) -> None:
        """The next one, an event's or an operator's."""
        if row.kind != MANUAL:
            if row.trade_id is not None:
                self._trades.pop(row.trade_id, None)
            return
        opens_ns, length_ns = row.open_time_ns, MINUTE_NS
        if row.trade_id is not None:
            self._trades[row.trade_id] = row
        elif opens_ns is not None:
            length_ns = INTERVALS[row.interval].length_ns
            self._candles[row.interval, opens_ns] = Candle(*json.loads(row.after))
        if opens_ns is not None:
            self._spans.append((opens_ns, opens_ns + length_ns))

    def trade(self, made: StoredTrade) -> StoredTrade:
        """What is to be stored of a trade of which the log says this."""
        row = self._trades.get(made.trade_id)
        if row is None:
            return made
        if row.price_after_ticks is None:
            assert row.price_before_ticks is not None, "a trade has a price"
            return msgspec.structs.replace(made, price_ticks=row.price_before_ticks, state=BUSTED)
        return msgspec.structs.replace(made, price_ticks=row.price_after_ticks, state=CORRECTED)

    def candle(self, interval: str, opens_ns: int) -> Candle | None:
        """What is to be stored of a candle; None when it was not adjusted."""
        return self._candles.get((interval, opens_ns))

    def within(self, from_ns: int, until_ns: int) -> bool:
        """Whether anything in this span was touched. O(adjustments)."""
        return any(from_ns <= begin and end <= until_ns for begin, end in self._spans)
