"""Days of engine time: calendar days in UTC, from midnight to midnight."""

from datetime import UTC, date, datetime, timedelta
from typing import Final

from msgspec import Struct

from bus.errors import ConfigError
from matcher.timers import DAY_NS

_EPOCH: Final = date(1970, 1, 1)


class Period(Struct, frozen=True):
    """Whole days, both included. `begin_ns` is in it, `end_ns` is behind it."""

    first: date
    last: date

    @property
    def begin_ns(self) -> int:
        """The midnight at which it begins."""
        return (self.first - _EPOCH).days * DAY_NS

    @property
    def end_ns(self) -> int:
        """The midnight at which it is over."""
        return ((self.last - _EPOCH).days + 1) * DAY_NS

    @property
    def name(self) -> str:
        """`2026-11-27`, or `2026-11-01 to 2026-11-30`."""
        return str(self.first) if self.first == self.last else f"{self.first} to {self.last}"


def day_of(time_ns: int) -> date:
    """The day in which a moment lies."""
    return _EPOCH + timedelta(days=time_ns // DAY_NS)


def last_whole_day(time_ns: int) -> Period:
    """The day before the one in which this moment lies."""
    day = day_of(time_ns) - timedelta(days=1)
    return Period(day, day)


def read_period(day: str | None, first: str | None, last: str | None) -> Period | None:
    """What the options say; None when they say nothing. ConfigError when they contradict each other."""
    if day is not None:
        if first is not None or last is not None:
            raise ConfigError("--day: it is one day; name several with --from and --to")
        one = _read(day, "--day")
        return Period(one, one)
    if first is None and last is None:
        return None
    if first is None or last is None:
        raise ConfigError("--from and --to go together; name one day with --day")
    begin, end = _read(first, "--from"), _read(last, "--to")
    if end < begin:
        raise ConfigError(f"--to {last}: it is before --from {first}")
    return Period(begin, end)


def moment_text(time_ns: int) -> str:
    """UTC to the nanosecond, in the way of ISO 8601: `2026-11-27T09:30:00.000000001Z`."""
    seconds, rest = divmod(time_ns, 1_000_000_000)
    return f"{datetime.fromtimestamp(seconds, UTC):%Y-%m-%dT%H:%M:%S}.{rest:09d}Z"


def _read(text: str, option: str) -> date:
    try:
        day = date.fromisoformat(text)
    except ValueError:
        raise ConfigError(f"{option} {text}: it is no day; write it as 2026-11-27") from None
    if day < _EPOCH:
        raise ConfigError(f"{option} {text}: engine time begins with 1970-01-01")
    return day
