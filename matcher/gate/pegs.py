"""What a pegged order follows: a reason, or 0 when it may pass."""

from bus.protocol.commands import EnterOrder
from bus.protocol.reasons import INVALID_PEG, NO_REFERENCE
from bus.protocol.terms import BEST_BID, HIDDEN, MIDPOINT, PEGGED
from matcher.book.pegs import best_displayed, keeps_its_side, pegged_ticks
from matcher.instruments import Instrument


def peg_reason(command: EnterOrder) -> int:
    """Why an order of this type may not follow this; 0 when it may."""
    peg = command.peg
    offset = command.peg_offset_ticks
    if command.order_type != PEGGED:
        return INVALID_PEG if peg or offset else 0
    if not BEST_BID <= peg <= MIDPOINT or not keeps_its_side(command.side, peg, offset):
        return INVALID_PEG
    return INVALID_PEG if peg == MIDPOINT and not command.flags & HIDDEN else 0


def reference_reason(instrument: Instrument, command: EnterOrder) -> int:
    """Whether there is nothing to follow now, or nothing that leads to an allowed price; 0 when there is."""
    book = instrument.book
    price = pegged_ticks(command, command.price_ticks, best_displayed(book.bids), best_displayed(book.asks))
    return 0 if instrument.price_min_ticks <= price <= instrument.price_max_ticks else NO_REFERENCE
