"""`matchbus account ...`: what accounts have, and how money moves, at a venue that clears. The operator's, by token."""

from typing import Annotated, Final

import typer

from bus.protocol.control import BalanceState
from bus.protocol.terms import EXTERNAL, OPERATOR
from bus.sockets.client import Client, PendingAnswer
from bus.sockets.session.amounts import amount_of, units_of
from tools import options
from tools.admin.fees import show_schedules
from tools.admin.shares import share_text
from tools.decoded import json_line, named
from tools.movements import movements
from tools.operating import operate, operator_name
from tools.showing import plain_table, show

account = typer.Typer(
    name="account", help="What accounts have, and moving it: the operator's cash desk.", no_args_is_help=True
)

account.command()(movements)

#: -1 is an amount that is refused, and no option that nobody knows.
_NEGATIVE: Final = {"ignore_unknown_options": True}

Name = Annotated[str, typer.Argument(help="Whose money it is.", show_default=False)]
Asset = Annotated[str, typer.Argument(help="The asset, as it was defined.", show_default=False)]
Amount = Annotated[str, typer.Argument(metavar="DECIMAL", help="How much of it.", show_default=False)]
TransferId = Annotated[
    str | None,
    typer.Option("--id", metavar="TEXT", help="Your name for the transfer: sent again it happens once."),
]


@account.command()
def balances(
    name: Annotated[str, typer.Argument(help="Whose; venue:external has all assets.", show_default=False)],
    who: options.As = None,
    data: options.Data = options.DEFAULT_DATA,
    token_file: options.TokenFile = None,
    port_base: options.PortBase = options.DEFAULT_PORT_BASE,
    connect: options.Connect = options.DEFAULT_CONNECT,
    timeout: options.Timeout = options.DEFAULT_TIMEOUT,
    as_json: options.AsJson = False,
) -> None:
    """Show what an account has of each asset, and what of it its open orders hold.

    \b
    Examples:
      matchbus account balances alice
      matchbus account balances venue:external --json
    """
    token = options.operator_token(data, token_file)
    with Client(
        connect, port_base, account=operator_name(who), role=OPERATOR, token=token, timeout=timeout
    ) as client:
        found = client.balances(name).balances
    if as_json:
        for row in found:
            print(json_line(named(row)))
        return
    table = plain_table(f"balances of {name}", ("asset", ">total", ">held", ">free"))
    for row in found:
        table.add_row(
            row.asset, *(_text(row, units) for units in (row.total, row.held, row.total - row.held))
        )
    show(table)


@account.command("fees")
def fees_of_account(
    name: Annotated[str, typer.Argument(help="Whose.", show_default=False)],
    who: options.As = None,
    data: options.Data = options.DEFAULT_DATA,
    token_file: options.TokenFile = None,
    port_base: options.PortBase = options.DEFAULT_PORT_BASE,
    connect: options.Connect = options.DEFAULT_CONNECT,
    timeout: options.Timeout = options.DEFAULT_TIMEOUT,
    as_json: options.AsJson = False,
) -> None:
    """Show what trading costs an account: its tier, its volume of thirty days, its discount, its rates.

    \b
    Examples:
      matchbus account fees alice
    """
    token = options.operator_token(data, token_file)
    with Client(
        connect, port_base, account=operator_name(who), role=OPERATOR, token=token, timeout=timeout
    ) as client:
        found = client.fees(name)
        if as_json:
            print(json_line(named(found)))
            return
        group = (
            f"in group {found.group}, discount {share_text(found.discount)}" if found.group else "in no group"
        )
        print(f"{name} is in tier {found.tier} by a volume of {found.volume}, {group}")
        show_schedules(client, found, found.tier)


@account.command()
def asset(
    name: Annotated[str, typer.Argument(help="A to Z and digits, at most 12.", show_default=False)],
    decimals: Annotated[
        int, typer.Argument(metavar="N", help="How many decimals it has.", show_default=False)
    ],
    who: options.As = None,
    data: options.Data = options.DEFAULT_DATA,
    token_file: options.TokenFile = None,
    port_base: options.PortBase = options.DEFAULT_PORT_BASE,
    connect: options.Connect = options.DEFAULT_CONNECT,
    timeout: options.Timeout = options.DEFAULT_TIMEOUT,
    as_json: options.AsJson = False,
) -> None:
    """Define an asset that accounts may have. Its decimals never change.

    \b
    Examples:
      matchbus account asset USD 6
    """
    operate(
        lambda client: client.define_asset(name, decimals),
        f"{name} is an asset",
        data,
        token_file,
        port_base,
        connect,
        timeout,
        as_json,
        who,
    )


