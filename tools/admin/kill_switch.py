"""`matchbus admin kill-switch`: an account is stopped, or goes on."""

from typing import Annotated

import typer

from tools import options
from tools.operating import operate


def kill_switch(
    account: Annotated[str, typer.Argument(help="Whose switch it is.", show_default=False)],
    switch: Annotated[
        options.Switch,
        typer.Argument(
            metavar="on|off", help="on: nothing but cancels is taken any more.", show_default=False
        ),
    ],
    why: options.Why = "",
    who: options.As = None,
    data: options.Data = options.DEFAULT_DATA,
    token_file: options.TokenFile = None,
    port_base: options.PortBase = options.DEFAULT_PORT_BASE,
    connect: options.Connect = options.DEFAULT_CONNECT,
    timeout: options.Timeout = options.DEFAULT_TIMEOUT,
    as_json: options.AsJson = False,
) -> None:
    """End all open orders of an account and take nothing but cancels from it, or take its orders again.

    \b
    Examples:
      matchbus admin kill-switch alice on --why "runs wild"
      matchbus admin kill-switch alice off
    """
    on = switch is options.Switch.ON
    done = f"{account} is stopped" if on else f"{account} may trade"
    operate(
        lambda client: client.set_kill_switch(account, on, why=why),
        done,
        data,
        token_file,
        port_base,
        connect,
        timeout,
        as_json,
        who,
    )
