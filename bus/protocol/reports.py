"""Reports: what the engine tells an account, in one dense sequence an account.

All sessions of an account get all its reports, in one envelope a batch:

    [version, session, shard, epoch, first_report, log_sequence, time_ns, [report, ...]]

Report i of the envelope has number `first_report + i`. Each report starts with its tag and these four:
the log `sequence` of the command that caused it, the engine time of that command, and the `session` and
`correlation_id` of the request that it answers (both 0 when it answers nobody: a maker's fill, an expiry).

The matcher builds reports as plain tuples of these shapes; the classes are for readers. Readers ignore unknown
trailing fields. A request is answered by the first Accepted, Rejected, Replaced, Duplicate or Completed with its
correlation id, or by a Cancelled `by_request` or `replaced_to_filled`. Fills follow the Accepted or Replaced; the
Cancelled of a mass cancel come before its Completed, and those of a quote before its answer.
"""

from typing import Final

from msgspec import Struct

ACCEPTED: Final = 40
REJECTED: Final = 41
FILLED: Final = 42
CANCELLED: Final = 43
REPLACED: Final = 44
DUPLICATE: Final = 45
COMPLETED: Final = 46
TRIGGERED: Final = 47
RESTATED: Final = 48
PREVENTED: Final = 49
TRADE_REVISED: Final = 50
KILL_SWITCH_SET: Final = 51
ACCOUNT_CLOSED: Final = 56
MOVED: Final = 52
SETTLED: Final = 53


class Accepted(Struct, array_like=True, tag=ACCEPTED, frozen=True, gc=False):
    """The order was taken. Its `order_id` is the log sequence of its command.

    The fields behind `quantity_lots` stand there when the order asked for any of them.
    """

    sequence: int
    time_ns: int
    session: int
    correlation_id: int
    order_id: int
    client_order_id: str
    symbol: str
    side: int
    order_type: int
    time_in_force: int
    flags: int
    price_ticks: int
    quantity_lots: int
    expires_ns: int = 0
    display_lots: int = 0
    minimum_lots: int = 0
    trigger_price_ticks: int = 0
    trail_ticks: int = 0
    trail_basis_points: int = 0
    peg: int = 0
    peg_offset_ticks: int = 0
    self_trade: int = 0
    self_trade_group: int = 0
    cancels_with: str = ""
    triggered_by: str = ""


class Rejected(Struct, array_like=True, tag=REJECTED, frozen=True, gc=False):
    """The command was logged and refused; the market is untouched. `command` is its tag, `request_id` its id if any."""

    sequence: int
    time_ns: int
    session: int
    correlation_id: int
    command: int
    request_id: str
    reason: int


class Filled(Struct, array_like=True, tag=FILLED, frozen=True, gc=False):
    """An order traded `quantity_lots` at `price_ticks`. `cumulative_lots + leaves_lots` is the order's quantity."""

    sequence: int
    time_ns: int
    session: int
    correlation_id: int
    order_id: int
    client_order_id: str
    symbol: str
    side: int
    trade_id: int
    price_ticks: int
    quantity_lots: int
    cumulative_lots: int
    leaves_lots: int
    liquidity: int


class Cancelled(Struct, array_like=True, tag=CANCELLED, frozen=True, gc=False):
    """The rest of an order (`quantity_lots`) is gone. `reason` is of band 8xx."""

    sequence: int
    time_ns: int
    session: int
    correlation_id: int
    order_id: int
    client_order_id: str
    symbol: str
    quantity_lots: int
    cumulative_lots: int
    reason: int


class Replaced(Struct, array_like=True, tag=REPLACED, frozen=True, gc=False):
    """An order has a new price and quantity. `kept_priority`: it stayed where it was in its level."""

    sequence: int
    time_ns: int
    session: int
    correlation_id: int
    request_id: str
    order_id: int
    client_order_id: str
    symbol: str
    price_ticks: int
    quantity_lots: int
    leaves_lots: int
    kept_priority: bool


class Duplicate(Struct, array_like=True, tag=DUPLICATE, frozen=True, gc=False):
    """This request was made before and was not executed again: its first result, and where its order stands now.

    `first_sequence`: the log sequence at which it was executed. `reason`: 0 when it was taken then, else why it was
    rejected. The other fields are the order's present state (all 0 when there never was an order).
    """

    sequence: int
    time_ns: int
    session: int
    correlation_id: int
    command: int
    request_id: str
    first_sequence: int
    reason: int
    order_id: int
    status: int
    price_ticks: int
    quantity_lots: int
    cumulative_lots: int


