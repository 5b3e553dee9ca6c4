"""Reports of the engine in the words of orders over REST. Called by `own`, once for all who read a report."""

from typing import Any, Final

from bus.protocol import history
from bus.protocol import reports as told
from bus.protocol.control import OpenOrder
from bus.protocol.order_life import entered, first_status, status_after, status_of
from bus.protocol.reasons import reason_name
from bus.protocol.reports import Report
from bus.protocol.terms import LIQUIDITIES, ORDER_STATUSES, ORDER_TYPES, SIDES, TIMES_IN_FORCE
from bus.sockets.session.prices import Scale
from web import order_answers
from web.market_data import text
from web.order_answers import price_text
from web.schemas.own import ExecutionRevised, ReportedOrder, ReportTold, StandingOrder

_MS: Final = 1_000_000
#: What happened, by the kind of report.
EVENTS: Final[dict[type, str]] = {
    told.Accepted: "accepted",
    told.Rejected: "rejected",
    told.Filled: "filled",
    told.Cancelled: "cancelled",
    told.Replaced: "replaced",
    told.Duplicate: "duplicate",
    told.Completed: "completed",
    told.Triggered: "triggered",
    told.Restated: "restated",
    told.Prevented: "prevented",
    told.TradeRevised: "trade_revised",
    told.KillSwitchSet: "kill_switch_set",
    told.AccountClosed: "account_closed",
    told.Moved: "moved",
    told.Settled: "settled",
}


def symbol_of(report: Report) -> str:
    """Of its instrument; "" where a report names none."""
    return getattr(report, "symbol", "")


def assets_of(report: Report) -> tuple[str, ...]:
    """What a report tells amounts of."""
    if isinstance(report, told.Moved):
        return (report.asset,)
    if isinstance(report, told.Settled):
        return (report.paid_asset, report.received_asset, *((report.fee_asset,) if report.fee_asset else ()))
    return ()


def report_told(scale: Scale | None, number: int, report: Report) -> ReportTold:
    """A report. `scale`: of its instrument; None where it names none."""
    fields: dict[str, Any] = {}
    if reason := getattr(report, "reason", 0):
        fields["reason"] = reason_name(reason)
    if isinstance(report, told.Rejected | told.Duplicate | told.Replaced) and report.request_id:
        fields["request_id"] = report.request_id
    if isinstance(report, told.Completed):
        fields["count"] = report.count
    if isinstance(report, told.KillSwitchSet):
        whose = {"account": report.account} if report.account else {"group": report.group}
        fields |= {**whose, "on": report.on, "rejects": report.rejects, "why": report.why}
    if isinstance(report, told.AccountClosed):
        fields |= {"account": report.account, "closed": report.closed, "why": report.why}
    if scale is not None:
        fields |= _further(scale, number, report)
        fields["order"] = ReportedOrder(
            order_id=report.order_id,  # type: ignore[union-attr]  # what names an instrument is about an order
            client_order_id=report.client_order_id,  # type: ignore[union-attr]  # as above
            symbol=scale.symbol,
            **_order(scale, report),
        )
    return ReportTold(
        event=EVENTS[type(report)],
        report_number=number,
        sequence=report.sequence,
        time_ms=report.time_ns // _MS,
        **fields,
    )


def execution_revised(scale: Scale, number: int, report: told.TradeRevised) -> ExecutionRevised:
    """A bust or a correction."""
    return ExecutionRevised(
        report_number=number,
        order_id=report.order_id,
        client_order_id=report.client_order_id,
        symbol=report.symbol,
        side=SIDES[report.side],  # type: ignore[arg-type]  # the same words, from their table
        trade_id=report.trade_id,
        state="corrected" if report.price_ticks else "busted",
        price=price_text(scale, report.price_ticks),
        previous_price=price_text(scale, report.previous_price_ticks),
        quantity=text(scale.quantity(report.quantity_lots)),
        liquidity=LIQUIDITIES[report.liquidity],  # type: ignore[arg-type]  # as above
        sequence=report.sequence,
        time_ms=report.time_ns // _MS,
    )


