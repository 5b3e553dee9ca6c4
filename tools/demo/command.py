"""`matchbus demo`: instruments, and traders who make a market in them, on an exchange that runs already."""

import asyncio
import os
import signal
from contextlib import AsyncExitStack
from typing import Annotated

import typer
import uvloop

from bus.clock import utc_ns
from tools import options
from tools.demo.runner import Runner, bank, last_prices, prepare
from tools.demo.traders import ACCOUNTS, Traders


def demo(
    seed: Annotated[int, typer.Option(metavar="N", help="Which market it is.", min=0)] = 1,
    rate: Annotated[
        float, typer.Option(metavar="N", help="About so many commands a second.", min=0.1, max=1000)
    ] = 40,
    data: options.Data = options.DEFAULT_DATA,
    token_file: options.TokenFile = None,
    port_base: options.PortBase = options.DEFAULT_PORT_BASE,
    connect: options.Connect = options.DEFAULT_CONNECT,
    timeout: options.Timeout = options.DEFAULT_TIMEOUT,
) -> None:
    """Trade on a running exchange as a handful of seeded bots, until Ctrl-C: makers, takers and a crowd.

    Defines BTC-USD, ETH-USD, SOL-USD, XRP-USD and ETH-BTC where they are missing, and leaves with its orders
    cancelled. All its accounts begin with bot-. Where the venue clears they get money, and so do demo, demo-2 and
    demo-3, which are for you, and the accounts of README and docs/examples.

    \b
    Examples:
      matchbus demo
      matchbus demo --seed 7 --rate 200
    """
    token = options.operator_token(data, token_file)
    products, clears = prepare(connect, port_base, token, timeout)
    begin = last_prices(connect, port_base, timeout, products)
    # Ids must never come twice, whatever the seed: the time of the start is part of each.
    traders = Traders(seed, f"{utc_ns() // 1_000_000:x}", products, begin)
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        giver = bank(connect, port_base, token, timeout) if clears else None
        runner.run(_run(Runner(connect, port_base, timeout, traders, rate, giver), len(products)))


async def _run(runner: Runner, instruments: int) -> None:
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGINT, signal.SIGTERM):
        loop.add_signal_handler(number, stop.set)
    async with AsyncExitStack() as stack:
        await runner.open(stack)
        print(f"ready instruments={instruments} accounts={len(ACCOUNTS)} pid={os.getpid()}", flush=True)
        work = asyncio.create_task(runner.run())
        stopped = asyncio.create_task(stop.wait())
        await asyncio.wait((work, stopped), return_when=asyncio.FIRST_COMPLETED)
        if work.done():
            work.result()
        work.cancel()
