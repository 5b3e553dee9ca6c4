"""`matchbus admin group ...`: groups of accounts, of which an operator says things once."""

from typing import Annotated

import typer

from tools import options
from tools.admin.shares import share
from tools.operating import operate

group = typer.Typer(name="group", help="Groups of accounts.", no_args_is_help=True)

Group = Annotated[str, typer.Argument(help="The group.", show_default=False)]
Account = Annotated[str, typer.Argument(help="The account; it need not exist yet.", show_default=False)]


@group.command("set")
def set_group(
    name: Group,
    discount: Annotated[
        str, typer.Option(metavar="SHARE", help="What members do not pay of their fees, such as 10% or 0.1.")
    ] = "0",
    why: options.Why = "",
    who: options.As = None,
    data: options.Data = options.DEFAULT_DATA,
    token_file: options.TokenFile = None,
    port_base: options.PortBase = options.DEFAULT_PORT_BASE,
    connect: options.Connect = options.DEFAULT_CONNECT,
    timeout: options.Timeout = options.DEFAULT_TIMEOUT,
    as_json: options.AsJson = False,
) -> None:
    """Make a group of accounts, or give one another discount; what is not given is none.

    \b
    Examples:
      matchbus admin group set makers --discount 25%
    """
    operate(
        lambda client: client.set_group(name, discount=share(discount), why=why),
        f"{name} has a discount of {discount}" if discount != "0" else f"{name} is a group",
        data,
        token_file,
        port_base,
        connect,
        timeout,
        as_json,
        who,
    )


@group.command()
def join(
    account: Account,
    name: Group,
    why: options.Why = "",
    who: options.As = None,
    data: options.Data = options.DEFAULT_DATA,
    token_file: options.TokenFile = None,
    port_base: options.PortBase = options.DEFAULT_PORT_BASE,
    connect: options.Connect = options.DEFAULT_CONNECT,
    timeout: options.Timeout = options.DEFAULT_TIMEOUT,
    as_json: options.AsJson = False,
) -> None:
    """Put an account into a group, and out of the one in which it was.

    \b
    Examples:
      matchbus admin group join alice makers
    """
    operate(
        lambda client: client.join_group(account, name, why=why),
        f"{account} is in {name}",
        data,
        token_file,
        port_base,
        connect,
        timeout,
        as_json,
        who,
    )


@group.command()
def leave(
    account: Account,
    why: options.Why = "",
    who: options.As = None,
    data: options.Data = options.DEFAULT_DATA,
    token_file: options.TokenFile = None,
    port_base: options.PortBase = options.DEFAULT_PORT_BASE,
    connect: options.Connect = options.DEFAULT_CONNECT,
    timeout: options.Timeout = options.DEFAULT_TIMEOUT,
    as_json: options.AsJson = False,
) -> None:
    """Take an account out of its group.

    \b
    Examples:
      matchbus admin group leave alice
    """
    operate(
        lambda client: client.join_group(account, why=why),
        f"{account} is in no group",
        data,
        token_file,
        port_base,
        connect,
        timeout,
        as_json,
        who,
    )
