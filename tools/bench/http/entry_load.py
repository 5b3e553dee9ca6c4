"""Orders over one WebSocket, many in flight.

    python -m tools.bench.http.entry_load PORT KEY SECRET

Run by `entry` as a process of its own. It logs in, says `ready`, and for each line of input, `ORDERS IN_FLIGHT SYMBOL
PREFIX`, it sends so many orders that rest, whose ids begin with the prefix, and tells how many were answered in a
second and how long one took. Frames are made before the clock starts. An answer that is a refusal ends it.
"""

import hmac
import os
import sys
import time
from typing import Final

import msgspec

from tools.bench.http.load import bodies, say
from tools.bench.http.websocket import WebSocket, frame

_ANSWER: Final = b'{"type":"answer","id":'
_ERROR: Final = b'{"type":"error"'


class EntryLoad:
    """A connection that has logged in."""

    def __init__(self, port: int, key_id: str, secret: str) -> None:
        self._websocket = WebSocket(port)
        timestamp = time.time_ns() // 1_000_000
        signature = hmac.digest(secret.encode(), f"{timestamp}GET/ws".encode(), "sha256").hex()
        login = {"op": "login", "key": key_id, "timestamp": timestamp, "signature": signature}
        self._websocket.send(msgspec.json.encode(login))
        while not (said := self._websocket.read()):
            pass
        if not said[0].startswith(b'{"type":"logged_in"'):
            raise SystemExit(f"no login: {said[0].decode()}")

    def run(self, orders: list[bytes], in_flight: int) -> tuple[int, list[int]]:
        """How long all of them took, and how long each did, in ns."""
        frames = [
            frame(b'{"op":"order","id":%d,"order":%b}' % (number, order))
            for number, order in enumerate(orders)
        ]
        total, sent, done = len(frames), 0, 0
        sent_ns = [0] * total
        times: list[int] = []
        socket, read, now = self._websocket.socket, self._websocket.read, time.perf_counter_ns
        start_ns = now()
        while done < total:
            until = min(done + in_flight, total)
            if sent < until:
                sent_ns[sent:until] = [now()] * (until - sent)
                socket.sendall(b"".join(frames[sent:until]))
                sent = until
            came = read()
            came_ns = now()
            for message in came:
                if not message.startswith(_ANSWER):
                    if message.startswith(_ERROR):
                        raise SystemExit(f"an order was not taken: {message.decode()}")
                    continue  # heartbeats, and that no publisher is there
                number = int(message[len(_ANSWER) : message.index(b",", len(_ANSWER))])
                times.append(came_ns - sent_ns[number])
                done += 1
        return now() - start_ns, times


def main(port: str, key_id: str, secret: str) -> None:
    """Until standard input ends."""
    load = EntryLoad(int(port), key_id, secret)
    print(f"ready pid={os.getpid()}", flush=True)
    for line in sys.stdin:
        count, in_flight, symbol, prefix = line.split()
        elapsed_ns, times = load.run(bodies(symbol, prefix, int(count)), int(in_flight))
        say(elapsed_ns, times)


if __name__ == "__main__":
    main(*sys.argv[1:])
