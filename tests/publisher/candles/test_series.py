"""A symbol's candles against the slow and obvious ones, with jumps, revisions and restarts."""

import tracemalloc
from collections.abc import Iterable
from itertools import product

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bus.protocol.feed import Trade
from bus.protocol.terms import BUY, SELL
from publisher.candles.candle import Candle
from publisher.candles.intervals import INTERVALS
from publisher.candles.series import NEVER_NS as NEVER_NS_OF_SERIES
from publisher.candles.series import CandleSeries
from tests.publisher import naive_candles
from tests.publisher.drawn_trades import (
    DAY_NS,
    DEALS,
    HOUR_NS,
    MINUTE_NS,
    SECOND_NS,
    TIMES_NS,
    flow,
    gaps_ns,
    trades_after,
)
from tests.publisher.naive_candles import SECONDS, said
from tests.support.drawn import drawn

EVER_NS = 2**62
NEVER_NS = -EVER_NS
#: Monday, 2015-05-04 00:00 UTC.
MONDAY_NS = 1_430_697_600 * SECOND_NS

Named = tuple[str, Candle]


def tell(series: CandleSeries, trade: Trade) -> list[Named]:
    """Bring time to a trade and tell it; what closed before it."""
    closed = series.advance(trade.time_ns)
    series.trade(
        *(trade.sequence, trade.time_ns, trade.trade_id),
        *(trade.price_ticks, trade.quantity_lots, trade.aggressor),
    )
    return closed


def told(trades: Iterable[Trade]) -> tuple[CandleSeries, list[Named]]:
    """A series after these trades, and what closed."""
    series = CandleSeries()
    return series, [named for trade in trades for named in tell(series, trade)]


def in_order(named: Named) -> tuple[int, int]:
    """By the end, then by the length."""
    length_ns = SECONDS[named[0]] * SECOND_NS
    return named[1].open_time_ns + length_ns, length_ns


def kept(series: CandleSeries) -> dict[tuple[str, int], Candle]:
    """All candles of a series, open ones too, by interval and open time."""
    return {
        (name, candle.open_time_ns): candle
        for name in INTERVALS
        for candle in series.page(name, NEVER_NS, EVER_NS, 10**6)
    }


def check(series: CandleSeries, trades: list[Trade], begun_ns: int, first_ticks: int, now_ns: int) -> None:
    """All that is kept is what the trades say, and as much is kept as should be."""
    for name, interval in INTERVALS.items():
        expected = naive_candles.candles(name, trades, begun_ns, first_ticks, now_ns)
        page = series.page(name, NEVER_NS, EVER_NS, 10**6)
        assert [said(candle.row()) for candle in page] == expected[-interval.ring_length - 1 :]
        assert [candle.closed for candle in page] == [True] * (len(page) - 1) + [False]
        assert series.open(name) == page[-1]


def test_a_symbol_without_trades_has_no_candles() -> None:
    series = CandleSeries()
    assert series.advance(MONDAY_NS) == []
    assert series.open("1m") is None
    assert series.changed_since(0) == []
    assert series.page("1w", 0, EVER_NS, 10) == []


def test_three_trades_and_what_they_make() -> None:
    series, closed = told(
        [
            Trade(7, MONDAY_NS + 59 * SECOND_NS, 1, 100, 2, BUY),
            Trade(8, MONDAY_NS + 59 * SECOND_NS + 1, 2, 98, 1, SELL),
            Trade(9, MONDAY_NS + 3 * MINUTE_NS, 3, 105, 4, BUY),
        ]
    )
    first = (MONDAY_NS, 100, 100, 98, 98, 3, 298, 2, 2, 200, 1, 2, 8)
    assert [(name, candle.row()) for name, candle in closed] == [
        ("1m", (*first, True, 0)),
        ("1m", (MONDAY_NS + MINUTE_NS, *[98] * 4, *[0] * 8, True, 0)),
        ("1m", (MONDAY_NS + 2 * MINUTE_NS, *[98] * 4, *[0] * 8, True, 0)),
    ]
    minute = series.open("1m")
    assert minute == Candle(MONDAY_NS + 3 * MINUTE_NS, 105, 105, 105, 105, 4, 420, 1, 4, 420, 3, 3, 9)
    for name in list(INTERVALS)[1:]:
        assert series.open(name) == Candle(MONDAY_NS, 100, 105, 98, 105, 7, 718, 3, 6, 620, 1, 3, 9)


