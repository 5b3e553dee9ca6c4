"""A node on a disk in memory, with one instrument, for tests that need no special one."""

from collections.abc import Iterator

import pytest

from tests.node.parties import open_market
from tests.support.running_node import RunningNode
from tests.support.simulated_disk import SimulatedDisk


@pytest.fixture
def disk() -> SimulatedDisk:
    """An empty disk."""
    return SimulatedDisk(1)


@pytest.fixture
def node(disk: SimulatedDisk) -> Iterator[RunningNode]:
    """A node with one instrument."""
    node = RunningNode(disk=disk)
    open_market(node.addresses)
    yield node
    disk.release_datasyncs()
    node.stop()
