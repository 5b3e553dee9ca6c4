"""Linked orders in the naive exchange: what was linked to whom is looked up among all orders, again and again.

A group is a number that its members carry. What happened to linked orders is written down, in order, while a command
trades (`Happened`), and read afterwards by `naive_book`, which ends and releases whom that concerns.
"""

from dataclasses import dataclass, field

from bus.protocol import reasons, terms
from bus.protocol.commands import EnterOrder
from tests.support.naive_matching import NaiveOrder


@dataclass(eq=False)
class Happened:
    """What a command did to linked orders.

    `over`: groups that are over, each with the member that goes on alone (None: it has ended without a trade).
    `told`: what nobody has looked at yet, in order: orders that ended, and groups that are over.
    """

    over: dict[int, NaiveOrder | None] = field(default_factory=dict)
    told: list[NaiveOrder | int] = field(default_factory=list)

    def traded(self, order: NaiveOrder) -> None:
        """The first member that trades goes on alone."""
        self.is_over(order.group, order)

    def is_over(self, group: int, survivor: NaiveOrder | None) -> None:
        """A group is over once: what happens to its members then has no meaning."""
        if group and group not in self.over:
            self.over[group] = survivor
            self.told.append(group)

    def ended(self, order: NaiveOrder) -> None:
        """By a fill or by anything else."""
        self.is_over(order.group, None)
        self.told.append(order)


def open_of(account: str, name: str, orders: list[NaiveOrder]) -> NaiveOrder | None:
    """The account's open order of this id."""
    for order in orders:
        if (order.account, order.entered.client_order_id) == (account, name):
            return order
    return None


def broken_by_links(account: str, command: EnterOrder, orders: list[NaiveOrder]) -> list[int]:
    """Reasons against the links of a new order. `orders`: all that are open."""
    broken = []
    linked_to = []
    for name in (command.cancels_with, command.triggered_by):
        other = open_of(account, name, orders) if name else None
        linked_to.append(other)
        if name and name == command.client_order_id:
            broken.append(reasons.INVALID_LINK)
        if name and other is None:
            broken.append(reasons.LINK_ENDED)
        if other is not None and other.symbol != command.symbol:
            broken.append(reasons.INVALID_LINK)
    mate, first = linked_to
    if command.cancels_with and command.cancels_with == command.triggered_by:
        broken.append(reasons.INVALID_LINK)
    if mate is not None and first is not None and mate.group == first.group != 0:
        broken.append(reasons.INVALID_LINK)
    is_linked = command.cancels_with != "" or command.triggered_by != ""
    if is_linked and command.time_in_force in (terms.AT_OPEN, terms.AT_CLOSE, terms.GFA):
        broken.append(reasons.INVALID_LINK)
    at_once = command.time_in_force in (terms.IOC, terms.FOK)
    if command.cancels_with and at_once and not command.triggered_by:
        broken.append(reasons.INVALID_LINK)
    if command.triggered_by and command.flags & (terms.POST_ONLY | terms.POST_ONLY_REPRICE):
        broken.append(reasons.INVALID_LINK)
    return broken


def link(order: NaiveOrder, orders: list[NaiveOrder]) -> None:
    """Write down whom an order that was accepted is linked to. A group is named by the order that began it."""
    if order.entered.cancels_with:
        mate = open_of(order.account, order.entered.cancels_with, orders)
        assert mate is not None
        mate.group = mate.group or order.order_id
        order.group = mate.group
    if order.entered.triggered_by:
        order.waits_for = open_of(order.account, order.entered.triggered_by, orders)


def waiting_for(other: NaiveOrder, orders: list[NaiveOrder]) -> list[NaiveOrder]:
    """Who waits for an order, in order of entry."""
    return sorted((order for order in orders if order.waits_for is other), key=lambda order: order.order_id)


def members(group: int, orders: list[NaiveOrder]) -> list[NaiveOrder]:
    """Who is of a group, in order of entry."""
    return sorted((order for order in orders if order.group == group), key=lambda order: order.order_id)
