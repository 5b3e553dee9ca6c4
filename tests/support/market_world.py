"""A market, its publishers, one reader, and what is between: everything that a reader gives is held to the market.

Nothing of a world is real but the reader's core, and the books that it keeps.
"""

import random
from typing import Any

from bus.protocol.feed import Trade
from bus.protocol.terms import BUY, SELL
from bus.sockets.market.giving import Giving
from bus.sockets.market.stream_core import StreamCore
from bus.sockets.market.stream_items import Item, Published, Resynced, Skipped
from tests.support.simulated_network import Pipe
from tests.support.simulated_publisher import MS, Moment, SimulatedMarket, SimulatedPublisher

SYMBOL = "BTC-USD"
TRADES = f"trades.{SYMBOL}."
BOOKS = ("depth", "depth-100ms", "depth-1s")
WHOLE = ("candle-1m", "statistics", "mini", "symbol", "top5-100ms")
ALL = tuple(f"{kind}.{SYMBOL}." for kind in ("trades", *BOOKS, *WHOLE))


class World:
    """See above. `lives[i]`: whether publisher i can be heard and asked."""

    def __init__(
        self,
        seed: int,
        publishers: int = 2,
        topics: tuple[str, ...] = ALL,
        *,
        ring_max: int = 50,
        **options: Any,
    ) -> None:
        self.market = SimulatedMarket(seed)
        self.publishers = [
            SimulatedPublisher(self.market, f"p{index}", ring_max=ring_max) for index in range(publishers)
        ]
        self.lives = [True] * publishers
        self.wires = [Pipe() for _ in range(publishers)]
        self.answers = [Pipe() for _ in range(publishers)]
        self.core = StreamCore(topics, [f"tcp://p{index}" for index in range(publishers)], **options)
        self.now = 0
        self.items: list[Item] = []
        self.giving = Giving(self.core)
        self.depths = {
            kind: self.giving.add_book(SYMBOL, kind) for kind in BOOKS if f"{kind}.{SYMBOL}." in topics
        }
        self.trade_ids: list[int] = []
        #: Whether the next trade may have any id: behind something that was missed and is named, or never happened.
        self.trades_torn = True
        self.was: dict[tuple[int, int], Moment] = {}

    # What happens.

    def move(self, count: int = 1, **how: Any) -> None:
        """The market goes on; nobody has heard of it yet."""
        for _ in range(count):
            self.market.move(**how)

    def say(self, *, heartbeats: bool = False) -> None:
        """Publishers come to the end of the log, and say so."""
        for publisher in self.publishers:
            publisher.come()
            if heartbeats:
                publisher.heartbeat()
        self.send()

    def send(self) -> None:
        """What was published is under way, or lost."""
        for index, publisher in enumerate(self.publishers):
            for name, frame in publisher.published:
                if self.lives[index] and name.startswith(tuple(self.core.subscriptions)):
                    self.wires[index].put((name, frame))
            publisher.published.clear()

    def deliver(self, only: int | None = None) -> None:
        """What is under way arrives."""
        self._remember()
        for index, wire in enumerate(self.wires):
            if only is None or index == only:
                for name, frame in wire.take():
                    self.take(self.core.receive(index, name, frame, self.now))

    def ask(self, *, all_taken: bool = True) -> None:
        """The reader asks; who lives answers."""
        items, requests = self.core.advance(self.now, all_taken)
        self.take(items)
        for index, request in requests:
            if self.lives[index]:
                for answer in self.publishers[index].answer(request):
                    self.answers[index].put(answer)

    def hear(self) -> None:
        """Answers arrive."""
        self._remember()
        for index, pipe in enumerate(self.answers):
            for payload in pipe.take():
                self.take(self.core.answered(index, payload, self.now))

    def pass_time(self, ms: int) -> None:
        self.now += ms * MS

    def shake(self, chance: random.Random, **how: float) -> None:
        """The network loses, repeats and swaps."""
        for pipe in (*self.wires, *self.answers):
            pipe.shake(chance, **how)

    def settle(self, rounds: int = 80) -> None:
        """From here on nothing is lost, and the market rests."""
        for _ in range(rounds):
            self.move(quiet=True)
            self.say(heartbeats=True)
            self.deliver()
            self.ask()
            self.hear()
            self.pass_time(100)

    # What is told.

    def take(self, items: list[Item]) -> None:
        """Hold it to the market, and keep it."""
        self.giving.keep(items)
        while (item := self.giving.next()) is not None:
            self.items.append(item)
            if isinstance(item, Published | Resynced):
                self._look_at_book(item)
                if item.topic == TRADES:
                    self._look_at_trades(item)
            elif isinstance(item, Skipped) and item.topic == TRADES:
                self.trades_torn = True

    def told(self, kind: type[Any], topic: str = "") -> list[Any]:
        """What was told of a kind, of one topic or of all."""
        return [
            item
            for item in self.items
            if isinstance(item, kind) and (not topic or getattr(item, "topic", "") == topic)
        ]

    def is_complete(self) -> bool:
        """Whether the reader has all: the last trade, and the book as it stands."""
        last = self.market.moments[-1]
        # Behind a withdrawal it is the user who asks for the trades.
        torn = self.trades_torn and bool(self.trade_ids)
        ids = [] if torn else sorted(self.market.trades())
        return all(
            reader.levels(BUY) == last.bids and reader.levels(SELL) == last.asks
            for reader in self.depths.values()
        ) and (not ids or not self.trade_ids or self.trade_ids[-1] == ids[-1])

    def _remember(self) -> None:
        """Also what will never have happened."""
        for moment in reversed(self.market.moments):
            key = (moment.epoch, moment.sequence)
            if key in self.was:
                break
            self.was[key] = moment

    def _look_at_book(self, item: Published | Resynced) -> None:
        for reader in self.depths.values():
            if item.topic == reader.topic and reader.ready:
                moment = self.was[(reader.epoch, reader.sequence)]
                assert reader.levels(BUY) == moment.bids, f"{item} is not {moment}"
                assert reader.levels(SELL) == moment.asks, f"{item} is not {moment}"

    def _look_at_trades(self, item: Published | Resynced) -> None:
        if isinstance(item, Resynced):
            self.trades_torn = self.trades_torn or item.reason == "withdrawn"
            ids = [row.trade.trade_id for row in item.trades]
        else:
            ids = [event.trade_id for event in item.events if isinstance(event, Trade)]
        for trade_id in ids:
            if not self.trades_torn:
                assert trade_id == self.trade_ids[-1] + 1, f"trade {trade_id} in {item}"
            self.trades_torn = False
            self.trade_ids.append(trade_id)
