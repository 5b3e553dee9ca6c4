"""What the processes of an exchange answered, beside each other: a row each, and how far each is behind the engine.

Pure: answers and times in, rows out.
"""

from collections.abc import Sequence
from typing import Final

from msgspec import Struct

from bus.protocol.control import InstrumentState
from bus.protocol.status import DEGRADED, OK, ProcessStatus
from tools.status.answers import Answer, NotThere, Served, Silent

ENGINE: Final = "engine"
SHADOW: Final = "shadow"
PUBLISHER: Final = "publisher"
HISTORY: Final = "history"
WEB: Final = "web"
#: In the order in which they are shown, and started.
KINDS: Final = (ENGINE, SHADOW, PUBLISHER, HISTORY, WEB)

# What `health` says in a row beside the words of `bus.protocol.status`.
ABSENT: Final = "absent"  # nobody listens there
SILENT: Final = "silent"  # somebody listens there, and did not answer in time
STRANGER: Final = "stranger"  # somebody else answered


class Place(Struct, frozen=True):
    """Where a process is asked. `expected`: the exchange is not well without it."""

    kind: str
    endpoint: str
    expected: bool


class Row(Struct, frozen=True, kw_only=True):
    """How one process is. What was not told is None; `behind_...` also when the engine did not tell where it is.

    `name`: its kind. `behind_messages`: log sequences. `facts`: as it told them. `instruments`: of the engine alone.
    """

    name: str
    endpoint: str
    expected: bool
    health: str
    problem: str
    pid: int | None = None
    version: str | None = None
    uptime_ns: int | None = None
    epoch: int | None = None
    log_sequence: int | None = None
    time_ns: int | None = None
    behind_messages: int | None = None
    behind_ns: int | None = None
    facts: tuple[tuple[str, str], ...] = ()
    instruments: tuple[InstrumentState, ...] = ()

    @property
    def ok(self) -> bool:
        """Whether it does what it is there for."""
        return self.health == OK


def rows(places: Sequence[Place], answers: Sequence[Answer], timeout_s: float, utc_ns: int) -> list[Row]:
    """A row for each place. `timeout_s`: how long was waited; `utc_ns`: when."""
    engine = next(
        (
            answer
            for place, answer in zip(places, answers, strict=True)
            if place.kind == ENGINE and isinstance(answer, ProcessStatus) and answer.name == ENGINE
        ),
        None,
    )
    return [
        _row(place, answer, engine, timeout_s, utc_ns) for place, answer in zip(places, answers, strict=True)
    ]


def all_well(found: Sequence[Row]) -> bool:
    """Whether all that should be there are there and ok."""
    return all(row.ok for row in found if row.expected)


def summary(found: Sequence[Row]) -> str:
    """One line on all of them."""
    expected = [row for row in found if row.expected]
    unwell = [f"{row.name} {row.health}" for row in expected if not row.ok]
    if unwell:
        return f"not well: {', '.join(unwell)}"
    if len(expected) == 1:
        return f"{expected[0].name} ok"
    return f"all {len(expected)} ok"


def _row(place: Place, answer: Answer, engine: ProcessStatus | None, timeout_s: float, utc_ns: int) -> Row:
    if isinstance(answer, NotThere):
        return _without_status(place, ABSENT, f"nobody listens at {place.endpoint}")
    if isinstance(answer, Silent):
        if not answer.connected:
            return _without_status(place, ABSENT, f"no connection to {place.endpoint} within {timeout_s:g} s")
        text = answer.text or f"it does not answer within {timeout_s:g} s"
        return _without_status(place, SILENT, f"something listens at {place.endpoint}, but {text}")
    if isinstance(answer, Served):
        return _served(place, answer)
    if answer.name != place.kind:
        text = f"{answer.name} (process {answer.pid}) answers at {place.endpoint}"
        return _without_status(place, STRANGER, text)
    behind_messages = behind_ns = None
    if engine is not None and place.kind != ENGINE:
        # All were asked at once, but the answers are of slightly different moments: nobody is ahead of the engine.
        behind_messages = max(0, engine.log_sequence - answer.log_sequence)
        behind_ns = max(0, engine.time_ns - answer.time_ns) if behind_messages else 0
    return Row(
        name=place.kind,
        endpoint=place.endpoint,
        expected=place.expected,
        health=answer.health,
        problem=answer.problem,
        pid=answer.pid,
        version=answer.version,
        uptime_ns=max(0, utc_ns - answer.started_ns),
        epoch=answer.epoch,
        log_sequence=answer.log_sequence,
        time_ns=answer.time_ns,
        behind_messages=behind_messages,
        behind_ns=behind_ns,
        facts=tuple(answer.facts),
    )


def _served(place: Place, answer: Served) -> Row:
    """The web has no place in the log: it is as well as the parts that it asks, each of them."""
    unwell = [
        f"{name} {health}: {problem}" if problem else f"{name} {health}"
        for name, health, problem in answer.parts
        if health != OK
    ]
    return Row(
        name=place.kind,
        endpoint=place.endpoint,
        expected=place.expected,
        health=DEGRADED if unwell or not answer.ready else OK,
        problem="; ".join(unwell),
        facts=tuple((name, health) for name, health, _ in answer.parts),
    )


def _without_status(place: Place, health: str, problem: str) -> Row:
    return Row(
        name=place.kind, endpoint=place.endpoint, expected=place.expected, health=health, problem=problem
    )
