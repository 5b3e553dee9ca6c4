"""The linked orders of one instrument: who waits for the fill of another order, and whose links are to be looked at.

    A, triggered by nobody ◀── held ── B ◀── held ── C        C waits for B, B waits for A: chains are no trees to walk,
                                                             each end of an order is one step of `matcher.linking`

Groups, of which one member cancels the others, are known to their members only (`Instructions.group`).
"""

from collections import deque

from matcher.book.groups import Group
from matcher.book.instructions import Instructions
from matcher.book.level import Order


class Links:
    """`grouped`: how many open orders are in groups. `held`: by the sequence of the order for whose complete fill they
    wait, those that wait, oldest first.

    `line`: orders that traded (False) or ended (True), and whose links are to be looked at, in this order. Empty
    between commands.
    """

    __slots__ = ("grouped", "held", "line")

    def __init__(self) -> None:
        self.grouped = 0
        self.held: dict[int, dict[int, Order]] = {}
        self.line: deque[tuple[Order, bool]] = deque()

    def join(self, order: Order, partner: Order) -> None:
        """The order is from now on in the group of its partner."""
        instructions = order.instructions
        others = partner.instructions
        assert instructions is not None, "who is linked has instructions"
        assert others is not None, "who is linked has instructions"
        group = others.group
        if group is None:
            group = others.group = Group(partner.sequence)
            others.watched = True
            self.grouped += 1
        group.members.append(order.sequence)
        instructions.group = group
        instructions.watched = True
        self.grouped += 1

    def hold(self, order: Order, parent: Order) -> None:
        """The order waits for the complete fill of its parent."""
        instructions = order.instructions
        others = parent.instructions
        assert instructions is not None, "who is linked has instructions"
        assert others is not None, "who is linked has instructions"
        others.watched = True
        instructions.held_by = parent.sequence
        children = self.held.get(parent.sequence)
        if children is None:
            children = self.held[parent.sequence] = {}
        children[order.sequence] = order

    def let_go(self, order: Order) -> None:
        """The order waits for no other order any more."""
        instructions = order.instructions
        assert instructions is not None, "who is linked has instructions"
        parent = instructions.held_by
        instructions.held_by = 0
        children = self.held.get(parent)
        if children is None:  # the parent has ended
            return
        del children[order.sequence]
        if not children:
            del self.held[parent]

    def ended(self, order: Order, instructions: Instructions) -> None:
        """An order has ended: whoever is linked to it is to be looked at."""
        group = instructions.group
        if group is not None and not group.decided:
            group.decided = order.sequence
        if group is not None or order.sequence in self.held:
            self.line.append((order, True))

    def traded(self, order: Order) -> None:
        """An order has traded, or is about to: if it is in a group, the others are to be looked at."""
        instructions = order.instructions
        if instructions is None:
            return
        group = instructions.group
        if group is not None and not group.decided:
            group.decided = order.sequence
            self.line.append((order, False))

    def is_out(self, order: Order, maker: Order) -> bool:
        """Whether a resting order that an incoming one meets may not trade any more: another one of its group did.

        Two orders of one group that meet do not trade with each other: the incoming one goes on alone.
        """
        instructions = maker.instructions
        if instructions is None:
            return False
        group = instructions.group
        if group is None:
            return False
        if not group.decided:
            own = order.instructions
            if own is None or own.group is not group:
                return False
            self.traded(order)
        return group.decided != maker.sequence

    def check(self) -> None:
        """AssertionError for the first thing that is not as it must be. O(linked orders)."""
        assert not self.line, "all that followed was done"
        for parent, children in self.held.items():
            assert children, "somebody waits for an order that is waited for"
            assert list(children) == sorted(children), "those who wait stand there oldest first"
            for sequence, order in children.items():
                assert order.sequence == sequence > parent, "an order waits for one that was there before"
                instructions = order.instructions
                assert instructions is not None, "who is linked has instructions"
                assert instructions.held_by == parent, "it knows for which one"
                assert parent in order.account.open, "it waits for an open order of its account"


def is_first_of_group(order: Order, groups: dict[int, bool]) -> bool:
    """Whether an order is in no group, or the first one of its group; the group is then among `groups`."""
    instructions = order.instructions
    if instructions is None or instructions.group is None:
        return True
    number = instructions.group.number
    if number in groups:
        return False
    groups[number] = True
    return True
