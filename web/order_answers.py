"""Reports and the rows of the history into answers: ticks and lots into decimals, numbers into words.

Called by `web.trading` for what was just done, and by `web.rest.past` for what was done before.
"""

from collections.abc import Mapping
from typing import Any, Final, Literal

from msgspec import UNSET, Struct

from bus.protocol import history
from bus.protocol import reports as told
from bus.protocol.commands import EnterOrder
from bus.protocol.reasons import reason_name
from bus.protocol.terms import (
    CANCELLED,
    FILLED,
    HIDDEN,
    LIQUIDITIES,
    ORDER_STATUSES,
    ORDER_TYPES,
    PEGS,
    POST_ONLY,
    POST_ONLY_REPRICE,
    RESTING,
    SELF_TRADES,
    SIDES,
    TIMES_IN_FORCE,
    WAITING,
)
from bus.sockets.session.amounts import amount_of
from bus.sockets.session.prices import Scale
from web.errors import Refusal
from web.market_data import text
from web.order_commands import FIELD_OF
from web.schemas.orders import CancelledAll, Countdown, Execution, Order, OrderAnswer
from web.session import Outcome

_MS: Final = 1_000_000
NO_ASSETS: Final[Mapping[str, int]] = {}
#: How an execution counts, in the words that public trades have.
_STATES: Final[dict[int, Literal["valid", "busted", "corrected"]]] = {
    history.AS_IT_HAPPENED: "valid",
    history.BUSTED: "busted",
    history.CORRECTED: "corrected",
}


class _Standing(Struct):
    """Where an order stands, as far as an answer and what followed it tell."""

    order_id: int
    price_ticks: int | None
    quantity_lots: int
    filled_lots: int
    left_lots: int
    status: int
    reason: int = 0


def refused(reason: int) -> Refusal:
    """What the engine says no with."""
    return Refusal(reason, field=FIELD_OF.get(reason))


def entered(scale: Scale, command: EnterOrder, outcome: Outcome, full: bool, time_ns: bool) -> OrderAnswer:
    """What a new order came to. Raises Refusal when it was refused, now or the first time."""
    words = {
        "client_order_id": command.client_order_id,
        "side": SIDES[command.side],
        "type": ORDER_TYPES[command.order_type],
        "time_in_force": TIMES_IN_FORCE[command.time_in_force],
    }
    return changed(scale, outcome, full, time_ns, words)


def changed(
    scale: Scale, outcome: Outcome, full: bool, time_ns: bool, words: dict[str, str] | None = None
) -> OrderAnswer:
    """What an order came to by a replace or a cancel; `words`: what else is known of it. Raises as `entered`."""
    answer: Any = outcome.answer
    raise_refused(answer)
    stands = _standing(outcome)
    fields: dict[str, Any] = dict(words or {})
    if "client_order_id" not in fields and not isinstance(answer, told.Duplicate):
        fields["client_order_id"] = answer.client_order_id
    if stands.price_ticks is not None:
        fields["price"] = price_text(scale, stands.price_ticks)
    if stands.reason:
        fields["reason"] = reason_name(stands.reason)
    if isinstance(answer, told.Replaced):
        fields["kept_priority"] = answer.kept_priority
    if full and not isinstance(answer, told.Duplicate):
        fields["executions"] = [
            execution(scale, history.executed(number, report), time_ns)
            for number, report in zip(outcome.numbers, outcome.following, strict=True)
            if isinstance(report, told.Filled)
        ]
    return OrderAnswer(
        order_id=stands.order_id,
        symbol=scale.symbol,
        quantity=text(scale.quantity(stands.quantity_lots)),
        filled_quantity=text(scale.quantity(stands.filled_lots)),
        remaining_quantity=text(scale.quantity(stands.left_lots)),
        status=ORDER_STATUSES[stands.status],  # type: ignore[arg-type]  # the same words, from their table
        sequence=answer.sequence,
        time_ms=answer.time_ns // _MS,
        time_ns=answer.time_ns if time_ns else UNSET,
        duplicate=isinstance(answer, told.Duplicate),
        **fields,
    )


