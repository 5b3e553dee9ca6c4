"""One reader of an account's own channel: it begins somewhere, is told what was before that, and then everything, once.

    joined ──▶ told what it has to know first (open orders, or what it missed) ──▶ told what came meanwhile ──▶ live

What comes while a reader is told of the past is held for it, in order and within a bound; nothing that is older than
its beginning is told. Made and driven by `account`.
"""

from collections.abc import Iterable
from typing import Final, Protocol

from web.stream.client import TOO_SLOW

#: Messages that wait for one reader while it is told of the past; some seconds of a very busy account.
HELD_MAX: Final = 65_536
#: So many are told in one go, then it is waited until the connection has taken them.
PIECE: Final = 250


class Connection(Protocol):
    """What a reader reads with."""

    @property
    def is_closed(self) -> bool:
        """Whether it has ended."""

    def tell(self, message: bytes) -> None:
        """A message that counts."""

    def close(self, code: int) -> None:
        """End it."""

    async def drained(self) -> None:
        """Nothing waits for it any more, or it has ended."""


class Reader:
    """See above. `after_report`: the number of the last report that it holds, from another connection; None: nothing.

    `next_report`: the number of the report that it is told next; 0 while that is not known.
    """

    __slots__ = ("_held", "_live", "after_report", "channel", "connection", "generation", "next_report")

    def __init__(self, channel: str, connection: Connection, after_report: int | None) -> None:
        self.channel = channel
        self.connection = connection
        self.after_report = after_report
        #: Counts the beginnings.
        self.generation = 0
        self.next_report = 0
        self._live = False
        self._held: list[tuple[int, bytes]] = []

    def begin(self) -> int:
        """It begins (anew): from here on what comes is held. Returns which beginning this is."""
        self.generation += 1
        self.next_report = 0
        self._live = False
        self._held = []
        return self.generation

    def take(self, number: int, message: bytes) -> None:
        """The message of a report."""
        if self._live:
            if number >= self.next_report:
                self.next_report = number + 1
                self.connection.tell(message)
        elif len(self._held) < HELD_MAX:
            self._held.append((number, message))
        else:
            self.connection.close(TOO_SLOW)

    async def tell_all(self, messages: Iterable[bytes]) -> None:
        """Tell what is before its beginning, no faster than its connection takes it."""
        for count, message in enumerate(messages, 1):
            self.connection.tell(message)
            if count % PIECE == 0:
                await self.connection.drained()
        await self.connection.drained()

    async def go_live(self, next_report: int, generation: int) -> None:
        """Tell what was held from a number on, and from then on everything as it comes."""
        self.next_report = next_report
        while self._held:
            held, self._held = self._held, []
            for start in range(0, len(held), PIECE):
                for number, message in held[start : start + PIECE]:
                    if number >= self.next_report:
                        self.next_report = number + 1
                        self.connection.tell(message)
                if start + PIECE < len(held):
                    await self.connection.drained()
                    if generation != self.generation:
                        return
        self._live = True
