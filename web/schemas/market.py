"""Market data."""

from typing import Annotated

from msgspec import Meta, Struct

from web.schemas.values import DecimalText, PriceLevel


class OrderbookQuery(Struct, frozen=True, forbid_unknown_fields=True):
    """`depth`: levels of each side, 0 for all. `step`: levels are put together into steps of this size."""

    depth: Annotated[int, Meta(ge=0, le=5_000)] = 100
    step: DecimalText | None = None


class Orderbook(Struct, frozen=True):
    """A book as of `sequence`: `[price, quantity]`, best first."""

    symbol: str
    sequence: int
    time_ms: int
    checksum: int
    bids: list[PriceLevel]
    asks: list[PriceLevel]
