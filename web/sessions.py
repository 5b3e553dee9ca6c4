"""Sessions: one connection to the engine for each account that is served here, opened when it is needed.

    of(account) ─▶ opened, or waited for ─▶ Session

The rule guarded here: there are so many at most, and those that nobody uses end. Reached as `house.sessions`, and
as `house.operators` for those who rule over the market; one each for all requests of an instance.
"""

import asyncio
from typing import Final

import zmq

from bus.clock import monotonic_ns
from bus.config import Config
from bus.protocol.reasons import TOO_MANY_SESSIONS
from bus.protocol.terms import BROKER
from web.errors import Refusal
from web.session import Session

#: How often idle sessions are looked for in the time that one may be idle.
_SWEEPS: Final = 10


class Sessions:
    """See above. `token`: of the data directory, with which a broker or an operator is let in, as `role` says."""

    def __init__(
        self, config: Config, token: str, context: "zmq.Context[zmq.Socket[bytes]]", role: int = BROKER
    ) -> None:
        self._config = config
        self._token = token
        self._context = context
        self._role = role
        self._open: dict[str, Session] = {}
        self._opening: dict[str, asyncio.Task[Session]] = {}
        self._ending: set[asyncio.Task[None]] = set()
        self._sweeper: asyncio.Task[None] | None = None

    def __len__(self) -> int:
        return len(self._open)

    def at_hand(self, account: str) -> Session | None:
        """The session of an account, when there is one that can be used."""
        session = self._open.get(account)
        return None if session is None or session.over else session

    async def of(self, account: str) -> Session:
        """The session of an account. Raises NotConnected, SessionRefused; Refusal when there are too many."""
        session = self._open.get(account)
        if session is not None and session.over:
            self._forget(session)
            session = None
        if session is not None:
            session.used_ns = monotonic_ns()
            return session
        opening = self._opening.get(account)
        if opening is None:
            self._make_room()
            opening = self._opening[account] = asyncio.ensure_future(self._begin(account))
        # Whoever waits may go; the others still want it.
        return await asyncio.shield(opening)

    def _forget(self, session: Session) -> None:
        """Whoever needs a session of this account next opens another."""
        if self._open.get(session.account) is session:
            del self._open[session.account]

    async def close(self) -> None:
        """End all sessions. Safe to call twice."""
        if self._sweeper is not None:
            self._sweeper.cancel()
            self._sweeper = None
        for opening in list(self._opening.values()):
            opening.cancel()
        sessions, self._open = list(self._open.values()), {}
        await asyncio.gather(*(session.close() for session in sessions), *self._ending)

    async def _begin(self, account: str) -> Session:
        session = Session(self._config, account, self._token, self._context, self._role)
        try:
            await session.open()
        except BaseException:
            await session.close()
            raise
        else:
            self._open[account] = session
            if self._sweeper is None:
                self._sweeper = asyncio.ensure_future(self._sweep())
            return session
        finally:
            del self._opening[account]

    def _make_room(self) -> None:
        """Before one more: the one that was idle longest goes, when there are as many as may be."""
        if len(self._open) + len(self._opening) < self._config.web.sessions_max:
            return
        idle = [session for session in self._open.values() if session.idle]
        if not idle:
            raise Refusal(
                TOO_MANY_SESSIONS, "as many accounts are served here as may be; nothing was changed"
            )
        self._end(min(idle, key=lambda session: session.used_ns))

    async def _sweep(self) -> None:
        """End sessions that nobody has used for long."""
        idle_s = self._config.web.idle_session_s
        while True:
            await asyncio.sleep(idle_s / _SWEEPS)
            oldest_ns = monotonic_ns() - idle_s * 1_000_000_000
            for session in list(self._open.values()):
                if session.idle and session.used_ns < oldest_ns:
                    self._end(session)

    def _end(self, session: Session) -> None:
        self._forget(session)
        ending = asyncio.ensure_future(session.close())
        self._ending.add(ending)
        ending.add_done_callback(self._ending.discard)
