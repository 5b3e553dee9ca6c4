"""Price bands: whether an instrument may have these."""

from bus.protocol.commands import SetProtection
from matcher.book.trails import BASIS_POINTS
from matcher.gate.phases import DURATION_MS_MAX, RANDOM_MS_MAX
from matcher.instruments import Instrument


def is_valid(instrument: Instrument, command: SetProtection) -> bool:
    """Whether the bands are bands, the reference is a price of the instrument, and the auction lasts and ends.

    Bands are of 1 to 10,000 basis points, the dynamic one no wider than the static one. What is not asked for is 0.
    """
    static, dynamic = command.static_basis_points, command.dynamic_basis_points
    if not 0 <= static <= BASIS_POINTS or not 0 <= dynamic <= BASIS_POINTS or 0 < static < dynamic:
        return False
    reference = command.reference_ticks
    if reference and not instrument.price_min_ticks <= reference <= instrument.price_max_ticks:
        return False
    if command.rebalance not in (0, 1):
        return False
    acts = static or dynamic or command.rebalance
    if not (1 if acts else 0) <= command.auction_ms <= (DURATION_MS_MAX if acts else 0):
        return False
    return 0 <= command.random_ms <= (RANDOM_MS_MAX if acts else 0)
