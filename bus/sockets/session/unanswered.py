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
from bus.protocol.terms import ALL_OR_NOTHING


class Saying:
    """What is said with some commands: bits of a message's options, and how long after its creation is too late.

    0 is never.
    Commands of one saying leave in one message of their own, which is split only where that means nothing.
    """

    __slots__ = ("deadline_after_ns", "options")

    def __init__(self, options: int, deadline_after_ns: int) -> None:
        self.options = options
        self.deadline_after_ns = deadline_after_ns


class Unanswered:
    """The commands of one client, until each has its answer."""

    __slots__ = ("_next_id", "_sayings", "_sent", "_waiting")

    def __init__(self) -> None:
        self._next_id = 1
        self._waiting: list[Command] = []
        self._sent: dict[int, tuple[Command, int]] = {}
        self._sayings: dict[int, Saying] = {}  # of the few commands that have one

    def __len__(self) -> int:
        return len(self._sent) + len(self._waiting)

    @property
    def waiting(self) -> int:
        """How many were never sent."""
        return len(self._waiting)

    def add(self, commands: Sequence[Command], saying: Saying | None = None) -> int:
        """Take commands; returns the correlation id of the first, the others follow."""
        first = self._next_id
        if saying is not None:
            for number in range(first, first + len(commands)):
                self._sayings[number] = saying
        self._waiting.extend(commands)
        self._next_id = first + len(commands)
        return first

    def answer(self, correlation_id: int) -> bool:
        """Forget a command, as it is answered. False when it is none that was sent and waits for its answer."""
        if self._sayings:
            self._sayings.pop(correlation_id, None)
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
        if self._sayings:
            again = [(one, sent[one]) for one in range(first, number)]
            yield from self._runs(again, session, bytes_max, commands_max)
            return
        for start in range(0, len(commands), commands_max):
            yield from _messages(
                session, first + start, created_ns, commands[start : start + commands_max], bytes_max
            )

    def messages_again(self, session: int, bytes_max: int, commands_max: int) -> Iterator[bytes]:
        """Messages with everything that was sent and is not answered, as it was sent first. O(all)."""
        yield from self._runs(list(self._sent.items()), session, bytes_max, commands_max)

    def _runs(
        self, sent: list[tuple[int, tuple[Command, int]]], session: int, bytes_max: int, commands_max: int
    ) -> Iterator[bytes]:
        """Messages of commands that follow each other, were created together, and have the same said with them."""
        run: list[Command] = []
        first = created = 0
        saying: Saying | None = None
        for number, (command, created_ns) in sent:
            its = self._sayings.get(number)
            full = len(run) == commands_max and not _is_whole(saying)
            if run and (number != first + len(run) or created_ns != created or full or its is not saying):
                yield from _messages(session, first, created, run, bytes_max, saying)
                run = []
            if not run:
                first, created, saying = number, created_ns, its
            run.append(command)
        if run:
            yield from _messages(session, first, created, run, bytes_max, saying)


def _is_whole(saying: Saying | None) -> bool:
    """Whether the commands must stay together, though the engine may refuse so many."""
    return saying is not None and saying.options & ALL_OR_NOTHING != 0


def _messages(
    session: int,
    first: int,
    created_ns: int,
    commands: Sequence[Command],
    bytes_max: int,
    saying: Saying | None = None,
) -> Iterator[bytes]:
    """These commands in one message, or in several when one would be too large. A single command always fits."""
    deadline_ns = options = 0
    if saying is not None:
        options = saying.options
        deadline_ns = created_ns + saying.deadline_after_ns if saying.deadline_after_ns else 0
    message = encode_message(session, first, created_ns, commands, deadline_ns, options)
    if len(message) <= bytes_max or len(commands) == 1 or _is_whole(saying):
        yield message
        return
    half = len(commands) // 2
    yield from _messages(session, first, created_ns, commands[:half], bytes_max, saying)
    yield from _messages(session, first + half, created_ns, commands[half:], bytes_max, saying)
