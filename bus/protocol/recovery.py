"""Recovery: how a reader asks again for what it missed, on the recovery ROUTER.

Requests come in a client's envelope with session 0 (`[version, 0, correlation_id, 0, [request, ...]]`), answers in
the engine's. Nothing is logged. The rule of a reader that joins late: subscribe, ask for the snapshot, drop what has
a number up to the snapshot's, go on from there.
"""

from typing import Final

from msgspec import Struct

from bus.protocol.commands import Unsigned
from bus.protocol.control import (
    NO_AUCTION,
    Instruments,
    PhaseState,
    QueryInstruments,
    QuerySchedule,
    Refused,
    TradingSchedule,
)
from bus.protocol.status import ProcessStatus, QueryStatus

REPLAY: Final = 80
SNAPSHOT: Final = 81
REPLAYED: Final = 85
NOT_KEPT: Final = 86
BOOK_SNAPSHOT: Final = 87


class Replay(Struct, array_like=True, tag=REPLAY, forbid_unknown_fields=True, frozen=True):
    """The events `first_number` to `last_number` of a topic again. For `drop.` the token of the data directory."""

    topic: str
    first_number: Unsigned
    last_number: Unsigned
    token: str = ""


class Snapshot(Struct, array_like=True, tag=SNAPSHOT, forbid_unknown_fields=True, frozen=True):
    """A symbol's whole book: `kind` 2 by price levels (L2), 3 by orders (L3)."""

    symbol: str
    kind: Unsigned


class Replayed(Struct, array_like=True, tag=REPLAYED, frozen=True):
    """Frames as they were published, oldest first, the first of which holds `first_number` of the request.

    They may hold more than was asked for at either end, and fewer when the answer would grow too large: ask again
    from where they end.
    """

    correlation_id: int
    topic: str
    frames: list[bytes]


class NotKept(Struct, array_like=True, tag=NOT_KEPT, frozen=True):
    """The replay ring no longer has `first_number`: take a snapshot. It keeps `oldest_number` to `next_number - 1`."""

    correlation_id: int
    topic: str
    oldest_number: int
    next_number: int


class BookSnapshot(Struct, array_like=True, tag=BOOK_SNAPSHOT, frozen=True):
    """A symbol's book as of `log_sequence`. The events that follow it have the numbers after these.

    `bids` and `asks`, best first: L2 `[price_ticks, quantity_lots, orders]`; L3 `[public_id, price_ticks,
    quantity_lots]`, within a price in order of priority. `checksum` as in `bus.protocol.checksum`. Orders of an auction
    collect wherever they want to, so outside continuous trading a bid may stand above an ask.
    """

    correlation_id: int
    symbol: str
    kind: int
    log_sequence: int
    time_ns: int
    trade_number: int
    level_number: int
    order_number: int
    status_number: int
    phase: int
    last_price_ticks: int
    checksum: int
    bids: list[tuple[int, int, int]]
    asks: list[tuple[int, int, int]]
    phase_state: PhaseState = NO_AUCTION


RecoveryRequest = Replay | Snapshot | QueryInstruments | QuerySchedule | QueryStatus
RecoveryAnswer = Replayed | NotKept | BookSnapshot | Instruments | TradingSchedule | Refused | ProcessStatus