class Completed(Struct, array_like=True, tag=COMPLETED, frozen=True, gc=False):
    """A mass cancel, a countdown or an operator's command was carried out. `count`: orders cancelled; 1 for the others.

    0 for whatever would be taken and was only to be judged.
    """

    sequence: int
    time_ns: int
    session: int
    correlation_id: int
    command: int
    count: int


class Triggered(Struct, array_like=True, tag=TRIGGERED, frozen=True, gc=False):
    """An order that waited is active from now on: its trigger was reached, or the order before it was filled.

    `last_price_ticks`: the price of the trade that reached the trigger; 0 for an order that another one released.
    """

    sequence: int
    time_ns: int
    session: int
    correlation_id: int
    order_id: int
    client_order_id: str
    symbol: str
    last_price_ticks: int


class Restated(Struct, array_like=True, tag=RESTATED, frozen=True, gc=False):
    """The engine gave an order a new price or quantity by a rule that `reason` (band 8xx) names."""

    sequence: int
    time_ns: int
    session: int
    correlation_id: int
    order_id: int
    client_order_id: str
    symbol: str
    price_ticks: int
    quantity_lots: int
    leaves_lots: int
    reason: int


class Prevented(Struct, array_like=True, tag=PREVENTED, frozen=True, gc=False):
    """Two orders of one owner met and did not trade `quantity_lots` at `price_ticks`. Each of both is told.

    What became of the order follows as Cancelled or Restated; nothing when it stays as it is.
    """

    sequence: int
    time_ns: int
    session: int
    correlation_id: int
    order_id: int
    client_order_id: str
    symbol: str
    side: int
    price_ticks: int
    quantity_lots: int
    liquidity: int


class TradeRevised(Struct, array_like=True, tag=TRADE_REVISED, frozen=True, gc=False):
    """An operator busted or corrected a trade of the order. What is done and left of the order stays as it was.

    `price_ticks`: what the trade's price is now, 0 when the trade was busted; `previous_price_ticks`: what it was.
    """

    sequence: int
    time_ns: int
    session: int
    correlation_id: int
    order_id: int
    client_order_id: str
    symbol: str
    side: int
    trade_id: int
    price_ticks: int
    quantity_lots: int
    liquidity: int
    previous_price_ticks: int


class KillSwitchSet(Struct, array_like=True, tag=KILL_SWITCH_SET, frozen=True, gc=False):
    """The kill switch of an account, or of a group, is on or off. Its orders ended before, each with its Cancelled.

    Told to the account, or to all members of the group, and to each account of which an operator has a session.
    `rejects`: so many of the account's commands were rejected within the window of its limits, that the engine set it;
    0 when an operator did, or, with `why` "daily_loss_limit", the engine for a loss. `group`: whose it is when
    `account` is "".
    """

    sequence: int
    time_ns: int
    session: int
    correlation_id: int
    account: str
    on: bool
    rejects: int
    why: str
    group: str = ""


class AccountClosed(Struct, array_like=True, tag=ACCOUNT_CLOSED, frozen=True, gc=False):
    """An account is closed, or open again. Told to it, and to each account of which an operator has a session."""

    sequence: int
    time_ns: int
    session: int
    correlation_id: int
    account: str
    closed: bool
    why: str


class Moved(Struct, array_like=True, tag=MOVED, frozen=True, gc=False):
    """A transfer moved `amount` units of an asset. Told to both accounts, those of the venue included.

    `total`: what the account that is told has of the asset afterwards; below 0 for `venue:external` alone.
    """

    sequence: int
    time_ns: int
    session: int
    correlation_id: int
    transfer_id: str
    source: str
    target: str
    asset: str
    amount: int
    total: int


class Settled(Struct, array_like=True, tag=SETTLED, frozen=True, gc=False):
    """A fill of the order moved money, between its account and `venue:settlement`: behind its Filled.

    `paid` units of one asset left the account, `received` units of the other one came, and `fee` went to the venue,
    below 0 a rebate that came from it; the totals are what the account has afterwards, behind all of it. The fields
    behind `received_total` stand there when the fill cost something, or brought a rebate.
    """

    sequence: int
    time_ns: int
    session: int
    correlation_id: int
    order_id: int
    client_order_id: str
    symbol: str
    trade_id: int
    paid_asset: str
    paid: int
    paid_total: int
    received_asset: str
    received: int
    received_total: int
    fee_asset: str = ""
    fee: int = 0
    fee_total: int = 0


Report = (
    Accepted
    | Rejected
    | Filled
    | Cancelled
    | Replaced
    | Duplicate
    | Completed
    | Triggered
    | Restated
    | Prevented
    | TradeRevised
    | KillSwitchSet
    | AccountClosed
    | Moved
    | Settled
)
