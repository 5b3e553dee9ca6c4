"""The newest frame of a stream whose frames are whole, and what alerts have fired. No I/O.

A frame that is not newer than the one held tells nothing new, and is dropped; whatever was between is passed over.
Alerts are no state: each is given once, in whatever order the publishers say them.
"""

from typing import Any, Final

from bus.protocol.market.codec import MarketFrameHeader
from bus.protocol.market.streams import AlertFired
from bus.sockets.market.event_decoding import decode_stream_events
from bus.sockets.market.stream_items import Item, Published

#: Alerts of a topic that are known to have been given. A publisher that is further behind than these repeats itself.
ALERTS_REMEMBERED_MAX: Final = 1_024


class Latest:
    """One topic."""

    __slots__ = ("_held", "topic")

    def __init__(self, name: str) -> None:
        self.topic = name
        self._held = (0, 0)  # time, sequence; engine time moves on over the engine's restarts, too

    def take(self, header: MarketFrameHeader, publisher: int) -> list[Item]:
        """A frame, live or replayed."""
        key = (header.time_ns, header.sequence)
        if key <= self._held:
            return []
        events = decode_stream_events(header.events)
        if not events:
            return []
        self._held = key
        return [Published(self.topic, header.epoch, header.sequence, header.time_ns, events, publisher)]

    def is_behind(self, time_ns: int, sequence: int) -> bool:
        """Whether a frame that a heartbeat speaks of is newer than the one held."""
        return (time_ns, sequence) > self._held


class Alerts:
    """The alerts of one symbol."""

    __slots__ = ("_given", "topic")

    def __init__(self, name: str) -> None:
        self.topic = name
        self._given: dict[tuple[int, str], None] = {}

    def take(self, header: MarketFrameHeader, publisher: int) -> list[Item]:
        """A frame: those of its alerts that were not given."""
        events: list[Any] = []
        for event in decode_stream_events(header.events) or ():
            if isinstance(event, AlertFired):
                key = (event.sequence, event.alert_id)
                if key in self._given:
                    continue
                self._given[key] = None
                if len(self._given) > ALERTS_REMEMBERED_MAX:
                    del self._given[next(iter(self._given))]
            events.append(event)
        if not events:
            return []
        return [Published(self.topic, header.epoch, header.sequence, header.time_ns, events, publisher)]
