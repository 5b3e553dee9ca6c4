"""The system's clocks, in one place so that whatever has an opinion is given time as a value."""

import time


def utc_ns() -> int:
    """UTC in nanoseconds since 1970. May jump; the sequencer keeps engine time rising."""
    return time.time_ns()


def monotonic_ns() -> int:
    """Nanoseconds that only rise, for leases and timeouts; no relation to UTC."""
    return time.monotonic_ns()
