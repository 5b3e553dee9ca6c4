"""What reports make of an order's state, for whoever follows them: the one place that knows. Values in, values out.

    WAITING ──Triggered──▶ RESTING ──Filled, nothing left──▶ FILLED
       ▲                      │ ▲
       └─ Restated            │ └─ Restated (peg_moved)
         (reference_gone) ────┘
       either ──Cancelled──▶ CANCELLED

Called by the private history, by the web's sessions, and by what it tells over WebSocket.
"""

from bus.protocol.commands import EnterOrder
from bus.protocol.control import OpenOrder
from bus.protocol.reasons import PEG_MOVED, REFERENCE_GONE
from bus.protocol.reports import Accepted, Cancelled, Filled, Report, Restated, Triggered
from bus.protocol.terms import AT_OPEN, CANCELLED, FILLED, RESTING, TRIGGERED_TYPES, WAITING


def entered(report: Accepted) -> EnterOrder:
    """The order as it was entered."""
    return EnterOrder(
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


def first_status(report: Accepted) -> int:
    """The status with which an order begins.

    One that is for an auction alone waits until it has traded: no report tells when its auction begins.
    """
    waits = report.order_type in TRIGGERED_TYPES or report.triggered_by or report.time_in_force >= AT_OPEN
    return WAITING if waits else RESTING


def status_of(order: OpenOrder) -> int:
    """The status of an order that the engine tells of, as reports tell it."""
    if order.entered.time_in_force >= AT_OPEN and not order.filled_lots:
        return WAITING
    return order.status


def status_after(report: Report, order_type: int | None) -> int | None:
    """The status of an order behind a report about it; None where the report does not change it.

    `order_type`: None where it is not known. Then None may also stand for an order that another one released, which
    only the type tells.
    """
    if isinstance(report, Filled):
        return RESTING if report.leaves_lots else FILLED
    if isinstance(report, Cancelled):
        return CANCELLED
    if isinstance(report, Triggered):
        if report.last_price_ticks:
            return RESTING
        # One that another order released is as if it had just come: a stop still waits for its trigger.
        return None if order_type is None else WAITING if order_type in TRIGGERED_TYPES else RESTING
    if isinstance(report, Restated):
        return {REFERENCE_GONE: WAITING, PEG_MOVED: RESTING}.get(report.reason)
    return None
