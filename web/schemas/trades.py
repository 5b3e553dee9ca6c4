"""Trades, as everybody may see them."""

from typing import Annotated, Literal

from msgspec import UNSET, Meta, Struct, field

from web.schemas.values import (
    BeforeMilliseconds,
    BelowSequence,
    DecimalText,
    FreshQuery,
    Milliseconds,
    Nanoseconds,
    Sequence,
)

#: A trade more than that is asked for, to know whether there is one; a publisher gives 1,000 at the most.
TRADES_MAX = 500


class TradesQuery(FreshQuery, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """Which trades are wanted. Lower bounds are inclusive, upper ones exclusive."""

    limit: Annotated[int, Meta(ge=1, le=TRADES_MAX, description="So many at the most.")] = 100
    order: Annotated[
        Literal["newest", "oldest"], Meta(description="Which come first: the newest, or the oldest.")
    ] = "newest"
    from_id: Annotated[Sequence, Meta(description="No trade with a smaller id.")] = 0
    to_id: Annotated[BelowSequence, Meta(description="Only trades with a smaller id.")] | None = None
    from_ms: Annotated[Milliseconds, Meta(description="No trade before this time, in ms.")] = field(
        default=0, name="from"
    )
    to_ms: Annotated[BeforeMilliseconds, Meta(description="Only trades before this time, in ms.")] | None = (
        field(default=None, name="to")
    )


class Trade(Struct, frozen=True):
    """A trade as it counts now. `taker_side`: what the order that came in did; null in an auction, where none did.

    `state`: valid, busted (it never counted) or corrected (it has another price now).
    """

    trade_id: int
    sequence: int
    price: DecimalText
    quantity: DecimalText
    taker_side: Literal["buy", "sell"] | None
    state: Literal["valid", "busted", "corrected"]
    time_ms: int
    time_ns: Nanoseconds = UNSET


class Trades(Struct, frozen=True):
    """Trades in the order that was asked for. `more`: there are further ones behind the last, within the bounds."""

    symbol: str
    trades: list[Trade]
    more: bool
