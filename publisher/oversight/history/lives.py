"""What a report makes of an order and of an execution. Values in, values out.

An order's life begins with its Accepted; every report that names it follows, in the order of the account's reports.
Folded over them, an OrderState stands where the engine's order stands, as far as its owner is told: the trigger of a
trailing stop moves without a word, so only the one that was entered is known here. How a status moves is drawn in
`bus.protocol.order_life`.
"""

from typing import Final

from msgspec import Struct
from msgspec.structs import replace

from bus.protocol.commands import EnterOrder
from bus.protocol.history import BUSTED, CORRECTED, Execution, PastOrder
from bus.protocol.order_life import entered, first_status, status_after
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
from bus.protocol.terms import CANCELLED, FILLED

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
    return OrderState(
        account,
        report.order_id,
        entered(report),
        report.price_ticks,
        report.quantity_lots,
        report.time_ns,
        report.time_ns,
        report.sequence,
        report_number,
        first_status(report),
    )


def after(order: OrderState, report_number: int, report: OfOrder) -> OrderState:
    """The order behind one more report about it."""
    if isinstance(report, Duplicate | Prevented):
        return order  # both tell of something that did not happen; a Restated or Cancelled follows if it changed it
    status = status_after(report, order.entered.order_type) or order.status
    changed = replace(
        order,
        status=status,
        ended_ns=report.time_ns if status in (FILLED, CANCELLED) and order.is_open else order.ended_ns,
        updated_ns=report.time_ns,
        last_sequence=report.sequence,
        last_report=report_number,
    )
    if isinstance(report, Filled):
        return replace(
            changed,
            filled_lots=report.cumulative_lots,
            fills=order.fills + 1,
            filled_quote=order.filled_quote + report.price_ticks * report.quantity_lots,
        )
    if isinstance(report, TradeRevised):
        difference = (report.price_ticks - report.previous_price_ticks) * report.quantity_lots
        busted = 0 if report.price_ticks else report.quantity_lots
        return replace(
            changed, filled_quote=order.filled_quote + difference, busted_lots=order.busted_lots + busted
        )
    if isinstance(report, Cancelled):
        return replace(changed, reason=report.reason)
    if isinstance(report, Triggered):
        return changed
    changed = replace(changed, price_ticks=report.price_ticks, quantity_lots=report.quantity_lots)
    return replace(changed, reason=report.reason) if isinstance(report, Restated) else changed


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
