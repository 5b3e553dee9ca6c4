"""One symbol of a judged trace, as a stranger knows it: the book that the public feed rebuilds.

The feed names no owners and no client's ids. What it calls `public_id` is put together with the order that the trace
knows by the log sequence: of the orders that a command leaves in the book, the one that it added is the trace's own.
"""

from collections.abc import Iterator
from types import TracebackType
from typing import Final

from tracebook.conformance.model import BookSnapshot, RestingOrder, canonical_decimal

from bus.protocol.feed import OrderAdded, OrderDeleted, OrderExecuted, OrderReduced
from bus.protocol.terms import BUY, L3, SELL
from bus.protocol.topics import ORDER, topic
from bus.sockets.book_reader import BookReader
from bus.sockets.reading.telling import Told
from bus.sockets.session.prices import Scale
from bus.sockets.subscriber import Subscriber

#: Nothing here waits this long unless it is broken.
PATIENCE_S: Final = 20.0


class Order:
    """An order of the trace, under one client order id.

    `quantity_lots`: its whole quantity, what has been filled included. `public_id`: 0 while it does not rest.
    """

    __slots__ = ("client_order_id", "owner", "public_id", "quantity_lots", "side", "source_id")

    def __init__(self, source_id: int, owner: int, client_order_id: str, side: int) -> None:
        self.source_id = source_id
        self.owner = owner
        self.client_order_id = client_order_id
        self.side = side
        self.quantity_lots = 0
        self.public_id = 0


class Market:
    """`symbol` is the trace's name, `traded_as` the engine's. Open before the first command, so nothing is missed.

    `known`: the last order of each id of the trace, whether it rests or not.
    """

    def __init__(self, symbol: str, traded_as: str, scale: Scale, port_base: int) -> None:
        self.symbol = symbol
        self.traded_as = traded_as
        self.scale = scale
        self.known: dict[int, Order] = {}
        self._port_base = port_base
        self._resting: dict[int, Order] = {}
        self._subscriber = _subscriber(traded_as, port_base)
        self._book = self._subscriber.book(traded_as, L3)
        self._events: Iterator[Told] = iter(())

    def __enter__(self) -> "Market":
        self._subscriber.open()
        self._events = self._subscriber.events(PATIENCE_S)
        _begin(self._book, self._events)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._subscriber.close()

    def active(self, source_id: int) -> Order | None:
        """The order that rests under an id of the trace."""
        order = self.known.get(source_id)
        return order if order is not None and order.public_id else None

    def resting_lots(self, order: Order) -> tuple[int, int]:
        """`(price_ticks, quantity_lots)` of an order that rests, as the feed shows it."""
        for public_id, price_ticks, quantity_lots in self._book.orders(order.side):
            if public_id == order.public_id:
                return price_ticks, quantity_lots
        raise AssertionError(f"{order.client_order_id} is not in the book that the feed rebuilds")

    def follow(self, count: int, sequence: int, incoming: Order | None) -> list[tuple[int, int, Order]]:
        """Take the `count` events of the command with this log sequence. `incoming`: its order, None for a mass cancel.

        Returns each execution as `(trade_id, quantity_lots, maker)`, in the order of the feed.
        """
        executions: list[tuple[int, int, Order]] = []
        taken = 0
        while taken < count:
            _, _, event = next(self._events)
            if not isinstance(event, OrderAdded | OrderExecuted | OrderDeleted | OrderReduced):
                continue
            assert event.sequence == sequence, f"{event} is not of command {sequence}"
            taken += 1
            if isinstance(event, OrderAdded):
                assert incoming is not None, f"{event} adds an order where none was entered"
                incoming.public_id = event.public_id
                self._resting[event.public_id] = incoming
            elif isinstance(event, OrderExecuted):
                maker = self._resting[event.public_id]
                executions.append((event.trade_id, event.quantity_lots, maker))
                if not event.leaves_lots:
                    self._forget(event.public_id)
            elif isinstance(event, OrderDeleted):
                self._forget(event.public_id)
        return executions

    def state(self, decimal_places: int) -> BookSnapshot:
        """The book as the feed has told it so far."""
        return self._snapshot(self._book, decimal_places)

    def state_of_engine(self, decimal_places: int) -> BookSnapshot:
        """The book as the engine itself has it now: a snapshot that owes nothing to the events."""
        with _subscriber(self.traded_as, self._port_base) as subscriber:
            book = subscriber.book(self.traded_as, L3)
            _begin(book, subscriber.events(PATIENCE_S))
            return self._snapshot(book, decimal_places)

    def _forget(self, public_id: int) -> None:
        self._resting.pop(public_id).public_id = 0

    def _snapshot(self, book: BookReader, decimal_places: int) -> BookSnapshot:
        bids, asks = (
            tuple(
                RestingOrder(
                    order_id=self._resting[public_id].source_id,
                    price=canonical_decimal(self.scale.price(price_ticks)),
                    remaining_quantity=canonical_decimal(self.scale.quantity(quantity_lots), decimal_places),
                    owner=self._resting[public_id].owner,
                )
                for public_id, price_ticks, quantity_lots in book.orders(side)
            )
            for side in (BUY, SELL)
        )
        return BookSnapshot(self.symbol, bids, asks)


def _subscriber(symbol: str, port_base: int) -> Subscriber:
    return Subscriber([topic(ORDER, symbol)], port_base=port_base)


def _begin(book: BookReader, events: Iterator[Told]) -> None:
    while not book.ready:
        next(events)
