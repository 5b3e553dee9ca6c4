"""What may enter in each phase of an instrument: the table of docs/rules.md (PHASE), asked for a kind of order.

    phase                          rest  at once  market  post-only  pegged  minimum  trigger  for an auction
    continuous                     yes   yes      yes     yes        yes     yes      yes      waits for its auction
    pre-open, opening auction      yes   -        -       -          -       -        waits    takes part, ATC waits
    volatility auction             yes   -        -       -          -       -        waits    GFA takes part
    closing auction                yes   -        -       -          -       -        waits    takes part, ATO waits
    halted, closed                 -     -        -       -          -       -        -        -

Cancels pass always, replaces where orders may rest: not those of pegged orders, which move in continuous trading alone.
"""

from typing import Final

from bus.protocol.commands import EnterOrder
from bus.protocol.reasons import NOT_IN_PHASE, NOT_TRADING
from bus.protocol.terms import (
    CLOSED,
    CONTINUOUS,
    FOK,
    HALTED,
    IOC,
    PEGGED,
    POST_ONLY,
    POST_ONLY_REPRICE,
)
from matcher.book.level import Order
from matcher.book.triggers import TRIGGERED_TYPES

#: A phase that is meant to outlast a day is meant to last until somebody ends it.
DURATION_MS_MAX: Final = 24 * 3600 * 1000
#: Long enough that nobody can tell the end, short enough that nobody waits for it.
RANDOM_MS_MAX: Final = 10 * 60 * 1000


def enter_reason(phase: int, command: EnterOrder) -> int:
    """Why an order may not enter in a phase; 0 when it may."""
    if phase == CONTINUOUS:
        return 0
    if phase in (HALTED, CLOSED):
        return NOT_TRADING
    if command.time_in_force in (IOC, FOK) or command.order_type == PEGGED:
        return NOT_IN_PHASE
    if command.flags & (POST_ONLY | POST_ONLY_REPRICE):
        return NOT_IN_PHASE
    if command.minimum_lots and command.order_type not in TRIGGERED_TYPES and not command.triggered_by:
        return NOT_IN_PHASE
    return 0


def replace_reason(phase: int, order: Order, price_ticks: int) -> int:
    """Why an order may not be replaced in a phase, at this price (0: at its own); 0 when it may."""
    if phase == CONTINUOUS:
        return 0
    if phase in (HALTED, CLOSED):
        return NOT_TRADING
    if order.order_type == PEGGED or (price_ticks and order.flags & (POST_ONLY | POST_ONLY_REPRICE)):
        return NOT_IN_PHASE
    return 0
