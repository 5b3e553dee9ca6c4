"""`matchbus account movements`: what moved the balances of an account, asked of the private history.

The assets are asked of the engine; when it is not there amounts are shown in whole units.
"""

from collections.abc import Mapping, Sequence
from typing import Annotated, Any

import typer
from rich.table import Table
from rich.text import Text

from bus.errors import NotConnected
from bus.protocol.history import MOVEMENT_KINDS, Movement, QueryMovements
from bus.protocol.terms import OPERATOR
from bus.sockets.client import Client
from bus.sockets.session.amounts import amount_of
from tools import options
from tools.decoded import json_line, named, time_text
from tools.ending import plain_values, quietly
from tools.operating import operator_name
from tools.order.past import (
    DEFAULT_LIMIT,
    From,
    Limit,
    OldestFirst,
    To,
    all_rows,
    history_client,
    time_ns_of,
)
from tools.showing import counted, plain_table, show

#: How long the engine is waited for, which is only to say how many decimals there are.
_ENGINE_S = 1.0


def movements(
    name: Annotated[str, typer.Argument(help="Whose; venue:external has deposits and withdrawals of all.")],
    asset: Annotated[str, typer.Option(metavar="ASSET", help="Only of this asset.")] = "",
    transfer_id: Annotated[
        str, typer.Option("--id", metavar="TEXT", help="Only the transfer of this id.")
    ] = "",
    begin: From = "",
    end: To = "",
    limit: Limit = DEFAULT_LIMIT,
    oldest_first: OldestFirst = False,
    data: options.Data = options.DEFAULT_DATA,
    token_file: options.TokenFile = None,
    port_base: options.PortBase = options.DEFAULT_PORT_BASE,
    connect: options.Connect = options.DEFAULT_CONNECT,
    timeout: options.Timeout = options.DEFAULT_TIMEOUT,
    as_json: options.AsJson = False,
) -> None:
    """Show what moved the balances of an account, with what it had afterwards, as far back as the log goes.

    \b
    Examples:
      matchbus account movements alice
      matchbus account movements alice --asset USD --from 24h --oldest-first
    """
    with plain_values():
        query = QueryMovements(
            name, asset, transfer_id, time_ns_of(begin), time_ns_of(end), newest_first=not oldest_first
        )
    with history_client(connect, port_base, data, token_file, timeout) as client:
        found = all_rows(client.ask, query, "movements", "movement_number", limit)
    decimals = _decimals(connect, port_base, options.operator_token(data, token_file), timeout)
    with quietly():
        if as_json:
            for movement in found:
                print(json_line(_named(movement, decimals.get(movement.asset))))
        else:
            show(_table(name, found, decimals))


def _table(account: str, found: Sequence[Movement], decimals: Mapping[str, int]) -> Table:
    columns = ("time (UTC)", "what", "asset", ">amount", ">balance", "with", ">sequence")
    table = plain_table(f"{counted(len(found), 'movement')} of {account}", columns)
    for movement in found:
        places = decimals.get(movement.asset)
        table.add_row(
            time_text(movement.time_ns)[:-3],
            MOVEMENT_KINDS.get(movement.kind, str(movement.kind)),
            movement.asset,
            Text(_text(movement.amount, places), "red" if movement.amount < 0 else "green"),
            _text(movement.total, places),
            Text(_about(movement), "dim"),
            str(movement.sequence),
        )
    return table


def _about(movement: Movement) -> str:
    if movement.symbol:
        return f"{movement.symbol} trade {movement.trade_id}, order {movement.order_id}"
    return f"{movement.counterparty} {movement.transfer_id}"


def _named(movement: Movement, decimals: int | None) -> dict[str, Any]:
    values = {**named(movement), "kind": MOVEMENT_KINDS.get(movement.kind, movement.kind)}
    if decimals is not None:
        values["amount_decimal"] = _text(movement.amount, decimals)
        values["total_decimal"] = _text(movement.total, decimals)
    return values


def _text(units: int, decimals: int | None) -> str:
    return str(units) if decimals is None else f"{amount_of(units, decimals):f}"


def _decimals(connect: str, port_base: int, token: str, timeout: float) -> dict[str, int]:
    """Of all assets; of none when there is no engine to ask."""
    try:
        with Client(
            connect,
            port_base,
            account=operator_name(None),
            role=OPERATOR,
            token=token,
            timeout=min(timeout, _ENGINE_S),
        ) as engine:
            return dict(engine.balances().assets)
    except NotConnected:
        return {}
