"""Moments: when the clocks of a zone show a time of a day.

A time happens at the first moment at which the clocks of its day show it or a later one. So one that is left out,
since the clocks are put forward over it, happens when the gap ends; and one that comes twice, since they are put back,
happens the first time. A later time of a day never happens before an earlier one.
"""

from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo

DAY_S = 24 * 3600
NS_PER_S = 1_000_000_000
_EPOCH = date(1970, 1, 1)


def moment_s(zone: ZoneInfo, day: date, second: int) -> int:
    """When the clocks of a zone first show this second of a day, or a later one: in seconds since 1970, UTC."""
    shown = datetime.combine(day, time(tzinfo=zone)) + timedelta(seconds=second)
    local_s = (day - _EPOCH).days * DAY_S + second
    first_s = local_s - _offset_s(shown)
    if _shown_s(zone, first_s) == local_s:
        return first_s
    # The clocks leave it out: between these two they are put forward.
    before_s, after_s = local_s - _offset_s(shown.replace(fold=1)), first_s
    while after_s - before_s > 1:
        middle_s = (before_s + after_s) // 2
        if _shown_s(zone, middle_s) >= local_s:
            after_s = middle_s
        else:
            before_s = middle_s
    return after_s


def local_day(zone: ZoneInfo, moment: int) -> date:
    """The day that the clocks of a zone show at a moment, in seconds since 1970."""
    return (datetime.fromtimestamp(moment, UTC).astimezone(zone)).date()


def exists(zone: ZoneInfo, day: date) -> bool:
    """Whether the clocks of a zone ever show this day. (Samoa has had no 30 December 2011.)"""
    return moment_s(zone, day, 0) != moment_s(zone, day + timedelta(days=1), 0)


def _shown_s(zone: ZoneInfo, moment: int) -> int:
    """What the clocks show then, in seconds of local time since 1970."""
    return moment + _offset_s(datetime.fromtimestamp(moment, UTC).astimezone(zone))


def _offset_s(shown: datetime) -> int:
    """By how much the clocks of a zone are ahead of UTC."""
    offset = shown.utcoffset()
    assert offset is not None, "a zone has an offset at any time"
    return offset // timedelta(seconds=1)
