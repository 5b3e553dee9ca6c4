"""What an order asks for beyond price, quantity and time in force. Most orders have none, and pay nothing for these."""

from typing import Any, Final

from msgspec.structs import astuple
from mypy_extensions import mypyc_attr

from bus.protocol.commands import EnterOrder
from bus.protocol.terms import AT_OPEN, HIDDEN, MARKET, PEGGED, POST_ONLY_REPRICE
from matcher.book.groups import Group

#: The fields of an EnterOrder that every order has; those behind them are instructions.
PLAIN_FIELDS: Final = 8
#: What the others are in an order without instructions.
NOT_INSTRUCTED: Final[tuple[Any, ...]] = astuple(EnterOrder("-", "-", 0, 0, 0))[PLAIN_FIELDS:]
#: Flags that are instructions, too.
INSTRUCTING_FLAGS: Final = HIDDEN | POST_ONLY_REPRICE


@mypyc_attr(acyclic=True)
class Instructions:
    """Of one order. `command` is what it was entered with; the rest is what the engine looks at, taken from there.

    `expires_ns`: when the order ends, 0 for never; of a day order it is the end of the day on which it came.
    `display_lots`: what an iceberg shows at a time, 0 for an order that shows all of itself; `hidden`: it shows
    nothing. `self_trade`: what its owner wants when it meets an order of the same owner, 0 for nothing, and
    `self_trade_group` who else is the same owner, 0 for nobody.

    `pegged`: its price follows another; `limit_ticks` is the worst price of such an order, 0 for any, as a replace may
    have changed it. `group`: the orders that it cancels with; `held_by`: the sequence of the order for whose fill it
    waits, 0 when it does not. `for_auction`: it is for an auction and nothing else. `watched`: its end concerns
    somebody (see `matcher.book.links`, `matcher.book.pegs`).
    """

    __slots__ = (
        "command",
        "display_lots",
        "expires_ns",
        "for_auction",
        "group",
        "held_by",
        "hidden",
        "limit_ticks",
        "minimum_lots",
        "pegged",
        "self_trade",
        "self_trade_group",
        "watched",
    )

    def __init__(self, command: EnterOrder) -> None:
        self.command = command
        self.display_lots = command.display_lots
        self.expires_ns = command.expires_ns
        # A market order waits for an auction's price, and is in no level that is displayed.
        self.hidden = command.flags & HIDDEN != 0 or (
            command.order_type == MARKET and not command.price_ticks
        )
        self.minimum_lots = command.minimum_lots
        self.self_trade = command.self_trade
        self.self_trade_group = command.self_trade_group
        self.pegged = command.order_type == PEGGED
        self.for_auction = command.time_in_force >= AT_OPEN
        self.watched = self.pegged or self.for_auction
        self.limit_ticks = command.price_ticks
        self.group: Group | None = None
        self.held_by = 0

    def slice_lots(self, leaves_lots: int) -> int:
        """What of an order that has `leaves_lots` left can trade before it goes to the back again."""
        if self.display_lots and self.display_lots < leaves_lots:
            return self.display_lots
        return leaves_lots
