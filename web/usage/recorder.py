"""Counts what is asked of an instance, and brings it to the store every two seconds, off the loop.

The rule guarded here: nothing of this holds up or fails a request. What the store does not take waits, some minutes of
it; then the oldest are given up. Called by `web.handling` and `web.stream`; opened and closed with the house.
"""

import asyncio
import secrets
from collections.abc import Mapping
from contextlib import suppress
from typing import Final

import structlog

from bus.clock import utc_ns
from bus.config import Config
from bus.errors import MatchbusError, StoreUnavailable
from web.guard.principal import Principal
from web.schemas.usage import Usage, UsageQuery
from web.symbols import Symbols
from web.usage.minute import MINUTE_MS, Minute
from web.usage.store import UsageStore, rows_of
from web.usage.wanted import REST, STREAM, data_of

#: How old it is at most what others read of an instance. Written is only what is new.
FLUSH_S: Final = 2.0
#: Minutes that wait for a store that takes none; some 100 kB each at most.
WAITING_MAX: Final = 10
#: As a method: a message over WebSocket.
MESSAGE: Final = "WS"
#: A last write that takes longer than this is given up.
_END_S: Final = 3.0
_INSTANCE_BYTES: Final = 8
_LOG: Final = structlog.get_logger("matchbus.web")


class Recorder:
    """See above. Nothing is kept when `web.usage_hours` is 0."""

    def __init__(self, config: Config, symbols: Symbols) -> None:
        self._config = config
        self._symbols = symbols
        self._store: UsageStore | None = None
        #: Of this run: nobody else writes rows of this name.
        self._instance = secrets.token_hex(_INSTANCE_BYTES)
        self._minute = Minute(_now_minute())
        self._waiting: list[Minute] = []
        self._writing = asyncio.Lock()
        self._flushing: asyncio.Task[None] | None = None
        self._ending = asyncio.Event()
        self._failing = False
        self._forgotten = 0
        #: Minutes that were given up because the store did not take them.
        self.lost_minutes = 0

    @property
    def is_on(self) -> bool:
        """Whether anything is kept."""
        return self._config.web.usage_hours > 0

    async def open(self) -> None:
        """Begin to keep. Raises ConfigError, StoreDamaged or StoreMismatch; a store that is not there is waited for."""
        if not self.is_on:
            return
        with suppress(StoreUnavailable):  # `_flush` says so
            self._store = await asyncio.to_thread(UsageStore, self._config)
        self._flushing = asyncio.create_task(self._keep_flushing())

    async def close(self) -> None:
        """Bring what was counted to the store, if it takes it now, and keep no more. Safe to call twice."""
        if self._flushing is None:
            return
        self._ending.set()
        await asyncio.wait((self._flushing,), timeout=_END_S)
        self._flushing.cancel()
        await asyncio.gather(self._flushing, return_exceptions=True)
        self._flushing = None
        if self._store is not None:
            self._store.close()

    def answered(
        self,
        who: Principal | None,
        method: str,
        path: str,
        names: Mapping[str, str],
        symbol: str | None,
        status: int,
        took_us: int,
    ) -> None:
        """A request was answered. `method` and `path` are those of a route, `names` what stands in the path's braces.

        Symbols count that exist; what else somebody writes does not.
        """
        if not symbol or not self._symbols.knows(symbol):
            symbol = ""
        elif status < 400:
            data = data_of(path, names)
            if data is not None:
                self._minute.want(REST, data, symbol)
        key_id, account = ("", "") if who is None else (who.key_id, who.account)
        self._minute.count((key_id, account, method, path, symbol, status), took_us)

    def said(self, who: Principal | None, op: str, symbol: str | None, status: int, took_us: int) -> None:
        """A message over WebSocket was answered. `op`: one that there is."""
        self.answered(who, MESSAGE, op, {}, symbol, status, took_us)

    def subscribed(self, channel: str, symbol: str) -> None:
        """Somebody has subscribed to a channel of a symbol, both of which exist."""
        self._minute.want(STREAM, channel, symbol)

    async def ask(self, query: UsageQuery) -> Usage:
        """The answer to a question, with all that was counted here until now. Raises StoreUnavailable and its like."""
        await self.flush()
        assert self._store is not None, "flush has opened it"
        return await asyncio.to_thread(self._store.ask, query)

    async def flush(self) -> None:
        """Bring to the store what is new. Raises StoreUnavailable, StoreDamaged, StoreMismatch."""
        async with self._writing:
            if self._store is None:
                self._store = await asyncio.to_thread(UsageStore, self._config)
            self._turn()
            for minute in [*self._waiting, self._minute]:
                if minute.is_new:
                    await self._write(self._store, minute)
            self._waiting = [minute for minute in self._waiting if minute.is_new]

    async def _write(self, store: UsageStore, minute: Minute) -> None:
        minute.is_new = False
        try:
            await asyncio.to_thread(store.write, self._instance, minute.number, *rows_of(minute))
        except BaseException:
            minute.is_new = True
            raise

    def _turn(self) -> None:
        """Begin a new minute when it is one."""
        now = _now_minute()
        if now == self._minute.number:
            return
        # Also one that is being written at the moment: nobody knows yet whether the store takes it.
        if self._minute.calls or self._minute.data:
            self._waiting.append(self._minute)
        while len(self._waiting) > WAITING_MAX:
            self._waiting.pop(0)
            self.lost_minutes += 1
        self._minute = Minute(now)

    async def _keep_flushing(self) -> None:
        while not self._ending.is_set():
            until_turn_s = (MINUTE_MS - _now_ms() % MINUTE_MS) / 1_000
            with suppress(TimeoutError):
                await asyncio.wait_for(self._ending.wait(), min(FLUSH_S, until_turn_s))
            self._turn()
            try:
                await self.flush()
                await self._forget()
            except MatchbusError as error:
                if not self._failing:
                    _LOG.error("the analysis of use cannot be written", problem=str(error))
                self._failing = True
            except Exception:
                _LOG.exception("the analysis of use is wrong")
            else:
                if self._failing:
                    _LOG.info("the analysis of use is written again")
                self._failing = False

    async def _forget(self) -> None:
        """Once a minute what is too old."""
        before = _now_minute() - self._config.web.usage_hours * 60
        if self._store is not None and before > self._forgotten:
            await asyncio.to_thread(self._store.forget, before)
            self._forgotten = before


def _now_ms() -> int:
    return utc_ns() // 1_000_000


def _now_minute() -> int:
    return _now_ms() // MINUTE_MS
