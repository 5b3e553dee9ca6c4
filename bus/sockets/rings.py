"""A replay ring: the last events of one numbered stream, in the frames in which they left."""

from bisect import bisect_right
from collections.abc import Iterator
from operator import itemgetter
from typing import Final, Generic, TypeVar

T = TypeVar("T")

_FIRST_NUMBER: Final = itemgetter(0)


class Ring(Generic[T]):
    """Frames with the numbers of their events, oldest dropped first. Numbers are dense: a frame follows the last.

    `events_max` bounds the events that are kept (the newest frame stays whatever its size). Adding is amortized O(1),
    finding O(log frames).
    """

    __slots__ = ("_dropped", "_entries", "_events", "_events_max", "next_number")

    def __init__(self, events_max: int, next_number: int = 1) -> None:
        self._events_max = events_max
        self._entries: list[tuple[int, int, T]] = []  # number of the first event, count, frame
        self._dropped = 0  # how many entries at the front are no longer kept
        self._events = 0
        self.next_number = next_number

    def add(self, first_number: int, count: int, frame: T) -> None:
        """A frame with the events `first_number` to `first_number + count - 1`. After a gap the ring starts anew."""
        if first_number != self.next_number:
            self._entries = []
            self._dropped = self._events = 0
        self._entries.append((first_number, count, frame))
        self.next_number = first_number + count
        self._events += count
        if self._events > self._events_max:
            self._drop()

    def _drop(self) -> None:
        """Forget the oldest; what is forgotten leaves the list when it is the larger part of it."""
        entries = self._entries
        dropped = self._dropped
        while self._events > self._events_max and dropped < len(entries) - 1:
            self._events -= entries[dropped][1]
            dropped += 1
        if dropped > 64 and dropped > len(entries) // 2:
            del entries[:dropped]
            dropped = 0
        self._dropped = dropped

    @property
    def events(self) -> int:
        """How many events are kept."""
        return self._events

    @property
    def oldest_number(self) -> int:
        """The first number that is kept; `next_number` when nothing is."""
        return self._entries[self._dropped][0] if self._entries else self.next_number

    def since(self, number: int) -> Iterator[tuple[int, int, T]]:
        """`(first_number, count, frame)` from the frame that holds `number` on; none when it is not kept (yet).

        To be walked before the next `add`; costs what is walked.
        """
        if self.oldest_number <= number < self.next_number:
            entries = self._entries
            start = bisect_right(entries, number, self._dropped, key=_FIRST_NUMBER) - 1
            for index in range(start, len(entries)):
                yield entries[index]
