"""What one client that floods does to the others: 49 polite ones, an order each in 40 to 60 ms, with and without it.

The polite clients are one process and one thread with a socket each, so with a flood beside them there are the engine,
the flood and this process for the cores there are: on two cores some milliseconds of the 99th percentile are theirs,
whatever the engine does.
"""

import heapq
import random
import time
from collections.abc import Callable
from contextlib import ExitStack
from typing import Any, Final

import zmq
from msgspec import Struct
from rich.table import Table

from tools.bench import figures, flow, parts, results
from tools.bench.figures import Latency
from tools.bench.session import Session, header

PAUSE_MS: Final = (40, 60)
_SYMBOL: Final = "F"
_NS_PER_MS: Final = 1_000_000
_NOBLOCK: Final = int(zmq.NOBLOCK)
#: The floods, by commands a message; 0: none.
_FLOODS: Final = {"no flood": 0, "flood, 1 a message": 1, "flood, 64 a message": 64}


class Size(Struct, frozen=True):
    """Polite clients, and orders of each under each flood."""

    clients: int = 49
    orders: int = 100


QUICK: Final = Size(clients=5, orders=3)


class Fairness:
    """Latencies of the polite clients under each flood."""

    def __init__(self, size: Size, progress: Callable[[str], object]) -> None:
        self.latencies: dict[str, Latency] = {}
        self.flood_per_s: dict[str, float] = {}
        self.core = ""
        self._size = size
        self._progress = progress

    def run(self) -> None:
        """One engine a flood."""
        for name, a_message in _FLOODS.items():
            self._progress(name)
            with ExitStack() as stack:
                engine = stack.enter_context(parts.engine("os"))
                self.core = engine.core
                with Session(engine.orders, "operator", engine.token) as operator:
                    operator.define(_SYMBOL)
                sessions = [
                    stack.enter_context(Session(engine.orders, f"polite-{number}"))
                    for number in range(self._size.clients)
                ]
                polite = Polite(sessions, self._size.orders)
                if a_message:
                    with parts.part("flood", engine.orders, str(a_message), _SYMBOL) as flood:
                        times = polite.run()
                        self.flood_per_s[name] = float(flood.ask_to_end()["per_s"])
                else:
                    times = polite.run()
                self.latencies[name] = figures.latency(times)

    def result(self) -> dict[str, Any]:
        """What `--json` prints."""
        return {
            "core": self.core,
            "clients": self._size.clients,
            "polite": {
                name: {
                    "p50_us": round(found.p50_us),
                    "p99_us": round(found.p99_us),
                    "max_us": round(found.max_us),
                    "flood_per_s": round(self.flood_per_s.get(name, 0.0)),
                }
                for name, found in self.latencies.items()
            },
        }

    def tables(self) -> list[Table]:
        """For people."""
        rows = [
            (
                name,
                f"{found.p50_us:,.0f}",
                f"{found.p99_us:,.0f}",
                f"{found.max_us:,.0f}",
                f"{self.flood_per_s.get(name, 0.0):,.0f}",
            )
            for name, found in self.latencies.items()
        ]
        title = f"microseconds from the order to its report, of {self._size.clients} polite clients"
        return [results.table(title, ("", "p50", "p99", "max", "commands/s of the flood"), rows)]


class Polite:
    """Many sessions on one thread, each with its own next order at its own time."""

    def __init__(self, sessions: list[Session], orders: int) -> None:
        self._sessions = sessions
        self._random = random.Random(1)
        self._messages = [
            session.encode(flow.resting(_SYMBOL, orders, 1 + number * orders), 1)
            for number, session in enumerate(sessions)
        ]
        self._poller = zmq.Poller()
        for session in sessions:
            self._poller.register(session.socket, zmq.POLLIN)

    def run(self) -> list[int]:
        """All orders of all clients: how long each took, in nanoseconds."""
        sessions = self._sessions
        index = {session.socket: number for number, session in enumerate(sessions)}
        now = time.perf_counter_ns
        due = [(now() + self._pause_ns(), number) for number in range(len(sessions))]
        heapq.heapify(due)
        sent_ns = [0] * len(sessions)
        next_order = [0] * len(sessions)
        waiting = 0
        times: list[int] = []
        while due or waiting:
            while due and due[0][0] <= now():
                _, number = heapq.heappop(due)
                sent_ns[number] = now()
                sessions[number].send(self._messages[number][next_order[number]], 0)
                next_order[number] += 1
                waiting += 1
            timeout_ms = max((due[0][0] - now()) // _NS_PER_MS, 0) if due else 1_000
            for socket, _ in self._poller.poll(timeout_ms):
                number = index[socket]
                first_report, _ = header(socket.recv(_NOBLOCK))
                if not first_report:
                    continue  # a heartbeat
                times.append(now() - sent_ns[number])
                waiting -= 1
                if next_order[number] < len(self._messages[number]):
                    heapq.heappush(due, (now() + self._pause_ns(), number))
        return times

    def _pause_ns(self) -> int:
        return self._random.randint(*PAUSE_MS) * _NS_PER_MS
