"""Planning: the moments of engine time that a schedule comes to.

Pure but for the database of time zones. The node logs what is planned here, since another machine may plan otherwise.
"""

from datetime import date, timedelta
from typing import Final
from zoneinfo import ZoneInfo

from bus.calendar.moments import NS_PER_S, exists, local_day, moment_s
from bus.calendar.zones import zone_of
from bus.protocol.commands import DayRow, SetSchedule

#: (engine time, phase, random_ms)
Planned = list[tuple[int, int, int]]

_DAY_NS: Final = 24 * 3600 * NS_PER_S
#: A plan reaches so far: the core asks for more when a day is left of it, so each schedule is planned once a day.
PLAN_NS: Final = 2 * _DAY_NS
#: What was missed for longer is left out, but for the last of it: an engine that comes back after a year should not
#: open and close the market 250 times.
MISSED_NS: Final = 7 * _DAY_NS
#: No schedule is without a row for longer: its holidays (128 at most) in a row, and a week.
_DAYS_WITHOUT_ROW_MAX: Final = 140


def plan_ahead(schedule: SetSchedule, planned_ns: int, now_ns: int) -> Planned:
    """What comes after `planned_ns`, up to two days from now and at least one row behind that. Raises UnknownZone."""
    zone = zone_of(schedule.zone)
    after_ns = max(planned_ns, now_ns - MISSED_NS)
    rows = rows_after(schedule, zone, after_ns, now_ns + PLAN_NS)
    if after_ns > planned_ns:
        earlier_ns = max(planned_ns, after_ns - _DAYS_WITHOUT_ROW_MAX * _DAY_NS)
        missed = [row for row in rows_after(schedule, zone, earlier_ns, after_ns) if row[0] <= after_ns]
        rows = missed[-1:] + rows
    return rows


def rows_after(schedule: SetSchedule, zone: ZoneInfo, after_ns: int, until_ns: int) -> Planned:
    """What comes after `after_ns`, by whole days of the zone, up to `until_ns` and at least one row behind that.

    O(days between). None only of a schedule without rows.
    """
    by_weekday = {bit: rows for weekdays, rows in schedule.days for bit in range(7) if weekdays >> bit & 1}
    by_date = {date.fromisoformat(text): rows for text, rows in schedule.holidays}
    found: Planned = []
    day = local_day(zone, after_ns // NS_PER_S) - timedelta(days=1)
    last_day = local_day(zone, until_ns // NS_PER_S) + timedelta(days=_DAYS_WITHOUT_ROW_MAX)
    while day <= last_day and not (found and found[-1][0] >= until_ns):
        rows = by_date.get(day)
        if rows is None:
            rows = by_weekday.get(day.weekday(), [])
        found += [row for row in _rows_of(zone, day, rows) if row[0] > after_ns]
        day += timedelta(days=1)
    return found


def _rows_of(zone: ZoneInfo, day: date, rows: list[DayRow]) -> Planned:
    """The rows of one day; none of a day that the zone leaves out."""
    if not rows or not exists(zone, day):
        return []
    return [(moment_s(zone, day, second) * NS_PER_S, phase, random_ms) for second, phase, random_ms in rows]
