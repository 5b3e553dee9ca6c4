"""`matchbus up`: the whole exchange on this machine, each part a process of its own, all of them ended with this one.

engine ─▶ ready ─▶ its readers ─▶ ready ─▶ keys and demo (--demo) ─▶ ready ─▶ "ready"

Ctrl-C, SIGTERM, a part that dies: all stop, the engine last.
"""

import asyncio
import os
import signal
import sys
from contextlib import AsyncExitStack
from typing import Annotated, Final

import typer
from msgspec.structs import replace

from bus.config import Config
from bus.errors import ConfigError
from tools import options
from tools.up.child import Child
from tools.up.demo_keys import demo_keys
from tools.up.parts import parts
from tools.up.ports import free_port_base

#: What every part says of itself in its ready line.
_OF_EACH: Final = ("pid", "metrics")


def up(
    config: options.ConfigFile = None,
    data: options.EngineData = None,
    port_base: options.EnginePortBase = None,
    host: options.EngineHost = None,
    sync: options.EngineSync = None,
    clock: options.EngineClock = None,
    clearing: options.EngineClearing = None,
    demo: Annotated[
        bool,
        typer.Option(
            "--demo", help="With some instruments and traders that never tire; clears unless told not to."
        ),
    ] = False,
    demo_seed: Annotated[int, typer.Option(metavar="N", help="Which market the demo makes.", min=0)] = 1,
) -> None:
    """Run the whole exchange on this machine until Ctrl-C.

    Prints one line that starts with ready, with the addresses, once it can be used. When one of its processes dies,
    the others are stopped and this one says which it was.

    \b
    Examples:
      matchbus up --demo
      matchbus up --data big-day --port-base 4000
    """
    settings = options.engine_config(
        config,
        os.environ,
        data=data,
        port_base=port_base,
        host=host,
        sync=sync,
        clock=clock,
        clearing=clearing,
    )
    if demo and settings.engine.clock == "commands":
        raise ConfigError("--clock commands with --demo: the demo trades by the system's clock")
    if settings.engine.port_base == 0:
        port_base = free_port_base(settings.engine.host)
        settings = replace(settings, engine=replace(settings.engine, port_base=port_base))
    where = options.words(
        {"--config": config and str(config), "--data": data, "--port-base": port_base, "--host": host}
    )
    if demo and settings.engine.clearing == "keep":
        clearing = "spot"
    how = options.words({"--sync": sync, "--clock": clock, "--clearing": clearing})
    processes = parts(settings, where, how, demo_seed if demo else None)
    asyncio.run(_run(processes, settings if demo else None))


async def _run(processes: list[tuple[str, list[str]]], demo: Config | None) -> None:
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGINT, signal.SIGTERM):
        loop.add_signal_handler(number, stop.set)
    async with AsyncExitStack() as stack:
        work = asyncio.create_task(_serve(processes, demo, stack))
        stopped = asyncio.create_task(stop.wait())
        await asyncio.wait((work, stopped), return_when=asyncio.FIRST_COMPLETED)
        if not stopped.done():
            work.result()
        work.cancel()
        _say("stopping")
    _say("stopped")


async def _serve(processes: list[tuple[str, list[str]]], demo: Config | None, stack: AsyncExitStack) -> None:
    """Start them one after the other, say that they are ready, and raise ChildEnded when one of them ends.

    `demo`: the settings of an exchange whose visitors are given keys.
    """
    children: list[Child] = []
    told: list[str] = []
    for name, words in processes:
        _say(f"starting the {name}")
        child = Child(name, words)
        stack.push_async_callback(child.stop)
        await child.start()
        children.append(child)
        facts = await child.ready()
        told += [
            f"{name}_{key}={value}" if key in _OF_EACH else f"{key}={value}" for key, value in facts.items()
        ]
    if demo is not None:
        told.append(f"demo_keys={await asyncio.to_thread(demo_keys, demo)}")
    print("ready", *told, f"pid={os.getpid()}", flush=True)
    ends = [asyncio.create_task(child.ended()) for child in children]
    done, _ = await asyncio.wait(ends, return_when=asyncio.FIRST_COMPLETED)
    raise next(end for end in ends if end in done).result()


def _say(line: str) -> None:
    print(line, file=sys.stderr, flush=True)
