"""The second recovery service in memory: who follows the journal of a `SimulatedEngine`, and keeps more than its rings.

It knows what the log had caused when it was last told to `catch_up`, and keeps the newest `kept` events of each topic.
"""

from typing import Any

from bus.protocol import reasons
from bus.protocol.codec import decode_frame_header, decode_recovery_message, encode_envelope
from bus.protocol.control import Refused
from bus.protocol.recovery import NotKept, Replay, Replayed
from tests.support.simulated_network import SimulatedEngine, frames_to_replay


class SimulatedShadow:
    """See above. `is_silent`: it answers nothing. `asked`: every request that has reached it."""

    def __init__(self, engine: SimulatedEngine, *, kept: int = 10_000) -> None:
        self.kept = kept
        self.is_silent = False
        self.asked: list[Replay] = []
        self._engine = engine
        self.catch_up()

    def catch_up(self) -> None:
        """It has read the journal to its end."""
        self._epoch = self._engine.epoch
        self._sequence = self._engine.engine.sequence

    def recover(self, payload: bytes) -> list[bytes]:
        """The answers to a reader's message."""
        message = decode_recovery_message(payload)
        answers: list[Any] = []
        for index, item in enumerate(message.items):
            assert isinstance(item, Replay), "snapshots are the engine's"
            self.asked.append(item)
            answers.append(self._replay(message.correlation_id + index, item))
        if self.is_silent:
            return []
        return [encode_envelope(0, self._epoch, 0, self._sequence, 0, [answer]) for answer in answers]

    def _replay(self, number: int, item: Replay) -> Any:
        frames = [
            known
            for known in self._engine.frames.get(item.topic, [])
            if decode_frame_header(known[2]).log_sequence <= self._sequence
        ]
        if not frames:
            return Refused(number, 1, reasons.NOT_OFFERED, "nothing there")
        following = frames[-1][0] + frames[-1][1]
        oldest = next(
            first for first, _, _ in frames if first >= following - self.kept or first == frames[-1][0]
        )
        if not oldest <= item.first_number < following:
            return NotKept(number, item.topic, oldest, following)
        return Replayed(number, item.topic, frames_to_replay(frames, item))
