"""A symbol's trades, and what readers are told of them: every one, once, in order.

It begins with the last trades that a publisher knows (`seed`), so that who comes back is told what it has missed, also
by an instance that was started meanwhile. What comes before they are known waits.
"""

from collections import deque
from typing import Final

import msgspec

from bus.protocol.feed import Trade, TradeBusted, TradeCorrected
from bus.protocol.market.requests import TradeRow
from bus.protocol.market.streams import RESYNC_REASONS, WITHDRAWN
from bus.protocol.terms import SIDES
from bus.sockets.market.stream_items import Item, Published, Resynced, Skipped
from bus.sockets.session.prices import Scale
from web.schemas.stream import Gap, TradeRevised, TradeTold
from web.stream.channels import TRADES
from web.stream.feed import EventFeed, Listener
from web.stream.source import Source

#: Trades that are kept for readers that come back: what a publisher gives in one answer. About 300 bytes each.
TRADES_KEPT_MAX: Final = 1_000
BUSTED: Final = "busted"
CORRECTED: Final = "corrected"
#: Names of the states of a trade that was revised, by their numbers.
_STATES: Final = {1: BUSTED, 2: CORRECTED}
_MISSED: Final = "missed"
_WITHDRAWN: Final = "withdrawn"
_MS: Final = 1_000_000


class TradeSource(Source):
    """One symbol's."""

    def __init__(self, topic: str, scale: Scale) -> None:
        super().__init__(topic)
        self.trades = TradeFeed(scale)
        self._early: list[Item] | None = []

    @property
    def feeds(self) -> tuple[EventFeed, ...]:
        """See Source."""
        return (self.trades,)

    def seed(self, rows: list[TradeRow]) -> None:
        """The last trades there are, oldest first; fewer than TRADES_KEPT_MAX: all."""
        self.trades.seed(rows)
        early, self._early = self._early or [], None
        for item in early:
            self.take(item)

    def take(self, item: Item) -> None:
        """See Source."""
        if self._early is not None:
            self._early.append(item)
        elif isinstance(item, Published):
            for event in item.events:
                self.trades.take(event)
        elif isinstance(item, Resynced):
            if item.reason == RESYNC_REASONS[WITHDRAWN]:
                self.trades.withdraw(item.trades, item.sequence)
            for row in item.trades:
                self.trades.take_row(row)
        elif isinstance(item, Skipped):
            self.trades.skip(item.after_sequence, item.sequence)


class TradeFeed(EventFeed):
    """See above."""

    def __init__(self, scale: Scale) -> None:
        super().__init__(TRADES, scale.symbol)
        self._scale = scale
        #: `(sequence, message)`: trades and what became of them, as they were told.
        self._kept: deque[tuple[int, bytes]] = deque()
        #: From this sequence on all is kept.
        self._complete_from = 0
        self._last_trade_id = 0
        self._is_seeded = False
        #: Who came before it began, and from where on it reads.
        self._waiting: dict[Listener, int] = {}

    def seed(self, rows: list[TradeRow]) -> None:
        """See TradeSource."""
        if len(rows) >= TRADES_KEPT_MAX:
            # The others of the oldest one's command may be missing.
            self._complete_from = rows[0].trade.sequence + 1
        self._is_seeded = True
        readers, self.listeners = self.listeners, {}
        for row in rows:
            self.take_row(row)
        self.listeners = readers
        waiting, self._waiting = self._waiting, {}
        for listener, sequence in waiting.items():
            self._tell_from(listener, sequence)

    def join(self, listener: Listener, from_sequence: int | None) -> None:
        """See EventFeed."""
        self.listeners[listener] = None
        if from_sequence is not None:
            self.tell_from(listener, from_sequence)

    def tell_from(self, listener: Listener, sequence: int) -> None:
        """Tell somebody what was from a sequence on, now or as soon as it is known; `leave` takes that back."""
        if self._is_seeded:
            self._tell_from(listener, sequence)
        else:
            self._waiting[listener] = sequence

    def leave(self, listener: Listener) -> None:
        """See Feed."""
        super().leave(listener)
        self._waiting.pop(listener, None)

    def take_row(self, row: TradeRow) -> None:
        """A trade as it counts now."""
        if self._take_trade(row.trade) and row.state in _STATES:
            self._revise(row.trade, _STATES[row.state])

    def take(self, event: object) -> None:
        """An event of the stream."""
        if isinstance(event, Trade):
            self._take_trade(event)
        elif isinstance(event, TradeBusted):
            self._revise(event, BUSTED)
        elif isinstance(event, TradeCorrected):
            self._revise(event, CORRECTED)

    def withdraw(self, rows: list[TradeRow], sequence: int) -> None:
        """The engine lost its last events: these are the last trades that are true, up to a sequence."""
        first = rows[0].trade.sequence if rows else sequence
        self._kept = deque(one for one in self._kept if one[0] < first)
        self._last_trade_id = rows[0].trade.trade_id - 1 if rows else 0
        self._complete_from = max(self._complete_from, first)
        self._say_gap(first - 1, sequence, _WITHDRAWN)

    def skip(self, after_sequence: int, sequence: int) -> None:
        """These were missed, and nobody gives them any more."""
        self._kept.clear()
        self._complete_from = sequence + 1
        self._say_gap(after_sequence, sequence, _MISSED)

    def _take_trade(self, trade: Trade) -> bool:
        """Whether it is a new one."""
        if trade.trade_id <= self._last_trade_id:
            return False
        self._last_trade_id = trade.trade_id
        told = TradeTold(
            self.symbol,
            trade.trade_id,
            trade.sequence,
            trade.time_ns // _MS,
            f"{self._scale.price(trade.price_ticks):f}",
            f"{self._scale.quantity(trade.quantity_lots):f}",
            SIDES.get(trade.aggressor),
        )
        self._keep(trade.sequence, msgspec.json.encode(told))
        return True

    def _revise(self, trade: Trade | TradeBusted | TradeCorrected, state: str) -> None:
        told = TradeRevised(
            self.symbol,
            trade.trade_id,
            trade.sequence,
            trade.time_ns // _MS,
            state,
            f"{self._scale.price(trade.price_ticks):f}",
            f"{self._scale.quantity(trade.quantity_lots):f}",
        )
        self._keep(trade.sequence, msgspec.json.encode(told))

    def _keep(self, sequence: int, message: bytes) -> None:
        self._kept.append((sequence, message))
        if len(self._kept) > TRADES_KEPT_MAX:
            self._complete_from = self._kept.popleft()[0] + 1
        self.say(message)

    def _tell_from(self, listener: Listener, sequence: int) -> None:
        if sequence < self._complete_from:
            listener.tell(self._gap(sequence - 1, self._complete_from - 1, _MISSED))
        for at, message in self._kept:
            if at >= max(sequence, self._complete_from):
                listener.tell(message)

    def _say_gap(self, after: int, sequence: int, reason: str) -> None:
        self.say(self._gap(after, sequence, reason))

    def _gap(self, after: int, sequence: int, reason: str) -> bytes:
        return msgspec.json.encode(Gap(self.channel, self.symbol, after, sequence, reason))
