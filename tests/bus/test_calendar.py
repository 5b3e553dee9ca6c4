"""The calendar: moments against a walk over every minute, plans, and hours in words."""

from datetime import UTC, date, datetime, timedelta
from functools import cache
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bus.calendar.moments import DAY_S, NS_PER_S, exists, local_day, moment_s
from bus.calendar.planning import MISSED_NS, PLAN_NS, plan_ahead, rows_after
from bus.calendar.words import (
    HoursRow,
    hours_text,
    schedule_of,
    second_of,
    second_text,
    weekdays_of,
    weekdays_text,
)
from bus.calendar.zones import zone_of
from bus.errors import UnknownZone
from bus.protocol.commands import SetSchedule
from bus.protocol.terms import CLOSED, CONTINUOUS, OPENING_AUCTION, PRE_OPEN

HOUR_NS = 3600 * NS_PER_S
DAY_NS = 24 * HOUR_NS
#: Half an hour, minutes by the quarter, the other half of the world, midnights that are left out or come twice, none.
ZONES = (
    "Europe/Berlin",
    "America/New_York",
    "Australia/Lord_Howe",
    "Asia/Kolkata",
    "Pacific/Chatham",
    "America/Santiago",
    "Asia/Beirut",
    "America/Havana",
    "Pacific/Apia",
    "UTC",
)
FIRST, LAST = date(1990, 1, 1), date(2040, 1, 1)


def utc_ns(text: str) -> int:
    """A moment that is written as UTC."""
    return int(datetime.fromisoformat(text).replace(tzinfo=UTC).timestamp()) * NS_PER_S


@cache
def days_of_change(name: str) -> list[date]:
    """The days on which the clocks of a zone are moved."""
    zone = zone_of(name)
    noon = [
        datetime(day.year, day.month, day.day, 12, tzinfo=zone).utcoffset()
        for day in (FIRST + timedelta(days=n) for n in range((LAST - FIRST).days))
    ]
    return [FIRST + timedelta(days=n) for n in range(1, len(noon)) if noon[n] != noon[n - 1]]


@st.composite
def zoned_days(draw: st.DrawFn) -> tuple[str, date]:
    """A zone and a day: any, or one on which the clocks are moved, or one beside it."""
    name = draw(st.sampled_from(ZONES))
    changes = days_of_change(name)
    near_one: bool = draw(st.booleans())
    if changes and near_one:
        return name, draw(st.sampled_from(changes)) + timedelta(days=draw(st.integers(-1, 1)))
    return name, draw(st.dates(FIRST, LAST))


def first_minute_s(zone: ZoneInfo, day: date, minute: int) -> int:
    """The first minute, of all minutes one after the other, at which the clocks show this time of the day or more."""
    wanted = datetime(day.year, day.month, day.day) + timedelta(minutes=minute)  # noqa: DTZ001 - what clocks show
    at = int(datetime(day.year, day.month, day.day, tzinfo=UTC).timestamp()) - 15 * 3600
    while datetime.fromtimestamp(at, zone).replace(tzinfo=None) < wanted:
        at += 60
    return at


@settings(max_examples=60)
@given(zoned_days(), st.integers(0, 24 * 60 - 1))
def test_a_moment_is_the_first_at_which_the_clocks_show_the_time_or_a_later_one(
    zoned: tuple[str, date], minute: int
) -> None:
    name, day = zoned
    zone = zone_of(name)
    assert moment_s(zone, day, minute * 60) == first_minute_s(zone, day, minute)


@given(zoned_days(), st.integers(0, DAY_S - 1), st.integers(0, DAY_S - 1))
def test_a_later_time_of_a_day_never_happens_earlier(zoned: tuple[str, date], one: int, other: int) -> None:
    name, day = zoned
    first, second = (moment_s(zone_of(name), day, at) for at in sorted((one, other)))
    assert first <= second


