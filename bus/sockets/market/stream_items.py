"""What a reader of the publishers' streams gets."""

from typing import Any, Final

from msgspec import Struct

from bus.protocol.market.requests import TradeRow
from bus.protocol.market.streams import Book

#: Why a stream begins anew besides the reasons that a publisher has for it (`RESYNC_REASONS`).
JOINED: Final = "joined"
MISSED: Final = "missed"
WRONG: Final = "wrong checksum"


class Position(Struct, frozen=True):
    """How far a reader has come in a chained stream: what its next life begins with. `trade_id`: of the last trade."""

    epoch: int
    sequence: int
    time_ns: int
    trade_id: int = 0


class Published(Struct, frozen=True, gc=False):
    """The events of one frame. `publisher`: the place, in the list that was given, of the one who said it first."""

    topic: str
    epoch: int
    sequence: int
    time_ns: int
    events: list[Any]
    publisher: int


class Resynced(Struct, frozen=True):
    """A chained stream begins anew; what the reader held of it does not go on by itself.

    A book is `book` now. Of trades `trades` are those that were missed, as they count now; busts and corrections of
    older ones may have been missed with them. `reason`: JOINED (the first of all, for a book), MISSED, WRONG, or why a
    publisher began its chain anew (`RESYNC_REASONS`); with "withdrawn" what was told before may never have happened.
    """

    topic: str
    reason: str
    epoch: int
    sequence: int
    time_ns: int
    book: Book | None = None
    trades: list[TradeRow] = []


class Skipped(Struct, frozen=True):
    """What a stream told behind `after_sequence`, up to `sequence`, was missed, and no publisher gives it any more."""

    topic: str
    after_sequence: int
    sequence: int


class Differs(Struct, frozen=True):
    """Two publishers contradict each other; at least one of them is wrong. Told once a topic and span of 10 s.

    Of a frame: `sequence` and `time_ns` are the frame's. Of a digest (`topic` is a heartbeat's): those of the heartbeat
    that said it, which is some time after the span. `publishers`: their endpoints.
    """

    topic: str
    sequence: int
    time_ns: int
    publishers: tuple[str, str]


class PublisherSilent(Struct, frozen=True):
    """Nothing was heard of a publisher for so long that it counts as gone."""

    publisher: int
    endpoint: str
    silence_ms: int


class PublisherHeard(Struct, frozen=True):
    """A publisher that counted as gone is there again. `name`: as it calls itself."""

    publisher: int
    endpoint: str
    name: str


Item = Published | Resynced | Skipped | Differs | PublisherSilent | PublisherHeard