def all_cancelled(outcome: Outcome, time_ns: bool) -> CancelledAll:
    """What a mass cancel came to. Raises Refusal."""
    answer = _completed(outcome)
    return CancelledAll(
        cancelled=answer.count,
        sequence=answer.sequence,
        time_ms=answer.time_ns // _MS,
        time_ns=answer.time_ns if time_ns else UNSET,
    )


def counting_down(timeout_ms: int, outcome: Outcome, time_ns: bool) -> Countdown:
    """What a countdown came to. Raises Refusal."""
    answer = _completed(outcome)
    return Countdown(
        timeout_ms=timeout_ms,
        sequence=answer.sequence,
        time_ms=answer.time_ns // _MS,
        time_ns=answer.time_ns if time_ns else UNSET,
    )


def raise_refused(answer: told.Report) -> None:
    """Raises Refusal for an answer that says no, or said so the first time."""
    if isinstance(answer, told.Rejected | told.Duplicate) and answer.reason:
        raise refused(answer.reason)


def order(scale: Scale, past: history.PastOrder, time_ns: bool) -> Order:
    """An order as the history has it."""
    wanted = past.entered
    is_open = not past.ended_ns
    fields: dict[str, Any] = {}
    if past.ended_ns:
        fields["ended_ms"] = past.ended_ns // _MS
    if past.reason:
        fields["reason"] = reason_name(past.reason)
    if past.busted_lots:
        fields["busted_quantity"] = text(scale.quantity(past.busted_lots))
    if time_ns:
        fields |= {"entered_ns": past.entered_ns, "updated_ns": past.updated_ns}
        if past.ended_ns:
            fields["ended_ns"] = past.ended_ns
    return Order(
        order_id=past.order_id,
        client_order_id=wanted.client_order_id,
        symbol=wanted.symbol,
        side=SIDES[wanted.side],  # type: ignore[arg-type]  # the same words, from their table
        type=ORDER_TYPES[wanted.order_type],  # type: ignore[arg-type]  # as above
        time_in_force=TIMES_IN_FORCE[wanted.time_in_force],  # type: ignore[arg-type]  # as above
        price=price_text(scale, past.price_ticks),
        quantity=text(scale.quantity(past.quantity_lots)),
        filled_quantity=text(scale.quantity(past.filled_lots)),
        remaining_quantity=text(scale.quantity(past.quantity_lots - past.filled_lots if is_open else 0)),
        status=ORDER_STATUSES[past.status],  # type: ignore[arg-type]  # as above
        sequence=past.last_sequence,
        executions=past.fills,
        quote_volume=text(scale.amount(int(past.filled_quote))),
        entered_ms=past.entered_ns // _MS,
        updated_ms=past.updated_ns // _MS,
        **fields,
        **instructions(scale, wanted),
    )


def execution(
    scale: Scale, past: history.Execution, time_ns: bool, decimals: Mapping[str, int] = NO_ASSETS
) -> Execution:
    """An execution as the history has it. `decimals`: of the asset of its fee, if that is to be told."""
    fields: dict[str, Any] = {}
    if past.state != history.AS_IT_HAPPENED:
        fields = {
            "first_price": text(scale.price(past.first_price_ticks)),
            "revised_time_ms": past.revised_ns // _MS,
            "revised_sequence": past.revised_sequence,
        }
    if past.fee_asset in decimals:
        fields["fee"] = text(amount_of(past.fee, decimals[past.fee_asset]))
        fields["fee_asset"] = past.fee_asset
    return Execution(
        report_number=past.report_number,
        order_id=past.order_id,
        client_order_id=past.client_order_id,
        symbol=past.symbol,
        side=SIDES[past.side],  # type: ignore[arg-type]  # the same words, from their table
        trade_id=past.trade_id,
        price=price_text(scale, past.price_ticks),
        quantity=text(scale.quantity(past.quantity_lots)),
        filled_quantity=text(scale.quantity(past.cumulative_lots)),
        remaining_quantity=text(scale.quantity(past.leaves_lots)),
        liquidity=LIQUIDITIES[past.liquidity],  # type: ignore[arg-type]  # as above
        sequence=past.sequence,
        state=_STATES[past.state],
        time_ms=past.time_ns // _MS,
        time_ns=past.time_ns if time_ns else UNSET,
        **fields,
    )


