"""Several instances of the web behind one port, looked after by the process that started them.

    this process ── holds the port, answers nothing
      ├─ instance 1 ── listens there ─┐
      ├─ instance 2 ── listens there ─┼─▶ a connection is given to one of them
      └─ ...                          ┘

One that dies is started again, with pauses that grow as long as it dies soon; meanwhile the others are given all
connections. What cannot start at all the first time (a setting, a database) ends everything, with that line. Whoever
has to end ends all of them at once; they end with this one also when it is killed (`tools.up.bound`).

Called by `tools.web`.
"""

import asyncio
import os
import signal
import sys
from collections.abc import Sequence
from typing import Final

from bus.addresses import HostPort
from bus.clock import monotonic_ns
from bus.errors import ChildEnded
from tools.up.child import Child
from web.edge.listening import bound, listening

#: Before one is started again; twice as long each time that it dies soon, until somebody has mended what is wrong.
_PAUSE_S_MIN: Final = 0.1
_PAUSE_S_MAX: Final = 10.0
#: One that has run for so long did not die of its start.
_STEADY_S: Final = 30.0


def run_instances(where: HostPort, words: Sequence[str], count: int, *, renewable: bool) -> None:
    """Run them until SIGTERM or SIGINT. Raises AddressInUse, ChildEnded.

    `words`: those of the command line of an instance, but which it is. `renewable`: SIGHUP is for each of them.
    """
    # Whoever shares a port shares it with all who want that, so first it is asked for alone.
    listening(where, shared=False).close()
    # This one does not listen, so that it is given no connections; but nobody else can have the port for themselves.
    with bound(where, shared=True):
        asyncio.run(_run([[*words, "--instance", str(one)] for one in range(1, count + 1)], renewable))


async def _run(commands: Sequence[Sequence[str]], renewable: bool) -> None:
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGINT, signal.SIGTERM):
        loop.add_signal_handler(number, stop.set)
    kept = [Kept(f"web instance {number}", words) for number, words in enumerate(commands, 1)]
    if renewable:
        loop.add_signal_handler(signal.SIGHUP, _renew, kept)
    work = asyncio.create_task(_serve(kept))
    stopped = asyncio.create_task(stop.wait())
    try:
        await asyncio.wait((work, stopped), return_when=asyncio.FIRST_COMPLETED)
        if not stopped.done():
            work.result()
    finally:
        work.cancel()
        await asyncio.gather(work, return_exceptions=True)
        await asyncio.gather(*(one.stop() for one in kept))


def _renew(kept: "Sequence[Kept]") -> None:
    for one in kept:
        one.signal(signal.SIGHUP)


async def _serve(kept: "Sequence[Kept]") -> None:
    """All of them for the first time, then each again and again. Raises ChildEnded for one that cannot start."""
    facts = await asyncio.gather(*(one.start() for one in kept))
    pids = ",".join(str(one.pid) for one in kept)
    metrics = ",".join(said["metrics"] for said in facts)
    print(f"ready web={facts[0]['web']} metrics={metrics} instance_pids={pids} pid={os.getpid()}", flush=True)
    await asyncio.gather(*(one.keep() for one in kept))


class Kept:
    """One instance, as often as it has to be started."""

    def __init__(self, name: str, words: Sequence[str]) -> None:
        self._name = name
        self._words = words
        self._child: Child | None = None

    @property
    def pid(self) -> int:
        """Of its process at the moment."""
        assert self._child is not None, "it was started"
        return self._child.pid

    async def start(self) -> dict[str, str]:
        """Start it; what it says of itself when it is ready. Raises ChildEnded."""
        self._child = Child(self._name, self._words)
        await self._child.start()
        return await self._child.ready()

    async def keep(self) -> None:
        """Whenever it ends, start it again."""
        assert self._child is not None, "it was started"
        pause_s = _PAUSE_S_MIN
        while True:
            ready_ns = monotonic_ns()
            end = await self._child.ended()
            if monotonic_ns() - ready_ns > _STEADY_S * 1e9:
                pause_s = _PAUSE_S_MIN
            while True:
                _say(f"{end}: it is started again in {pause_s:g} s")
                await asyncio.sleep(pause_s)
                pause_s = min(2 * pause_s, _PAUSE_S_MAX)
                try:
                    await self.start()
                    break
                except ChildEnded as error:
                    end = error
            _say(f"the {self._name} is back pid={self.pid}")

    def signal(self, number: int) -> None:
        """Send it a signal, if it runs."""
        if self._child is not None:
            self._child.signal(number)

    async def stop(self) -> None:
        """End it; safe when it has ended."""
        if self._child is not None:
            await self._child.stop()


def _say(line: str) -> None:
    print(line, file=sys.stderr, flush=True)
