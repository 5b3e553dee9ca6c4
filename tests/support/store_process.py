"""A process that writes a history into a store until it is ended, for the tests that end it in the midst.

    python -m tests.support.store_process URL SYMBOLS

It goes on where the database stands, as a publisher does, and prints a line for each symbol and number of which the
writer has said that it is committed.
"""

import sys
import threading
from typing import Final

from bus.config import Store as Settings
from bus.errors import MatchbusError
from publisher.store.reading import read_progress
from publisher.store.rows import CandleKey, Progress
from publisher.store.store import Store
from publisher.store.writer import StoreWriter
from tests.support.stored import piece, trades

#: Trades of one piece.
LENGTH: Final = 7


class Standing:
    """An owner that only counts what is committed."""

    def __init__(self) -> None:
        self.failed = threading.Event()

    def store_health(self, health: str, problem: str) -> None:
        """A line of its own among the errors."""
        sys.stderr.write(f"{health} {problem}\n")
        sys.stderr.flush()

    def store_spilled(self, symbol: str, reason: MatchbusError) -> None:
        """Never here: one process writes."""
        raise AssertionError(f"{symbol}: {reason}")

    def store_ready(self, progress: dict[str, Progress]) -> None:
        """Never here: the queue is large enough."""
        raise AssertionError(progress)

    def store_kept(self, candles: list[CandleKey]) -> None:
        """Nobody adjusts."""
        raise AssertionError(candles)

    def store_failed(self, error: Exception) -> None:
        """The end."""
        sys.stderr.write(f"{error}\n")
        self.failed.set()


def main(url: str, symbols: list[str]) -> None:
    """Write without end."""
    store = Store(url, "")
    with store.reading() as connection:
        stored = read_progress(connection)
    owner = Standing()
    # No loop here: what the owner is told is told in the writer's thread.
    writer = StoreWriter(store, Settings(batch_ms_max=5), owner, lambda function, *words: function(*words))
    at = {symbol: stored[symbol].trade_number if symbol in stored else 0 for symbol in symbols}
    while not owner.failed.is_set():
        committed = threading.Event()
        for symbol in symbols:
            part = piece(trades(at[symbol] + 1, at[symbol] + LENGTH), at[symbol] * 10, symbol)
            assert writer.put(part)
            at[symbol] += LENGTH
        writer.flush(symbols[-1], at[symbols[-1]], committed.set)
        committed.wait()
        sys.stdout.write(" ".join(f"{symbol}={number}" for symbol, number in at.items()) + "\n")
        sys.stdout.flush()


if __name__ == "__main__":
    main(sys.argv[1], sys.argv[2:])
