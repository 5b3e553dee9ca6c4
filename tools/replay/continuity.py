"""Whether the feed of one symbol is complete, by its numbers (I4). No I/O.

The first heartbeat says where the numbers stand; from then on each frame continues its topic, and each heartbeat
confirms that none was lost at the end. A gap is a `GapNotHealed`: a book with a hole cannot judge anybody.
"""

from bus.errors import GapNotHealed
from bus.protocol.codec import Frame
from bus.protocol.feed import Event, FeedHeartbeat
from bus.protocol.topics import LEVEL, TRADE, topic


class Continuity:
    """`sequence` is the log sequence up to which everything has come; 0 before the first heartbeat."""

    def __init__(self, symbol: str) -> None:
        self.sequence = 0
        self._symbol = symbol
        self._numbers = {topic(TRADE, symbol): 0, topic(LEVEL, symbol): 0}

    @property
    def is_untouched(self) -> bool:
        """Nothing of the symbol has ever been published on these topics."""
        return not any(self._numbers.values())

    def take(self, name: str, frame: Frame) -> list[Event]:
        """A frame, in the order of the socket; its events, or none when it is a heartbeat."""
        if name not in self._numbers:
            for heartbeat in frame.events:
                if isinstance(heartbeat, FeedHeartbeat):
                    self._confirm(heartbeat)
                    self.sequence = frame.log_sequence
            return []
        if not self.sequence:
            return []  # the first heartbeat will count it
        if frame.first_number != self._numbers[name] + 1:
            raise self._gap(name)
        self._numbers[name] += frame.count
        return frame.events

    def _confirm(self, heartbeat: FeedHeartbeat) -> None:
        said = {
            topic(TRADE, self._symbol): heartbeat.trade_number,
            topic(LEVEL, self._symbol): heartbeat.level_number,
        }
        if not self.sequence:
            self._numbers = said
        for name, number in said.items():
            if number != self._numbers[name]:
                raise self._gap(name)

    def _gap(self, name: str) -> GapNotHealed:
        return GapNotHealed(
            f"events behind {name} {self._numbers[name]} are missing: nothing can be compared"
        )
