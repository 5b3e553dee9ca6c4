"""What one topic waits for, and whom it asks: the engine, or the service that keeps what the engine no longer does.

No I/O. There are two recovery services, of which a reader may know the first alone:

    FIRST ──it does not keep that, or does not answer──▶ DEEP
      ▲                                                   │
      └──the gap is closed, or is kept there again; or it does not answer, is behind, or does not keep it either

What neither keeps is lost. After `DEEP_FAILURES_MAX` times in a row the topic's order is told so (a book begins anew,
what was missed of another stream is skipped), unless its reader never skips: then both are asked again and again.
Called by `feed_core` alone.
"""

import enum
from typing import Final

MS: Final = 1_000_000

#: How long a recovery service may take for one answer before it, or the other one, is asked again.
ANSWER_TIMEOUT_MS: Final = 1_000
#: How often it is asked for the same thing: together a quarter of a minute, in which an engine has started again.
ATTEMPTS_MAX: Final = 15
#: How often the deep service may fail one gap. It may be behind by what is on its way to the disk: that is soon there.
DEEP_FAILURES_MAX: Final = 3
#: How long a service that says that it is busy is left alone: it has too much to do, or walks through old history for
#: this very request, which may take minutes.
BUSY_MS: Final = 250
#: How long a service that could not help is left alone, the first time and at most; doubled each time.
BACKOFF_MS: Final = 50
BACKOFF_MS_MAX: Final = 1_000


class Service(enum.Enum):
    """Who is asked."""

    FIRST = "first"  # the engine's recovery socket
    DEEP = "deep"  # the one of who follows the journal


class Asking:
    """One topic that is incomplete since `since_ns`, None while no time is known.

    `correlation_id` is that of the request that is under way; 0 while there is none. `kept_from`: the first number
    that the first service keeps, as far as it has said so; 0 otherwise.
    """

    __slots__ = (
        "attempts",
        "correlation_id",
        "deadline_ns",
        "deep_failures",
        "failures",
        "kept_from",
        "service",
        "since_ns",
    )

    def __init__(self, since_ns: int | None) -> None:
        self.service = Service.FIRST
        self.attempts = 0
        self.correlation_id = 0
        self.deadline_ns = 0
        self.since_ns = since_ns
        self.kept_from = 0
        self.failures = 0
        self.deep_failures = 0

    @property
    def deep_has_failed(self) -> bool:
        """Whether the deep service was asked often enough."""
        return self.deep_failures >= DEEP_FAILURES_MAX

    def ask(self, correlation_id: int, now_ns: int) -> None:
        """A request leaves."""
        self.attempts += 1
        self.correlation_id = correlation_id
        self.deadline_ns = now_ns + ANSWER_TIMEOUT_MS * MS

    def answered(self) -> None:
        """The answer to the request that is under way is here."""
        self.correlation_id = 0

    def progressed(self, now_ns: int, next_number: int) -> None:
        """What is asked for next is something else, and is asked for at once: of the first as soon as it keeps that."""
        self.attempts = self.failures = self.deep_failures = 0
        self.deadline_ns = now_ns
        if self.kept_from and next_number >= self.kept_from:
            self.service = Service.FIRST

    def begin_anew(self) -> None:
        """A snapshot is asked for in the place of events: of the first service, whatever was before."""
        self.service = Service.FIRST
        self.kept_from = 0

    def turn_to(self, service: Service, now_ns: int) -> None:
        """Ask this one now: it may know more."""
        self.service = service
        self.deadline_ns = now_ns

    def fail(self, now_ns: int, *, to: Service) -> None:
        """The service that was asked could not help: ask this one, in a while that grows from time to time."""
        if self.service is Service.DEEP:
            self.deep_failures += 1
        self.service = to
        wait_ms = min(BACKOFF_MS << min(self.failures, 10), BACKOFF_MS_MAX)
        self.failures += 1
        self.deadline_ns = now_ns + wait_ms * MS

    def wait(self, now_ns: int) -> None:
        """The service that was asked is there and busy: it is asked again, and has not failed."""
        self.attempts = 0
        self.deadline_ns = now_ns + BUSY_MS * MS

    def is_overdue(self, now_ns: int) -> bool:
        """Whether a request is under way whose answer should be here."""
        return self.correlation_id != 0 and now_ns >= self.deadline_ns

    def time_out(self, now_ns: int, *, has_other: bool) -> None:
        """No answer came: ask again, and the other service if there is one that may know."""
        self.correlation_id = 0
        if self.service is Service.DEEP:
            self.deep_failures += 1
            self.service = Service.FIRST
        elif has_other:
            self.service = Service.DEEP
        self.deadline_ns = now_ns
