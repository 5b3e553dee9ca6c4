"""Whether the engine's log is the one of which a symbol was stored; if not, up to where both are the same.

An engine that promises less than the disk (`sync = "os"`) may start again without its last events, and give their
numbers to others. Who was not there sees nothing of it: numbers go on. So the last stored event is compared with what
the engine and the shadow say under its number, at the start and whenever the engine was started again:

    the same                             the log is the store's own
    another, or none yet                 ask for earlier ones, twice as far back each time, until one is the same:
                                         what is behind that one never happened
    nothing is the same, or the engine   another log: it is refused by name
    was not even started again
    nobody keeps it                      it cannot be known, and is believed

No I/O. One object a question; `service` reads the store and `FeedReader` asks.
"""

import enum
from typing import Final

from bus.errors import HistoryMismatch
from publisher.store.rows import PastEvent


class Verdict(enum.Enum):
    """What comes next."""

    SAME = "same"
    EARLIER = "earlier"  # ask for `number`
    TAKE_BACK = "take back"  # from `number` on


#: An answer in the place of an event.
NOT_THERE: Final = (0, 0)
#: Nobody keeps it.
UNKNOWN: Final = None
#: (log sequence, engine time in ns)
Identity = tuple[int, int]


class Lineage:
    """See above. `number`: what is to be compared next."""

    def __init__(self, symbol: str, last: PastEvent) -> None:
        self.symbol = symbol
        self.number = last.number
        self._last = last
        self._step = 1
        self._differs = False

    def compare(self, stored: PastEvent | None, said: Identity | None, epoch: int) -> Verdict:
        """`stored` and `said` are the event `number`; `epoch` is the engine's. Raises HistoryMismatch."""
        same = stored is not None and said == (stored.sequence, stored.time_ns)
        if same or stored is None or said is UNKNOWN:
            if not self._differs:
                return Verdict.SAME
            self.number += 1
            return Verdict.TAKE_BACK
        self._differs = True
        if epoch <= self._last.epoch:
            raise self._other_log(stored, said, epoch)
        if self.number == 1:
            raise self._other_log(stored, said, epoch)
        self.number = max(1, self.number - self._step)
        self._step *= 2
        return Verdict.EARLIER

    def _other_log(self, stored: PastEvent, said: Identity, epoch: int) -> HistoryMismatch:
        of_engine = "nothing" if said == NOT_THERE else f"sequence {said[0]} at {said[1]}"
        return HistoryMismatch(
            f"{self.symbol}: the store is of another log than the engine's: event {stored.number} of its trades is"
            f" sequence {stored.sequence} at {stored.time_ns} of epoch {stored.epoch}, and {of_engine} in the engine's"
            f" epoch {epoch}; give this publisher a --store of its own"
        )
