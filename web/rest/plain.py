"""Time, health, readiness, and metrics."""

from http import HTTPStatus
from typing import Final

from bus.clock import utc_ns
from web.call import Call
from web.errors import NOT_FOUND, Refusal
from web.guard.principal import OPERATOR
from web.routes import HOUSE, Otherwise, Route
from web.schemas.plain import Health, Metrics, Readiness, Time

#: What Prometheus is given when it asks for nothing else, and every other system reads.
PROMETHEUS: Final = "text/plain; version=0.0.4; charset=utf-8"


async def time(call: Call) -> Time:
    """The server's time."""
    del call
    now_ns = utc_ns()
    return Time(now_ns // 1_000_000, now_ns)


async def health(call: Call) -> Health:
    """Whether the process lives."""
    del call
    return Health("ok")


async def readiness(call: Call) -> Readiness:
    """Whether requests can be answered, and how each part is that the web needs.

    503 when they cannot: whoever spreads requests over instances sends none here for now. The answer is half a second
    old at most.
    """
    found = await call.house.parts.readiness()
    if not found.ready:
        raise Otherwise(found)
    return found


async def metrics(call: Call) -> bytes:
    """What this instance counts, in the text format of Prometheus.

    From the addresses of `web.metrics_networks` no key is needed: a monitoring system cannot sign. Each instance tells
    of itself; where several share an address, each is read at its own port of metrics.
    """
    if call.house.page is None:
        raise Refusal(NOT_FOUND, "metrics are off (metrics.enabled)")
    text, _ = call.house.page.render("")
    return text


ROUTES: Final = (
    Route(
        method="GET",
        path="/api/v1/time",
        handler=time,
        summary="The server's time",
        scope=None,
        cost=HOUSE,
        answer=Time,
    ),
    Route(
        method="GET",
        path="/health",
        handler=health,
        summary="Whether the process lives",
        scope=None,
        cost=HOUSE,
        answer=Health,
    ),
    Route(
        method="GET",
        path="/ready",
        handler=readiness,
        summary="Whether requests can be answered",
        scope=None,
        cost=HOUSE,
        answer=Readiness,
        otherwise=HTTPStatus.SERVICE_UNAVAILABLE,
    ),
    Route(
        method="GET",
        path="/metrics",
        handler=metrics,
        summary="What this instance counts, for monitoring systems",
        scope=OPERATOR,
        cost=HOUSE,
        answer=Metrics,
        content_type=PROMETHEUS,
        monitoring=True,
    ),
)
