"""A real engine for the tests of a module, with an instrument to trade."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from bus.protocol.reports import Completed
from bus.sockets.client import Client
from tests.support.real_engine import RealEngine

#: Short, so that what is lost is noticed soon; long enough for a busy machine.
HEARTBEAT_MS = 200


def define(engine: RealEngine, *symbols: str) -> None:
    """Instruments with a tick of 0.01 and a lot of 0.001."""
    with Client(
        port_base=engine.port_base, account="operator", role="operator", token=engine.token
    ) as operator:
        define_on(operator, *symbols)


def define_on(operator: Client, *symbols: str) -> None:
    """The same by an operator who is there."""
    for symbol in symbols:
        answer = operator.define_instrument(
            symbol,
            "BTC",
            "USD",
            tick="0.01",
            lot="0.001",
            price_min="0.01",
            price_max="1000000",
            quantity_min="0.001",
            quantity_max="1000",
        ).result()
        assert isinstance(answer, Completed)


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