def test_all_intervals_close_at_the_end_of_a_week_the_shorter_first() -> None:
    series, _ = told([Trade(1, MONDAY_NS - 1, 1, 100, 2, BUY)])
    assert [name for name, _ in series.advance(MONDAY_NS)] == list(INTERVALS)
    week = series.page("1w", 0, MONDAY_NS, 10)
    assert [candle.row() for candle in week] == [
        (MONDAY_NS - 7 * DAY_NS, *[100] * 4, 2, 200, 1, 2, 200, 1, 1, 1, True, 0)
    ]


def test_a_trade_that_comes_before_its_time_is_a_bug() -> None:
    series, _ = told([Trade(1, MONDAY_NS, 1, 100, 2, BUY)])
    with pytest.raises(AssertionError, match="advance"):
        series.trade(2, MONDAY_NS + MINUTE_NS, 2, 100, 1, BUY)


@drawn(60)
@given(flow(12 * DAY_NS), st.integers(0, 9 * DAY_NS))
def test_candles_are_what_the_trades_say(trades: list[Trade], rest_ns: int) -> None:
    series, closed = told(trades)
    now_ns = trades[-1].time_ns + rest_ns
    closed += series.advance(now_ns)
    assert series.advance(now_ns) == []
    check(series, trades, trades[0].time_ns, 0, now_ns)
    for name in INTERVALS:
        expected = naive_candles.candles(name, trades, trades[0].time_ns, 0, now_ns)[:-1]
        given_out = [candle.row() for of, candle in closed if of == name]
        assert given_out == [(*one, True, 0) for one in expected], "each is given once, closed"
    assert closed == sorted(closed, key=in_order)


@drawn(20)
@given(flow(3 * DAY_NS), st.lists(gaps_ns(DAY_NS), max_size=20))
def test_going_in_steps_gives_the_same_candles(trades: list[Trade], steps: list[int]) -> None:
    series, closed = told(trades)
    now_ns = trades[-1].time_ns
    for step_ns in steps:
        now_ns += step_ns
        closed += series.advance(now_ns)
    once, closed_at_once = told(trades)
    closed_at_once += once.advance(now_ns)
    assert closed == closed_at_once
    assert kept(series) == kept(once)


@pytest.mark.parametrize(("name", "count"), [("1m", 34), ("5m", 8), ("1h", 2)])
def test_pages(name: str, count: int) -> None:
    """From and to any candle or a moment beside it, with any limit."""
    start_ns = MONDAY_NS - 7 * MINUTE_NS
    series, _ = told([Trade(1, start_ns, 1, 100, 1, BUY), Trade(2, start_ns + 33 * MINUTE_NS, 2, 99, 1, BUY)])
    everything = series.page(name, NEVER_NS, EVER_NS, 10**6)
    opens = [candle.open_time_ns for candle in everything]
    assert len(opens) == count
    edges = [
        NEVER_NS,
        *[opens_ns + by for opens_ns in (*opens[:3], *opens[-3:]) for by in (-1, 0, 1)],
        EVER_NS,
    ]
    for from_ns, to_ns, limit in product(edges, edges, (-1, 0, 1, 2, 3, 7, 34, 99)):
        expected = [candle for candle in everything if from_ns <= candle.open_time_ns < to_ns]
        assert series.page(name, from_ns, to_ns, limit) == (expected[-limit:] if limit > 0 else [])


def test_what_is_kept_and_when_the_next_candle_closes() -> None:
    series = CandleSeries()
    assert series.next_close_ns() == NEVER_NS_OF_SERIES
    tell(series, Trade(1, MONDAY_NS + 90 * SECOND_NS, 1, 100, 1, BUY))
    assert series.next_close_ns() == MONDAY_NS + 2 * MINUTE_NS
    assert series.oldest_ns("1m") == MONDAY_NS + MINUTE_NS
    assert series.oldest_ns("1w") == MONDAY_NS
    series.advance(MONDAY_NS + 1441 * MINUTE_NS)
    assert series.next_close_ns() == MONDAY_NS + 1442 * MINUTE_NS
    assert series.oldest_ns("1m") == MONDAY_NS + MINUTE_NS
    assert (series.is_whole("5m"), series.is_whole("1w")) == (True, True)
    series.advance(MONDAY_NS + 1442 * MINUTE_NS)
    assert (series.is_whole("1m"), series.is_whole("5m")) == (False, True)
    assert series.oldest_ns("1m") == MONDAY_NS + 2 * MINUTE_NS
    assert series.oldest_ns("1w") == MONDAY_NS


