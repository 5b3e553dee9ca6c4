"""What every process of the house tells of itself: who it is, how it is, how far it has come in the log.

The same facts as in its answer to QueryStatus, made from that answer.
"""

from collections.abc import Iterator

from bus.metrics.metric import GAUGE, Metric, Reading
from bus.protocol.status import HEALTHS, ProcessStatus

_NS_PER_S = 1_000_000_000


class ProcessMetrics:
    """Definitions for a process of this name. `facts`: what `bus.process.Process` knows of it beside its version."""

    def __init__(self, name: str, *facts: str) -> None:
        prefix = f"matchbus_{name}_"
        self.info = Metric(f"{prefix}info", GAUGE, "Always 1; its labels say what runs.", ("version", *facts))
        self.health = Metric(
            f"{prefix}health",
            GAUGE,
            "1 for the health that the process has, 0 for the others.",
            ("health",),
        )
        self.epoch = Metric(f"{prefix}epoch", GAUGE, "The incarnation of the engine that it has come to.")
        self.log_sequence = Metric(f"{prefix}log_sequence", GAUGE, "The log sequence that it has come to.")
        self.log_time = Metric(
            f"{prefix}log_time_seconds", GAUGE, "Engine time of that sequence, in seconds since 1970."
        )

    def all(self) -> tuple[Metric, ...]:
        """All of them."""
        return (self.info, self.health, self.epoch, self.log_sequence, self.log_time)

    def read(self, status: ProcessStatus) -> Iterator[Reading]:
        """Readings of all of them."""
        facts = dict(status.facts)
        yield self.info, {(status.version, *(facts.get(name, "") for name in self.info.labels[1:])): 1}
        yield self.health, {(word,): int(word == status.health) for word in HEALTHS}
        yield self.epoch, status.epoch
        yield self.log_sequence, status.log_sequence
        yield self.log_time, status.time_ns / _NS_PER_S
