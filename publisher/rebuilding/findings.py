"""What came of comparing two stores: counts, and the first lines of what is to be said.

No I/O. Filled by `comparison` and by the rebuild, shown by the command line.
"""

from typing import Final

#: Lines that are kept of each kind; all are counted.
LINES_MAX: Final = 20


class Lines:
    """Lines of one kind: the first of them, and how many there are."""

    def __init__(self) -> None:
        self.first: list[str] = []
        self.count = 0

    def add(self, line: str) -> None:
        """One more."""
        self.count += 1
        if self.count <= LINES_MAX:
            self.first.append(line)


class Findings:
    """`differences`: what is stored is not what the log says. `adjustments`: what an operator changed by hand, and what
    follows from it: known, and no difference. `forgotten`: rows that are missing because they are older than is kept.
    """

    def __init__(self) -> None:
        self.symbols = 0
        self.trades = 0
        self.candles = 0
        self.corrections = 0
        self.forgotten = 0
        self.differences = Lines()
        self.adjustments = Lines()

    def differs(self, symbol: str, what: str, how: str) -> None:
        """A difference: which row, and in what."""
        self.differences.add(f"{symbol}: {what}: {how}")

    def adjusted(self, symbol: str, what: str, how: str) -> None:
        """An operator's hand, or what follows from it."""
        self.adjustments.add(f"{symbol}: {what}: {how}")
