"""The trigger of an order, or the distance of a trailing stop: a reason, or 0 when it may pass."""

from typing import Final

from bus.protocol.commands import EnterOrder
from bus.protocol.reasons import ALREADY_TRIGGERED, INVALID_TRAIL, INVALID_TRIGGER
from bus.protocol.terms import STOP, STOP_LIMIT, TAKE_PROFIT, TAKE_PROFIT_LIMIT, TRAILING_STOP
from matcher.book.trails import BASIS_POINTS
from matcher.book.triggers import is_up
from matcher.instruments import Instrument

#: Types that have a trigger of their own; that of a trailing stop follows the price.
_FIXED: Final = (STOP, STOP_LIMIT, TAKE_PROFIT, TAKE_PROFIT_LIMIT)


def trigger_reason(instrument: Instrument, command: EnterOrder) -> int:
    """Why an order of this type may not have this trigger and this distance; 0 when it may."""
    order_type = command.order_type
    trigger = command.trigger_price_ticks
    if order_type in _FIXED:
        if not instrument.price_min_ticks <= trigger <= instrument.price_max_ticks:
            return INVALID_TRIGGER
    elif trigger:
        return INVALID_TRIGGER
    ticks = command.trail_ticks
    points = command.trail_basis_points
    if order_type != TRAILING_STOP:
        return INVALID_TRAIL if ticks or points else 0
    if ticks and points:
        return INVALID_TRAIL
    if points:
        return 0 if 0 < points < BASIS_POINTS else INVALID_TRAIL
    return 0 if 0 < ticks <= instrument.price_max_ticks - instrument.price_min_ticks else INVALID_TRAIL


def reached_reason(instrument: Instrument, command: EnterOrder) -> int:
    """Whether the last trade has reached the trigger of such an order before it came; 0 when not."""
    last = instrument.last_price_ticks
    trigger = command.trigger_price_ticks
    if not last or not trigger:
        return 0
    reached = last >= trigger if is_up(command.side, command.order_type) else last <= trigger
    return ALREADY_TRIGGERED if reached else 0
