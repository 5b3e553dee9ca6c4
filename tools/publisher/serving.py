"""One publisher as a process: the store is opened, then the loop runs until SIGTERM or Ctrl-C.

open the store ─▶ bind ─▶ "ready" ─▶ follow the feed       SIGTERM ─▶ publish no more ─▶ store what there is
"""

import asyncio
import os
import signal
import sys
from collections.abc import Sequence
from contextlib import ExitStack

import uvloop
import zmq
from msgspec import Struct

from bus.addresses import Addresses, HostPort
from bus.config import Config
from bus.errors import EngineStopped, MatchbusError
from bus.metrics.server import MetricsServer
from publisher.service import PublisherService
from publisher.share import Share
from publisher.store.store import Store
from tools.tuning import tune_garbage_collector, tune_threads


class Listen(Struct, frozen=True):
    """Where a publisher listens."""

    streams: str  # XPUB
    requests: str  # ROUTER
    metrics: HostPort  # HTTP


def serve(
    config: Config, engine: Addresses, listen: Listen, share: Share, name: str, peers: Sequence[str]
) -> None:
    """Run one publisher. Raises MatchbusError with one line when it cannot run any longer."""
    with ExitStack() as stack:
        store = Store(config.store.url, config.engine.data_dir)
        stack.callback(store.close)
        with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
            runner.run(_run(config, engine, listen, share, name, peers, store))


async def _run(
    config: Config,
    engine: Addresses,
    listen: Listen,
    share: Share,
    name: str,
    peers: Sequence[str],
    store: Store,
) -> None:
    loop = asyncio.get_running_loop()
    stopped: asyncio.Future[MatchbusError | None] = loop.create_future()

    def stop(error: MatchbusError | None = None) -> None:
        if not stopped.done():
            stopped.set_result(error)

    for number in (signal.SIGINT, signal.SIGTERM):
        loop.add_signal_handler(number, stop)
    with ExitStack() as stack:
        context = stack.enter_context(zmq.Context())
        service = PublisherService(
            loop,
            context,
            config,
            engine,
            (listen.streams, listen.requests),
            share,
            name,
            store,
            peers,
            stop,
            _alarm,
        )
        loop.set_exception_handler(lambda _, context: service.fail(_unforeseen(context)))
        try:
            metrics = stack.enter_context(MetricsServer(listen.metrics, config.metrics))
            service.start()
            metrics.start(service.readings)
            tune_garbage_collector()
            tune_threads()
            print(
                f"ready market_data={service.streamer.endpoint} market_requests={service.router.endpoint}"
                f" metrics={metrics.url} store={store.name} pid={os.getpid()}",
                flush=True,
            )
            error = await stopped
        finally:
            service.stop()
    if error is not None:
        raise error


def _alarm(line: str) -> None:
    print(f"alarm: {line}", file=sys.stderr, flush=True)


def _unforeseen(context: dict[str, object]) -> MatchbusError:
    """An exception that nobody foresaw is a bug: what it left half done may be wrong, so nothing more is said."""
    error = context.get("exception")
    stopped = EngineStopped(
        f"the publisher stopped: {type(error).__name__ if error else 'error'}: {error or context.get('message')}"
    )
    if isinstance(error, BaseException):
        stopped.__cause__ = error
        sys.excepthook(type(error), error, error.__traceback__)
    return stopped
