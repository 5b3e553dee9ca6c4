"""The statistics of a symbol against the slow and obvious ones: after each trade, at each second, revised, restored."""

import sys
from collections import deque

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bus.protocol.feed import Trade
from bus.protocol.terms import BUY
from publisher.statistics.rolling import NEVER_NS, RollingStatistics
from publisher.statistics.seconds import DAY_SECONDS
from publisher.statistics.trailing import LENGTH_SECONDS_MAX, TrailingWindow
from publisher.statistics.values import Statistics, StatisticsRow
from tests.publisher import naive_statistics
from tests.publisher.drawn_trades import DAY_NS, DEALS, MINUTE_NS, SECOND_NS, TIMES_NS, flow, trades_after
from tests.support.drawn import drawn

#: Midnight, 2015-05-04 UTC.
MIDNIGHT_NS = 1_430_697_600 * SECOND_NS

#: Moments, some seconds, and a day give or take two seconds: so that seconds leave the window one by one.
AROUND_A_DAY_NS = st.one_of(
    st.integers(1, SECOND_NS // 2),
    st.integers(1, 3 * SECOND_NS),
    st.integers(DAY_NS - 3 * SECOND_NS, DAY_NS + 3 * SECOND_NS),
    st.integers(-2, 2).map(lambda by: DAY_NS + by * SECOND_NS),
)
TRADES_AROUND_A_DAY = st.builds(
    trades_after, TIMES_NS, st.lists(st.tuples(AROUND_A_DAY_NS, DEALS), min_size=1, max_size=20)
)
TRADES = st.one_of(TRADES_AROUND_A_DAY, flow(2 * DAY_NS))


def tell(statistics: RollingStatistics, trade: Trade) -> list[int]:
    """Bring time to a trade and tell it; the boundaries before it."""
    changed = statistics.advance(trade.time_ns)
    statistics.trade(trade.time_ns, trade.price_ticks, trade.quantity_lots)
    return changed


def told(trades: list[Trade]) -> RollingStatistics:
    """Statistics after these trades."""
    statistics = RollingStatistics()
    for trade in trades:
        tell(statistics, trade)
    return statistics


def row(statistics: RollingStatistics) -> StatisticsRow | None:
    """What they say."""
    values = statistics.values()
    return None if values is None else values.row()


def trade(after_ns: int, price_ticks: int, quantity_lots: int, number: int = 1) -> Trade:
    """A trade so long after midnight."""
    return Trade(number, MIDNIGHT_NS + after_ns, number, price_ticks, quantity_lots, BUY)


def test_before_the_first_trade_there_is_nothing() -> None:
    statistics = RollingStatistics()
    assert statistics.advance(MIDNIGHT_NS) == []
    assert statistics.values() is None
    assert statistics.next_change_ns() == NEVER_NS


def test_two_trades_and_how_they_leave() -> None:
    statistics = told([trade(0, 100, 1)])
    assert statistics.next_change_ns() == MIDNIGHT_NS + DAY_NS, "when the trading day ends"
    tell(statistics, trade(3 * SECOND_NS, 97, 3, 2))
    day = (100, 4, 391, 2, 97_750_000)
    assert row(statistics) == (100, 100, 97, 97, -3, -30_000, 4, 391, 2, 97_750_000, *day)
    assert statistics.next_change_ns() == MIDNIGHT_NS + DAY_NS
    assert statistics.advance(MIDNIGHT_NS + DAY_NS) == [MIDNIGHT_NS + DAY_NS]
    assert row(statistics) == (100, 100, 97, 97, -3, -30_000, 4, 391, 2, 97_750_000, 0, 0, 0, 0, 0)
    assert statistics.advance(MIDNIGHT_NS + DAY_NS + SECOND_NS) == [MIDNIGHT_NS + DAY_NS + SECOND_NS]
    assert row(statistics) == (97, 97, 97, 97, 0, 0, 3, 291, 1, 97_000_000, 0, 0, 0, 0, 0)
    assert statistics.next_change_ns() == MIDNIGHT_NS + DAY_NS + 4 * SECOND_NS
    assert statistics.advance(MIDNIGHT_NS + 99 * DAY_NS) == [MIDNIGHT_NS + DAY_NS + 4 * SECOND_NS]
    assert row(statistics) == (97, 97, 97, 97, *[0] * 11)
    assert statistics.next_change_ns() == NEVER_NS


def test_a_trade_that_leaves_at_midnight_changes_one_boundary() -> None:
    statistics = told([trade(-SECOND_NS, 100, 1), trade(0, 97, 3, 2)])
    assert statistics.advance(MIDNIGHT_NS + DAY_NS) == [MIDNIGHT_NS + DAY_NS]


def test_sums_of_a_second_may_leave_64_bits() -> None:
    statistics = told([trade(number, 2**40, 2**62, number) for number in range(4)])
    for after_ns in (0, SECOND_NS, DAY_NS):
        statistics.advance(MIDNIGHT_NS + after_ns)
        values = statistics.values()
        assert values is not None
        assert (values.volume_lots, values.quote_volume) == (2**64, 2**104)
    window = TrailingWindow(statistics.seconds, LENGTH_SECONDS_MAX)
    window.slide(MIDNIGHT_NS // SECOND_NS + 1)
    assert window.volume_lots == 2**64
    statistics.advance(MIDNIGHT_NS + DAY_NS + SECOND_NS)
    values = statistics.values()
    assert values is not None
    assert (values.volume_lots, values.quote_volume) == (0, 0)


def test_a_trade_that_comes_before_its_time_is_a_bug() -> None:
    statistics = told([trade(0, 100, 1)])
    with pytest.raises(AssertionError, match="advance"):
        statistics.trade(MIDNIGHT_NS + SECOND_NS, 100, 1)


@drawn(80)
@given(TRADES, st.integers(0, 3 * DAY_NS))
def test_statistics_are_what_the_trades_say(trades: list[Trade], rest_ns: int) -> None:
    statistics = RollingStatistics()
    now_ns = trades[0].time_ns
    for count, one in enumerate(trades):
        assert tell(statistics, one) == naive_statistics.boundaries(trades[:count], now_ns, one.time_ns)
        now_ns = one.time_ns
        assert row(statistics) == naive_statistics.statistics(trades[: count + 1], now_ns)
    then_ns = now_ns + rest_ns
    expected = naive_statistics.boundaries(trades, now_ns, then_ns)
    if expected:
        assert statistics.next_change_ns() == expected[0]
    else:
        assert statistics.next_change_ns() > then_ns
    assert statistics.advance(then_ns) == expected
    assert row(statistics) == naive_statistics.statistics(trades, then_ns)


@drawn(40)
@given(TRADES_AROUND_A_DAY)
def test_they_are_right_at_every_second(trades: list[Trade]) -> None:
    """Every second of the ten after each trade, and of the six around each at which one leaves."""
    statistics = RollingStatistics()
    for count, one in enumerate(trades, 1):
        tell(statistics, one)
        first = one.time_ns // SECOND_NS + 1
        seconds = set(range(first, first + 10))
        for older in trades[:count]:
            leaves = older.time_ns // SECOND_NS + DAY_SECONDS
            seconds.update(range(leaves - 2, leaves + 4))
        until_ns = trades[count].time_ns if count < len(trades) else one.time_ns + 2 * DAY_NS
        for second in sorted(seconds):
            if one.time_ns < second * SECOND_NS < until_ns:
                statistics.advance(second * SECOND_NS)
                assert row(statistics) == naive_statistics.statistics(trades[:count], second * SECOND_NS)


# Revisions and restarts


def revise(
    data: st.DataObject, statistics: RollingStatistics, trades: list[Trade], now_ns: int
) -> list[Trade]:
    """Bust or correct trades of one second of the window; all trades as they are then."""
    first = now_ns // SECOND_NS - DAY_SECONDS
    second = data.draw(
        st.sampled_from([one.time_ns // SECOND_NS for one in trades if one.time_ns // SECOND_NS >= first])
    )
    revised = []
    for one in trades:
        price_ticks = one.price_ticks
        if one.time_ns // SECOND_NS == second:
            price_ticks = data.draw(st.sampled_from([0, 0, price_ticks, 97, 98, 102, 2**50]))
        if price_ticks:
            fields = (one.sequence, one.time_ns, one.trade_id, price_ticks, one.quantity_lots, one.aggressor)
            revised.append(Trade(*fields))
    statistics.revise(second, [one for one in revised if one.time_ns // SECOND_NS == second])
    return revised


@drawn(120)
@given(TRADES, st.data())
def test_revising_is_making_everything_anew(trades: list[Trade], data: st.DataObject) -> None:
    cut = data.draw(st.integers(1, len(trades)))
    statistics = told(trades[:cut])
    now = trades[:cut]
    windows = [TrailingWindow(statistics.seconds, length) for length in (1, 3, LENGTH_SECONDS_MAX)]
    now_ns = trades[cut - 1].time_ns
    for _ in range(data.draw(st.integers(1, 5))):
        if now and now[-1].time_ns // SECOND_NS >= now_ns // SECOND_NS - DAY_SECONDS:
            check_windows(statistics, windows, now, now_ns)
            now = revise(data, statistics, now, now_ns)
            assert row(statistics) == naive_statistics.statistics(now, now_ns)
            check_windows(statistics, windows, now, now_ns)
    for one in trades[cut:]:
        tell(statistics, one)
        now.append(one)
        assert row(statistics) == naive_statistics.statistics(now, one.time_ns)
        check_windows(statistics, windows, now, one.time_ns)


def test_seconds_that_lost_all_their_trades_are_passed_over() -> None:
    trades = [trade(after * SECOND_NS, 100 + after, 1, 1) for after in (-5, 1, 2, 3, 4)]
    statistics = told(trades)
    statistics.advance(MIDNIGHT_NS + 5 * SECOND_NS)
    window = TrailingWindow(statistics.seconds, 4)
    window.slide(MIDNIGHT_NS // SECOND_NS + 5)
    for after in (3, 4, 1):
        statistics.revise(MIDNIGHT_NS // SECOND_NS + after, [])
    window.slide(MIDNIGHT_NS // SECOND_NS + 5)
    assert (window.volume_lots, window.open_ticks()) == (1, 102)
    assert row(statistics) == naive_statistics.statistics([trades[0], trades[2]], MIDNIGHT_NS + 5 * SECOND_NS)


@drawn(60)
@given(TRADES, st.data())
def test_they_go_on_from_what_was_kept(trades: list[Trade], data: st.DataObject) -> None:
    cut = data.draw(st.integers(1, len(trades)))
    statistics = told(trades[:cut])
    end_ns = trades[cut].time_ns - 1 if cut < len(trades) else trades[-1].time_ns + 2 * DAY_NS
    now_ns = data.draw(st.integers(trades[cut - 1].time_ns, end_ns))
    statistics.advance(now_ns)
    buckets = statistics.buckets()
    first = buckets[0][0] if buckets else NEVER_NS
    before = [one.price_ticks for one in trades[:cut] if one.time_ns // SECOND_NS < first]
    restored = RollingStatistics()
    restored.restore(now_ns, buckets, before[-1] if before else 0)
    assert row(restored) == row(statistics)
    assert restored.next_change_ns() == statistics.next_change_ns()
    for one in trades[cut:]:
        assert tell(restored, one) == tell(statistics, one)
        assert row(restored) == row(statistics)


def test_buckets_from_before_the_window_are_passed_over() -> None:
    statistics = RollingStatistics()
    second = MIDNIGHT_NS // SECOND_NS
    rows = [(second, 5, 5, 5, 5, 1, 5, 1), (second + 10, 7, 7, 7, 7, 1, 7, 1)]
    statistics.restore(MIDNIGHT_NS + DAY_NS + SECOND_NS, rows, 3)
    assert statistics.buckets() == rows[1:]


@pytest.mark.parametrize("rows", [[(2, *[1] * 7), (2, *[1] * 7)], [(9, *[1] * 7)], [(1, *[0] * 7)]])
def test_buckets_that_cannot_be_are_not_restored(rows: list[tuple[int, ...]]) -> None:
    statistics = RollingStatistics()
    with pytest.raises(ValueError, match="does not belong"):
        statistics.restore(8 * SECOND_NS, rows, 0)  # type: ignore[arg-type]  # rows of eight


@pytest.mark.parametrize("second", [-1, 1, 3])
def test_a_second_without_trades_cannot_be_revised(second: int) -> None:
    statistics = told([trade(0, 100, 1), trade(2 * SECOND_NS, 100, 1, 2)])
    statistics.advance(MIDNIGHT_NS + 3 * SECOND_NS)
    before = row(statistics)
    with pytest.raises(ValueError, match="no trades of the second"):
        statistics.revise(MIDNIGHT_NS // SECOND_NS + second, [])
    with pytest.raises(ValueError, match="a trade is not of the second"):
        statistics.revise(MIDNIGHT_NS // SECOND_NS, [trade(SECOND_NS, 1, 1)])
    assert row(statistics) == before


def test_when_no_trade_is_left_it_is_as_before_the_first() -> None:
    statistics = told([trade(0, 100, 1), trade(2 * SECOND_NS, 100, 1, 2)])
    statistics.revise(MIDNIGHT_NS // SECOND_NS, [])
    statistics.revise(MIDNIGHT_NS // SECOND_NS + 2, [])
    assert statistics.values() is None
    assert statistics.next_change_ns() == NEVER_NS
    tell(statistics, trade(3 * SECOND_NS, 50, 1, 3))
    assert row(statistics) == naive_statistics.statistics(
        [trade(3 * SECOND_NS, 50, 1, 3)], MIDNIGHT_NS + 3 * SECOND_NS
    )


# Shorter windows


def check_windows(
    statistics: RollingStatistics, windows: list[TrailingWindow], trades: list[Trade], now_ns: int
) -> None:
    """Each has the volume and the first price of its closed seconds."""
    now = now_ns // SECOND_NS
    for window in windows:
        window.slide(now)
        inside = [one for one in trades if now - window.length_seconds <= one.time_ns // SECOND_NS < now]
        assert window.volume_lots == sum(one.quantity_lots for one in inside)
        assert window.open_ticks() == (inside[0].price_ticks if inside else 0)
    in_the_open_second = [one for one in trades if one.time_ns // SECOND_NS == now]
    assert statistics.open_volume_lots() == sum(one.quantity_lots for one in in_the_open_second)
    assert statistics.open_second_open_ticks() == (in_the_open_second or [trade(0, 0, 0)])[0].price_ticks


@drawn(60)
@given(
    st.one_of(flow(MINUTE_NS), TRADES),
    st.lists(st.one_of(st.integers(1, 90), st.integers(1, LENGTH_SECONDS_MAX)), min_size=1, max_size=4),
    st.integers(1, 4),
)
def test_windows_of_the_last_seconds(trades: list[Trade], lengths: list[int], every: int) -> None:
    """Looked at after every so many trades."""
    statistics = RollingStatistics()
    windows = [TrailingWindow(statistics.seconds, length) for length in lengths]
    for count, one in enumerate(trades, 1):
        tell(statistics, one)
        if count % every == 0:
            check_windows(statistics, windows, trades[:count], one.time_ns)


def test_a_window_that_nobody_looked_at_while_its_seconds_went() -> None:
    """Their places in the ring have been given to others."""
    statistics = told([trade(after * SECOND_NS, 100, after + 1, after) for after in range(64)])
    window = TrailingWindow(statistics.seconds, 9)
    window.slide(MIDNIGHT_NS // SECOND_NS + 63)
    for after in range(70):
        tell(statistics, trade(2 * DAY_NS + after * SECOND_NS, 200, 1000, after))
    window.slide(MIDNIGHT_NS // SECOND_NS + 2 * DAY_SECONDS + 69)
    assert (window.volume_lots, window.open_ticks()) == (9_000, 200)


# Limits


def fill(statistics: RollingStatistics, first: int, count: int) -> None:
    """A trade in each of so many seconds, with highs that fall and lows that rise, so that the queues are long, too."""
    for second in range(first, first + count):
        time_ns = MIDNIGHT_NS + second * SECOND_NS
        statistics.advance(time_ns)
        statistics.trade(time_ns, 10**9 - second, 1)
        statistics.trade(time_ns, second + 1, 2**50)


def size_bytes(thing: object) -> int:
    """All that an object holds on to."""
    size = sys.getsizeof(thing)
    if isinstance(thing, deque):
        size += sum(sys.getsizeof(one) for one in thing)
    for name in getattr(thing, "__slots__", ()):
        size += size_bytes(getattr(thing, name))
    return size


def test_a_day_in_which_every_second_trades_and_then_memory_is_constant() -> None:
    statistics = RollingStatistics()
    fill(statistics, 0, DAY_SECONDS + 1)
    full_bytes = size_bytes(statistics)
    fill(statistics, DAY_SECONDS + 1, 770)
    # A queue takes memory in blocks.
    assert abs(size_bytes(statistics) - full_bytes) < 5_000
    assert statistics.seconds.capacity == DAY_SECONDS
    last = DAY_SECONDS + 770
    first = last - DAY_SECONDS
    values = statistics.values()
    assert values is not None
    assert (values.open_ticks, values.high_ticks) == (10**9 - first, 10**9 - first)
    assert (values.low_ticks, values.last_ticks) == (first + 1, last + 1)
    assert values.trades == 2 * (DAY_SECONDS + 1)
    assert values.quote_volume == sum(
        10**9 - second + (second + 1) * 2**50 for second in range(first, last + 1)
    )
    statistics.revise(MIDNIGHT_NS // SECOND_NS + last - 5, [trade((last - 5) * SECOND_NS, 2**60, 1)])
    values = statistics.values()
    assert values is not None
    assert (values.high_ticks, values.low_ticks) == (2**60, first + 1)


@pytest.mark.parametrize("length", [0, LENGTH_SECONDS_MAX + 1])
def test_a_window_that_is_too_long_is_a_bug(length: int) -> None:
    with pytest.raises(AssertionError):
        TrailingWindow(RollingStatistics().seconds, length)


@pytest.mark.parametrize(("last", "ppm"), [(4_000_002, 1), (3_999_998, -1), (4_000_001, 0), (4_000_003, 1)])
def test_changes_are_rounded_half_away_from_zero(last: int, ppm: int) -> None:
    assert Statistics(4_000_000, 1, 1, last, 0, 0, 0, 0, 0, 0, 0).change_ppm == ppm


@pytest.mark.parametrize(("quote", "microticks"), [(1, 0), (2, 0), (3, 1), (6, 2), (7, 2)])
def test_averages_are_rounded_half_to_even(quote: int, microticks: int) -> None:
    values = Statistics(1, 1, 1, 1, 4_000_000, quote, 1, 1, 4_000_000, quote, 1)
    assert (values.vwap_microticks, values.session_vwap_microticks) == (microticks, microticks)


def test_what_statistics_say_of_themselves() -> None:
    values = Statistics(3, 5, 1, 1, 2, 5, 2, 0, 0, 0, 0)
    assert repr(values) == "Statistics(3, 5, 1, 1, -2, -666667, 2, 5, 2, 2500000, 0, 0, 0, 0, 0)"
    assert values == Statistics(3, 5, 1, 1, 2, 5, 2, 0, 0, 0, 0)
    assert values != Statistics(3, 5, 1, 1, 2, 5, 2, 0, 0, 0, 1)
    assert len({values, Statistics(3, 5, 1, 1, 2, 5, 2, 0, 0, 0, 0)}) == 1
