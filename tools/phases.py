"""Phases, what an auction would do, price bands, in people's words: the same wherever the command line tells of them.

opening-auction  until 09:05:00  1.5000 at 30000.00, buyers want 0.2500 more
"""

from typing import Final

from rich.text import Text

from bus.protocol.control import Protection
from bus.protocol.feed import ProtectionSet
from bus.protocol.terms import CAUSES, CLOSED, CONTINUOUS, HALTED, PHASES
from bus.sockets.session.prices import Scale
from tools.decoded import time_text

_OPEN: Final = "bold green"
_COLLECTING: Final = "bold yellow"
_SHUT: Final = "bold red"


def phase_style(phase: int) -> str:
    """Green where trading goes on, red where only cancels are taken, yellow where orders collect."""
    return _OPEN if phase == CONTINUOUS else _SHUT if phase in (HALTED, CLOSED) else _COLLECTING


def phase_text(phase: int) -> Text:
    """The name of a phase."""
    return Text(PHASES.get(phase, str(phase)), phase_style(phase))


def cause_words(cause: int) -> str:
    """By what a phase began."""
    return f"by {CAUSES.get(cause, str(cause))}"


def end_words(ends_ns: int) -> str:
    """When a phase ends, UTC; nothing when that is not known."""
    return f"until {time_text(ends_ns)[11:19]}" if ends_ns else ""


def auction_words(scale: Scale | None, price_ticks: int, quantity_lots: int, imbalance_lots: int) -> str:
    """What an auction trades, or would if it ended now, and what is left of it."""

    def quantity(lots: int) -> str:
        return f"{lots} lots" if scale is None else f"{scale.quantity(lots):,f}"

    if not price_ticks:
        traded = "no price"
    else:
        price = f"{price_ticks} ticks" if scale is None else f"{scale.price(price_ticks):,f}"
        traded = f"{quantity(quantity_lots)} at {price}"
    if not imbalance_lots:
        return traded
    side = "buyers want" if imbalance_lots > 0 else "sellers offer"
    return f"{traded}, {side} {quantity(abs(imbalance_lots))} more"


def band_words(scale: Scale | None, bands: Protection | ProtectionSet) -> list[str]:
    """Within which prices an instrument trades, band by band; nothing when it trades at any price."""

    def price(ticks: int) -> str:
        return f"{ticks} ticks" if scale is None else f"{scale.price(ticks):f}"

    words: list[str] = []
    if bands.static_high_ticks:
        words.append(f"from {price(bands.static_low_ticks)} to {price(bands.static_high_ticks)}")
    elif bands.static_basis_points:
        words.append(f"within {bands.static_basis_points} bp of the next auction's price")
    if bands.dynamic_basis_points:
        words.append(f"within {bands.dynamic_basis_points} bp of the last trade")
    if bands.rebalance:
        words.append("with both sides")
    return words
