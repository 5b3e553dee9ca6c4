"""The yardstick: a Tornado handler that parses a JSON body and answers with as much JSON, and does nothing else.

    python -m tools.bench.http.bare

Run by `orders` as a process of its own, on uvloop and with msgspec as the real web, without its guard, its limits, its
headers and its engine. It ends when its standard input does.
"""

import asyncio
import os
import sys
from typing import Any

import msgspec
import uvloop
from tornado.httpserver import HTTPServer
from tornado.netutil import bind_sockets
from tornado.web import Application, RequestHandler


class Handler(RequestHandler):
    """See above."""

    def post(self) -> None:
        """Every order is taken."""
        order: dict[str, Any] = msgspec.json.decode(self.request.body)
        answer = {
            "order_id": 1_000_000,
            **order,
            "filled_quantity": "0",
            "remaining_quantity": order["quantity"],
            "status": "open",
            "sequence": 1_000_000,
            "time_ms": 1_767_225_600_000,
        }
        self.set_header("Content-Type", "application/json")
        self.finish(msgspec.json.encode(answer))


async def _run() -> None:
    ended = asyncio.Event()
    asyncio.get_running_loop().add_reader(sys.stdin.fileno(), ended.set)
    sockets = bind_sockets(0, "127.0.0.1")
    server = HTTPServer(Application([("/v1/order", Handler)], log_function=lambda _: None))
    server.add_sockets(sockets)
    print(f"ready port={sockets[0].getsockname()[1]} pid={os.getpid()}", flush=True)
    await ended.wait()


if __name__ == "__main__":
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        runner.run(_run())
