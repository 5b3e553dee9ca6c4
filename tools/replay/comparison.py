"""What really happened against what the engine made of it, seen from the public feed alone.

Trades: a real trade is matched when the engine published one of exactly the same price and quantity, at an engine time
no more than `WINDOW_NS` before the real one was published and no later than the end of its millisecond. Each engine
trade counts once, the oldest first.

Top of the book: a snapshot is comparable when it has both sides and the book that the `level.` topic has rebuilt has
both sides at that position; it is equal when price and quantity of both best levels are exactly the same. The position
of a snapshot is the log sequence of the last command before it: sequences order across sockets, and nothing else does.
"""

from collections import defaultdict, deque
from typing import Final

from sortedcontainers import SortedDict

from bus.protocol.feed import Level, Trade
from bus.protocol.terms import BUY
from tools.replay.flow import RealTop, RealTrade

#: An exchange publishes a trade after the events of its orders. In the one recording that was looked at the longest
#: delay was half of this.
WINDOW_NS: Final = 1_000_000_000
_MILLISECOND_NS: Final = 1_000_000


class TradeMatcher:
    """Real trades and engine trades, which may be given in any order; counted at the end."""

    def __init__(self) -> None:
        self._real: list[RealTrade] = []
        self._engine: defaultdict[tuple[int, int], deque[int]] = defaultdict(deque)

    @property
    def real(self) -> int:
        """How many real trades there are."""
        return len(self._real)

    def expect(self, trade: RealTrade) -> None:
        """A real trade; given in the order of their times."""
        self._real.append(trade)

    def happened(self, trade: Trade) -> None:
        """A trade of the engine; given in the order of the feed."""
        self._engine[trade.price_ticks, trade.quantity_lots].append(trade.time_ns)

    def matched(self) -> int:
        """How many real trades are matched. O(all trades); the engine trades that it looked at are used up."""
        count = 0
        for trade in self._real:
            times = self._engine.get((trade.price_ticks, trade.quantity_lots))
            while times and times[0] < trade.time_ns - WINDOW_NS:
                times.popleft()
            if times and times[0] < trade.time_ns + _MILLISECOND_NS:
                times.popleft()
                count += 1
        return count


class TopComparer:
    """Real tops of the book and a book made of published levels, brought together by log sequence.

    Commands are counted from 1 as they are sent. Answers come in their order; levels come in the order of the feed,
    sooner or later than answers. `finish` when both are complete.
    """

    def __init__(self) -> None:
        self.comparable = 0
        self.equal = 0
        self._bids: SortedDict[int, int] = SortedDict()
        self._asks: SortedDict[int, int] = SortedDict()
        self._unanswered: deque[tuple[int, RealTop]] = deque()  # position as a count of commands
        self._due: deque[tuple[int, RealTop]] = deque()  # position as a log sequence
        self._levels: deque[Level] = deque()
        self._answered = 0
        self._sequence = 0

    @property
    def sequence(self) -> int:
        """The log sequence of the last answered command."""
        return self._sequence

    def expect(self, commands_sent: int, top: RealTop) -> None:
        """What the top really was after so many commands."""
        if commands_sent <= self._answered:
            self._due.append((self._sequence, top))
        else:
            self._unanswered.append((commands_sent, top))

    def answered(self, command: int, sequence: int) -> None:
        """The log sequence of the next command."""
        assert command == self._answered + 1, "answers come in order, one each"
        self._answered = command
        self._sequence = sequence
        while self._unanswered and self._unanswered[0][0] == command:
            self._due.append((sequence, self._unanswered.popleft()[1]))

    def level(self, level: Level) -> None:
        """A published level."""
        self._levels.append(level)

    def compare(self) -> None:
        """Go as far as answers and feed have both come."""
        # A position to come lies at or behind the last answer, so levels up to it may go in; and the feed is complete
        # up to a position when a level behind it has come.
        while self._levels and self._levels[0].sequence <= self._sequence:
            level = self._levels.popleft()
            while self._due and self._due[0][0] < level.sequence:
                self._compare(self._due.popleft()[1])
            self._apply(level)

    def finish(self) -> None:
        """Everything was answered and the whole feed has come."""
        assert not self._unanswered, "all commands were answered"
        self.compare()
        while self._due:
            self._compare(self._due.popleft()[1])

    def _apply(self, level: Level) -> None:
        side = self._bids if level.side == BUY else self._asks
        if level.quantity_lots:
            side[level.price_ticks] = level.quantity_lots
        else:
            side.pop(level.price_ticks, None)

    def _compare(self, top: RealTop) -> None:
        if not (self._bids and self._asks and top.bid_lots and top.ask_lots):
            return
        self.comparable += 1
        if (*self._bids.peekitem(-1), *self._asks.peekitem(0)) == (
            top.bid_ticks,
            top.bid_lots,
            top.ask_ticks,
            top.ask_lots,
        ):
            self.equal += 1
