"""`matchbus order history`, `life`, `executions`: the past of an account, asked of the private history.

The history is a service of the house: these verbs show the token of the data directory. The instruments are asked of
the engine; when it is not there the past is shown in ticks and lots.
"""

from collections.abc import Callable, Mapping
from typing import Annotated, Any, Literal

import typer
from msgspec.structs import replace

from bus.errors import NotConnected
from bus.protocol.history import (
    ORDER_STATES,
    ROWS_PER_PAGE_MAX,
    QueryExecutions,
    QueryOrderLife,
    QueryPastOrders,
)
from bus.sockets.history_client import HistoryClient
from bus.sockets.session.prices import Scale
from tools import options
from tools.decoded import json_line, named
from tools.ending import plain_values, quietly
from tools.exchange import ask_instruments
from tools.order import past_words, words
from tools.order.times import past_time_of
from tools.showing import show

Symbol = Annotated[str, typer.Option(metavar="SYMBOL", help="Only of this instrument.")]
From = Annotated[
    str, typer.Option("--from", metavar="TIME", help="From then on: 2h ago, or 2026-12-31T17:00 (UTC).")
]
To = Annotated[str, typer.Option("--to", metavar="TIME", help="Before then.")]
Limit = Annotated[int, typer.Option(metavar="N", help="How many at most.", min=1, max=1_000_000)]
OldestFirst = Annotated[bool, typer.Option("--oldest-first", help="Begin with the oldest, not the newest.")]

DEFAULT_LIMIT = 50


def history(
    symbol: Symbol = "",
    state: Annotated[
        Literal["all", "open", "ended"], typer.Option(help="Which: all, open or ended ones.")
    ] = "all",
    client_order_id: Annotated[
        str, typer.Option("--id", metavar="TEXT", help="Only of this id of yours.")
    ] = "",
    begin: From = "",
    end: To = "",
    limit: Limit = DEFAULT_LIMIT,
    oldest_first: OldestFirst = False,
    account: options.Account = options.DEFAULT_ACCOUNT,
    data: options.Data = options.DEFAULT_DATA,
    token_file: options.TokenFile = None,
    port_base: options.PortBase = options.DEFAULT_PORT_BASE,
    connect: options.Connect = options.DEFAULT_CONNECT,
    timeout: options.Timeout = options.DEFAULT_TIMEOUT,
    as_json: options.AsJson = False,
) -> None:
    """Show the orders of an account, open and ended ones, as far back as the log goes.

    \b
    Examples:
      matchbus order history
      matchbus order history --account alice --symbol BTC-USD --state ended --from 24h
    """
    states = {name: number for number, name in ORDER_STATES.items()}
    with plain_values():
        query = QueryPastOrders(
            account,
            symbol,
            states[state],
            client_order_id,
            time_ns_of(begin),
            time_ns_of(end),
            newest_first=not oldest_first,
        )
    with history_client(connect, port_base, data, token_file, timeout) as client:
        orders = all_rows(client.ask, query, "orders", "order_id", limit)
    scales = _scales(connect, port_base, timeout)
    with quietly():
        if as_json:
            for order in orders:
                print(json_line(named(order, scales.get(order.entered.symbol))))
        else:
            show(past_words.orders_table(account, orders, scales))