@account.command(context_settings=_NEGATIVE)
def deposit(
    name: Name,
    asset: Asset,
    amount: Amount,
    transfer_id: TransferId = None,
    why: options.Why = "",
    who: options.As = None,
    data: options.Data = options.DEFAULT_DATA,
    token_file: options.TokenFile = None,
    port_base: options.PortBase = options.DEFAULT_PORT_BASE,
    connect: options.Connect = options.DEFAULT_CONNECT,
    timeout: options.Timeout = options.DEFAULT_TIMEOUT,
    as_json: options.AsJson = False,
) -> None:
    """Give an account money that came from outside.

    \b
    Examples:
      matchbus account deposit alice USD 10000 --id wire-4711 --why "wire of March 3"
    """
    operate(
        lambda client: _transfer(client, EXTERNAL, name, asset, amount, transfer_id, why),
        f"{name} has {amount} {asset} more",
        data,
        token_file,
        port_base,
        connect,
        timeout,
        as_json,
        who,
    )


@account.command(context_settings=_NEGATIVE)
def withdraw(
    name: Name,
    asset: Asset,
    amount: Amount,
    transfer_id: TransferId = None,
    why: options.Why = "",
    who: options.As = None,
    data: options.Data = options.DEFAULT_DATA,
    token_file: options.TokenFile = None,
    port_base: options.PortBase = options.DEFAULT_PORT_BASE,
    connect: options.Connect = options.DEFAULT_CONNECT,
    timeout: options.Timeout = options.DEFAULT_TIMEOUT,
    as_json: options.AsJson = False,
) -> None:
    """Take money of an account that leaves the venue; what its open orders hold stays.

    \b
    Examples:
      matchbus account withdraw alice USD 250.5 --id payout-12
    """
    operate(
        lambda client: _transfer(client, name, EXTERNAL, asset, amount, transfer_id, why),
        f"{name} has {amount} {asset} less",
        data,
        token_file,
        port_base,
        connect,
        timeout,
        as_json,
        who,
    )


@account.command(context_settings=_NEGATIVE)
def transfer(
    source: Annotated[str, typer.Argument(help="The account that gives.", show_default=False)],
    target: Annotated[str, typer.Argument(help="The account that gets it.", show_default=False)],
    asset: Asset,
    amount: Amount,
    transfer_id: TransferId = None,
    why: options.Why = "",
    who: options.As = None,
    data: options.Data = options.DEFAULT_DATA,
    token_file: options.TokenFile = None,
    port_base: options.PortBase = options.DEFAULT_PORT_BASE,
    connect: options.Connect = options.DEFAULT_CONNECT,
    timeout: options.Timeout = options.DEFAULT_TIMEOUT,
    as_json: options.AsJson = False,
) -> None:
    """Move money from one account to another.

    \b
    Examples:
      matchbus account transfer alice alice.algo USD 500
    """
    operate(
        lambda client: _transfer(client, source, target, asset, amount, transfer_id, why),
        f"{amount} {asset} moved from {source} to {target}",
        data,
        token_file,
        port_base,
        connect,
        timeout,
        as_json,
        who,
    )


@account.command()
def close(
    name: Annotated[str, typer.Argument(help="The account that ends.", show_default=False)],
    why: options.Why = "",
    who: options.As = None,
    data: options.Data = options.DEFAULT_DATA,
    token_file: options.TokenFile = None,
    port_base: options.PortBase = options.DEFAULT_PORT_BASE,
    connect: options.Connect = options.DEFAULT_CONNECT,
    timeout: options.Timeout = options.DEFAULT_TIMEOUT,
    as_json: options.AsJson = False,
) -> None:
    """Close an account that has no open order and no money: nothing comes in any more.

    \b
    Examples:
      matchbus account close alice --why "has left"
    """
    operate(
        lambda client: client.close_account(name, why=why),
        f"{name} is closed",
        data,
        token_file,
        port_base,
        connect,
        timeout,
        as_json,
        who,
    )


@account.command()
def reopen(
    name: Annotated[str, typer.Argument(help="The account that was closed.", show_default=False)],
    why: options.Why = "",
    who: options.As = None,
    data: options.Data = options.DEFAULT_DATA,
    token_file: options.TokenFile = None,
    port_base: options.PortBase = options.DEFAULT_PORT_BASE,
    connect: options.Connect = options.DEFAULT_CONNECT,
    timeout: options.Timeout = options.DEFAULT_TIMEOUT,
    as_json: options.AsJson = False,
) -> None:
    """Open an account again that was closed.

    \b
    Examples:
      matchbus account reopen alice
    """
    operate(
        lambda client: client.close_account(name, False, why=why),
        f"{name} is open again",
        data,
        token_file,
        port_base,
        connect,
        timeout,
        as_json,
        who,
    )


def _transfer(
    client: Client, source: str, target: str, asset: str, amount: str, transfer_id: str | None, why: str
) -> PendingAnswer:
    """A transfer of a decimal amount. Raises ValueError when it is no whole number of units."""
    known = {row.asset: row.decimals for row in client.balances(EXTERNAL).balances}
    if asset not in known:
        raise ValueError(f"{asset} is no asset of this venue")
    units = units_of(amount, known[asset])
    return client.transfer(source, target, asset, units, transfer_id=transfer_id, why=why)


def _text(row: BalanceState, units: int) -> str:
    return f"{amount_of(units, row.decimals):f}"
