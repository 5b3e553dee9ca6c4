"""The databases of these tests: everything that is kept is tried in SQLite and in PostgreSQL."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.support.postgres import postgres_server, postgres_session, postgres_url
from tests.support.real_engine import RealEngine, define

__all__ = ["postgres_server", "postgres_session", "postgres_url"]


@pytest.fixture(params=["sqlite", "postgresql"])
def url(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """The address of an empty database of each kind."""
    if request.param == "sqlite":
        return f"sqlite:///{tmp_path / 'history.db'}"
    address: str = request.getfixturevalue("postgres_url")
    return address


@pytest.fixture(scope="module")
def engine(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RealEngine]:
    """An engine with an instrument, for stories that leave it as it is, apart from accounts of their own."""
    data = tmp_path_factory.mktemp("engine")
    with RealEngine(data, engine={"sync": "os"}, feed={"heartbeat_interval_ms": 200}) as running:
        define(running, "BTC-USD")
        yield running
