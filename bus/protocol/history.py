"""History: what an account did in the past, asked of the private history on its ROUTER.

Requests come in a client's envelope with session 0 (`[version, 0, correlation_id, 0, [request, ...]]`), answers in
the engine's (`first_report` 0), as on the engine's recovery socket. Each request names an account and shows the token
of the data directory: who asks is a service of the house, which knows whose request it carries out.

All answers tell how far the history had come (`log_sequence`: everything that the log caused up to there is in it).
`at_least` asks for no less: a client that was told of sequence n asks with `at_least` n and finds its own write, or
is Refused with `not_yet` after a bounded wait.

Lists are cut into pages of at most `limit` rows. `after` is the number of the last row that the reader has (an
`order_id`, a `report_number`): the page begins behind it. With `newest_first` the list runs backwards, and so does
`after`; 0 begins at the end at which the list begins. Rows stand where they stand for good, so paging loses none and
gives none twice, whatever comes meanwhile. `from_ns` (inclusive) and `to_ns` (exclusive) are engine time; 0: no bound.
"""

from typing import Final

from msgspec import Struct

from bus.protocol.commands import EnterOrder, Unsigned
from bus.protocol.control import Refused
from bus.protocol.exposure import Exposures, Positions, QueryExposures, QueryPositions
from bus.protocol.reports import Filled, Moved, Rejected, Report, Settled
from bus.protocol.status import ProcessStatus, QueryStatus
from bus.protocol.terms import EXTERNAL

QUERY_PAST_ORDERS: Final = 120
QUERY_ORDER_LIFE: Final = 121
QUERY_EXECUTIONS: Final = 122
QUERY_REJECTIONS: Final = 123
QUERY_REPORTS: Final = 124
QUERY_MOVEMENTS: Final = 125

PAST_ORDERS: Final = 130
ORDER_LIFE: Final = 131
EXECUTIONS: Final = 132
REJECTIONS: Final = 133
PAST_REPORTS: Final = 134
MOVEMENTS: Final = 135

#: Rows of one page: at most some 200 kB.
ROWS_PER_PAGE_MAX: Final = 1_000
ROWS_PER_PAGE_DEFAULT: Final = 100

#: Which orders are meant.
ALL: Final = 0
OPEN: Final = 1
ENDED: Final = 2
ORDER_STATES: Final = {ALL: "all", OPEN: "open", ENDED: "ended"}

#: How an execution counts.
AS_IT_HAPPENED: Final = 0
BUSTED: Final = 1
CORRECTED: Final = 2
EXECUTION_STATES: Final = {AS_IT_HAPPENED: "as it happened", BUSTED: "busted", CORRECTED: "corrected"}

#: Why a balance moved.
DEPOSIT: Final = 1
WITHDRAWAL: Final = 2
TRANSFER: Final = 3  # between two accounts of the venue
TRADE: Final = 4
FEE: Final = 5  # of a trade; a rebate when it comes
MOVEMENT_KINDS: Final = {
    DEPOSIT: "deposit",
    WITHDRAWAL: "withdrawal",
    TRANSFER: "transfer",
    TRADE: "trade",
    FEE: "fee",
}
#: Of one report: what it paid, what it received, and the fee. So many numbers a report has for its movements.
MOVEMENTS_PER_REPORT_MAX: Final = 4


class QueryPastOrders(
    Struct, array_like=True, tag=QUERY_PAST_ORDERS, forbid_unknown_fields=True, frozen=True
):
    """The orders of an account, open and ended ones, as they stand. Answered with PastOrders.

    `symbol` "" for all. `state`: one of ORDER_STATES. `client_order_id` "" for all; an id may be used again a day after
    its order has ended, so it may name several. Times are those at which the orders were entered.
    """

    account: str
    symbol: str = ""
    state: Unsigned = ALL
    client_order_id: str = ""
    from_ns: Unsigned = 0
    to_ns: Unsigned = 0
    after: Unsigned = 0
    limit: Unsigned = ROWS_PER_PAGE_DEFAULT
    newest_first: bool = False
    at_least: Unsigned = 0
    token: str = ""


class QueryOrderLife(Struct, array_like=True, tag=QUERY_ORDER_LIFE, forbid_unknown_fields=True, frozen=True):
    """One order, named by exactly one of its ids, and all reports about it. Answered with OrderLife.

    A `client_order_id` names the newest order that was entered with it. `after`: a report number.
    """

    account: str
    order_id: Unsigned = 0
    client_order_id: str = ""
    after: Unsigned = 0
    limit: Unsigned = ROWS_PER_PAGE_DEFAULT
    at_least: Unsigned = 0
    token: str = ""


