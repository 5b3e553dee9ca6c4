"""What readers of one channel of one symbol are told.

There are two kinds. Of a `StateFeed` only the newest counts: a reader is told that there is something new, and takes it
when its connection can carry it, so one that is slow gets fewer and newer messages. Of an `EventFeed` every message
counts. In both a message is encoded once, whoever many read it.
"""

from abc import ABC, abstractmethod
from typing import Final, Protocol

#: How far a reader holds a StateFeed: the generation of what it is made of, and a number in it.
Held = tuple[int, int]
NOTHING: Final[Held] = (0, 0)


class Listener(Protocol):
    """Who reads."""

    def tell(self, message: bytes) -> None:
        """A message that counts."""

    def changed(self, feed: "StateFeed") -> None:
        """There is something new in a feed."""


class Feed:
    """See above."""

    def __init__(self, channel: str, symbol: str) -> None:
        self.channel = channel
        self.symbol = symbol
        #: In the order in which they came.
        self.listeners: dict[Listener, None] = {}

    def leave(self, listener: Listener) -> None:
        """Reads no longer. Safe to call for who does not read."""
        self.listeners.pop(listener, None)


class StateFeed(Feed, ABC):
    """Of which the newest counts."""

    def join(self, listener: Listener) -> None:
        """Reads from here on."""
        self.listeners[listener] = None
        listener.changed(self)

    @abstractmethod
    def held_from(self, sequence: int) -> Held:
        """How far somebody holds it who was told of everything up to a sequence, in another connection."""

    @abstractmethod
    def messages(self, held: Held) -> tuple[list[bytes], Held]:
        """What a reader that holds so much has to be told to hold everything, and what it holds then."""

    def say_changed(self) -> None:
        """All readers have something to take."""
        for listener in self.listeners:
            listener.changed(self)


class EventFeed(Feed, ABC):
    """Of which everything counts."""

    @abstractmethod
    def join(self, listener: Listener, from_sequence: int | None) -> None:
        """Reads from here on; with a sequence also what was from there on, as far as it is kept."""

    def say(self, message: bytes) -> None:
        """Tell all readers."""
        for listener in list(self.listeners):
            listener.tell(message)
