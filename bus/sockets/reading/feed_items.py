"""What a reader of a stream gets besides the events themselves."""

from typing import Any

from msgspec import Struct

from bus.protocol.recovery import BookSnapshot
from bus.protocol.reports import Report


class Run(Struct, frozen=True, gc=False):
    """Events of one topic in a row: event i has number `first_number + i`. A heartbeat has `first_number` 0.

    `log_sequence` and `time_ns` are those of the frame that brought them: of the end of the batch in which they were
    caused. `numbers`: for a symbol's topics and its heartbeat, the last numbers of its trade, level, order and status
    topics behind that batch. A run holds the events of one batch, all that were not given before.
    """

    topic: str
    first_number: int
    events: list[Any]
    epoch: int
    log_sequence: int
    time_ns: int
    numbers: tuple[int, int, int, int] | None = None


class Resynced(Struct, frozen=True):
    """A book begins anew: what was known of it is replaced by this snapshot, and the events go on behind it.

    It comes first of all for a late joiner, and later when events were missed that are no longer kept, when a checksum
    did not match, or when the engine started again without events that it had published.
    """

    topic: str
    snapshot: BookSnapshot
    epoch: int = 0


class Skipped(Struct, frozen=True):
    """Events `first_number` to `next_number - 1` of a topic were missed, and the engine no longer keeps them."""

    topic: str
    first_number: int
    next_number: int


class Withdrawn(Struct, frozen=True):
    """Events from `first_number` to `next_number - 1`, given before, never happened; their numbers are given again.

    The engine started again without them (which it does only when it promises less than the disk). `first_number` is
    the first that the reader knows of: some before it may be of the same fate if the reader missed their successors.
    """

    topic: str
    first_number: int
    next_number: int


class DropReport(Struct, frozen=True, gc=False):
    """On the drop-copy: one account's report, with its number among the account's reports."""

    account: str
    report_number: int
    report: Report


class UnknownEvent(Struct, frozen=True):
    """An event of a kind that this version does not know; it has its number, and its bytes."""

    data: bytes


Item = Run | Resynced | Skipped | Withdrawn
