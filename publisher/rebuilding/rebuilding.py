"""The rebuild, batch after batch: markets are made anew, and compared with the store where they stand in it.

The rule guarded here: a symbol's rows are compared when the log has come exactly to the symbol's place, so nothing
newer is in them and nothing has to be taken back. Of what is stored one moment is seen, however long it takes. What the
store heard from the engine's answers (a definition) may be ahead of its place: it has to be that of the place or a
later one.

Fed by the command line with what the matcher says. Blocks. Raises what the stores do.
"""

from collections.abc import Sequence

import msgspec
from msgspec import Struct
from sqlalchemy import Connection

from bus.protocol.feed import InstrumentDefined
from publisher.alignment import Moment, Reached
from publisher.rebuilding.comparison import Comparison, Kept, how_they_differ, stray_symbols
from publisher.rebuilding.findings import Findings
from publisher.rebuilding.markets import Markets
from publisher.rebuilding.moments import Stream, cut, moments_of
from publisher.rebuilding.places import Places
from publisher.store.reading import read_progress, read_symbols
from publisher.store.rows import Progress
from publisher.store.store import Store
from publisher.symbols import SymbolState


class Rebuilding:
    """`fresh` has nothing in it. `stored`: one moment of what is to be proved; None when there is nothing.

    `whole`: symbols are followed to the end of the log; otherwise each until it was compared.
    """

    def __init__(self, fresh: Store, stored: Connection | None, kept: Kept, *, whole: bool) -> None:
        self.findings = Findings()
        #: Symbols of the log of which nothing is stored.
        self.not_stored: set[str] = set()
        self._fresh = fresh
        self._stored = stored
        self._kept = kept
        self._whole = whole
        self._markets = Markets(fresh)
        progress = read_progress(stored) if stored is not None else {}
        self._definitions = read_symbols(stored) if stored is not None else {}
        self._known = progress.keys() | self._definitions.keys()
        self._places = Places(progress)
        #: The last log sequence that anything is stored of.
        self.last_sequence = self._places.last_sequence
        self._following = set(progress)
        #: Symbols whose definition was not the one that is stored, when they were compared.
        self._doubted: dict[str, SymbolState] = {}
        self._end = (0, 0)  # sequence and time of the last batch
        self._epoch = 0  # of the batch that is taken
        for symbol in sorted(stray_symbols(stored, progress) if stored is not None else ()):
            self.findings.differs(symbol, "progress", "is not stored, and there are rows")

    @property
    def wanted(self) -> bool:
        """Whether a further batch can change anything."""
        return self._whole or bool(self._places.left) or bool(self._doubted)

    def take(self, public: Sequence[Stream], sequence: int, time_ns: int, epoch: int) -> None:
        """A batch: its public events, the last sequence in it, and engine time and epoch behind it."""
        moments = moments_of(public, sequence, time_ns, epoch)
        self._epoch = epoch
        for symbol, at in self._places.within(sequence):
            head, rest = cut(moments.pop(symbol, Moment(sequence, time_ns, epoch)), at.sequence)
            self._take(symbol, head)
            self._compare(symbol, at, head.log_sequence, head.time_ns)
            moments[symbol] = rest
        for symbol, moment in moments.items():
            self._take(symbol, moment)
        for symbol, at in self._places.behind(sequence):
            self._compare(symbol, at, sequence, time_ns)
        self._end = (sequence, time_ns)

    @property
    def doubts(self) -> bool:
        """Whether a definition is stored that the log has not had yet: an answer of the engine may have been ahead."""
        return bool(self._doubted)

    def look_ahead(self, public: Sequence[Stream], sequence: int, time_ns: int, epoch: int) -> None:
        """A batch behind all that is to be taken, as for `take`: only for the sake of `doubts`."""
        for symbol, moment in moments_of(public, sequence, time_ns, epoch).items():
            self._look_again(symbol, moment)

    def finish(self) -> None:
        """The log is at its end, or nothing more is wanted."""
        self._markets.write()
        for symbol, at in self._places.left:
            log = f"the log ends at {self._end[0]} and {self._end[1]}"
            how = f"stands at sequence {at.sequence} and time {at.time_ns}, {log}"
            self.findings.differs(symbol, "progress", how)
        for symbol, state in self._doubted.items():
            self._tell_definition(symbol, state)

    # One symbol.

    def _take(self, symbol: str, moment: Moment) -> None:
        self._look_again(symbol, moment)
        if symbol not in self._known:
            self.not_stored.add(symbol)
        if self._whole or symbol in self._following:
            self._markets.take(symbol, moment)

    def _compare(self, symbol: str, at: Progress, sequence: int, time_ns: int) -> None:
        """The log has come to where the symbol stands in the store: to this sequence and time."""
        assert self._stored is not None, "a place is a stored one"
        epoch = self._epoch if sequence else 0
        self._markets.take(symbol, Reached(sequence, time_ns, epoch, 0, None))
        self._markets.write()
        market = self._markets.market(symbol)
        made = Progress(market.trade_number, sequence, time_ns, epoch)
        self._tell(symbol, "progress", at, made)
        with self._fresh.reading() as rebuilt:
            Comparison(symbol, time_ns, self._stored, rebuilt, self._kept, self.findings).run()
        if symbol not in self._definitions:
            if market.state.known:
                self.findings.differs(symbol, "definition", "is not stored")
        elif not self._is_defined_so(symbol, market.state):
            self._doubted[symbol] = market.state
        self._following.discard(symbol)
        if not self._whole:
            self._markets.drop(symbol)

    # Definitions.

    def _is_defined_so(self, symbol: str, state: SymbolState) -> bool:
        """Whether this is what is stored of it. When it was said is not looked at: an answer has no number."""
        stored = self._definitions[symbol]
        return state.known and (stored.phase, _unnumbered(stored.definition)) == (
            state.phase,
            _unnumbered(state.definition),
        )

    def _look_again(self, symbol: str, moment: Moment) -> None:
        """What a moment says of a definition that is doubted."""
        state = self._doubted.get(symbol)
        if state is None:
            return
        for event in moment.statuses:
            state.take_event(event, moment.epoch)
            if self._is_defined_so(symbol, state):
                del self._doubted[symbol]
                return

    def _tell_definition(self, symbol: str, state: SymbolState) -> None:
        stored = self._definitions[symbol]
        if not state.known:
            self.findings.differs(symbol, "definition", "is stored, and the log has no such")
            return
        self._tell(symbol, "definition", _unnumbered(stored.definition), _unnumbered(state.definition))
        if stored.phase != state.phase:
            how = f"phase is {stored.phase}, the log says {state.phase}"
            self.findings.differs(symbol, "definition", how)

    def _tell(self, symbol: str, what: str, there: Struct, made: Struct) -> None:
        if there != made:
            self.findings.differs(symbol, what, how_they_differ(there, made))


def _unnumbered(definition: InstrumentDefined) -> InstrumentDefined:
    return msgspec.structs.replace(definition, sequence=0)
