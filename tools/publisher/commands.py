"""`matchbus publisher`: market data from the feed of a running engine."""

import os
from typing import Annotated

import typer

from bus.addresses import addresses
from bus.errors import ConfigError
from publisher.share import parse_share
from tools import options
from tools.publisher.adjust import adjust
from tools.publisher.rebuild import rebuild
from tools.publisher.serving import Listen, serve

publisher = typer.Typer(help="Publish market data from a running exchange, and look after what is stored.")


@publisher.callback(invoke_without_command=True)
def run(
    context: typer.Context,
    config: options.ConfigFile = None,
    data: options.EngineData = None,
    port_base: options.EnginePortBase = None,
    host: options.EngineHost = None,
    symbols: Annotated[
        str, typer.Option(metavar="A,B", help="Only these symbols. Default: all there are.")
    ] = "",
    share: Annotated[
        str, typer.Option(metavar="PART/PARTS", help="Only a share of the symbols, by hash: 2/3.")
    ] = "",
    at: Annotated[
        int | None,
        typer.Option(
            metavar="PORT",
            help="Listen at this port and the next two, for a further publisher. Default: port base + 11, 12, 42.",
            min=1,
            max=65_533,
        ),
    ] = None,
    name: Annotated[
        str, typer.Option(metavar="NAME", help="What it calls itself in heartbeats and in the status.")
    ] = "",
    peer: Annotated[
        list[str] | None,
        typer.Option(
            metavar="HOST:PORT",
            help="Another publisher of the same symbols, to be compared with; can be given again.",
        ),
    ] = None,
    store: Annotated[
        str | None,
        typer.Option(metavar="URL", help="The database: sqlite:///FILE or postgresql://USER@HOST/DATABASE."),
    ] = None,
) -> None:
    """Publish books, candles and statistics, made from the feed of a running engine, until Ctrl-C.

    Prints one line that starts with ready once it listens. Any number of publishers may run, for all symbols or for
    a share of them; over the same symbols they say the same.

    \b
    Examples:
      matchbus publisher
      matchbus publisher --share 2/3 --at 3111 --name second
      matchbus publisher rebuild --data big-day
    """
    if context.invoked_subcommand is not None:
        return
    settings = options.engine_config(
        config, os.environ, data=data, port_base=port_base, host=host, sync=None, clock=None,
        further={"store.url": store},
    )  # fmt: skip
    engine = settings.engine
    if not engine.port_base:
        raise ConfigError("--port-base 0: the publisher could not find the engine; name a port base")
    where = addresses(engine.port_base, engine.host)
    listen = Listen(where.market_data, where.market_requests, where.metrics_publisher)
    if at is not None:
        streams, requests = (f"tcp://{engine.host}:{port}" for port in (at, at + 1))
        listen = Listen(streams, requests, (engine.host, at + 2))
    chosen = parse_share(symbols, share)
    peers = [f"tcp://{one}" for one in peer or ()]
    serve(settings, where, listen, chosen, name or f"publisher-{listen.streams.rpartition(':')[2]}", peers)


publisher.command()(rebuild)
publisher.add_typer(adjust)
