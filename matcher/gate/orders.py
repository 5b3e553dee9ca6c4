"""The fields of an order against the rules of its instrument: a reason, or 0 when it may pass.

Reasons are looked for in order of their numbers, so the one that is reported does not depend on how this is written.
The plain limit order never comes here: `matcher.trading` lets it pass in one look at the same rules.
"""

from typing import Final

from bus.protocol.commands import EnterOrder
from bus.protocol.reasons import (
    INVALID_COMBINATION,
    INVALID_DISPLAY,
    INVALID_EXPIRY,
    INVALID_FLAGS,
    INVALID_LINK,
    INVALID_MINIMUM,
    INVALID_ORDER_TYPE,
    INVALID_SELF_TRADE,
    INVALID_SIDE,
    INVALID_TIME_IN_FORCE,
    PRICE_NOT_POSITIVE,
    PRICE_TOO_HIGH,
    PRICE_TOO_LOW,
    QUANTITY_NOT_POSITIVE,
    QUANTITY_TOO_LARGE,
    QUANTITY_TOO_SMALL,
    WOULD_TRADE,
)
from bus.protocol.terms import (
    AT_OPEN,
    BUY,
    DECREMENT,
    FOK,
    GFA,
    GTC,
    GTD,
    HIDDEN,
    IOC,
    LIMIT,
    MARKET,
    PEGGED,
    POST_ONLY,
    POST_ONLY_REPRICE,
    SELL,
    STOP,
    TAKE_PROFIT,
    TRAILING_STOP,
)
from matcher.book.triggers import TRIGGERED_TYPES
from matcher.gate.links import ended_reason, link_reason
from matcher.gate.pegs import peg_reason, reference_reason
from matcher.gate.phases import enter_reason
from matcher.gate.triggers import reached_reason, trigger_reason
from matcher.instruments import Instrument
from matcher.ledger.account import Account

#: Ten years. Whoever means forever says GTC.
EXPIRY_MAX_NS: Final = 3653 * 24 * 3600 * 1_000_000_000
#: Types that are market orders, or become one.
_MARKET_TYPES: Final = (MARKET, STOP, TAKE_PROFIT, TRAILING_STOP)
_ALL_FLAGS = POST_ONLY | POST_ONLY_REPRICE | HIDDEN


def order_reason(instrument: Instrument, account: Account, command: EnterOrder, time_ns: int) -> int:
    """Why this order of the account may not enter at this time; 0 when it may."""
    reason = enter_reason(instrument.phase, command)
    if reason:
        return reason
    side = command.side
    if side != BUY and side != SELL:
        return INVALID_SIDE
    order_type = command.order_type
    if not LIMIT <= order_type <= PEGGED:
        return INVALID_ORDER_TYPE
    at_market = order_type in _MARKET_TYPES
    time_in_force = command.time_in_force
    if not GTC <= time_in_force <= GFA:
        return INVALID_TIME_IN_FORCE
    flags = command.flags
    post_only = flags & (POST_ONLY | POST_ONLY_REPRICE)
    if flags & ~_ALL_FLAGS or post_only == POST_ONLY | POST_ONLY_REPRICE:
        return INVALID_FLAGS
    at_once = time_in_force in (IOC, FOK)
    if (post_only or flags & HIDDEN) and (at_market or at_once):
        return INVALID_COMBINATION
    for_auction = time_in_force >= AT_OPEN
    if for_auction and (order_type not in (LIMIT, MARKET) or flags or command.display_lots):
        return INVALID_COMBINATION
    if at_market and (at_once or for_auction) != (order_type == MARKET):
        return INVALID_COMBINATION
    if post_only and (order_type in TRIGGERED_TYPES or order_type == PEGGED):
        return INVALID_COMBINATION
    if at_once and order_type == PEGGED:
        return INVALID_COMBINATION
    reason = quantity_reason(instrument, command.quantity_lots)
    if reason:
        return reason
    price = command.price_ticks
    if price or not (at_market or order_type == PEGGED):
        reason = price_reason(instrument, price)
        if reason:
            return reason
    linked = command.cancels_with or command.triggered_by
    reason = _instruction_reason(instrument, command, time_ns)
    if not reason and linked:
        reason = INVALID_LINK if for_auction else link_reason(account, command)
    if not reason and not command.triggered_by:
        reason = _market_reason(instrument, command)
    if not reason and linked:
        reason = ended_reason(account, command)
    return reason


def _market_reason(instrument: Instrument, command: EnterOrder) -> int:
    """Why the market as it is now does not let this order in; 0 when it does."""
    order_type = command.order_type
    if order_type in TRIGGERED_TYPES:
        return reached_reason(instrument, command)
    if order_type == PEGGED:
        return reference_reason(instrument, command)
    post_only = command.flags & (POST_ONLY | POST_ONLY_REPRICE)
    if not post_only or not instrument.book.would_trade(command.side, command.price_ticks):
        return 0
    passive = instrument.book.passive_price(command.side, command.price_ticks)
    return WOULD_TRADE if post_only == POST_ONLY or price_reason(instrument, passive) else 0


def _instruction_reason(instrument: Instrument, command: EnterOrder, time_ns: int) -> int:
    """Why an order may not have these instructions; 0 when it may."""
    at_once = command.time_in_force in (IOC, FOK)
    display = command.display_lots
    if display and (
        not instrument.quantity_min_lots <= display < command.quantity_lots
        or at_once
        or command.order_type in _MARKET_TYPES
        or command.flags & HIDDEN
    ):
        return INVALID_DISPLAY
    minimum = command.minimum_lots
    if minimum and (
        not 0 < minimum <= command.quantity_lots
        or command.time_in_force == FOK
        or command.time_in_force >= AT_OPEN
        or command.order_type == PEGGED
        or command.flags & (POST_ONLY | POST_ONLY_REPRICE)
    ):
        return INVALID_MINIMUM
    expires_ns = command.expires_ns
    if command.time_in_force == GTD:
        if not time_ns < expires_ns <= time_ns + EXPIRY_MAX_NS:
            return INVALID_EXPIRY
    elif expires_ns:
        return INVALID_EXPIRY
    reason = trigger_reason(instrument, command)
    if reason:
        return reason
    reason = peg_reason(command)
    if reason:
        return reason
    return 0 if 0 <= command.self_trade <= DECREMENT else INVALID_SELF_TRADE


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
    """Why an order may not have this price; 0 when it may."""
    if price_ticks <= 0:
        return PRICE_NOT_POSITIVE
    if price_ticks < instrument.price_min_ticks:
        return PRICE_TOO_LOW
    if price_ticks > instrument.price_max_ticks:
        return PRICE_TOO_HIGH
    return 0
