"""Shares as an operator writes them: `0.25%`, or `0.0025`."""

from decimal import Decimal, InvalidOperation, Overflow
from typing import Final

_PERCENT: Final = "%"


def share(text: str) -> Decimal:
    """A share of one. ValueError for what is no number."""
    try:
        number = Decimal(text.removesuffix(_PERCENT))
        return number.scaleb(-2) if text.endswith(_PERCENT) and number.is_finite() else number
    except (InvalidOperation, Overflow):
        raise ValueError(f"{text!r} is no share: say 0.25% or 0.0025") from None


def share_text(billionths: int) -> str:
    """Billionths as percent: `0.25%`."""
    text = f"{Decimal(billionths).scaleb(-7):f}"
    return f"{text.rstrip('0').rstrip('.') or '0'}{_PERCENT}"
