"""`matchbus replay`: recorded flow through the real door of a running engine, and how near it came to what happened."""

from enum import StrEnum
from pathlib import Path
from typing import Annotated, Final

import msgspec
import typer
from rich.console import Console
from rich.progress import BarColumn, Progress, TaskProgressColumn, TextColumn, TimeRemainingColumn
from rich.table import Table

from bus.addresses import addresses
from bus.errors import ConfigError
from bus.protocol.control import Hello
from bus.protocol.reasons import reason_name
from bus.protocol.terms import OPERATOR
from tools import options
from tools.replay.bitstamp import BitstampFlow
from tools.replay.connection import Connection
from tools.replay.csv_flow import CsvFlow
from tools.replay.flow import Flow
from tools.replay.replayer import Outcome, Replayer
from tools.replay.scale import step_of

_BITSTAMP_SYMBOL: Final = "BTC-USD"


class Format(StrEnum):
    """The formats of recorded flow."""

    BITSTAMP = "bitstamp"
    CSV = "csv"


def replay(
    file: Annotated[Path, typer.Argument(help="The recorded flow: plain, .gz or .xz.", show_default=False)],
    flow_format: Annotated[
        Format,
        typer.Option("--format", help="Bitstamp's live channel, or a CSV of commands.", show_default=False),
    ],
    port_base: options.PortBase = options.DEFAULT_PORT_BASE,
    connect: options.Connect = options.DEFAULT_CONNECT,
    symbol: Annotated[
        str, typer.Option(help="bitstamp: trade it as this (BTC-USD); csv: of lines that name none.")
    ] = "",
    account: Annotated[str, typer.Option(help="The account that all orders belong to.")] = "replay",
    speed: Annotated[str, typer.Option(help="max, or so many times as fast as it happened.")] = "max",
    tick: Annotated[
        str, typer.Option(help="The tick of an instrument that the engine does not have.")
    ] = "0.01",
    lot: Annotated[
        str, typer.Option(help="The lot of an instrument that the engine does not have.")
    ] = "0.00000001",
    data: options.Data = options.DEFAULT_DATA,
    token_file: options.TokenFile = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print one JSON object and nothing else.")] = False,
) -> None:
    """Send recorded order flow through a running engine, and compare its trades and book with what happened.

    A flow with times needs an engine started with --clock commands, and a new data directory.
    """
    times = _speed(speed)
    steps = _step("--tick", tick), _step("--lot", lot)
    token = options.operator_token(data, token_file)
    flow: Flow = (
        BitstampFlow(file, symbol or _BITSTAMP_SYMBOL)
        if flow_format is Format.BITSTAMP
        else CsvFlow(file, symbol)
    )
    hello = Hello(account, OPERATOR, token)
    bar = Progress(
        TextColumn("{task.description}"),
        BarColumn(),
        TaskProgressColumn(),
        TimeRemainingColumn(),
        console=Console(stderr=True),
        transient=True,
        disable=as_json,
    )
    with Connection(addresses(port_base, connect), hello) as connection, bar:
        task = bar.add_task(file.name, total=flow.lines)
        replayer = Replayer(
            connection,
            flow,
            tick=steps[0],
            lot=steps[1],
            speed=times,
            progress=lambda line: bar.update(task, completed=line),
        )
        outcome = replayer.run()
    if as_json:
        print(msgspec.json.encode(outcome).decode())
    else:
        Console(highlight=False, soft_wrap=True).print(table(outcome, replayer.refusals, flow))


def table(outcome: Outcome, refusals: dict[int, int], flow: Flow) -> Table:
    """The outcome for people."""
    rows = Table(box=None, show_header=False, pad_edge=False)
    rows.add_row("commands", f"{outcome.commands:,}", f"{outcome.commands_per_s:,.0f} a second")
    for reason, count in sorted(refusals.items()):
        rows.add_row("  refused", f"{count:,}", reason_name(reason))
    if flow.has_expectations:
        rows.add_row("trades", f"{outcome.trades_real:,}", f"{outcome.trades_matched:,} matched")
        rows.add_row(
            "snapshots", f"{outcome.snapshots_comparable:,}", f"{outcome.snapshots_equal:,} with an equal top"
        )
    return rows


def _speed(text: str) -> float:
    if text == "max":
        return 0.0
    try:
        speed = float(text)
    except ValueError:
        speed = -1.0
    if not 0 <= speed < 1e9:
        raise ConfigError(f"--speed: {text!r} is neither max nor how many times as fast")
    return speed


def _step(option: str, text: str) -> tuple[int, int]:
    try:
        return step_of(text)
    except ValueError as error:
        raise ConfigError(f"{option}: {error}") from None
