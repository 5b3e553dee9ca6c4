"""What a report makes of an order and of an execution. Values in, values out.

An order's life begins with its Accepted; every report that names it follows, in the order of the account's reports.
Folded over them, an OrderState stands where the engine's order stands, as far as its owner is told: the trigger of a
trailing stop moves without a word, so only the one that was entered is known here.

    WAITING ──Triggered──▶ RESTING ──Filled, nothing left──▶ FILLED
       ▲                      │ ▲
       └─ Restated            │ └─ Restated (peg_moved)
         (reference_gone) ────┘
       either ──Cancelled──▶ CANCELLED
"""

from typing import Final

from msgspec import Struct
from msgspec.structs import replace

from bus.protocol.commands import EnterOrder
from bus.protocol.history import BUSTED, CORRECTED, Execution, PastOrder
from bus.protocol.reasons import PEG_MOVED, REFERENCE_GONE
from bus.protocol.reports import (
    Accepted,
    Cancelled,
    Duplicate,
    Filled,
    Prevented,
    Replaced,
    Restated,
    TradeRevised,
    Triggered,
)
from bus.protocol.terms import (
    CANCELLED,
    FILLED,
    RESTING,
    STOP,
    STOP_LIMIT,
    TAKE_PROFIT,
    TAKE_PROFIT_LIMIT,
    TRAILING_STOP,
    WAITING,
)

#: Types that wait for a trigger of their own.
_TRIGGERED_TYPES: Final = (STOP, STOP_LIMIT, TAKE_PROFIT, TAKE_PROFIT_LIMIT, TRAILING_STOP)

#: Reports that name an order, beside the Accepted that begins it.
OfOrder = Filled | Cancelled | Replaced | Duplicate | Triggered | Restated | Prevented | TradeRevised
OF_ORDER: Final = (Filled, Cancelled, Replaced, Duplicate, Triggered, Restated, Prevented, TradeRevised)


class OrderState(Struct, frozen=True):
    """An order of an account as it stands. The fields are those of `PastOrder`; sums are whole numbers of any size."""

    account: str
    order_id: int
    entered: EnterOrder
    price_ticks: int
    quantity_lots: int
    entered_ns: int
    updated_ns: int
    last_sequence: int
    last_report: int
    status: int
    filled_lots: int = 0
    reason: int = 0
    fills: int = 0
    filled_quote: int = 0
    busted_lots: int = 0
    ended_ns: int = 0

    @property
    def is_open(self) -> bool:
        """Whether it can still change by itself."""
        return self.ended_ns == 0

    def told(self) -> PastOrder:
        """As the protocol has it."""
        return PastOrder(
            self.order_id,
            self.entered,
            self.price_ticks,
            self.quantity_lots,
            self.filled_lots,
            self.status,
            self.reason,
            self.fills,
            str(self.filled_quote),
            self.busted_lots,
            self.entered_ns,
            self.updated_ns,
            self.ended_ns,
            self.last_sequence,
            self.last_report,
        )


def begun(account: str, report_number: int, report: Accepted) -> OrderState:
    """A new order."""
    entered = EnterOrder(
        report.client_order_id,
        report.symbol,
        report.side,
        report.quantity_lots,
        report.price_ticks,
        report.order_type,
        report.time_in_force,
        report.flags,
        report.expires_ns,
        report.display_lots,
        report.minimum_lots,
        report.trigger_price_ticks,
        report.trail_ticks,
        report.trail_basis_points,
        report.peg,
        report.peg_offset_ticks,
        report.self_trade,
        report.self_trade_group,
        report.cancels_with,
        report.triggered_by,
    )
    waits = report.order_type in _TRIGGERED_TYPES or report.triggered_by != ""
    return OrderState(
        account,
        report.order_id,
        entered,
        report.price_ticks,
        report.quantity_lots,
        report.time_ns,
        report.time_ns,
        report.sequence,
        report_number,
        WAITING if waits else RESTING,
    )


def after(order: OrderState, report_number: int, report: OfOrder) -> OrderState:
    """The order behind one more report about it."""
    sequence, time_ns = report.sequence, report.time_ns
    if isinstance(report, Filled):
        ended = report.leaves_lots == 0
        return replace(
            order,
            filled_lots=report.cumulative_lots,
            fills=order.fills + 1,
            filled_quote=order.filled_quote + report.price_ticks * report.quantity_lots,
            status=FILLED if ended else order.status,
            ended_ns=time_ns if ended else 0,
            updated_ns=time_ns,
            last_sequence=sequence,
            last_report=report_number,
        )
    if isinstance(report, Duplicate | Prevented):
        return order  # both tell of something that did not happen; a Restated or Cancelled follows if it changed it
    changed = replace(order, updated_ns=time_ns, last_sequence=sequence, last_report=report_number)
    if isinstance(report, Cancelled):
        return replace(changed, status=CANCELLED, reason=report.reason, ended_ns=time_ns)
    if isinstance(report, Triggered):
        # One that another order released is as if it had just come: a stop still waits for its trigger.
        released = report.last_price_ticks == 0
        waits = released and order.entered.order_type in _TRIGGERED_TYPES
        return replace(changed, status=WAITING if waits else RESTING)
    if isinstance(report, TradeRevised):
        difference = (report.price_ticks - report.previous_price_ticks) * report.quantity_lots
        busted = 0 if report.price_ticks else report.quantity_lots
        return replace(
            changed, filled_quote=order.filled_quote + difference, busted_lots=order.busted_lots + busted
        )
    changed = replace(changed, price_ticks=report.price_ticks, quantity_lots=report.quantity_lots)
    if isinstance(report, Restated):
        changed = replace(changed, reason=report.reason)
        if report.reason in (REFERENCE_GONE, PEG_MOVED):
            return replace(changed, status=WAITING if report.reason == REFERENCE_GONE else RESTING)
    return changed


def revised_state(report: TradeRevised) -> int:
    """How an execution counts from this report on."""
    return CORRECTED if report.price_ticks else BUSTED


def revised(execution: Execution, report: TradeRevised) -> Execution:
    """The execution behind a bust or correction of its trade."""
    return replace(
        execution,
        price_ticks=report.price_ticks,
        state=revised_state(report),
        revised_ns=report.time_ns,
        revised_sequence=report.sequence,
    )
