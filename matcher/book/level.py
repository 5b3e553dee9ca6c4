"""An order, and the price level in which it rests.

A level is an intrusive doubly linked list: what is displayed stands before what is hidden, and each of both in order of
time. Joining, leaving and taking the front are O(1) however deep the level is.

    Level 30000 ── head ▶ Order ◀▶ Order ◀▶ Order ◀▶ Order ◀ tail
                                             ▲ first_hidden
"""

from mypy_extensions import mypyc_attr

from bus.protocol.terms import RESTING
from matcher.book.instructions import Instructions
from matcher.ledger.account import Account
from matcher.ledger.request import Request


# Orders and levels point at each other, but leave() unlinks them, so the cyclic garbage collector need not look at
# them: a full collection over a million orders would stop the engine for a third of a second.
@mypyc_attr(acyclic=True)
class Order(Request):
    """An order that was accepted. `quantity_lots` is the whole of it, `filled_lots` what has traded.

    `shown_lots` is what can trade before the order loses its place: all that is left, or the slice that an iceberg
    displays. `entered_*` is what was asked for at first, `price_ticks` and `quantity_lots` what a replace made of it.
    While it rests: `level` is its level, `older` and `newer` its neighbours there, `public_id` its number in the public
    feed (0 before, and for hidden orders). The command itself is kept by `instructions` only: its strings and numbers
    of its own would cost 90 bytes an order.

    `held`: what of its account's money backs it, where the venue clears; `held_fee`: what of a third asset, in which
    its fee is paid.
    """

    __slots__ = (
        "account",
        "entered_price_ticks",
        "entered_quantity_lots",
        "filled_lots",
        "flags",
        "held",
        "held_fee",
        "instructions",
        "level",
        "newer",
        "older",
        "order_type",
        "price_ticks",
        "public_id",
        "quantity_lots",
        "session",
        "shown_lots",
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
        instructions: Instructions | None,
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
        self.entered_price_ticks = self.price_ticks = price_ticks
        self.entered_quantity_lots = self.quantity_lots = self.shown_lots = quantity_lots
        self.instructions = instructions
        self.filled_lots = self.public_id = self.held = self.held_fee = 0
        self.status = RESTING
        self.level: Level | None = None
        self.older: Order | None = None
        self.newer: Order | None = None


def open_orders_of(account: Account) -> list[Order]:
    """The open orders of an account, oldest first. O(these)."""
    found: list[Order] = []
    for order in account.open.values():
        assert isinstance(order, Order)
        found.append(order)
    return found


def sequence_of(order: Order) -> int:
    """What orders are sorted by to stand oldest first."""
    sequence: int = order.sequence
    return sequence


@mypyc_attr(acyclic=True)
class Level:
    """All orders of one side at one price, first in priority first; at price 0 the market orders of an auction.

    `key`: its place on its side, as in `matcher.book.side`.

    `quantity_lots` and `count` are of what is displayed, `pegged` counts those of them that follow another price;
    `reserve_lots` is what is not displayed: hidden orders, and what icebergs hold back. `touched` is the sequence of
    the last command that took an order out by mass cancel: a level is published once a command.
    """

    __slots__ = (
        "count",
        "first_hidden",
        "head",
        "key",
        "pegged",
        "price_ticks",
        "quantity_lots",
        "reserve_lots",
        "side",
        "tail",
        "touched",
    )

    def __init__(self, side: int, price_ticks: int, key: int) -> None:
        self.side = side
        self.key = key
        self.price_ticks = price_ticks
        self.quantity_lots = 0
        self.reserve_lots = 0
        self.count = 0
        self.pegged = 0
        self.head: Order | None = None
        self.tail: Order | None = None
        self.first_hidden: Order | None = None
        self.touched = 0

    def join(self, order: Order) -> None:
        """The order goes to the back: of all that are displayed, or of all when it is hidden."""
        order.level = self
        instructions = order.instructions
        newer: Order | None = None
        if instructions is not None and instructions.hidden:
            self.reserve_lots += order.shown_lots
            older = self.tail
            if self.first_hidden is None:
                self.first_hidden = order
        else:
            self.count += 1
            self.quantity_lots += order.shown_lots
            if instructions is not None:
                self.reserve_lots += order.quantity_lots - order.filled_lots - order.shown_lots
                if instructions.pegged:
                    self.pegged += 1
            newer = self.first_hidden
            older = self.tail if newer is None else newer.older
        if older is None:
            self.head = order
        else:
            older.newer = order
            order.older = older
        if newer is None:
            self.tail = order
        else:
            newer.older = order
            order.newer = newer

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
        instructions = order.instructions
        if instructions is None:
            self.count -= 1
            self.quantity_lots -= order.shown_lots
        elif instructions.hidden:
            self.reserve_lots -= order.shown_lots
            if self.first_hidden is order:
                self.first_hidden = newer
        else:
            self.count -= 1
            self.quantity_lots -= order.shown_lots
            self.reserve_lots -= order.quantity_lots - order.filled_lots - order.shown_lots
            if instructions.pegged:
                self.pegged -= 1
