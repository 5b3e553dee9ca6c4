"""Schedules: what no story can tell. The rules themselves are in `tests/scenarios/schedules*.txt`."""

from datetime import date, timedelta
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bus.calendar.planning import PLAN_NS, plan_ahead, rows_after
from bus.calendar.words import schedule_of
from bus.calendar.zones import zone_of
from bus.protocol import feed
from bus.protocol.commands import SetPhase, SetSchedule
from bus.protocol.reasons import INVALID_SCHEDULE
from bus.protocol.records import SEMANTICS_VERSION, EndDrawn, EngineStarted, PhasesPlanned, Rules, TimeTicked
from bus.protocol.reports import COMPLETED, REJECTED
from bus.protocol.terms import (
    BUY,
    BY_SCHEDULE,
    CLOCK_SYSTEM,
    CLOSED,
    CONTINUOUS,
    HALTED,
    OPENING_AUCTION,
    PRE_OPEN,
    SELL,
    VOLATILITY_AUCTION,
)
from matcher.codec.state_codec import decode_state, encode_state, state_digest
from matcher.day.scheduling import PLANNED_AHEAD_NS
from matcher.engine import Engine
from matcher.gate.schedules import HOLIDAYS_MAX, ROWS_MAX, ROWS_PER_DAY_MAX, is_date, is_valid
from tests.matcher.exchanges import Event, Exchange, answers, enter
from tests.support.markets import DAWN_NS, HOUR_NS

DAY_NS = 24 * HOUR_NS
#: From 08:00 on an auction, from 09:00 on trading, from 20:00 on nothing.
HOURS = schedule_of(
    "BTC-USD",
    "UTC",
    {"mon-sun": [("08:00", "opening-auction", 30_000), ("09:00", "continuous"), ("20:00", "closed")]},
    {},
)


def plan(exchange: Exchange) -> list[tuple[str, Event]]:
    """What the node logs behind a batch, and what it causes."""
    caused: list[tuple[str, Event]] = []
    engine = exchange.engine
    while True:
        records: list[object] = [
            PhasesPlanned(schedule.symbol, number, plan_ahead(schedule, planned_ns, engine.time_ns))
            for schedule, number, planned_ns in engine.plans_wanted()
        ]
        records += [EndDrawn(symbol, number, 0) for symbol, number, _ in engine.draws_wanted()]
        if not records:
            return caused
        for record in records:
            caused += exchange.record(record)


def phases(events: list[tuple[str, Event]]) -> list[tuple[int, int, int]]:
    """(phase, cause, when it ends) of all phases that began."""
    return [event[3:] for _, event in events if event[0] == feed.PHASE_CHANGED]


def scheduled(hours: SetSchedule = HOURS) -> Exchange:
    """An exchange of which BTC-USD has hours, planned."""
    exchange = Exchange("ops", "anna")
    assert answers(exchange.say(1, hours)) == [(COMPLETED, 0)]
    assert plan(exchange) == []
    return exchange


# Plans


def test_a_schedule_is_planned_when_it_is_set_and_once_a_day_then() -> None:
    exchange = Exchange("ops")
    engine = exchange.engine
    assert engine.plans_wanted() == []
    exchange.say(1, HOURS)
    number, set_ns = engine.sequence, engine.time_ns
    assert engine.plans_wanted() == [(HOURS, number, set_ns)]
    assert engine.plans_wanted() == [], "each is told once"
    exchange.record(PhasesPlanned("BTC-USD", number, plan_ahead(HOURS, set_ns, set_ns)))
    *_, rows = engine.schedule("BTC-USD")
    ends_ns = rows[-1][0]
    assert ends_ns >= set_ns + PLAN_NS
    exchange.now_ns = ends_ns - PLANNED_AHEAD_NS
    exchange.record(TimeTicked())
    assert engine.plans_wanted() == []
    exchange.record(TimeTicked())
    assert engine.plans_wanted() == [(HOURS, number, ends_ns)]


def test_what_was_wanted_and_not_logged_is_wanted_of_the_next_engine() -> None:
    exchange = Exchange("ops")
    exchange.say(1, HOURS)
    wanted = exchange.engine.plans_wanted()
    again = Engine(decode_state(encode_state(exchange.engine.state)))
    assert again.plans_wanted() == wanted != []


