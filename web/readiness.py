"""Whether requests can be answered: how the processes are that the web needs, asked at once, and kept for a moment.

The rule guarded here: however often somebody asks, each process is asked once in half a second. Ready is who can serve:
the engine, the history and a publisher answer, and none of them has failed. One that is behind, or one of several
publishers that is away, takes no instance out of service.

Called by `web.rest.plain`, which answers whoever spreads requests over instances.
"""

import asyncio
from collections.abc import Sequence
from typing import Final

import zmq

from bus.addresses import addresses
from bus.clock import monotonic_ns
from bus.config import Config
from bus.errors import MatchbusError
from bus.protocol.status import FAILED, ProcessStatus, QueryStatus
from bus.sockets.history_client import AsyncHistoryClient
from bus.sockets.market import questions
from bus.sockets.market.async_market_client import AsyncMarketClient
from bus.sockets.status_client import AsyncStatusClient
from web.schemas.plain import Part, Readiness

ENGINE: Final = "engine"
HISTORY: Final = "history"
PUBLISHER: Final = "publisher"
UNREACHABLE: Final = "unreachable"
#: Who asks whether all is well wants to know it now.
_ANSWER_S: Final = 1.0
_KEPT_NS: Final = 500_000_000


class Parts:
    """See above."""

    def __init__(
        self,
        config: Config,
        market: AsyncMarketClient,
        history: AsyncHistoryClient,
        context: "zmq.Context[zmq.Socket[bytes]]",
    ) -> None:
        where = addresses(config.engine.port_base, config.engine.host)
        self._engine = AsyncStatusClient(where.recovery, context)
        self._market = market
        self._history = history
        self._known: Readiness | None = None
        self._known_ns = 0
        self._looking: asyncio.Task[Readiness] | None = None

    def open(self) -> None:
        """Connect. Nobody need be there yet."""
        self._engine.open()

    def close(self) -> None:
        """Disconnect. Safe to call twice."""
        if self._looking is not None:
            self._looking.cancel()
        self._engine.close()

    async def readiness(self) -> Readiness:
        """How they are, or were a moment ago."""
        if self._known is not None and monotonic_ns() - self._known_ns < _KEPT_NS:
            return self._known
        if self._looking is None or self._looking.done():
            self._looking = asyncio.create_task(self._look())
        return await asyncio.shield(self._looking)

    async def _look(self) -> Readiness:
        engine, publishers, history = await asyncio.gather(
            self._ask_engine(), self._ask_publishers(), self._ask_history()
        )
        parts = [engine, *publishers, history]
        self._known, self._known_ns = Readiness(can_serve(parts), parts), monotonic_ns()
        return self._known

    async def _ask_engine(self) -> Part:
        try:
            return _part(ENGINE, await self._engine.ask(_ANSWER_S))
        except MatchbusError as error:
            return _part(ENGINE, error)

    async def _ask_publishers(self) -> list[Part]:
        said = await self._market.ask_each(questions.status(), _ANSWER_S)
        return [_part(PUBLISHER, one if isinstance(one, MatchbusError) else one.answer) for one in said]

    async def _ask_history(self) -> Part:
        try:
            return _part(HISTORY, await self._history.ask(QueryStatus(), _ANSWER_S))
        except MatchbusError as error:
            return _part(HISTORY, error)


def can_serve(parts: Sequence[Part]) -> bool:
    """Whether there is one of each that serves."""
    there = {part.name for part in parts if part.health not in (FAILED, UNREACHABLE)}
    return there >= {ENGINE, HISTORY, PUBLISHER}


def _part(name: str, said: ProcessStatus | MatchbusError) -> Part:
    if isinstance(said, MatchbusError):
        return Part(name, UNREACHABLE, str(said), 0)
    return Part(said.name, said.health, said.problem, said.log_sequence)
