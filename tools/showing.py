"""Tables and lines on a terminal or into a pipe: nothing is cut off, whatever the width."""

from collections.abc import Iterable
from decimal import Decimal
from functools import cache
from typing import Final

from rich.console import Console, RenderableType
from rich.table import Table

_WIDEST: Final = 10_000


def plain_table(title: str, columns: Iterable[str]) -> Table:
    """A table without lines. A column whose name begins with `>` stands to the right."""
    table = Table(title=title, title_justify="left", box=None, pad_edge=False, title_style="bold")
    for name in columns:
        table.add_column(
            name.removeprefix(">"), justify="right" if name.startswith(">") else "left", no_wrap=True
        )
    return table


def show(what: RenderableType) -> None:
    """Print it as wide as it wants to be: a terminal that is too narrow wraps, a pipe takes it all."""
    console = _console()
    if isinstance(what, Table):
        console = _PlainConsole(highlight=False, soft_wrap=True)
        wanted = console.measure(what, options=console.options.update(max_width=_WIDEST)).maximum
        console.width = max(console.width, wanted)
    console.print(what)


class _PlainConsole(Console):
    """Says that the pipe is broken instead of ending the program by itself."""

    def on_broken_pipe(self) -> None:
        """Called by rich in the place of raising this."""
        raise BrokenPipeError


@cache
def _console() -> Console:
    """One for all lines: making one costs more than printing a line."""
    return _PlainConsole(highlight=False, soft_wrap=True)


def short(number: Decimal) -> str:
    """A decimal without the zeros behind."""
    return f"{number.normalize():f}"


def counted(count: int, noun: str) -> str:
    """`1 order`, `2 orders`, `1,000 orders`."""
    return f"{count:,} {noun}{'' if count == 1 else 's'}"
