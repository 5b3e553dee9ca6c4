"""Circuit breakers of the whole market: an index, its decline since the day before, and the levels that it reaches.

The index is one instrument, or all that have a reference of the day, equally weighted: the mean of their last prices,
each as a share of its reference. Its sum is kept trade by trade, so that a look at it costs the same however many
instruments there are (docs/rules.md, chapter BREAKER). What a level does is in `matcher.safety.breaking`.
"""

from typing import Final

from matcher.instruments import Instrument

#: All instruments, equally weighted.
ALL_INSTRUMENTS: Final = ""
#: A share is in parts of a million, rounded up: what is left over is on the side of the market that trades on.
_WHOLE: Final = 1_000_000
_BASIS_POINTS: Final = 10_000


class Breakers:
    """`levels`: basis points of a decline and how long it halts the market (0: until further notice), rising.

    `auction_ms` and `random_ms`: of the auctions behind a halt. `tripped`: the highest level that has tripped today,
    from 1; 0 for none. The rest follows from prices: `moved` says that one has changed since the last look.
    """

    __slots__ = ("auction_ms", "levels", "moved", "random_ms", "shares", "symbol", "total", "tripped")

    def __init__(self, symbol: str, levels: list[tuple[int, int]], auction_ms: int, random_ms: int) -> None:
        self.symbol = symbol
        self.levels = levels
        self.auction_ms = auction_ms
        self.random_ms = random_ms
        self.tripped = 0
        self.moved = False
        #: last price by reference of each instrument of the index, in parts of a million; and their sum
        self.shares: dict[str, int] = {}
        self.total = 0

    def begin(self, instruments: dict[str, Instrument]) -> None:
        """All prices as they are. O(instruments)."""
        self.shares = {}
        self.total = 0
        for instrument in instruments.values():
            if instrument.last_price_ticks:
                self.observe(instrument)
        self.moved = False

    def observe(self, instrument: Instrument) -> None:
        """The last price of an instrument has changed. O(1)."""
        reference = instrument.day_reference_ticks
        if not reference:  # it trades for the first time: this is the price at which it began
            items = instrument.kept.items
            reference = items[2] if items else instrument.last_price_ticks
            instrument.day_reference_ticks = reference
        symbol = instrument.symbol
        if self.symbol and symbol != self.symbol:
            return
        share = -(-instrument.last_price_ticks * _WHOLE // reference)
        self.total += share - self.shares.get(symbol, 0)
        self.shares[symbol] = share
        self.moved = True

    def decline_basis_points(self) -> int:
        """How far the index is below its reference, rounded down; below 0 when it is above. O(1)."""
        if not self.shares:
            return 0
        return _BASIS_POINTS - -(-self.total * _BASIS_POINTS // (len(self.shares) * _WHOLE))

    def reached(self) -> int:
        """The highest level that the decline has reached and that has not tripped today, from 1; 0 for none."""
        decline = self.decline_basis_points()
        number = len(self.levels)
        while number > self.tripped and self.levels[number - 1][0] > decline:
            number -= 1
        return number if number > self.tripped else 0

    def check(self, instruments: dict[str, Instrument]) -> None:
        """AssertionError when something is not as it must be. O(instruments)."""
        assert not self.moved, "after each command it was looked"
        again = Breakers(self.symbol, self.levels, self.auction_ms, self.random_ms)
        again.begin(instruments)
        assert (self.shares, self.total) == (again.shares, again.total), "each price is in the index"
        assert 0 <= self.tripped <= len(self.levels), "a level that tripped is one"


def is_valid(levels: list[tuple[int, int]], halt_ms_max: int) -> bool:
    """Whether breakers may have these levels: rising declines of less than everything."""
    before = 0
    for basis_points, halt_ms in levels:
        if not before < basis_points < _BASIS_POINTS or not 0 <= halt_ms <= halt_ms_max:
            return False
        before = basis_points
    return True
