"""What other publishers say of the same symbols: their digests against ours, span by span.

The rule guarded here: publishers of a symbol say the same frames; when two digests of one span differ, one of them is
wrong, and that is an alarm which stays. Nothing is agreed between publishers: the log decides. No I/O. Called by
`service` with its own heartbeats and those that it hears.
"""

from collections import OrderedDict
from typing import Final

from msgspec import Struct

from bus.protocol.market.streams import StreamsHeartbeat

#: Spans of 10 s that are remembered for each symbol: a peer may be this much behind or ahead.
SPANS_KEPT_MAX: Final = 64
#: Alarms that are kept; all are counted.
ALARMS_KEPT_MAX: Final = 100


class Difference(Struct, frozen=True):
    """Two publishers said other frames of a symbol in one span of 10 s of engine time."""

    symbol: str
    segment: int
    ours: str
    theirs: str
    peer: str

    def __str__(self) -> str:
        return (
            f"{self.symbol}: {self.peer} said other frames than this publisher in the 10 s from"
            f" {self.segment * 10} s: digest {self.theirs}, here {self.ours}"
        )


class Peers:
    """See above. `agreements` counts spans that were compared and found equal."""

    def __init__(self) -> None:
        self._own: dict[str, OrderedDict[int, bytes]] = {}
        self._theirs: dict[tuple[str, str], OrderedDict[int, bytes]] = {}
        self.agreements = 0
        self.differences = 0
        self.alarms: list[Difference] = []

    def say(self, symbol: str, segment: int, digest: bytes) -> list[Difference]:
        """Ours of a span; what peers have said of it already is compared."""
        own = self._own.setdefault(symbol, OrderedDict())
        if not digest or segment in own:
            return []
        _keep(own, segment, digest)
        found = []
        for (peer, of), theirs in self._theirs.items():
            if of == symbol and segment in theirs:
                found += self._compare(symbol, segment, peer, digest, theirs[segment])
        return found

    def hear(self, symbol: str, heartbeat: StreamsHeartbeat) -> list[Difference]:
        """A peer's heartbeat."""
        theirs = self._theirs.setdefault((heartbeat.publisher, symbol), OrderedDict())
        segment, digest = heartbeat.segment, heartbeat.digest
        if not digest or segment in theirs:
            return []
        _keep(theirs, segment, digest)
        own = self._own.get(symbol)
        if own is None or segment not in own:
            return []
        return self._compare(symbol, segment, heartbeat.publisher, own[segment], digest)

    def _compare(self, symbol: str, segment: int, peer: str, own: bytes, theirs: bytes) -> list[Difference]:
        if own == theirs:
            self.agreements += 1
            return []
        self.differences += 1
        difference = Difference(symbol, segment, own.hex(), theirs.hex(), peer)
        if len(self.alarms) < ALARMS_KEPT_MAX:
            self.alarms.append(difference)
        return [difference]


def _keep(spans: "OrderedDict[int, bytes]", segment: int, digest: bytes) -> None:
    spans[segment] = digest
    if len(spans) > SPANS_KEPT_MAX:
        spans.popitem(last=False)
