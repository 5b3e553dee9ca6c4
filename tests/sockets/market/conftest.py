"""Two publishers of one market behind real sockets."""

from collections.abc import Iterator
from contextlib import ExitStack, closing

import pytest

from tests.support.running_publisher import RunningPublisher
from tests.support.simulated_publisher import SimulatedMarket, SimulatedPublisher


class Exchange:
    """A market that is moved by the test, and who publishes it."""

    def __init__(self, stack: ExitStack) -> None:
        self.market = SimulatedMarket(seed=7)
        for _ in range(20):
            self.market.move()
        self.publishers = [
            stack.enter_context(
                closing(RunningPublisher(SimulatedPublisher(self.market, name, ring_max=500)))
            )
            for name in ("a", "b")
        ]
        self.addresses = [publisher.address for publisher in self.publishers]

    def go_on(self, moves: int = 1, *, only: int | None = None, quiet: bool = False) -> None:
        """The market moves, and publishers say so, with their heartbeats."""
        for _ in range(moves):
            self.market.move(quiet=quiet)
        for index, publisher in enumerate(self.publishers):
            if only in (None, index):
                publisher.call(SimulatedPublisher.go_on)


@pytest.fixture
def exchange() -> Iterator[Exchange]:
    """See Exchange."""
    with ExitStack() as stack:
        yield Exchange(stack)
