"""Schedules in people's words, made into SetSchedule and back: "mon-fri", "09:00", "opening-auction".

Only what cannot be said at all is refused here (a time that no clock shows); whether hours go together is the engine's
to say.
"""

from collections.abc import Mapping, Sequence
from typing import Final, TypeAlias

from bus.protocol.commands import DayRow, SetSchedule
from bus.protocol.terms import CONTINUOUS, PHASES, WEEKDAYS

#: A time ("09:00"), the name of the phase that begins then, and by how many ms an auction may last longer.
HoursRow: TypeAlias = tuple[str, str] | tuple[str, str, int]

_NAMES: Final = tuple(WEEKDAYS.values())
_PHASES: Final = {name: number for number, name in PHASES.items()}


def schedule_of(
    symbol: str,
    zone: str,
    days: Mapping[str, Sequence[HoursRow]],
    holidays: Mapping[str, Sequence[HoursRow]],
    why: str = "",
) -> SetSchedule:
    """The command. `days` by weekdays, `holidays` by date. Raises ValueError for a word that is none."""
    return SetSchedule(
        symbol,
        zone,
        [(weekdays_of(words), [_row_of(row) for row in rows]) for words, rows in days.items()],
        [(day, [_row_of(row) for row in rows]) for day, rows in holidays.items()],
        why,
    )


def _row_of(row: HoursRow) -> DayRow:
    phase = _PHASES.get(row[1])
    if phase is None:
        raise ValueError(f"{row[1]!r} is no phase; there are {', '.join(_PHASES)}")
    return second_of(row[0]), phase, row[2] if len(row) > 2 else 0


def weekdays_of(words: str) -> int:
    """The bits of days such as "mon-fri", "sat" or "mon, wed-fri". ValueError for a word that is none."""
    found = 0
    for part in words.split(","):
        first, dash, last = (word.strip().lower() for word in part.partition("-"))
        if first not in _NAMES or (dash and last not in _NAMES):
            raise ValueError(f"{part.strip()!r} are no weekdays: write mon-fri, or mon, wed, fri")
        start, end = _NAMES.index(first), _NAMES.index(last if dash else first)
        if end < start:
            raise ValueError(f"{part.strip()!r}: a week goes from mon to sun")
        for at in range(start, end + 1):
            if found >> at & 1:
                raise ValueError(f"{words!r} has {_NAMES[at]} twice")
            found |= 1 << at
    return found


def weekdays_text(weekdays: int) -> str:
    """Bits as words: days in a row of three or more by their first and last."""
    parts: list[str] = []
    at = 0
    while at < len(_NAMES):
        end = at
        while end < len(_NAMES) and weekdays >> end & 1:
            end += 1
        if end - at > 2:
            parts.append(f"{_NAMES[at]}-{_NAMES[end - 1]}")
        else:
            parts += _NAMES[at:end]
        at = max(end, at) + 1
    return ", ".join(parts)


def second_of(text: str) -> int:
    """The second of the day of a time such as 09:00 or 17:30:15. ValueError for what no clock shows."""
    parts = text.split(":")
    if len(parts) in (2, 3) and all(len(part) == 2 and part.isascii() and part.isdigit() for part in parts):
        hour, minute, second = (int(part) for part in (*parts, "00")[:3])
        if hour < 24 and minute < 60 and second < 60:
            return hour * 3600 + minute * 60 + second
    raise ValueError(f"{text!r} is no time of a day: write 09:00, or 17:30:15")


def second_text(second: int) -> str:
    """A second of the day as a time, with seconds only if there are some."""
    minute, second = divmod(second, 60)
    text = f"{minute // 60:02}:{minute % 60:02}"
    return f"{text}:{second:02}" if second else text


def hours_text(
    zone: str, days: Sequence[tuple[int, list[DayRow]]], holidays: Sequence[tuple[str, list[DayRow]]]
) -> str:
    """When there is continuous trading, for people: `mon-fri 09:00-17:30 Europe/Berlin, 2 holidays`.

    "always" when there is no schedule. A time without an end is one that goes on into the next day that has rows.
    """
    if not days:
        return "always"
    parts = [f"{weekdays_text(weekdays)} {_spans_text(rows)}" for weekdays, rows in days]
    text = f"{'; '.join(parts)} {zone}"
    if holidays:
        text += f", {len(holidays)} holiday{'s' if len(holidays) != 1 else ''}"
    return text


def _spans_text(rows: list[DayRow]) -> str:
    spans: list[str] = []
    for at, (second, phase, _) in enumerate(rows):
        if phase == CONTINUOUS:
            end = second_text(rows[at + 1][0]) if at + 1 < len(rows) else ""
            spans.append(f"{second_text(second)}-{end}")
    return " ".join(spans) or "closed"
