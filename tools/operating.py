"""How verbs of an operator do their work: one command, let in by the token, and status 1 when it was rejected."""

from collections.abc import Callable
from typing import Final

import typer

from bus.protocol.reports import Rejected, Report
from bus.protocol.terms import OPERATOR
from bus.sockets.client import Client, PendingAnswer
from tools import options
from tools.decoded import json_line, named
from tools.ending import plain_values, refused
from tools.order.words import reason_sentence

#: The account under which the operator's commands are logged.
ACCOUNT: Final = "operator"


def operate(
    send: Callable[[Client], PendingAnswer],
    done: str,
    data: str,
    token_file: options.TokenFile,
    port_base: int,
    connect: str,
    timeout: float,
    as_json: bool,
) -> None:
    """One command of the operator; status 1 when it was rejected."""
    token = options.operator_token(data, token_file)
    with Client(connect, port_base, account=ACCOUNT, role=OPERATOR, token=token, timeout=timeout) as client:
        with plain_values():
            pending = send(client)
        answer: Report = pending.result()
    if as_json:
        print(json_line(named(answer)))
    if isinstance(answer, Rejected):
        if as_json:
            raise typer.Exit(1)
        refused(f"rejected: {reason_sentence(answer.reason)}")
    if not as_json:
        print(done)
