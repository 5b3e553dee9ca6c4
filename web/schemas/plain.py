"""Time, health, readiness, and the shape of every error."""

from msgspec import Struct


class Problem(Struct, frozen=True):
    """Why something was not done. `field`: the field or parameter that is wrong, where it is one."""

    code: int
    reason: str
    message: str
    field: str | None
    request_id: str


class Time(Struct, frozen=True):
    """The server's time, UTC: what X-Timestamp is compared with."""

    time_ms: int
    time_ns: int


class Health(Struct, frozen=True):
    """The process lives."""

    status: str


class Metrics(Struct, frozen=True):
    """Lines of text: `# HELP`, `# TYPE` and numbers with their labels."""


class Part(Struct, frozen=True):
    """A process that the web needs. `health`: ok, healing, degraded, failed or unreachable; `problem`: why."""

    name: str
    health: str
    problem: str
    sequence: int


class Readiness(Struct, frozen=True):
    """Whether requests can be answered: engine, history and a publisher answer, and have not failed."""

    ready: bool
    parts: list[Part]
