"""What a shadow tells a monitoring system: how far it is behind, what it compared, what it keeps and serves.

Read from its own objects while they work (`bus.metrics`); `shadow` gives them.
"""

from collections.abc import Iterator
from typing import Final

from bus.metrics.metric import COUNTER, GAUGE, Metric, Reading
from bus.metrics.of_process import ProcessMetrics
from bus.metrics.slices import in_slices
from bus.protocol.status import ProcessStatus
from bus.replication.checkpoints import CheckpointSchedule
from bus.replication.counters import Counters
from bus.replication.deep_recovery import DeepRecovery
from bus.replication.following import Following
from bus.sockets.router import Router

SHADOW: Final = ProcessMetrics("shadow", "core")

BEHIND_COMMANDS: Final = Metric(
    "matchbus_shadow_behind_commands", GAUGE, "Commands that it knows to be durable and has not followed."
)
BEHIND_BYTES: Final = Metric(
    "matchbus_shadow_behind_bytes",
    GAUGE,
    "What is written in the log and was not followed, as of the last second.",
)
SILENCE: Final = Metric(
    "matchbus_shadow_silence_seconds", GAUGE, "How long nothing was heard from the engine."
)
FOLLOWED: Final = Metric(
    "matchbus_shadow_commands_total", COUNTER, "Commands and records of the log that it followed."
)
BEGINNINGS: Final = Metric(
    "matchbus_shadow_beginnings_total",
    COUNTER,
    "How often it began anew, since the log had become another one.",
)
COMPARISONS: Final = Metric(
    "matchbus_shadow_comparisons_total", COUNTER, "Hashes of the engine that were compared with its own."
)
EQUAL: Final = Metric(
    "matchbus_shadow_equal_log_sequence",
    GAUGE,
    "The sequence up to which the engine was heard to have said the same.",
)
CHECKPOINTS: Final = Metric("matchbus_shadow_checkpoints_total", COUNTER, "Checkpoints that were written.")
CHECKPOINT: Final = Metric(
    "matchbus_shadow_checkpoint_log_sequence",
    GAUGE,
    "The sequence of the checkpoint that it wrote or began at last.",
)
MESSAGES: Final = Metric(
    "matchbus_shadow_messages_total", COUNTER, "Messages of requests, good and bad ones."
)
REPLAYS: Final = Metric(
    "matchbus_shadow_replays_total", COUNTER, "Requests for events that were answered with them."
)
WALKS: Final = Metric("matchbus_shadow_walks_total", COUNTER, "Walks through old history that were begun.")
PAGES: Final = Metric(
    "matchbus_shadow_waiting_pages", GAUGE, "Pages of old history that are to be walked for."
)
RING_EVENTS: Final = Metric(
    "matchbus_shadow_ring_events", GAUGE, "Events that can be told again without a walk."
)

METRICS: Final = (
    *SHADOW.all(),
    BEHIND_COMMANDS,
    BEHIND_BYTES,
    SILENCE,
    FOLLOWED,
    BEGINNINGS,
    COMPARISONS,
    EQUAL,
    CHECKPOINTS,
    CHECKPOINT,
    MESSAGES,
    REPLAYS,
    WALKS,
    PAGES,
    RING_EVENTS,
)

_NS_PER_S: Final = 1_000_000_000


def read_shadow(
    status: ProcessStatus,
    counters: Counters,
    following: Following,
    schedule: CheckpointSchedule,
    recovery: DeepRecovery,
    router: Router,
    silence_ns: int,
) -> Iterator[Reading]:
    """Readings of all metrics of a shadow."""
    yield from SHADOW.read(status)
    yield BEHIND_COMMANDS, counters.lag_commands
    yield BEHIND_BYTES, counters.lag_bytes
    yield SILENCE, silence_ns / _NS_PER_S
    yield FOLLOWED, counters.followed_commands
    yield BEGINNINGS, counters.beginnings
    yield COMPARISONS, counters.comparisons
    yield EQUAL, following.comparison.equal[1]
    yield CHECKPOINTS, counters.checkpoints_written
    yield CHECKPOINT, schedule.sequence
    yield MESSAGES, router.messages
    yield REPLAYS, counters.replays_served
    yield WALKS, counters.walks
    yield PAGES, recovery.pages_waiting
    rings = list(following.publication.feed_rings.values())
    yield RING_EVENTS, sum(ring.events for ring in in_slices(rings))