# What changed since


def test_a_change_is_told_once() -> None:
    trade = Trade(1, MONDAY_NS + 30 * SECOND_NS, 1, 100, 2, BUY)
    series, _ = told([trade])
    assert [name for name, _ in series.changed_since(trade.time_ns)] == list(INTERVALS)
    assert series.changed_since(trade.time_ns + 1) == []
    series.advance(MONDAY_NS + 5 * MINUTE_NS)
    assert series.changed_since(MONDAY_NS + 5 * MINUTE_NS - 1) == [
        ("1m", Candle(MONDAY_NS + 5 * MINUTE_NS, 100, 100, 100, 100)),
        ("5m", Candle(MONDAY_NS + 5 * MINUTE_NS, 100, 100, 100, 100)),
    ]
    assert series.changed_since(MONDAY_NS + 5 * MINUTE_NS) == []
    series.advance(MONDAY_NS + 6 * MINUTE_NS)
    assert [name for name, _ in series.changed_since(MONDAY_NS + 5 * MINUTE_NS)] == ["1m"]


@drawn(40)
@given(flow(HOUR_NS))
def test_who_asks_at_the_end_of_each_window_knows_all_open_candles(trades: list[Trade]) -> None:
    """Windows of 100 ms; nobody asks at the ends of those in which nothing happened."""
    window_ns = SECOND_NS // 10
    series = CandleSeries()
    known: dict[str, Candle] = {}
    asked_ns = NEVER_NS
    for trade, following in zip(trades, [*trades[1:], None], strict=True):
        tell(series, trade)
        ends_ns = trade.time_ns - trade.time_ns % window_ns + window_ns
        if following is not None and following.time_ns < ends_ns:
            continue
        series.advance(ends_ns)
        known.update(series.changed_since(asked_ns))
        asked_ns = ends_ns
        assert known == {name: series.open(name) for name in INTERVALS}
        assert series.changed_since(asked_ns) == []


# Revisions


class Revised:
    """A series, and all trades as they were revised."""

    def __init__(self, trades: list[Trade], rest_ns: int) -> None:
        self.series, self.closed = told(trades)
        self.trades = trades
        self.now_ns = trades[-1].time_ns + rest_ns
        self.closed += self.series.advance(self.now_ns)
        self.begun_ns, self.first_ticks = trades[0].time_ns, trades[0].price_ticks

    def minutes_of_the_day(self) -> list[int]:
        """The open times of the minutes that may be revised."""
        first = max(naive_candles.opens_ns("1d", self.now_ns), naive_candles.opens_ns("1m", self.begun_ns))
        return list(range(first, naive_candles.opens_ns("1m", self.now_ns) + 1, MINUTE_NS))

    def of(self, minute_ns: int) -> list[Trade]:
        """The trades of a minute."""
        return [trade for trade in self.trades if naive_candles.opens_ns("1m", trade.time_ns) == minute_ns]

    def revise(self, minute_ns: int, trades: list[Trade]) -> list[Named]:
        """Other trades for a minute."""
        before = self.of(minute_ns)
        if minute_ns == naive_candles.opens_ns("1m", self.begun_ns) and before and not trades:
            self.first_ticks = before[0].price_ticks
        rest = [trade for trade in self.trades if trade not in before]
        self.trades = sorted(rest + trades, key=lambda trade: trade.trade_id)
        return self.series.revise(minute_ns, trades)

    def check(self) -> None:
        """The candles are those of the trades as they are now."""
        check(self.series, self.trades, self.begun_ns, self.first_ticks, self.now_ns)


def draw_revision(data: st.DataObject, trades: list[Trade]) -> list[Trade]:
    """Some are busted, some have another price."""
    revised = []
    for trade in trades:
        price_ticks = data.draw(st.sampled_from([0, 0, trade.price_ticks, 98, 99, 102, 2**40]))
        if price_ticks:
            revised.append(
                Trade(
                    *(trade.sequence, trade.time_ns, trade.trade_id),
                    *(price_ticks, trade.quantity_lots, trade.aggressor),
                )
            )
    return revised


