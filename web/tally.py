"""How many requests came to which end, and how long they took: what metrics and the analysis of use are made of.

Counted by `web.handling`, read by `web.metrics` from another thread.
"""

from typing import Final

from bus.metrics.powers import Powers

#: In the place of a path that does not exist: whoever asks for many must not make many numbers.
NOWHERE: Final = "none"
#: 2**24 µs are 17 s, more than anything here waits; below 2**7 = 128 µs nothing is of interest.
_HIGHEST: Final = 24
_LOWEST: Final = 7
_US_PER_S: Final = 1_000_000


class Tally:
    """See above.

    `requests` by (method, path, status), `answering_us` by (method, path); paths are those of routes, with `{name}`s.
    """

    def __init__(self) -> None:
        self.requests: dict[tuple[str, ...], int] = {}
        self.answering_us: dict[tuple[str, ...], int] = {}
        self.durations = Powers(_HIGHEST, lowest=_LOWEST, unit=_US_PER_S)

    def add(self, method: str, path: str, status: int, took_us: int) -> None:
        """One request was answered. `method` and `path` are those of a route, or NOWHERE."""
        end, where = (method, path, str(status)), (method, path)
        self.requests[end] = self.requests.get(end, 0) + 1
        self.answering_us[where] = self.answering_us.get(where, 0) + took_us
        self.durations.add(took_us)
