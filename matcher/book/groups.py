"""Orders of which one cancels the others."""

from mypy_extensions import mypyc_attr


# Of numbers only: an order points at its group, and a group that pointed back would keep both for ever.
@mypyc_attr(acyclic=True)
class Group:
    """`number` and `members`: the sequences of its first order and of all, in order of entry; all of them are open.

    `decided`: the first of them that traded or ended, 0 while none has. Between commands it is 0.

    `held_buying` and `held_selling`: what all of them together hold of each side's asset (`matcher.ledger.money`);
    `held_fee`: of the third asset in which their fees are paid, if that is so.
    """

    __slots__ = ("decided", "held_buying", "held_fee", "held_selling", "members", "number")

    def __init__(self, number: int) -> None:
        self.number = number
        self.members: list[int] = [number]
        self.decided = 0
        self.held_buying = 0
        self.held_selling = 0
        self.held_fee = 0
