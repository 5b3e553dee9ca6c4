"""The orders of one instrument that wait for a trigger, and which of them a trade elects.

    sell stop, sell trailing stop, buy take-profit       price       buy stop, buy trailing stop, sell take-profit
    ── downs: a trade at or below the trigger ──▶          │          ◀── ups: a trade at or above the trigger ──

A trade between the nearest triggers of both sides (and that is no new extreme for a trailing stop) costs two
comparisons, however many wait. Keys of both directions are those of `matcher.book.trails`.

Elected orders stand in line until `matcher.following` makes them active; one that was cancelled meanwhile is passed
over.
"""

from collections import deque
from typing import Any, Final

from sortedcontainers import SortedList

from bus.protocol.terms import (
    BUY,
    PEGGED,
    STOP,
    STOP_LIMIT,
    TAKE_PROFIT,
    TAKE_PROFIT_LIMIT,
    TRAILING_STOP,
    WAITING,
)
from matcher.book.instructions import Instructions
from matcher.book.level import Order
from matcher.book.links import Links
from matcher.book.pegs import Pegs
from matcher.book.trails import SEQUENCE_BITS, SEQUENCE_MASK, UNSEEN, Trails, distance_ticks

#: Order types that wait for a trigger.
TRIGGERED_TYPES: Final = (STOP, STOP_LIMIT, TAKE_PROFIT, TAKE_PROFIT_LIMIT, TRAILING_STOP)
#: Behind the key of any order.
_NOBODY: Final = UNSEEN << SEQUENCE_BITS


def is_up(side: int, order_type: int) -> bool:
    """Whether a rising price elects such an order."""
    return (side == BUY) != (order_type in (TAKE_PROFIT, TAKE_PROFIT_LIMIT))


class Direction:
    """The triggers that a price comes to from one side; prices are signed so that it rises. Trailing stops apart.

    `first`: the nearest trigger, UNSEEN when there is none; `extreme`: a price below it is a new extreme for a trailing
    stop. Both are at hand after `look`, which whoever adds or removes an order calls.
    """

    __slots__ = ("extreme", "first", "fixed", "trails")

    def __init__(self) -> None:
        self.fixed: SortedList[int] = SortedList()
        self.trails = Trails()
        self.first = UNSEEN
        self.extreme = -UNSEEN

    def look(self) -> None:
        """Find `first` and `extreme` anew. O(log n)."""
        self._look_at(self.fixed[0] if self.fixed else _NOBODY)

    def take(self, price: int) -> list[int]:
        """Take out the keys of all orders that a trade at this price elects: nearest first, then in order of time."""
        taken: list[int] = []
        if self.extreme <= price < self.first:
            return taken
        bound = (price + 1) << SEQUENCE_BITS
        fixed = self.fixed
        front: int = fixed[0] if fixed else _NOBODY
        while front < bound:
            taken.append(fixed.pop(0))
            front = fixed[0] if fixed else _NOBODY
        if self.trails.groups:
            self.trails.see(price)
            self.trails.take(price, taken)
            taken.sort()
        self._look_at(front)
        return taken

    def _look_at(self, front: int) -> None:
        """`front`: the first key of those that do not trail."""
        first = front >> SEQUENCE_BITS
        extreme = -UNSEEN
        groups = self.trails.groups
        if groups:
            extreme = groups[-1].extreme
            trailing: int = self.trails.nearest.peekitem(0)[0] >> SEQUENCE_BITS
            if trailing < first:
                first = trailing
        self.first = first
        self.extreme = extreme


