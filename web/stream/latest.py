"""What a topic whose frames are whole said last: statistics, and the candles of an interval.

A candle that closes and the one that opens behind it are two things: of each the newest counts.
"""

from typing import Any, Final

import msgspec

from bus.protocol.market.streams import CandleUpdated, MiniStatistics, Statistics
from bus.sockets.market.stream_items import Item, Published
from bus.sockets.session.prices import Scale
from web import market_data
from web.schemas.stream import KlineTold, StatisticsTold, TickerTold
from web.stream.feed import NOTHING, Held, StateFeed
from web.stream.source import Source

#: Candles of one interval that wait for a reader that is slow; behind so many it asks for them over REST.
CANDLES_KEPT_MAX: Final = 16


class LatestSource(Source):
    """See above."""

    def __init__(self, topic: str, channel: str, scale: Scale) -> None:
        super().__init__(topic)
        self.latest = LatestFeed(channel, scale)

    @property
    def feeds(self) -> tuple[StateFeed, ...]:
        """See Source."""
        return (self.latest,)

    def take(self, item: Item) -> None:
        """See Source."""
        if isinstance(item, Published):
            for event in item.events:
                if isinstance(event, CandleUpdated | Statistics | MiniStatistics):
                    self.latest.take(event)
            self.latest.say_changed()


class _Kept:
    """An event, and its message when somebody has wanted it."""

    __slots__ = ("event", "message", "number")

    def __init__(self, number: int, event: Any) -> None:
        self.number = number
        self.event = event
        self.message = b""


class LatestFeed(StateFeed):
    """The newest of each thing, numbered as they came."""

    def __init__(self, channel: str, scale: Scale) -> None:
        super().__init__(channel, scale.symbol)
        self._scale = scale
        self._number = 0
        #: By what they are about, the one that changed last at the end.
        self._kept: dict[int, _Kept] = {}

    def take(self, event: Any) -> None:
        """What was said."""
        about = event.open_time_ns if isinstance(event, CandleUpdated) else 0
        self._number += 1
        self._kept.pop(about, None)
        self._kept[about] = _Kept(self._number, event)
        if len(self._kept) > CANDLES_KEPT_MAX:
            del self._kept[next(iter(self._kept))]

    def held_from(self, sequence: int) -> Held:
        """See StateFeed: each message is whole."""
        del sequence
        return NOTHING

    def messages(self, held: Held) -> tuple[list[bytes], Held]:
        """See StateFeed. Who holds nothing is told the last one only."""
        after = held[1] if held != NOTHING else self._number - 1
        newer = [kept for kept in self._kept.values() if kept.number > after]
        for kept in newer:
            if not kept.message:
                kept.message = self._encoded(kept.event)
        return [kept.message for kept in newer], (0, self._number) if self._number else held

    def _encoded(self, event: Any) -> bytes:
        told: msgspec.Struct | None = None
        if isinstance(event, CandleUpdated):
            said: Any = market_data.kline(self._scale, event, False)
            told = KlineTold(*msgspec.structs.astuple(said), symbol=self.symbol, interval=event.interval)
        elif isinstance(event, Statistics):
            said = market_data.statistics(self._scale, self.symbol, event, False)
            told = StatisticsTold(*msgspec.structs.astuple(said))
        elif isinstance(event, MiniStatistics):
            said = market_data.ticker(self._scale, self.symbol, event, False)
            told = TickerTold(*msgspec.structs.astuple(said))
        assert told is not None, f"{type(event).__name__} is in no topic of these"
        return msgspec.json.encode(told)
