"""Digests of publishers compared: whoever comes first, each span once, and a difference is told by name."""

from bus.protocol.market.streams import StreamsHeartbeat
from publisher.peers import ALARMS_KEPT_MAX, SPANS_KEPT_MAX, Difference, Peers


def beat(segment: int, digest: bytes, publisher: str = "other") -> StreamsHeartbeat:
    return StreamsHeartbeat(publisher, [], segment, digest, False)


def test_spans_are_compared_whoever_says_them_first() -> None:
    peers = Peers()
    assert peers.say("A", 1, b"x") == []
    assert peers.hear("A", beat(1, b"x")) == []
    assert peers.hear("A", beat(2, b"y")) == []
    assert peers.say("A", 2, b"y") == []
    assert peers.say("A", 2, b"y") == []  # said again in the next heartbeat
    assert peers.hear("A", beat(2, b"y")) == []
    assert (peers.agreements, peers.differences) == (2, 0)


def test_a_difference_names_both_and_is_told_once() -> None:
    peers = Peers()
    peers.say("A", 7, b"\1")
    found = peers.hear("A", beat(7, b"\2"))
    assert found == [Difference("A", 7, "01", "02", "other")]
    assert "A: other said other frames" in str(found[0])
    assert "70 s" in str(found[0])
    assert peers.hear("A", beat(7, b"\2")) == []
    assert peers.hear("B", beat(7, b"\2")) == []  # of another symbol
    assert peers.hear("A", beat(7, b"\1", "third")) == []
    assert (peers.agreements, peers.differences, peers.alarms) == (1, 1, found)


def test_what_was_not_said_from_its_beginning_is_not_compared() -> None:
    peers = Peers()
    peers.say("A", 0, b"")
    assert peers.hear("A", beat(0, b"x")) == []
    peers.say("A", 1, b"x")
    assert peers.hear("A", beat(1, b"")) == []
    assert (peers.agreements, peers.differences) == (0, 0)


def test_memory_is_bounded() -> None:
    peers = Peers()
    for segment in range(SPANS_KEPT_MAX + 10):
        peers.say("A", segment, b"x")
    assert peers.hear("A", beat(0, b"y")) == []  # too long ago
    assert peers.hear("A", beat(SPANS_KEPT_MAX + 9, b"y")) != []
    for segment in range(1000, 1000 + 2 * ALARMS_KEPT_MAX):
        peers.say("A", segment, b"x")
        peers.hear("A", beat(segment, b"y"))
    assert len(peers.alarms) == ALARMS_KEPT_MAX
    assert peers.differences == 2 * ALARMS_KEPT_MAX + 1
