"""The databases of these tests: everything that is kept is tried in SQLite and in PostgreSQL."""

from pathlib import Path

import pytest

from tests.support.postgres import postgres_server, postgres_session, postgres_url

__all__ = ["postgres_server", "postgres_session", "postgres_url"]


@pytest.fixture(params=["sqlite", "postgresql"])
def url(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """The address of an empty database of each kind."""
    if request.param == "sqlite":
        return f"sqlite:///{tmp_path / 'history.db'}"
    address: str = request.getfixturevalue("postgres_url")
    return address
