"""A venue whose time an operator moves, so that what it says of time is the same at each run.

with TimedVenue(tmp_path, begin_ns) as venue:
    venue.trade("buy", "100.5", "2")
    venue.advance(60 * 10**9)
"""

from pathlib import Path
from types import TracebackType
from typing import Any, Self

from bus.protocol.reports import Completed
from bus.sockets.market.market_client import MarketClient
from bus.sockets.market.market_sockets import publisher_at
from tests.support.venue import Venue

SYMBOL = "BTC-USD"


class TimedVenue(Venue):
    """With an instrument, an operator, alice, who trades with herself, and a client of the publisher."""

    engine_words = ("--clock", "commands")

    def __init__(self, folder: Path, begin_ns: int, **environment: str) -> None:
        super().__init__(folder, **environment)
        self.now_ns = begin_ns

    def __enter__(self) -> Self:
        super().__enter__()
        try:
            self._open()
        except BaseException:
            self.processes.close()
            raise
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        for client in (self.operator, self.alice, self.market):
            client.close()
        super().__exit__(kind, error, trace)

    def _open(self) -> None:
        self.operator = self.client("operator", role="operator", token=self.token)
        self.operator.open()
        self.advance(0)
        self.define(SYMBOL)
        # Only now: her first orders are to be of this time.
        self.alice = self.client("alice")
        self.alice.open()
        self.market = MarketClient([publisher_at(self.port_base)])
        self.market.open()

    def advance(self, by_ns: int) -> int:
        """The sequence as of which it is so much later."""
        self.now_ns += by_ns + 1
        done = self.operator.advance_clock(self.now_ns).result()
        assert isinstance(done, Completed)
        return done.sequence

    def trade(self, side: str, price: str, quantity: str, symbol: str = SYMBOL) -> int:
        """One trade of a taker of this side, and an empty book behind it: its sequence."""
        with self.alice.batch():
            self.alice.enter(symbol, "sell" if side == "buy" else "buy", quantity, price)
            taken = self.alice.enter(symbol, side, quantity, price)
        sequence: int = taken.result().sequence
        return sequence

    def ask(self, path: str) -> Any:
        """What is answered."""
        answer = self.get(path)
        assert answer.status == 200, answer.body
        return answer.json
