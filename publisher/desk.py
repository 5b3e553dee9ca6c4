"""One symbol, from the feed to its market: what comes is put in the order of the log and taken.

No I/O. `service` has one for each symbol that it carries.
"""

from bus.protocol.recovery import BookSnapshot
from bus.protocol.terms import L2, L3
from bus.protocol.topics import HEARTBEAT, LEVEL, ORDER, STATUS, TRADE, topic
from bus.sockets.book_reader import BookReader
from bus.sockets.reading.feed_items import Resynced, Run
from publisher.alignment import Alignment
from publisher.market import Market


class Desk:
    """See above. `market` stands where its restored state says; `topics` are followed for it."""

    __slots__ = (
        "alignment",
        "epoch",
        "heartbeat_topic",
        "market",
        "orders",
        "orders_begun",
        "orders_sequence",
        "orders_topic",
        "orders_wanted_ns",
        "revising",
        "symbol",
    )

    def __init__(self, market: Market) -> None:
        self.symbol = market.symbol
        self.market = market
        self.alignment = Alignment(market.trade_number + 1)
        #: The last life of the engine that is known to have gone on with this log.
        self.epoch = market.streams.epoch
        #: The book by orders, while somebody wants it.
        self.orders: BookReader | None = None
        self.orders_sequence = 0
        self.orders_begun = 0  # how often the book by orders has
        self.orders_wanted_ns = 0
        self.orders_topic = topic(ORDER, self.symbol)
        self.heartbeat_topic = topic(HEARTBEAT, self.symbol)
        #: The trades of a minute are being read for the market's revision.
        self.revising = False

    @property
    def topics(self) -> dict[str, int]:
        """The topics to follow, with the number from which on; 0: from where they are."""
        return {
            topic(TRADE, self.symbol): self.market.trade_number + 1,
            topic(LEVEL, self.symbol): 0,
            topic(STATUS, self.symbol): 0,
        }

    def begin_orders(self) -> None:
        """Keep the book by orders from now on; its topic is to be followed."""
        self.orders = BookReader(self.symbol, L3)

    def take(self, run: Run) -> None:
        """Events of one of the symbol's topics, or its heartbeat."""
        if not self.epoch:
            self.epoch = run.epoch
        orders = self.orders
        if orders is not None:
            if run.topic == orders.topic:
                for number, event in enumerate(run.events, run.first_number):
                    orders.take(run.topic, number, event)
                self.orders_sequence = run.log_sequence
            elif not run.first_number:
                for event in run.events:
                    orders.take(run.topic, 0, event)
        market = self.market
        for item in self.alignment.take(run):
            market.take(item)

    def begin(self, resynced: Resynced) -> None:
        """A book begins anew."""
        snapshot: BookSnapshot = resynced.snapshot
        if snapshot.kind == L3:
            if self.orders is not None:
                self.orders.take(self.orders.topic, snapshot.order_number, resynced)
                self.orders_sequence = snapshot.log_sequence
                self.orders_begun += 1
            return
        assert snapshot.kind == L2, "a book is L2 or L3"
        # What was between is never said: others may have said it.
        self.market.miss()
        for item in self.alignment.begin_book(resynced):
            self.market.take(item)
