"""An order, and the price level in which it rests.

A level is an intrusive doubly linked list: the oldest order is the head. Joining, leaving and taking the front are
O(1) however deep the level is.

    Level 30000 ── head ▶ Order ◀▶ Order ◀▶ Order ◀ tail
"""

from mypy_extensions import mypyc_attr

from bus.protocol.terms import RESTING
from matcher.ledger.account import Account
from matcher.ledger.request import Request


# Orders and levels point at each other, but leave() unlinks them, so the cyclic garbage collector need not look at
# them: a full collection over a million orders would stop the engine for a third of a second.
@mypyc_attr(acyclic=True)
class Order(Request):
    """An order that was accepted. `quantity_lots` is the whole of it, `filled_lots` what has traded.

    `entered_*` is what was asked for at first, `price_ticks` and `quantity_lots` what a replace made of it. While it
    rests: `level` is its level, `older` and `newer` its neighbours there, `public_id` its number in the public feed
    (0 before). The command itself is not kept: its strings and numbers of its own would cost 90 bytes an order.
    """

    __slots__ = (
        "account",
        "entered_price_ticks",
        "entered_quantity_lots",
        "filled_lots",
        "flags",
        "level",
        "newer",
        "older",
        "order_type",
        "price_ticks",
        "public_id",
        "quantity_lots",
        "session",
        "side",
        "status",
        "symbol",
        "time_in_force",
    )

    def __init__(
        self,
        request_id: str,
        sequence: int,
        created_ns: int,
        account: Account,
        session: int,
        symbol: str,
        side: int,
        order_type: int,
        time_in_force: int,
        flags: int,
        price_ticks: int,
        quantity_lots: int,
    ) -> None:
        self.request_id = request_id
        self.sequence = sequence
        self.created_ns = created_ns
        self.ended_ns = 0
        self.reason = 0
        self.account = account
        self.session = session
        self.symbol = symbol
        self.side = side
        self.order_type = order_type
        self.time_in_force = time_in_force
        self.flags = flags
        self.entered_price_ticks = price_ticks
        self.entered_quantity_lots = quantity_lots
        self.price_ticks = price_ticks
        self.quantity_lots = quantity_lots
        self.filled_lots = 0
        self.status = RESTING
        self.public_id = 0
        self.level: Level | None = None
        self.older: Order | None = None
        self.newer: Order | None = None


@mypyc_attr(acyclic=True)
class Level:
    """All orders of one side at one price, oldest first. `quantity_lots` is the sum of what they have left.

    `touched` is the sequence of the last command that took an order out by mass cancel: a level is published once a
    command.
    """

    __slots__ = ("count", "head", "price_ticks", "quantity_lots", "side", "tail", "touched")

    def __init__(self, side: int, price_ticks: int) -> None:
        self.side = side
        self.price_ticks = price_ticks
        self.quantity_lots = 0
        self.count = 0
        self.head: Order | None = None
        self.tail: Order | None = None
        self.touched = 0

    def join(self, order: Order) -> None:
        """The order goes to the back."""
        tail = self.tail
        if tail is None:
            self.head = order
        else:
            tail.newer = order
            order.older = tail
        self.tail = order
        order.level = self
        self.count += 1
        self.quantity_lots += order.quantity_lots - order.filled_lots

    def leave(self, order: Order) -> None:
        """The order goes, with what it has left."""
        older = order.older
        newer = order.newer
        if older is None:
            self.head = newer
        else:
            older.newer = newer
            order.older = None
        if newer is None:
            self.tail = older
        else:
            newer.older = older
            order.newer = None
        order.level = None
        self.count -= 1
        self.quantity_lots -= order.quantity_lots - order.filled_lots
