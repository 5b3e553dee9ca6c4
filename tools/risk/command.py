"""`matchbus risk`: the worst accounts and what a move of prices would do to them, once, as JSON, or again and again."""

import time
from collections.abc import Callable
from contextlib import ExitStack
from enum import StrEnum
from typing import Annotated, Any, Final, NoReturn

import typer
from msgspec.structs import replace
from rich.console import Console
from rich.live import Live
from rich.text import Text

from bus.errors import ConfigError
from bus.protocol.commands import DefineInstrument
from bus.protocol.exposure import (
    BY_GROSS,
    BY_LOSS,
    BY_MOVE,
    BY_OPEN,
    AccountPosition,
    QueryExposures,
    QueryPositions,
)
from bus.protocol.history import ROWS_PER_PAGE_MAX
from bus.protocol.topics import ACCOUNT
from bus.sockets.history_client import HistoryClient
from publisher.candles.intervals import DAY_NS
from tools import options
from tools.decoded import json_line
from tools.ending import quietly
from tools.exchange import ask_instruments
from tools.risk.figures import position_row, rows_of, values
from tools.risk.moves import Moves, moves_of, weighings
from tools.risk.table import account_picture, accounts_picture
from tools.showing import show

_EVERY_S: Final = 1.0


#: A picture of what was found, and the lines of `--json`.
Found = tuple[Text, list[dict[str, Any]]]


class By(StrEnum):
    """What makes an account worse than another one."""

    MOVE = "move"
    GROSS = "gross"
    OPEN = "open"
    LOSS = "loss"


_RANKING: Final = {By.MOVE: BY_MOVE, By.GROSS: BY_GROSS, By.OPEN: BY_OPEN, By.LOSS: BY_LOSS}


def risk(
    move: Annotated[
        list[str] | None,
        typer.Option(
            metavar="[SYMBOL=]PERCENT",
            help="How far prices move: 5% down and up, -5% down alone, BTC-USD=-10% one of them. May be given again.",
        ),
    ] = None,
    by: Annotated[By, typer.Option(help="What makes an account the worst.")] = By.MOVE,
    limit: Annotated[
        int,
        typer.Option(metavar="N", help="So many accounts of each quote asset.", min=1, max=ROWS_PER_PAGE_MAX),
    ] = 10,
    quote: Annotated[str, typer.Option(metavar="ASSET", help="Only what is traded in this asset.")] = "",
    account: Annotated[str, typer.Option(metavar="NAME", help="All positions of this account instead.")] = "",
    watch: Annotated[bool, typer.Option("--watch", help="Again and again, until Ctrl-C.")] = False,
    data: options.Data = options.DEFAULT_DATA,
    token_file: options.TokenFile = None,
    port_base: options.PortBase = options.DEFAULT_PORT_BASE,
    connect: options.Connect = options.DEFAULT_CONNECT,
    timeout: options.Timeout = options.DEFAULT_TIMEOUT,
    as_json: options.AsJson = False,
) -> None:
    """Show which accounts stand to lose the most: what they hold, what is open, and what a move would cost.

    What is held is valued at the last trade's price; the history knows it, also while no engine runs its books.

    \b
    Examples:
      matchbus risk
      matchbus risk --move 10% --by loss --limit 20
      matchbus risk --move BTC-USD=-20% --move ETH-USD=-30% --watch
      matchbus risk --account alice
      matchbus risk --json | jq 'select(.first_move | tonumber < -10000)'
    """
    moves = moves_of(move or ["5%"])
    if account and ACCOUNT.fullmatch(account) is None:
        raise ConfigError(f"--account {account!r}: accounts are 1 to 32 of A-Z a-z 0-9 _ . -")
    token = options.operator_token(data, token_file)
    instruments = {
        symbol: state.definition for symbol, state in ask_instruments(connect, port_base, timeout).items()
    }
    with HistoryClient(connect, port_base, token=token, timeout=timeout) as history:

        def look() -> Found:
            if account:
                return _account(history, instruments, account, moves)
            return _worst(history, instruments, moves, by, limit, quote)

        with quietly():
            if watch:
                _watch(look, as_json)
            _show(look(), as_json)


def _worst(
    history: HistoryClient,
    instruments: dict[str, DefineInstrument],
    moves: Moves,
    by: By,
    limit: int,
    quote: str,
) -> Found:
    pictures: list[Text] = []
    lines = []
    for weighing in weighings(instruments.values(), moves, quote):
        answer = history.ask(QueryExposures(weighing.symbols, _RANKING[by], limit))
        rows = rows_of(weighing, answer)
        if pictures:
            pictures.append(Text())
        pictures.append(accounts_picture(weighing, rows, moves, by, answer.accounts, answer.log_sequence))
        lines += [values(row, quote=weighing.quote, sequence=answer.log_sequence) for row in rows]
    if not pictures:
        pictures.append(Text("no instrument is defined, so nobody holds anything"))
    return Text("\n").join(pictures), lines


def _account(
    history: HistoryClient, instruments: dict[str, DefineInstrument], account: str, moves: Moves
) -> Found:
    for symbol in moves.named:
        if symbol not in instruments:
            raise ConfigError(f"--move {symbol}=...: there is no instrument {symbol}")
    query = QueryPositions(account, limit=ROWS_PER_PAGE_MAX)
    found: list[AccountPosition] = []
    while True:
        page = history.ask(query)
        found += page.positions
        if not page.more:
            break
        query = replace(query, after=page.positions[-1].symbol, at_least=page.log_sequence)
    day_ns = page.time_ns - page.time_ns % DAY_NS
    rows = [
        position_row(instruments[held.symbol], held, moves, day_ns)
        for held in found
        if held.symbol in instruments
    ]
    lines = [values(row, account=account, sequence=page.log_sequence) for row in rows]
    return account_picture(account, rows, moves, page.log_sequence), lines


def _watch(look: Callable[[], Found], as_json: bool) -> NoReturn:
    """Look again every second; on a terminal the tables stay where they are, and at the end they stay behind."""
    console = Console()
    found = look()
    with ExitStack() as stack:
        live = None
        if console.is_terminal and not as_json:
            stack.callback(lambda: _show(found, as_json=False))
            live = stack.enter_context(Live(console=console, auto_refresh=False, screen=True))
        while True:
            if live is not None:
                live.update(found[0], refresh=True)
            else:
                _show(found, as_json)
            time.sleep(_EVERY_S)
            found = look()


def _show(found: Found, as_json: bool) -> None:
    picture, lines = found
    if as_json:
        for line in lines:
            print(json_line(line))
        return
    show(picture)
