"""What an account says and is told over a WebSocket of its own: orders, reports, executions, alerts.

The words of orders and executions are those of REST; what is said goes by `op`, what is told by `type`.
"""

from typing import Annotated

from msgspec import UNSET, Meta, Struct, UnsetType

from web.schemas.alerts import AlertFired
from web.schemas.money import Balance, Movement
from web.schemas.orders import (
    Execution,
    Instructed,
    Liquidity,
    NewOrder,
    OrderAnswer,
    OrderCancel,
    OrderReplace,
    OrderStatus,
    OrderType,
    Side,
    TimeInForce,
)
from web.schemas.values import MessageId

# What is said.


class Login(Struct, frozen=True, forbid_unknown_fields=True, tag_field="op", tag="login"):
    """Act for an account. The `signature` is over `timestamp` (ms), "GET" and "/ws", as that of a request."""

    key: Annotated[str, Meta(max_length=128)]
    timestamp: Annotated[int, Meta(ge=0, le=2**53)]
    signature: Annotated[str, Meta(max_length=256)]
    id: MessageId = None


class Enter(Struct, frozen=True, forbid_unknown_fields=True, tag_field="op", tag="order"):
    """Enter an order: the body of `POST /v1/order`."""

    order: NewOrder
    id: MessageId = None


class Cancel(Struct, frozen=True, forbid_unknown_fields=True, tag_field="op", tag="cancel"):
    """Cancel an open order: the body of `POST /v1/order/cancel`."""

    order: OrderCancel
    id: MessageId = None


class Replace(Struct, frozen=True, forbid_unknown_fields=True, tag_field="op", tag="replace"):
    """Give an open order another price, another quantity, or both: the body of `POST /v1/order/replace`."""

    order: OrderReplace
    id: MessageId = None


# What is told.


class LoggedIn(Struct, frozen=True, tag_field="type", tag="logged_in"):
    """From here on the connection acts for this account, with these scopes of its key."""

    id: MessageId
    account: str
    scopes: list[str]


class Answer(Struct, frozen=True, tag_field="type", tag="answer"):
    """What an order came to, as over REST."""

    id: MessageId
    order: OrderAnswer


class StandingOrder(Instructed, frozen=True, kw_only=True, omit_defaults=True):
    """An open order as it stands."""

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


class OrdersSnapshot(Struct, frozen=True, tag_field="type", tag="orders"):
    """A part of the open orders, oldest first, as they stood before the report `next_report`; `more`: parts follow.

    With the first part (`first`) forget what you hold. Reports from `next_report` on follow the last part.
    """

    first: bool
    more: bool
    next_report: int
    orders: list[StandingOrder]


class ExecutionsBegin(Struct, frozen=True, tag_field="type", tag="executions"):
    """Executions are told from the report `next_report` on. What was before it is in the history as of `sequence`."""

    next_report: int
    sequence: int


class ReportGap(Struct, frozen=True, tag_field="type", tag="gap"):
    """What was reported behind `after_report`, before `next_report`, is not told here: ask for it over REST.

    `reason`: "missed" (it is too much, or nobody could tell it), or "withdrawn": the engine lost its last events, and
    reports that were told behind `after_report` never happened.
    """

    channel: str
    after_report: int
    next_report: int
    reason: str


class ReportedOrder(Instructed, frozen=True, kw_only=True, omit_defaults=True):
    """What a report tells of its order; what it does not change is not there."""

    order_id: int
    client_order_id: str
    symbol: str
    side: Side | UnsetType = UNSET
    type: OrderType | UnsetType = UNSET
    time_in_force: TimeInForce | UnsetType = UNSET
    price: str | UnsetType | None = UNSET
    quantity: str | UnsetType = UNSET
    filled_quantity: str | UnsetType = UNSET
    remaining_quantity: str | UnsetType = UNSET
    status: OrderStatus | UnsetType = UNSET


class ReportTold(Struct, frozen=True, kw_only=True, omit_defaults=True, tag_field="type", tag="report"):
    """Something happened to an order of the account. `report_number` is dense.

    `order`: what is so of the order now. `execution`: of a fill. `trigger_trade_price`: of the trade that reached a
    trigger. `prevented_price`, `prevented_quantity`: what did not trade. `trade_id`, `trade_price`: of a trade that was
    busted (null) or corrected. `count`: how many orders a mass cancel ended. `account`, or `group`, `on`, `rejects`,
    `why`: of a kill switch; `rejects` is 0 when an operator set it, or the engine for a loss.
    """

    event: str
    report_number: int
    sequence: int
    time_ms: int
    order: ReportedOrder | UnsetType = UNSET
    execution: Execution | UnsetType = UNSET
    reason: str | UnsetType = UNSET
    request_id: str | UnsetType = UNSET
    kept_priority: bool | UnsetType = UNSET
    trigger_trade_price: str | UnsetType = UNSET
    prevented_quantity: str | UnsetType = UNSET
    prevented_price: str | UnsetType = UNSET
    trade_id: int | UnsetType = UNSET
    trade_price: str | UnsetType | None = UNSET
    count: int | UnsetType = UNSET
    account: str | UnsetType = UNSET
    on: bool | UnsetType = UNSET
    rejects: int | UnsetType = UNSET
    group: str | UnsetType = UNSET
    why: str | UnsetType = UNSET


class ExecutionTold(
    Execution, frozen=True, kw_only=True, omit_defaults=True, tag_field="type", tag="execution"
):
    """An order of the account traded, as over REST."""


class ExecutionRevised(Struct, frozen=True, kw_only=True, tag_field="type", tag="execution_revised"):
    """A trade of an order of the account never counted (`state` "busted", `price` null), or has this price."""

    report_number: int
    order_id: int
    client_order_id: str
    symbol: str
    side: Side
    trade_id: int
    state: str
    price: str | None
    previous_price: str | None
    quantity: str
    liquidity: Liquidity
    sequence: int
    time_ms: int


class MovementsBegin(Struct, frozen=True, tag_field="type", tag="movements"):
    """Movements are told from the report `next_report` on. What was before it is in the history as of `sequence`."""

    next_report: int
    sequence: int


class MovedTold(Struct, frozen=True, tag_field="type", tag="moved"):
    """Balances of the account moved: what one report tells, in its order, as over REST."""

    report_number: int
    movements: list[Movement]


class BalancesTold(Struct, frozen=True, kw_only=True, tag_field="type", tag="balances"):
    """What the account has, as it stood before its report `next_report`.

    `snapshot`: this is all of it, forget what you hold; else it is what has changed. Told when something has happened,
    at most ten times a second, and then as the engine has it: what came and went in between is not told.
    """

    snapshot: bool
    next_report: int
    balances: list[Balance]


class AlertTold(AlertFired, frozen=True, kw_only=True, tag_field="type", tag="alert"):
    """An alert of the account has fired."""
