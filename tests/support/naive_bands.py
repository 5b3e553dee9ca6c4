"""Price bands of the naive exchange, written from docs/rules.md (chapter BAND): each price is asked for by itself."""

from collections.abc import Callable

from bus.protocol import reasons
from bus.protocol.commands import SetProtection
from tests.support.naive_gate import NaiveInstrument

Event = tuple[int, ...]


def broken_by_protection(command: SetProtection, known: NaiveInstrument | None) -> list[int]:
    """Reasons against bands."""
    if known is None:
        return [reasons.UNKNOWN_SYMBOL]
    limits = known.definition
    static, dynamic = command.static_basis_points, command.dynamic_basis_points
    wrong = not (0 <= static <= 10_000 and 0 <= dynamic <= 10_000) or (static != 0 and dynamic > static)
    if command.reference_ticks != 0:
        wrong |= not limits.price_min_ticks <= command.reference_ticks <= limits.price_max_ticks
    if static == dynamic == command.rebalance == 0:
        wrong |= command.auction_ms != 0 or command.random_ms != 0
    else:
        wrong |= not 1 <= command.auction_ms <= 24 * 3600 * 1000
        wrong |= not 0 <= command.random_ms <= 600 * 1000
    wrong |= command.rebalance not in (0, 1)
    return [reasons.INVALID_PROTECTION] if wrong else []


def is_near(price: int, middle: int, points: int) -> bool:
    """Whether a price is in a band; one that is not there, or has no middle, lets everything pass."""
    return points == 0 or middle == 0 or abs(price - middle) * 10_000 <= middle * points


def within_bands(instrument: NaiveInstrument) -> Callable[[int], bool]:
    """Whether orders may trade at a price."""
    bands = instrument.protection
    if bands is None:
        return lambda _: True
    static, dynamic = bands.static_basis_points, bands.dynamic_basis_points
    reference, last = instrument.reference, instrument.last_before
    return lambda price: is_near(price, reference, static) and is_near(price, last, dynamic)


def is_beyond_static(instrument: NaiveInstrument, price: int) -> bool:
    """Whether an auction may not print a price at once."""
    bands = instrument.protection
    return bands is not None and not is_near(price, instrument.reference, bands.static_basis_points)


def told_bands(instrument: NaiveInstrument) -> Event:
    """What everybody hears of them."""
    bands, reference = instrument.protection, instrument.reference
    if bands is None:
        return (reference, 0, 0, 0, 0, 0, 0, 0)
    points = bands.static_basis_points
    inside = [price for price in range(2 * reference + 1) if is_near(price, reference, points)]
    static = (min(inside), max(inside)) if points and reference else (0, 0)
    return (
        *(reference, points, *static, bands.dynamic_basis_points),
        *(bands.auction_ms, bands.random_ms, bands.rebalance),
    )