def life(
    order_id: Annotated[
        int | None,
        typer.Argument(metavar="[ORDER]", help="The number that the engine gave.", show_default=False),
    ] = None,
    client_order_id: Annotated[
        str | None,
        typer.Option("--id", metavar="TEXT", help="Your own id of the order, in the place of its number."),
    ] = None,
    account: options.Account = options.DEFAULT_ACCOUNT,
    data: options.Data = options.DEFAULT_DATA,
    token_file: options.TokenFile = None,
    port_base: options.PortBase = options.DEFAULT_PORT_BASE,
    connect: options.Connect = options.DEFAULT_CONNECT,
    timeout: options.Timeout = options.DEFAULT_TIMEOUT,
    as_json: options.AsJson = False,
) -> None:
    """Show one order, open or ended, and every report about it, from its acceptance on.

    \b
    Examples:
      matchbus order life 17
      matchbus order life --id my-1 --account alice
    """
    if (order_id is None) == (client_order_id is None):
        raise typer.BadParameter("name the order by its number or by --id, one of them")
    query = QueryOrderLife(account, order_id or 0, client_order_id or "", limit=ROWS_PER_PAGE_MAX)
    with history_client(connect, port_base, data, token_file, timeout) as client:
        page = client.ask(query)
        order, reports = page.order, list(page.reports)
        while page.more:
            page = client.ask(replace(query, after=reports[-1].report_number))
            order, reports = page.order, reports + page.reports
    scale = _scales(connect, port_base, timeout).get(order.entered.symbol)
    with quietly():
        if as_json:
            print(json_line(named(order, scale)))
            for row in reports:
                print(json_line({"report": row.report_number, **named(row.report, scale)}))
        else:
            show(past_words.order_line(order, scale))
            for row in reports:
                show(past_words.at_time(row.report.time_ns, words.report_line(row.report, scale)))


def executions(
    symbol: Symbol = "",
    order_id: Annotated[int, typer.Option("--order", metavar="N", help="Only of this order.", min=0)] = 0,
    trade_id: Annotated[
        int, typer.Option("--trade", metavar="N", help="Only this trade of --symbol.", min=0)
    ] = 0,
    begin: From = "",
    end: To = "",
    limit: Limit = DEFAULT_LIMIT,
    oldest_first: OldestFirst = False,
    account: options.Account = options.DEFAULT_ACCOUNT,
    data: options.Data = options.DEFAULT_DATA,
    token_file: options.TokenFile = None,
    port_base: options.PortBase = options.DEFAULT_PORT_BASE,
    connect: options.Connect = options.DEFAULT_CONNECT,
    timeout: options.Timeout = options.DEFAULT_TIMEOUT,
    as_json: options.AsJson = False,
) -> None:
    """Show what an account traded, as far back as the log goes, with busts and corrections applied.

    \b
    Examples:
      matchbus order executions
      matchbus order executions --account alice --symbol BTC-USD --from 2026-12-01 --oldest-first
    """
    with plain_values():
        query = QueryExecutions(
            account,
            symbol,
            order_id,
            trade_id,
            time_ns_of(begin),
            time_ns_of(end),
            newest_first=not oldest_first,
        )
    with history_client(connect, port_base, data, token_file, timeout) as client:
        found = all_rows(client.ask, query, "executions", "report_number", limit)
    scales = _scales(connect, port_base, timeout)
    with quietly():
        if as_json:
            for execution in found:
                print(json_line(named(execution, scales.get(execution.symbol))))
        else:
            show(past_words.executions_table(account, found, scales))


def history_client(
    connect: str, port_base: int, data: str, token_file: options.TokenFile, timeout: float
) -> HistoryClient:
    """A client of the history, with the token of the data directory."""
    token = options.operator_token(data, token_file)
    return HistoryClient(connect, port_base, token=token, timeout=timeout)


def all_rows(ask: Callable[[Any], Any], query: Any, rows: str, number: str, limit: int) -> list[Any]:
    """So many rows of a list, page by page."""
    found: list[Any] = []
    while True:
        page = ask(replace(query, limit=min(ROWS_PER_PAGE_MAX, limit - len(found))))
        found += getattr(page, rows)
        if not page.more or len(found) == limit:
            return found
        query = replace(query, after=getattr(found[-1], number))


def time_ns_of(text: str) -> int:
    """A time of the command line; 0 for none."""
    return past_time_of(text) if text else 0


def _scales(connect: str, port_base: int, timeout: float) -> Mapping[str, Scale]:
    """Of all instruments, by symbol; of none when there is no engine to ask."""
    try:
        instruments = ask_instruments(connect, port_base, min(timeout, 1.0))
    except NotConnected:
        return {}
    return {symbol: Scale(state.definition) for symbol, state in instruments.items()}
