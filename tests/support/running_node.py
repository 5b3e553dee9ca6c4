"""A whole node in a thread of this process: real sockets on free ports of loopback, the real matcher, a real loop.

    node = RunningNode(disk=disk)        a simulated disk; or directory=str(tmp_path) for real files
    node.addresses                       to connect to
    node.call(f)                         f() on the node's loop, between two of its callbacks; its result
    node.wait_until(f)                   until f(), asked on the loop, holds
    node.stop() / node.vanish()          a clean stop / the end of the process or of the power, as far as the node knows
    node.error                           why it stopped by itself; `wait_for_error` waits for that

A second RunningNode over the same disk or directory is a restart.
"""

import asyncio
import contextlib
import secrets
import threading
import time
from collections.abc import Callable
from concurrent.futures import Future
from typing import Any, TypeVar

import uvloop
import zmq

from bus.addresses import Addresses, addresses
from bus.calendar.planning import plan_ahead
from bus.config import Config
from bus.config_loading import load_config
from bus.errors import EngineStopped, MatchbusError
from bus.journal.disk import Disk
from bus.journal.journal import Journal
from bus.node import SETTLE_MS, Node
from bus.process import this_process
from bus.protocol.commands import SetSchedule
from bus.protocol.records import EmergencyRaised
from matcher.engine import Engine
from tools.core_kind import core_kind
from tools.engine import Recovery, _engine_started, _unforeseen, recover_engine, write_checkpoint

T = TypeVar("T")

#: A test that waits longer is stuck.
WAIT_S_MAX = 10.0
TOKEN = "5e" * 32


def small_config(**settings: Any) -> Config:
    """Settings for tests: a small journal, quick heartbeats. `limits__sessions_max=3` sets `limits.sessions_max`."""
    given: dict[str, Any] = {
        "engine.port_base": 0,
        "engine.segment_bytes": 1 << 20,
        "feed.heartbeat_interval_ms": 50,
    }
    given.update({key.replace("__", "."): value for key, value in settings.items()})
    return load_config(None, {}, given)


class RunningNode:
    """See above. What the node's own thread owns is touched through `call` alone.

    `settles`: ticks follow what changes, as they do in an engine. Without them a test knows which sequence comes next.
    """

    def __init__(
        self,
        *,
        disk: Disk | None = None,
        directory: str = "log",
        config: Config | None = None,
        utc_ns: Callable[[], int] = time.time_ns,
        settles: bool = False,
        draw: Callable[[int], int] = secrets.randbelow,
        plan: Callable[[SetSchedule, int, int], list[tuple[int, int, int]]] = plan_ahead,
    ) -> None:
        self.config = config or small_config()
        self.disk = disk or Disk()
        self.error: MatchbusError | None = None
        self._failed = threading.Event()
        self.directory = directory
        self._utc_ns = utc_ns
        self._settles = settles
        self._draw = draw
        self._plan = plan
        self._loop = uvloop.new_event_loop()
        self._context: zmq.Context[zmq.Socket[bytes]] = zmq.Context()
        self._thread = threading.Thread(target=self._loop.run_forever, name="node", daemon=True)
        self._thread.start()
        self._ended = False
        self.journal: Journal
        self.recovery: Recovery
        self.node: Node
        try:
            self.call(self._start)
        except BaseException:
            self._end()
            raise

    def _start(self) -> None:
        config = self.config
        self.journal = Journal.open(
            self.directory,
            policy=config.engine.sync,
            segment_bytes=config.engine.segment_bytes,
            disk=self.disk,
        )
        self.recovery = recover_engine(config, self.journal, self.disk)
        started = _engine_started(config, self.recovery.core)
        self.node = Node(
            self._loop,
            self._context,
            config,
            addresses(config.engine.port_base, config.engine.host),
            self.recovery.core,
            self.journal,
            self.recovery.publication,
            self.recovery.sessions,
            TOKEN,
            this_process("engine", ("core", core_kind())),
            self._stopped_by_itself,
            self._utc_ns,
            SETTLE_MS if self._settles else 0,
            self._draw,
            self._plan,
        )
        self._loop.set_exception_handler(lambda _, context: self.node.fail(_unforeseen(context, self.core)))
        self.node.start(started)

    def _stopped_by_itself(self, error: MatchbusError) -> None:
        self.error = error
        self._failed.set()

    @property
    def addresses(self) -> Addresses:
        """Where it listens."""
        return self.node.addresses

    @property
    def core(self) -> Engine:
        """The matcher. Of the node's thread."""
        return self.recovery.core

    def call(self, function: Callable[[], T]) -> T:
        """The result of a function that runs on the node's loop."""
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
            assert time.monotonic() < deadline, "what was waited for did not happen"

    def wait_for_error(self) -> MatchbusError:
        """Why the node stopped by itself, when it has."""
        assert self._failed.wait(WAIT_S_MAX), "the node did not stop"
        assert self.error is not None
        return self.error

    def sequence(self) -> int:
        """The last sequence that was applied."""
        return self.call(lambda: self.core.sequence)

    def state(self) -> bytes:
        """The whole state."""
        return self.call(self.core.encode_state)

    def keep_house(self, *, idle: bool = False) -> None:
        """The node looks at its house now instead of at its next time, and says its heartbeats.

        `idle`: it has published nothing for long, so it ticks.
        """

        def look() -> None:
            node = self.node
            assert node._housekeeping is not None
            node._housekeeping.cancel()
            node._next_heartbeat_ns = 0
            if idle:
                node._last_frame_ns = 0
            node._keep_house()

        self.call(look)

    def raise_emergency(self, cause: int) -> None:
        """The node finds a reason to stop the whole market."""

        def find() -> None:
            self.node._sequencer.add_record(EmergencyRaised(cause))
            self.node._run()

        self.call(find)

    def stop(self) -> None:
        """A clean stop, as of `matchbus engine`: all is sent, a checkpoint is written."""
        if self._ended:
            return
        if self.error is None:
            self.call(self.node.stop)
            write_checkpoint(self.recovery, self.journal)
        self._end()

    def vanish(self, power_loss: Callable[[], None] = lambda: None) -> None:
        """The node is gone, between two callbacks: nothing more is written or sent by it. Then the power is lost."""
        if not self._ended:
            self.call(lambda: self.node.fail(EngineStopped("it vanished")))
            power_loss()
            self._end()

    def _end(self) -> None:
        self._ended = True
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join(WAIT_S_MAX)
        self._context.destroy(linger=0)
        with contextlib.suppress(MatchbusError, OSError, AttributeError):
            self.journal.close()
        self._loop.run_until_complete(asyncio.sleep(0))
        self._loop.close()
