"""A publisher without sockets and without a store: the real FeedCore, desks and markets, over a simulated engine.

What an operator revises is answered from the trades that were put into rows, as the store would.
"""

from collections.abc import Iterable

from bus.protocol.feed import Trade
from bus.protocol.market.codec import MarketFrame, decode_market_frame
from bus.protocol.terms import L2
from bus.protocol.topics import topic
from bus.sockets.reading.feed_core import FeedCore
from bus.sockets.reading.feed_items import Item, Resynced, Run
from publisher.candles.candle import Candle
from publisher.candles.intervals import MINUTE_NS
from publisher.desk import Desk
from publisher.market import Market, Revision
from publisher.store.rows import SymbolRows

SECOND_NS = 10**9


class SimulatedPublisher:
    """`take` what the engine publishes, `answer` what is asked of its recovery service; `said` is what left."""

    def __init__(self, symbol: str, *, market: Market | None = None) -> None:
        self.market = market or Market(symbol, trades_kept=1000, ring_frames_max=4096)
        self.desk = Desk(self.market)
        self.symbol = symbol
        names = list(self.desk.topics)
        numbers = {name: number for name, number in self.desk.topics.items() if number}
        self.core = FeedCore(names, from_numbers=numbers)
        self.said: list[tuple[str, MarketFrame]] = []
        self.trades: dict[int, Trade] = {}
        self.candles: dict[tuple[str, int], Candle] = {}
        self.pieces: list[SymbolRows] = []
        #: Of each span that got one.
        self.digests: dict[int, bytes] = {}
        self.now = 0

    def take(self, publications: Iterable[tuple[str, bytes]]) -> None:
        """Frames of the feed."""
        for name, frame in publications:
            self._take(self.core.receive(name, frame))

    def requests(self) -> list[bytes]:
        """What is asked now; whatever was asked before has had its time."""
        self.now += 10 * SECOND_NS
        requests = self.core.requests(self.now)
        if self.market.wrong_book:
            self.market.wrong_book = False
            self.core.resync(self.symbol, L2)
        return requests

    def answer(self, answers: Iterable[bytes]) -> None:
        """What the recovery service says."""
        for payload in answers:
            self._take(self.core.recovered(payload, self.now))

    def frames(self, kind: str) -> list[MarketFrame]:
        """What was said on one kind of stream."""
        wanted = topic(kind, self.symbol)
        return [frame for name, frame in self.said if name == wanted]

    def _take(self, items: Iterable[Item]) -> None:
        for item in items:
            if isinstance(item, Run):
                self.desk.take(item)
            elif isinstance(item, Resynced):
                self.desk.begin(item)
            self._leave()

    def _leave(self) -> None:
        market = self.market
        while True:
            self._store()
            if market.revision is None:
                break
            self._revise(market.revision)
        streams = market.streams
        if streams.digest:
            self.digests[streams.digest_segment] = streams.digest
        departing, streams.departing = streams.departing, []
        self.said += [(name.decode(), decode_market_frame(frame)) for name, frame in departing]

    def _store(self) -> None:
        rows = self.market.take_rows()
        if rows is None:
            return
        if self.pieces:
            assert rows.after_sequence == self.pieces[-1].progress.sequence
        self.pieces.append(rows)
        self.trades.update((trade.trade_id, trade) for trade in rows.trades)
        for number, event in rows.revisions:
            revised = Revision(number, event).applied([self.trades.pop(event.trade_id)])
            self.trades.update((trade.trade_id, trade) for trade in revised)
        for name, candle in rows.candles:
            self.candles[name, candle.open_time_ns] = candle

    def _revise(self, revision: Revision) -> None:
        minute_ns = self.trades[revision.event.trade_id].time_ns // MINUTE_NS * MINUTE_NS
        in_minute = [
            trade
            for _, trade in sorted(self.trades.items())
            if minute_ns <= trade.time_ns < minute_ns + MINUTE_NS
        ]
        self.market.revise(minute_ns, in_minute)
