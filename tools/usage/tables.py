"""How the analysis of use looks on a terminal: a line that sums it up, and a table for each question.

What is not there is a dash, so that what failed is seen at once.
"""

from collections.abc import Iterable, Sequence
from datetime import UTC, datetime
from typing import Final

from rich.text import Text

from tools.showing import counted, plain_table, show
from web.schemas.usage import RouteUse, Usage
from web.tally import NOWHERE

_NOTHING: Final = Text("-", "dim")
_SLOWEST_ROWS: Final = 5
#: From this share on it is worth a look.
_MANY_REFUSED: Final = 0.1


def print_usage(usage: Usage) -> None:
    """Print it."""
    show(_summary(usage))
    if not usage.calls and not usage.data:
        return
    calls = usage.calls
    _table(
        ("key", "account", ">calls", ">share", ">refused", ">failed", ">mean", ">last"),
        (
            (
                one.key or "without a key",
                one.account or _NOTHING,
                f"{one.calls:,}",
                _share(one.calls, calls),
                *_bad(one.calls, one.refused, one.failed),
                _duration(one.mean_us),
                _clock(one.last_ms, usage),
            )
            for one in usage.keys
        ),
    )
    _table(
        ("route", ">calls", ">share", ">refused", ">failed", ">mean", ">p50", ">p99"),
        (
            (
                _route(one),
                f"{one.calls:,}",
                _share(one.calls, calls),
                *_bad(one.calls, one.refused, one.failed),
                _duration(one.mean_us),
                _duration(one.p50_us),
                _duration(one.p99_us),
            )
            for one in usage.routes
        ),
    )
    slowest = usage.slowest[:_SLOWEST_ROWS]
    if len(usage.routes) > 1 and slowest:
        _table(
            ("slowest route", ">p99", ">p50", ">calls"),
            (
                (_route(one), _duration(one.p99_us), _duration(one.p50_us), f"{one.calls:,}")
                for one in slowest
            ),
        )
    _table(
        ("symbol", ">calls", ">share", ">refused", ">failed"),
        (
            (
                one.symbol,
                f"{one.calls:,}",
                _share(one.calls, calls),
                *_bad(one.calls, one.refused, one.failed),
            )
            for one in usage.symbols
        ),
    )
    _table(
        ("market data", "symbol", ">requests", ">subscriptions"),
        (
            (
                one.data,
                one.symbol,
                f"{one.requests:,}" if one.requests else _NOTHING,
                f"{one.subscriptions:,}" if one.subscriptions else _NOTHING,
            )
            for one in usage.data
        ),
    )
    _table(
        ("status", ">calls", ">share"),
        ((_status(one.status), f"{one.calls:,}", _share(one.calls, calls)) for one in usage.statuses),
    )


def _summary(usage: Usage) -> Text:
    seconds = (usage.to_ms - usage.from_ms) / 1000
    text = Text()
    text.append(f"{_moment(usage.from_ms)} to {_moment(usage.to_ms)} UTC", "bold")
    if not usage.calls:
        return text.append(": no calls")
    text.append(f": {counted(usage.calls, 'call')}, {usage.calls / seconds:,.2g} a second")
    refused, failed = _bad(usage.calls, usage.refused, usage.failed)
    return Text.assemble(text, ", refused ", refused, ", failed ", failed)


def _table(columns: Iterable[str], rows: Iterable[Sequence[str | Text]]) -> None:
    """A table behind an empty line; none where it would be empty."""
    there = list(rows)
    if not there:
        return
    table = plain_table("", columns)
    table.title = None
    table.header_style = "dim"
    for row in there:
        table.add_row(*row)
    show("")
    show(table)


def _route(one: RouteUse) -> str:
    return "no such path" if one.method == NOWHERE else f"{one.method} {one.path}"


def _bad(calls: int, refused: int, failed: int) -> tuple[Text, Text]:
    """The cells of what was refused and what failed."""
    share = Text(_share(refused, calls), "yellow" if refused > _MANY_REFUSED * calls else "")
    return share if refused else _NOTHING, Text(f"{failed:,}", "bold red") if failed else _NOTHING


def _status(status: int) -> Text:
    style = "bold red" if status >= 500 else "yellow" if status >= 400 else ""
    return Text(str(status), style)


def _share(part: int, whole: int) -> str:
    if not whole or not part:
        return "0%"
    percent = 100 * part / whole
    return f"{percent:.0f}%" if percent >= 10 else f"{percent:.1f}%" if percent >= 0.1 else "<0.1%"


def _duration(us: int | None) -> str | Text:
    """To two places: `840 µs`, `3.2 ms`, `45 ms`, `1.4 s`."""
    if us is None:
        return _NOTHING
    if us < 1_000:
        return f"{us} µs"
    if us < 10_000:
        return f"{us / 1_000:.1f} ms"
    if us < 1_000_000:
        return f"{us / 1_000:.0f} ms"
    return f"{us / 1_000_000:.1f} s"


def _moment(time_ms: int) -> str:
    return f"{datetime.fromtimestamp(time_ms / 1000, UTC):%Y-%m-%d %H:%M}"


def _clock(time_ms: int, usage: Usage) -> str:
    """A time of day, with its date where the days are several."""
    day_ms = 86_400_000
    text = _moment(time_ms)
    return text[11:] if usage.from_ms // day_ms == (usage.to_ms - 1) // day_ms else text[5:]
