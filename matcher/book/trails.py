"""Trailing stops of one direction, in groups that have seen the same best price.

All prices here are signed: as they are for buys, negated for sells. So both directions are one: the best price for a
trailing stop is the lowest that it has seen, its `extreme`, and its trigger stands at its distance above that; a rising
price comes to it.

    groups, oldest first     extreme 90 ─── extreme 94 ─── extreme 97     price 99
    a trade at 93            extreme 90 ─── extreme 93                    the last two are one from here on

Who came earlier has seen all that who came later has: so the extremes rise from the oldest group to the newest, a new
low is met from the end of that list, and the groups that it reaches become one, the smaller ones moved into the
largest. An order is moved at most log n times, whatever the price does. Within a group the order of the distances is
the order of the triggers; `nearest` has the groups by the first trigger of each.

Keys are whole numbers, a price (or distance) and an order's sequence in one: they sort by price, then by time.
"""

from bisect import bisect_left
from itertools import pairwise
from operator import attrgetter
from typing import Final

from sortedcontainers import SortedDict, SortedList

#: Sequences are below 2**63 (see `bus.protocol.commands.Unsigned`).
SEQUENCE_BITS: Final = 63
SEQUENCE_MASK: Final = 2**63 - 1
#: Beyond any price: what a trailing stop has seen before there is a trade.
UNSEEN: Final = 2**64
BASIS_POINTS: Final = 10_000

_extreme_of: Final = attrgetter("extreme")


def distance_ticks(extreme: int, basis_points: int) -> int:
    """So many basis points of a price, rounded up to a whole tick: a stop is never nearer than was asked for."""
    return (abs(extreme) * basis_points + BASIS_POINTS - 1) // BASIS_POINTS


class Trail:
    """A group. `ticks` and `points`: keys of its orders by distance, in ticks or in basis points.

    `first`: the key under which it stands in `Trails.nearest`.
    """

    __slots__ = ("extreme", "first", "points", "ticks")

    def __init__(self, extreme: int) -> None:
        self.extreme = extreme
        self.first = 0
        self.ticks: SortedList[int] = SortedList()
        self.points: SortedList[int] = SortedList()

    def nearest_key(self) -> int:
        """Trigger and sequence of an order of which no other has a nearer trigger. The group is not empty."""
        keys: list[int] = []
        if self.ticks:
            keys.append((self.extreme << SEQUENCE_BITS) + self.ticks[0])
        if self.points:
            keys.append(self._points_key(self.points[0]))
        return min(keys)

    def trigger_keys(self) -> list[int]:
        """Trigger and sequence of each order, in order of distance. O(orders)."""
        shifted = self.extreme << SEQUENCE_BITS
        return [shifted + key for key in self.ticks] + [self._points_key(key) for key in self.points]

    def take(self, price: int, taken: list[int]) -> None:
        """Take out the orders that a trade at this price elects. O(log group) each."""
        room = price - self.extreme
        while self.ticks and self.ticks[0] >> SEQUENCE_BITS <= room:
            taken.append((self.extreme << SEQUENCE_BITS) + self.ticks.pop(0))
        while self.points and distance_ticks(self.extreme, self.points[0] >> SEQUENCE_BITS) <= room:
            taken.append(self._points_key(self.points.pop(0)))

    def _points_key(self, key: int) -> int:
        trigger = self.extreme + distance_ticks(self.extreme, key >> SEQUENCE_BITS)
        return (trigger << SEQUENCE_BITS) + (key & SEQUENCE_MASK)


class Trails:
    """All groups of one direction. `of`: the group of each order, by its sequence."""

    __slots__ = ("groups", "nearest", "of")

    def __init__(self) -> None:
        self.groups: list[Trail] = []
        self.nearest: SortedDict[int, Trail] = SortedDict()
        self.of: dict[int, Trail] = {}

    def add(self, sequence: int, extreme: int, ticks: int, points: int) -> None:
        """An order that has seen `extreme`; a new one has seen the last trade only, and is of the newest group.

        O(log n).
        """
        groups = self.groups
        at = bisect_left(groups, extreme, key=_extreme_of)
        if at < len(groups) and groups[at].extreme == extreme:
            trail = groups[at]
            del self.nearest[trail.first]
        else:
            trail = Trail(extreme)
            groups.insert(at, trail)
        if ticks:
            trail.ticks.add((ticks << SEQUENCE_BITS) + sequence)
        else:
            trail.points.add((points << SEQUENCE_BITS) + sequence)
        self.of[sequence] = trail
        self._stand(trail)

    def remove(self, sequence: int, ticks: int, points: int) -> None:
        """An order that is in no group (it was elected) is removed already. O(log n)."""
        trail = self.of.pop(sequence, None)
        if trail is None:
            return
        del self.nearest[trail.first]
        if ticks:
            trail.ticks.remove((ticks << SEQUENCE_BITS) + sequence)
        else:
            trail.points.remove((points << SEQUENCE_BITS) + sequence)
        self._stand_or_go(trail)

    def see(self, price: int) -> None:
        """A trade at this price: whoever has seen none so low has now. Amortized O(log n) an order and extreme."""
        groups = self.groups
        if not groups or groups[-1].extreme <= price:
            return
        merged: Trail | None = None
        while groups and groups[-1].extreme >= price:
            trail = groups.pop()
            del self.nearest[trail.first]
            merged = trail if merged is None else self._merged(merged, trail)
        assert merged is not None
        merged.extreme = price
        groups.append(merged)
        self._stand(merged)

    def take(self, price: int, taken: list[int]) -> None:
        """Take out the orders that a trade at this price elects, group by group."""
        nearest = self.nearest
        bound = (price + 1) << SEQUENCE_BITS
        while nearest and nearest.peekitem(0)[0] < bound:
            trail: Trail = nearest.popitem(0)[1]
            before = len(taken)
            trail.take(price, taken)
            for key in taken[before:]:
                del self.of[key & SEQUENCE_MASK]
            self._stand_or_go(trail)

    def check(self) -> None:
        """AssertionError for the first thing that is not as it must be. O(orders)."""
        extremes = [trail.extreme for trail in self.groups]
        assert all(older < newer for older, newer in pairwise(extremes)), (
            "extremes rise from the oldest group to the newest"
        )
        members = {key & SEQUENCE_MASK: trail for trail in self.groups for key in trail.trigger_keys()}
        assert members == self.of, "an order knows its group"
        for trail in self.groups:
            assert trail.first == trail.nearest_key(), "a group stands at its first trigger"
        assert {trail.first: trail for trail in self.groups} == dict(self.nearest), "all groups stand there"

    def _merged(self, one: Trail, other: Trail) -> Trail:
        """The larger one, with the orders of the smaller one."""
        if len(one.ticks) + len(one.points) < len(other.ticks) + len(other.points):
            one, other = other, one
        for key in other.ticks:
            self.of[key & SEQUENCE_MASK] = one
        for key in other.points:
            self.of[key & SEQUENCE_MASK] = one
        one.ticks.update(other.ticks)
        one.points.update(other.points)
        return one

    def _stand(self, trail: Trail) -> None:
        trail.first = trail.nearest_key()
        self.nearest[trail.first] = trail

    def _stand_or_go(self, trail: Trail) -> None:
        if trail.ticks or trail.points:
            self._stand(trail)
        else:
            del self.groups[bisect_left(self.groups, trail.extreme, key=_extreme_of)]
