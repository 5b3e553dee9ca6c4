"""`matchbus bench ...`: how fast, how small and how fair the engine is, measured here and now.

Nothing here is a test: figures depend on the machine and on what else it does, so they are printed with it.
"""

from pathlib import Path
from typing import Annotated

import msgspec
import typer
from rich.console import Console

from bus.errors import ConfigError
from tools.bench import (
    accounts,
    auction,
    book,
    core,
    fairness,
    memory,
    publisher,
    recovery,
    results,
    shadow,
    triggers,
    web,
    wire,
)
from tools.bench.accounts import Accounts
from tools.bench.auction import AuctionCosts
from tools.bench.book import BookCosts
from tools.bench.core import ClearingCosts, CoreCosts
from tools.bench.fairness import Fairness
from tools.bench.memory import Memory
from tools.bench.publisher import PublisherCosts
from tools.bench.recovery import Recoveries
from tools.bench.shadow import ShadowCosts
from tools.bench.triggers import TriggerCosts
from tools.bench.web import WebCosts
from tools.bench.wire import Wire

bench = typer.Typer(name="bench", help="Measure speed, memory, recovery and fairness.", no_args_is_help=True)

AsJson = Annotated[bool, typer.Option("--json", help="Print one JSON object and nothing else.")]
Out = Annotated[
    Path | None, typer.Option(metavar="FILE", help="Append the result to this file, as a line of JSON.")
]
Quick = Annotated[
    bool, typer.Option("--quick", help="Tiny counts: to see that it works. Its figures mean nothing.")
]


@bench.command("wire")
def wire_verb(
    rounds: Annotated[
        int, typer.Option(help="Interleaved rounds; figures are medians over them.", min=1)
    ] = 5,
    quick: Quick = False,
    as_json: AsJson = False,
    out: Out = None,
) -> None:
    """Order to report over TCP, beside a bare ZeroMQ echo: latency, and orders a second."""
    size = wire.QUICK if quick else msgspec.structs.replace(wire.Size(), rounds=rounds)
    measured = Wire(size, _say)
    measured.run()
    results.show("wire", measured.result(), measured.tables(), measured.notes(), as_json=as_json, out=out)


@bench.command("core")
def core_verb(
    clearing: Annotated[
        bool,
        typer.Option(
            "--clearing", help="In turns: a venue that does not clear, one that does, one that charges."
        ),
    ] = False,
    quick: Quick = False,
    as_json: AsJson = False,
    out: Out = None,
) -> None:
    """What a command costs inside the engine, stage by stage, without sockets and disk."""
    size = core.QUICK if quick else core.Size()
    measured = ClearingCosts(size, _say) if clearing else CoreCosts(size, _say)
    measured.run()
    results.show("core", measured.result(), measured.tables(), [], as_json=as_json, out=out)


@bench.command("book")
def book_verb(quick: Quick = False, as_json: AsJson = False, out: Out = None) -> None:
    """What cancels, replaces and sweeps cost in a level of 100,000 orders, beside levels of 10."""
    measured = BookCosts(book.QUICK if quick else book.Size(), _say)
    measured.run()
    results.show("book", measured.result(), measured.tables(), [], as_json=as_json, out=out)


@bench.command("triggers")
def triggers_verb(quick: Quick = False, as_json: AsJson = False, out: Out = None) -> None:
    """What a trade costs beside 100,000 stops that it does not trigger, and cascades of 10,000."""
    measured = TriggerCosts(triggers.QUICK if quick else triggers.Size(), _say)
    measured.run()
    results.show("triggers", measured.result(), measured.tables(), [], as_json=as_json, out=out)


@bench.command("auction")
def auction_verb(quick: Quick = False, as_json: AsJson = False, out: Out = None) -> None:
    """What the end of an auction of 100,000 orders costs, and telling its price while it collects them."""
    measured = AuctionCosts(auction.QUICK if quick else auction.Size(), _say)
    measured.run()
    results.show("auction", measured.result(), measured.tables(), [], as_json=as_json, out=out)


