"""The engine's output hash against one's own: whether both say the same, and between which sequences they part.

    own      1000 a │ 1007 b │ 1008 c │ 1020 d │ ...          after each batch that was applied
    heard                      1008 c ✓                1044 e  with the engine's heartbeats; waits until we are there

Each hash covers all before it since the engine was started, so one that is equal proves all of that. No I/O.
"""

from collections import deque
from typing import Final

from msgspec import Struct

#: One's own hashes that are remembered while one is ahead of the last heartbeat: batches of a second and more.
OWN_MAX: Final = 131_072
#: Heartbeats that are remembered while one is behind them: some minutes. A later one proves what a forgotten one did.
HEARD_MAX: Final = 1_000

#: (sequence, epoch, hash)
_Hash = tuple[int, int, bytes]


class Difference(Struct, frozen=True):
    """The outputs of commands behind `after` up to `sequence` are not the same. `what`: how it shows."""

    after: int
    sequence: int
    what: str

    def __str__(self) -> str:
        return f"outputs differ between sequences {self.after} and {self.sequence}: {self.what}"


class Comparison:
    """Begins at a state of that sequence, epoch and hash.

    `compared`: how many hashes were compared. `equal`: (epoch, sequence) of the last one that was equal, (0, 0) before.
    `difference`: set by the first one that is not, for good.
    """

    def __init__(self, sequence: int, epoch: int, output_hash: bytes) -> None:
        self._own: deque[_Hash] = deque([(sequence, epoch, output_hash)], OWN_MAX)
        self._heard: deque[_Hash] = deque(maxlen=HEARD_MAX)
        self._began = sequence  # where one's own chain began: nothing before that is compared
        self.compared = 0
        self.equal = (0, 0)
        self.difference: Difference | None = None

    def own(self, sequence: int, epoch: int, output_hash: bytes) -> None:
        """One's own hash after a batch that ends with this sequence."""
        last_sequence, last_epoch, _ = self._own[-1]
        if epoch != last_epoch:
            self._began = last_sequence
        self._own.append((sequence, epoch, output_hash))
        while self._heard and self._heard[0][0] <= sequence:
            self._compare(self._heard.popleft())

    def heard(self, sequence: int, epoch: int, output_hash: bytes) -> None:
        """The engine's hash as of this sequence."""
        if sequence <= self._own[-1][0]:
            self._compare((sequence, epoch, output_hash))
        else:
            self._heard.append((sequence, epoch, output_hash))

    def _compare(self, heard: _Hash) -> None:
        own = self._own
        sequence, epoch, theirs = heard
        if sequence < own[0][0]:
            return  # before the beginning, or forgotten
        while len(own) > 1 and own[1][0] <= sequence:
            own.popleft()
        own_sequence, own_epoch, ours = own[0]
        if epoch < own_epoch:
            return  # said by an engine that has ended meanwhile
        self.compared += 1
        if epoch > own_epoch:
            self._differ(sequence, f"the engine says epoch {epoch}, the log says {own_epoch}")
        elif own_sequence != sequence:
            self._differ(sequence, "no batch of the log ends there")
        elif theirs != ours:
            self._differ(
                sequence, f"the engine's hash is {theirs.hex()[:16]}..., here it is {ours.hex()[:16]}..."
            )
        elif self.difference is None:
            self.equal = (epoch, sequence)

    def _differ(self, sequence: int, what: str) -> None:
        if self.difference is None:
            self.difference = Difference(max(self._began, self.equal[1]), sequence, what)
