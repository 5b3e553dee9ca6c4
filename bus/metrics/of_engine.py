"""What the engine tells: the log, the disk, who is connected, what waits, what can be asked for again.

It is read from the node's own objects while they work; nothing is kept for it but a few counters. What is O(sessions),
O(accounts) or O(topics) is read in slices, between which the interpreter's lock is let go: the loop waits for one of
them at most, however many instruments there are.
"""

from collections.abc import Iterator
from typing import Final

from bus.core import Core
from bus.journal.writer import JournalWriter
from bus.metrics.metric import COUNTER, GAUGE, HISTOGRAM, Metric, Reading
from bus.metrics.of_process import ProcessMetrics
from bus.metrics.powers import Powers
from bus.metrics.slices import in_slices
from bus.protocol.reasons import QUEUE_FULL, RATE_EXCEEDED, reason_name
from bus.protocol.status import ProcessStatus
from bus.protocol.topics import LEVEL, ORDER, STATUS, TRADE
from bus.sessions import Sessions
from bus.sockets.gateway import Gateway
from bus.sockets.outbound import Outbound
from bus.sockets.publication import Publication
from bus.sockets.router import Router

ENGINE: Final = ProcessMetrics("engine", "core", "sync")

# What comes in.
MESSAGES: Final = Metric(
    "matchbus_engine_messages_total", COUNTER, "Messages taken from a socket, good and bad ones.", ("socket",)
)
COMMANDS: Final = Metric(
    "matchbus_engine_commands_total", COUNTER, "Commands put into the log, rejected and repeated ones too."
)
REFUSED: Final = Metric(
    "matchbus_engine_refused_total",
    COUNTER,
    "Items refused on the orders socket before the log, by reason; queue_full and rate_exceeded say that it is busy.",
    ("reason",),
)
REJECTED: Final = Metric(
    "matchbus_engine_rejected_total", COUNTER, "Commands of the log that were answered with Rejected."
)
SESSIONS: Final = Metric(
    "matchbus_engine_sessions",
    GAUGE,
    "Open sessions: seated, away (without a connection), or suspended (a connection that takes no more).",
    ("state",),
)
# The log and the disk.
BATCH_COMMANDS: Final = Metric(
    "matchbus_engine_batch_commands", HISTOGRAM, "Commands and records of each batch of the log."
)
SYNC_SECONDS: Final = Metric(
    "matchbus_engine_sync_seconds",
    HISTOGRAM,
    "How long each sync of the journal took that the loop did not wait for.",
)
UNSYNCED_COMMANDS: Final = Metric(
    "matchbus_engine_unsynced_commands", GAUGE, "Commands that were applied and wait for the disk."
)
WAITING_BYTES: Final = Metric(
    "matchbus_engine_waiting_bytes", GAUGE, "Reports and answers that wait for the disk."
)
LOOP_LATE: Final = Metric(
    "matchbus_engine_loop_late_seconds_total",
    COUNTER,
    "How much later than planned the loop came to its housekeeping, which is planned every 0.1 s.",
)
# What goes out.
REPORTS: Final = Metric(
    "matchbus_engine_reports_total", COUNTER, "Reports to all accounts, as numbered: over restarts."
)
EVENTS: Final = Metric(
    "matchbus_engine_feed_events_total",
    COUNTER,
    "Events of the feed's symbols, as numbered: over restarts.",
    ("kind",),
)
RINGS: Final = Metric(
    "matchbus_engine_rings", GAUGE, "Streams of which something can be asked for again.", ("of",)
)
RING_EVENTS: Final = Metric(
    "matchbus_engine_ring_events", GAUGE, "Events that can be asked for again.", ("of",)
)
# What there is.
ACCOUNTS: Final = Metric("matchbus_engine_accounts", GAUGE, "Accounts.")
INSTRUMENTS: Final = Metric("matchbus_engine_instruments", GAUGE, "Instruments.")

METRICS: Final = (
    *ENGINE.all(),
    MESSAGES,
    COMMANDS,
    REFUSED,
    REJECTED,
    SESSIONS,
    BATCH_COMMANDS,
    SYNC_SECONDS,
    UNSYNCED_COMMANDS,
    WAITING_BYTES,
    LOOP_LATE,
    REPORTS,
    EVENTS,
    RINGS,
    RING_EVENTS,
    ACCOUNTS,
    INSTRUMENTS,
)

_NS_PER_S: Final = 1_000_000_000
_KINDS: Final = (TRADE, LEVEL, ORDER, STATUS)
_STATES: Final = ("seated", "away", "suspended")


def read_engine(
    status: ProcessStatus,
    core: Core,
    writer: JournalWriter,
    publication: Publication,
    sessions: Sessions,
    outbound: Outbound,
    gateway: Gateway,
    routers: dict[str, Router],
    batch_commands: Powers,
    rejected: int,
    late_ns: int,
) -> Iterator[Reading]:
    """Readings of all metrics of a node. `rejected`, `late_ns`: since it was started."""
    yield from ENGINE.read(status)
    yield MESSAGES, {(name,): router.messages for name, router in routers.items()}
    yield COMMANDS, gateway.commands
    yield REFUSED, _refused(gateway)
    yield REJECTED, rejected
    yield SESSIONS, _sessions(sessions)
    yield BATCH_COMMANDS, batch_commands
    yield SYNC_SECONDS, writer.sync_us
    yield UNSYNCED_COMMANDS, outbound.waiting_commands
    yield WAITING_BYTES, outbound.waiting_bytes
    yield LOOP_LATE, late_ns / _NS_PER_S
    yield REPORTS, publication.report_count
    yield EVENTS, _events(core)
    feed = list(publication.feed_rings.values())
    reports = list(publication.report_rings.values())
    yield RINGS, {("topics",): len(feed), ("accounts",): len(reports)}
    yield (
        RING_EVENTS,
        {
            ("topics",): sum(ring.events for ring in in_slices(feed)),
            ("accounts",): sum(ring.events for ring in in_slices(reports)),
        },
    )
    yield ACCOUNTS, core.account_count()
    yield INSTRUMENTS, len(core.symbols())


def _refused(gateway: Gateway) -> dict[tuple[str, ...], int]:
    """Those that say that it is busy are there before the first one, so that a rule can see them rise from 0."""
    counts = {QUEUE_FULL: 0, RATE_EXCEEDED: 0, **gateway.refused.copy()}
    return {(reason_name(reason),): count for reason, count in counts.items()}


def _sessions(sessions: Sessions) -> dict[tuple[str, ...], int]:
    counts = dict.fromkeys(_STATES, 0)
    for seat in in_slices(sessions.all()):
        counts["away" if not seat.route else "suspended" if seat.suspended else "seated"] += 1
    return {(state,): count for state, count in counts.items()}


def _events(core: Core) -> dict[tuple[str, ...], int]:
    sums = [0] * len(_KINDS)
    for symbol in in_slices(core.symbols()):
        for index, number in enumerate(core.numbers(symbol)):
            sums[index] += number
    return {(kind,): number for kind, number in zip(_KINDS, sums, strict=True)}
