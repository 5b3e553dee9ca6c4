"""Where each symbol stands in the store, in the order of the log: there its rows are compared.

A symbol mostly stands behind a batch. Within one it stands when its publisher ended while it waited for the minute of a
trade that an operator revised, or when events were withdrawn. No I/O. Called by the rebuild.
"""

from collections.abc import Mapping

from publisher.store.rows import Progress


class Places:
    """The symbols' places, the earliest first."""

    def __init__(self, stored: Mapping[str, Progress]) -> None:
        #: The next one last.
        self._waiting = sorted(stored.items(), key=lambda named: (named[1].sequence, named[0]), reverse=True)

    @property
    def left(self) -> list[tuple[str, Progress]]:
        """Those that were not reached."""
        return self._waiting[::-1]

    @property
    def last_sequence(self) -> int:
        """The log sequence of the last of them; 0 when none is left."""
        return self._waiting[0][1].sequence if self._waiting else 0

    def within(self, last_sequence: int) -> list[tuple[str, Progress]]:
        """Those that lie before the end of the batch that ends with this sequence, and forget them."""
        found: list[tuple[str, Progress]] = []
        while self._waiting and self._waiting[-1][1].sequence < last_sequence:
            found.append(self._waiting.pop())
        return found

    def behind(self, last_sequence: int) -> list[tuple[str, Progress]]:
        """Those that lie at the end of the batch that ends with this sequence, and forget them."""
        return self.within(last_sequence + 1)
