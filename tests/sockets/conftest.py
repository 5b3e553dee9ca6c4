"""A real engine for the tests of a module, with an instrument to trade."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.support.real_engine import RealEngine, define

#: Short, so that what is lost is noticed soon; long enough for a busy machine.
HEARTBEAT_MS = 200


@pytest.fixture(scope="module")
def engine(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RealEngine]:
    """For stories that leave it as it is, apart from accounts and books of their own."""
    with RealEngine(
        tmp_path_factory.mktemp("engine"), feed={"heartbeat_interval_ms": HEARTBEAT_MS}, limits=LIMITS
    ) as running:
        define(running, "BTC-USD", "ETH-USD")
        yield running


@pytest.fixture
def own_engine(tmp_path: Path) -> Iterator[RealEngine]:
    """For stories in which it dies."""
    with RealEngine(
        tmp_path / "data", feed={"heartbeat_interval_ms": HEARTBEAT_MS}, limits=LIMITS
    ) as running:
        define(running, "BTC-USD")
        yield running


#: Small rings, so that their ends can be reached.
LIMITS = {"report_ring_events_max": 500, "feed_ring_events_max": 500}
