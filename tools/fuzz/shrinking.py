"""Shrinking: the shortest part of a log that still breaks the engine, by leaving out ever smaller pieces of it.

Zeller's ddmin, on steps and then on the commands within each message. What is left may break the engine in another way
than the whole did; it is poison all the same.
"""

from collections.abc import Callable

import msgspec

from matcher.engine import Engine
from tools.fuzz.steps import Says, Step
from tools.fuzz.trial import poison_in


def shrink(
    steps: list[Step], tries_max: int = 3_000, new_engine: Callable[[], Engine] = Engine
) -> list[Step]:
    """A part of these steps, which break an engine, that breaks one, too. O(tries_max) logs of this length."""
    tries = 0

    def breaks(part: list[Step]) -> bool:
        nonlocal tries
        tries += 1
        return tries <= tries_max and poison_in(part, new_engine) is not None

    if not breaks(steps):
        return steps
    shrunk = _minimal(steps, breaks)
    for at, step in enumerate(shrunk):
        if isinstance(step, Says) and len(step.items) > 1:
            shrunk[at] = _fewer_items(shrunk, at, step, breaks)
    return shrunk


def _minimal(steps: list[Step], breaks: Callable[[list[Step]], bool]) -> list[Step]:
    pieces = 2
    while len(steps) >= 2:
        size = max(1, len(steps) // pieces)
        for start in range(0, len(steps), size):
            without = steps[:start] + steps[start + size :]
            if without and breaks(without):
                steps, pieces = without, max(pieces - 1, 2)
                break
        else:
            if size == 1:
                break
            pieces = min(pieces * 2, len(steps))
    return steps


def _fewer_items(steps: list[Step], at: int, step: Says, breaks: Callable[[list[Step]], bool]) -> Says:
    for item in step.items:
        fewer = msgspec.structs.replace(step, items=[other for other in step.items if other is not item])
        if fewer.items and breaks([*steps[:at], fewer, *steps[at + 1 :]]):
            step = fewer
    return step
