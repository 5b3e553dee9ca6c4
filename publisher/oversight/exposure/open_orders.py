"""What the open orders of one side may still buy or sell. Values in, values out.

Every open order counts with what is left of it, whether it rests, waits for a trigger, for an auction or for another
order; of orders that cancel each other each counts, for which of them trades is not known. One without a price (a stop,
a market order of an auction) is counted by its lots alone and valued at the mark.
"""

from msgspec import Struct

from publisher.oversight.history.lives import OrderState


class OpenSide(Struct, frozen=True, gc=False):
    """Open orders of a side: how many, their lots, and of those with a price the sum of price times lots.

    `unpriced_lots`: of `lots`, those of orders without a price.
    """

    orders: int = 0
    lots: int = 0
    notional: int = 0
    unpriced_lots: int = 0


def changed(side: OpenSide, before: OrderState | None, after: OrderState | None) -> OpenSide:
    """The side when one of its orders was `before` and is `after`; None where there is no order."""
    orders, lots, notional, unpriced = side.orders, side.lots, side.notional, side.unpriced_lots
    for order, sign in ((before, -1), (after, 1)):
        if order is None or not order.is_open:
            continue
        left = sign * (order.quantity_lots - order.filled_lots)
        orders += sign
        lots += left
        if order.price_ticks:
            notional += left * order.price_ticks
        else:
            unpriced += left
    return OpenSide(orders, lots, notional, unpriced)
