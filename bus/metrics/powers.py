"""How often whole numbers of which size came, in powers of two: a histogram that costs two additions.

One thread counts, others may read at any time: what they see is at most one number behind.
"""

from collections.abc import Iterator


class Powers:
    """Counts numbers that are at most 1, 2, 4 ... 2**highest, and larger ones.

    `unit`: how many of what was counted make one of what is shown; counting microseconds to show seconds, 1,000,000.
    `lowest`: smaller powers than this are shown together with it, since nothing that small is of interest.
    """

    __slots__ = ("_counts", "_highest", "lowest", "sum", "unit")

    def __init__(self, highest: int, *, lowest: int = 0, unit: int = 1) -> None:
        self._counts = [0] * (highest + 2)
        self._highest = highest
        self.lowest = lowest
        self.unit = unit
        self.sum = 0

    def add(self, number: int) -> None:
        """One more number, 0 or more."""
        power = (number - 1).bit_length() if number > 1 else 0
        self._counts[power if power <= self._highest else -1] += 1
        self.sum += number

    def buckets(self) -> Iterator[tuple[float, int]]:
        """`(upper bound in what is shown, how many were at most that)`, rising; the last bound is infinite."""
        counts = self._counts.copy()
        count = sum(counts[: self.lowest])
        for power in range(self.lowest, self._highest + 1):
            count += counts[power]
            yield 2**power / self.unit, count
        yield float("inf"), count + counts[-1]
