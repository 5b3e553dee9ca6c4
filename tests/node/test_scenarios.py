"""The matching rules once more, told to a running node over its sockets: it must say what the engine alone says.

The stories and their expectations are those of `tests/matcher/test_scenarios.py`; only that one records them.
"""

import contextlib
from collections.abc import Iterator
from pathlib import Path

import msgspec
import pytest

from tests.support.scenario import ScenarioFile, every_story, perform_block
from tests.support.scenario_language import parse_action
from tests.support.socket_driver import IdleSecond, SocketDriver

#: How often the machine may stand still for a second in the midst of one story.
TELLINGS_MAX = 5


@pytest.fixture
def driver() -> Iterator[SocketDriver]:
    """A node that somebody has opened a session on."""
    with contextlib.closing(SocketDriver()) as driver:
        for line in ("start", "open anna"):
            driver.perform(parse_action(line))
        yield driver


@pytest.mark.parametrize(
    ("path", "title"),
    [pytest.param(path, title, id=f"{path.stem}: {title}") for path, title in every_story()],
)
def test_story(path: Path, title: str) -> None:
    for _ in range(TELLINGS_MAX):
        with contextlib.suppress(IdleSecond), contextlib.closing(SocketDriver()) as driver:
            tell(path, title, driver)
            return
    pytest.fail("the machine stands still again and again")


def tell(path: Path, title: str, driver: SocketDriver) -> None:
    """Tell one story of a file and compare."""
    file = ScenarioFile(path)
    for block in (*file.opening.blocks, *file.story(title).blocks):
        happened = perform_block(driver, block)
        assert happened == block.expected, f"{path.name}:{block.line}: {' / '.join(block.actions)}"


# The driver itself.


def test_a_tick_that_is_none_of_the_story_is_noticed(driver: SocketDriver) -> None:
    driver.node.keep_house(idle=True)
    with pytest.raises(IdleSecond, match="stands at 4, and not at 3"):
        driver.perform(parse_action("anna: cancel a1"))


def test_a_session_that_is_not_told_is_noticed(driver: SocketDriver) -> None:
    driver.perform(parse_action("open anna/2"))
    happened = driver.perform(parse_action("anna: cancel a1"))
    assert [account for account, _ in happened.events] == ["anna"]
    driver.sessions["nobody"] = msgspec.structs.replace(driver.sessions["anna"], session=99)
    with pytest.raises(AssertionError, match=r"session 99 of anna was told \[\], and not"):
        driver.perform(parse_action("anna: cancel a1"))


def test_what_the_gateway_refuses_is_no_refusal_of_a_story(driver: SocketDriver) -> None:
    with pytest.raises(AssertionError, match=r"not as malformed as told: \[1\]"):
        driver.perform(parse_action("anna: cancel a1 ; cancel a2 with order_id=-1 ; malformed"))


def test_a_node_that_stops_is_named(driver: SocketDriver) -> None:
    driver.node.call(lambda: setattr(driver.node.core.trading, "sequence", 77))
    with pytest.raises(AssertionError, match="the node stopped: "):
        driver.perform(parse_action("anna: cancel a1"))