def test_a_plan_of_a_schedule_that_was_replaced_and_rows_that_are_known_are_passed_over() -> None:
    exchange = scheduled()
    *_, rows = exchange.engine.schedule("BTC-USD")
    first = exchange.engine.schedule("BTC-USD")[1]
    exchange.record(PhasesPlanned("BTC-USD", first, rows))
    assert exchange.engine.schedule("BTC-USD")[-1] == rows
    exchange.say(1, HOURS)
    second = exchange.engine.schedule("BTC-USD")[1]
    assert second > first
    exchange.record(PhasesPlanned("BTC-USD", first, rows))
    exchange.record(PhasesPlanned("ETH-USD", second, rows))
    assert exchange.engine.schedule("BTC-USD")[-1] == []
    exchange.engine.state.check()


def test_an_instrument_without_a_schedule_says_so() -> None:
    exchange = Exchange("ops")
    assert exchange.engine.schedule("BTC-USD") == ("BTC-USD", 0, "", [], [], [])
    assert exchange.engine.instruments()[0][4] == 0
    exchange.say(1, HOURS)
    assert exchange.engine.instruments()[0][4] == exchange.engine.sequence
    exchange.say(1, SetSchedule("BTC-USD", "", []))
    assert exchange.engine.schedule("BTC-USD") == ("BTC-USD", 0, "", [], [], [])
    assert exchange.engine.next_timer_ns == 0


# Away


def test_an_opening_auction_that_the_engine_was_not_there_for_still_uncrosses() -> None:
    exchange = scheduled()
    exchange.now_ns = DAWN_NS + 8 * HOUR_NS
    assert phases(exchange.record(TimeTicked())) == [(OPENING_AUCTION, BY_SCHEDULE, DAWN_NS + 9 * HOUR_NS)]
    plan(exchange)
    exchange.say(2, enter("a1", BUY, 5, 100), enter("a2", SELL, 3, 100))
    # It is away over the end of the auction, and the whole day.
    state = decode_state(encode_state(exchange.engine.state))
    exchange.engine = Engine(state)
    exchange.now_ns = DAWN_NS + 22 * HOUR_NS
    events = exchange.record(EngineStarted(2, SEMANTICS_VERSION, CLOCK_SYSTEM, Rules(10, 10, 10)))
    assert phases(events) == [
        (CONTINUOUS, BY_SCHEDULE, DAWN_NS + 20 * HOUR_NS),
        (CLOSED, BY_SCHEDULE, DAWN_NS + 32 * HOUR_NS),
    ]
    traded = [event[4:6] for _, event in events if event[0] == feed.TRADE]
    assert traded == [(100, 3)]
    state.check()


def test_an_engine_that_was_away_for_months_makes_up_for_a_week() -> None:
    exchange = scheduled()
    exchange.now_ns = DAWN_NS + 100 * DAY_NS + 12 * HOUR_NS
    events = exchange.record(EngineStarted(2, SEMANTICS_VERSION, CLOCK_SYSTEM, Rules(10, 10, 10)))
    first = phases(events)
    rest = phases(plan(exchange))
    # What was planned, but for its last row, of which nobody knew the end; then that, one row, and a week of three.
    assert len(first) == 8
    assert len(rest) == 1 + 1 + 3 * 7
    assert [ends_ns for *_, ends_ns in rest[2:4]] == [DAWN_NS + (93 * 24 + at) * HOUR_NS for at in (32, 33)]
    assert rest[-1] == (CONTINUOUS, BY_SCHEDULE, DAWN_NS + (100 * 24 + 20) * HOUR_NS)
    assert exchange.engine.draws_wanted() == [], "what is over has no random end"
    exchange.engine.state.check()


# The state


@pytest.mark.parametrize(
    ("part", "value"),
    [
        ("number", 99),
        ("set_ns", 99),
        ("rows", [(DAWN_NS + 9 * HOUR_NS, CONTINUOUS, 0)]),
        ("command", schedule_of("BTC-USD", "UTC", {"mon": [("08:00", "closed")]}, {})),
    ],
)
def test_each_part_of_a_schedule_is_in_the_digest_and_comes_back(part: str, value: object) -> None:
    exchange = scheduled()
    exchange.now_ns = DAWN_NS + 8 * HOUR_NS
    exchange.record(TimeTicked())
    state = exchange.engine.state
    before = state_digest(state)
    schedule = state.instruments["BTC-USD"].schedule
    assert schedule is not None
    setattr(schedule, part, value)
    assert state_digest(state) != before
    copy = decode_state(encode_state(state)).instruments["BTC-USD"].schedule
    assert copy is not None
    assert getattr(copy, part) == value


