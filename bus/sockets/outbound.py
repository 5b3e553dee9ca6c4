"""What is ready to leave, and waits until the batch that it depends on is durable (I3).

    batch 1 written ─▶ applied, encoded, put here ─┐
    batch 2 written ─▶ applied, encoded, put here ─┤  generation 1 durable ─▶ batch 1 leaves
    batch 3 ...                                    └─ generation 2 durable ─▶ batch 2 leaves

State in memory is ahead of the disk while a sync runs, so whatever tells of state goes through here: reports,
publications, and also Welcome, heartbeats, snapshots and answers to queries. Private before public.
"""

from collections import deque
from collections.abc import Callable
from dataclasses import dataclass, field

from bus.sessions import Seat


@dataclass(slots=True)
class Departure:
    """What leaves together. `commands`: how many commands wait for it (0 for answers alone).

    `letters`: `(seat or None, route, payload)` on the orders socket; `public`: `(topic, frame)` on the feed;
    `drop`: the same on the drop-copy; `recovery`: `(route, payload)` on the recovery socket.
    """

    generation: int
    commands: int = 0
    letters: list[tuple[Seat | None, bytes, bytes]] = field(default_factory=list)
    public: list[tuple[bytes, bytes]] = field(default_factory=list)
    drop: list[tuple[bytes, bytes]] = field(default_factory=list)
    recovery: list[tuple[bytes, bytes]] = field(default_factory=list)


class Outbound:
    """Departures in order. `waiting_commands`: commands that were applied and are not durable yet."""

    def __init__(self, leave: Callable[[Departure], None]) -> None:
        self._leave = leave
        self._waiting: deque[Departure] = deque()
        self.waiting_commands = 0

    def add(self, departure: Departure, durable_generation: int) -> None:
        """Put one behind the others; it leaves at once when it may and nobody is before it."""
        if not self._waiting and departure.generation <= durable_generation:
            self._leave(departure)
            return
        self._waiting.append(departure)
        self.waiting_commands += departure.commands

    def release(self, durable_generation: int) -> None:
        """Everything up to a generation leaves."""
        waiting = self._waiting
        while waiting and waiting[0].generation <= durable_generation:
            departure = waiting.popleft()
            self.waiting_commands -= departure.commands
            self._leave(departure)
