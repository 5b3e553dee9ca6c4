"""A whole shadow in a thread of this process, beside a RunningNode: the real loop, sockets and following.

    shadow = RunningShadow(node)         on the node's disk and addresses; `feed=` somewhere else
    shadow.wait_until(f)                 until f(), asked on the shadow's loop, holds
    shadow.stop()                        in good order

Walks run in a real process, so they need a node on real files (`directory=str(tmp_path)`).
"""

import asyncio
import threading
import time
from collections.abc import Callable, Coroutine
from concurrent.futures import Future
from typing import Any, TypeVar

import uvloop
import zmq
from msgspec.structs import replace

from bus.config import Config
from bus.errors import MatchbusError
from bus.journal.checkpoint import CheckpointStore
from bus.process import this_process
from bus.replication.following import Following
from bus.replication.shadow import Shadow
from tests.support.running_node import TOKEN, WAIT_S_MAX, RunningNode
from tools.shadow import _unforeseen, make_core, walker_of

T = TypeVar("T")


class RunningShadow:
    """See above. `said`: its lines for the operator. `error`: why it stopped by itself."""

    def __init__(self, node: RunningNode, *, feed: str = "", config: Config | None = None) -> None:
        settings = config or node.config
        self._config = replace(settings, engine=replace(settings.engine, data_dir=node.directory))
        self._disk = node.disk
        self._addresses = replace(
            node.addresses, feed=feed or node.addresses.feed, deep_recovery="tcp://127.0.0.1:*"
        )
        self.said: list[str] = []
        self.error: MatchbusError | None = None
        self.ready = threading.Event()
        self._failed = threading.Event()
        self._loop = uvloop.new_event_loop()
        self._context: zmq.Context[zmq.Socket[bytes]] = zmq.Context()
        self._thread = threading.Thread(target=self._loop.run_forever, name="shadow", daemon=True)
        self._thread.start()
        self._ended = False
        self.following: Following
        self.shadow: Shadow
        self.call(self._start)

    def _start(self) -> None:
        config = self._config
        directory = config.engine.data_dir
        store = CheckpointStore(directory, self._disk, kept=config.engine.checkpoints_kept, writer="shadow")
        self.following = Following(
            self._disk, directory, store, make_core, config.limits.feed_ring_events_max
        )
        self.shadow = Shadow(
            self._loop,
            self._context,
            config,
            self._addresses,
            self.following,
            store,
            walker_of(config),
            TOKEN,
            this_process("shadow"),
            self.ready.set,
            self._stopped_by_itself,
            self.said.append,
        )
        self._loop.set_exception_handler(
            lambda _, context: self.shadow.fail(_unforeseen(context, self.following))
        )
        self.shadow.start()

    def _stopped_by_itself(self, error: MatchbusError) -> None:
        self.error = error
        self._failed.set()

    @property
    def endpoint(self) -> str:
        """Where it answers."""
        return self.shadow.endpoint

    def call(self, function: Callable[[], T]) -> T:
        """The result of a function that runs on the shadow's loop."""
        future: Future[T] = Future()

        def run() -> None:
            try:
                future.set_result(function())
            except BaseException as error:  # what a test or the start raises belongs to the caller
                future.set_exception(error)

        self._loop.call_soon_threadsafe(run)
        return future.result(WAIT_S_MAX)

    def wait_until(self, holds: Callable[[], bool]) -> None:
        """Return when the condition, asked on the loop between two callbacks, holds."""
        deadline = time.monotonic() + WAIT_S_MAX
        while not self.call(holds):
            assert self.error is None, f"the shadow stopped: {self.error}"
            assert time.monotonic() < deadline, "what was waited for did not happen"

    def wait_for_sequence(self, sequence: int) -> None:
        """Return when it has followed up to there."""
        self.wait_until(lambda: self.following.core.sequence >= sequence)

    def wait_for_equal(self, sequence: int) -> None:
        """Return when outputs up to there were found equal."""
        self.wait_until(lambda: self.following.comparison.equal[1] >= sequence)

    def wait_for_checkpoints(self, count: int) -> None:
        """Return when it has written so many."""
        self.wait_until(lambda: self.shadow.counters.checkpoints_written >= count)

    def wait_for_error(self) -> MatchbusError:
        """Why it stopped by itself, when it has."""
        assert self._failed.wait(WAIT_S_MAX), "the shadow did not stop"
        assert self.error is not None
        return self.error

    def stop(self) -> None:
        """In good order, also when it stopped by itself; again: nothing."""
        if self._ended:
            return
        self._ended = True
        self._wait_for(self.shadow.stop())
        self._wait_for(self._loop.shutdown_default_executor())
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join(WAIT_S_MAX)
        self._context.destroy(linger=0)
        self._loop.close()

    def _wait_for(self, work: Coroutine[Any, Any, None]) -> None:
        asyncio.run_coroutine_threadsafe(work, self._loop).result(WAIT_S_MAX)
