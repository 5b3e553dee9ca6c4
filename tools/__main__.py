"""The command line, put together: which verbs there are stands in `verbs`, each is a function in a file of its own.

Foreseen failures (`bus.errors`) become one line on standard error and status 1; anything else is a bug and
keeps its traceback.
"""

import sys

import typer

from bus.errors import MatchbusError
from tools.verbs import Verbs

app = typer.Typer(
    name="matchbus",
    cls=Verbs,
    help="A complete exchange on ZeroMQ.",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    add_completion=False,
)


@app.callback()
def every_verb() -> None:
    """A complete exchange on ZeroMQ."""


def main() -> None:
    """Run one verb and end the process with its status."""
    try:
        app()
    except MatchbusError as failure:
        print(f"matchbus: {failure}", file=sys.stderr)
        raise SystemExit(1) from None


if __name__ == "__main__":
    main()
