"""All keys in memory, as the store has them, never older than a second.

The rule guarded here: a key that was revoked is refused everywhere within a second. The store is asked every quarter of
a second what has changed; whoever asks for a key when the last answer is older than a second waits for a new one, and
when there is none is told so, never let in by what was true once.

Called by `keyed_guard`, by the handlers of keys, and by whoever wires the process together.
"""

import asyncio
from collections.abc import Callable
from typing import Final, TypeVar

import structlog

from bus.clock import monotonic_ns, utc_ns
from bus.errors import MatchbusError
from web.errors import UNREACHABLE, Refusal
from web.guard.keys import KEY_ID, Key, Wish
from web.guard.store import KeyStore

#: A look costs one search of an index.
_LOOK_INTERVAL_S: Final = 0.25
_AGE_NS_MAX: Final = 1_000_000_000
_LOG: Final = structlog.get_logger("matchbus.web")
_T = TypeVar("_T")


class KeyBook:
    """See above. `open` before the first question, `close` at the end."""

    def __init__(self, store: KeyStore) -> None:
        self._store = store
        self._keys: dict[str, Key] = {}
        self._change = 0
        self._looked_ns = -_AGE_NS_MAX
        self._look: asyncio.Task[None] | None = None
        self._watch: asyncio.Task[None] | None = None
        self._failing = False

    async def open(self) -> None:
        """Read all keys. Raises StoreUnavailable, StoreDamaged, StoreMismatch."""
        await self._renew()
        self._watch = asyncio.create_task(self._keep_watching())

    async def close(self) -> None:
        """Watch no longer."""
        for task in (self._watch, self._look):
            if task is not None:
                task.cancel()
        await asyncio.gather(*(task for task in (self._watch, self._look) if task), return_exceptions=True)

    async def key(self, key_id: str) -> Key | None:
        """The key of an id, revoked or expired or not. Raises Refusal when that cannot be known now.

        One that is not known may have been made elsewhere a moment ago, so the store is asked.
        """
        if KEY_ID.fullmatch(key_id) is None:
            return None
        if not self.is_fresh or key_id not in self._keys:
            try:
                await self._renew()
            except MatchbusError:
                raise Refusal(
                    UNREACHABLE,
                    "whether a key is good cannot be found out at the moment; nothing was changed",
                ) from None
        return self._keys.get(key_id)

    @property
    def is_fresh(self) -> bool:
        """Whether what is known here is no older than a second."""
        return monotonic_ns() - self._looked_ns <= _AGE_NS_MAX

    def holds(self, key_id: str) -> bool:
        """Whether a key that was good still is, as far as is known here: for connections that stay open."""
        key = self._keys.get(key_id)
        return key is not None and key.good_at(utc_ns() // 1_000_000)

    async def create(self, wish: Wish) -> tuple[Key, str | None]:
        """As `KeyStore.create`; good here when this returns."""
        return await self._changing(lambda: self._store.create(wish))

    async def revoke(self, key_id: str, account: str | None) -> Key | None:
        """As `KeyStore.revoke`; refused here when this returns."""
        return await self._changing(lambda: self._store.revoke(key_id, account))

    async def of_account(self, account: str | None) -> list[Key]:
        """As `KeyStore.of_account`."""
        return await asyncio.to_thread(self._store.of_account, account)

    async def _changing(self, change: Callable[[], _T]) -> _T:
        answer = await asyncio.to_thread(change)
        self._take(*await asyncio.to_thread(self._store.changes, self._change))
        return answer

    async def _renew(self) -> None:
        """Take what has changed until now; all who want that at the same time share the looks."""
        asked_ns = monotonic_ns()
        while self._looked_ns < asked_ns:
            if self._look is None or self._look.done():
                self._look = asyncio.create_task(self._look_once())
            await asyncio.shield(self._look)

    async def _look_once(self) -> None:
        begun_ns = monotonic_ns()
        self._take(*await asyncio.to_thread(self._store.changes, self._change))
        self._looked_ns = begun_ns

    def _take(self, change: int, keys: list[Key]) -> None:
        """All changes up to a number; two looks may end in either order, the one that saw more counts."""
        if change > self._change:
            self._keys.update((key.key_id, key) for key in keys)
            self._change = change

    async def _keep_watching(self) -> None:
        while True:
            await asyncio.sleep(_LOOK_INTERVAL_S)
            try:
                await self._renew()
            except MatchbusError as error:
                if not self._failing:
                    _LOG.error("keys cannot be read", problem=str(error))
                self._failing = True
            else:
                if self._failing:
                    _LOG.info("keys are read again")
                self._failing = False
