"""The log done again, cut exactly where a period begins and where it ends.

    journal ──────┃─────────────────────────┃───────▶
              opening: what accounts had    closing: the engine as it stood

The rule guarded here: what a report says depends on the log alone. Where the walk begins (at a checkpoint, or with the
first command) changes nothing; an engine may be running in the directory, and a command counts to the day in which its
own engine time lies, wherever batches begin. Nothing is written, nothing is repaired.
"""

import os
from collections import deque
from collections.abc import Callable, Iterator
from itertools import chain
from typing import Final, final

from msgspec import Struct

from bus.errors import CheckpointDamaged, ConfigError
from bus.journal.batch import Batch
from bus.journal.checkpoint import CheckpointStore
from bus.journal.disk import Disk
from bus.journal.reader import LogReader
from bus.journal.segment import first_sequence_of, segment_names
from bus.journal.skips import read_skips
from bus.protocol.codec import CommandMessage
from bus.protocol.commands import AdvanceClock
from bus.protocol.records import SEMANTICS_VERSION
from bus.protocol.terms import CLOCK_SYSTEM
from bus.replay import apply_logged_batch, logged_items
from matcher.codec.state_codec import decode_state
from matcher.engine import Engine
from tools.report.gathering import BOUGHT, SOLD, Gathered
from tools.report.period import Period, last_whole_day, moment_text

#: Account -> asset -> units.
Totals = dict[str, dict[str, int]]
#: (account, symbol) -> lots bought less lots sold, since the log began.
Positions = dict[tuple[str, str], int]

#: Commands between two looks at how far it is.
_PROGRESS_COMMANDS: Final = 20_000


class Walked(Struct, frozen=True):
    """A period of a log. `close` what was gathered.

    `first_sequence` to `last_sequence`: its commands; the last is one less than the first when there are none.
    `positions`: what accounts had before, None when that was not asked for. `core`: as it stood at the end.
    `until_ns`: when that is; the engine time of the last command when the last day is not over.
    """

    period: Period
    is_over: bool
    until_ns: int
    first_sequence: int
    last_sequence: int
    opening: Totals
    positions: Positions | None
    gathered: Gathered
    core: Engine
    notes: list[str]


def check_journal(directory: str) -> None:
    """ConfigError when there is no journal, or none that may be read."""
    try:
        is_there = os.path.isdir(directory) and bool(segment_names(Disk(), directory))
    except OSError as error:
        raise ConfigError(f"{directory}: cannot be read: {error.strerror or error}") from None
    if not is_there:
        raise ConfigError(f"{directory}: there is no journal; name the data directory with --data")


def newest_whole_day(directory: str) -> Period:
    """The last day that the log has left behind. ConfigError when there is none; raises what tells of damage."""
    reader = LogReader(Disk(), directory)
    newest = deque(reader.batches(first_sequence_of(reader.segments[-1]) - 1), maxlen=1)
    time_ns = max(reader.end.last_time_ns, *(_advanced_ns(batch) for batch in newest), 0)
    period = last_whole_day(time_ns)
    reader = LogReader(Disk(), directory)
    first = next(reader.batches(reader.first_sequence - 1), None)
    if first is None or first.time_ns >= period.end_ns:
        raise ConfigError(f"{directory}: no day is over in the log; name one with --day, and --so-far")
    return period


def walk(
    directory: str,
    period: Period,
    *,
    so_far: bool = False,
    from_start: bool = False,
    progress: Callable[[int], object] = lambda _: None,
) -> Walked:
    """Replay a period of the log in a directory.

    `so_far`: its last day need not be over. `from_start`: from the first command on, and positions are counted from
    there. ConfigError when the log does not have all of it; raises what says that the log cannot be used.
    """
    return _Walk(directory, period, from_start, progress).run(so_far)


