"""Unanswered commands: what a client asked for and has no answer to, in the order in which it asked.

The rule (I6): a command that is sent again is sent as it was, with its id, its correlation id and its first creation
time, in its place in the order. Commands are frozen, so what is encoded again is the same bytes.

    add ──▶ waiting ──first_messages──▶ sent ──answer──▶ forgotten
                                         └─messages_again─┘ (as often as the connection is lost)

Correlation ids of commands are dense, from 1, and never used twice, so an id names a command for the client's life.
"""

from collections.abc import Iterator, Sequence

from bus.protocol.codec import encode_message
from bus.protocol.commands import Command


class Unanswered:
    """The commands of one client, until each has its answer."""

    __slots__ = ("_next_id", "_sent", "_waiting")

    def __init__(self) -> None:
        self._next_id = 1
        self._waiting: list[Command] = []
        self._sent: dict[int, tuple[Command, int]] = {}

    def __len__(self) -> int:
        return len(self._sent) + len(self._waiting)

    @property
    def waiting(self) -> int:
        """How many were never sent."""
        return len(self._waiting)

    def add(self, commands: Sequence[Command]) -> int:
        """Take commands; returns the correlation id of the first, the others follow."""
        first = self._next_id
        self._waiting.extend(commands)
        self._next_id = first + len(commands)
        return first

    def answer(self, correlation_id: int) -> bool:
        """Forget a command, as it is answered. False when it is none that was sent and waits for its answer."""
        return self._sent.pop(correlation_id, None) is not None

    def ids(self, first: int, count: int) -> list[int]:
        """Which of `count` correlation ids from `first` on belong to commands that were sent and wait."""
        return [number for number in range(first, min(first + count, self._next_id)) if number in self._sent]

    def sent_of(self, kind: type) -> list[int]:
        """The correlation ids of all commands of one kind that were sent and wait. O(all)."""
        return [number for number, (command, _) in self._sent.items() if type(command) is kind]

    def first_messages(
        self, session: int, created_ns: int, bytes_max: int, commands_max: int
    ) -> Iterator[bytes]:
        """Messages with everything that was not sent yet; all of it then counts as sent, created now."""
        commands = self._waiting
        first = self._next_id - len(commands)
        self._waiting = []
        sent = self._sent
        number = first
        for command in commands:
            sent[number] = (command, created_ns)
            number += 1
        for start in range(0, len(commands), commands_max):
            yield from _messages(
                session, first + start, created_ns, commands[start : start + commands_max], bytes_max
            )

    def messages_again(self, session: int, bytes_max: int, commands_max: int) -> Iterator[bytes]:
        """Messages with everything that was sent and is not answered, as it was sent first. O(all)."""
        run: list[Command] = []
        first = created = 0
        for number, (command, created_ns) in self._sent.items():
            if run and (number != first + len(run) or created_ns != created or len(run) == commands_max):
                yield from _messages(session, first, created, run, bytes_max)
                run = []
            if not run:
                first, created = number, created_ns
            run.append(command)
        if run:
            yield from _messages(session, first, created, run, bytes_max)


def _messages(
    session: int, first: int, created_ns: int, commands: Sequence[Command], bytes_max: int
) -> Iterator[bytes]:
    """These commands in one message, or in several when one would be too large. A single command always fits."""
    message = encode_message(session, first, created_ns, commands)
    if len(message) <= bytes_max or len(commands) == 1:
        yield message
        return
    half = len(commands) // 2
    yield from _messages(session, first, created_ns, commands[:half], bytes_max)
    yield from _messages(session, first + half, created_ns, commands[half:], bytes_max)
