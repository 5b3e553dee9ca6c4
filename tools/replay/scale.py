"""Decimal texts to whole ticks and lots of one instrument, exactly: what is no whole number of them is refused (I8)."""

import re
from dataclasses import dataclass
from typing import Final

from bus.protocol.commands import DefineInstrument

#: No number of the protocol has more digits in front of the point, and no instrument more behind it.
_DECIMAL: Final = re.compile(r"([0-9]{1,19})(?:\.([0-9]{1,40}))?", re.ASCII)


@dataclass(frozen=True, slots=True)
class Scale:
    """The tick and the lot of an instrument, each `mantissa * 10**-decimals`."""

    tick_mantissa: int
    tick_decimals: int
    lot_mantissa: int
    lot_decimals: int

    @classmethod
    def of(cls, definition: DefineInstrument) -> "Scale":
        """The scale of a defined instrument."""
        return cls(
            definition.tick_mantissa,
            definition.tick_decimals,
            definition.lot_mantissa,
            definition.lot_decimals,
        )

    def price_ticks(self, text: str) -> int:
        """`"236.47"` in ticks; ValueError says what is wrong with the text."""
        return _whole(text, self.tick_mantissa, self.tick_decimals, "tick")

    def quantity_lots(self, text: str) -> int:
        """`"0.5"` in lots; ValueError says what is wrong with the text."""
        return _whole(text, self.lot_mantissa, self.lot_decimals, "lot")

    def nearest_price_ticks(self, value: float) -> int:
        """The ticks of a price that its source wrote as a binary fraction (`236.61000000000001`)."""
        return self.price_ticks(f"{value:.{self.tick_decimals}f}")

    def nearest_quantity_lots(self, value: float) -> int:
        """The lots of a quantity that its source wrote as a binary fraction."""
        return self.quantity_lots(f"{value:.{self.lot_decimals}f}")


def step_of(text: str) -> tuple[int, int]:
    """`(mantissa, decimals)` of a tick or lot that is written as a decimal; ValueError for none or zero."""
    match = _DECIMAL.fullmatch(text)
    if match is None:
        raise ValueError(f"{text!r} is not a decimal number")
    whole, fraction = match[1], (match[2] or "").rstrip("0")
    mantissa = int(whole + fraction)
    if not mantissa:
        raise ValueError("a tick or lot is more than 0")
    return mantissa, len(fraction)


def _whole(text: str, mantissa: int, decimals: int, unit: str) -> int:
    match = _DECIMAL.fullmatch(text)
    if match is None:
        raise ValueError(f"{text!r} is not a decimal number")
    fraction = (match[2] or "").rstrip("0")
    if len(fraction) <= decimals:
        count, rest = divmod(int(match[1] + fraction.ljust(decimals, "0")), mantissa)
        if not rest and count < 2**63:
            return count
        if not rest:
            raise ValueError(f"{text!r} is too large")
    raise ValueError(f"{text!r} is not a whole number of {unit}s of {_shown(mantissa, decimals)}")


def _shown(mantissa: int, decimals: int) -> str:
    digits = str(mantissa).rjust(decimals + 1, "0")
    return f"{digits[: len(digits) - decimals]}.{digits[len(digits) - decimals :]}".rstrip(".")
