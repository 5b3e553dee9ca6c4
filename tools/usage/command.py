"""`matchbus usage`: the analysis of use, read from where all instances of the web keep it. The web need not run."""

import os
from contextlib import closing
from typing import Annotated, Final

import msgspec
import typer

from bus.clock import utc_ns
from bus.errors import ConfigError
from tools import options
from tools.ending import quietly
from tools.order.times import past_time_of
from tools.usage.tables import print_usage
from web.schemas.usage import MINUTES_MAX, UsageQuery
from web.usage.minute import MINUTE_MS
from web.usage.store import UsageStore

_DEFAULT_LAST: Final = "1h"
_DEFAULT_ROWS: Final = 10
_MINUTE_NS: Final = MINUTE_MS * 1_000_000


def usage(
    last: Annotated[
        str, typer.Option(metavar="TIME", help="Since when: 15m, 2h or 1d ago, or 2026-12-31T17:00.")
    ] = _DEFAULT_LAST,
    rows: Annotated[
        int, typer.Option(metavar="N", help="How long each table is at most.", min=1, max=1_000)
    ] = _DEFAULT_ROWS,
    key: Annotated[str | None, typer.Option(metavar="KEY", help="Only calls with this API key.")] = None,
    account: Annotated[
        str | None, typer.Option(metavar="NAME", help="Only calls with keys of this account.")
    ] = None,
    symbol: Annotated[
        str | None, typer.Option(metavar="SYMBOL", help="Only what is about this instrument.")
    ] = None,
    config: options.ConfigFile = None,
    data: options.EngineData = None,
    as_json: options.AsJson = False,
) -> None:
    """Show who uses the web's API for what, and how long that takes: over all its instances.

    By API key, route, instrument and status; the slowest routes; the market data that is wanted most. Of keys only
    their ids are kept. What was asked within the last two seconds may be missing.

    \b
    Examples:
      matchbus usage
      matchbus usage --last 15m --account alice
      matchbus usage --last 1d --json | jq .slowest
    """
    settings = options.engine_config(
        config, os.environ, data=data, port_base=None, host=None, sync=None, clock=None
    )
    if not settings.web.usage_hours:
        raise ConfigError("web.usage_hours = 0: the analysis of use is not kept")
    query = UsageQuery(_minutes(last), rows, key, account, symbol)
    # Whoever may read the token may see who does what; and where no engine has run, nobody has.
    options.operator_token(settings.engine.data_dir, None)
    with closing(UsageStore(settings)) as store:
        found = store.ask(query)
    with quietly():
        if as_json:
            print(msgspec.json.encode(found).decode())
        else:
            print_usage(found)


def _minutes(text: str) -> int:
    """How many minutes are looked at, the one that began last included."""
    now_minute = utc_ns() // _MINUTE_NS
    try:
        since = past_time_of(text) // _MINUTE_NS
    except ValueError as error:
        raise ConfigError(f"--last: {error}") from None
    if since > now_minute:
        raise ConfigError(f"--last {text}: that is not over yet")
    return min(max(1, now_minute - since + (text[-1:] not in "smhd")), MINUTES_MAX)
