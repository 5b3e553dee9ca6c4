"""The thread that writes: rows go into a bounded queue, and leave it in transactions, in their order.

The rule guarded here: the owner's loop never waits for the database, and no row is lost between the two. A symbol's
rows are either taken, and then written however long the database is away, or refused, and then the owner gives them
again from the feed.

    loop                                        thread
    put(piece) ── queue, at most N rows ──▶     one transaction: at the latest after 250 ms
    flush(symbol, number, done)                 tried again for ever while the database is unavailable
    ask(question, answer)                       on a connection that sees all that was put before

A symbol that is refused is "spilled": `put` gives False for it until `resume`. Why:

    the queue is full                   `store_ready` says from where to give its rows again, once all is written
    the database lost rows (restored)   `store_spilled`, and then `store_ready` in the same way
    the database differs                `store_spilled`: an alarm, only an operator can tell which one is wrong

Damage, a foreign schema and mistakes of ours are not tried again: `store_failed`, and the thread ends.
What the owner is told comes through `call`, the loop's `call_soon_threadsafe`; nothing else here knows of a loop.
"""

import threading
import time
from collections import deque
from collections.abc import Callable
from functools import partial
from typing import Any, Final, NamedTuple, Protocol, TypeVar, final

from sqlalchemy import Connection

from bus.config import Store as Settings
from bus.errors import MatchbusError, StoreBehind, StoreDiffers, StoreUnavailable
from publisher.store.reading import read_progress
from publisher.store.retention import Forgetting
from publisher.store.rows import CandleKey, Progress, SymbolRows
from publisher.store.store import Store

#: An unavailable database is tried again after this long, then after twice as long, up to the second.
RETRY_S_MIN: Final = 0.05
RETRY_S_MAX: Final = 2.0
#: Symbols of one transaction: PostgreSQL takes 65,535 parameters in a statement, SQLite 32,766.
BATCH_SYMBOLS_MAX: Final = 1_000
#: Between two rounds of forgetting; days are counted, so an hour is soon enough.
FORGETTING_S: Final = 3_600.0

Answer = TypeVar("Answer")


class StoreOwner(Protocol):
    """Who is told. Every method is called on the owner's loop."""

    def store_health(self, health: str, problem: str) -> None:
        """The health is another one: "ok", "degraded" or "failed", the latter two with one line on why."""

    def store_spilled(self, symbol: str, reason: MatchbusError) -> None:
        """The database is behind or differs in this symbol: what was put of it is dropped, see `resume`."""

    def store_ready(self, progress: dict[str, Progress]) -> None:
        """All that was taken of these spilled symbols is written: `resume` them, and give them from there on."""

    def store_kept(self, candles: list[CandleKey]) -> None:
        """These candles were not written: an operator has adjusted them by hand."""

    def store_failed(self, error: Exception) -> None:
        """Nothing is written any more."""


class _Question(NamedTuple):
    ask: Callable[[Connection], Any]
    answer: Callable[[Any], None]


class _Marker(NamedTuple):
    """All that was taken of this symbol, which is spilled, stands before this in the queue."""

    symbol: str


class _GivenUp(Exception):
    """The writer was closed, and its time is over."""


