"""The two judges of a replay find what is equal, and what is not."""

import pytest

from bus.protocol.feed import Level, Trade
from bus.protocol.terms import BUY, SELL
from tools.replay.comparison import WINDOW_NS, TopComparer, TradeMatcher
from tools.replay.flow import RealTop, RealTrade

NOON = 1_700_000_000_000_000_000
MS = 1_000_000


def matched(real: list[tuple[int, int, int]], engine: list[tuple[int, int, int]]) -> int:
    """Real and engine trades as `(time_ns, price, quantity)`."""
    matcher = TradeMatcher()
    for trade in real:
        matcher.expect(RealTrade(*trade))
    for number, (time_ns, price, quantity) in enumerate(engine, 1):
        matcher.happened(Trade(number, time_ns, number, price, quantity, BUY))
    assert matcher.real == len(real)
    return matcher.matched()


def test_the_same_price_and_quantity_is_a_match() -> None:
    assert matched([(NOON, 100, 5)], [(NOON - 3, 100, 5)]) == 1


@pytest.mark.parametrize("engine", [(NOON, 101, 5), (NOON, 100, 4), (NOON, 5, 100)])
def test_another_price_or_quantity_is_none(engine: tuple[int, int, int]) -> None:
    assert matched([(NOON, 100, 5)], [engine]) == 0


def test_an_engine_trade_counts_once() -> None:
    assert matched([(NOON, 100, 5), (NOON, 100, 5)], [(NOON, 100, 5)]) == 1
    assert matched([(NOON, 100, 5), (NOON, 100, 5)], [(NOON, 100, 5), (NOON + 1, 100, 5)]) == 2


def test_a_match_lies_within_a_second_before_or_the_same_millisecond() -> None:
    assert matched([(NOON, 100, 5)], [(NOON - WINDOW_NS, 100, 5)]) == 1
    assert matched([(NOON, 100, 5)], [(NOON - WINDOW_NS - 1, 100, 5)]) == 0
    assert matched([(NOON, 100, 5)], [(NOON + MS - 1, 100, 5)]) == 1
    assert matched([(NOON, 100, 5)], [(NOON + MS, 100, 5)]) == 0


def test_a_trade_too_early_for_one_does_not_hide_the_next() -> None:
    assert matched([(NOON, 100, 5)], [(NOON - 2 * WINDOW_NS, 100, 5), (NOON, 100, 5)]) == 1


TOP = RealTop(99, 7, 101, 3)


def book(comparer: TopComparer, sequence: int, bid: tuple[int, int], ask: tuple[int, int]) -> None:
    """One bid and one ask are published."""
    comparer.level(Level(sequence, BUY, *bid, 1))
    comparer.level(Level(sequence + 1, SELL, *ask, 1))


def answer(comparer: TopComparer, first: int, last: int) -> None:
    """Commands from first to last are answered; the log had ten sequences before the first command."""
    for command in range(first, last + 1):
        comparer.answered(command, 10 + command)


def test_the_same_top_is_equal() -> None:
    comparer = TopComparer()
    comparer.expect(2, TOP)
    answer(comparer, 1, 2)
    book(comparer, 11, (99, 7), (101, 3))
    comparer.finish()
    assert (comparer.comparable, comparer.equal) == (1, 1)


@pytest.mark.parametrize(
    ("bid", "ask"),
    [((98, 7), (101, 3)), ((99, 6), (101, 3)), ((99, 7), (102, 3)), ((99, 7), (101, 4))],
)
def test_one_wrong_number_is_not_equal(bid: tuple[int, int], ask: tuple[int, int]) -> None:
    comparer = TopComparer()
    comparer.expect(2, TOP)
    answer(comparer, 1, 2)
    book(comparer, 11, bid, ask)
    comparer.finish()
    assert (comparer.comparable, comparer.equal) == (1, 0)


def test_a_side_that_is_empty_is_not_comparable() -> None:
    comparer = TopComparer()
    comparer.expect(0, TOP)
    comparer.expect(1, TOP)
    comparer.expect(2, RealTop(99, 7, 0, 0))
    answer(comparer, 1, 2)
    book(comparer, 11, (99, 7), (101, 3))
    comparer.finish()
    assert (comparer.comparable, comparer.equal) == (0, 0)


def test_the_best_of_several_levels_counts_and_a_level_can_vanish() -> None:
    comparer = TopComparer()
    book(comparer, 11, (99, 7), (101, 3))
    book(comparer, 13, (98, 1), (102, 1))
    comparer.expect(4, TOP)
    answer(comparer, 1, 4)
    comparer.level(Level(15, BUY, 99, 0, 0))
    comparer.expect(5, TOP)
    comparer.expect(5, RealTop(98, 1, 101, 3))
    answer(comparer, 5, 5)
    comparer.finish()
    assert (comparer.comparable, comparer.equal) == (3, 2)


def test_a_snapshot_is_compared_at_its_position_however_late_feed_and_answers_come() -> None:
    """After command 2 the top is TOP, after command 3 it is not: only the sequence may decide."""
    feed = [Level(11, BUY, 99, 7, 1), Level(12, SELL, 101, 3, 1), Level(13, SELL, 101, 9, 1)]
    for early in range(len(feed) + 1):
        for answered_early in (False, True):
            comparer = TopComparer()
            if answered_early:
                answer(comparer, 1, 2)
            comparer.expect(2, TOP)
            for level in feed[:early]:
                comparer.level(level)
            comparer.compare()
            comparer.expect(3, TOP)
            if not answered_early:
                answer(comparer, 1, 2)
            comparer.compare()
            answer(comparer, 3, 3)
            comparer.compare()
            for level in feed[early:]:
                comparer.level(level)
            comparer.finish()
            assert (comparer.comparable, comparer.equal) == (2, 1)
