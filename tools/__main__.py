"""The command line, put together on this one screen: each verb is a function in a file of its own name.

Foreseen failures (`bus.errors`) become one line on standard error and status 1; anything else is a bug and
keeps its traceback.
"""

import sys

import typer

from bus.errors import MatchbusError
from tools.demo.command import demo
from tools.engine import engine
from tools.instrument import instrument
from tools.journal.commands import journal
from tools.order.commands import order
from tools.replay.command import replay
from tools.tap.command import tap
from tools.up.command import up
from tools.version import version

app = typer.Typer(
    name="matchbus",
    help="A complete exchange on ZeroMQ.",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    add_completion=False,
)


@app.callback()
def every_verb() -> None:
    """A complete exchange on ZeroMQ."""


app.command()(version)
app.command()(up)
app.command()(engine)
app.command()(demo)
app.command()(tap)
app.add_typer(instrument)
app.add_typer(order)
app.add_typer(journal)
app.command()(replay)


def main() -> None:
    """Run one verb and end the process with its status."""
    try:
        app()
    except MatchbusError as failure:
        print(f"matchbus: {failure}", file=sys.stderr)
        raise SystemExit(1) from None


if __name__ == "__main__":
    main()