def test_whether_a_schedule_acts_is_in_the_digest_and_comes_back() -> None:
    exchange = scheduled()
    exchange.now_ns = DAWN_NS + 8 * HOUR_NS
    exchange.record(TimeTicked())
    state = exchange.engine.state
    schedule = state.instruments["BTC-USD"].schedule
    assert schedule is not None
    assert schedule.acts
    before = state_digest(state)
    schedule.acts = False
    assert state_digest(state) != before


@pytest.mark.parametrize(
    "rows",
    [
        [(DAWN_NS + 2, CLOSED, 0), (DAWN_NS + 1, CONTINUOUS, 0)],
        [(1, CLOSED, 0), (DAWN_NS + 9 * HOUR_NS, CONTINUOUS, 0)],
        [],
        [(DAWN_NS + 10 * HOUR_NS, CONTINUOUS, 0)],
    ],
)
def test_a_schedule_that_could_not_have_come_about_is_no_state(rows: list[tuple[int, int, int]]) -> None:
    exchange = scheduled()
    exchange.now_ns = DAWN_NS + 8 * HOUR_NS
    exchange.record(TimeTicked())
    schedule = exchange.engine.state.instruments["BTC-USD"].schedule
    assert schedule is not None
    schedule.rows = rows
    with pytest.raises(ValueError, match="not a state: the schedule of BTC-USD: "):
        decode_state(encode_state(exchange.engine.state))


# What is valid


