"""The fields of an order against the rules of its instrument: a reason, or 0 when it may pass.

Reasons are looked for in order of their numbers, so the one that is reported does not depend on how this is written.
"""

from bus.protocol.reasons import (
    INVALID_COMBINATION,
    INVALID_FLAGS,
    INVALID_ORDER_TYPE,
    INVALID_SIDE,
    INVALID_TIME_IN_FORCE,
    NOT_TRADING,
    PRICE_NOT_POSITIVE,
    PRICE_ON_MARKET_ORDER,
    PRICE_TOO_HIGH,
    PRICE_TOO_LOW,
    QUANTITY_NOT_POSITIVE,
    QUANTITY_TOO_LARGE,
    QUANTITY_TOO_SMALL,
)
from bus.protocol.terms import BUY, FOK, GTC, IOC, LIMIT, MARKET, OPEN, POST_ONLY, SELL
from matcher.instruments import Instrument


def order_reason(
    instrument: Instrument,
    side: int,
    order_type: int,
    time_in_force: int,
    flags: int,
    quantity_lots: int,
    price_ticks: int,
) -> int:
    """Why an order with these fields may not enter; 0 when it may."""
    if (
        flags == 0
        and order_type == LIMIT
        and side in (BUY, SELL)
        and GTC <= time_in_force <= FOK
        and instrument.quantity_min_lots <= quantity_lots <= instrument.quantity_max_lots
        and instrument.price_min_ticks <= price_ticks <= instrument.price_max_ticks
        and instrument.status == OPEN
    ):
        return 0  # the plain limit order, in one look
    if instrument.status != OPEN:
        return NOT_TRADING
    if side != BUY and side != SELL:
        return INVALID_SIDE
    if order_type != LIMIT and order_type != MARKET:
        return INVALID_ORDER_TYPE
    if time_in_force != GTC and time_in_force != IOC and time_in_force != FOK:
        return INVALID_TIME_IN_FORCE
    if flags != 0 and flags != POST_ONLY:
        return INVALID_FLAGS
    if flags == POST_ONLY and (order_type != LIMIT or time_in_force != GTC):
        return INVALID_COMBINATION
    if order_type == MARKET and time_in_force == GTC:
        return INVALID_COMBINATION
    reason = quantity_reason(instrument, quantity_lots)
    if reason:
        return reason
    if order_type == MARKET:
        return PRICE_ON_MARKET_ORDER if price_ticks else 0
    return price_reason(instrument, price_ticks)


def is_printable(request_id: str) -> bool:
    """Whether an id may be one. Of ASCII only: what Unicode calls printable grows with each version of Python."""
    return request_id.isascii() and request_id.isprintable()


def quantity_reason(instrument: Instrument, quantity_lots: int) -> int:
    """Why an order may not be of this quantity; 0 when it may."""
    if quantity_lots <= 0:
        return QUANTITY_NOT_POSITIVE
    if quantity_lots < instrument.quantity_min_lots:
        return QUANTITY_TOO_SMALL
    if quantity_lots > instrument.quantity_max_lots:
        return QUANTITY_TOO_LARGE
    return 0


def price_reason(instrument: Instrument, price_ticks: int) -> int:
    """Why a limit order may not have this price; 0 when it may."""
    if price_ticks <= 0:
        return PRICE_NOT_POSITIVE
    if price_ticks < instrument.price_min_ticks:
        return PRICE_TOO_LOW
    if price_ticks > instrument.price_max_ticks:
        return PRICE_TOO_HIGH
    return 0
