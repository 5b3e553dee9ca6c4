"""How a verb ends when what it was asked for did not happen, or nobody listens any longer.

A refusal by the market is no failure of the program: it is shown, and the status is 1.
"""

import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import NoReturn

import typer

from bus.errors import ConfigError


def refused(line: str) -> NoReturn:
    """End with status 1 and one line that says why."""
    print(f"matchbus: {line}", file=sys.stderr)
    raise typer.Exit(1)


@contextmanager
def plain_values() -> Iterator[None]:
    """What cannot be read as a price, a quantity or a word of the protocol is one line, as any wrong setting."""
    try:
        yield
    except (ValueError, TypeError) as error:
        raise ConfigError(str(error)) from None


@contextmanager
def quietly() -> Iterator[None]:
    """Ctrl-C and a pipe that nobody reads any longer (`| head`) are ordinary ends of a live view."""
    try:
        yield
        sys.stdout.flush()
    except KeyboardInterrupt:
        raise typer.Exit(0) from None
    except BrokenPipeError:
        # The interpreter flushes once more at its end: give it somewhere to write.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        raise typer.Exit(0) from None
