"""Protection: the bands within which an instrument trades as orders come, and what it does beyond them.

    static band      around the reference: the price of the last auction, or what an operator gave
    dynamic band     around the price of the last trade before the command, so that one command makes one move

Both are rounded inwards: a price is in a band when it is no further away from the middle than the basis points say, to
the last fraction. An order trades where it is in both. A band without a middle does not act.

Source: Deutsche Boerse, "Xetra Market Model Equities" (volatility interruption: static and dynamic price range).
"""

from typing import Final

from bus.protocol.terms import BUY
from matcher.book.side import BookSide
from matcher.book.trails import BASIS_POINTS

#: A limit price that no price is within.
_NO_BUYER: Final = -1
_NO_SELLER: Final = 2**62
#: As a bound: none.
_LOWEST: Final = 0
_HIGHEST: Final = 2**62


class Protection:
    """What an operator has set for one instrument. In basis points, 0: no such band.

    `auction_ms`: how long an auction lasts that begins by these rules, `random_ms` how much longer it may;
    `rebalances`: trades that leave a side of the book empty begin one, too.

    `static_low_ticks` and `static_high_ticks`: the bounds around the reference, both 0 while there is none.
    `_low_ticks` and `_high_ticks`: those of both bands for the command with sequence `_number`; they follow from the
    last trade before it, and are no state.
    """

    __slots__ = (
        "_high_ticks",
        "_low_ticks",
        "_number",
        "auction_ms",
        "dynamic_points",
        "random_ms",
        "rebalances",
        "static_high_ticks",
        "static_low_ticks",
        "static_points",
    )

    def __init__(
        self, static_points: int, dynamic_points: int, auction_ms: int, random_ms: int, rebalances: bool
    ) -> None:
        self.static_points = static_points
        self.dynamic_points = dynamic_points
        self.auction_ms = auction_ms
        self.random_ms = random_ms
        self.rebalances = rebalances
        self.static_low_ticks = self.static_high_ticks = 0
        self._number = 0
        self._low_ticks, self._high_ticks = _LOWEST, _HIGHEST

    def refer_to(self, reference_ticks: int) -> None:
        """The static band is around this price from now on; 0: around none."""
        self._number = 0
        self.static_low_ticks = self.static_high_ticks = 0
        if self.static_points and reference_ticks:
            self.static_low_ticks, self.static_high_ticks = band(reference_ticks, self.static_points)

    def look(self, number: int, last_ticks: int) -> None:
        """A command with this sequence is about to trade; the last trade was at this price (0: none).

        What was seen first under a sequence counts: the trades of one command do not move its own band.
        """
        if number == self._number:
            return
        self._number = number
        low, high = _LOWEST, _HIGHEST
        if self.static_high_ticks:
            low, high = self.static_low_ticks, self.static_high_ticks
        if self.dynamic_points and last_ticks:
            dynamic_low, dynamic_high = band(last_ticks, self.dynamic_points)
            low, high = max(low, dynamic_low), min(high, dynamic_high)
        self._low_ticks, self._high_ticks = low, high

    def reach_ticks(self, side: int, limit_ticks: int, opposite: BookSide) -> int:
        """How far an order of this side and limit (0: none) may go through the other side, as such a limit.

        A price that is good for the order may be beyond a band as well: nothing is within reach then.
        """
        best = opposite.best
        if best is None:
            return limit_ticks
        if side == BUY:
            if best.price_ticks < self._low_ticks:
                return _NO_BUYER
            return min(limit_ticks or _HIGHEST, self._high_ticks)
        if best.price_ticks > self._high_ticks:
            return _NO_SELLER
        return max(limit_ticks, self._low_ticks)

    def check(self, reference_ticks: int) -> None:
        """AssertionError for the first thing that is not as it must be."""
        assert self.static_points or self.dynamic_points or self.rebalances, (
            "what protects has something to do"
        )
        assert self.auction_ms > 0, "and has its auction last"
        bounds = (0, 0)
        if self.static_points and reference_ticks:
            bounds = band(reference_ticks, self.static_points)
        assert bounds == (self.static_low_ticks, self.static_high_ticks), (
            "the static band is around the reference"
        )

    def is_beyond_static(self, price_ticks: int) -> bool:
        """Whether a price is beyond the static band."""
        return self.static_high_ticks != 0 and not (
            self.static_low_ticks <= price_ticks <= self.static_high_ticks
        )


def band(middle_ticks: int, basis_points: int) -> tuple[int, int]:
    """The lowest and the highest price that is no further from the middle than this; rounded inwards."""
    low = -(middle_ticks * (basis_points - BASIS_POINTS) // BASIS_POINTS)
    high = middle_ticks * (BASIS_POINTS + basis_points) // BASIS_POINTS
    return low, high
