"""A small simulation over ZeroMQ: a market maker, and orders that come at random and take what it offers.

    matchbus up --demo                                              in another terminal
    python docs/examples/simulation_zeromq.py ETH-USD 3000 100      a symbol, a first price, how many steps

In each step the maker bids and offers a little around a price that wanders, somebody else buys or sells at once, and
the maker takes back what is left. A fourth word is the port base of the exchange, if it is not 3000.
"""

import asyncio
import random
import sys
from decimal import Decimal

from bus.protocol.reports import Filled
from bus.protocol.terms import BUY
from bus.sockets.async_client import AsyncClient

symbol, price, steps = sys.argv[1:4] if len(sys.argv) >= 4 else sys.exit(__doc__)
port_base = int(sys.argv[4]) if len(sys.argv) > 4 else 3000
SPREAD_TICKS = 10
LOTS = 1_000


async def simulate() -> None:
    """All steps, and what the maker has in the end."""
    fills: list[Filled] = []

    def take(told) -> None:  # every report of the maker, in order, each once
        fills.extend(report for report in told.reports if isinstance(report, Filled))

    async with (
        AsyncClient(account="maker", port_base=port_base, on_reports=take) as maker,
        AsyncClient(account="taker", port_base=port_base) as taker,
    ):
        scale = await maker.scale(symbol)
        middle = scale.price_ticks(Decimal(price))
        for _ in range(int(steps)):
            middle += random.randint(-SPREAD_TICKS, SPREAD_TICKS)
            bid, offer = scale.price(middle - SPREAD_TICKS), scale.price(middle + SPREAD_TICKS)
            both = [
                maker.enter(symbol, side, scale.quantity(LOTS), at)
                for side, at in (("buy", bid), ("sell", offer))
            ]
            await asyncio.gather(*both)  # entered together, they left in one message
            quantity = scale.quantity(random.randint(1, LOTS))
            side, at = random.choice((("buy", offer), ("sell", bid)))
            await taker.enter(symbol, side, quantity, at, time_in_force="IOC")
            await maker.mass_cancel(symbol)
    signed = [(1 if fill.side == BUY else -1, fill.price_ticks, fill.quantity_lots) for fill in fills]
    position = sum(sign * lots for sign, _, lots in signed)
    worth = sum(sign * lots * (middle - ticks) for sign, ticks, lots in signed)
    print(f"{len(fills)} fills, position {scale.quantity(position)}, result {scale.amount(worth)}")


asyncio.run(simulate())
