"""`matchbus web`: an instance of the web tier, from its clients to its port; here its parts are wired.

Several instances are several of this process, started by `tools.instances`.

bind ─▶ "ready" ─▶ answer       SIGTERM or Ctrl-C ─▶ take no more connections ─▶ leave
"""

import asyncio
import logging
import os
import resource
import signal
import sys
from collections.abc import Iterator
from contextlib import AsyncExitStack, closing
from typing import Annotated, Final

import msgspec
import structlog
import typer
import uvloop
import zmq

from bus.addresses import HIGHEST_OFFSET, OFFSETS, WEB_INSTANCES_MAX, HostPort, addresses
from bus.config import Config, Web
from bus.errors import ConfigError
from bus.metrics.metric import Reading
from bus.metrics.page import Page
from bus.metrics.server import MetricsServer
from bus.process import this_process
from bus.sockets.market.market_sockets import PublisherAddress
from tools import options
from tools.instances import run_instances
from tools.tap.market import publishers_of
from tools.tuning import tune_garbage_collector, tune_threads
from web.application import application
from web.edge.tls import Tls
from web.guard.audit import Audit
from web.guard.key_book import KeyBook
from web.guard.keyed_guard import KeyedGuard
from web.guard.store import KeyStore
from web.house import House
from web.metrics import read_web
from web.server import Server

#: Files of this process that are no connections: sockets of its clients, the loop's own, a database.
_FILES_BESIDE: Final = 256
_LOG: Final = structlog.get_logger("matchbus.web")

#: The metrics of all instances are above it.
_PORT_MAX: Final = 65_535 - (HIGHEST_OFFSET - OFFSETS["web"])

Port = Annotated[
    int | None,
    typer.Option(
        "--port", metavar="N", help="Where to listen. Default: the port base plus 30.", min=0, max=_PORT_MAX
    ),
]
Instances = Annotated[
    int | None,
    typer.Option(
        metavar="N",
        help="So many processes share the port. Default: web.instances, 1.",
        min=1,
        max=WEB_INSTANCES_MAX,
    ),
]
Instance = Annotated[
    int | None,
    typer.Option(
        metavar="K",
        help="Be the Kth of them and start no others: for whoever looks after them.",
        min=1,
        max=WEB_INSTANCES_MAX,
    ),
]
Publisher = Annotated[
    list[str] | None,
    typer.Option(metavar="HOST:PORT", help="A further publisher's requests; may be given again."),
]


def web(
    config: options.ConfigFile = None,
    data: options.EngineData = None,
    port_base: options.EnginePortBase = None,
    host: options.EngineHost = None,
    port: Port = None,
    instances: Instances = None,
    instance: Instance = None,
    publisher: Publisher = None,
) -> None:
    """Serve REST over HTTP: market data from the publishers, and what accounts do from engine and history.

    Prints one line that starts with ready once it listens. The other processes need not be there yet.

    \b
    Examples:
      matchbus web
      matchbus web --port-base 4000 --port 8080
      matchbus web --instances 4
      matchbus web --publisher 127.0.0.1:3112
    """
    settings = options.engine_config(
        config,
        os.environ,
        data=data,
        port_base=port_base,
        host=host,
        sync=None,
        clock=None,
        further={"web.instances": instances},
    )
    if settings.engine.port_base == 0:
        raise ConfigError("--port-base 0: the web could not find the exchange; name a port base")
    engine, count = settings.engine, settings.web.instances
    if instance is not None and instance > count:
        raise ConfigError(f"--instance {instance}: there are {count} (web.instances)")
    if port == 0 and count > 1:
        raise ConfigError("--port 0: several instances share a port that is named")
    publishers = publishers_of(engine.port_base, engine.host, publisher or ())
    token = options.operator_token(engine.data_dir, None)
    default_port = addresses(engine.port_base, engine.host).web[1]
    where = settings.web.host or engine.host, default_port if port is None else port
    if count == 1 or instance is not None:
        serve(settings, where, _metrics(engine.host, where[1], instance or 1), publishers, token)
        return
    given = {"--config": config, "--data": data, "--port-base": port_base, "--host": host, "--port": port}
    words = ["web", *options.words({**given, "--instances": count})]
    words += [word for place in publisher or () for word in ("--publisher", place)]
    run_instances(where, words, count, renewable=settings.web.certificate_file != "")