class QueryExecutions(Struct, array_like=True, tag=QUERY_EXECUTIONS, forbid_unknown_fields=True, frozen=True):
    """The executions of an account. Answered with Executions.

    `symbol` "" for all. `order_id` 0 for those of all orders. `trade_id` 0 for all; it counts within a symbol, which
    must then be named. `after`: a report number.
    """

    account: str
    symbol: str = ""
    order_id: Unsigned = 0
    trade_id: Unsigned = 0
    from_ns: Unsigned = 0
    to_ns: Unsigned = 0
    after: Unsigned = 0
    limit: Unsigned = ROWS_PER_PAGE_DEFAULT
    newest_first: bool = False
    at_least: Unsigned = 0
    token: str = ""


class QueryRejections(Struct, array_like=True, tag=QUERY_REJECTIONS, forbid_unknown_fields=True, frozen=True):
    """What was refused to an account in the log. Answered with Rejections.

    `request_id` "" for all. `after`: a report number.
    """

    account: str
    request_id: str = ""
    from_ns: Unsigned = 0
    to_ns: Unsigned = 0
    after: Unsigned = 0
    limit: Unsigned = ROWS_PER_PAGE_DEFAULT
    newest_first: bool = False
    at_least: Unsigned = 0
    token: str = ""


class QueryReports(Struct, array_like=True, tag=QUERY_REPORTS, forbid_unknown_fields=True, frozen=True):
    """All reports of an account behind number `after`, as they were. Answered with PastReports."""

    account: str
    after: Unsigned = 0
    limit: Unsigned = ROWS_PER_PAGE_DEFAULT
    at_least: Unsigned = 0
    token: str = ""


class QueryMovements(Struct, array_like=True, tag=QUERY_MOVEMENTS, forbid_unknown_fields=True, frozen=True):
    """What moved the balances of an account: deposits, withdrawals, transfers, trades, fees. Answered with Movements.

    `asset` "" for all. `transfer_id` "" for all. `after`: a movement number. The accounts of the venue may be asked
    for, too.
    """

    account: str
    asset: str = ""
    transfer_id: str = ""
    from_ns: Unsigned = 0
    to_ns: Unsigned = 0
    after: Unsigned = 0
    limit: Unsigned = ROWS_PER_PAGE_DEFAULT
    newest_first: bool = False
    at_least: Unsigned = 0
    token: str = ""


class PastOrder(Struct, array_like=True, frozen=True):
    """An order as it stands, or as it ended.

    `entered` as it was accepted: an order that is good for the day has the end of its day in `expires_ns`. Price and
    quantity are what they were told to be last. `filled_quote`: the sum of price times quantity (in tick-lots, as
    decimal text) over its fills that count; `busted_lots` of what is filled do not. So its average price is
    `filled_quote / (filled_lots - busted_lots)`. `reason`: why it was cancelled, or was restated last; 0 for none.
    `updated_ns`, `last_sequence` and `last_report` are those of the last report that tells of a change of it.
    """

    order_id: int
    entered: EnterOrder
    price_ticks: int
    quantity_lots: int
    filled_lots: int
    status: int
    reason: int
    fills: int
    filled_quote: str
    busted_lots: int
    entered_ns: int
    updated_ns: int
    ended_ns: int
    last_sequence: int
    last_report: int


class Execution(Struct, array_like=True, frozen=True):
    """An order traded `quantity_lots` at `price_ticks`, which is 0 when the trade was busted.

    `state`: one of EXECUTION_STATES. `first_price_ticks`: what it traded at when it did. `revised_ns` and
    `revised_sequence`: of the last bust or correction, 0 for none. `fee`: what it cost in units of `fee_asset`, below 0
    for a rebate; "" and 0 for nothing. The rest is as in Filled.
    """

    report_number: int
    sequence: int
    time_ns: int
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
    state: int
    first_price_ticks: int
    revised_ns: int
    revised_sequence: int
    fee_asset: str = ""
    fee: int = 0


def executed(report_number: int, report: Filled) -> Execution:
    """The execution that a fill is, as long as nobody has revised it."""
    return Execution(
        report_number,
        report.sequence,
        report.time_ns,
        report.order_id,
        report.client_order_id,
        report.symbol,
        report.side,
        report.trade_id,
        report.price_ticks,
        report.quantity_lots,
        report.cumulative_lots,
        report.leaves_lots,
        report.liquidity,
        AS_IT_HAPPENED,
        report.price_ticks,
        0,
        0,
    )


