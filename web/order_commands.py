"""Bodies of requests into commands: decimals into ticks and lots, words into numbers, each mistake by its field.

What cannot be said at all is refused here, before anything is sent; whether the market takes it is the engine's to
say. Called by `web.trading`.
"""

from http import HTTPStatus
from typing import Final

from bus.errors import OffLot, OffTick
from bus.protocol import commands
from bus.protocol import reasons as engine
from bus.sockets.session import orders
from bus.sockets.session.orders import Instructions, OrderName
from bus.sockets.session.prices import Scale
from web.errors import CONFLICT, INVALID_FIELD, MISSING_FIELD, Refusal
from web.schemas.orders import PRICED, CancelAll, NewOrder, OrderCancel, OrderReplace

#: The numbers of a command are signed and of 64 bits.
_NUMBER_MAX: Final = 2**63 - 1

#: Fields of a body, and what the engine's desk calls them.
_PRICES: Final = {"trigger_price": "trigger", "trail_distance": "trail", "peg_offset": "peg_offset"}
_QUANTITIES: Final = {"display_quantity": "display", "minimum_quantity": "minimum"}
_WORDS: Final = {
    "trail_basis_points": "trail_basis_points",
    "peg": "peg",
    "self_trade": "self_trade",
    "cancels_with": "cancels_with",
    "triggered_by": "triggered_by",
}
_INSTRUCTIONS: Final = tuple({**_PRICES, **_QUANTITIES, **_WORDS}.items())

#: Which field a refusal of the engine is about.
FIELD_OF: Final = {
    engine.INVALID_ID: "client_order_id",
    engine.ID_TAKEN: "client_order_id",
    engine.UNKNOWN_SYMBOL: "symbol",
    engine.NOT_TRADING: "symbol",
    engine.INVALID_TIME_IN_FORCE: "time_in_force",
    engine.QUANTITY_NOT_POSITIVE: "quantity",
    engine.QUANTITY_TOO_SMALL: "quantity",
    engine.QUANTITY_TOO_LARGE: "quantity",
    engine.PRICE_NOT_POSITIVE: "price",
    engine.PRICE_TOO_LOW: "price",
    engine.PRICE_TOO_HIGH: "price",
    engine.LIMIT_NEEDED: "price",
    engine.INVALID_DISPLAY: "display_quantity",
    engine.INVALID_MINIMUM: "minimum_quantity",
    engine.INVALID_EXPIRY: "expires_ms",
    engine.INVALID_TRIGGER: "trigger_price",
    engine.ALREADY_TRIGGERED: "trigger_price",
    engine.INVALID_TRAIL: "trail_distance",
    engine.INVALID_PEG: "peg",
    engine.NO_REFERENCE: "peg",
    engine.INVALID_SELF_TRADE: "self_trade",
    engine.INVALID_TIMEOUT: "timeout_ms",
}


def enter_order(scale: Scale, body: NewOrder, client_order_id: str) -> commands.EnterOrder:
    """The command of a new order. Raises Refusal."""
    if body.price is None and body.type in PRICED:
        raise Refusal(MISSING_FIELD, f"a {body.type} order has a price", "price")
    instructions: Instructions = {}
    for name, word in _INSTRUCTIONS:
        value = getattr(body, name)
        if value is not None:
            instructions[word] = value  # type: ignore[literal-required]  # the words of the tables above
    if body.self_trade_group:
        instructions["self_trade_group"] = body.self_trade_group
    if body.expires_ms is not None:
        instructions["expires_ns"] = body.expires_ms * 1_000_000
    instructions["reprice"] = body.post_only_reprice
    instructions["hidden"] = body.hidden
    try:
        command = orders.enter_order(
            scale,
            client_order_id,
            body.side,
            body.quantity,
            body.price,
            body.time_in_force,
            body.type,
            body.post_only,
            instructions,
        )
    except (OffTick, OffLot, ValueError):
        _check_numbers(scale, body)
        raise
    if not _fits(command):
        _check_numbers(scale, body)
    return command


def cancel_order(body: OrderCancel) -> commands.CancelOrder:
    """The command of a cancel. Raises Refusal."""
    return orders.cancel_order(name_of(body))


def replace_order(scale: Scale, body: OrderReplace, request_id: str) -> commands.ReplaceOrder:
    """The command of a replace. Raises Refusal."""
    name = name_of(body)
    if body.price is None and body.quantity is None:
        raise Refusal(engine.NOTHING_TO_REPLACE)
    # Inside, 0 keeps what is there: here it would be a price or a quantity.
    if body.price is not None and not check_price(scale, body.price, "price"):
        raise Refusal(engine.PRICE_NOT_POSITIVE, field="price")
    if body.quantity is not None and not check_quantity(scale, body.quantity, "quantity"):
        raise Refusal(engine.QUANTITY_NOT_POSITIVE, field="quantity")
    return orders.replace_order(scale, request_id, name, body.price, body.quantity)


def mass_cancel(body: CancelAll) -> commands.MassCancel:
    """The command of a mass cancel."""
    return orders.mass_cancel(body.symbol or "", body.side)


def name_of(body: OrderCancel | OrderReplace) -> OrderName:
    """The one id that a body names its order by. Raises Refusal."""
    return one_name(body.order_id, body.client_order_id)


def one_name(
    order_id: int | None, client_order_id: str | None, status: int = HTTPStatus.BAD_REQUEST
) -> OrderName:
    """Exactly one of two ids. Raises Refusal with this status."""
    if order_id is None and client_order_id is not None:
        return client_order_id
    if order_id is not None and client_order_id is None:
        return order_id
    if order_id is None:
        raise Refusal(
            MISSING_FIELD, "name the order by its order_id or its client_order_id", "order_id", status=status
        )
    raise Refusal(INVALID_FIELD, "name the order by exactly one of its ids", "client_order_id", status=status)


def _fits(command: commands.EnterOrder) -> bool:
    """Whether a message can hold the numbers that came of decimals."""
    numbers = (
        command.quantity_lots,
        command.price_ticks,
        command.display_lots,
        command.minimum_lots,
        command.trigger_price_ticks,
        command.trail_ticks,
        command.peg_offset_ticks,
    )
    return max(numbers) <= _NUMBER_MAX and min(numbers) >= -_NUMBER_MAX


def _check_numbers(scale: Scale, body: NewOrder) -> None:
    """Name the field that is wrong: one by one, which is done only when something is. Raises Refusal."""
    for names, check in (
        ((*_PRICES, "price"), check_price),
        ((*_QUANTITIES, "quantity"), check_quantity),
    ):
        for name in names:
            value = getattr(body, name)
            if value is not None:
                check(scale, value, name)


def check_price(scale: Scale, price: str, field: str) -> int:
    """A price in ticks. Raises Refusal."""
    try:
        ticks = scale.price_ticks(price)
    except (OffTick, ValueError) as error:
        raise Refusal(INVALID_FIELD, str(error), field, status=CONFLICT) from None
    return _number(ticks, field)


def check_quantity(scale: Scale, quantity: str, field: str) -> int:
    """A quantity in lots. Raises Refusal."""
    try:
        lots = scale.quantity_lots(quantity)
    except (OffLot, ValueError) as error:
        raise Refusal(INVALID_FIELD, str(error), field, status=CONFLICT) from None
    return _number(lots, field)


def _number(count: int, field: str) -> int:
    if abs(count) > _NUMBER_MAX:
        raise Refusal(INVALID_FIELD, "larger than any number here", field, status=CONFLICT)
    return count
