"""The yardstick: a bare ROUTER that sends back what it gets, drained as the engine's is, and nothing else.

Run by `parts` as a process of its own. Nothing is dropped: its high-water marks are 0. It ends when its standard
input does, so never later than the benchmark that started it.
"""

import asyncio
import os
import sys

import uvloop
import zmq

from bus.sockets.router import plain_send

_NOBLOCK = int(zmq.NOBLOCK)
_SEND_MORE = int(zmq.NOBLOCK) | int(zmq.SNDMORE)
_EVENTS = int(zmq.EVENTS)
_POLLIN = int(zmq.POLLIN)
#: Messages of one drain, so that a flood cannot keep it from sending.
_DRAIN_MESSAGES_MAX = 256


class Echo:
    """One ROUTER on a loop: drain, send, look at EVENTS."""

    def __init__(self, loop: asyncio.AbstractEventLoop, context: "zmq.Context[zmq.Socket[bytes]]") -> None:
        self._loop = loop
        self._scheduled = False
        self._socket = context.socket(zmq.ROUTER)
        self._socket.setsockopt(zmq.SNDHWM, 0)
        self._socket.setsockopt(zmq.RCVHWM, 0)
        self._socket.setsockopt(zmq.LINGER, 0)
        self._socket.bind("tcp://127.0.0.1:*")
        self.endpoint = self._socket.getsockopt_string(zmq.LAST_ENDPOINT).rstrip("\0")
        self._send = plain_send(self._socket)
        loop.add_reader(self._socket.fileno(), self._drain)
        loop.call_soon(self._drain)

    def _drain(self) -> None:
        self._scheduled = False
        receive = self._socket.recv
        messages: list[tuple[bytes, bytes]] = []
        try:
            while len(messages) < _DRAIN_MESSAGES_MAX:
                messages.append((receive(_NOBLOCK), receive(_NOBLOCK)))
        except zmq.Again:
            pass
        send = self._send
        for route, payload in messages:
            send(route, _SEND_MORE)
            send(payload, _NOBLOCK)
        if not self._scheduled and int(self._socket.getsockopt(_EVENTS)) & _POLLIN:
            self._scheduled = True
            self._loop.call_soon(self._drain)


async def _run() -> None:
    loop = asyncio.get_running_loop()
    ended = asyncio.Event()
    loop.add_reader(sys.stdin.fileno(), ended.set)
    context: zmq.Context[zmq.Socket[bytes]] = zmq.Context()
    print(f"ready orders={Echo(loop, context).endpoint} pid={os.getpid()}", flush=True)
    await ended.wait()
    context.destroy(linger=0)


if __name__ == "__main__":
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        runner.run(_run())
