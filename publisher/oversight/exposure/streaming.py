"""What is told of changes, and when: frames of accounts and of marks, conflated and chained. No I/O.

    transaction ─▶ take ─▶ what waits ─┬─ flush, every 100 ms ─▶ exposure.<account>.  marks.
                                       └─ beat, every second ──▶ heartbeat.exposure.<account>.  heartbeat.marks.

An account that changes all the time is told ten times a second as it stands then; one that does not change costs
nothing. What is told is written: a transaction is taken when it is committed. Called by `history.service`.
"""

from collections.abc import Mapping
from typing import Final, final

from bus.protocol.exposure import (
    EXPOSURE_TOPIC,
    MARKS_TOPIC,
    AccountChanged,
    AccountHeartbeat,
    ExposureEvent,
    Marks,
)
from bus.protocol.history_codec import encode_exposure_frame
from bus.protocol.topics import HEARTBEAT, topic
from publisher.oversight.exposure.folding import Account, Moved
from publisher.oversight.exposure.reading import told
from publisher.oversight.history.changes import Position

#: Accounts that one flush tells: some ms of the loop. The others wait for the next one, and conflate further.
ACCOUNTS_PER_FLUSH_MAX: Final = 1_000

#: (topic, frame)
Frame = tuple[bytes, bytes]


@final
class ExposureStreams:
    """See above. `begin` first, and again whenever the history has begun anew."""

    def __init__(self) -> None:
        self._at = Position()
        self._base = 0  # the sequence as of which chains begin
        self._last: dict[str, int] = {}  # of each account, the sequence of its last frame
        self._last_marks = 0
        self._marks: dict[str, int] = {}
        self._moved_marks: set[str] = set()
        self._waiting: dict[str, dict[str, Account]] = {}
        self._beating: dict[str, None] = {}  # accounts that changed since the last heartbeat, in their order
        self.frames = 0  # how many were told

    @property
    def waiting(self) -> int:
        """Accounts that changed and were not told yet."""
        return len(self._waiting)

    def begin(self, at: Position, marks: Mapping[str, int]) -> None:
        """Everything as of here is in the database; what was told before may have been withdrawn."""
        self._at = at
        self._base = self._last_marks = at.log_sequence
        self._last.clear()
        self._waiting.clear()
        self._beating.clear()
        self._moved_marks.clear()
        self._marks = dict(marks)

    def take(self, at: Position, moved: Moved) -> None:
        """A transaction that is committed: where the history stands behind it, and what it changed."""
        self._at = at
        for (account, symbol), now in moved.accounts.items():
            self._waiting.setdefault(account, {})[symbol] = now
        for symbol, mark in moved.marks.items():
            self._marks[symbol] = mark.price_ticks
            self._moved_marks.add(symbol)

    def flush(self) -> list[Frame]:
        """Frames of what changed since it was told last."""
        at, frames = self._at, []
        if self._moved_marks:
            moved = [(symbol, self._marks[symbol]) for symbol in sorted(self._moved_marks)]
            self._moved_marks.clear()
            frames.append(self._frame(MARKS_TOPIC, self._last_marks, Marks(whole=False, marks=moved)))
            self._last_marks = at.log_sequence
        for account in list(self._waiting)[:ACCOUNTS_PER_FLUSH_MAX]:
            positions = self._waiting.pop(account)
            rows = [
                told(symbol, now, self._marks.get(symbol, 0)) for symbol, now in sorted(positions.items())
            ]
            previous = self._last.get(account, self._base)
            name = topic(EXPOSURE_TOPIC, account)
            frames.append(self._frame(name, previous, AccountChanged(account, rows)))
            self._last[account] = at.log_sequence
            self._beating[account] = None
        return frames

    def beat(self) -> list[Frame]:
        """Heartbeats: of the accounts that were told of since the last ones, and of all marks."""
        frames = []
        for account in list(self._beating)[:ACCOUNTS_PER_FLUSH_MAX]:
            del self._beating[account]
            last = self._last[account]
            name = f"{HEARTBEAT}.{topic(EXPOSURE_TOPIC, account)}"
            frames.append(self._frame(name, last, AccountHeartbeat(account, last)))
        everything = Marks(whole=True, marks=sorted(self._marks.items()))
        frames.append(self._frame(f"{HEARTBEAT}.{MARKS_TOPIC}", self._last_marks, everything))
        return frames

    def _frame(self, name: str, previous: int, event: ExposureEvent) -> Frame:
        self.frames += 1
        at = self._at
        return name.encode(), encode_exposure_frame(at.epoch, at.log_sequence, previous, at.time_ns, event)
