"""Money: what accounts have, and how it moves, at a venue that clears.

An amount is text with at most as many decimals as its asset has, and so exactly a whole number of its units.
"""

from typing import Annotated, Literal

from msgspec import UNSET, Meta, Struct, field

from web.schemas.admin import Account, Why
from web.schemas.orders import ROWS_MAX, Direction
from web.schemas.values import (
    BeforeMilliseconds,
    DecimalText,
    FreshQuery,
    Milliseconds,
    Nanoseconds,
    Sequence,
    SignedText,
    TimedQuery,
)

Asset = Annotated[str, Meta(pattern=r"^[A-Z0-9]{1,12}\Z", description="The name of an asset.")]
TransferId = Annotated[
    str,
    Meta(
        min_length=1,
        max_length=36,
        pattern=r"^[ -~]+\Z",
        description="The caller's own id: sent again under it, the same happens once. Not given, one is made of the"
        " signed request. It shares one name space with the ids of the account's orders.",
    ),
]
#: Why a balance changed.
MovementKind = Literal["deposit", "withdrawal", "transfer", "trade", "fee"]


# What is asked for.


class NewTransfer(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """So much of the key's account goes to another one of its family: `alice`, `alice.algo`, `alice.test`.

    `target`: the account that has more afterwards, one that was used before.
    """

    target: Account
    asset: Asset
    amount: DecimalText
    transfer_id: TransferId | None = None
    why: Why = ""


class Withdrawal(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """So much of the key's account leaves the venue."""

    asset: Asset
    amount: DecimalText
    transfer_id: TransferId | None = None
    why: Why = ""


class OperatorTransfer(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """So much comes to an account from outside, or leaves it. An account that does not exist yet is made by a deposit.

    The `transfer_id` is one of the operator's account.
    """

    account: Account
    asset: Asset
    amount: DecimalText
    transfer_id: TransferId | None = None
    why: Why = ""


class NewAsset(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Something that accounts may have. Its `decimals` never change."""

    asset: Asset
    decimals: Annotated[int, Meta(ge=0, le=18)]


class BalancesQuery(TimedQuery, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """Nothing but what others have as well."""


class BalancesOfQuery(Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """Whose balances are asked for."""

    account: Account


class MovementsQuery(FreshQuery, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A page of movements, by the time at which they happened."""

    asset: Asset | None = None
    transfer_id: Annotated[TransferId, Meta(description="Only the transfer of this id.")] | None = None
    order: Annotated[Direction, Meta(description="Which come first: the newest, or the oldest.")] = "newest"
    after: Annotated[Sequence, Meta(description="The `movement_number` behind which the page begins.")] = 0
    limit: Annotated[int, Meta(ge=1, le=ROWS_MAX, description="How many at most.")] = 100
    from_ms: Annotated[Milliseconds, Meta(description="None before this time, in ms.")] = field(
        default=0, name="from"
    )
    to_ms: Annotated[BeforeMilliseconds, Meta(description="Only what happened before it, in ms.")] | None = (
        field(default=None, name="to")
    )


# What is answered.


class Balance(Struct, frozen=True, kw_only=True):
    """What an account has of an asset. `held`: what of it backs open orders. `free`: the rest."""

    asset: str
    decimals: int
    total: DecimalText
    held: DecimalText
    free: DecimalText


class KnownAsset(Struct, frozen=True, kw_only=True):
    """Something that accounts may have, with so many decimals."""

    asset: str
    decimals: int


class Balances(Struct, frozen=True, kw_only=True):
    """What an account has of each asset that it ever had, by asset, as it stood before its report `next_report`.

    `assets`: all that accounts may have here.
    """

    account: str
    next_report: int
    balances: list[Balance]
    assets: list[KnownAsset]


class Transferred(Struct, frozen=True, kw_only=True, omit_defaults=True):
    """It has moved, with this sequence of the log.

    `account`: whose request it was, so in whose name space the id is. `source`: has less, `target` has more; one of
    them is `venue:external` when money came or left. `duplicate`: it had moved before, and did not again.
    """

    transfer_id: str
    account: str
    source: str
    target: str
    asset: str
    amount: DecimalText
    sequence: int
    time_ms: int
    time_ns: Nanoseconds = UNSET
    duplicate: bool = False


class Movement(Struct, frozen=True, kw_only=True, omit_defaults=True):
    """A balance of the account changed: `amount` came, or left (below 0), and `total` was there afterwards.

    `movement_number`: rises with time, and not densely. `kind`: why. A trade has one for each asset that it moved, and
    one for its fee. `transfer_id`, `counterparty`: of a deposit, withdrawal or transfer. `order_id`, `client_order_id`,
    `symbol`, `trade_id`: of a trade and its fee.
    """

    movement_number: int
    kind: MovementKind
    asset: str
    amount: SignedText
    total: SignedText
    sequence: int
    time_ms: int
    time_ns: Nanoseconds = UNSET
    transfer_id: str = ""
    counterparty: str = ""
    order_id: int = 0
    client_order_id: str = ""
    symbol: str = ""
    trade_id: int = 0


class Movements(Struct, frozen=True, kw_only=True):
    """A page of movements. `sequence`, `more`: as in a page of orders."""

    movements: list[Movement]
    sequence: int
    more: bool


class SymbolFees(Struct, frozen=True, kw_only=True):
    """What an instrument costs the account, in percent of its `basis`; below 0 it gets so much.

    `basis`: notional, quantity or binary. `paid_in`: quote, base, received (what a fill brings) or third, which is then
    the `asset`. Minimums, maximums and the discount of the group are not in it.
    """

    symbol: str
    maker_percent: SignedText
    taker_percent: SignedText
    basis: str
    paid_in: str
    asset: str | None


class Fees(Struct, frozen=True, kw_only=True):
    """What trading costs the account, by symbol; what costs nothing is not there.

    `tier`: the one it is in today, from 1, of so many `tiers`, by its `volume` of the thirty days before.
    `next_volume`: from which the next one begins, null in the last one. Both are whole units, as the operator weighs
    them. `group`: of accounts, null for none, whose members pay `discount_percent` less.
    """

    account: str
    tier: int
    tiers: int
    volume: str
    next_volume: str | None
    group: str | None
    discount_percent: DecimalText
    fees: list[SymbolFees]


class AssetAtVenue(Struct, frozen=True, kw_only=True):
    """An asset, and what all accounts have of it together: what came from outside and has not left."""

    asset: str
    decimals: int
    at_venue: SignedText


class AssetsAtVenue(Struct, frozen=True, kw_only=True):
    """All assets, by name."""

    assets: list[AssetAtVenue]
