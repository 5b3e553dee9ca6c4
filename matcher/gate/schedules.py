"""The hours of a schedule: whether they keep all rules of SetSchedule (docs/rules.md, SCHEDULE).

What no database of time zones is needed for: here nobody knows whether a zone exists. The gateway asks that.
"""

import re
from typing import Final

from bus.protocol.commands import DayRow, SetSchedule
from bus.protocol.terms import (
    AUCTIONS,
    CLOSED,
    CLOSING_AUCTION,
    CONTINUOUS,
    HALTED,
    OPENING_AUCTION,
    PRE_OPEN,
)
from matcher.gate.phases import RANDOM_MS_MAX

#: Names of the IANA database, by their letters alone.
ZONE: Final = re.compile(r"[A-Za-z0-9_+-]+(/[A-Za-z0-9_+-]+){0,2}")
_DATE: Final = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}")
#: All but the volatility auction, which nobody can plan.
SCHEDULED: Final = (CONTINUOUS, HALTED, CLOSED, PRE_OPEN, OPENING_AUCTION, CLOSING_AUCTION)
#: What a day may have is a handful: two or three sessions of auction, trading, auction.
ROWS_PER_DAY_MAX: Final = 32
#: A dozen years of them. The whole schedule is one event of the feed, and has to stay small.
HOLIDAYS_MAX: Final = 128
#: Of all days and holidays together, for the same reason.
ROWS_MAX: Final = 512
_DAY_S: Final = 24 * 3600
_EVERY_DAY: Final = 127
_FIRST_YEAR: Final = 1970
_LAST_YEAR: Final = 2100


def is_valid(command: SetSchedule) -> bool:
    """Whether an instrument may have these hours, or none."""
    if not command.days:
        return not command.holidays and (not command.zone or ZONE.fullmatch(command.zone) is not None)
    if ZONE.fullmatch(command.zone) is None or len(command.holidays) > HOLIDAYS_MAX:
        return False
    count = 0
    seen = 0
    for weekdays, rows in command.days:
        if not 1 <= weekdays <= _EVERY_DAY or weekdays & seen or not rows or not _are_valid(rows):
            return False
        seen |= weekdays
        count += len(rows)
    dates: dict[str, int] = {}
    for date, rows in command.holidays:
        if date in dates or not is_date(date) or not _are_valid(rows):
            return False
        dates[date] = len(rows)
        count += len(rows)
    return count <= ROWS_MAX


def _are_valid(rows: list[DayRow]) -> bool:
    """Whether a day may go so: times rise, no phase follows itself, chance does not reach the row after the next."""
    if len(rows) > ROWS_PER_DAY_MAX:
        return False
    last_s = -1
    last_phase = 0
    for at in range(len(rows)):
        second, phase, random_ms = rows[at]
        if not last_s < second < _DAY_S or phase not in SCHEDULED or phase == last_phase:
            return False
        if random_ms and not _may_end_at_random(rows, at):
            return False
        last_s = second
        last_phase = phase
    return True


def _may_end_at_random(rows: list[DayRow], at: int) -> bool:
    """Whether this row is an auction that ends on its day, and even then before the row after the next."""
    _, phase, random_ms = rows[at]
    if phase not in AUCTIONS or not 0 < random_ms <= RANDOM_MS_MAX or at + 1 == len(rows):
        return False
    return at + 2 == len(rows) or random_ms < (rows[at + 2][0] - rows[at + 1][0]) * 1000


def is_date(text: str) -> bool:
    """Whether this is a day of the calendar, as YYYY-MM-DD."""
    if _DATE.fullmatch(text) is None:
        return False
    year, month, day = int(text[:4]), int(text[5:7]), int(text[8:])
    if not _FIRST_YEAR <= year <= _LAST_YEAR or not 1 <= month <= 12:
        return False
    if month == 2:
        leap = year % 4 == 0 and (year % 100 != 0 or year % 400 == 0)
        return 1 <= day <= 28 + leap
    return 1 <= day <= (30 if month in (4, 6, 9, 11) else 31)
