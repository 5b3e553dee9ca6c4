"""What was said of moves, and what of symbols is taken together: those with one quote asset. Values in, values out.

--move 5%                      every price by 5%, down in one case and up in the other
--move -5%                     every price down by 5%, in both cases
--move BTC-USD=-10%            this one price; the others stay, unless another --move says where they go
"""

import re
from collections.abc import Iterable, Mapping, Sequence
from decimal import Decimal
from typing import Final

from msgspec import Struct

from bus.errors import ConfigError
from bus.protocol.commands import DefineInstrument
from bus.protocol.exposure import WeighedSymbol
from bus.protocol.topics import SYMBOL
from bus.protocol.valuing import WHOLE_BASIS_POINTS

#: A price that grows a hundredfold: beyond it somebody forgot a point.
_MOST_BASIS_POINTS: Final = 100 * WHOLE_BASIS_POINTS
_PERCENT: Final = re.compile(r"([+-]?)(\d{1,6})(?:\.(\d{1,2}))?%?", re.ASCII)


class Moves(Struct, frozen=True):
    """How far prices move in two cases, in basis points: all of them, and some that were named."""

    first: int
    second: int
    named: Mapping[str, tuple[int, int]]

    def of(self, symbol: str) -> tuple[int, int]:
        """Of one symbol."""
        return self.named.get(symbol, (self.first, self.second))

    @property
    def is_one(self) -> bool:
        """Whether one figure tells both cases: they are the same, or each other's opposite for every price."""
        opposite = not self.named and self.first == -self.second
        return opposite or (self.first == self.second and all(one == two for one, two in self.named.values()))

    def words(self) -> str:
        """What is done to prices."""
        if self.named:
            return "the move"
        first, second = self.case_words()
        return f"a move of {second.lstrip('+')}" if self.first != self.second else f"a move of {first}"

    def case_words(self) -> tuple[str, str]:
        """What both cases are called."""
        return percent(self.first), percent(self.second)


class Weighing(Struct, frozen=True):
    """Symbols with one quote asset: what a tick-lot of each counts in units of `10**-decimals` of that asset."""

    quote: str
    decimals: int
    symbols: list[WeighedSymbol]

    def amount(self, units: str) -> Decimal:
        """So many units as an amount of the quote asset, exactly."""
        sign, digits, _ = Decimal(units).as_tuple()
        return Decimal((sign, digits, -self.decimals))


def moves_of(texts: Sequence[str]) -> Moves:
    """What `--move` said. Raises ConfigError."""
    first = second = 0
    general = False
    named: dict[str, tuple[int, int]] = {}
    for text in texts:
        symbol, is_named, far = text.rpartition("=")
        cases = _cases(text, far.strip())
        if not is_named:
            if general:
                raise ConfigError(
                    f"--move {text}: all prices move once; name a symbol, such as BTC-USD={far}"
                )
            general, (first, second) = True, cases
        elif SYMBOL.fullmatch(symbol) is None:
            raise ConfigError(f"--move {text}: {symbol!r} is no symbol")
        elif symbol in named:
            raise ConfigError(f"--move {text}: {symbol} moves once")
        else:
            named[symbol] = cases
    return Moves(first, second, named)


def weighings(instruments: Iterable[DefineInstrument], moves: Moves, quote: str) -> list[Weighing]:
    """What is to be taken together, by quote asset; of one asset alone when `quote` names it. Raises ConfigError."""
    by_quote: dict[str, list[DefineInstrument]] = {}
    symbols = set()
    for one in instruments:
        symbols.add(one.symbol)
        by_quote.setdefault(one.quote, []).append(one)
    for symbol in moves.named:
        if symbol not in symbols:
            raise ConfigError(f"--move {symbol}=...: there is no instrument {symbol}")
    if quote and quote not in by_quote:
        raise ConfigError(
            f"--quote {quote}: nothing is traded in it; there are {', '.join(sorted(by_quote))}"
        )
    return [_weighing(name, by_quote[name], moves) for name in sorted(by_quote) if quote in ("", name)]


def percent(basis_points: int) -> str:
    """`+5%`, `-0.25%`."""
    return f"{(Decimal(basis_points) / 100).normalize():+f}%"


def _weighing(quote: str, instruments: Sequence[DefineInstrument], moves: Moves) -> Weighing:
    decimals = max(one.tick_decimals + one.lot_decimals for one in instruments)
    symbols = []
    for one in instruments:
        left = decimals - one.tick_decimals - one.lot_decimals
        weight = one.tick_mantissa * one.lot_mantissa * 10**left
        if weight >= 2**63:
            raise ConfigError(f"{one.symbol}: its ticks and lots are too far from those of others in {quote}")
        symbols.append(WeighedSymbol(one.symbol, weight, *moves.of(one.symbol)))
    return Weighing(quote, decimals, symbols)


def _cases(text: str, far: str) -> tuple[int, int]:
    found = _PERCENT.fullmatch(far)
    if found is None:
        raise ConfigError(f"--move {text}: say how far in percent, such as 5%, -10% or BTC-USD=-10%")
    sign, whole, part = found[1], int(found[2]), (found[3] or "").ljust(2, "0")
    basis_points = whole * 100 + int(part)
    if basis_points > _MOST_BASIS_POINTS:
        raise ConfigError(f"--move {text}: {_MOST_BASIS_POINTS // 100}% is the most")
    if sign != "+" and basis_points > WHOLE_BASIS_POINTS:
        raise ConfigError(
            f"--move {text}: no price falls by more than 100%; say +{far.lstrip('+-')} for a rise alone"
        )
    if not sign:
        return -basis_points, basis_points
    return (-basis_points, -basis_points) if sign == "-" else (basis_points, basis_points)
