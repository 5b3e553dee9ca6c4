"""What is computed from measured times. Nothing here reads a clock."""

import statistics
from collections.abc import Iterable, Sequence

from msgspec import Struct

_NS_PER_US = 1_000
_NS_PER_S = 1_000_000_000


class Latency(Struct, frozen=True):
    """Of many times: the middle one, the 99th percentile and the longest, in microseconds."""

    p50_us: float
    p99_us: float
    max_us: float


def percentile(ordered: Sequence[int], percent: float) -> int:
    """The nearest rank: the smallest value that at least so many percent of the values do not exceed."""
    if not ordered:
        raise ValueError("no values, no percentile")
    rank = -(-len(ordered) * percent // 100)  # rounded up
    return ordered[max(int(rank), 1) - 1]


def latency(times_ns: Iterable[int]) -> Latency:
    """Of one round."""
    ordered = sorted(times_ns)
    return Latency(
        percentile(ordered, 50) / _NS_PER_US, percentile(ordered, 99) / _NS_PER_US, ordered[-1] / _NS_PER_US
    )


def median_latency(rounds: Sequence[Latency]) -> Latency:
    """Of several rounds, each figure by itself: one disturbed round does not move it."""
    return Latency(
        statistics.median(one.p50_us for one in rounds),
        statistics.median(one.p99_us for one in rounds),
        statistics.median(one.max_us for one in rounds),
    )


def per_s(count: int, elapsed_ns: int) -> float:
    """A rate."""
    return count * _NS_PER_S / elapsed_ns


def spread(values: Sequence[float]) -> str:
    """How far the rounds lie apart, for people: `lowest-highest`."""
    return f"{min(values):,.0f}-{max(values):,.0f}"
