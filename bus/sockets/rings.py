"""A replay ring: the last events of one numbered stream, in the frames in which they left."""

from bisect import bisect_right
from collections.abc import Iterator
from typing import Generic, TypeVar

T = TypeVar("T")


class Ring(Generic[T]):
    """Frames with the numbers of their events, oldest dropped first. Numbers are dense: a frame follows the last.

    `events_max` bounds the events that are kept (the newest frame stays whatever its size). Adding is amortized O(1),
    finding O(log frames).
    """

    __slots__ = ("_counts", "_dropped", "_events", "_events_max", "_firsts", "_frames", "next_number")

    def __init__(self, events_max: int, next_number: int = 1) -> None:
        self._events_max = events_max
        self._firsts: list[int] = []
        self._counts: list[int] = []
        self._frames: list[T] = []
        self._dropped = 0  # how many entries at the front are no longer kept
        self._events = 0
        self.next_number = next_number

    def add(self, first_number: int, count: int, frame: T) -> None:
        """A frame with the events `first_number` to `first_number + count - 1`. After a gap the ring starts anew."""
        if first_number != self.next_number:
            self._firsts, self._counts, self._frames = [], [], []
            self._dropped = self._events = 0
        self._firsts.append(first_number)
        self._counts.append(count)
        self._frames.append(frame)
        self._events += count
        self.next_number = first_number + count
        dropped = self._dropped
        while self._events > self._events_max and dropped < len(self._frames) - 1:
            self._events -= self._counts[dropped]
            dropped += 1
        self._dropped = dropped
        if dropped > 64 and dropped > len(self._frames) // 2:
            del self._firsts[:dropped], self._counts[:dropped], self._frames[:dropped]
            self._dropped = 0

    @property
    def oldest_number(self) -> int:
        """The first number that is kept; `next_number` when nothing is."""
        return self._firsts[self._dropped] if self._firsts else self.next_number

    def since(self, number: int) -> Iterator[tuple[int, int, T]]:
        """`(first_number, count, frame)` from the frame that holds `number` on; none when it is not kept (yet).

        To be walked before the next `add`; costs what is walked.
        """
        if self.oldest_number <= number < self.next_number:
            for index in range(bisect_right(self._firsts, number, self._dropped) - 1, len(self._frames)):
                yield self._firsts[index], self._counts[index], self._frames[index]
