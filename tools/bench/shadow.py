"""What a shadow spares its engine: latencies of orders, alone and beside what would stop an engine for long.

    round 1: alone, a shadow, a shadow that writes checkpoints, snapshots from the engine, snapshots from the shadow
    round 2: the same ...

An order comes at a steady rate, whether the last one was answered or not: a pause of the engine is felt by all who come
in it. The book holds many orders, so that checkpoints and snapshots are large; a
checkpoint is written and a snapshot asked for each second, far more often than in real life. All of them share the
machine's cores, so latencies tell of these as well; what the engine itself computed does not. How long it would stand
still for a checkpoint of its own is measured beside it, in this process.
"""

import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from typing import Any, Final

import zmq
from msgspec import Struct
from rich.table import Table

from bus.journal.checkpoint import CheckpointStore
from bus.journal.disk import Disk
from bus.protocol.codec import decode_envelope
from tools.bench import figures, flow, machine, parts, results
from tools.bench.session import Session, header
from tools.core_kind import CoreKind, core_kind
from tools.up.ports import free_port_base

ALONE: Final = "alone"
FOLLOWED: Final = "a shadow follows"
CHECKPOINTS: Final = "a shadow writes checkpoints"
FROM_ENGINE: Final = "L3 snapshots from the engine"
FROM_SHADOW: Final = "L3 snapshots from the shadow"
CASES: Final = (ALONE, FOLLOWED, CHECKPOINTS, FROM_ENGINE, FROM_SHADOW)
#: Upper ends of the columns of the histogram.
BOUNDS_MS: Final = (0.25, 0.5, 1, 2, 5, 10, 20, 50, 100, 200, 500)

_SYMBOL: Final = "S"
_A_MESSAGE: Final = 64
_MESSAGES_IN_FLIGHT: Final = 16
_LEVELS: Final = 1_000
_NS_PER_MS: Final = 1_000_000
_NS_PER_S: Final = 1_000_000_000
_NOBLOCK: Final = int(zmq.NOBLOCK)
_EACH_SECOND: Final = {
    "MATCHBUS_SHADOW_CHECKPOINT_INTERVAL_S": "1",
    "MATCHBUS_FEED_HEARTBEAT_INTERVAL_MS": "250",
}
_NEVER: Final = {
    "MATCHBUS_SHADOW_CHECKPOINT_INTERVAL_S": "86400",
    "MATCHBUS_SHADOW_CHECKPOINT_INTERVAL_COMMANDS": str(2**31 - 1),
}


class Size(Struct, frozen=True):
    """Rounds, orders that rest, orders of one case in one round, and how many of them a second."""

    rounds: int = 3
    resting: int = 100_000
    orders: int = 5_000
    per_s: int = 500


QUICK: Final = Size(rounds=1, resting=500, orders=60, per_s=100)


