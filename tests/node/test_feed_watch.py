"""A feed that nobody reads stops the market, when the settings say so (MB-STOP-018): real sockets that come and go."""

import socket
from collections.abc import Iterator
from urllib.parse import urlsplit

import pytest

from bus.protocol.commands import SetEmergency
from bus.protocol.feed import EmergencySet, StreamHeartbeat
from bus.protocol.reasons import MARKET_STOPPED
from bus.protocol.reports import Accepted, Completed, Rejected
from bus.protocol.status import QueryStatus
from bus.protocol.terms import FEED_LOST, OPERATOR
from bus.sockets.feed_watch import FeedLoss
from tests.node.parties import Asker, Party, Reader, buy, open_market
from tests.support.running_node import TOKEN, WAIT_S_MAX, RunningNode, small_config
from tests.support.simulated_disk import SimulatedDisk

MS = 1_000_000
#: So long that it never passes by itself.
LOST_MS = 600_000


def watching(disk: SimulatedDisk, *, readers_min: int = 1, lost_ms: int = LOST_MS) -> RunningNode:
    """A node that minds its readers."""
    config = small_config(protection__feed_readers_min=readers_min, protection__feed_lost_ms=lost_ms)
    return RunningNode(disk=disk, config=config)


@pytest.fixture
def watched(disk: SimulatedDisk) -> Iterator[RunningNode]:
    """One with an instrument, that wants a reader."""
    node = watching(disk)
    open_market(node.addresses)
    yield node
    node.stop()


def pass_time(node: RunningNode) -> None:
    """The time after which the feed would be lost has passed; the node looks at its house."""

    def pass_by() -> None:
        node.node._feed_watch._loss._read_ns -= LOST_MS * MS

    node.call(pass_by)
    node.keep_house()


def wait_for_readers(node: RunningNode, count: int) -> None:
    """So many are connected, as far as the node knows."""
    node.wait_until(lambda: node.node._feed_watch.readers == count)


def stopped(node: RunningNode) -> int:
    """Why the market stands still."""
    return node.call(node.core.stopped)


def test_a_loss_is_told_once_and_again_when_it_was_read_in_between() -> None:
    loss = FeedLoss(2, 100, now_ns=0)
    asked = [
        (0, 50, False),
        (1, 99, False),
        (1, 100, True),  # too few from the start on
        (1, 300, False),  # told
        (2, 310, False),  # read again
        (1, 320, False),
        (1, 409, False),
        (2, 409, False),
        (1, 508, False),  # 99 ms
        (0, 509, True),
        (0, 9999, False),
    ]
    for readers, now_ms, lost in asked:
        assert loss.is_new(readers, now_ms * MS) == lost, f"{readers} readers at {now_ms} ms"


def test_a_feed_whose_last_reader_goes_stops_the_market_until_an_operator_lets_it_go_on(
    watched: RunningNode,
) -> None:
    node = watched
    with Party(node.addresses.orders) as alice, Party(node.addresses.orders) as operator:
        alice.hello("alice")
        operator.hello("ops", role=OPERATOR, token=TOKEN)
        with Reader(node.addresses.feed).ready():
            wait_for_readers(node, 1)
            pass_time(node)
            assert isinstance(alice.ask(buy("read")), Accepted)
        wait_for_readers(node, 0)
        assert isinstance(alice.ask(buy("just gone")), Accepted)
        pass_time(node)
        refused = alice.ask(buy("lost"))
        assert isinstance(refused, Rejected)
        assert refused.reason == MARKET_STOPPED

        # It is told once, and the operator's word holds although nobody has come back.
        assert isinstance(operator.ask(SetEmergency(False)), Completed)
        pass_time(node)
        assert isinstance(alice.ask(buy("goes on")), Accepted)

        # A reader comes, sees the market trade, and goes: that is another loss.
        with Reader(node.addresses.feed).ready():
            wait_for_readers(node, 1)
            node.keep_house()
        wait_for_readers(node, 0)
        pass_time(node)
        assert stopped(node) == FEED_LOST


def test_fewer_readers_than_are_wanted_are_too_few_and_those_that_stay_are_told(disk: SimulatedDisk) -> None:
    node = watching(disk, readers_min=2)
    open_market(node.addresses)
    with Reader(node.addresses.feed).ready() as stays:
        with Reader(node.addresses.feed).ready():
            wait_for_readers(node, 2)
            pass_time(node)
            assert stopped(node) == 0
        wait_for_readers(node, 1)
        pass_time(node)
        frames = stays.until(lambda name, _: name == "status.BTC-USD.")
        (said,) = [event for name, frame in frames if name == "clock." for event in frame.events]
        assert isinstance(said, EmergencySet)
        assert said.cause == FEED_LOST
    node.stop()


def test_who_comes_late_is_told_by_the_heartbeat_of_the_clock_and_by_the_status(watched: RunningNode) -> None:
    def last_heard(reader: Reader) -> int:
        name, frame = reader.until(lambda name, _: name == "heartbeat.clock.")[-1]
        (beat,) = frame.events
        assert isinstance(beat, StreamHeartbeat), name
        return beat.stopped

    pass_time(watched)
    with Reader(watched.addresses.feed) as late, Party(watched.addresses.orders) as operator:
        operator.hello("ops", role=OPERATOR, token=TOKEN)
        assert last_heard(late) == FEED_LOST
        with Asker(watched.addresses.recovery) as asker:
            assert ("stopped", "feed-lost") in asker.ask(QueryStatus()).facts
        operator.ask(SetEmergency(False))
        while last_heard(late):
            pass


def test_a_stop_by_rule_outlives_a_restart(disk: SimulatedDisk) -> None:
    node = watching(disk)
    open_market(node.addresses)
    pass_time(node)
    assert stopped(node) == FEED_LOST
    before = node.sequence()
    node.vanish()
    again = watching(disk)
    assert stopped(again) == FEED_LOST
    pass_time(again)  # it is logged again, and is no news
    assert again.sequence() > before
    assert stopped(again) == FEED_LOST
    again.stop()


def test_nobody_minds_readers_unless_the_settings_say_so(node: RunningNode) -> None:
    pass_time(node)
    pass_time(node)
    assert stopped(node) == 0
    with Reader(node.addresses.feed).ready():
        pass_time(node)
        assert node.call(lambda: node.node._feed_watch.readers) == 0


def test_a_reader_that_answers_no_heartbeat_is_no_reader(disk: SimulatedDisk) -> None:
    node = watching(disk, lost_ms=200)
    place = urlsplit(node.addresses.feed)
    with socket.create_connection((place.hostname, place.port), timeout=WAIT_S_MAX) as silent:
        silent.sendall(GREETING + READY)
        heard = b""
        while told := silent.recv(4096):
            heard += told
    assert b"READY" in heard, "it was a reader until it was found out"
    assert b"PING" in heard
    node.wait_until(lambda: node.core.stopped() == FEED_LOST)
    node.stop()


#: What a subscriber says first, by ZMTP 3.1: its greeting without security, and the command that it is ready.
GREETING = b"\xff" + bytes(8) + b"\x7f\x03\x01" + b"NULL".ljust(20, b"\0") + bytes(32)
_BODY = b"\x05READY" + b"\x0bSocket-Type" + (3).to_bytes(4, "big") + b"SUB"
READY = b"\x04" + bytes([len(_BODY)]) + _BODY
