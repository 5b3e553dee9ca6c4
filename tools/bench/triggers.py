"""What orders that wait for a trigger cost: a trade that triggers nobody, and cascades.

All through the engine without sockets; the clock runs while commands are applied. A trade is an IOC order against a
resting one, in a market where nobody waits and in one where many stops do, on both sides of the price. A cascade is one
command: `at once` its trade triggers all stops, each of which then trades; `one by one` each stop's trade triggers the
next one.
"""

import time
from collections.abc import Callable
from statistics import median
from typing import Any, Final

from msgspec import Struct
from rich.table import Table

from bus.protocol.commands import Command, EnterOrder
from bus.protocol.reports import TRIGGERED
from bus.protocol.terms import BUY, IOC, LIMIT, SELL, STOP, TRAILING_STOP
from matcher.engine import Engine
from tools.bench import flow, results
from tools.core_kind import core_kind
from tools.tuning import tune_garbage_collector

_SYMBOL: Final = "T"
_MIDDLE_TICKS: Final = 1_000_000
_BATCH: Final = 64
_NS_PER_US: Final = 1_000
_NS_PER_MS: Final = 1_000_000


class Size(Struct, frozen=True):
    """Stops that wait beside the trades, trades, stops of a cascade, rounds."""

    rounds: int = 3
    waiting: int = 100_000
    trades: int = 20_000
    cascade: int = 10_000


QUICK: Final = Size(rounds=1, waiting=1_000, trades=200, cascade=100)


class TriggerCosts:
    """Microseconds a trade, and milliseconds a cascade."""

    def __init__(self, size: Size, progress: Callable[[str], object]) -> None:
        self.trade_us: dict[str, list[float]] = {}
        self.cascade_ms: dict[str, list[float]] = {}
        self._size = size
        self._progress = progress

    def run(self) -> None:
        """All rounds."""
        tune_garbage_collector()
        waiting, count = self._size.waiting, self._size.cascade
        for number in range(1, self._size.rounds + 1):
            self._progress(f"triggers, round {number} of {self._size.rounds}")
            for name, orders in (
                ("nobody waits", []),
                ("stops wait", [_stop(n, n % 2 * 2 - 1, n) for n in range(waiting)]),
                ("trailing stops wait", [_trailing(n, waiting) for n in range(waiting)]),
            ):
                self.trade_us.setdefault(name, []).append(self._trades(orders))
            for name, step in (("at once", 0), ("one by one", 1)):
                self.cascade_ms.setdefault(name, []).append(_cascade(count, step))

    def _trades(self, waiting: list[Command]) -> float:
        engine = flow.engine_with(_SYMBOL)
        count = self._size.trades
        apply(engine, [EnterOrder("b", _SYMBOL, SELL, count, _MIDDLE_TICKS)])
        # The first trade, before which a trailing stop has seen nothing.
        apply(engine, [_take("first", 1)])
        apply(engine, waiting)
        elapsed, triggered = apply(engine, [_take(f"t{n}", 1) for n in range(count - 1)])
        assert not triggered, "nobody is triggered"
        return elapsed / (count - 1) / _NS_PER_US

    def result(self) -> dict[str, Any]:
        """What `--json` prints: medians."""
        return {
            "core": core_kind(),
            "us_per_trade": {name: round(median(times), 2) for name, times in self.trade_us.items()},
            "ms_per_cascade": {name: round(median(times), 1) for name, times in self.cascade_ms.items()},
        }

    def tables(self) -> list[Table]:
        """For people."""
        size, found = self._size, self.result()
        rows = [(f"a trade, {name}", f"{us:.2f} us") for name, us in found["us_per_trade"].items()]
        rows += [(f"a cascade, {name}", f"{ms:.1f} ms") for name, ms in found["ms_per_cascade"].items()]
        title = f"orders that wait: {size.waiting:,} beside a trade that triggers none, {size.cascade:,} in a cascade"
        return [results.table(title, ("", ""), rows)]


def _cascade(count: int, step: int) -> float:
    """Milliseconds of a command whose trade sets off so many stops, whose triggers are `step` apart."""
    engine = flow.engine_with(_SYMBOL)
    offers: list[Command] = [
        EnterOrder(f"b{n}", _SYMBOL, SELL, 1, _MIDDLE_TICKS + n * step) for n in range(count + 1)
    ]
    apply(engine, offers)
    apply(engine, [_stop(n, 1, n * step - 1) for n in range(count)])
    elapsed, triggered = apply(engine, [_take("go", 1)])
    assert triggered == count, "all are triggered"
    return elapsed / _NS_PER_MS


def _stop(number: int, direction: int, distance: int) -> Command:
    """A stop whose trigger stands so far from the middle: above it for a buy (1), below it for a sell (-1)."""
    side = BUY if direction > 0 else SELL
    trigger = _MIDDLE_TICKS + direction * (1 + distance)
    return EnterOrder(f"s{number}", _SYMBOL, side, 1, 0, STOP, trigger_price_ticks=trigger)


def _trailing(number: int, distances: int) -> Command:
    """A trailing stop of some distance."""
    side = BUY if number % 2 else SELL
    return EnterOrder(f"s{number}", _SYMBOL, side, 1, 0, TRAILING_STOP, trail_ticks=1 + number % distances)


def _take(request_id: str, lots: int) -> Command:
    return EnterOrder(request_id, _SYMBOL, BUY, lots, _MIDDLE_TICKS, LIMIT, IOC)


def apply(engine: Engine, commands: list[Command]) -> tuple[int, int]:
    """Nanoseconds that applying takes, and how many orders were triggered. Outputs are taken beside the clock."""
    elapsed = triggered = 0
    now = time.perf_counter_ns
    for start in range(0, len(commands), _BATCH):
        items = commands[start : start + _BATCH]
        time_ns = engine.time_ns + 1
        begin = now()
        engine.apply_message(1, 1, time_ns, items, time_ns)
        elapsed += now() - begin
        for _, _, events in engine.take_private():
            triggered += sum(1 for event in events if event[0] == TRIGGERED)
        engine.take_public()
    return elapsed, triggered