class Movement(Struct, array_like=True, frozen=True):
    """The balance of an account in one asset moved by `amount` units, which is below 0 when they left, to `total`.

    `movement_number` rises with time in the account, and not densely: it is MOVEMENTS_PER_REPORT_MAX times the number
    of the report that told of it, and its place there. `kind`: one of MOVEMENT_KINDS. Of a transfer `transfer_id` and
    `counterparty`, the other account; of a trade and its fee `order_id`, `client_order_id`, `symbol`, `trade_id`;
    what is of the other is "" or 0.
    """

    movement_number: int
    sequence: int
    time_ns: int
    kind: int
    asset: str
    amount: int
    total: int
    transfer_id: str
    counterparty: str
    order_id: int
    client_order_id: str
    symbol: str
    trade_id: int


def moved(account: str, report_number: int, report: Moved | Settled) -> list[Movement]:
    """The movements of an account that one of its reports tells of, in their order."""
    first = report_number * MOVEMENTS_PER_REPORT_MAX
    if isinstance(report, Moved):
        comes = report.target == account
        other = report.source if comes else report.target
        kind = DEPOSIT if report.source == EXTERNAL else WITHDRAWAL if report.target == EXTERNAL else TRANSFER
        amount = report.amount if comes else -report.amount
        sequence, time_ns, name = report.sequence, report.time_ns, report.transfer_id
        return [
            Movement(
                first, sequence, time_ns, kind, report.asset, amount, report.total, name, other, 0, "", "", 0
            )
        ]
    # The totals of a report are those behind its fee.
    fee_asset, fee = report.fee_asset, report.fee
    rows = [
        (TRADE, asset, amount, total + (fee if asset == fee_asset else 0))
        for asset, amount, total in (
            (report.paid_asset, -report.paid, report.paid_total),
            (report.received_asset, report.received, report.received_total),
        )
    ]
    if fee:
        rows.append((FEE, fee_asset, -fee, report.fee_total))
    return [
        Movement(
            first + place,
            report.sequence,
            report.time_ns,
            kind,
            asset,
            amount,
            total,
            "",
            "",
            report.order_id,
            report.client_order_id,
            report.symbol,
            report.trade_id,
        )
        for place, (kind, asset, amount, total) in enumerate(rows)
    ]


class NumberedReport(Struct, array_like=True, frozen=True):
    """A report, and its number among those of its account."""

    report_number: int
    report: Report


class NumberedRejection(Struct, array_like=True, frozen=True):
    """A refusal, and its number among the reports of its account."""

    report_number: int
    rejected: Rejected


class PastOrders(Struct, array_like=True, tag=PAST_ORDERS, frozen=True):
    """A page of orders. `more`: there are further ones behind the last."""

    correlation_id: int
    log_sequence: int
    account: str
    orders: list[PastOrder]
    more: bool


class OrderLife(Struct, array_like=True, tag=ORDER_LIFE, frozen=True):
    """An order and a page of the reports about it, oldest first. `more`: there are further ones behind the last."""

    correlation_id: int
    log_sequence: int
    account: str
    order: PastOrder
    reports: list[NumberedReport]
    more: bool


class Executions(Struct, array_like=True, tag=EXECUTIONS, frozen=True):
    """A page of executions. `more`: there are further ones behind the last."""

    correlation_id: int
    log_sequence: int
    account: str
    executions: list[Execution]
    more: bool


class Rejections(Struct, array_like=True, tag=REJECTIONS, frozen=True):
    """A page of refusals. `more`: there are further ones behind the last."""

    correlation_id: int
    log_sequence: int
    account: str
    rejections: list[NumberedRejection]
    more: bool


class PastReports(Struct, array_like=True, tag=PAST_REPORTS, frozen=True):
    """A page of an account's reports, oldest first. `more`: there are further ones behind the last."""

    correlation_id: int
    log_sequence: int
    account: str
    reports: list[NumberedReport]
    more: bool


class Movements(Struct, array_like=True, tag=MOVEMENTS, frozen=True):
    """A page of movements. `more`: there are further ones behind the last."""

    correlation_id: int
    log_sequence: int
    account: str
    movements: list[Movement]
    more: bool


#: Those about one account.
AccountQuery = (
    QueryPastOrders
    | QueryOrderLife
    | QueryExecutions
    | QueryRejections
    | QueryReports
    | QueryMovements
    | QueryPositions
)
HistoryQuery = AccountQuery | QueryExposures
HistoryRequest = HistoryQuery | QueryStatus
HistoryAnswer = (
    PastOrders
    | OrderLife
    | Executions
    | Rejections
    | PastReports
    | Movements
    | Positions
    | Exposures
    | ProcessStatus
    | Refused
)
