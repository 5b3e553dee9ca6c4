"""What an instance of the web tells a monitoring system: what it was asked, how it answered, who is connected.

Read from its own objects while they work (`bus.metrics`); wired in `tools.web`.
"""

from collections.abc import Iterator
from typing import Final

from bus.metrics.metric import COUNTER, GAUGE, HISTOGRAM, Metric, Reading
from web.edge.connections import Connections
from web.house import House

INFO: Final = Metric("matchbus_web_info", GAUGE, "Always 1; its labels say what runs.", ("version",))
REQUESTS: Final = Metric(
    "matchbus_web_requests_total",
    COUNTER,
    "Requests that were answered, by route and status; HEAD as GET, none where there is no route.",
    ("method", "path", "status"),
)
ANSWERING_SECONDS: Final = Metric(
    "matchbus_web_answering_seconds_total",
    COUNTER,
    "How long requests took all together, from their last byte to their answer, by route.",
    ("method", "path"),
)
REQUEST_SECONDS: Final = Metric(
    "matchbus_web_request_seconds", HISTOGRAM, "How long each request took, from its last byte to its answer."
)
CONNECTIONS: Final = Metric(
    "matchbus_web_connections",
    GAUGE,
    "Connections: waiting (for a request), or working (being answered, WebSockets).",
    ("state",),
)
ACCEPTED: Final = Metric("matchbus_web_accepted_connections_total", COUNTER, "Connections that were taken.")
ENDED: Final = Metric(
    "matchbus_web_ended_connections_total",
    COUNTER,
    "Connections that were ended: unread (no HTTP, too large), evicted (waited longest when there were too many),"
    " refused (all others were working), stalled (did not take their answer).",
    ("why",),
)
SESSIONS: Final = Metric("matchbus_web_sessions", GAUGE, "Accounts with a session of the engine here.")
USAGE_LOST: Final = Metric(
    "matchbus_web_lost_usage_total",
    COUNTER,
    "Minutes of the analysis of use that were given up because their store took none.",
)

METRICS: Final = (
    INFO,
    REQUESTS,
    ANSWERING_SECONDS,
    REQUEST_SECONDS,
    CONNECTIONS,
    ACCEPTED,
    ENDED,
    SESSIONS,
    USAGE_LOST,
)

_US_PER_S: Final = 1_000_000


def read_web(version: str, house: House, connections: Connections) -> Iterator[Reading]:
    """Readings of all metrics of an instance."""
    tally = house.tally
    yield INFO, {(version,): 1}
    yield REQUESTS, tally.requests.copy()
    yield ANSWERING_SECONDS, {where: us / _US_PER_S for where, us in tally.answering_us.copy().items()}
    yield REQUEST_SECONDS, tally.durations
    yield CONNECTIONS, {("waiting",): connections.waiting, ("working",): connections.working}
    yield ACCEPTED, connections.accepted
    yield (
        ENDED,
        {
            ("unread",): connections.unread,
            ("evicted",): connections.evicted,
            ("refused",): connections.refused,
            ("stalled",): connections.stalled,
        },
    )
    yield SESSIONS, len(house.sessions)
    yield USAGE_LOST, house.usage.lost_minutes
