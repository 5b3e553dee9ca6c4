"""Positions of an account: what it holds, what it made of it, and what its open orders may still do."""

from typing import Annotated, Literal

from msgspec import UNSET, Meta, Struct, UnsetType

from web.schemas.orders import ROWS_MAX, Symbol
from web.schemas.values import FreshQuery, Nanoseconds, SignedText


class OpenSide(Struct, frozen=True, kw_only=True):
    """Open orders of one side: how many, what they may still trade, and what they would pay or get for it.

    Orders without a price (stops, market orders of an auction) are valued at `mark_price`.
    """

    orders: int
    quantity: str
    notional: str


class PaidFee(Struct, frozen=True, kw_only=True):
    """What executions have cost of an asset; below 0 rebates were more."""

    asset: str
    amount: SignedText


class Position(Struct, frozen=True, kw_only=True, omit_defaults=True):
    """What the account holds of an instrument: bought less sold, below 0 when it is short. Money is in the quote asset.

    `average_price` is that of what is held, null when nothing is. `cost`, of the sign of `quantity`, is what that was
    traded at by average cost; `value` is what it is worth at `mark_price`, the price of the last trade;
    `unrealised_profit` is `value` less `cost`. `realised_profit` is that of all that was closed, without fees;
    `day_realised_profit` of it what was closed since `day_ms`, when the trading day of its last execution began. If all
    open orders of a side traded, the position would be `longest`, or `shortest`; `worst_exposure` is the larger of what
    either would be worth. `fees`: what its executions have cost, by asset.
    """

    symbol: str
    quantity: SignedText
    average_price: str | None
    cost: SignedText
    mark_price: str | None
    value: SignedText
    unrealised_profit: SignedText
    realised_profit: SignedText
    day_realised_profit: SignedText
    open_buys: OpenSide
    open_sells: OpenSide
    longest: SignedText
    shortest: SignedText
    worst_exposure: str
    fees: list[PaidFee]
    day_ms: int | UnsetType = UNSET
    traded_ms: int | UnsetType = UNSET
    traded_ns: Nanoseconds = UNSET


class Positions(Struct, frozen=True, kw_only=True):
    """A page of positions, by symbol: of all instruments in which the account traded, or has open orders.

    `cost_method`: how cost and realised profit are told apart. `sequence`: everything up to there is in it. `more`:
    there are further ones behind the last.
    """

    account: str
    cost_method: Literal["average"]
    positions: list[Position]
    sequence: int
    more: bool


class PositionsQuery(FreshQuery, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A page of positions."""

    symbol: Annotated[Symbol, Meta(description="Only of this instrument.")] | None = None
    limit: Annotated[int, Meta(ge=1, le=ROWS_MAX, description="So many at the most.")] = 100
    after: (
        Annotated[
            str,
            Meta(pattern=r"^[A-Z0-9_-]{1,20}\Z", description="The `symbol` behind which the page begins."),
        ]
        | None
    ) = None
