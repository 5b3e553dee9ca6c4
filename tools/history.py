"""`matchbus history`: the private history, from its database to its socket; here its parts are wired.

hold DATA/history ─▶ open the database ─▶ is it of the engine's log? ─▶ "ready" ─▶ follow and answer
SIGTERM or Ctrl-C ─▶ answer no more ─▶ finish the transaction ─▶ let the directory go
"""

import asyncio
import os
import signal
import sys
from contextlib import ExitStack
from pathlib import Path
from typing import Annotated, Any, Final

import typer
import uvloop
import zmq

from bus.addresses import addresses
from bus.config import Config
from bus.errors import ConfigError, EngineStopped, MatchbusError
from bus.journal.directory import DataDirectory
from bus.metrics.server import MetricsServer
from bus.process import this_process
from publisher.oversight.history.service import HistoryService
from tools import options
from tools.tuning import tune_threads

#: An exchange that is just starting answers within this time; who waits longer for it is told so.
_READY_S: Final = 10.0

DatabaseUrl = Annotated[
    str | None,
    typer.Option(
        "--database",
        metavar="URL",
        help="Where it is kept: sqlite:///FILE or postgresql://USER@HOST/DATABASE. Default: in the data directory.",
    ),
]


def history(
    config: options.ConfigFile = None,
    data: options.EngineData = None,
    port_base: options.EnginePortBase = None,
    host: options.EngineHost = None,
    database: DatabaseUrl = None,
) -> None:
    """Keep what every account did, for good, and answer the services of the house about it.

    Follows the drop copy of the engine, from its first report on, and goes on where its database ends, however it
    ended itself. Prints one line that starts with ready once its database is found to be of the engine's log.

    \b
    Examples:
      matchbus history
      matchbus history --data big-day --port-base 4000
      matchbus history --database postgresql://matchbus@127.0.0.1/history
    """
    settings = options.engine_config(
        config,
        os.environ,
        data=data,
        port_base=port_base,
        host=host,
        sync=None,
        clock=None,
        further={"history.url": database},
    )
    if settings.engine.port_base == 0:
        raise ConfigError("--port-base 0: the history could not find the engine; name a port base")
    serve(settings)


def serve(config: Config) -> None:
    """Run the history until SIGTERM or SIGINT. Raises MatchbusError with one line when it cannot run any longer."""
    token = options.operator_token(config.engine.data_dir, None)
    with ExitStack() as stack:
        # One process at a time, whatever the database is.
        directory = DataDirectory.hold(str(Path(config.engine.data_dir, "history")))
        stack.callback(directory.close)
        with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
            runner.run(_run(config, token))


async def _run(config: Config, token: str) -> None:
    loop = asyncio.get_running_loop()
    stopped: asyncio.Future[MatchbusError | None] = loop.create_future()

    def stop(error: MatchbusError | None = None) -> None:
        if not stopped.done():
            stopped.set_result(error)

    for number in (signal.SIGINT, signal.SIGTERM):
        loop.add_signal_handler(number, stop)
    loop.set_exception_handler(lambda _, context: stop(_unforeseen(context)))
    engine = addresses(config.engine.port_base, config.engine.host)
    with ExitStack() as stack:
        context = stack.enter_context(zmq.Context())
        service = HistoryService(loop, context, config, engine, token, this_process("history"), stop)
        try:
            metrics = stack.enter_context(MetricsServer(engine.metrics_history, config.metrics))
            service.start()
            metrics.start(service.readings)
            tune_threads()
            ready = asyncio.ensure_future(service.ready.wait())
            await asyncio.wait((ready, stopped), timeout=_READY_S, return_when=asyncio.FIRST_COMPLETED)
            ready.cancel()
            if not stopped.done():
                if not service.ready.is_set():
                    print(f"note: {service.status(0).problem}", file=sys.stderr)
                at = service.position
                print(
                    f"ready history={service.endpoint} exposures={service.exposures_endpoint}"
                    f" drop_number={at.drop_number} sequence={at.log_sequence}"
                    f" metrics={metrics.url} pid={os.getpid()}",
                    flush=True,
                )
            error = await stopped
        finally:
            await service.stop()
        if error is not None:
            raise error


def _unforeseen(context: dict[str, Any]) -> MatchbusError:
    """An exception that nobody foresaw is a bug: the history ends, and begins anew where its database stands."""
    error = context.get("exception")
    stopped = EngineStopped(
        f"the history stopped: {type(error).__name__ if error else 'error'}: "
        f"{error or context.get('message', 'no message')}"
    )
    stopped.__cause__ = error
    return stopped
