"""A whole history in a thread of this process, behind a real engine: the real loop, sockets, threads and database.

with RunningHistory(engine, url) as history:
    history.client().ask(...)
"""

import asyncio
import threading
import time
from collections.abc import Callable, Coroutine
from itertools import count
from types import TracebackType
from typing import Any, TypeVar

import uvloop
import zmq

from bus.addresses import addresses
from bus.config_loading import load_config
from bus.errors import MatchbusError
from bus.process import this_process
from bus.protocol.status import ProcessStatus
from bus.sockets.client import Client
from bus.sockets.history_client import HistoryClient
from publisher.oversight.history.service import HistoryService
from tests.support.real_engine import RealEngine
from tests.support.running_node import WAIT_S_MAX

T = TypeVar("T")


class RunningHistory:
    """See above. `error`: why it stopped by itself."""

    def __init__(self, engine: RealEngine, url: str, *, heartbeat_ms: int = 200) -> None:
        self._engine = engine
        self._config = load_config(
            None,
            {},
            {
                "engine.data_dir": str(engine.data_dir),
                "engine.port_base": engine.port_base,
                "feed.heartbeat_interval_ms": heartbeat_ms,
                "history.url": url,
            },
        )
        self.error: MatchbusError | None = None
        self.bugs: list[dict[str, Any]] = []
        self._failed = threading.Event()
        self._loop = uvloop.new_event_loop()
        self._context: zmq.Context[zmq.Socket[bytes]] = zmq.Context()
        self._thread = threading.Thread(target=self._loop.run_forever, name="history", daemon=True)
        self.service: HistoryService

    def __enter__(self) -> "RunningHistory":
        self._thread.start()
        self._loop.set_exception_handler(lambda _, context: self.bugs.append(context))
        self._await(self._start())
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._await(self.service.stop())
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join(WAIT_S_MAX)
        self._context.destroy(linger=0)
        self._loop.close()
        assert not self.bugs, self.bugs

    def client(self, timeout: float = WAIT_S_MAX) -> HistoryClient:
        """One who asks; to be closed."""
        return HistoryClient(port_base=self._engine.port_base, token=self._engine.token, timeout=timeout)

    def status(self) -> ProcessStatus:
        """How it says it is."""
        return self.call(lambda: self.service.status(1))

    def call(self, function: Callable[[], T]) -> T:
        """The result of a function that runs on its loop."""

        async def run() -> T:
            return function()

        return self._await(run())

    def wait_until(self, holds: Callable[[ProcessStatus], bool]) -> ProcessStatus:
        """Its status, when something holds of it."""
        deadline = time.monotonic() + WAIT_S_MAX
        while not holds(status := self.status()):
            assert time.monotonic() < deadline, f"what was waited for did not happen: {status}"
            assert self.error is None, self.error
        return status

    def wait_for_error(self) -> MatchbusError:
        """Why it stopped by itself, when it has."""
        assert self._failed.wait(WAIT_S_MAX), "it did not stop"
        assert self.error is not None
        return self.error

    async def _start(self) -> None:
        self.service = HistoryService(
            self._loop,
            self._context,
            self._config,
            addresses(self._engine.port_base, "127.0.0.1"),
            self._engine.token,
            this_process("history"),
            self._stopped_by_itself,
        )
        self.service.start()

    def _stopped_by_itself(self, error: MatchbusError) -> None:
        self.error = error
        self._failed.set()

    def _await(self, work: Coroutine[Any, Any, T]) -> T:
        return asyncio.run_coroutine_threadsafe(work, self._loop).result(WAIT_S_MAX)


_NAMES = count(1)


def fresh(name: str) -> str:
    """An account that nobody has used."""
    return f"{name}-{next(_NAMES)}"


def enter(engine: RealEngine, account: str, number: int = 1, side: str = "buy", price: str = "100") -> Any:
    """Some orders of an account; the report of the last one."""
    with Client(port_base=engine.port_base, account=account) as client:
        pending = [client.enter("BTC-USD", side, "1", price) for _ in range(number)]
        return [one.result() for one in pending][-1]
