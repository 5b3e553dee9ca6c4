"""Orders in people's words, made into commands: "buy", "1.5", "30000.00" become sides, lots and ticks.

Only what cannot be said at all is refused here (a word that does not exist, a price between two ticks); whether the
market takes it is the engine's to say. Nothing here sends.
"""

from collections.abc import Mapping
from typing import Final, TypeAlias

import msgspec

from bus.protocol.commands import CancelOrder, DefineInstrument, EnterOrder, MassCancel, ReplaceOrder
from bus.protocol.terms import (
    GTC,
    IOC,
    LIMIT,
    MARKET,
    ORDER_TYPES,
    POST_ONLY,
    SIDES,
    TIMES_IN_FORCE,
    TRADING_STATUSES,
)
from bus.sockets.session.prices import Number, Scale, step_of

#: A word of `bus.protocol.terms` ("buy", "IOC", "market"), or its number.
Word: TypeAlias = str | int
#: An open order, by the client's own id (text) or the engine's (number).
OrderName: TypeAlias = str | int

BOTH_SIDES: Final = 0


def enter_order(
    scale: Scale,
    client_order_id: str,
    side: Word,
    quantity: Number,
    price: Number | None,
    time_in_force: Word | None,
    order_type: Word | None,
    post_only: bool,
) -> EnterOrder:
    """A new order. Without a price it is a market order; a market order is IOC unless something else is said."""
    if order_type is None:
        kind = MARKET if price is None else LIMIT
    else:
        kind = number_of(order_type, ORDER_TYPES, "order type")
    if kind == LIMIT and price is None:
        raise ValueError("a limit order has a price")
    if time_in_force is None:
        force = IOC if kind == MARKET else GTC
    else:
        force = number_of(time_in_force, TIMES_IN_FORCE, "time in force")
    return EnterOrder(
        client_order_id,
        scale.symbol,
        side_of(side),
        scale.quantity_lots(quantity),
        0 if price is None else scale.price_ticks(price),
        kind,
        force,
        POST_ONLY if post_only else 0,
    )


def cancel_order(order: OrderName) -> CancelOrder:
    """Cancel an open order."""
    return CancelOrder(order) if isinstance(order, int) else CancelOrder(0, order)


def replace_order(
    scale: Scale, request_id: str, order: OrderName, price: Number | None, quantity: Number | None
) -> ReplaceOrder:
    """A new price, a new whole quantity, or both, for an open order."""
    order_id, client_order_id = (order, "") if isinstance(order, int) else (0, order)
    return ReplaceOrder(
        request_id,
        order_id,
        client_order_id,
        0 if price is None else scale.price_ticks(price),
        0 if quantity is None else scale.quantity_lots(quantity),
    )


def mass_cancel(symbol: str, side: Word | None) -> MassCancel:
    """Cancel all open orders of a symbol ("": all) and a side (None: both)."""
    return MassCancel(symbol, BOTH_SIDES if side is None else side_of(side))


def define_instrument(
    symbol: str,
    base: str,
    quote: str,
    tick: Number,
    lot: Number,
    price_min: Number,
    price_max: Number,
    quantity_min: Number,
    quantity_max: Number,
) -> DefineInstrument:
    """An instrument by its tick and lot as decimals; the limits must be whole numbers of them."""
    tick_mantissa, tick_decimals = step_of(tick, "tick")
    lot_mantissa, lot_decimals = step_of(lot, "lot")
    bare = DefineInstrument(
        symbol, base, quote, tick_mantissa, tick_decimals, lot_mantissa, lot_decimals, 1, 1, 1, 1
    )
    scale = Scale(bare)
    return msgspec.structs.replace(
        bare,
        price_min_ticks=scale.price_ticks(price_min),
        price_max_ticks=scale.price_ticks(price_max),
        quantity_min_lots=scale.quantity_lots(quantity_min),
        quantity_max_lots=scale.quantity_lots(quantity_max),
    )


def side_of(side: Word) -> int:
    """BUY or SELL."""
    return number_of(side, SIDES, "side")


def trading_status_of(status: Word) -> int:
    """OPEN or HALTED."""
    return number_of(status, TRADING_STATUSES, "trading status")


def number_of(word: Word, names: Mapping[int, str], what: str) -> int:
    """The number behind one of the protocol's words, in whatever case; ValueError for a word that is none."""
    if isinstance(word, int):
        if word in names:
            return word
    else:
        for number, name in names.items():
            if name.lower() == word.lower():
                return number
    raise ValueError(f"{word!r} is no {what}: there are {', '.join(names.values())}")