class Watch:
    """All orders of an instrument to whom something may happen without a command of their own: they wait, they are
    linked or they are pegged. There is one only while there is such an order, or somebody has to look after the book
    itself (`guarded`: see `matcher.day.phasing`): see `Instrument.watch`.

    `waiting`: those who wait for a trigger or for another order, by sequence; `auctioned`: those who are for an auction
    alone, whether they wait for it or rest in its book; `elected`: sequence and price of the
    trade (0: it was another order), in the order in which they become active. `next_trade_id`: the first trade that was
    not looked at. `links` and `pegs` know the linked and the pegged orders.
    """

    __slots__ = (
        "above",
        "auctioned",
        "below",
        "downs",
        "elected",
        "guarded",
        "links",
        "next_trade_id",
        "pegs",
        "ups",
        "waiting",
    )

    def __init__(self, next_trade_id: int) -> None:
        self.next_trade_id = next_trade_id
        self.waiting: dict[int, Order] = {}
        self.auctioned: dict[int, Order] = {}
        self.elected: deque[tuple[int, int]] = deque()
        self.guarded = False
        self.links = Links()
        self.pegs = Pegs()
        self.ups = Direction()
        self.downs = Direction()
        self._look()

    def is_idle(self) -> bool:
        """Whether there is nobody to watch for."""
        return not (
            self.guarded
            or self.waiting
            or self.pegs.orders
            or self.links.grouped
            or self.links.line
            or self.auctioned
        )

    def ended(self, order: Order, instructions: Instructions) -> None:
        """An order has ended that is watched."""
        self.pegs.orders.pop(order.sequence, None)
        self.auctioned.pop(order.sequence, None)
        self.links.ended(order, instructions)

    def hold(self, order: Order, parent: Order) -> None:
        """The order waits for the complete fill of another one."""
        self.waiting[order.sequence] = order
        self.links.hold(order, parent)

    def add(self, order: Order, extreme_ticks: int) -> None:
        """The order waits for its trigger. `extreme_ticks`: the best price that a trailing stop has seen, 0 for none.

        O(log n).
        """
        assert order.instructions is not None
        command: Any = order.instructions.command
        up = is_up(order.side, order.order_type)
        direction = self.ups if up else self.downs
        sequence = order.sequence
        self.waiting[sequence] = order
        if order.order_type == TRAILING_STOP:
            extreme = UNSEEN if not extreme_ticks else extreme_ticks if up else -extreme_ticks
            direction.trails.add(sequence, extreme, command.trail_ticks, command.trail_basis_points)
        else:
            direction.fixed.add(_key(command.trigger_price_ticks, sequence, up))
        direction.look()
        self._look()

    def remove(self, order: Order) -> None:
        """The order waits no more. O(log n)."""
        assert order.instructions is not None
        if order.instructions.held_by:
            del self.waiting[order.sequence]
            self.links.let_go(order)
            return
        if order.order_type == PEGGED or order.instructions.for_auction:  # `ended` takes it out
            return
        command: Any = order.instructions.command
        up = is_up(order.side, order.order_type)
        direction = self.ups if up else self.downs
        sequence = order.sequence
        del self.waiting[sequence]
        if order.order_type == TRAILING_STOP:
            direction.trails.remove(sequence, command.trail_ticks, command.trail_basis_points)
        else:
            direction.fixed.discard(_key(command.trigger_price_ticks, sequence, up))
        direction.look()
        self._look()

    def observe(self, price_ticks: int) -> None:
        """There was a trade at this price: whoever it elects stands in line. O(1) when it elects nobody."""
        if self.below < price_ticks < self.above:
            return
        for key in self.ups.take(price_ticks):
            self.elected.append((key & SEQUENCE_MASK, price_ticks))
        for key in self.downs.take(-price_ticks):
            self.elected.append((key & SEQUENCE_MASK, price_ticks))
        self._look()

    def next_elected(self) -> tuple[Order, int] | None:
        """The first in line and the price that elected it, taken out; None when nobody stands there."""
        elected = self.elected
        while elected:
            sequence, price = elected.popleft()
            order = self.waiting.pop(sequence, None)
            if order is not None:
                return order, price
        return None

    def trigger_ticks(self, order: Order) -> int:
        """The trigger of a waiting order as it stands; 0 for a trailing stop that has seen no trade."""
        assert order.instructions is not None
        command: Any = order.instructions.command
        trigger: int = command.trigger_price_ticks
        if order.order_type != TRAILING_STOP:
            return trigger
        up = is_up(order.side, order.order_type)
        trail = (self.ups if up else self.downs).trails.of.get(order.sequence)
        if trail is None or trail.extreme == UNSEEN:
            return 0
        distance: int = command.trail_ticks or distance_ticks(trail.extreme, command.trail_basis_points)
        trigger = trail.extreme + distance
        return trigger if up else -trigger

    def trailing_rows(self) -> list[tuple[int, int]]:
        """Sequence and extreme of each trailing stop that was not elected."""
        rows: list[tuple[int, int]] = []
        for direction in (self.ups, self.downs):
            for trail in direction.trails.groups:
                extreme = 0 if trail.extreme == UNSEEN else abs(trail.extreme)
                rows += [(key & SEQUENCE_MASK, extreme) for key in trail.trigger_keys()]
        return rows

    def fixed_rows(self) -> list[int]:
        """Sequence of each order with a trigger of its own that was not elected."""
        return [key & SEQUENCE_MASK for direction in (self.ups, self.downs) for key in direction.fixed]

    def elected_rows(self) -> list[tuple[int, int]]:
        """Those who stand in line and still wait, with the price that elected them."""
        return [(sequence, price) for sequence, price in self.elected if sequence in self.waiting]

    def out_of_book(self) -> list[Order]:
        """All that are open and wait. O(these)."""
        found = list(self.waiting.values())
        for one in (self.pegs.orders, self.auctioned):
            found += [order for order in one.values() if order.status == WAITING]
        return found

    def check(self, next_trade_id: int) -> None:
        """AssertionError for the first thing that is not as it must be. O(waiting orders)."""
        assert not self.is_idle(), "there is a watch only while there is somebody to watch for"
        assert self.next_trade_id == next_trade_id, "each trade was looked at"
        seen = [*self.fixed_rows(), *(sequence for sequence, _ in self.trailing_rows() + self.elected_rows())]
        seen += [sequence for children in self.links.held.values() for sequence in children]
        assert sorted(seen) == sorted(self.waiting), "each waiting order stands in one place"
        for sequence, order in self.waiting.items():
            assert order.sequence == sequence, "a waiting order is found by its sequence"
            assert order.status == WAITING, "an order that waits is waiting"
            held = order.instructions is not None and order.instructions.held_by != 0
            assert held or order.order_type in TRIGGERED_TYPES, "only some types wait for a trigger"
            assert order.level is None, "a waiting order is in no book"
            assert order.public_id == 0, "a waiting order is not displayed"
            assert order.filled_lots == 0 < order.quantity_lots, "a waiting order has not traded"
            assert order.account.open.get(sequence) is order, "a waiting order is open in its account"
        for direction in (self.ups, self.downs):
            assert list(direction.fixed) == sorted(direction.fixed), "triggers are in order"
            direction.trails.check()
        self.links.check()
        below, above = self.below, self.above
        self.ups.look()
        self.downs.look()
        self._look()
        assert (self.below, self.above) == (below, above), "the nearest triggers are at hand"

    def _look(self) -> None:
        """What a trade must lie between to concern nobody here."""
        ups, downs = self.ups, self.downs
        self.above = min(ups.first, 1 - downs.extreme)
        self.below = max(-downs.first, ups.extreme - 1)


def _key(trigger_price_ticks: int, sequence: int, up: bool) -> int:
    return ((trigger_price_ticks if up else -trigger_price_ticks) << SEQUENCE_BITS) + sequence