@drawn(80)
@given(flow(6 * HOUR_NS), st.integers(0, 3 * HOUR_NS), st.data())
def test_revising_is_making_everything_anew(trades: list[Trade], rest_ns: int, data: st.DataObject) -> None:
    revised = Revised(trades, rest_ns)
    for _ in range(data.draw(st.integers(1, 4))):
        minutes = revised.minutes_of_the_day()
        traded = [minute for minute in minutes if revised.of(minute)]
        minute_ns = data.draw(st.sampled_from(traded or minutes))
        before = kept(revised.series)
        changed = revised.revise(minute_ns, draw_revision(data, revised.of(minute_ns)))
        revised.check()
        after = kept(revised.series)
        assert after.keys() == before.keys()
        assert changed == sorted(changed, key=in_order)
        assert {(name, candle.open_time_ns): candle for name, candle in changed} == {
            key: candle for key, candle in after.items() if said(candle.row()) != said(before[key].row())
        }
        for key, candle in after.items():
            by = 1 if candle.closed and said(candle.row()) != said(before[key].row()) else 0
            assert candle.revision == before[key].revision + by


def test_empty_candles_behind_a_busted_trade_get_the_price_before_it() -> None:
    revised = Revised(
        [
            Trade(1, MONDAY_NS, 1, 100, 1, BUY),
            Trade(2, MONDAY_NS + 5 * MINUTE_NS, 2, 300, 1, BUY),
        ],
        7 * MINUTE_NS,
    )
    changed = revised.revise(MONDAY_NS + 5 * MINUTE_NS, [])
    only = (*[100] * 4, 1, 100, 1, 1, 100, 1, 1, 1)
    assert [(name, said(candle.row()), candle.closed, candle.revision) for name, candle in changed] == [
        *[("1m", (MONDAY_NS + minute * MINUTE_NS, *[100] * 4, *[0] * 8), True, 1) for minute in range(5, 10)],
        ("5m", (MONDAY_NS + 5 * MINUTE_NS, *[100] * 4, *[0] * 8), True, 1),
        ("1m", (MONDAY_NS + 10 * MINUTE_NS, *[100] * 4, *[0] * 8), True, 1),
        ("1m", (MONDAY_NS + 11 * MINUTE_NS, *[100] * 4, *[0] * 8), True, 1),
        ("1m", (MONDAY_NS + 12 * MINUTE_NS, *[100] * 4, *[0] * 8), False, 0),
        ("5m", (MONDAY_NS + 10 * MINUTE_NS, *[100] * 4, *[0] * 8), False, 0),
        *[(name, (MONDAY_NS, *only), False, 0) for name in ("15m", "30m", "1h", "4h", "1d", "1w")],
    ]


def test_the_first_minute_stays_when_all_its_trades_are_busted() -> None:
    revised = Revised([Trade(1, MONDAY_NS, 1, 100, 1, BUY), Trade(2, MONDAY_NS + 1, 2, 103, 1, BUY)], 0)
    changed = revised.revise(MONDAY_NS, [])
    assert [(name, candle.row()) for name, candle in changed] == [
        (name, (MONDAY_NS, *[100] * 4, *[0] * 8, False, 0)) for name in INTERVALS
    ]


def test_revisions_are_counted_from_the_end_of_a_candle() -> None:
    """So they follow from what is stored, which is closed candles."""
    revised = Revised([Trade(1, MONDAY_NS, 1, 100, 1, BUY), Trade(2, MONDAY_NS + 1, 2, 103, 1, BUY)], 0)
    revised.revise(MONDAY_NS, revised.trades[:1])
    closed = revised.series.advance(MONDAY_NS + 5 * MINUTE_NS)
    assert [(name, candle.revision) for name, candle in closed] == [*[("1m", 0)] * 5, ("5m", 0)]
    changed = revised.revise(MONDAY_NS, [Trade(1, MONDAY_NS, 1, 90, 1, BUY)])
    assert [(name, candle.revision) for name, candle in changed] == [
        *[("1m", 1)] * 5,
        ("5m", 1),
        *[(name, 0) for name in INTERVALS],
    ]


@pytest.mark.parametrize("by_ns", [-MINUTE_NS, 1, 10 * MINUTE_NS])
def test_only_minutes_of_the_trading_day_that_are_there_can_be_revised(by_ns: int) -> None:
    series, _ = told([Trade(1, MONDAY_NS - MINUTE_NS, 1, 100, 1, BUY), Trade(2, MONDAY_NS, 2, 90, 1, BUY)])
    before = kept(series)
    with pytest.raises(ValueError, match="trading day"):
        series.revise(MONDAY_NS + by_ns, [])
    assert kept(series) == before


