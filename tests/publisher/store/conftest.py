"""The fixtures of these tests: the same store in both databases."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from publisher.store.store import Store
from tests.support.postgres import postgres_server, postgres_session, postgres_url

__all__ = ["postgres_server", "postgres_session", "postgres_url"]


@pytest.fixture(params=["sqlite", "postgresql"])
def url(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """The address of a fresh database."""
    if request.param == "sqlite":
        return f"sqlite:///{tmp_path}/market.db"
    address: str = request.getfixturevalue("postgres_url")
    return address


@pytest.fixture
def store(url: str) -> Iterator[Store]:
    """An open, empty store."""
    opened = Store(url, "")
    yield opened
    opened.close()