@final
class _Walk:
    """One walk."""

    def __init__(
        self, directory: str, period: Period, from_start: bool, progress: Callable[[int], object]
    ) -> None:
        self._disk = Disk()
        self._directory = directory
        self._period = period
        self._progress = progress
        self._told = 0
        self._skipped = {skip.sequence for skip in read_skips(directory, self._disk)}
        self._notes: list[str] = []
        self._reader = LogReader(self._disk, directory)
        self._core, self._batches = self._begin(from_start)
        self._before = Gathered() if from_start else None
        self._gathered = Gathered()
        self._opening: Totals | None = None
        self._positions: Positions | None = None
        self._first_sequence = 0

    def run(self, so_far: bool) -> Walked:
        """See `walk`."""
        try:
            closing = self._replay()
            if self._opening is None or (closing is not None and not closing.sequence):
                raise ConfigError(self._not_there())
            if closing is None and not so_far:
                raise ConfigError(
                    f"{self._directory}: the log ends with {moment_text(self._core.time_ns)}, so"
                    f" {self._period.last} is not over in it; --so-far reports what there is"
                )
        except BaseException:
            self._gathered.close()
            raise
        finally:
            if self._before is not None:
                self._before.close()
        if self._reader.torn is not None:
            self._notes.append(str(self._reader.torn))
        core = closing or self._core
        return Walked(
            self._period,
            closing is not None,
            core.time_ns if closing is None else self._period.end_ns,
            self._first_sequence,
            core.sequence,
            self._opening,
            self._positions,
            self._gathered,
            core,
            self._notes,
        )

    def _replay(self) -> Engine | None:
        """The engine as it stood when the period was over; None when the log does not show that it is."""
        begin_ns, end_ns = self._period.begin_ns, self._period.end_ns
        for batch in self._batches:
            if self._opening is None:
                stand = self._stand(batch, begin_ns)
                if stand is None:
                    self._apply(batch, self._before)
                    continue
                self._open(stand)
            stand = self._stand(batch, end_ns)
            if stand is not None:
                if stand is not self._core:
                    self._take(self._gathered, stand)
                return stand if self._is_durable(batch, stand.sequence) else None
            self._apply(batch, self._gathered)
        return None

    def _apply(self, batch: Batch, into: Gathered | None) -> None:
        core = self._core
        apply_logged_batch(core, batch, self._skipped)
        if into is None:
            core.take_outputs()
        else:
            self._take(into, core)
        if core.sequence - self._told >= _PROGRESS_COMMANDS:
            self._told = core.sequence
            self._progress(core.sequence)

    def _take(self, into: Gathered, core: Engine) -> None:
        """What an engine has said, but for what belongs to the time before."""
        private, public = core.take_outputs()
        into.take(core, private, public, max(self._first_sequence - 1, 0))

    def _open(self, stand: Engine) -> None:
        """The period begins, and an engine stands right before that."""
        if self._before is not None:
            if stand is not self._core:
                self._take(self._before, stand)
            self._positions = {
                place: traded[BOUGHT] - traded[SOLD] for place, traded in self._before.traded.items()
            }
        self._opening = {
            name: {asset: balance.total for asset, balance in account.balances.items()}
            for name, account in stand.state.accounts.items()
            if account.balances
        }
        self._first_sequence = stand.sequence + 1

    def _stand(self, batch: Batch, moment_ns: int) -> Engine | None:
        """The engine as it stands right before a moment that comes with this batch; None when it comes later.

        A copy when the moment lies within the batch, and then what it says has not been taken. O(all of the state)
        then, which is once in a period, and seldom.
        """
        if batch.time_ns >= moment_ns:
            return self._core
        if not self._may_reach(batch, moment_ns):
            return None
        state = self._core.encode_state()
        low, high = batch.first_sequence - 1, batch.last_sequence  # of `low` it is known that it lies before
        if self._copy(state, batch, high).time_ns < moment_ns:
            return None
        while high - low > 1:
            middle = (low + high) // 2
            if self._copy(state, batch, middle).time_ns < moment_ns:
                low = middle
            else:
                high = middle
        return self._core if low < batch.first_sequence else self._copy(state, batch, low)

    def _copy(self, state: bytes, batch: Batch, until: int) -> Engine:
        copy = Engine(decode_state(state))
        apply_logged_batch(copy, batch, self._skipped, until)
        return copy

    def _may_reach(self, batch: Batch, moment_ns: int) -> bool:
        """Whether a command of a batch that begins before a moment may not lie before it: each takes a nanosecond."""
        if batch.time_ns + batch.count >= moment_ns:
            return True
        if self._core.clock == CLOCK_SYSTEM and self._core.sequence:
            return False
        return _advanced_ns(batch) + batch.count >= moment_ns

    def _is_durable(self, batch: Batch, sequence: int) -> bool:
        """Whether a later command tells that this one survives a loss of power: only then it is history.

        `batch`: the one behind it.
        """
        if self._reader.synced_sequence >= sequence:
            return True
        return any(
            later.first_sequence - 1 - later.behind >= sequence for later in chain((batch,), self._batches)
        )

    def _begin(self, from_start: bool) -> tuple[Engine, Iterator[Batch]]:
        """An engine before the period, and the batches behind it."""
        first = self._reader.first_sequence
        if from_start and first > 1:
            raise ConfigError(
                f"{self._directory}: --from-start: the log begins with sequence {first}, what was before is not there"
            )
        if not from_start:
            store = CheckpointStore(self._directory, self._disk)
            headers, self._notes = store.candidates()
            for header in headers:
                if (
                    header.semantics_version == SEMANTICS_VERSION
                    and header.time_ns < self._period.begin_ns
                    and header.sequence >= first - 1
                ):
                    try:
                        reader = LogReader(self._disk, self._directory)
                        batches = reader.batches(header.sequence, header.journal_hash)
                        core = Engine(decode_state(store.load(header).payload))
                    except CheckpointDamaged as error:
                        self._notes.append(str(error))
                    else:
                        self._reader = reader
                        return core, batches
        if first > 1:
            raise ConfigError(
                f"{self._directory}: {self._period.name} is not whole in the log any more: it begins with sequence"
                f" {first}, and no checkpoint lies between there and that day"
            )
        return Engine(), self._reader.batches()

    def _not_there(self) -> str:
        """Why the log has nothing of the period."""
        where = f"{self._directory}: {self._period.name} is not in the log"
        if self._opening is not None:
            return f"{where}: it begins later"
        if not self._core.sequence:
            return f"{where}: there is nothing in it"
        return f"{where}: it ends with {moment_text(self._core.time_ns)}"


def _advanced_ns(batch: Batch) -> int:
    """The latest time to which a command of a batch wants to move engine time; 0 when none does."""
    return max(
        (
            command.time_ns
            for item in logged_items(batch)
            if isinstance(item, CommandMessage)
            for command in item.items
            if isinstance(command, AdvanceClock)
        ),
        default=0,
    )
