"""What an account has traded: a bucket for this day and for each of the thirty before it.

A day is a whole number of days of engine time, from midnight UTC to midnight. The volume that counts is that of the
thirty whole days before, so it is the same all day, whatever is traded in it, and changes at midnight alone. Nobody has
to come by at midnight: the buckets are rolled by the first fill of a later day, and whoever asks before that is told
what they would then hold.
"""

from array import array
from collections.abc import Sequence
from typing import Final

from matcher.ledger.money.balance import UNITS_END

#: The days before this one that count.
DAYS: Final = 30
BUCKETS: Final = DAYS + 1
_NS_PER_DAY: Final = 24 * 3600 * 1_000_000_000
#: A bucket is full at this: thirty of them stay within what the wire carries.
BUCKET_MAX: Final = (UNITS_END - 1) // DAYS


def day_of(time_ns: int) -> int:
    """The number of the day of a time."""
    return time_ns // _NS_PER_DAY


class Volume:
    """Of one account, in 31 machine integers. `day`: of the last fill; the bucket of a day is at its number modulo 31.

    `before`: the sum of the thirty buckets that are not of `day`. `tier`: the one that this is, for who asks often;
    whoever rolls the buckets, or has other tiers, sets it.
    """

    __slots__ = ("_buckets", "before", "day", "tier")

    def __init__(self, day: int) -> None:
        self.day = day
        self.before = 0
        self.tier = 0
        self._buckets = array("q", bytes(8 * BUCKETS))

    def add(self, day: int, volume: int) -> None:
        """So much was traded on this day, which is no earlier than the last one. Amortized O(1)."""
        if day != self.day:
            self.roll(day)
        at = day % BUCKETS
        volume += self._buckets[at]
        self._buckets[at] = volume if volume < BUCKET_MAX else BUCKET_MAX

    def at(self, day: int) -> int:
        """What counts on a day that is no earlier than `day`. O(1) on that very day, else O(buckets)."""
        if day == self.day:
            return self.before
        total = 0
        for one in range(day - DAYS, self.day + 1):
            total += self._buckets[one % BUCKETS]
        return total

    def roll(self, day: int) -> None:
        """It is this day. O(days since the last time, but no more than buckets)."""
        assert day >= self.day, "engine time does not run back"
        if day - self.day > DAYS:
            for at in range(BUCKETS):
                self._buckets[at] = 0
            self.before = 0
            self.day = day
            return
        while self.day < day:
            self.before += self._buckets[self.day % BUCKETS]
            self.day += 1
            leaving = self.day % BUCKETS
            self.before -= self._buckets[leaving]
            self._buckets[leaving] = 0

    def by_day(self) -> list[int]:
        """The buckets, that of thirty days ago first, that of `day` last."""
        return [self._buckets[one % BUCKETS] for one in range(self.day - DAYS, self.day + 1)]

    def fill(self, by_day: Sequence[int]) -> None:
        """As `by_day` said it. Raises ValueError when it never did."""
        if len(by_day) != BUCKETS or not all(0 <= one <= BUCKET_MAX for one in by_day):
            raise ValueError("not the volumes of 31 days")
        for back, one in enumerate(reversed(by_day)):
            self._buckets[(self.day - back) % BUCKETS] = one
        self.before = sum(by_day) - by_day[DAYS]

    def check(self) -> None:
        """AssertionError when something is not as it must be."""
        by_day = self.by_day()
        assert all(0 <= one <= BUCKET_MAX for one in by_day), "a bucket holds what was traded"
        assert self.before == sum(by_day[:DAYS]) < UNITS_END, "the sum is that of the days before"
