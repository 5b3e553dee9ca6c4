"""Which publishers are there, and which is asked first. No I/O.

A publisher says heartbeats by its own clock, whether or not anything happens. One of which none was heard for so long
is gone: it is told once, and nobody is asked in vain; the next heartbeat brings it back.
"""

from typing import Final

from bus.sockets.market.stream_items import PublisherHeard, PublisherSilent

MS: Final = 1_000_000
#: Heartbeats come every second: after three of them something is wrong.
SILENCE_MS_MAX: Final = 3_000


class Roster:
    """The publishers by their places in the list that was given, the preferred one first."""

    def __init__(self, endpoints: list[str], silence_ms: int) -> None:
        self.endpoints = endpoints
        self._silence_ms = silence_ms
        self._heard_ns: list[int] = []
        self._silent = [False] * len(endpoints)

    def heard(self, publisher: int, name: str, now_ns: int) -> list[PublisherHeard]:
        """A heartbeat came."""
        self._begin(now_ns)
        self._heard_ns[publisher] = now_ns
        if not self._silent[publisher]:
            return []
        self._silent[publisher] = False
        return [PublisherHeard(publisher, self.endpoints[publisher], name)]

    def look(self, now_ns: int) -> list[PublisherSilent]:
        """Who is gone. To be asked only when everything that has arrived was taken."""
        self._begin(now_ns)
        gone: list[PublisherSilent] = []
        for publisher, heard_ns in enumerate(self._heard_ns):
            if not self._silent[publisher] and now_ns - heard_ns >= self._silence_ms * MS:
                self._silent[publisher] = True
                gone.append(PublisherSilent(publisher, self.endpoints[publisher], self._silence_ms))
        return gone

    def present(self) -> list[int]:
        """Who can be asked, the preferred one first."""
        return [publisher for publisher, silent in enumerate(self._silent) if not silent]

    @property
    def deadline_ns(self) -> int | None:
        """When `look` is to be called next; None when all are gone, or nothing has begun."""
        waiting = [
            heard_ns for heard_ns, silent in zip(self._heard_ns, self._silent, strict=False) if not silent
        ]
        return min(waiting) + self._silence_ms * MS if waiting else None

    def _begin(self, now_ns: int) -> None:
        """Who was never heard has been silent since the first look."""
        if not self._heard_ns:
            self._heard_ns = [now_ns] * len(self.endpoints)