@pytest.mark.parametrize(
    ("name", "day", "time", "moment"),
    [
        ("Europe/Berlin", "2026-01-15", "09:00", "2026-01-15T08:00"),
        ("Europe/Berlin", "2026-07-15", "09:00", "2026-07-15T07:00"),
        # Left out: from 02:00 to 03:00.
        ("Europe/Berlin", "2026-03-29", "01:59:59", "2026-03-29T00:59:59"),
        ("Europe/Berlin", "2026-03-29", "02:00", "2026-03-29T01:00"),
        ("Europe/Berlin", "2026-03-29", "02:59:59", "2026-03-29T01:00"),
        ("Europe/Berlin", "2026-03-29", "03:00", "2026-03-29T01:00"),
        ("Europe/Berlin", "2026-03-29", "03:00:01", "2026-03-29T01:00:01"),
        # Twice: from 02:00 to 03:00.
        ("Europe/Berlin", "2026-10-25", "02:00", "2026-10-25T00:00"),
        ("Europe/Berlin", "2026-10-25", "02:59:59", "2026-10-25T00:59:59"),
        ("Europe/Berlin", "2026-10-25", "03:00", "2026-10-25T02:00"),
        # By half an hour, and by a midnight that is left out.
        ("Australia/Lord_Howe", "2026-10-04", "02:15", "2026-10-03T15:30"),
        ("Australia/Lord_Howe", "2026-04-05", "01:45", "2026-04-04T14:45"),
        ("Asia/Beirut", "2022-03-27", "00:00", "2022-03-26T22:00"),
        ("Asia/Beirut", "2022-03-27", "00:30", "2022-03-26T22:00"),
        # Liberia's clocks were moved by 44 minutes and 30 seconds.
        ("Africa/Monrovia", "1972-01-07", "00:44:29", "1972-01-07T00:44:30"),
        ("Asia/Kolkata", "2026-03-29", "09:15", "2026-03-29T03:45"),
    ],
)
def test_moments_that_were_looked_up(name: str, day: str, time: str, moment: str) -> None:
    assert moment_s(zone_of(name), date.fromisoformat(day), second_of(time)) * NS_PER_S == utc_ns(moment)


