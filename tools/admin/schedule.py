"""`matchbus admin schedule`: the trading hours of an instrument, or of several, out of a file that people read.

zone = "Europe/Berlin"

[[days]]
on = "mon-fri"
hours = [["08:50", "opening-auction", "30s"], ["09:00", "continuous"], ["17:35", "closed"]]

[[holidays]]
on = ["2026-12-25", "2026-12-26"]       # no hours: nothing happens
"""

import tomllib
from collections.abc import Iterator
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Annotated, Any, Final

import typer

from bus.calendar.moments import NS_PER_S
from bus.calendar.planning import rows_after
from bus.calendar.words import HoursRow, schedule_of
from bus.calendar.zones import zone_of
from bus.clock import utc_ns
from bus.errors import ConfigError
from bus.protocol.commands import SetSchedule
from bus.protocol.terms import PHASES
from bus.sockets.client import Client
from bus.sockets.session.orders import checked_note
from tools import options
from tools.ending import plain_values
from tools.operating import Asked, operate_on_each
from tools.order.times import duration_ms
from tools.showing import plain_table, show

#: How many rows to come are shown: two days of a market with auctions.
_SHOWN: Final = 10
_DAY_NS: Final = 24 * 3600 * NS_PER_S


def schedule(
    symbols: Annotated[
        str, typer.Argument(metavar="SYMBOL[,SYMBOL]", help="The instruments.", show_default=False)
    ],
    file: Annotated[
        Path | None,
        typer.Argument(metavar="FILE", help="The hours, in TOML; docs/cli.md shows one.", show_default=False),
    ] = None,
    none: Annotated[bool, typer.Option("--none", help="In the place of a file: no hours any more.")] = False,
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Show what comes next, and send nothing.")
    ] = False,
    why: options.Why = "",
    who: options.As = None,
    data: options.Data = options.DEFAULT_DATA,
    token_file: options.TokenFile = None,
    port_base: options.PortBase = options.DEFAULT_PORT_BASE,
    connect: options.Connect = options.DEFAULT_CONNECT,
    timeout: options.Timeout = options.DEFAULT_TIMEOUT,
    as_json: options.AsJson = False,
) -> None:
    """Give instruments trading hours: which phase begins when, by the clocks of a time zone, in the place of others.

    What comes next is shown first, as the calendar of this machine has it. The phase that is on stays until then.

    \b
    Examples:
      matchbus admin schedule BTC-USD,ETH-USD hours.toml --why "winter hours"
      matchbus admin schedule BTC-USD hours.toml --dry-run
      matchbus admin schedule BTC-USD --none
    """
    if none == (file is not None):
        raise typer.BadParameter("say SYMBOL[,SYMBOL] FILE, or SYMBOL[,SYMBOL] --none")
    names = list(dict.fromkeys(symbols.split(",")))
    hours = SetSchedule(names[0], "", []) if file is None else schedule_in(file)
    if file is not None and not as_json:
        show_next(hours, utc_ns())
    if dry_run:
        return

    def ask(client: Client) -> Iterator[Asked]:
        for symbol in names:
            done = f"{symbol}: hours of {hours.zone}" if hours.days else f"{symbol}: no hours any more"
            yield done, client.put_schedule(symbol, hours, why=checked_note(why))

    operate_on_each(ask, data, token_file, port_base, connect, timeout, as_json, who)


def schedule_in(file: Path) -> SetSchedule:
    """The hours of a file, of no symbol yet. Raises ConfigError, which names what is wrong, and UnknownZone."""
    try:
        document = tomllib.loads(file.read_text(encoding="utf-8"))
    except OSError as failure:
        raise ConfigError(f"{file}: {failure.strerror}") from None
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as failure:
        raise ConfigError(f"{file}: {failure}") from None
    try:
        with plain_values():
            return _schedule(document)
    except ConfigError as failure:
        raise ConfigError(f"{file}: {failure}") from None


def _schedule(document: dict[str, Any]) -> SetSchedule:
    zone = document.pop("zone", None)
    if not isinstance(zone, str):
        raise ValueError("`zone` names a time zone, such as Europe/Berlin")
    zone_of(zone)
    days: dict[str, list[HoursRow]] = {}
    holidays: dict[str, list[HoursRow]] = {}
    for key, found in (("days", days), ("holidays", holidays)):
        for part in _tables(document.pop(key, []), key):
            named = part.pop("on", None)
            rows = [_row(row) for row in _list(part.pop("hours", []), "hours")]
            _nothing_left(part, f"[[{key}]]")
            for name in named if isinstance(named, list) else [named]:
                if not isinstance(name, str | date):
                    raise ValueError(f"`on` of [[{key}]] says which days: mon-fri, or 2026-12-25")
                if str(name) in found:
                    raise ValueError(f"{name} has hours already")
                found[str(name)] = rows
    _nothing_left(document, "a schedule")
    if not days:
        raise ValueError("a schedule has [[days]]; --none takes all hours away")
    return schedule_of("-", zone, days, holidays)


def _tables(value: Any, key: str) -> list[dict[str, Any]]:
    tables = _list(value, key)
    if not all(isinstance(table, dict) for table in tables):
        raise ValueError(f"each of `{key}` is a table: [[{key}]]")
    return tables


def _list(value: Any, key: str) -> list[Any]:
    if not isinstance(value, list):
        raise ValueError(f"`{key}` is a list")
    return value


def _row(row: Any) -> HoursRow:
    words = _list(row, "hours") if not isinstance(row, str) else []
    if not 2 <= len(words) <= 3 or not all(isinstance(word, str) for word in words):
        raise ValueError(f'{row!r} is no row: write ["09:00", "continuous"]')
    return words[0], words[1], duration_ms(words[2]) if len(words) > 2 else 0


def _nothing_left(table: dict[str, Any], where: str) -> None:
    if table:
        raise ValueError(f"{where} has no {next(iter(table))!r}")


def show_next(hours: SetSchedule, now_ns: int) -> None:
    """What comes next, by the clocks of the zone and in UTC."""
    zone = zone_of(hours.zone)
    table = plain_table("What comes next", (hours.zone, "UTC", "phase"))
    for at_ns, phase, random_ms in rows_after(hours, zone, now_ns, now_ns + 7 * _DAY_NS)[:_SHOWN]:
        at = datetime.fromtimestamp(at_ns // NS_PER_S, UTC)
        chance = f", ends up to {random_ms / 1000:g} s later" if random_ms else ""
        local = at.astimezone(zone)
        table.add_row(
            f"{local:%a %Y-%m-%d %H:%M:%S}", f"{at:%H:%M:%S}", f"{PHASES.get(phase, str(phase))}{chance}"
        )
    show(table)
