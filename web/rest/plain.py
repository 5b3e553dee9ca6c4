"""Time, health, readiness, and metrics."""

import asyncio
from typing import Final

from bus.clock import utc_ns
from bus.errors import MatchbusError
from bus.protocol.status import OK, ProcessStatus, QueryStatus
from bus.sockets.market import questions
from web.call import Call
from web.errors import NOT_FOUND, Refusal
from web.guard.principal import OPERATOR
from web.routes import HOUSE, Route
from web.schemas.plain import Health, Metrics, Part, Readiness, Time

#: What Prometheus is given when it asks for nothing else, and every other system reads.
PROMETHEUS: Final = "text/plain; version=0.0.4; charset=utf-8"
_UNREACHABLE: Final = "unreachable"
#: Who asks whether all is well wants to know it now.
_READY_S: Final = 1.0


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
    """Whether every part that the web needs is there."""
    house = call.house

    async def of_history() -> Part:
        try:
            return _part("history", await house.history.ask(QueryStatus(), _READY_S))
        except MatchbusError as error:
            return _part("history", error)

    publishers, past = await asyncio.gather(house.market.ask_each(questions.status(), _READY_S), of_history())
    parts = [_part("publisher", one if isinstance(one, MatchbusError) else one.answer) for one in publishers]
    parts.append(past)
    return Readiness(all(part.health == OK for part in parts), parts)


def _part(name: str, said: ProcessStatus | MatchbusError) -> Part:
    if isinstance(said, MatchbusError):
        return Part(name, _UNREACHABLE, str(said), 0)
    return Part(said.name, said.health, said.problem, said.log_sequence)


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
        summary="Whether every part that the web needs is there",
        scope=None,
        cost=HOUSE,
        answer=Readiness,
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
