"""One venue for all tests of a file: its parts take seconds to start."""

from collections.abc import Iterator

import pytest

from tests.support.processes import processes
from tests.support.venue import Venue

__all__ = ["processes", "venue"]


@pytest.fixture(scope="module")
def venue(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Venue]:
    """A venue with the instrument BTC-USD."""
    with Venue(tmp_path_factory.mktemp("venue")) as running:
        running.define("BTC-USD")
        yield running
