"""What one chained stream asks of the publishers until nothing is missing any more. No I/O.

    REPLAY, of each publisher in turn ──none keeps it──▶ SNAPSHOT, of each in turn ──none has one──▶ what there is
        ▲                                                                            │ some did not answer
        └──────────────────────────────── again, a second later ─────────────────────┘

A publisher that is not as far as what is missing is asked again a little later, and passed over when it does not get
there. With several publishers, what one has lost or does not know another may be about to say: nobody is asked while
what is held still grows.
"""

import enum
from typing import Final

from bus.protocol.codec import encode_message
from bus.protocol.market.requests import (
    TRADES_PER_ANSWER_MAX,
    DepthRequest,
    MarketRequest,
    StreamReplay,
    TradesRequest,
)
from bus.sockets.market.chain import Chain, State
from bus.sockets.market.roster import MS

#: How long a publisher may take for one answer before the next one is asked.
ANSWER_TIMEOUT_MS: Final = 1_000
#: How often all of them are asked, when some do not answer: together a quarter of a minute, in which one has started
#: again.
ROUNDS_MAX: Final = 15
#: How soon a publisher that is behind is asked again, and how often: conflated streams are behind by up to a second.
BEHIND_MS: Final = 100
BEHIND_MAX: Final = 30


class Stage(enum.Enum):
    """What is asked for; see the picture above."""

    REPLAY = "replay"
    SNAPSHOT = "snapshot"


class Healing:
    """One topic that misses something. `deadline_ns`: when `ask` is to be called next."""

    __slots__ = (
        "_behind",
        "_stage",
        "_tried",
        "_unanswered",
        "correlation_id",
        "deadline_ns",
        "publisher",
        "rounds",
    )

    def __init__(self, deadline_ns: int) -> None:
        self.deadline_ns = deadline_ns
        self.correlation_id = 0  # 0: nothing is asked
        self.publisher = 0  # who is asked
        self.rounds = 0
        self._stage = Stage.REPLAY
        self._tried: set[int] = set()
        self._unanswered = False  # somebody did not answer in this round
        self._behind = 0

    def ask(self, chain: Chain, present: list[int], number: int, now_ns: int) -> bytes | None:
        """The next request, under a correlation id, to `publisher`; None when there is nobody left to be asked."""
        if self.correlation_id:  # the time for an answer is over
            self.correlation_id = 0
            self._tried.add(self.publisher)
            self._unanswered = True
        request = None
        if self._stage is Stage.REPLAY and chain.state is State.FOLLOWING:
            if chain.beginning is not None:
                self._tried.add(chain.beginning_publisher)  # it knows of nothing before
            request = self._of_next(present, StreamReplay(chain.topic, chain.sequence))
        if request is None:
            if self._stage is Stage.REPLAY:
                self._stage = Stage.SNAPSHOT
                self._tried.clear()
            snapshot = _snapshot(chain)
            request = None if snapshot is None else self._of_next(present, snapshot)
        if request is None:
            return None
        self.correlation_id = number
        self.deadline_ns = now_ns + ANSWER_TIMEOUT_MS * MS
        return encode_message(0, number, 0, [request])

    def wait(self, now_ns: int) -> None:
        """What is held has grown by itself."""
        if not self.correlation_id:
            self.deadline_ns = max(self.deadline_ns, now_ns + BEHIND_MS * MS)

    def answered(self, now_ns: int, *, progress: bool, behind: bool) -> None:
        """An answer came: it brought something, or its publisher may have it later, or never."""
        self.correlation_id = 0
        self.deadline_ns = now_ns
        if progress:
            self.rounds = 0
            self._begin_round()
        elif behind and self._behind < BEHIND_MAX:
            self._behind += 1
            self.deadline_ns = now_ns + BEHIND_MS * MS
        else:
            self._behind = 0
            self._tried.add(self.publisher)

    @property
    def is_hopeless(self) -> bool:
        """Everybody said that they do not have it, or it was asked for too often."""
        return not self._unanswered or self.rounds >= ROUNDS_MAX

    def rest(self, now_ns: int) -> None:
        """Nobody is left to be asked: everybody again, a little later."""
        self.correlation_id = 0
        self.rounds += self._unanswered
        self.deadline_ns = now_ns + ANSWER_TIMEOUT_MS * MS
        self._begin_round()

    def _begin_round(self) -> None:
        self._stage = Stage.REPLAY
        self._tried.clear()
        self._unanswered = False
        self._behind = 0

    def _of_next(self, present: list[int], request: MarketRequest) -> MarketRequest | None:
        left = [publisher for publisher in present if publisher not in self._tried]
        if not left:
            return None
        self.publisher = left[0]
        return request


def _snapshot(chain: Chain) -> MarketRequest | None:
    """What to ask for when nobody keeps the frames; None when what there is will do, or nothing can be asked for."""
    if chain.is_book:
        return None if chain.beginning is not None else DepthRequest(chain.symbol)
    known = chain.trades_from
    if known is None:
        return None
    from_trade_id, from_ns = known
    return TradesRequest(
        chain.symbol, from_trade_id=from_trade_id, from_ns=from_ns, limit=TRADES_PER_ANSWER_MAX
    )
