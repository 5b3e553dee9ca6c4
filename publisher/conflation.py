"""A symbol's book and its best levels, said once in each period: each level that changed, as it is at the period's end.

The rule guarded here: a frame leaves at a whole multiple of its period and the symbol's offset; all changes before that
time are in it, none after. Without a change nothing is said.
"""

from typing import Final

from bus.protocol.feed import LEVEL
from bus.protocol.market.streams import BOOK, DEPTH, PERIODS, TOP, TOPS, offset_ns
from publisher.book import Book, Row
from publisher.streams import Stream, SymbolStreams

FAST_NS: Final = PERIODS["100ms"]
SLOW_NS: Final = PERIODS["1s"]
NEVER_NS: Final = 2**63 - 1


class Conflation:
    """See above. `chains`: the streams of changes, one a period. `due_ns`: when something is to be said next."""

    def __init__(self, symbol: str, book: Book, streams: SymbolStreams) -> None:
        self._book = book
        self._streams = streams
        self._offset_ns = offset_ns(symbol)
        self._next_fast_ns = NEVER_NS
        self._next_slow_ns = NEVER_NS
        self.chains: list[Stream] = [streams.stream(f"{DEPTH}-{name}", chained=True) for name in PERIODS]
        self._tops = [[streams.stream(f"top{count}-{name}") for count in TOPS] for name in PERIODS]
        self._said_tops: list[list[tuple[list[Row], list[Row]] | None]] = []
        self._forget_tops()

    @property
    def due_ns(self) -> int:
        """When something is to be said next; NEVER_NS when nothing has changed."""
        return min(self._next_fast_ns, self._next_slow_ns)

    def begin_anew(self) -> None:
        """The book is another one: all streams begin at their next time."""
        for stream in self.chains:
            stream.next_previous = None
        self._forget_tops()

    def change(self, time_ns: int) -> int:
        """The book changed at this time, or something that is said with it; when that is said."""
        if self._next_fast_ns == NEVER_NS:
            past_ns = time_ns - self._offset_ns
            self._next_fast_ns = time_ns - past_ns % FAST_NS + FAST_NS
            if self._next_slow_ns == NEVER_NS:
                self._next_slow_ns = time_ns - past_ns % SLOW_NS + SLOW_NS
        # The longer period never ends before the shorter one.
        return self._next_fast_ns

    def say_fast(self, time_ns: int, begin_reason: int) -> bool:
        """Say the shorter period, if it has ended; whether it had. `begin_reason`: why a chain begins that does."""
        if time_ns < self._next_fast_ns:
            return False
        self._next_fast_ns = NEVER_NS
        self._say(0, time_ns, begin_reason)
        return True

    def say_slow(self, time_ns: int, begin_reason: int) -> None:
        """Say the longer one, if it has ended."""
        if time_ns >= self._next_slow_ns:
            self._next_slow_ns = NEVER_NS
            self._say(1, time_ns, begin_reason)

    def _say(self, period: int, time_ns: int, begin_reason: int) -> None:
        book = self._book
        if not book.ready:
            return
        streams, stream = self._streams, self.chains[period]
        changes = [
            *self._changes(1, book.bids.take_changes(period)),
            *self._changes(2, book.asks.take_changes(period)),
        ]
        if stream.next_previous is None:
            bids, asks = list(book.bids.rows()), list(book.asks.rows())
            whole = (BOOK, book.sequence, book.level_number, book.checksum(), bids, asks)
            streams.begin(stream, begin_reason, book.sequence, time_ns, [whole])
        elif changes:
            streams.say(stream, book.sequence, time_ns, changes)
        bids, asks = book.bids.best(TOPS[-1]), book.asks.best(TOPS[-1])
        said = self._said_tops[period]
        for index, count in enumerate(TOPS):
            top = (bids[:count], asks[:count])
            if top != said[index]:
                said[index] = top
                streams.say(self._tops[period][index], book.sequence, time_ns, [(TOP, *top)])

    def _changes(self, side: int, rows: list[Row]) -> list[tuple[int, int, int, int, int, int]]:
        return [(LEVEL, self._book.sequence, side, *row) for row in rows]

    def _forget_tops(self) -> None:
        self._said_tops = [[None] * len(TOPS) for _ in PERIODS]