class ShadowCosts:
    """Latencies of each case, over all rounds; `run` first."""

    def __init__(self, size: Size, progress: Callable[[str], object]) -> None:
        self.times_ns: dict[str, list[int]] = {case: [] for case in CASES}
        self.pause_ms = 0.0
        self.engine_cpu_ms: dict[str, float] = dict.fromkeys(CASES, 0.0)
        self.core: CoreKind = core_kind()
        self._size = size
        self._progress = progress

    def run(self) -> None:
        """One engine for all."""
        size = self._size
        self._progress("what a checkpoint would cost the engine itself")
        self.pause_ms = self._own_pause_ms()
        port_base = free_port_base("127.0.0.1")
        with (
            parts.engine("disk", {"MATCHBUS_FEED_HEARTBEAT_INTERVAL_MS": "250"}, port_base) as engine,
            Session(engine.orders, "bench-resting", engine.token) as session,
        ):
            session.define(_SYMBOL)
            orders = flow.resting(_SYMBOL, size.resting, levels=_LEVELS)
            messages = session.encode(orders, _A_MESSAGE)
            session.flow_elapsed_ns(messages, len(orders), _A_MESSAGE, _MESSAGES_IN_FLIGHT)
            session.reports()
            for number in range(1, size.rounds + 1):
                for case in CASES:
                    self._progress(f"round {number} of {size.rounds}: {case}")
                    with self._beside(case, engine, port_base):
                        self._measure(case, engine, number)

    @contextmanager
    def _beside(self, case: str, engine: parts.EnginePart, port_base: int) -> Iterator[None]:
        """What goes on beside the orders."""
        with ExitStack() as stack:
            recovery = engine.recovery
            asker: parts.Part | None = None
            if case in (FOLLOWED, CHECKPOINTS, FROM_SHADOW):
                settings = _EACH_SECOND if case == CHECKPOINTS else _NEVER
                recovery = stack.enter_context(parts.shadow(engine, port_base, settings)).facts[
                    "deep_recovery"
                ]
            if case in (FROM_ENGINE, FROM_SHADOW):
                asker = stack.enter_context(parts.part("snapshots", recovery, _SYMBOL))
            before = self._newest(engine)
            yield
            if asker is not None:
                taken = asker.ask_to_end()
                assert self._size == QUICK or int(taken["orders"]) > self._size.resting, taken
            elif case == CHECKPOINTS:
                assert self._size == QUICK or self._newest(engine) > before, "checkpoints are written"

    @staticmethod
    def _newest(engine: parts.EnginePart) -> int:
        headers, _ = CheckpointStore(engine.data, Disk()).candidates()
        return headers[0].sequence if headers else 0

    def _measure(self, case: str, engine: parts.EnginePart, number: int) -> None:
        with Session(engine.orders, f"bench-{CASES.index(case)}-{number}") as session:
            orders = flow.resting(_SYMBOL, self._size.orders, levels=_LEVELS)
            messages = session.encode(orders, 1)
            before_ms = machine.cpu_ms(engine.pid)
            self.times_ns[case] += _paced_times_ns(session, messages, self._size.per_s)
            self.engine_cpu_ms[case] += machine.cpu_ms(engine.pid) - before_ms
            session.cancel_all()

    def _own_pause_ms(self) -> float:
        """How long the state takes to encode, which an engine would stand still for; the disk not counted."""
        core = flow.engine_with(_SYMBOL)
        orders = flow.resting(_SYMBOL, self._size.resting, levels=_LEVELS)
        core.apply_message(1, 1, core.time_ns + 1, orders, core.time_ns + 1)
        core.take_outputs()
        fastest = min(_elapsed_ns(core.encode_state) for _ in range(3))
        return fastest / _NS_PER_MS

    # What came of it.

    def result(self) -> dict[str, Any]:
        """What `--json` prints."""
        return {
            "core": self.core,
            "resting": self._size.resting,
            "encode_state_ms": round(self.pause_ms, 1),
            "ms": {
                case: {
                    "p50": round(_percentile_ms(times, 50), 3),
                    "p99": round(_percentile_ms(times, 99), 3),
                    "p99_9": round(_percentile_ms(times, 99.9), 3),
                    "max": round(max(times) / _NS_PER_MS, 3),
                    "engine_cpu_us_per_order": round(self._cpu_us(case), 1),
                    "histogram": histogram(times),
                }
                for case, times in self.times_ns.items()
            },
        }

    def tables(self) -> list[Table]:
        """For people: percentiles, then the histogram."""
        percentiles = [
            (
                case,
                *(f"{_percentile_ms(times, percent):,.2f}" for percent in (50, 99, 99.9)),
                f"{max(times) / _NS_PER_MS:,.2f}",
                f"{self._cpu_us(case):,.0f}",
            )
            for case, times in self.times_ns.items()
        ]
        counts = [(case, *map(str, histogram(times))) for case, times in self.times_ns.items()]
        size = self._size
        title = f"milliseconds from an order to its report; {size.resting:,} orders rest, {size.per_s}/s come"
        columns = ("up to ms", *(f"{bound:g}" for bound in BOUNDS_MS), "more")
        return [
            results.table(
                title, ("", "p50", "p99", "p99.9", "max", "µs of CPU of the engine an order"), percentiles
            ),
            results.table("how many of them took", columns, counts),
        ]

    def _cpu_us(self, case: str) -> float:
        return self.engine_cpu_ms[case] * 1000 / len(self.times_ns[case])

    def notes(self) -> list[str]:
        """What cannot be seen in the tables."""
        return [f"an engine that encoded this state itself would stand still for {self.pause_ms:,.0f} ms"]


def histogram(times_ns: list[int]) -> list[int]:
    """How many times lie in each column: up to each of `BOUNDS_MS`, and beyond the last."""
    counts = [0] * (len(BOUNDS_MS) + 1)
    for time_ns in times_ns:
        counts[sum(time_ns > bound * _NS_PER_MS for bound in BOUNDS_MS)] += 1
    return counts


def _percentile_ms(times_ns: list[int], percent: float) -> float:
    return figures.percentile(sorted(times_ns), percent) / _NS_PER_MS


def _elapsed_ns(work: Callable[[], object]) -> int:
    start = time.perf_counter_ns()
    work()
    return time.perf_counter_ns() - start


def _paced_times_ns(session: Session, messages: list[bytes], per_s: int) -> list[int]:
    """An order each 1/per_s s, one a message, whatever was answered: how long after it was sent each was reported."""
    now, send, receive_now = time.perf_counter_ns, session.send, session.socket.recv
    interval_ns = _NS_PER_S // per_s
    poller = zmq.Poller()
    poller.register(session.socket, zmq.POLLIN)
    sent_ns: list[int] = []
    times: list[int] = []
    due_ns = now()
    while len(times) < len(messages):
        while len(sent_ns) < len(messages) and due_ns <= now():
            sent_ns.append(now())
            send(messages[len(sent_ns) - 1], 0)
            due_ns += interval_ns
        wait_ns = due_ns - now() if len(sent_ns) < len(messages) else _NS_PER_S
        poller.poll(max(1, wait_ns // _NS_PER_MS))
        try:
            while True:
                payload = receive_now(_NOBLOCK)
                came_ns = now()
                if header(payload)[0]:
                    for _ in decode_envelope(payload).items:
                        times.append(came_ns - sent_ns[len(times)])
        except zmq.Again:
            pass
    return times