def instructions(scale: Scale, wanted: EnterOrder) -> dict[str, Any]:
    """What an order asked for beyond the usual; only that."""
    fields: dict[str, Any] = {
        "post_only": bool(wanted.flags & POST_ONLY),
        "post_only_reprice": bool(wanted.flags & POST_ONLY_REPRICE),
        "hidden": bool(wanted.flags & HIDDEN),
        "self_trade_group": wanted.self_trade_group,
    }
    for name, ticks in (
        ("trigger_price", wanted.trigger_price_ticks),
        ("trail_distance", wanted.trail_ticks),
        ("peg_offset", wanted.peg_offset_ticks),
    ):
        if ticks:
            fields[name] = text(scale.price(ticks))
    for name, lots in (
        ("display_quantity", wanted.display_lots),
        ("minimum_quantity", wanted.minimum_lots),
    ):
        if lots:
            fields[name] = text(scale.quantity(lots))
    others = {
        "trail_basis_points": wanted.trail_basis_points,
        "peg": PEGS.get(wanted.peg),
        "self_trade": SELF_TRADES.get(wanted.self_trade),
        "expires_ms": wanted.expires_ns // _MS,
        "cancels_with": wanted.cancels_with,
        "triggered_by": wanted.triggered_by,
    }
    return fields | {name: value for name, value in others.items() if value}


def price_text(scale: Scale, ticks: int) -> str | None:
    """A price; None where there is none: of a market order without a limit, of a busted trade."""
    return text(scale.price(ticks)) if ticks else None


# Inside.


def _standing(outcome: Outcome) -> _Standing:
    """Fold what followed over the answer."""
    stands = _begin(outcome.answer)
    for report in outcome.following:
        if isinstance(report, told.Filled):
            stands.filled_lots, stands.left_lots = report.cumulative_lots, report.leaves_lots
        elif isinstance(report, told.Restated):
            stands.price_ticks, stands.quantity_lots = report.price_ticks, report.quantity_lots
            stands.left_lots, stands.reason = report.leaves_lots, report.reason
        elif isinstance(report, told.Cancelled):
            stands.left_lots, stands.status, stands.reason = 0, CANCELLED, report.reason
    if stands.status == RESTING and not isinstance(outcome.answer, told.Duplicate):
        stands.status = FILLED if not stands.left_lots else WAITING if outcome.waiting else RESTING
    return stands


def _begin(answer: told.Report) -> _Standing:
    if isinstance(answer, told.Accepted):
        lots = answer.quantity_lots
        return _Standing(answer.order_id, answer.price_ticks, lots, 0, lots, RESTING)
    if isinstance(answer, told.Replaced):
        filled = answer.quantity_lots - answer.leaves_lots
        return _Standing(
            answer.order_id, answer.price_ticks, answer.quantity_lots, filled, answer.leaves_lots, RESTING
        )
    if isinstance(answer, told.Cancelled):
        lots = answer.cumulative_lots + answer.quantity_lots
        return _Standing(answer.order_id, None, lots, answer.cumulative_lots, 0, CANCELLED, answer.reason)
    assert isinstance(answer, told.Duplicate), f"{type(answer).__name__} answers no order"
    left = answer.quantity_lots - answer.cumulative_lots if answer.status in (RESTING, WAITING) else 0
    return _Standing(
        answer.order_id,
        answer.price_ticks,
        answer.quantity_lots,
        answer.cumulative_lots,
        left,
        answer.status,
    )


def _completed(outcome: Outcome) -> told.Completed:
    raise_refused(outcome.answer)
    assert isinstance(outcome.answer, told.Completed), "nothing else answers it"
    return outcome.answer
