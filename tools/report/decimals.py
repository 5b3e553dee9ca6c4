"""Whole numbers of units, ticks and lots as decimal text, exactly: what all tables of a report say amounts with.

Text and not `Decimal`, since a day has millions of them: this is four times as fast.
"""

from typing import final

from bus.protocol.commands import DefineInstrument
from publisher.rounding import half_even

#: Of an average price, behind those of a tick; and how many decimals anything of a report has at most.
_MEAN_DECIMALS = 6
DECIMALS_MAX = 18


def decimal_text(units: int, decimals: int) -> str:
    """`units * 10**-decimals` with so many decimals: `decimal_text(-5, 2)` is `-0.05`."""
    if not decimals:
        return str(units)
    digits = str(abs(units)).rjust(decimals + 1, "0")
    return f"{'-' if units < 0 else ''}{digits[:-decimals]}.{digits[-decimals:]}"


@final
class Texts:
    """Of one instrument, whose assets, tick and lot never change."""

    __slots__ = ("_definition", "_value_decimals", "_value_mantissa", "base", "quote")

    def __init__(self, definition: DefineInstrument) -> None:
        self._definition = definition
        self._value_mantissa = definition.tick_mantissa * definition.lot_mantissa
        self._value_decimals = definition.tick_decimals + definition.lot_decimals
        self.base = definition.base
        self.quote = definition.quote

    def price(self, ticks: int) -> str:
        """With the decimals of a tick."""
        return decimal_text(ticks * self._definition.tick_mantissa, self._definition.tick_decimals)

    def quantity(self, lots: int) -> str:
        """With the decimals of a lot."""
        return decimal_text(lots * self._definition.lot_mantissa, self._definition.lot_decimals)

    def value(self, tick_lots: int) -> str:
        """Ticks times lots in the quote asset, with the decimals of a tick and those of a lot."""
        return decimal_text(tick_lots * self._value_mantissa, self._value_decimals)

    def mean_price(self, tick_lots: int, lots: int) -> str | None:
        """The price of so many lots on average, rounded half to even; None without lots.

        With six decimals more than a tick has, and at most 18.
        """
        if not lots:
            return None
        decimals = min(self._definition.tick_decimals + _MEAN_DECIMALS, DECIMALS_MAX)
        scale = self._definition.tick_mantissa * 10 ** (decimals - self._definition.tick_decimals)
        return decimal_text(half_even(tick_lots * scale, lots), decimals)
