"""Last numbers of topics: of a core as it stands, or noted down for a state that is no longer in memory.

They tell whether an event is before a state or behind it, and so from where to walk.
"""

from typing import Final

from msgspec import Struct

from bus.core import Core
from bus.protocol.topics import CLOCK, DROP, LEVEL, ORDER, STATUS, TRADE, parse
from bus.sockets.publication import Publication

#: In the order of `Core.numbers`.
_KINDS: Final = (TRADE, LEVEL, ORDER, STATUS)

_Four = tuple[int, int, int, int]


class Numbers(Struct, frozen=True):
    """The last numbers of all topics at one moment."""

    clock: int
    drop: int
    symbols: dict[str, _Four]

    def of(self, topic: str) -> int:
        """Of one topic; 0 before its first event."""
        symbol = _symbol_of(topic)
        return _pick(topic, self.clock, self.drop, self.symbols.get(symbol)) or 0


def noted(core: Core, publication: Publication) -> Numbers:
    """Those of a core's state; `publication` is of this core, with all outputs collected. O(symbols)."""
    symbols = {symbol: core.numbers(symbol) for symbol in core.symbols()}
    return Numbers(core.clock_number(), publication.drop_number, symbols)


def last_number(core: Core, publication: Publication, topic: str) -> int | None:
    """Of one topic as of a core's state; None for what is no numbered topic of it."""
    symbol = _symbol_of(topic)
    four = core.numbers(symbol) if symbol and symbol in core.symbols() else None
    return _pick(topic, core.clock_number(), publication.drop_number, four)


def _symbol_of(topic: str) -> str:
    try:
        return parse(topic)[1]
    except ValueError:
        return ""


def _pick(topic: str, clock: int, drop: int, four: _Four | None) -> int | None:
    if topic == CLOCK:
        return clock
    if topic == DROP:
        return drop
    kind = topic.partition(".")[0]
    return four[_KINDS.index(kind)] if four is not None and kind in _KINDS else None
