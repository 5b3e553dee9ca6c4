"""A lost event of the feed is noticed, in the middle and at the end."""

import pytest

from bus.errors import GapNotHealed
from bus.protocol.codec import Frame
from bus.protocol.feed import Event, FeedHeartbeat, Level
from bus.protocol.terms import BUY
from tools.replay.continuity import Continuity

LEVELS, TRADES, HEARTBEATS = "level.S.", "trade.S.", "heartbeat.S."


def frame(first_number: int, events: list[Event], log_sequence: int = 9) -> Frame:
    return Frame(1, 0, 1, first_number, len(events), log_sequence, 1, events)


def levels(first_number: int, count: int) -> Frame:
    return frame(first_number, [Level(n, BUY, 1, 1, 1) for n in range(count)])


def heartbeat(trades: int, levels: int, log_sequence: int) -> Frame:
    return frame(0, [FeedHeartbeat(trades, levels, 0, 0, 0)], log_sequence)


def test_frames_that_continue_are_given_and_heartbeats_confirm_them() -> None:
    feed = Continuity("S")
    assert feed.take(LEVELS, levels(5, 1)) == []
    assert feed.take(HEARTBEATS, heartbeat(3, 5, 40)) == []
    assert (feed.sequence, feed.is_untouched) == (40, False)
    assert len(feed.take(LEVELS, levels(6, 2))) == 2
    assert len(feed.take(TRADES, levels(4, 1))) == 1
    feed.take(HEARTBEATS, heartbeat(4, 7, 50))
    assert feed.sequence == 50


def test_a_symbol_that_was_never_traded_is_untouched() -> None:
    feed = Continuity("S")
    feed.take(HEARTBEATS, heartbeat(0, 0, 40))
    assert (feed.sequence, feed.is_untouched) == (40, True)


@pytest.mark.parametrize(
    ("name", "lost"),
    [
        (LEVELS, levels(7, 1)),
        (LEVELS, levels(5, 1)),
        (TRADES, levels(2, 1)),
        (HEARTBEATS, heartbeat(0, 6, 50)),
        (HEARTBEATS, heartbeat(1, 5, 50)),
    ],
)
def test_a_gap_is_noticed(name: str, lost: Frame) -> None:
    feed = Continuity("S")
    feed.take(HEARTBEATS, heartbeat(0, 5, 40))
    with pytest.raises(GapNotHealed, match="are missing: nothing can be compared"):
        feed.take(name, lost)