@final
class StoreWriter:
    """Takes rows on the loop, writes them in a thread of its own. The store is the writer's until `close` is over."""

    def __init__(
        self, store: Store, settings: Settings, owner: StoreOwner, call: Callable[..., object]
    ) -> None:
        """Start the thread. `call(function, *arguments)` has to run the function on the owner's loop."""
        self._store = store
        self._settings = settings
        self._owner = owner
        self._call = call
        self._forgetting = Forgetting(settings)
        # Guards what follows; the thread waits at it for work.
        self._work = threading.Condition()
        self._queue: deque[SymbolRows | _Question | _Marker] = deque()
        self._waiting_rows = 0  # taken and not yet written, also those on their way
        self._oldest_s = 0.0  # when the first of the queue was put
        self._hurry = False
        self._flushes: list[tuple[str, int, Callable[[], None]]] = []
        self._committed: dict[str, int] = {}
        # Symbols of which nothing is taken, and why.
        self._spilled: dict[str, str] = {}
        self._put_up_to: dict[str, int] = {}
        self._open = True
        # Ends a pause between two tries.
        self._ending = threading.Event()
        self._give_up_s = float("inf")
        self._forget_next_s = time.monotonic()
        self._unavailable = ""
        self.health = "ok"
        self.problem = ""
        self.rows_queued = 0
        self.rows_written = 0
        self.transactions = 0
        self.retries = 0
        self.transaction_seconds = 0.0
        self._thread = threading.Thread(target=self._run, name="store-writer", daemon=True)
        self._thread.start()

    # On the loop

    @property
    def rows_waiting(self) -> int:
        """Rows that were taken and are not written yet."""
        return self._waiting_rows

    @property
    def rows_deleted(self) -> int:
        """Rows that were old enough to be forgotten."""
        return self._forgetting.rows_deleted

    def put(self, piece: SymbolRows) -> bool:
        """Take what happened to a symbol; the piece is the writer's from now on. O(1), does not block.

        It has to go on where the last one of the symbol ended. False: not taken, and the symbol is spilled.
        """
        symbol, rows = piece.symbol, piece.count()
        with self._work:
            if not self._open or symbol in self._spilled:
                return False
            last = self._put_up_to.get(symbol)
            assert last is None or piece.after_sequence in (None, last), f"{symbol}: a piece is missing"
            if self._waiting_rows and self._waiting_rows + rows > self._settings.queue_rows_max:
                self._spill(symbol, "the queue was full")
                self._queue.append(_Marker(symbol))
                return False
            self._put_up_to[symbol] = piece.progress.sequence
            if not self._queue:
                self._oldest_s = time.monotonic()
            self._queue.append(piece)
            self._waiting_rows += rows
            self.rows_queued += rows
            if len(self._queue) == 1 or self._waiting_rows >= self._settings.batch_rows_max:
                self._work.notify()
        return True

    def flush(self, symbol: str, number: int, done: Callable[[], None]) -> None:
        """Call `done` as soon as this number of the symbol's trade topic is committed; hurry to get there.

        Of a spilled symbol that is after it was given again. Never, when the writer fails or is closed before.
        """
        with self._work:
            if self._committed.get(symbol, 0) >= number:
                self._call(done)
                return
            self._flushes.append((symbol, number, done))
            self._hurry = True
            self._work.notify()

    def ask(self, question: Callable[[Connection], Answer], answer: Callable[[Answer], None]) -> None:
        """Let the thread ask a question of `reading`, behind everything that was put before; `answer` gets the result.

        It delays what is put behind it, so it should be short. Never answered, when the writer fails or is closed.
        """
        with self._work:
            if self._open:
                self._queue.append(_Question(question, answer))
                self._hurry = True
                self._work.notify()

    def resume(self, symbol: str) -> None:
        """Take rows of a spilled symbol again. The first has to go on where the database stands."""
        with self._work:
            self._spilled.pop(symbol, None)
            self._say_health()

    def is_spilled(self, symbol: str) -> bool:
        """Whether nothing is taken of a symbol, until `resume`."""
        with self._work:
            return symbol in self._spilled

    def forget(self, symbol: str) -> None:
        """What is put of a symbol next goes on from where the database then stands, whatever was put before."""
        with self._work:
            self._put_up_to.pop(symbol, None)
            self._committed.pop(symbol, None)

    def close(self, seconds: float) -> int:
        """Write what waits, for at most this long, and end the thread. Blocks. Returns the rows that are not written.

        Those come again from the feed: the progress says that they are not there.
        """
        with self._work:
            self._open = False
            self._give_up_s = time.monotonic() + seconds
            self._work.notify()
        self._ending.set()
        self._thread.join()
        return self._waiting_rows

    # In the thread

    def _run(self) -> None:
        try:
            self._know(self._trying(partial(self._asked, read_progress)))
            while (work := self._next()) is not None:
                work()
        except _GivenUp:
            pass
        except (
            Exception
        ) as error:  # also a mistake of ours: the owner has to hear that nothing is written any more
            with self._work:
                self._open = False
                self._say_health(failure=str(error) or type(error).__name__)
            self._call(self._owner.store_failed, error)

    def _next(self) -> Callable[[], object] | None:
        """Wait for what is to be done next. None at the end."""
        with self._work:
            while True:
                if self._queue:
                    wait_s = self._oldest_s + self._settings.batch_ms_max / 1000 - time.monotonic()
                    full = self._waiting_rows >= self._settings.batch_rows_max
                    if full or self._hurry or not self._open or wait_s <= 0:
                        return self._cut()
                    self._work.wait(wait_s)
                    continue
                self._hurry = False
                if not self._open:
                    return None
                if (idle := self._idle_work()) is not None:
                    return idle
                self._work.wait(FORGETTING_S if self._forgetting.wanted else None)

    def _cut(self) -> Callable[[], object]:
        """Take from the queue what one transaction writes, the pieces of a symbol as one; or what stands before it."""
        first = self._queue[0]
        if isinstance(first, _Question):
            self._queue.popleft()
            return lambda: self._answer(first)
        if isinstance(first, _Marker):
            symbols = []
            while self._queue and isinstance(marker := self._queue[0], _Marker):
                symbols.append(marker.symbol)
                self._queue.popleft()
            return lambda: self._tell_ready(symbols)
        pieces: dict[str, SymbolRows] = {}
        rows = 0
        while self._queue and rows < self._settings.batch_rows_max and len(pieces) < BATCH_SYMBOLS_MAX:
            piece = self._queue[0]
            if not isinstance(piece, SymbolRows):
                break
            self._queue.popleft()
            rows += piece.count()
            if piece.symbol in pieces:
                pieces[piece.symbol].extend(piece)
            else:
                pieces[piece.symbol] = piece
        return lambda: self._write(list(pieces.values()), rows)

    def _write(self, pieces: list[SymbolRows], rows: int) -> None:
        """One transaction; what the database refuses of it is left out. `rows` have left the queue for it."""
        while pieces:
            began_s = time.monotonic()
            try:
                written = self._trying(partial(self._store.write, pieces))
            except (StoreBehind, StoreDiffers) as error:
                pieces = [piece for piece in pieces if piece.symbol != error.symbol]
                self._drop(error)
                continue
            if written.kept:
                self._call(self._owner.store_kept, written.kept)
            self.transactions += 1
            self.transaction_seconds += time.monotonic() - began_s
            self.rows_written += sum(piece.count() for piece in pieces)
            self._know(written.progress)
            break
        with self._work:
            self._waiting_rows -= rows

    def _answer(self, question: _Question) -> None:
        self._call(question.answer, self._trying(partial(self._asked, question.ask)))

    def _tell_ready(self, symbols: list[str]) -> None:
        """All that was taken of these spilled symbols is written: say from where they go on."""
        stored = self._trying(partial(self._asked, read_progress))
        self._know(stored)
        nothing = Progress(0, 0, 0, 0)
        self._call(self._owner.store_ready, {symbol: stored.get(symbol, nothing) for symbol in symbols})

    def _asked(self, question: Callable[[Connection], Answer]) -> Answer:
        with self._store.reading() as connection:
            return question(connection)

    def _idle_work(self) -> Callable[[], object] | None:
        if self._forgetting.under_way:
            return partial(self._trying, partial(self._forgetting.step, self._store))
        if self._forgetting.wanted and time.monotonic() >= self._forget_next_s:
            self._forget_next_s = time.monotonic() + FORGETTING_S
            return partial(self._trying, partial(self._forgetting.begin, self._store))
        return None

    def _trying(self, work: Callable[[], Answer]) -> Answer:
        """Do it as often as it takes until the database is there. Raises _GivenUp when the writer has no more time."""
        pause_s = RETRY_S_MIN
        while True:
            try:
                result = work()
            except StoreUnavailable as error:
                self._note_unavailable(str(error))
                self.retries += 1
                if self._ending.is_set():
                    pause_s = RETRY_S_MIN
                    time.sleep(pause_s)
                else:
                    self._ending.wait(pause_s)
                if time.monotonic() > self._give_up_s:
                    raise _GivenUp from error
                pause_s = min(2 * pause_s, RETRY_S_MAX)
                continue
            self._note_unavailable("")
            return result

    def _know(self, stored: dict[str, Progress]) -> None:
        """This is committed: who waits for it is told."""
        with self._work:
            for symbol, at in stored.items():
                self._committed[symbol] = at.trade_number
            waiting = []
            for symbol, number, done in self._flushes:
                if self._committed.get(symbol, 0) >= number:
                    self._call(done)
                else:
                    waiting.append((symbol, number, done))
            self._flushes = waiting

    def _drop(self, error: StoreBehind | StoreDiffers) -> None:
        """Take nothing more of this symbol, and nothing of what waits."""
        with self._work:
            kept = [piece for piece in self._queue if not _is_of(piece, error.symbol)]
            dropped = (piece.count() for piece in self._queue if isinstance(piece, SymbolRows))
            self._waiting_rows -= sum(dropped) - sum(p.count() for p in kept if isinstance(p, SymbolRows))
            self._queue = deque(kept)
            if isinstance(error, StoreBehind):
                self._queue.append(_Marker(error.symbol))
            self._committed.pop(error.symbol, None)
            self._spill(error.symbol, str(error))
        self._call(self._owner.store_spilled, error.symbol, error)

    # In both, with the lock

    def _spill(self, symbol: str, reason: str) -> None:
        self._spilled[symbol] = reason
        self._put_up_to.pop(symbol, None)
        self._say_health()

    def _note_unavailable(self, problem: str) -> None:
        if problem != self._unavailable:
            with self._work:
                self._unavailable = problem
                self._say_health()

    def _say_health(self, failure: str = "") -> None:
        """Tell the owner when something changed. What failed stays so."""
        if failure:
            health, problem = "failed", failure
        elif self._unavailable:
            health, problem = "degraded", self._unavailable
        elif self._spilled:
            symbol, reason = next(iter(self._spilled.items()))
            more = f" (and {len(self._spilled) - 1} more symbols)" if len(self._spilled) > 1 else ""
            health, problem = "degraded", f"{symbol} waits to be written again: {reason}{more}"
        else:
            health, problem = "ok", ""
        if (health, problem) != (self.health, self.problem) and self.health != "failed":
            self.health, self.problem = health, problem
            self._call(self._owner.store_health, health, problem)


def _is_of(piece: SymbolRows | _Question | _Marker, symbol: str) -> bool:
    return isinstance(piece, SymbolRows) and piece.symbol == symbol
