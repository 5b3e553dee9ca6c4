"""The sequencer: puts what one drain brought into one batch of the log, in its order, and gives it numbers and a time.

The sequence is dense: each command and each record takes one number. Time is strictly increasing, over restarts too:
a batch happens at the clock's time, or right after the last command when the clock is behind that. Under
CLOCK_COMMANDS the clock is never asked; time then moves by 1 ns a command, and by what AdvanceClock says.

No I/O here: the node asks for a batch, writes it to the journal, and applies it.
"""

from msgspec import Struct

from bus.core import Core
from bus.journal.batch import entry_header
from bus.protocol.codec import CommandMessage, encode
from bus.protocol.records import EngineStarted, Record, Skipped
from bus.protocol.terms import CLOCK_COMMANDS

#: The session number under which the engine's own records stand in the log.
RECORDS = 0


class OpenBatch(Struct, frozen=True):
    """A batch that is ready for the journal. `payload` is its entries, joined."""

    first_sequence: int
    count: int
    time_ns: int
    payload: bytes
    items: list[CommandMessage | Record | Skipped]


class Sequencer:
    """Collects messages and records until the node takes them as a batch."""

    def __init__(self) -> None:
        self._parts: list[bytes] = []
        self._items: list[CommandMessage | Record | Skipped] = []
        self.count = 0

    def add_message(self, message: CommandMessage, payload: bytes, count: int) -> None:
        """The very bytes of a message that is taken, and how many commands it holds (malformed items left out)."""
        self._parts += (entry_header(message.session, len(payload)), payload)
        self._items.append(message)
        self.count += count

    def add_record(self, record: Record) -> None:
        """A record of the engine itself."""
        payload = encode(record)
        self._parts += (entry_header(RECORDS, len(payload)), payload)
        self._items.append(record)
        self.count += 1

    def take(self, core: Core, utc_ns: int) -> OpenBatch:
        """All that was collected, as the next batch behind the core's last sequence."""
        clock = core.clock
        first = self._items[0]
        if isinstance(first, EngineStarted):
            clock = first.clock  # an incarnation runs on its clock from its first record on
        earliest = core.time_ns + 1
        time_ns = earliest if clock == CLOCK_COMMANDS else max(utc_ns, earliest)
        batch = OpenBatch(core.sequence + 1, self.count, time_ns, b"".join(self._parts), self._items)
        self._parts = []
        self._items = []
        self.count = 0
        return batch


def apply_open_batch(core: Core, batch: OpenBatch) -> None:
    """Do what a batch says. AssertionError when the core counts other than the batch does."""
    time_ns = batch.time_ns
    for item in batch.items:
        if isinstance(item, CommandMessage):
            core.apply_message(
                item.session,
                item.correlation_id,
                item.created_ns,
                item.items,
                time_ns,
                item.deadline_ns,
                item.options,
            )
        else:
            core.apply_record(item, time_ns)
    assert core.sequence == batch.first_sequence + batch.count - 1, (
        "a batch takes as many sequences as it says"
    )
