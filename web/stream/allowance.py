"""How often somebody may do something: so many at once, and so many a second in the long run. No clock of its own."""


class Allowance:
    """See above."""

    __slots__ = ("_burst", "_left", "_per_second", "_seen_ns")

    def __init__(self, burst: int, per_second: float) -> None:
        self._burst = float(burst)
        self._per_second = per_second
        self._left = self._burst
        self._seen_ns = 0

    def take(self, now_ns: int) -> bool:
        """Once more, if it may be."""
        if self._seen_ns:
            grown = (now_ns - self._seen_ns) / 1e9 * self._per_second
            self._left = min(self._burst, self._left + grown)
        self._seen_ns = now_ns
        if self._left < 1:
            return False
        self._left -= 1
        return True
