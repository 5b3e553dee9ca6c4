"""`matchbus status`: how the processes of an exchange are, in one table, as JSON, or again and again."""

import os
import time
from collections.abc import Callable, Sequence
from contextlib import ExitStack
from typing import Annotated, Final, NoReturn

import typer
from msgspec.structs import replace
from rich.console import Console
from rich.live import Live

from bus.addresses import addresses
from bus.clock import utc_ns
from bus.config_loading import load_config
from bus.errors import ConfigError, NotConnected
from bus.protocol.control import InstrumentState
from tools import options
from tools.decoded import json_line
from tools.ending import quietly
from tools.exchange import ask_instruments
from tools.showing import show
from tools.status.asking import ask_all
from tools.status.rows import ENGINE, HISTORY, KINDS, PUBLISHER, SHADOW, WEB, Place, Row, all_well, rows
from tools.status.table import picture, values
from tools.up.parts import parts

#: Who looks at a screen wants an answer now; a process that is well answers within milliseconds.
DEFAULT_TIMEOUT: Final = 2.0
_EVERY_S: Final = 1.0


def status(
    expect: Annotated[
        str,
        typer.Option(
            metavar="NAMES",
            help="Who must be there: any of engine,shadow,publisher,history,web. Default: whom `matchbus up` starts.",
        ),
    ] = "",
    publisher: Annotated[
        list[str] | None,
        typer.Option(metavar="HOST:PORT", help="A further publisher's requests; may be given again."),
    ] = None,
    watch: Annotated[bool, typer.Option("--watch", help="Again and again, until Ctrl-C.")] = False,
    port_base: options.PortBase = options.DEFAULT_PORT_BASE,
    connect: options.Connect = options.DEFAULT_CONNECT,
    timeout: options.Timeout = DEFAULT_TIMEOUT,
    as_json: options.AsJson = False,
) -> None:
    """Show how every process of an exchange is: its health, how far it has come, how far it is behind.

    And what it trades: phases, what auctions would do, price bands. A process that does not answer is a row that says
    so. Ends with status 0 when all that must be there are ok.

    \b
    Examples:
      matchbus status
      matchbus status --watch
      matchbus status --expect engine,publisher --publisher 127.0.0.1:3112
      matchbus status --json | jq 'select(.ok | not)'
    """
    places = _places(connect, port_base, _expected(expect), publisher or [])

    def look() -> list[Row]:
        answers = ask_all([place.endpoint for place in places], timeout)
        found = rows(places, answers, timeout, utc_ns())
        return [
            replace(row, instruments=_instruments(connect, port_base, timeout)) if _tells_market(row) else row
            for row in found
        ]

    with quietly():
        if watch:
            _watch(look, as_json)
        found = look()
        _show(found, as_json)
    if not all_well(found):
        raise typer.Exit(1)


def _tells_market(row: Row) -> bool:
    """Whether it can be asked what is traded: an engine that answered."""
    return row.name == ENGINE and row.pid is not None


def _instruments(connect: str, port_base: int, timeout_s: float) -> tuple[InstrumentState, ...]:
    """What the engine trades; nothing when it has gone since it answered. How it is was told then."""
    try:
        return tuple(ask_instruments(connect, port_base, timeout_s).values())
    except NotConnected:
        return ()


def _expected(names: str) -> frozenset[str]:
    """The kinds of processes that must be there."""
    if not names:
        return frozenset(name for name, _ in parts(load_config(None, os.environ), [], [], None))
    expected = frozenset(name.strip() for name in names.split(","))
    for name in sorted(expected):
        if name not in KINDS:
            raise ConfigError(f"--expect {names}: {name!r} is none of {', '.join(KINDS)}")
    return expected


def _places(connect: str, port_base: int, expected: frozenset[str], publishers: Sequence[str]) -> list[Place]:
    """Where to ask: those that have an address of their own, and publishers that were named."""
    where = addresses(port_base, connect)
    endpoints = {
        ENGINE: where.recovery,
        SHADOW: where.deep_recovery,
        PUBLISHER: where.market_requests,
        HISTORY: where.history,
        WEB: f"http://{where.web[0]}:{where.web[1]}",
    }
    further = [Place(PUBLISHER, _endpoint(publisher), expected=True) for publisher in publishers]
    found: list[Place] = []
    for kind in KINDS:
        found.append(Place(kind, endpoints[kind], kind in expected))
        found += further if kind == PUBLISHER else ()
    return found


def _endpoint(publisher: str) -> str:
    host, _, port = publisher.rpartition(":")
    if not host or not port.isascii() or not port.isdigit() or not 0 < int(port) < 65_536:
        raise ConfigError(f"--publisher {publisher}: expected HOST:PORT, such as 127.0.0.1:3112")
    return f"tcp://{publisher}"


def _watch(look: Callable[[], list[Row]], as_json: bool) -> NoReturn:
    """Look again every second; on a terminal the table stays where it is, and at the end it stays behind."""
    console = Console()
    found = look()
    with ExitStack() as stack:
        live = None
        if console.is_terminal and not as_json:
            stack.callback(lambda: _show(found, as_json=False))
            live = stack.enter_context(Live(console=console, auto_refresh=False, screen=True))
        while True:
            if live is not None:
                live.update(picture(found, console.width), refresh=True)
            else:
                _show(found, as_json)
            time.sleep(_EVERY_S)
            found = look()


def _show(found: Sequence[Row], as_json: bool) -> None:
    if as_json:
        for row in found:
            print(json_line(values(row)))
        return
    console = Console()
    show(picture(found, console.width if console.is_terminal else None))
