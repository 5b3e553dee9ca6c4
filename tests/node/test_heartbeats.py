"""Heartbeats of the feed: of everything now and then, of what has changed soon; never two while the disk is slow."""

from collections.abc import Iterator
from typing import Any

import pytest
from msgspec.structs import replace

from bus.protocol.commands import DefineInstrument
from bus.protocol.records import SEMANTICS_VERSION, EngineStarted, Rules, SessionOpened
from bus.protocol.terms import CLOCK_SYSTEM, OPERATOR
from bus.sessions import Sessions
from bus.sockets.outbound import Departure
from bus.sockets.publication import CHANGED_HEARTBEATS_MAX, Publication
from matcher.engine import Engine
from tests.node.parties import BTC_USD, Party, Reader, buy, open_market, sell
from tests.node.test_durability import hold
from tests.support.running_node import RunningNode, small_config
from tests.support.simulated_disk import SimulatedDisk

HEARTBEAT = "heartbeat.BTC-USD."


@pytest.fixture
def patient(disk: SimulatedDisk) -> Iterator[RunningNode]:
    """A node with two instruments whose heartbeats of everything come once a minute."""
    node = RunningNode(disk=disk, config=small_config(feed__heartbeat_interval_ms=60_000))
    for symbol in ("BTC-USD", "ETH-USD"):
        open_market(node.addresses, replace(BTC_USD, symbol=symbol))
    yield node
    disk.release_datasyncs()
    node.stop()


def ready(feed: Reader, node: RunningNode) -> None:
    """The subscription is in force, and nothing has changed since a heartbeat of everything."""
    while feed.receive(5) is None:
        node.keep_house()
    node.keep_house()
    feed.until(lambda name, _: name == "heartbeat.clock.")
    while feed.receive(20) is not None:
        pass


def beats(frames: list[tuple[str, Any]]) -> list[str]:
    return [name for name, _ in frames if name.startswith("heartbeat.")]


def test_a_symbol_that_has_changed_has_a_heartbeat_soon_and_then_none(patient: RunningNode) -> None:
    node = patient
    with Party(node.addresses.orders) as alice, Reader(node.addresses.feed) as feed:
        alice.hello("alice")
        ready(feed, node)
        for i in range(3):
            report = alice.ask(buy(f"{i}", 100 + i), sell(f"{i} s", 100 + i))
            frames = feed.until(lambda name, _: name == HEARTBEAT)
            assert beats(frames) == [HEARTBEAT]
            heartbeat = frames[-1][1]
            numbers, checksum, log_sequence = node.call(
                lambda: (
                    node.core.numbers("BTC-USD"),
                    node.core.checksum("BTC-USD"),
                    node.core.sequence,
                )
            )
            (event,) = heartbeat.events
            assert (
                event.trade_number,
                event.level_number,
                event.order_number,
                event.status_number,
            ) == numbers
            assert (event.checksum, heartbeat.log_sequence) == (checksum, log_sequence)
            assert heartbeat.log_sequence >= report.sequence
            feed.expect_quiet()


def test_while_the_disk_is_slow_one_heartbeat_waits_and_no_more(
    patient: RunningNode, disk: SimulatedDisk
) -> None:
    node = patient
    with Party(node.addresses.orders) as alice, Reader(node.addresses.feed) as feed:
        alice.hello("alice")
        ready(feed, node)
        hold(node, disk)

        def waiting() -> list[bytes]:
            departures = node.node._outbound._waiting
            return [name for d in departures for name, _ in d.public if name == HEARTBEAT.encode()]

        for i in range(4):
            alice.send(buy(f"{i}", 100 + i))
            node.wait_until(lambda i=i: len(node.core.open_orders("alice")) == i + 1)  # type: ignore[misc]
            node.call(node.node._keep_house)
            assert node.call(waiting) == [HEARTBEAT.encode()]
        assert feed.receive(20) is None
        disk.release_datasyncs()
        # The one that waited, and one of what changed behind it.
        frames = feed.until(lambda name, frame: name == HEARTBEAT and frame.events[0].order_number == 4)
        assert beats(frames) == [HEARTBEAT, HEARTBEAT]


def test_very_many_changed_symbols_have_their_turns() -> None:
    engine = Engine()
    publication = Publication(engine, Sessions(), 100, 100)
    count = CHANGED_HEARTBEATS_MAX + 44
    rules = Rules(100, 100, count)
    engine.apply_record(EngineStarted(1, SEMANTICS_VERSION, CLOCK_SYSTEM, rules), 1)
    engine.apply_record(SessionOpened(1, "ops", OPERATOR, 10_000, False), 2)
    defined: list[DefineInstrument] = [replace(BTC_USD, symbol=f"S{i}") for i in range(count)]
    engine.apply_message(1, 1, 3, defined, 3)
    publication.encode_for_rings()
    told = []
    while publication.has_changed:
        departure = Departure(0)
        publication.changed_heartbeats(departure)
        told.append([name.decode() for name, _ in departure.public])
    assert [len(names) for names in told] == [CHANGED_HEARTBEATS_MAX, 44]
    assert [name for names in told for name in names] == [f"heartbeat.{one.symbol}." for one in defined]
