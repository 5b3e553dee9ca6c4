"""Orders and executions: what an account asks for, what it is answered, and what it did.

The words of a body are the words of an answer: `quantity` is an order's whole quantity, what is filled included, and
`filled_quantity + remaining_quantity` is that of an order that is open.
"""

from typing import Annotated, Final, Literal

from msgspec import UNSET, Meta, Struct, UnsetType, field

from web.schemas.values import (
    BeforeMilliseconds,
    DecimalText,
    FreshQuery,
    Milliseconds,
    Nanoseconds,
    Sequence,
    SignedText,
)

#: One that cannot be is refused as one that is not there.
Symbol = Annotated[
    str,
    Meta(
        min_length=1,
        max_length=20,
        description="The name of an instrument.",
        extra_json_schema={"pattern": "^[A-Z0-9_-]+$"},
    ),
]
ClientOrderId = Annotated[
    str,
    Meta(
        min_length=1,
        max_length=36,
        pattern=r"^[ -~]+\Z",
        description="The caller's own id: 1 to 36 printable ASCII characters.",
    ),
]
OrderId = Annotated[int, Meta(ge=1, le=2**63 - 1, description="The engine's id of an order.")]
Side = Literal["buy", "sell"]
OrderType = Literal[
    "limit",
    "market",
    "stop",
    "stop-limit",
    "take-profit",
    "take-profit-limit",
    "trailing-stop",
    "pegged",
]
#: Types that need a price.
PRICED: Final = ("limit", "stop-limit", "take-profit-limit")
TimeInForce = Literal["GTC", "IOC", "FOK", "DAY", "GTD", "ATO", "ATC", "GFA"]
Peg = Literal["best-bid", "best-ask", "midpoint"]
SelfTrade = Literal["cancel-newest", "cancel-oldest", "cancel-both", "decrement"]
OrderStatus = Literal["open", "filled", "cancelled", "rejected", "waiting"]
#: In an auction nobody takes: both sides had waited.
Liquidity = Literal["maker", "taker", "auction"]
#: Which rows of a list come first.
Direction = Literal["newest", "oldest"]
#: Items of one batch: some 30 kB, and a time that others can wait.
BATCH_ORDERS_MAX: Final = 100
#: Rows of one page.
ROWS_MAX: Final = 1_000
#: The longest countdown that the engine takes.
TimeoutMs = Annotated[int, Meta(ge=0, le=86_400_000)]


# What is asked for.


