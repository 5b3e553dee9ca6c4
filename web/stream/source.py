"""A topic of the publishers that is followed, and the feeds that are made of it."""

from abc import ABC, abstractmethod

from bus.sockets.market.stream_items import Item
from web.stream.feed import Feed


class Source(ABC):
    """See above. `idle_since_ns`: since when nobody reads any of it; None while somebody does."""

    def __init__(self, topic: str) -> None:
        self.topic = topic
        self.idle_since_ns: int | None = None

    @property
    @abstractmethod
    def feeds(self) -> tuple[Feed, ...]:
        """All that is made of it."""

    @abstractmethod
    def take(self, item: Item) -> None:
        """What the publishers say of the topic."""

    def feed(self, channel: str) -> Feed:
        """The one of a channel."""
        return next(feed for feed in self.feeds if feed.channel == channel)

    @property
    def is_read(self) -> bool:
        """Whether anybody reads it."""
        return any(feed.listeners for feed in self.feeds)
