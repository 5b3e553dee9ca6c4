"""What all tests share: the options of the test run."""

import pytest
from hypothesis import HealthCheck, settings

# How fast examples are drawn says something about what else the machine does, and nothing about the code.
settings.register_profile("matchbus", suppress_health_check=[HealthCheck.too_slow], deadline=None)
settings.load_profile("matchbus")


def pytest_addoption(parser: pytest.Parser) -> None:
    """`--rewrite`: see `tests/support/scenario.py`."""
    parser.addoption(
        "--rewrite",
        action="store_true",
        help="write what happens in the scenarios in place of what they expect; read the difference",
    )


@pytest.fixture
def rewrite(request: pytest.FixtureRequest) -> bool:
    """Whether scenarios are recorded again."""
    return bool(request.config.getoption("--rewrite"))