def test_a_day_that_the_clocks_leave_out_does_not_exist() -> None:
    samoa = zone_of("Pacific/Apia")
    days = [date(2011, 12, 29) + timedelta(days=n) for n in range(3)]
    assert [exists(samoa, day) for day in days] == [True, False, True]
    assert [local_day(samoa, utc_ns(f"2011-12-30T{hour}:59") // NS_PER_S) for hour in ("09", "10")] == [
        days[0],
        days[2],
    ]


# Plans

#: A day of three rows, a short one, one of nothing.
HOURS = schedule_of(
    "BTC-USD",
    "Europe/Berlin",
    {"mon-thu": [("08:00", "pre-open"), ("08:50", "opening-auction", 30_000), ("09:00", "continuous")]},
    {"2026-01-06": [("10:00", "closed")], "2026-01-07": []},
)


def shown(rows: list[tuple[int, int, int]]) -> list[tuple[str, int, int]]:
    """Rows with their times as UTC."""
    return [
        (f"{datetime.fromtimestamp(at // NS_PER_S, UTC):%d %H:%M}", phase, random_ms)
        for at, phase, random_ms in rows
    ]


def test_a_plan_has_what_comes_after_by_whole_days_and_a_row_behind() -> None:
    monday = [("05 07:00", PRE_OPEN, 0), ("05 07:50", OPENING_AUCTION, 30_000), ("05 08:00", CONTINUOUS, 0)]
    rows = rows_after(HOURS, zone_of("Europe/Berlin"), utc_ns("2026-01-02T12:00"), utc_ns("2026-01-05T07:30"))
    assert shown(rows) == monday
    rows = rows_after(HOURS, zone_of("Europe/Berlin"), utc_ns("2026-01-05T07:00"), utc_ns("2026-01-05T08:00"))
    assert shown(rows) == monday[1:]
    # The next day is a short one, behind that is nothing before Thursday.
    rows = rows_after(HOURS, zone_of("Europe/Berlin"), utc_ns("2026-01-05T08:00"), utc_ns("2026-01-06T09:01"))
    assert shown(rows) == [
        ("06 09:00", CLOSED, 0),
        ("08 07:00", PRE_OPEN, 0),
        ("08 07:50", OPENING_AUCTION, 30_000),
        ("08 08:00", CONTINUOUS, 0),
    ]


def test_a_plan_begins_where_the_last_one_ended_and_reaches_two_days() -> None:
    now_ns = utc_ns("2026-02-02T12:00")
    first = plan_ahead(HOURS, now_ns, now_ns)
    assert first[0][0] > now_ns
    assert first[-1][0] >= now_ns + PLAN_NS
    later_ns = now_ns + DAY_NS
    second = plan_ahead(HOURS, first[-1][0], later_ns)
    assert second[0][0] > first[-1][0]
    assert first + second == rows_after(HOURS, zone_of(HOURS.zone), now_ns, second[-1][0])


def test_what_was_missed_for_longer_than_a_week_is_left_out_but_for_the_last_of_it() -> None:
    now_ns = utc_ns("2026-02-02T07:30")  # a Monday, before the auction
    rows = plan_ahead(HOURS, utc_ns("2025-01-01T00:00"), now_ns)
    assert shown(rows)[:2] == [("26 07:00", PRE_OPEN, 0), ("26 07:50", OPENING_AUCTION, 30_000)]
    assert [row[0] for row in rows if row[0] <= now_ns - MISSED_NS] == [rows[0][0]]
    # Nothing is planned twice when the last of it was known.
    known_ns = rows[0][0]
    assert shown(plan_ahead(HOURS, known_ns, now_ns))[0] == ("26 07:50", OPENING_AUCTION, 30_000)


def test_holidays_in_a_row_do_not_end_a_plan() -> None:
    first = date(2026, 1, 2)
    holidays = {str(first + timedelta(days=n)): list[HoursRow]() for n in range(128)}
    schedule = schedule_of("BTC-USD", "UTC", {"sat": [("10:00", "continuous")]}, holidays)
    now_ns = utc_ns("2026-01-01T00:00")
    assert shown(plan_ahead(schedule, now_ns, now_ns)) == [("16 10:00", CONTINUOUS, 0)]  # of May
    # And looked back upon, over all of them.
    rows = plan_ahead(schedule, utc_ns("2025-12-01T00:00"), utc_ns("2026-05-10T00:00"))
    assert shown(rows) == [("27 10:00", CONTINUOUS, 0), ("16 10:00", CONTINUOUS, 0)]


def test_a_day_that_the_clocks_leave_out_has_no_hours() -> None:
    schedule = schedule_of("BTC-USD", "Pacific/Apia", {"mon-sun": [("10:00", "continuous")]}, {})
    rows = rows_after(
        schedule, zone_of("Pacific/Apia"), utc_ns("2011-12-29T00:00"), utc_ns("2011-12-31T00:00")
    )
    assert shown(rows) == [
        ("29 20:00", CONTINUOUS, 0),
        ("30 20:00", CONTINUOUS, 0),
        ("31 20:00", CONTINUOUS, 0),
    ]


def test_the_clock_of_commands_begins_in_1970_and_so_may_a_plan() -> None:
    for name in ZONES:
        schedule = SetSchedule("BTC-USD", name, [(127, [(0, CLOSED, 0), (3600, CONTINUOUS, 0)])])
        rows = plan_ahead(schedule, 5, 5)
        assert 5 < rows[0][0] <= DAY_NS
        assert [row[1] for row in rows[:4]] in ([CLOSED, CONTINUOUS] * 2, [CONTINUOUS, CLOSED] * 2)


# Zones


@pytest.mark.parametrize(
    "name",
    [
        "",
        "Moon/Tranquility",
        "europe/berlin",
        "Europe",
        "../../etc/passwd",
        "/etc/localtime",
        "x" * 5000,
        "a\0b",
    ],
)
def test_what_is_no_zone_is_said(name: str) -> None:
    with pytest.raises(UnknownZone, match="is no time zone that is known here"):
        zone_of(name)


@pytest.mark.parametrize("name", ["localtime", "Factory", "posixrules", "right/Europe/Berlin", "posix/UTC"])
def test_what_only_a_machine_knows_is_no_zone(name: str) -> None:
    with pytest.raises(UnknownZone, match="is no time zone that is known here"):
        zone_of(name)


# Words


@pytest.mark.parametrize(
    ("words", "bits", "text"),
    [
        ("mon", 1, "mon"),
        ("mon-fri", 31, "mon-fri"),
        ("sun,sat", 96, "sat, sun"),
        ("Mon, wed - FRI", 29, "mon, wed-fri"),
        ("mon-sun", 127, "mon-sun"),
        ("mon,wed,fri,sat,sun", 117, "mon, wed, fri-sun"),
    ],
)
def test_weekdays_in_words(words: str, bits: int, text: str) -> None:
    assert weekdays_of(words) == bits
    assert weekdays_text(bits) == text
    assert weekdays_of(text) == bits


@pytest.mark.parametrize(
    "words", ["", "monday", "fri-mon", "mon-", "-fri", "mon,,tue", "mon,mon", "mon-fri,wed"]
)
def test_what_are_no_weekdays_is_said(words: str) -> None:
    with pytest.raises(ValueError, match=r"weekdays|a week goes|twice"):
        weekdays_of(words)


@given(st.integers(0, DAY_S - 1))
def test_times_there_and_back(second: int) -> None:
    assert second_of(second_text(second)) == second


@pytest.mark.parametrize(
    "text",
    ["", "9:00", "09", "24:00", "09:60", "09:00:60", "09:00:00:00", "-1:00", "\u0660\u0669:00", "09.00"],
)
def test_what_is_no_time_is_said(text: str) -> None:
    with pytest.raises(ValueError, match="is no time of a day"):
        second_of(text)


def test_hours_in_words_become_a_command() -> None:
    assert HOURS.days == [
        (15, [(28_800, PRE_OPEN, 0), (31_800, OPENING_AUCTION, 30_000), (32_400, CONTINUOUS, 0)])
    ]
    assert HOURS.holidays == [("2026-01-06", [(36_000, CLOSED, 0)]), ("2026-01-07", [])]
    with pytest.raises(ValueError, match="'open' is no phase; there are continuous, halted, "):
        schedule_of("BTC-USD", "UTC", {"mon": [("09:00", "open")]}, {})
    assert schedule_of("BTC-USD", "UTC", {}, {}, "no more") == SetSchedule(
        "BTC-USD", "UTC", [], [], "no more"
    )


@pytest.mark.parametrize(
    ("days", "holidays", "text"),
    [
        ({}, {}, "always"),
        (
            {"mon-fri": [("08:00", "pre-open"), ("09:00", "continuous"), ("17:30", "closing-auction")]},
            {"2026-12-25": []},
            "mon-fri 09:00-17:30 UTC, 1 holiday",
        ),
        (
            {
                "mon-fri": [
                    ("09:00", "continuous"),
                    ("11:30", "halted"),
                    ("12:30:30", "continuous"),
                    ("15:00", "closed"),
                ],
                "sat": [("10:00", "continuous")],
                "sun": [("08:00", "closed")],
            },
            {"2026-12-24": [], "2026-12-25": []},
            "mon-fri 09:00-11:30 12:30:30-15:00; sat 10:00-; sun closed UTC, 2 holidays",
        ),
    ],
)
def test_hours_for_people(
    days: dict[str, list[HoursRow]], holidays: dict[str, list[HoursRow]], text: str
) -> None:
    schedule = schedule_of("BTC-USD", "UTC", days, holidays)
    assert hours_text(schedule.zone, schedule.days, schedule.holidays) == text