@bench.command("memory")
def memory_verb(quick: Quick = False, as_json: AsJson = False, out: Out = None) -> None:
    """What a million resting orders cost in memory, the bounded tables counted apart."""
    measured = Memory(memory.QUICK if quick else memory.Size(), _say)
    measured.run()
    results.show("memory", measured.result(), measured.tables(), [], as_json=as_json, out=out)


@bench.command("accounts")
def accounts_verb(quick: Quick = False, as_json: AsJson = False, out: Out = None) -> None:
    """How long an engine takes to start with 100,000 accounts that have money, and what each costs in memory."""
    measured = Accounts(accounts.QUICK if quick else accounts.Size(), _say)
    measured.run()
    results.show("accounts", measured.result(), measured.tables(), [], as_json=as_json, out=out)


@bench.command("recovery")
def recovery_verb(quick: Quick = False, as_json: AsJson = False, out: Out = None) -> None:
    """How long an engine replays a journal of a million commands after kill -9."""
    measured = Recoveries(recovery.QUICK if quick else recovery.Size(), _say)
    measured.run()
    results.show("recovery", measured.result(), measured.tables(), [], as_json=as_json, out=out)


@bench.command("fairness")
def fairness_verb(quick: Quick = False, as_json: AsJson = False, out: Out = None) -> None:
    """What one client that floods does to the latency of 49 polite ones."""
    measured = Fairness(fairness.QUICK if quick else fairness.Size(), _say)
    measured.run()
    results.show("fairness", measured.result(), measured.tables(), [], as_json=as_json, out=out)


@bench.command("shadow")
def shadow_verb(quick: Quick = False, as_json: AsJson = False, out: Out = None) -> None:
    """What checkpoints and large snapshots do to an engine's latency, with and without a shadow."""
    measured = ShadowCosts(shadow.QUICK if quick else shadow.Size(), _say)
    measured.run()
    results.show("shadow", measured.result(), measured.tables(), measured.notes(), as_json=as_json, out=out)


@bench.command("publisher")
def publisher_verb(
    part: Annotated[
        list[str] | None,
        typer.Option(
            metavar="NAME",
            help=f"Only this part ({', '.join(publisher.PARTS)}); can be given again. Default: all.",
        ),
    ] = None,
    quick: Quick = False,
    as_json: AsJson = False,
    out: Out = None,
) -> None:
    """Market data: events a second, how late a change is, readers that come late, memory over two days."""
    asked = part or publisher.PARTS
    for name in asked:
        if name not in publisher.PARTS:
            raise ConfigError(f"--part {name}: expected one of {', '.join(publisher.PARTS)}")
    measured = PublisherCosts(publisher.QUICK if quick else publisher.Size(), asked, _say)
    measured.run()
    results.show("publisher", measured.result(), measured.tables(), [], as_json=as_json, out=out)


@bench.command("web")
def web_verb(
    part: Annotated[
        list[str] | None,
        typer.Option(
            metavar="NAME",
            help=f"Only this part ({', '.join(web.PARTS)}); can be given again. Default: all.",
        ),
    ] = None,
    rounds: Annotated[
        int, typer.Option(help="Interleaved rounds of orders; figures are medians over them.", min=1)
    ] = 5,
    quick: Quick = False,
    as_json: AsJson = False,
    out: Out = None,
) -> None:
    """The web tier: orders over HTTP beside a bare handler, orders over WebSocket, 1,000 readers of a book."""
    asked = part or web.PARTS
    for name in asked:
        if name not in web.PARTS:
            raise ConfigError(f"--part {name}: expected one of {', '.join(web.PARTS)}")
    measured = WebCosts(web.QUICK if quick else web.sized(rounds), asked, _say)
    measured.run()
    results.show("web", measured.result(), measured.tables(), [], as_json=as_json, out=out)


def _say(line: str) -> None:
    """Progress, where a person looks on."""
    console = Console(stderr=True)
    if console.is_terminal:
        console.print(line, style="dim")
