"""How verbs of an operator do their work: commands, let in by the token, and status 1 when one was rejected.

They are logged under the operator's name: `--as`, or who is logged in at this machine.
"""

import getpass
import re
import sys
from collections.abc import Callable, Iterable
from typing import Final

import typer

from bus.errors import ConfigError
from bus.protocol.reports import Duplicate, Rejected
from bus.protocol.terms import OPERATOR
from bus.protocol.topics import ACCOUNT
from bus.sockets.client import Client, PendingAnswer
from tools import options
from tools.decoded import json_line, named
from tools.ending import plain_values
from tools.order.words import reason_sentence

#: Of whom the machine knows no name.
_NAMELESS: Final = "operator"
#: An account has no longer name.
_NAME_CHARACTERS_MAX: Final = 32

#: What is said when it is done, and its answer.
Asked = tuple[str, PendingAnswer]


def operate(
    send: Callable[[Client], PendingAnswer],
    done: str,
    data: str,
    token_file: options.TokenFile,
    port_base: int,
    connect: str,
    timeout: float,
    as_json: bool,
    who: options.As = None,
) -> None:
    """One command of the operator; status 1 when it was rejected."""
    operate_on_each(
        lambda client: [(done, send(client))], data, token_file, port_base, connect, timeout, as_json, who
    )


def operate_on_each(
    ask: Callable[[Client], Iterable[Asked]],
    data: str,
    token_file: options.TokenFile,
    port_base: int,
    connect: str,
    timeout: float,
    as_json: bool,
    who: options.As = None,
) -> None:
    """Commands of the operator, each answered by itself; status 1 when one was rejected."""
    name = operator_name(who)
    token = options.operator_token(data, token_file)
    rejected = False
    with Client(connect, port_base, account=name, role=OPERATOR, token=token, timeout=timeout) as client:
        with plain_values():
            asked = list(ask(client))
        for done, pending in asked:
            answer = pending.result()
            # What was sent before may have been refused then: nothing was done, neither time.
            reason = answer.reason if isinstance(answer, (Rejected, Duplicate)) else 0
            again = " (sent before, and done once)" if isinstance(answer, Duplicate) else ""
            rejected |= reason != 0
            if as_json:
                print(json_line(named(answer)))
            elif not reason:
                print(f"{done}{again}")
            else:
                about = f"{done}: " if len(asked) > 1 else ""
                print(f"matchbus: {about}rejected: {reason_sentence(reason)}", file=sys.stderr)
    if rejected:
        raise typer.Exit(1)


def operator_name(given: str | None) -> str:
    """The account of an operator's session: the name that was given, else who is logged in.

    What an account's name cannot hold becomes a dash there. Raises ConfigError for a name that was given.
    """
    if given is not None:
        if ACCOUNT.fullmatch(given) is None:
            raise ConfigError(
                f"--as {given!r}: a name is 1 to {_NAME_CHARACTERS_MAX} of letters, digits, `_`, `.` and `-`"
            )
        return given
    try:
        login = getpass.getuser()
    except (KeyError, OSError):  # a machine on which the user has no name
        return _NAMELESS
    return re.sub(r"[^A-Za-z0-9_.-]", "-", login)[:_NAME_CHARACTERS_MAX] or _NAMELESS
