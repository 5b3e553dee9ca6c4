"""`matchbus shadow`: the engine once more, beside the first one; here log, matcher and shadow are wired.

hold the shadow's lock ─▶ newest good checkpoint ─▶ follow to the end of the log ─▶ "ready"
SIGTERM or Ctrl-C      ─▶ follow no more ─▶ end what walks, write what is being written ─▶ let the lock go

`shadow` is the verb, `serve` what it runs.
"""

import asyncio
import os
import signal
import sys
from contextlib import ExitStack
from pathlib import Path
from typing import Final

import uvloop
import zmq

from bus.addresses import addresses
from bus.config import Config
from bus.core import Core
from bus.errors import ConfigError, EngineStopped, MatchbusError
from bus.journal.checkpoint import CheckpointStore
from bus.journal.directory import SHADOW_LOCK, DataDirectory, read_token
from bus.journal.disk import Disk
from bus.metrics.server import MetricsServer
from bus.process import this_process
from bus.replication.following import Following
from bus.replication.shadow import Shadow
from bus.replication.walker import Walker
from matcher.codec.state_codec import decode_state
from matcher.engine import Engine
from tools import options
from tools.core_kind import core_kind
from tools.tuning import relax_garbage_collector, tune_garbage_collector

#: Traders wait for the engine and nobody for the shadow, where they share a core.
_NICE: Final = 5


def shadow(
    config: options.ConfigFile = None,
    data: options.EngineData = None,
    port_base: options.EnginePortBase = None,
    host: options.EngineHost = None,
) -> None:
    """Follow a running engine's journal: compare, write checkpoints, serve old history and large snapshots.

    Runs beside the engine on the same data directory and port base, and may be stopped and started at any time. Prints
    one line that starts with ready once it has come to the end of the journal. Ends with status 1 when the engine
    says something else than what follows from the journal.

    \b
    Examples:
      matchbus shadow
      matchbus shadow --data big-day --port-base 4000
    """
    serve(
        options.engine_config(
            config, os.environ, data=data, port_base=port_base, host=host, sync=None, clock=None
        )
    )


def serve(config: Config) -> None:
    """Run one shadow until SIGTERM or SIGINT. Raises MatchbusError with one line when it cannot run any longer."""
    if not config.engine.port_base:
        raise ConfigError("engine.port_base = 0: the shadow could not find the engine; name a port base")
    data = config.engine.data_dir
    try:
        token = read_token(data)
    except FileNotFoundError:
        raise ConfigError(f"{data}: no engine has run there, so there is nothing to follow") from None
    os.nice(_NICE)
    relax_garbage_collector()
    with ExitStack() as stack:
        directory = DataDirectory.hold(data, SHADOW_LOCK)
        stack.callback(directory.close)
        with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
            runner.run(_run(config, token))


def make_core(payload: bytes) -> Core:
    """A core in the state of a checkpoint, or in the empty one."""
    return Engine(decode_state(payload)) if payload else Engine()


def walker_of(config: Config) -> Walker:
    """The process that walks through old history; `tools.walker` is what it runs."""
    ring = str(config.limits.feed_ring_events_max)
    command = (sys.executable, "-P", "-m", "tools.walker", str(os.getpid()), config.engine.data_dir, ring)
    # Where these rooms are imported from, for a checkout that is not installed.
    root = str(Path(__file__).parent.parent)
    path = os.pathsep.join(part for part in (root, os.environ.get("PYTHONPATH")) if part)
    return Walker(command, {**os.environ, "PYTHONPATH": path})


async def _run(config: Config, token: str) -> None:
    loop = asyncio.get_running_loop()
    stopped: asyncio.Future[MatchbusError | None] = loop.create_future()
    disk = Disk()
    data = config.engine.data_dir
    store = CheckpointStore(data, disk, kept=config.engine.checkpoints_kept, writer="shadow")

    def stop(error: MatchbusError | None = None) -> None:
        if not stopped.done():
            stopped.set_result(error)

    for number in (signal.SIGINT, signal.SIGTERM):
        loop.add_signal_handler(number, stop)
    where = addresses(config.engine.port_base, config.engine.host)
    with ExitStack() as stack:
        context = stack.enter_context(zmq.Context())
        following = Following(disk, data, store, make_core, config.limits.feed_ring_events_max)

        def ready() -> None:
            tune_garbage_collector()
            print(
                f"ready deep_recovery={service.endpoint} sequence={following.core.sequence}"
                f" followed={following.followed} metrics={metrics.url} core={core_kind()} pid={os.getpid()}",
                flush=True,
            )

        service = Shadow(
            loop,
            context,
            config,
            where,
            following,
            store,
            walker_of(config),
            token,
            this_process("shadow", ("core", core_kind())),
            ready,
            stop,
            lambda line: print(line, file=sys.stderr, flush=True),
        )
        # Served from the beginning: how far it is behind is of interest before it is ready, too.
        metrics = stack.enter_context(MetricsServer(where.metrics_shadow, config.metrics))
        metrics.start(service.readings)
        loop.set_exception_handler(lambda _, context: service.fail(_unforeseen(context, following)))
        service.start()
        error = await stopped
        await service.stop()
        if error is not None:
            raise error


def _unforeseen(context: dict[str, object], following: Following) -> EngineStopped:
    """An exception that nobody foresaw is a bug: nothing may be said of what it left half done."""
    error = context.get("exception")
    stopped = EngineStopped(
        f"the shadow stopped behind sequence {following.core.sequence}: {type(error).__name__ if error else 'error'}:"
        f" {error or context.get('message', 'no message')}"
    )
    stopped.__cause__ = error if isinstance(error, BaseException) else None
    return stopped