def standing(scale: Scale, order: OpenOrder) -> StandingOrder:
    """An open order."""
    wanted = order.entered
    fields = order_answers.instructions(scale, wanted)
    if order.trigger_price_ticks:
        fields["trigger_price"] = text(scale.price(order.trigger_price_ticks))
    return StandingOrder(
        order_id=order.order_id,
        client_order_id=wanted.client_order_id,
        symbol=wanted.symbol,
        side=SIDES[wanted.side],  # type: ignore[arg-type]  # the same words, from their table
        type=ORDER_TYPES[wanted.order_type],  # type: ignore[arg-type]  # as above
        time_in_force=TIMES_IN_FORCE[wanted.time_in_force],  # type: ignore[arg-type]  # as above
        price=price_text(scale, order.price_ticks),
        quantity=text(scale.quantity(order.quantity_lots)),
        filled_quantity=text(scale.quantity(order.filled_lots)),
        remaining_quantity=text(scale.quantity(order.quantity_lots - order.filled_lots)),
        status=ORDER_STATUSES[status_of(order)],  # type: ignore[arg-type]  # as above
        **fields,
    )


# Inside.


def _further(scale: Scale, number: int, report: Report) -> dict[str, Any]:
    """What a report tells beside its order."""
    if isinstance(report, told.Filled):
        done = history.executed(number, report)
        return {"execution": order_answers.execution(scale, done, False)}
    if isinstance(report, told.Replaced):
        return {"kept_priority": report.kept_priority}
    if isinstance(report, told.Triggered) and report.last_price_ticks:
        return {"trigger_trade_price": text(scale.price(report.last_price_ticks))}
    if isinstance(report, told.Prevented):
        return {
            "prevented_price": text(scale.price(report.price_ticks)),
            "prevented_quantity": text(scale.quantity(report.quantity_lots)),
        }
    if isinstance(report, told.TradeRevised):
        return {"trade_id": report.trade_id, "trade_price": price_text(scale, report.price_ticks)}
    return {}


def _order(scale: Scale, report: Report) -> dict[str, Any]:
    """What is so of the order now, as far as the report tells."""
    if isinstance(report, told.Accepted):
        return _accepted(scale, report)
    fields: dict[str, Any] = {}
    if isinstance(report, told.Filled):
        fields = {
            "side": SIDES[report.side],
            "filled_quantity": text(scale.quantity(report.cumulative_lots)),
            "remaining_quantity": text(scale.quantity(report.leaves_lots)),
        }
    elif isinstance(report, told.Cancelled):
        fields = {
            "filled_quantity": text(scale.quantity(report.cumulative_lots)),
            "remaining_quantity": text(scale.quantity(0)),
        }
    elif isinstance(report, told.Replaced | told.Restated):
        fields = {
            "price": price_text(scale, report.price_ticks),
            "quantity": text(scale.quantity(report.quantity_lots)),
            "filled_quantity": text(scale.quantity(report.quantity_lots - report.leaves_lots)),
            "remaining_quantity": text(scale.quantity(report.leaves_lots)),
        }
    status = status_after(report, None)
    return fields if status is None else {**fields, "status": ORDER_STATUSES[status]}


def _accepted(scale: Scale, report: told.Accepted) -> dict[str, Any]:
    return {
        "side": SIDES[report.side],
        "type": ORDER_TYPES[report.order_type],
        "time_in_force": TIMES_IN_FORCE[report.time_in_force],
        "price": price_text(scale, report.price_ticks),
        "quantity": text(scale.quantity(report.quantity_lots)),
        "filled_quantity": text(scale.quantity(0)),
        "remaining_quantity": text(scale.quantity(report.quantity_lots)),
        "status": ORDER_STATUSES[first_status(report)],
        **order_answers.instructions(scale, entered(report)),
    }
