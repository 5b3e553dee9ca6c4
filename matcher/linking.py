"""Linking: orders that cancel others of their account, and orders that wait for the fill of another one.

    cancels_with   one cancels the other: an order joins the group of its partner; the first member that trades or ends
                   ends all the others
    triggered_by   one releases the other: an order waits until its parent is filled completely; if the parent ends
                   otherwise, so does the order

An order that traded or ended and is linked stands in a line (`Links.line`); one step of `matcher.following` looks at
the links of one of them. What ends by that stands in the line in its turn, so chains of any length need no recursion.
"""

from bus.protocol.commands import EnterOrder
from bus.protocol.reasons import LINKED
from bus.protocol.terms import FILLED, WAITING
from matcher.book.instructions import Instructions
from matcher.book.level import Order
from matcher.book.triggers import Watch
from matcher.instruments import Instrument
from matcher.matching import Matching


class Linking(Matching):
    """What links do."""

    __slots__ = ()

    def watch_of(self, instrument: Instrument) -> Watch:
        """The watch of an instrument, from now on there."""
        watch = instrument.watch
        if watch is None:
            watch = instrument.watch = Watch(instrument.next_trade_id)
        return watch

    def link(self, order: Order, instrument: Instrument) -> None:
        """A new order is linked to those that it names, which are open. It may have to wait for one of them."""
        instructions = order.instructions
        assert instructions is not None, "who is linked has instructions"
        cancels_with: str = instructions.command.cancels_with
        triggered_by: str = instructions.command.triggered_by
        watch = self.watch_of(instrument)
        if cancels_with:
            partner = _named(order, cancels_with)
            is_first = partner.instructions is None or partner.instructions.group is None
            watch.links.join(order, partner)
            if is_first and self.state.ledger is not None:
                self.state.ledger.join(partner)
            self.count(partner)
        if triggered_by:
            watch.hold(order, _named(order, triggered_by))
            order.status = WAITING
            order.account.open[order.sequence] = order

    def unlink_next(self, watch: Watch) -> bool:
        """Look at the links of the first in line; False when nobody stands there. O(orders linked to it)."""
        links = watch.links
        if not links.line:
            return False
        order, has_ended = links.line.popleft()
        instructions = order.instructions
        assert instructions is not None, "who is linked has instructions"
        opened = order.account.open
        ending: list[Order] = []
        group = instructions.group
        if group is not None and group.members:
            links.grouped -= len(group.members)
            members: list[Order] = []
            for sequence in group.members:
                member = opened.get(sequence)
                if isinstance(member, Order):
                    assert member.instructions is not None
                    members.append(member)
                    member.instructions.group = None
                    if sequence != group.decided:
                        ending.append(member)
            group.members = []
            if self.state.ledger is not None:
                self.state.ledger.dissolve(group, order.account, order.symbol, members)
        instructions.group = None
        if has_ended:
            children = links.held.pop(order.sequence, None)
            if children is not None:
                for child in children.values():
                    if order.status == FILLED:
                        watch.elected.append((child.sequence, 0))
                    else:
                        ending.append(child)
        self.take_out_all(ending, LINKED, False)
        return True


def _named(order: Order, client_order_id: str) -> Order:
    """Another open order of the account, which is from now on one with instructions."""
    other = order.account.requests[client_order_id]
    assert isinstance(other, Order), "orders are linked to orders"
    if other.instructions is None:
        other.instructions = Instructions(
            EnterOrder(
                other.request_id,
                other.symbol,
                other.side,
                other.entered_quantity_lots,
                other.entered_price_ticks,
                other.order_type,
                other.time_in_force,
                other.flags,
            )
        )
    return other
