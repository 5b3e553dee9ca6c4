"""Who meets whom in the naive exchange: lists, sorted and searched anew for each trade.

A book is one list of resting orders, in the order in which they came to rest; an iceberg comes to rest anew with each
of its slices. What an order could trade is found by playing it through with copies.
"""

from collections.abc import Callable, Mapping
from copy import copy
from dataclasses import dataclass
from itertools import takewhile

from bus.protocol import terms
from bus.protocol.commands import DefineInstrument, EnterOrder


@dataclass(eq=False)
class NaiveOrder:
    """An order, resting or not. `public_id` is 0 while it is not displayed, `slice_lots` what an iceberg shows.

    Type and time in force are what its trigger made of them.
    """

    account: str
    session: int
    entered: EnterOrder
    order_id: int
    price: int
    quantity: int
    filled: int = 0
    status: int = terms.RESTING
    public_id: int = 0
    ends_ns: int = 0  # 0: not by the clock
    slice_lots: int = 0
    best_price: int = 0  # that a trailing stop has seen
    order_type: int = 0
    time_in_force: int = 0
    group: int = 0  # of orders that cancel with each other
    worst_price: int = 0  # of a pegged order; 0: none
    waits_for: "NaiveOrder | None" = None  # who releases it

    def __post_init__(self) -> None:
        self.order_type = self.entered.order_type
        self.time_in_force = self.entered.time_in_force
        self.worst_price = self.price if self.order_type == terms.PEGGED else 0

    @property
    def left(self) -> int:
        """What it still wants to trade."""
        return self.quantity - self.filled

    @property
    def symbol(self) -> str:
        """Its instrument."""
        return self.entered.symbol

    @property
    def side(self) -> int:
        """Buy or sell."""
        return self.entered.side

    @property
    def is_hidden(self) -> bool:
        """It rests without being displayed, as market orders do where an auction collects them."""
        is_at_market = self.entered.order_type == terms.MARKET and self.entered.price_ticks == 0
        return is_at_market or bool(self.entered.flags & terms.HIDDEN)

    @property
    def shown(self) -> int:
        """What the public sees of it while it rests."""
        if self.is_hidden:
            return 0
        return min(self.slice_lots, self.left) if self.entered.display_lots else self.left

    @property
    def offered(self) -> int:
        """What it trades before it goes to the back."""
        return self.left if self.is_hidden else self.shown

    def come_to_rest(self, book: list["NaiveOrder"]) -> None:
        """Behind all others, with a new slice."""
        self.slice_lots = self.entered.display_lots
        book.append(self)


def would_meet(order: NaiveOrder, book: list[NaiveOrder]) -> list[NaiveOrder]:
    """What an order could meet: better price first, at one price the displayed first, then who rested there first."""
    is_buy = order.side == terms.BUY
    others = [other for other in book if other.side != order.side]
    if order.price != 0:  # else it is a market order without a limit
        others = [
            other
            for other in others
            if (other.price <= order.price if is_buy else other.price >= order.price)
        ]
    # Sorting is stable: the order of resting stays.
    return sorted(others, key=lambda other: (other.price if is_buy else -other.price, other.is_hidden))


def same_owner(one: NaiveOrder, other: NaiveOrder) -> bool:
    """An account is one owner, and so is a self-trade group."""
    group = one.entered.self_trade_group
    return one.account == other.account or (group != 0 and group == other.entered.self_trade_group)


#: Whether orders may trade at a price.
Within = Callable[[int], bool]
#: Groups that are over, each with the member that has traded, if it did not end otherwise.
Over = Mapping[int, NaiveOrder | None]


@dataclass(frozen=True)
class Meeting:
    """What happens to an order next: one of three."""

    linked: list[
        NaiveOrder
    ]  # what goes because it is linked to somebody who traded, ended, or is the order itself
    own: NaiveOrder | None  # with whom it may not trade
    trades: list[tuple[NaiveOrder, int]]  # with whom, how much
    later: list[
        NaiveOrder
    ]  # who is met when this pool has been shared: an older one of their group stands in it


def next_meeting(
    order: NaiveOrder,
    book: list[NaiveOrder],
    limits: DefineInstrument,
    within: Within,
    over: Over,
    later: list[NaiveOrder],
) -> Meeting:
    """What happens to an order next; nothing, when nobody is there any more, or only beyond a band.

    `later`: of the meeting before this.
    """
    those = list(takewhile(lambda other: within(other.price), would_meet(order, book)))
    if not those or not order.left:
        return Meeting([], None, [], [])
    first = those[0]
    pool = [other for other in those if (other.price, other.is_hidden) == (first.price, first.is_hidden)]
    if limits.matching != terms.PRO_RATA:
        pool = [first]
    pool = [other for other in pool if other not in later] or pool
    linked = [other for other in pool if other.group and _goes(other, order, over)]
    if linked:
        return Meeting(linked, None, [], later)
    # Of a group only the oldest one shares.
    younger = [other for n, other in enumerate(pool) if other.group and other.group in _groups(pool[:n])]
    pool = [other for other in pool if other not in younger]
    if order.entered.self_trade:
        for other in pool:
            if same_owner(order, other):
                return Meeting([], other, [], later + younger)
    return Meeting([], None, _shared(order.left, pool, limits.pro_rata_minimum_lots), [])


def _goes(other: NaiveOrder, order: NaiveOrder, over: Over) -> bool:
    """An order of a group that is over, or of the group of the one that comes; who has traded stays."""
    return other.group == order.group or (other.group in over and over[other.group] is not other)


def _groups(orders: list[NaiveOrder]) -> list[int]:
    return [order.group for order in orders]


def _shared(lots: int, pool: list[NaiveOrder], smallest: int) -> list[tuple[NaiveOrder, int]]:
    """In proportion, rounded down, too small shares gone; what that leaves to the oldest, then to the next."""
    whole = sum(other.offered for other in pool)
    traded = min(lots, whole)
    shares = [traded * other.offered // whole for other in pool]
    shares = [share if share >= smallest else 0 for share in shares]
    while sum(shares) < traded:
        oldest = next(n for n, other in enumerate(pool) if shares[n] < other.offered)
        shares[oldest] += 1
    return [(other, share) for other, share in zip(pool, shares, strict=True) if share]


def fill(order: NaiveOrder, lots: int, book: list[NaiveOrder]) -> bool:
    """A resting order trades, and leaves when nothing is left; whether it went to the back with another slice."""
    order.filled += lots
    order.slice_lots -= lots
    if order.left and order.offered:
        return False
    book.remove(order)
    if order.left:
        order.come_to_rest(book)
    return order.left > 0


def lots_at_once(order: NaiveOrder, book: list[NaiveOrder], limits: DefineInstrument, within: Within) -> int:
    """How much an order would trade if it came now, until it first meets an own order that it does not just remove."""
    order, book = copy(order), [copy(other) for other in book]
    over: dict[int, NaiveOrder | None] = {}
    later: list[NaiveOrder] = []
    while True:
        meeting = next_meeting(order, book, limits, within, over, later)
        later = meeting.later
        if meeting.linked:
            book = [other for other in book if all(other is not gone for gone in meeting.linked)]
        elif meeting.own is not None and order.entered.self_trade == terms.CANCEL_OLDEST:
            book.remove(meeting.own)
            over.setdefault(meeting.own.group, None)
        elif meeting.trades:
            for other, lots in meeting.trades:
                order.filled += lots
                fill(other, lots, book)
                over.setdefault(other.group, other)
        else:
            return order.filled
