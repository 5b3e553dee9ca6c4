"""Pieces that are not torn apart, as many to a line as fit, below each other behind what they are about."""

from collections.abc import Sequence
from typing import Final

from rich.text import Text

GAP: Final = "  "


def flow(begin: Text, pieces: Sequence[Text], between: Text, width: int | None) -> list[Text]:
    """Lines of the pieces, the first one behind `begin`, the others below. `width` None: one line takes them all."""
    indent = len(begin) + len(GAP)
    lines = [begin.copy()] if begin else []
    for piece in pieces:
        if not lines or (
            len(lines[-1]) > indent
            and width is not None
            and len(lines[-1]) + len(between) + len(piece) > width
        ):
            lines.append(Text(" " * indent))
        elif len(lines[-1]) > indent:
            lines[-1].append_text(between)
        else:
            lines[-1].append(GAP)
        lines[-1].append_text(piece)
    for line in lines:
        line.rstrip()
    return lines
