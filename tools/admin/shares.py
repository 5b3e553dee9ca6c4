"""Shares as an operator writes them: `0.25%`, or `0.0025`."""

from decimal import Decimal, InvalidOperation
from typing import Final

_PERCENT: Final = "%"


def share(text: str) -> Decimal:
    """A share of one. ValueError for what is no number."""
    try:
        number = Decimal(text.removesuffix(_PERCENT))
    except InvalidOperation:
        raise ValueError(f"{text!r} is no share: say 0.25% or 0.0025") from None
    return number.scaleb(-2) if text.endswith(_PERCENT) else number
