"""A venue that clears, with three days in its journal."""

from pathlib import Path

import pytest

from bus.protocol.terms import CLEARING_SPOT
from tests.support.reports import Told, days


@pytest.fixture(scope="session")
def spot(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Told]:
    """A venue that clears."""
    folder = tmp_path_factory.mktemp("spot")
    return folder, days(folder, CLEARING_SPOT)