class NewOrder(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """An order to be entered.

    `time_in_force`: GTC when it is not given, IOC for a market order, GTD with `expires_ms`; ATO, ATC and GFA are for
    the next opening auction, closing auction, auction of any kind, and for nothing else. `price` of a market order
    is its protection limit, of a pegged order its worst price. Without a `client_order_id` one is made of the signed
    request, so that the same request sent twice is one order. `response`: "full" tells of its executions, too.
    """

    symbol: Symbol
    side: Side
    quantity: DecimalText
    type: OrderType = "limit"
    price: DecimalText | None = None
    time_in_force: TimeInForce | None = None
    client_order_id: ClientOrderId | None = None
    post_only: bool = False
    post_only_reprice: bool = False
    hidden: bool = False
    display_quantity: DecimalText | None = None
    minimum_quantity: DecimalText | None = None
    trigger_price: DecimalText | None = None
    trail_distance: DecimalText | None = None
    trail_basis_points: Annotated[int, Meta(ge=1, le=9_999)] | None = None
    peg: Peg | None = None
    peg_offset: SignedText | None = None
    self_trade: SelfTrade | None = None
    self_trade_group: Annotated[int, Meta(ge=0, le=2**63 - 1)] = 0
    expires_ms: Milliseconds | None = None
    cancels_with: ClientOrderId | None = None
    triggered_by: ClientOrderId | None = None
    response: Literal["ack", "full"] = "ack"


class OrderCancel(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """An open order to be cancelled, by exactly one of its ids."""

    symbol: Symbol
    order_id: OrderId | None = None
    client_order_id: ClientOrderId | None = None


class OrderReplace(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A new price, a new whole quantity, or both, for an open order, by exactly one of its ids.

    `request_id` makes it safe to send twice; without it one is made of the signed request.
    """

    symbol: Symbol
    order_id: OrderId | None = None
    client_order_id: ClientOrderId | None = None
    price: DecimalText | None = None
    quantity: DecimalText | None = None
    request_id: ClientOrderId | None = None
    response: Literal["ack", "full"] = "ack"


class CancelAll(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """All open orders of the account, of one symbol and one side, or all."""

    symbol: Symbol | None = None
    side: Side | None = None


class CancelAllAfter(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """All open orders of the account are cancelled so long from now, unless this is said again before; 0 stops it."""

    timeout_ms: TimeoutMs


class EnterItem(NewOrder, frozen=True, kw_only=True, forbid_unknown_fields=True, tag_field="op", tag="enter"):
    """An order to be entered, in a batch."""


class CancelItem(
    OrderCancel, frozen=True, kw_only=True, forbid_unknown_fields=True, tag_field="op", tag="cancel"
):
    """An order to be cancelled, in a batch."""


class ReplaceItem(
    OrderReplace, frozen=True, kw_only=True, forbid_unknown_fields=True, tag_field="op", tag="replace"
):
    """An order to be replaced, in a batch."""


BatchItem = EnterItem | CancelItem | ReplaceItem


class Batch(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Many at once, carried out in their order. One that is refused does not keep the others from being carried out.

    `all_or_nothing`: all are carried out, or none. `validate_only`: none is; each is told what would be said of it.
    """

    orders: Annotated[list[BatchItem], Meta(min_length=1, max_length=BATCH_ORDERS_MAX)]
    all_or_nothing: bool = False
    validate_only: bool = False


# What is answered.


class Execution(Struct, frozen=True, kw_only=True, omit_defaults=True):
    """An order traded. `report_number`: its place among the reports of the account, by which pages are read.

    `filled_quantity` and `remaining_quantity` are those of the order behind it. `state`: valid, busted (it never
    counted, and its price is null) or corrected (it has another price now); then it tells what it was first. `fee` of
    `fee_asset`, as the history has it: what it cost, below 0 a rebate.
    """

    report_number: int
    order_id: int
    client_order_id: str
    symbol: str
    side: Side
    trade_id: int
    price: str | None
    quantity: str
    filled_quantity: str
    remaining_quantity: str
    liquidity: Liquidity
    sequence: int
    time_ms: int
    time_ns: Nanoseconds = UNSET
    state: Literal["valid", "busted", "corrected"]
    first_price: str | UnsetType = UNSET
    revised_time_ms: int | UnsetType = UNSET
    revised_sequence: int | UnsetType = UNSET
    fee: SignedText | UnsetType = UNSET
    fee_asset: str | UnsetType = UNSET


class OrderAnswer(Struct, frozen=True, kw_only=True, omit_defaults=True):
    """Where an order stands behind what was asked for, at `sequence` of the log.

    `reason`: why it was cancelled, or was restated. `duplicate`: the same was asked for before and was not done again;
    the rest tells of the order as it stands now. What a cancel is not told is not there.
    """

    order_id: int
    client_order_id: str | UnsetType = UNSET
    symbol: str
    side: Side | UnsetType = UNSET
    type: OrderType | UnsetType = UNSET
    time_in_force: TimeInForce | UnsetType = UNSET
    price: str | UnsetType | None = UNSET
    quantity: str | UnsetType = UNSET
    filled_quantity: str
    remaining_quantity: str
    status: OrderStatus
    reason: str | UnsetType = UNSET
    sequence: int
    time_ms: int
    time_ns: Nanoseconds = UNSET
    duplicate: bool = False
    kept_priority: bool | UnsetType = UNSET
    executions: list[Execution] | UnsetType = UNSET


class CancelledAll(Struct, frozen=True, kw_only=True, omit_defaults=True):
    """`cancelled`: how many orders were cancelled."""

    cancelled: int
    sequence: int
    time_ms: int
    time_ns: Nanoseconds = UNSET


class Countdown(Struct, frozen=True, kw_only=True, omit_defaults=True):
    """The countdown began anew at `time_ms`; 0 is none."""

    timeout_ms: int
    sequence: int
    time_ms: int
    time_ns: Nanoseconds = UNSET


class BatchError(Struct, frozen=True, kw_only=True):
    """Why an item was not carried out, as errors say it."""

    code: int
    reason: str
    message: str
    field: str | None


class BatchResult(Struct, frozen=True, kw_only=True):
    """What became of an item: `order`, or `error`; neither, when it would be taken and was only to be judged."""

    order: OrderAnswer | None
    error: BatchError | None


class BatchAnswer(Struct, frozen=True, kw_only=True):
    """What became of each item, in their order."""

    results: list[BatchResult]


class Instructed(Struct, frozen=True, kw_only=True, omit_defaults=True):
    """What an order asked for beyond the usual; only that."""

    post_only: bool = False
    post_only_reprice: bool = False
    hidden: bool = False
    display_quantity: str | UnsetType = UNSET
    minimum_quantity: str | UnsetType = UNSET
    trigger_price: str | UnsetType = UNSET
    trail_distance: str | UnsetType = UNSET
    trail_basis_points: int | UnsetType = UNSET
    peg: Peg | UnsetType = UNSET
    peg_offset: str | UnsetType = UNSET
    self_trade: SelfTrade | UnsetType = UNSET
    self_trade_group: int = 0
    expires_ms: int | UnsetType = UNSET
    cancels_with: str | UnsetType = UNSET
    triggered_by: str | UnsetType = UNSET


class Order(Instructed, frozen=True, kw_only=True, omit_defaults=True):
    """An order as it stands, or as it ended. What it did not ask for is not there.

    `quote_volume`: the sum of price times quantity over its executions that count; `busted_quantity` of what is filled
    does not. `sequence`: of what changed it last.
    """

    order_id: int
    client_order_id: str
    symbol: str
    side: Side
    type: OrderType
    time_in_force: TimeInForce
    price: str | None
    quantity: str
    filled_quantity: str
    remaining_quantity: str
    status: OrderStatus
    sequence: int
    executions: int
    quote_volume: str
    entered_ms: int
    updated_ms: int
    entered_ns: Nanoseconds = UNSET
    updated_ns: Nanoseconds = UNSET
    ended_ms: int | UnsetType = UNSET
    ended_ns: Nanoseconds = UNSET
    reason: str | UnsetType = UNSET
    busted_quantity: str | UnsetType = UNSET


class Orders(Struct, frozen=True, kw_only=True):
    """A page of orders. `sequence`: everything up to there is in it. `more`: there are further ones behind the last."""

    orders: list[Order]
    sequence: int
    more: bool


class Executions(Struct, frozen=True, kw_only=True):
    """A page of executions. `sequence`, `more`: as in a page of orders."""

    executions: list[Execution]
    sequence: int
    more: bool


# Queries.


class OrderQuery(FreshQuery, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """One order, by exactly one of its ids."""

    order_id: OrderId | None = None
    client_order_id: (
        Annotated[ClientOrderId, Meta(description="The newest order that was entered with this id.")] | None
    ) = None


class PageQuery(FreshQuery, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A page of a list."""

    symbol: Annotated[Symbol, Meta(description="Only of this instrument.")] | None = None
    limit: Annotated[int, Meta(ge=1, le=ROWS_MAX, description="So many at the most.")] = 100


class OpenOrdersQuery(PageQuery, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A page of open orders."""

    order: Annotated[Direction, Meta(description="Which come first: the newest, or the oldest.")] = "oldest"
    after: Annotated[Sequence, Meta(description="The `order_id` behind which the page begins.")] = 0


class PastOrdersQuery(PageQuery, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A page of orders, open and ended ones, by the time at which they were entered."""

    order: Annotated[Direction, Meta(description="Which come first: the newest, or the oldest.")] = "newest"
    after: Annotated[Sequence, Meta(description="The `order_id` behind which the page begins.")] = 0
    state: Annotated[
        Literal["all", "open", "ended"], Meta(description="Only orders that are open, or have ended.")
    ] = "all"
    client_order_id: Annotated[ClientOrderId, Meta(description="Only orders with this id.")] | None = None
    from_ms: Annotated[Milliseconds, Meta(description="None that was entered before this time, in ms.")] = (
        field(default=0, name="from")
    )
    to_ms: (
        Annotated[BeforeMilliseconds, Meta(description="Only what was entered before it, in ms.")] | None
    ) = field(default=None, name="to")


class ExecutionsQuery(PageQuery, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A page of executions, by the time at which they happened."""

    order: Annotated[Direction, Meta(description="Which come first: the newest, or the oldest.")] = "newest"
    after: Annotated[Sequence, Meta(description="The `report_number` behind which the page begins.")] = 0
    order_id: Annotated[OrderId, Meta(description="Only executions of this order.")] | None = None
    trade_id: (
        Annotated[
            OrderId, Meta(description="Only of this trade. It counts within `symbol`, which is needed.")
        ]
        | None
    ) = None
    from_ms: Annotated[Milliseconds, Meta(description="None before this time, in ms.")] = field(
        default=0, name="from"
    )
    to_ms: Annotated[BeforeMilliseconds, Meta(description="Only what happened before it, in ms.")] | None = (
        field(default=None, name="to")
    )
