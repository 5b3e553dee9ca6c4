"""Protecting: how an operator gives an instrument its price bands (docs/rules.md, BAND).

`matcher.book.protection` knows them, `matcher.day.phasing` acts by them. Called by `matcher.operating`.
"""

from bus.protocol.commands import SetProtection
from bus.protocol.reasons import INVALID_PROTECTION, UNKNOWN_SYMBOL
from matcher.book.protection import Protection
from matcher.following import Following
from matcher.gate.protection import is_valid


def set_protection(market: Following, command: SetProtection) -> int:
    """Bands in the place of those that were set before: a reason, 0 when it was done. In any phase."""
    # gate
    instrument = market.state.instruments.get(command.symbol)
    if instrument is None:
        return UNKNOWN_SYMBOL
    if not is_valid(instrument, command):
        return INVALID_PROTECTION
    if market.judging:
        return 0
    # book
    instrument.protection = None
    if command.static_basis_points or command.dynamic_basis_points or command.rebalance:
        instrument.protection = Protection(
            command.static_basis_points,
            command.dynamic_basis_points,
            command.auction_ms,
            command.random_ms,
            command.rebalance != 0,
        )
    market.guard(instrument)
    reference: int = command.reference_ticks or instrument.reference_ticks
    if reference != instrument.reference_ticks and instrument.stage is not None:
        market.look_again(instrument)
    instrument.reference_ticks = reference
    if instrument.protection is not None:
        instrument.protection.refer_to(reference)
    # events
    market.tell_protection(instrument)
    return 0
