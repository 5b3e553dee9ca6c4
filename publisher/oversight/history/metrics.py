"""What the private history tells a monitoring system: how far it is behind, what it wrote and what it was asked.

Read from its own objects while they work (`bus.metrics`); `service` gives them.
"""

from collections.abc import Iterator
from typing import Final, Protocol

from bus.metrics.metric import COUNTER, GAUGE, Metric, Reading
from bus.metrics.of_process import ProcessMetrics
from bus.protocol.status import ProcessStatus
from publisher.oversight.exposure.streaming import ExposureStreams
from publisher.oversight.history.answers import Answers
from publisher.oversight.history.changes import Position

HISTORY: Final = ProcessMetrics("history")

DROP_NUMBER: Final = Metric(
    "matchbus_history_drop_number", GAUGE, "The number of the last report of the drop copy that is kept."
)
BEHIND_REPORTS: Final = Metric(
    "matchbus_history_behind_reports", GAUGE, "Reports that were heard of and are not kept yet."
)
SILENCE: Final = Metric(
    "matchbus_history_silence_seconds", GAUGE, "How long nothing was heard from the engine."
)
REPORTS: Final = Metric("matchbus_history_reports_total", COUNTER, "Reports that were written.")
WITHDRAWN: Final = Metric(
    "matchbus_history_withdrawn_reports_total",
    COUNTER,
    "Reports that were taken out again: the engine had lost them.",
)
TRANSACTIONS: Final = Metric("matchbus_history_transactions_total", COUNTER, "Transactions of reports.")
FAILURES: Final = Metric(
    "matchbus_history_database_failures_total",
    COUNTER,
    "How often the database failed; it is begun anew then.",
)
BEGINNINGS: Final = Metric(
    "matchbus_history_beginnings_total", COUNTER, "How often it was begun, the first time included."
)
MESSAGES: Final = Metric(
    "matchbus_history_messages_total", COUNTER, "Messages of requests, good and bad ones."
)
PAGES: Final = Metric("matchbus_history_pages_total", COUNTER, "Pages that were read for requests.")
WAITING_REQUESTS: Final = Metric(
    "matchbus_history_waiting_requests", GAUGE, "Requests that are not answered yet."
)

EXPOSURE_FRAMES: Final = Metric(
    "matchbus_history_exposure_frames_total",
    COUNTER,
    "Frames of exposures and marks that were told, heartbeats included.",
)
EXPOSURES_WAITING: Final = Metric(
    "matchbus_history_exposures_waiting", GAUGE, "Accounts that changed and were not told yet."
)

METRICS: Final = (
    *HISTORY.all(),
    DROP_NUMBER,
    BEHIND_REPORTS,
    SILENCE,
    REPORTS,
    WITHDRAWN,
    TRANSACTIONS,
    FAILURES,
    BEGINNINGS,
    MESSAGES,
    PAGES,
    WAITING_REQUESTS,
    EXPOSURE_FRAMES,
    EXPOSURES_WAITING,
)

_NS_PER_S: Final = 1_000_000_000


class Keeping(Protocol):
    """What is read of the service, as far as it is public there."""

    position: Position
    known_number: int
    begun: int
    failures: int
    reports_written: int
    reports_withdrawn: int
    transactions: int
    pages_read: int
    answers: Answers
    streams: ExposureStreams


def read_history(
    service: Keeping, status: ProcessStatus, messages: int, silence_ns: int
) -> Iterator[Reading]:
    """Readings of all metrics of a history. `messages`: taken from its ROUTER."""
    yield from HISTORY.read(status)
    kept = service.position.drop_number
    yield DROP_NUMBER, kept
    yield BEHIND_REPORTS, max(0, service.known_number - kept)
    yield SILENCE, silence_ns / _NS_PER_S
    yield REPORTS, service.reports_written
    yield WITHDRAWN, service.reports_withdrawn
    yield TRANSACTIONS, service.transactions
    yield FAILURES, service.failures
    yield BEGINNINGS, service.begun
    yield MESSAGES, messages
    yield PAGES, service.pages_read
    yield WAITING_REQUESTS, service.answers.waiting
    yield EXPOSURE_FRAMES, service.streams.frames
    yield EXPOSURES_WAITING, service.streams.waiting
