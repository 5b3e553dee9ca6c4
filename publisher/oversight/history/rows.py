"""Values as rows of the tables, and rows as values. Used by whatever writes, and by what reads."""

from typing import Any, Final

import msgspec

from bus.errors import StoreDamaged
from bus.protocol.codec import encode
from bus.protocol.commands import EnterOrder
from publisher.oversight.history.changes import KeptExecution, KeptMovement, KeptRejection, KeptReport
from publisher.oversight.history.lives import OrderState

_decode_entered: Final = msgspec.msgpack.Decoder(EnterOrder).decode


def order_of(row: Any) -> OrderState:
    """A row of the table of orders as a value. StoreDamaged when it holds no order."""
    try:
        entered = _decode_entered(row.entered)
    except msgspec.MsgspecError as error:
        raise StoreDamaged(f"order {row.order_id}: what was entered cannot be read: {error}") from None
    return OrderState(
        row.account,
        row.order_id,
        entered,
        row.price_ticks,
        row.quantity_lots,
        row.entered_ns,
        row.updated_ns,
        row.last_sequence,
        row.last_report,
        row.status,
        row.filled_lots,
        row.reason,
        row.fills,
        row.filled_quote,
        row.busted_lots,
        row.ended_ns,
    )


def report_row(report: KeptReport) -> tuple[Any, ...]:
    """A report as a row."""
    return msgspec.structs.astuple(report)


def order_row(order: OrderState) -> tuple[Any, ...]:
    """An order as a row."""
    return (
        order.order_id,
        order.account,
        order.entered.client_order_id,
        order.entered.symbol,
        encode(order.entered),
        order.price_ticks,
        order.quantity_lots,
        order.filled_lots,
        order.status,
        order.reason,
        order.fills,
        order.filled_quote,
        order.busted_lots,
        order.entered_ns,
        order.updated_ns,
        order.ended_ns,
        order.last_sequence,
        order.last_report,
    )


def execution_row(kept: KeptExecution) -> tuple[Any, ...]:
    """An execution as a row."""
    return (kept.drop_number, kept.account, *msgspec.structs.astuple(kept.execution))


def rejection_row(kept: KeptRejection) -> tuple[Any, ...]:
    """A refusal as a row."""
    # PostgreSQL has no texts with a zero in them, and no id that was taken has one.
    return (
        kept.drop_number,
        kept.account,
        kept.report_number,
        kept.request_id.replace("\0", "\ufffd"),
        kept.time_ns,
    )


def movement_row(kept: KeptMovement) -> tuple[Any, ...]:
    """A movement as a row."""
    return (kept.drop_number, kept.place, kept.account, *msgspec.structs.astuple(kept.movement))
