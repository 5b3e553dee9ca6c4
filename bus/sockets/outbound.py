"""What is ready to leave, and waits until the batch that it depends on is durable (I3).

    batch 1 written ─▶ applied, encoded, put here ─┐
    batch 2 written ─▶ applied, encoded, put here ─┤  generation 1 durable ─▶ batch 1 leaves
    batch 3 ...                                    └─ generation 2 durable ─▶ batch 2 leaves

State in memory is ahead of the disk while a sync runs, so whatever tells of state goes through here: reports,
publications, and also Welcome, heartbeats, snapshots and answers to queries. Private before public.
"""

from collections import deque
from collections.abc import Callable

from bus.sessions import Seat

#: A letter to a session: whose it is (None: nobody's, or not to be watched), its connection, its bytes.
Letter = tuple[Seat | None, bytes, bytes]
#: A publication: topic and frame.
Publication = tuple[bytes, bytes]


class Departure:
    """What leaves together. `commands`: how many commands wait for it (0 for what tells of no new command).

    `letters` go out on the orders socket, `public` on the feed, `drop` on the drop-copy, `recovery` (route, bytes)
    on the recovery socket.
    """

    __slots__ = ("commands", "drop", "generation", "letters", "public", "recovery")

    def __init__(self, generation: int, commands: int = 0) -> None:
        self.generation = generation
        self.commands = commands
        self.letters: list[Letter] = []
        self.public: list[Publication] = []
        self.drop: list[Publication] = []
        self.recovery: list[tuple[bytes, bytes]] = []

    def answer_bytes(self) -> int:
        """How large the letters and the recovery answers are."""
        size = 0
        for letter in self.letters:
            size += len(letter[2])
        for answer in self.recovery:
            size += len(answer[1])
        return size


class Outbound:
    """Departures in order. `waiting_commands`: commands that were applied and are not durable yet.

    `waiting_bytes`: of letters and answers among what waits. Publications are not counted: commands bound them.
    """

    def __init__(self, leave: Callable[[Departure], None]) -> None:
        self._leave = leave
        self._waiting: deque[Departure] = deque()
        self.waiting_commands = 0
        self.waiting_bytes = 0

    def add(self, departure: Departure, durable_generation: int) -> None:
        """Put one behind the others; it leaves at once when it may and nobody is before it."""
        if not self._waiting and departure.generation <= durable_generation:
            self._leave(departure)
            return
        self._waiting.append(departure)
        self.waiting_commands += departure.commands
        self.waiting_bytes += departure.answer_bytes()

    def release(self, durable_generation: int) -> None:
        """Everything up to a generation leaves."""
        waiting = self._waiting
        while waiting and waiting[0].generation <= durable_generation:
            departure = waiting.popleft()
            self.waiting_commands -= departure.commands
            self.waiting_bytes -= departure.answer_bytes()
            self._leave(departure)