def test_a_schedule_has_limits() -> None:
    row, other = (0, CONTINUOUS, 0), (0, CLOSED, 0)
    day = [(at, (CONTINUOUS, CLOSED)[at % 2], 0) for at in range(ROWS_PER_DAY_MAX)]
    dates = [str(date(2026, 1, 1) + timedelta(days=n)) for n in range(HOLIDAYS_MAX + 1)]
    many: list[tuple[str, list[tuple[int, int, int]]]] = [(text, []) for text in dates]
    for days, holidays, valid in (
        ([(1, day)], [], True),
        ([(1, [*day, (ROWS_PER_DAY_MAX, CONTINUOUS, 0)])], [], False),
        ([(1, [row])], many[:-1], True),
        ([(1, [row])], many, False),
        ([(1, [row])], [(text, day) for text in dates[: ROWS_MAX // ROWS_PER_DAY_MAX - 1]], True),
        ([(1, [row])], [(text, day) for text in dates[: ROWS_MAX // ROWS_PER_DAY_MAX]], False),
        ([(1, [other]), (126, [other])], [], True),
        ([(1, [other]), (127, [other])], [], False),
    ):
        assert is_valid(SetSchedule("BTC-USD", "UTC", days, holidays)) == valid
    for zone in ("Europe/Berlin", "Etc/GMT+5", "America/Argentina/Buenos_Aires", "UTC", "EST5EDT"):
        assert is_valid(SetSchedule("BTC-USD", zone, [(1, [row])]))
    for zone in ("", "Europe/", "/UTC", "a/b/c/d", "../UTC", "Europe Berlin", "UTC\n"):
        assert not is_valid(SetSchedule("BTC-USD", zone, [(1, [row])]))


@given(st.text("0123456789-", max_size=10) | st.dates(date(1970, 1, 1), date(2100, 12, 31)).map(str))
def test_dates_are_those_of_the_calendar(text: str) -> None:
    try:
        known = len(text) == 10 and text[4] == "-" and 1970 <= date.fromisoformat(text).year <= 2100
    except ValueError:
        known = False
    assert is_date(text) == known


def test_dates_that_are_none() -> None:
    for text in (
        "2026-02-29",
        "2100-02-29",
        "2026-00-01",
        "2026-04-31",
        "2026-01-32",
        "1969-12-31",
        "2026-1-1",
    ):
        assert not is_date(text)
    for text in ("2028-02-29", "2000-02-29", "2026-04-30", "2026-12-31"):
        assert is_date(text)


# All of it

ZONES = ("Europe/Berlin", "America/New_York", "Australia/Lord_Howe", "Asia/Kolkata", "UTC")
SCHEDULED = (CONTINUOUS, HALTED, CLOSED, PRE_OPEN, OPENING_AUCTION)


@st.composite
def drawn_rows(draw: st.DrawFn) -> list[tuple[int, int, int]]:
    """Rows of a day, without random ends."""
    times = sorted(draw(st.sets(st.integers(0, 24 * 60 - 1), min_size=1, max_size=6)))
    found: list[tuple[int, int, int]] = []
    for at in times:
        phase = draw(st.sampled_from(SCHEDULED).filter(lambda one: not found or one != found[-1][1]))
        found.append((at * 60, phase, 0))
    return found


@st.composite
def drawn_schedules(draw: st.DrawFn) -> SetSchedule:
    """Hours of any kind."""
    weekdays = draw(st.integers(1, 127))
    rest = draw(st.booleans()) and 127 & ~weekdays
    days = [(weekdays, draw(drawn_rows()))] + ([(rest, draw(drawn_rows()))] if rest else [])
    dates = draw(st.sets(st.dates(date(2026, 1, 1), date(2026, 12, 31)), max_size=4))
    holidays = [(str(day), draw(st.just([]) | drawn_rows())) for day in sorted(dates)]
    return SetSchedule("BTC-USD", draw(st.sampled_from(ZONES)), days, holidays)


@settings(max_examples=40)
@given(
    drawn_schedules(),
    st.integers(0, 364),
    st.lists(st.tuples(st.integers(1, 40 * 3600), st.booleans()), min_size=3, max_size=12),
)
def test_each_phase_is_the_one_that_the_calendar_says(
    hours: SetSchedule, day: int, steps: list[tuple[int, bool]]
) -> None:
    """Whatever the steps, and whether the engine starts again between them from its state."""
    exchange = Exchange("ops")
    start_ns = exchange.now_ns = DAWN_NS + day * DAY_NS
    exchange.say(1, hours)
    caused = phases(plan(exchange))
    rows: list[tuple[int, int, int]] = []
    happened: list[tuple[int, int, int]] = []
    for seconds, again in steps:
        exchange.now_ns += seconds * 1_000_000_000
        if again:
            exchange.engine = Engine(decode_state(encode_state(exchange.engine.state)))
        caused += phases(exchange.record(TimeTicked()))
        caused += phases(plan(exchange))
        exchange.engine.state.check()
        rows = rows_after(hours, zone_of(hours.zone), start_ns, exchange.now_ns + 1)
        happened = [row for row in rows if row[0] <= exchange.now_ns]
        phase = happened[-1][1] if happened else CONTINUOUS
        _, known, (ends_ns, *_), *_ = exchange.engine.instruments()[0]
        assert known == phase
        assert ends_ns == (rows[len(happened)][0] if happened else 0), "who comes late is told when it ends"
    ends = [*(row[0] for row in rows), 0]
    assert caused == [(row[1], BY_SCHEDULE, end_ns) for row, end_ns in zip(happened, ends[1:], strict=False)]


@pytest.mark.parametrize(("phase", "held"), [(HALTED, True), (VOLATILITY_AUCTION, False), (CLOSED, False)])
def test_of_what_an_operator_sets_a_halt_alone_is_held(phase: int, held: bool) -> None:
    exchange = scheduled()
    exchange.say(1, SetPhase("BTC-USD", phase))
    begun: list[Any] = []
    for hour in (8, 9, 20):
        exchange.now_ns = DAWN_NS + hour * HOUR_NS
        begun += phases(exchange.record(TimeTicked()))
        plan(exchange)
    assert [one[0] for one in begun] == ([] if held else [OPENING_AUCTION, CONTINUOUS, CLOSED])


def test_rejected_hours_leave_those_that_are_there() -> None:
    exchange = scheduled()
    before = exchange.engine.schedule("BTC-USD")
    wrong = SetSchedule("BTC-USD", "UTC", [(1, [(8, CONTINUOUS, 0), (7, CLOSED, 0)])])
    assert answers(exchange.say(1, wrong)) == [(REJECTED, INVALID_SCHEDULE)]
    assert exchange.engine.schedule("BTC-USD") == before
    assert exchange.engine.plans_wanted() == []