def _metrics(host: str, port: int, instance: int) -> HostPort:
    """Where an instance's metrics are: as far above the port of the web as its own offset, one higher for each."""
    return host, port + OFFSETS["metrics_web"] - OFFSETS["web"] + instance - 1 if port else 0


def serve(
    config: Config, where: HostPort, metrics_at: HostPort, publishers: list[PublisherAddress], token: str
) -> None:
    """Run one instance until SIGTERM or SIGINT. Raises MatchbusError with one line when it cannot."""
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        runner.run(_run(config, where, metrics_at, publishers, token))


def _connections_max(wanted: int) -> int:
    """How many connections this process may have: what is wanted, or what the system allows it to open."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    most = hard if hard != resource.RLIM_INFINITY else wanted + _FILES_BESIDE
    if soft < wanted + _FILES_BESIDE:
        resource.setrlimit(resource.RLIMIT_NOFILE, (min(wanted + _FILES_BESIDE, most), hard))
    if most < wanted + _FILES_BESIDE:
        found = max(1, most - _FILES_BESIDE)
        print(
            f"note: web.connections_max = {wanted}, and this process may open {most} files: {found} connections",
            file=sys.stderr,
        )
        return found
    return wanted


def _tls(settings: Web, loop: asyncio.AbstractEventLoop) -> Tls | None:
    """The certificate, if there is one, read again at SIGHUP. Raises ConfigError."""
    if not settings.certificate_file:
        return None
    tls = Tls(settings.certificate_file, settings.private_key_file)

    def renew() -> None:
        try:
            tls.renew()
        except ConfigError as error:
            _LOG.error("the certificate is not renewed", problem=str(error))
        else:
            _LOG.info("the certificate was read again", file=settings.certificate_file)

    loop.add_signal_handler(signal.SIGHUP, renew)
    # Each client that speaks no TLS would be a line.
    logging.getLogger("tornado.general").setLevel(logging.ERROR)
    return tls


async def _run(
    config: Config, where: HostPort, metrics_at: HostPort, publishers: list[PublisherAddress], token: str
) -> None:
    structlog.configure(logger_factory=structlog.PrintLoggerFactory(sys.stderr))
    stopped = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGINT, signal.SIGTERM):
        loop.add_signal_handler(number, stopped.set)
    async with AsyncExitStack() as stack:
        context = stack.enter_context(zmq.Context())
        keys = KeyBook(stack.enter_context(closing(KeyStore(config))))
        house = House(config, publishers, token, context, keys)
        stack.push_async_callback(house.close)
        await house.open()
        guard = KeyedGuard(
            keys,
            config.web,
            stack.enter_context(closing(Audit(config.engine.data_dir, config.web.audit_bytes_max))),
        )
        settings = msgspec.structs.replace(
            config.web, connections_max=_connections_max(config.web.connections_max)
        )
        shared = config.web.instances > 1
        server = Server(where, settings, application(house, guard), tls=_tls(config.web, loop), shared=shared)
        stack.push_async_callback(server.close)
        metrics = stack.enter_context(MetricsServer(metrics_at, config.metrics))
        version = this_process("web").version

        def read() -> Iterator[Reading]:
            return read_web(version, house, server.connections)

        house.page = Page(read) if config.metrics.enabled else None
        server.start()
        metrics.start(read)
        tune_garbage_collector()
        tune_threads()
        print(f"ready web={server.url} metrics={metrics.url} pid={os.getpid()}", flush=True)
        await stopped.wait()
