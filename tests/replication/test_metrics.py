"""What a shadow tells a monitoring system is what it did, and what it could not do."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from bus.journal.checkpoint import CheckpointStore
from bus.journal.disk import Disk
from bus.metrics.page import Page
from bus.protocol.recovery import Replay, Replayed
from bus.replication.metrics import METRICS
from tests.node.parties import Asker, Party, buy, open_market
from tests.support.ports import free_port_base
from tests.support.running_node import WAIT_S_MAX, RunningNode, small_config
from tests.support.running_shadow import RunningShadow
from tests.support.scraping import defined, kinds, samples


@pytest.fixture
def node(tmp_path: Path) -> Iterator[RunningNode]:
    """A node on real files, so that there are walks, with small rings."""
    config = small_config(
        engine__port_base=free_port_base(),
        limits__feed_ring_events_max=20,
        shadow__checkpoint_interval_commands=50,
    )
    node = RunningNode(directory=str(tmp_path), config=config)
    open_market(node.addresses)
    yield node
    node.stop()


@pytest.fixture
def shadow(node: RunningNode) -> Iterator[RunningShadow]:
    """A shadow that has come to the end of the node's log."""
    shadow = RunningShadow(node)
    assert shadow.ready.wait(WAIT_S_MAX)
    yield shadow
    shadow.stop()


def page(shadow: RunningShadow) -> str:
    """Its page, made in this thread while it works in its own."""
    return Page(shadow.shadow.readings).render("")[0].decode()


def values(shadow: RunningShadow) -> dict[str, float]:
    """The samples of its page that are its own, without their prefix."""
    prefix = "matchbus_shadow_"
    found = samples(page(shadow)).items()
    return {name.removeprefix(prefix): value for name, value in found if name.startswith(prefix)}


def test_every_metric_is_on_the_page_as_it_is_defined(shadow: RunningShadow) -> None:
    told = {name: what for name, what in kinds(page(shadow)).items() if name.startswith("matchbus_")}
    assert told == defined(METRICS)


def test_it_tells_what_it_followed_compared_wrote_and_served(
    node: RunningNode, shadow: RunningShadow, tmp_path: Path
) -> None:
    before = values(shadow)
    with Party(node.addresses.orders) as alice:
        alice.hello("alice")
        alice.ask(*[buy(f"a{number}", 100 + number) for number in range(60)])
        alice.ask(buy("last"))  # behind which nothing of the others fits into a ring
    end = node.sequence()
    shadow.wait_for_equal(end)
    shadow.wait_for_checkpoints(1)
    with Asker(shadow.endpoint) as asker:
        for _ in range(2):
            assert isinstance(asker.ask(Replay("order.BTC-USD.", 61, 61)), Replayed)
        assert isinstance(asker.ask_patiently(Replay("order.BTC-USD.", 1, 1)), Replayed)
    after = values(shadow)
    assert after["log_sequence"] >= end
    followed = after["commands_total"] - before["commands_total"]
    assert 62 <= followed <= after["log_sequence"] - before["log_sequence"]
    assert after["equal_log_sequence"] >= end
    assert after["comparisons_total"] > before["comparisons_total"]
    assert (before["checkpoints_total"], after["behind_commands"], after["beginnings_total"]) == (0, 0, 0)
    kept = [header.sequence for header in CheckpointStore(str(tmp_path), Disk(), kept=100).candidates()[0]]
    assert after["checkpoints_total"] == len(kept) >= 1
    assert after["checkpoint_log_sequence"] == max(kept)
    assert after["replays_total"] - before["replays_total"] == 3
    assert after["walks_total"] - before["walks_total"] >= 1
    assert after["messages_total"] - before["messages_total"] >= 3
    assert after["waiting_pages"] == 0
    rings = shadow.following.publication.feed_rings
    in_rings, told = shadow.call(
        lambda: (sum(ring.events for ring in rings.values()), values(shadow)["ring_events"])
    )
    assert in_rings == told >= 4
    assert (after['health{health="ok"}'], after["epoch"]) == (1, 1)
    assert after["silence_seconds"] < 5


def test_an_engine_that_is_gone_is_seen_in_its_silence_and_health(
    node: RunningNode, shadow: RunningShadow
) -> None:
    assert values(shadow)['health{health="degraded"}'] == 0
    node.vanish()
    shadow.wait_until(lambda: values(shadow)['health{health="degraded"}'] == 1)
    told = values(shadow)
    assert told["silence_seconds"] > 0.2
    assert told['health{health="ok"}'] == 0
