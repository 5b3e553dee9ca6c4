"""Prices and quantities as people write them, and as the engine has them: exact both ways (I8).

Inside are whole ticks and lots; decimals live at the edge, in `Decimal` or text. A float is refused whatever its value,
for 0.1 is none of the numbers that people mean by it. Nothing is rounded: what is no whole number of ticks is OffTick.
"""

from decimal import Context, Decimal, InvalidOperation
from typing import Final, Protocol, TypeAlias

from bus.errors import OffLot, OffTick

#: What a price or a quantity may be given as.
Number: TypeAlias = Decimal | str | int

_NUMBERS: Final = (str, int, Decimal)
#: Digits of a decimal that is computed with: 63 bits of ticks, times a mantissa of 63 bits, and 18 decimals, fit.
_DIGITS: Final = 64
#: A decimal with more places than this is no price of anybody; it bounds what a text can make us compute.
_EXPONENT_MAX: Final = 64
#: Not the caller's context, which may round.
_EXACT: Final = Context(prec=_DIGITS)


class Stepped(Protocol):
    """Whatever has a symbol, a tick and a lot: an instrument as it is defined, or as publishers announce it."""

    @property
    def symbol(self) -> str:
        """Its name."""

    @property
    def tick_mantissa(self) -> int:
        """A tick is `tick_mantissa * 10**-tick_decimals`."""

    @property
    def tick_decimals(self) -> int:
        """See `tick_mantissa`."""

    @property
    def lot_mantissa(self) -> int:
        """A lot is `lot_mantissa * 10**-lot_decimals`."""

    @property
    def lot_decimals(self) -> int:
        """See `lot_mantissa`."""


class Scale:
    """Converts the prices and quantities of one instrument."""

    __slots__ = ("_lot", "_lot_ratio", "_tick", "_tick_ratio", "symbol")

    def __init__(self, definition: Stepped) -> None:
        self.symbol = definition.symbol
        self._tick = Decimal(definition.tick_mantissa).scaleb(-definition.tick_decimals, _EXACT)
        self._lot = Decimal(definition.lot_mantissa).scaleb(-definition.lot_decimals, _EXACT)
        self._tick_ratio = self._tick.as_integer_ratio()
        self._lot_ratio = self._lot.as_integer_ratio()

    def price_ticks(self, price: Number) -> int:
        """A price in ticks. Raises OffTick; TypeError for a float, ValueError for what is no number."""
        ticks = _whole(price, self._tick_ratio, "price")
        if ticks is None:
            raise OffTick(f"{price} is no price of {self.symbol}: a tick is {self._tick:f}")
        return ticks

    def quantity_lots(self, quantity: Number) -> int:
        """A quantity in lots. Raises OffLot; TypeError for a float, ValueError for what is no number."""
        lots = _whole(quantity, self._lot_ratio, "quantity")
        if lots is None:
            raise OffLot(f"{quantity} is no quantity of {self.symbol}: a lot is {self._lot:f}")
        return lots

    def notional(self, money: Number) -> int:
        """So much of the quote asset in ticks times lots, rounded down: as a limit it lets nothing more pass."""
        step = _EXACT.multiply(self._tick, self._lot)
        top, bottom = exact(money, "notional").as_integer_ratio()
        step_top, step_bottom = step.as_integer_ratio()
        steps = (top * step_bottom) // (bottom * step_top)
        if top and not steps:
            raise ValueError(
                f"{money} is less than a tick times a lot of {self.symbol}, and 0 means something else"
            )
        return steps

    def price(self, ticks: int) -> Decimal:
        """The price of so many ticks, with all decimals of a tick."""
        return _times(self._tick, ticks)

    def quantity(self, lots: int) -> Decimal:
        """The quantity of so many lots, with all decimals of a lot."""
        return _times(self._lot, lots)

    def amount(self, tick_lots: int) -> Decimal:
        """So many ticks times lots in the quote asset, with all decimals of a tick and a lot."""
        return _times(_EXACT.multiply(self._tick, self._lot), tick_lots)

    def mean_price(self, microticks: int) -> Decimal:
        """The price of so many millionths of a tick, with six decimals more than a tick has."""
        return _times(self._tick.scaleb(-6, _EXACT), microticks)


def step_of(number: Number, what: str) -> tuple[int, int]:
    """`(mantissa, decimals)` of a tick or a lot: `0.25` is `(25, 2)`, `100` is `(100, 0)`. Errors as for a price."""
    sign, digits, exponent = exact(number, what).normalize(_EXACT).as_tuple()
    assert isinstance(exponent, int), "a finite number has an exponent"
    mantissa = int("".join(map(str, digits))) * 10 ** max(exponent, 0)
    return (-mantissa if sign else mantissa), max(-exponent, 0)


def whole_number(number: Number, what: str) -> int:
    """A number that counts something. ValueError for one with a fraction, TypeError for a float."""
    count = _whole(number, (1, 1), what)
    if count is None:
        raise ValueError(f"{number} is no {what}: it is a whole number")
    return count


def billionths(share: Number, what: str) -> int:
    """A share of one, in billionths. ValueError for one that is finer, TypeError for a float."""
    count = _whole(share, (1, 10**9), what)
    if count is None:
        raise ValueError(f"{share} is no {what}: it is a whole number of billionths")
    return count


def _whole(number: Number, step: tuple[int, int], what: str) -> int | None:
    """How many steps, a ratio of whole numbers, make this number; None when it is no whole count of them."""
    # Whole numbers, since a Decimal that divides may round: number / step = top / bottom.
    top, bottom = exact(number, what).as_integer_ratio()
    step_top, step_bottom = step
    count, rest = divmod(top * step_bottom, bottom * step_top)
    return None if rest else count


def exact(number: Number, what: str) -> Decimal:
    """A number as it was given. Errors as for a price, but those of ticks."""
    if isinstance(number, bool) or not isinstance(number, _NUMBERS):
        raise TypeError(
            f"a {what} is a Decimal, a text or an int, not {type(number).__name__}:"
            f" write Decimal('{number}') or '{number}'"
        )
    try:
        exact = Decimal(number)
    except InvalidOperation:
        raise ValueError(f"{number!r} is no {what}") from None
    if not exact.is_finite() or abs(exact.adjusted()) > _EXPONENT_MAX:
        raise ValueError(f"{number!r} is no {what}")
    return exact


def _times(step: Decimal, count: int) -> Decimal:
    return _EXACT.multiply(step, count)