# Restarts


@drawn(60)
@given(TIMES_NS, st.lists(st.tuples(gaps_ns(2 * DAY_NS), DEALS), min_size=2, max_size=30), st.data())
def test_a_series_that_starts_from_what_was_stored_goes_on_as_if_nothing_had_happened(
    first_ns: int, drawn_trades: list[tuple[int, tuple[int, int, int]]], data: st.DataObject
) -> None:
    trades = trades_after(first_ns, drawn_trades)
    cut = data.draw(st.integers(1, len(trades) - 1))
    revised = Revised(trades[:cut], data.draw(st.integers(0, trades[cut].time_ns - trades[cut - 1].time_ns)))
    stored = {(name, candle.open_time_ns): candle for name, candle in revised.closed}
    for _ in range(data.draw(st.integers(0, 2))):
        minute_ns = data.draw(st.sampled_from(revised.minutes_of_the_day()))
        for name, candle in revised.revise(minute_ns, draw_revision(data, revised.of(minute_ns))):
            stored[name, candle.open_time_ns] = candle
    newest = [
        (name, candle)
        for name, interval in INTERVALS.items()
        for candle in sorted(
            (candle for (of, _), candle in stored.items() if of == name),
            key=lambda candle: candle.open_time_ns,
        )[-interval.ring_length - 1 :]
    ]
    restored = CandleSeries()
    minute_ns = naive_candles.opens_ns("1m", revised.now_ns)
    restored.restore(newest, revised.of(minute_ns))
    assert kept(restored) == kept(revised.series)
    for trade in trades[cut:]:
        assert tell(restored, trade) == tell(revised.series, trade)
        assert restored.changed_since(trade.time_ns) == revised.series.changed_since(trade.time_ns)
    assert kept(restored) == kept(revised.series)


def stored_hours() -> list[Named]:
    """What closed in two hours and a bit."""
    return told([Trade(1, MONDAY_NS, 1, 100, 1, BUY), Trade(2, MONDAY_NS + 130 * MINUTE_NS, 2, 99, 1, BUY)])[
        1
    ]


@pytest.mark.parametrize(
    ("missing", "what"),
    [
        (lambda name, at: name == "1m" and at == 50, "does not follow"),
        (lambda name, at: name == "5m" and at >= 125, "the candles of 5m end at"),
        (lambda name, at: name == "1m" and at == 129, "the candles of 5m end at"),
        (lambda name, _: name == "1h", "the closed candles of 1h are missing"),
    ],
)
def test_candles_that_do_not_fit_together_are_not_restored(missing: object, what: str) -> None:
    assert callable(missing)
    stored = [
        (name, candle)
        for name, candle in stored_hours()
        if not missing(name, (candle.open_time_ns - MONDAY_NS) // MINUTE_NS)
    ]
    with pytest.raises(ValueError, match=what):
        CandleSeries().restore(stored, [])


def test_a_trade_of_another_minute_is_not_restored() -> None:
    with pytest.raises(ValueError, match="trade 3 is not of the minute"):
        CandleSeries().restore(stored_hours(), [Trade(9, MONDAY_NS + 131 * MINUTE_NS, 3, 99, 1, BUY)])


def test_memory_is_constant_once_the_rings_are_there() -> None:
    series, _ = told([Trade(1, MONDAY_NS, 1, 100, 2**62, BUY)])
    tracemalloc.start()
    try:
        sizes = []
        for day in range(1, 10):
            for hour in range(24):
                time_ns = MONDAY_NS + day * DAY_NS + hour * HOUR_NS
                tell(series, Trade(day, time_ns, day * 24 + hour, 100 + hour, 2**62, SELL))
            sizes.append(tracemalloc.get_traced_memory()[0])
        assert max(sizes[1:]) - sizes[0] < 2_000, f"bytes after each day: {sizes}"
    finally:
        tracemalloc.stop()
    assert len(series.page("1m", 0, EVER_NS, 10**6)) == 1441


def test_what_a_candle_says_of_itself() -> None:
    candle = Candle(1, 2, 4, 1, 3)
    assert repr(candle) == "Candle(1, 2, 4, 1, 3, 0, 0, 0, 0, 0, 0, 0, 0, False, 0)"
    assert candle == Candle(*candle.row())
    assert candle != Candle(1, 2, 4, 1, 3, closed=True)
    assert len({candle, Candle(*candle.row())}) == 1
