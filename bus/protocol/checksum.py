"""The checksum of an order book, so that a reader knows that its book is the engine's.

CRC-32 (the zlib one) over ASCII text: for each of the best 25 levels of the bids, best first, then of the asks,
`price_ticks:quantity_lots:orders;`. An empty book has checksum 0.
"""

from collections.abc import Iterable
from typing import Final
from zlib import crc32

CHECKSUM_LEVELS: Final = 25


def book_checksum(bids: Iterable[tuple[int, int, int]], asks: Iterable[tuple[int, int, int]]) -> int:
    """Shapes: at most the best 25 `(price_ticks, quantity_lots, orders)` of each side are looked at, best first."""
    text = ""
    for side in (bids, asks):
        for _, (price, quantity, orders) in zip(range(CHECKSUM_LEVELS), side, strict=False):
            text += f"{price}:{quantity}:{orders};"
    return crc32(text.encode())
