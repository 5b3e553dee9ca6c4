"""A small simulation over WebSocket: a market maker, and orders that come at random and take what it offers.

    matchbus up --demo                                               in another terminal; prints where the keys are
    python docs/examples/simulation_web.py 127.0.0.1:3030 DATA/demo-keys.json ETH-USD 3000 0.5 100

The words: the web's address, a file with keys of two accounts, a symbol, a first price, a spread, how many steps.
"""

import asyncio, hashlib, hmac, json, random, sys, time  # noqa: E401, I001  # an example fits on a screen
from decimal import Decimal
from pathlib import Path
from tornado.websocket import websocket_connect

address, keys, symbol, price, spread, steps = sys.argv[1:] if len(sys.argv) == 7 else sys.exit(__doc__)


class Trader:
    """One account's connection."""

    async def login(self, key: dict) -> None:
        """Open it, and hear of every execution from here on."""
        self.number, self.executions, self.connection = 0, [], await websocket_connect(f"ws://{address}/ws")
        now = time.time_ns() // 1_000_000
        signature = hmac.new(key["secret"].encode(), f"{now}GET/ws".encode(), hashlib.sha256).hexdigest()
        await self.ask(op="login", key=key["key"], timestamp=now, signature=signature)
        await self.ask(op="subscribe", channels=["executions"])

    async def ask(self, **message: object) -> dict:
        """Say it, and read until it is answered."""
        self.number += 1
        self.connection.write_message(json.dumps(message | {"id": self.number}))
        while (said := json.loads(await self.connection.read_message() or "{}")).get("id") != self.number:
            if not said:
                sys.exit(f"the connection has ended: {self.connection.close_reason}")
            self.executions += [said] if said["type"] == "execution" else []
        if said["type"] == "error" and message["op"] != "cancel":  # what was to be cancelled may have traded
            sys.exit(f"{said['reason']}: {said['message']}")
        return said

    async def order(self, side: str, at: Decimal, **words: str) -> dict:
        order = {"symbol": symbol, "side": side, "quantity": "0.1", "price": str(at), **words}
        return (await self.ask(op="order", order=order))["order"]


async def simulate() -> None:
    maker, taker, middle, step = Trader(), Trader(), Decimal(price), Decimal(spread)
    for trader, key in zip((maker, taker), json.loads(Path(keys).read_text()), strict=False):
        await trader.login(key)
    for _ in range(int(steps)):
        middle += random.choice((-step, 0, step))
        offers = [await maker.order("buy", middle - step), await maker.order("sell", middle + step)]
        taken = random.randrange(2)
        await taker.order(*(("sell", middle - step), ("buy", middle + step))[taken], time_in_force="IOC")
        await maker.ask(op="cancel", order={"symbol": symbol, "order_id": offers[1 - taken]["order_id"]})
    signed = [Decimal(one["quantity"]) * (1 if one["side"] == "buy" else -1) for one in maker.executions]
    print(f"{len(signed)} executions, position {sum(signed)}")


asyncio.run(simulate())
