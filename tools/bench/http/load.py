"""Orders over keep-alive connections of HTTP, one in flight on each: the next one when the last one is answered.

    python -m tools.bench.http.load KEY SECRET

Run by `orders` as a process of its own. It says `ready`, and for each line of input, `PORT CONNECTIONS ORDERS SYMBOL
PREFIX`, it sends so many orders that rest, whose ids begin with the prefix, and tells how many were answered in a
second and how long one took. It shares the cores with what it measures, so it is as little as possible: bare sockets,
bodies made before the clock starts, and of an answer only what tells that it is whole. An answer that is a refusal
ends it. Each request is signed when it is sent, as it would be.
"""

import hmac
import os
import select
import socket
import sys
import time
from collections.abc import Iterator, Sequence
from typing import Final

from bus.protocol.commands import EnterOrder
from bus.protocol.terms import SIDES
from tools.bench import figures, flow

HOST: Final = "127.0.0.1"
PATH: Final = "/v1/order"
_ANSWER_BYTES_MAX: Final = 65_536
_OK: Final = b"HTTP/1.1 200 "
_LENGTH: Final = b"Content-Length: "
#: Nothing that is measured takes so long.
_TIMEOUT_S: Final = 60.0
#: Decimals of the instrument's tick, see `flow.definition`.
_TICK_DECIMALS: Final = 2


class Connection:
    """One, with what has come of the answer that it waits for."""

    __slots__ = ("came", "sent_ns", "socket")

    def __init__(self, port: int) -> None:
        self.socket = socket.create_connection((HOST, port), timeout=_TIMEOUT_S)
        self.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self.came = b""
        self.sent_ns = 0


class Load:
    """Signs with one key, and sends."""

    def __init__(self, key_id: str, secret: str) -> None:
        self._secret = secret.encode()
        self._head = (
            f"POST {PATH} HTTP/1.1\r\nHost: {HOST}\r\nContent-Type: application/json\r\nX-API-Key: {key_id}\r\n"
        ).encode()

    def run(self, port: int, connections: int, bodies: Sequence[bytes]) -> tuple[int, list[int]]:
        """How long all of them took, and how long each did, in ns."""
        poll = select.epoll()
        open_ones: dict[int, Connection] = {}
        for _ in range(connections):
            one = Connection(port)
            open_ones[one.socket.fileno()] = one
            poll.register(one.socket, select.EPOLLIN)
        times: list[int] = []
        now = time.perf_counter_ns
        waiting = iter(bodies)
        start_ns = now()
        for one in open_ones.values():
            self._send_next(one, waiting)
        while len(times) < len(bodies):
            ready = poll.poll(_TIMEOUT_S)
            if not ready:
                raise SystemExit(f"no answer came within {_TIMEOUT_S:.0f} s")
            for number, _ in ready:
                one = open_ones[number]
                one.came += one.socket.recv(_ANSWER_BYTES_MAX)
                if _is_whole(one.came):
                    times.append(now() - one.sent_ns)
                    self._send_next(one, waiting)
        elapsed_ns = now() - start_ns
        poll.close()
        for one in open_ones.values():
            one.socket.close()
        return elapsed_ns, times

    def _send_next(self, one: Connection, bodies: Iterator[bytes]) -> None:
        body = next(bodies, None)
        one.came = b""
        if body is None:
            return
        time_ms = b"%d" % (time.time_ns() // 1_000_000)
        signed = b"%bPOST%b%b" % (time_ms, PATH.encode(), body)
        signature = hmac.digest(self._secret, signed, "sha256").hex().encode()
        request = b"%bX-Timestamp: %b\r\nX-Signature: %b\r\nContent-Length: %d\r\n\r\n%b" % (
            self._head,
            time_ms,
            signature,
            len(body),
            body,
        )
        one.sent_ns = time.perf_counter_ns()
        one.socket.sendall(request)


def _is_whole(answer: bytes) -> bool:
    head, end, body = answer.partition(b"\r\n\r\n")
    if not answer or (end and not head.startswith(_OK)):
        raise SystemExit(f"an order was not taken: {answer.decode(errors='replace')}")
    if not end:
        return False
    length = head[head.index(_LENGTH) + len(_LENGTH) :].partition(b"\r\n")[0]
    return len(body) == int(length)


def bodies(symbol: str, prefix: str, count: int) -> list[bytes]:
    """Orders that rest, in JSON as anybody would write it."""
    return [
        (
            f'{{"symbol":"{symbol}","side":"{SIDES[order.side]}","type":"limit","quantity":"{order.quantity_lots}",'
            f'"price":"{_price(order.price_ticks)}","time_in_force":"GTC",'
            f'"client_order_id":"{prefix}{order.client_order_id}"}}'
        ).encode()
        for order in flow.resting(symbol, count)
        if isinstance(order, EnterOrder)
    ]


def _price(ticks: int) -> str:
    whole, part = divmod(ticks, 10**_TICK_DECIMALS)
    return f"{whole}.{part:0{_TICK_DECIMALS}}"


def say(elapsed_ns: int, times: list[int]) -> None:
    """Tell the measurement how long orders took, each and all together, in ns."""
    found = figures.latency(times)
    print(
        f"per_s={figures.per_s(len(times), elapsed_ns)} p50_us={found.p50_us} p99_us={found.p99_us}"
        f" max_us={found.max_us}",
        flush=True,
    )


def main(key_id: str, secret: str) -> None:
    """Until standard input ends."""
    load = Load(key_id, secret)
    print(f"ready pid={os.getpid()}", flush=True)
    for line in sys.stdin:
        port, connections, count, symbol, prefix = line.split()
        elapsed_ns, times = load.run(int(port), int(connections), bodies(symbol, prefix, int(count)))
        say(elapsed_ns, times)


if __name__ == "__main__":
    main(*sys.argv[1:])
