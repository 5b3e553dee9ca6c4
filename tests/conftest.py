"""What all tests share: the options of the test run."""

import pytest


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
