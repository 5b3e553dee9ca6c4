"""One command of one account carried out: sent, answered, and printed with what followed from it at once."""

from collections.abc import Callable

import typer

from bus.protocol.reports import Duplicate, Moved, Rejected, Report, Settled
from bus.sockets.client import Client, PendingAnswer
from bus.sockets.session.prices import Scale
from tools.decoded import json_line, named
from tools.ending import plain_values, quietly, refused
from tools.order import words
from tools.showing import show


def carry_out(
    send: Callable[[Client], PendingAnswer],
    account: str,
    port_base: int,
    connect: str,
    timeout: float,
    as_json: bool,
) -> None:
    """One command and what followed from it at once; status 1 when it was rejected."""
    with Client(connect, port_base, account=account, timeout=timeout) as client:
        with plain_values():
            pending = send(client)
        answer: Report = pending.result()
        told = [answer, *_followed(client, answer)]
        scales: dict[str, Scale | None] = {}
        for report in told:
            symbol = getattr(report, "symbol", "") or pending.symbol
            scales[getattr(report, "symbol", "")] = client.scale(symbol) if symbol else None
        moves = any(isinstance(report, Moved | Settled) for report in told)
        decimals = dict(client.balances().assets) if moves and not as_json else {}
    with quietly():
        for report in told:
            scale = scales[getattr(report, "symbol", "")]
            if as_json:
                print(json_line(named(report, scale)))
            elif not isinstance(report, Rejected):
                show(words.report_line(report, scale, decimals))
    if isinstance(answer, Rejected):
        if as_json:
            raise typer.Exit(1)
        refused(f"rejected: {words.reason_sentence(answer.reason)}")
    if isinstance(answer, Duplicate) and answer.reason:
        raise typer.Exit(1)


def _followed(client: Client, answer: Report) -> list[Report]:
    """Further reports of the same command: they came in the same envelope."""
    return [
        report
        for report in client.reports(timeout=0)
        if report is not answer and report.sequence == answer.sequence
    ]
