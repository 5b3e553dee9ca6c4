"""Times in people's words: `2h` from now, ago or long; or a date and time in ISO 8601, UTC where no zone is said."""

import re
from datetime import UTC, datetime

from bus.clock import utc_ns

_UNITS_S = {"s": 1, "m": 60, "h": 3600, "d": 86400}
_DURATION = re.compile(r"(\d+)([smhd])")


def time_of(text: str) -> int:
    """Nanoseconds since 1970; a duration is from now. Raises ValueError when it is no time."""
    return _time_of(text, 1)


def past_time_of(text: str) -> int:
    """The same; a duration is so long ago, at most until 1970."""
    return max(0, _time_of(text, -1))


def duration_ms(text: str) -> int:
    """Milliseconds of a duration alone, such as `500ms`, `30s` or `5m`. Raises ValueError when it is none."""
    found = re.fullmatch(r"(\d{1,12})(ms|[smhd])", text, re.ASCII)
    if found is None:
        raise ValueError(f"{text!r} is no duration: say 30s, 5m or 2h")
    return int(found[1]) * (1 if found[2] == "ms" else _UNITS_S[found[2]] * 1000)


def length_ms(text: str | None) -> int:
    """The same of an option that may be left out, 0 then: for until further notice, or for no time at all."""
    return duration_ms(text) if text else 0


def _time_of(text: str, direction: int) -> int:
    duration = _DURATION.fullmatch(text)
    if duration is not None:
        return utc_ns() + direction * int(duration[1]) * _UNITS_S[duration[2]] * 10**9
    try:
        return instant_of(text)
    except ValueError:
        raise ValueError(f"{text!r} is no time: say 2h, or 2026-12-31T17:00") from None


def instant_of(text: str) -> int:
    """Nanoseconds since 1970 of a date and time alone. Raises ValueError when it is none."""
    try:
        time = datetime.fromisoformat(text)
    except ValueError:
        raise ValueError(f"{text!r} is no time: say 2026-12-31T17:00") from None
    if time.tzinfo is None:
        time = time.replace(tzinfo=UTC)
    since = time - datetime(1970, 1, 1, tzinfo=UTC)
    return ((since.days * 86400 + since.seconds) * 10**6 + since.microseconds) * 1000
