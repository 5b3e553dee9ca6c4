"""How a process is: the one question that every ROUTER of the house but the orders socket answers.

Asked like anything on the recovery socket, in a client's envelope with session 0. Nothing is logged.
"""

from typing import Final

from msgspec import Struct

QUERY_STATUS: Final = 88
PROCESS_STATUS: Final = 89

#: What `health` says. A reader takes a word that it does not know for one that is not OK.
OK: Final = "ok"  # does what it is there for
HEALING: Final = "healing"  # is behind, or misses something, and gets it
DEGRADED: Final = "degraded"  # refuses or leaves out a part of what it is there for
FAILED: Final = "failed"  # answers questions, and nothing else any more
HEALTHS: Final = (OK, HEALING, DEGRADED, FAILED)


class QueryStatus(Struct, array_like=True, tag=QUERY_STATUS, forbid_unknown_fields=True, frozen=True):
    """How are you? Answered with ProcessStatus."""


class ProcessStatus(Struct, array_like=True, tag=PROCESS_STATUS, frozen=True):
    """How a process is. `problem` says why `health` is not "ok", "" otherwise.

    `name`: "engine", "shadow", "publisher" or "history". `started_ns`: UTC. `epoch`, `log_sequence` and `time_ns`: how
    far it has come in the log. `facts`: what else is worth knowing, each a name and a value, for people.
    """

    correlation_id: int
    name: str
    pid: int
    version: str
    started_ns: int
    epoch: int
    log_sequence: int
    time_ns: int
    health: str
    problem: str
    facts: list[tuple[str, str]]
