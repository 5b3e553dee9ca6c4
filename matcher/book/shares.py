"""Pro-rata: how the orders of one level share what comes in. Price-time needs no arithmetic and is in `Matching`.

Each order's share is what comes in times its size over the size of all, rounded down; a share below the instrument's
minimum becomes nothing. What rounding and minimum leave goes to the oldest order first, up to its size, then to the
next. So nothing that can trade is left over, and whoever came first gets the odd lots.
"""

from matcher.book.level import Order


def shared_lots(sizes: list[int], incoming_lots: int, minimum_lots: int) -> list[int]:
    """What each of these sizes, oldest first, gets of `incoming_lots`; together that, or all of them. O(sizes)."""
    whole = sum(sizes)
    left = total = incoming_lots if incoming_lots < whole else whole
    shares: list[int] = []
    for size in sizes:
        share = total * size // whole
        if share < minimum_lots:
            share = 0
        shares.append(share)
        left -= share
    if left:
        for at, size in enumerate(sizes):
            extra = size - shares[at]
            if extra > left:
                extra = left
            shares[at] += extra
            left -= extra
            if not left:
                break
    return shares


def pool_from(first: Order | None, end: Order | None) -> list[Order]:
    """The orders from `first` on, in priority, up to but not including `end`."""
    pool: list[Order] = []
    order = first
    while order is not None and order is not end:
        pool.append(order)
        order = order.newer
    return pool
