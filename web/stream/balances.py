"""What one account has, told as it changes: totals, what is held, what is free.

    any report of the account ─▶ touched ─▶ asked of the engine, at most so often ─▶ what differs is told

The rule guarded here: what is told is what the engine says. What an order holds follows from rules (groups, fees,
limits) that no reader need work out a second time, so the engine is asked when anything was reported, and now and then
when nothing was, since a new schedule of fees changes holds without a word. Only while somebody reads: one question at
a time, whatever happens. Made by `account`.
"""

import asyncio
from collections.abc import Awaitable, Callable
from typing import Final

import msgspec

from bus.errors import MatchbusError
from web import money_answers
from web.assets import Assets
from web.errors import Refusal
from web.schemas.money import Balance
from web.schemas.own import BalancesTold
from web.session import Session
from web.stream.readers import Connection

#: Between two questions: what a person sees as at once, and no burden for the engine, whatever an account does.
PAUSE_S: Final = 0.1
#: What no report tells is found out by then.
REFRESH_S: Final = 5.0
_AGAIN_S: Final = 0.25


class StandingBalances:
    """Of one account, for all connections that read them here. `session`: gives the account's."""

    def __init__(self, session: Callable[[], Awaitable[Session]], assets: Assets) -> None:
        self._session = session
        self._assets = assets
        self._connections: set[Connection] = set()
        #: Connections that hold nothing yet.
        self._new: set[Connection] = set()
        self._rows: dict[str, Balance] = {}
        self._touched = asyncio.Event()
        self._telling: asyncio.Task[None] | None = None

    @property
    def is_read(self) -> bool:
        """Whether anybody reads them."""
        return bool(self._connections)

    def join(self, connection: Connection) -> None:
        """Be told all balances, and from then on what changes; again: all of them anew."""
        self._connections.add(connection)
        self._new.add(connection)
        self._touched.set()
        if self._telling is None or self._telling.done():
            self._telling = asyncio.ensure_future(self._tell())

    def leave(self, connection: Connection) -> None:
        """Be told no longer. Safe to call for who does not read."""
        self._connections.discard(connection)
        self._new.discard(connection)
        if not self._connections:
            self.close()

    def touched(self) -> None:
        """Something was reported that may have changed them."""
        self._touched.set()

    def close(self) -> None:
        """Tell nobody anything. Safe to call twice."""
        if self._telling is not None:
            self._telling.cancel()
            self._telling = None

    async def _tell(self) -> None:
        while True:
            try:
                async with asyncio.timeout(REFRESH_S):
                    await self._touched.wait()
            except TimeoutError:
                pass
            self._touched.clear()
            try:
                found = await self._assets.balances(await self._session())
            except (MatchbusError, Refusal):
                self._touched.set()
                await asyncio.sleep(_AGAIN_S)
                continue
            self._say(found.next_report, {row.asset: money_answers.balance(row) for row in found.balances})
            await asyncio.sleep(PAUSE_S)

    def _say(self, next_report: int, rows: dict[str, Balance]) -> None:
        changed = [row for asset, row in sorted(rows.items()) if self._rows.get(asset) != row]
        gone = self._rows.keys() - rows.keys()  # the engine lost its last events
        self._rows = rows
        whole = msgspec.json.encode(
            BalancesTold(
                snapshot=True, next_report=next_report, balances=[rows[asset] for asset in sorted(rows)]
            )
        )
        new, self._new = self._new, set()
        for connection in new:
            connection.tell(whole)
        if gone or changed:
            update = BalancesTold(snapshot=False, next_report=next_report, balances=changed)
            message = whole if gone else msgspec.json.encode(update)
            for connection in self._connections - new:
                connection.tell(message)
