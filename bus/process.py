"""Who a process is: what it says about itself whenever it is asked (`bus.protocol.status`).

Made once where a process is put together; whoever answers adds how far it has come and how it is.
"""

import importlib.metadata
import os
from collections.abc import Iterable

from msgspec import Struct

from bus.clock import utc_ns
from bus.protocol.status import HEALTHS, OK, ProcessStatus


class Process(Struct, frozen=True):
    """A process of the house. `facts`: what will not change while it runs, each a name and a value."""

    name: str
    pid: int
    version: str
    started_ns: int
    facts: tuple[tuple[str, str], ...] = ()

    def status(
        self,
        correlation_id: int,
        epoch: int,
        log_sequence: int,
        time_ns: int,
        facts: Iterable[tuple[str, str]] = (),
        health: str = OK,
        problem: str = "",
    ) -> ProcessStatus:
        """The answer to a QueryStatus. `facts`: of this moment; they stand behind the others."""
        assert health in HEALTHS, "health is one of four words"
        assert (health == OK) == (problem == ""), "whoever is not well says why"
        return ProcessStatus(
            correlation_id,
            self.name,
            self.pid,
            self.version,
            self.started_ns,
            epoch,
            log_sequence,
            time_ns,
            health,
            problem,
            [*self.facts, *facts],
        )


def this_process(name: str, *facts: tuple[str, str]) -> Process:
    """The process that runs this, started now."""
    return Process(name, os.getpid(), importlib.metadata.version("matchbus"), utc_ns(), facts)
