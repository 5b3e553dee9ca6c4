"""Whether anything in the book costs more where more orders rest: the cost of an operation in a level of 100,000
orders beside the same operation in levels of 10.

Both markets hold the same number of orders, so memory is as far away in both; they differ in the depth of the levels
alone. Each operation is done to half of the orders of a fresh market, as commands through the engine without sockets;
the clock runs while they are applied. A ratio near 1 says that there is no O(n) path.
"""

import random
import statistics
import time
from collections.abc import Callable, Sequence
from typing import Any, Final

from msgspec import Struct
from rich.table import Table

from bus.protocol.commands import CancelOrder, Command, EnterOrder, ReplaceOrder
from bus.protocol.terms import BUY, IOC, LIMIT, SELL
from matcher.engine import Engine
from tools.bench import flow, results
from tools.core_kind import core_kind
from tools.tuning import tune_garbage_collector

SHALLOW: Final = 10
_SYMBOL: Final = "D"
_SIDE: Final = BUY
_LOTS: Final = 10
_BEST_TICKS: Final = 1_000_000
_NS_PER_US: Final = 1_000
_BATCH: Final = 64


class Size(Struct, frozen=True):
    """Orders of the deep level, levels of the sweep, rounds."""

    rounds: int = 3
    orders: int = 100_000
    levels: int = 5_000


QUICK: Final = Size(rounds=1, orders=1_000, levels=100)


class BookCosts:
    """Microseconds an operation, in shallow levels and in a deep one."""

    def __init__(self, size: Size, progress: Callable[[str], object]) -> None:
        self.shallow: dict[str, list[float]] = {}
        self.deep: dict[str, list[float]] = {}
        self._size = size
        self._progress = progress

    def run(self) -> None:
        """All rounds of all operations."""
        tune_garbage_collector()
        for number in range(1, self._size.rounds + 1):
            self._progress(f"round {number} of {self._size.rounds}")
            for name, commands in OPERATIONS.items():
                for depth, found in ((SHALLOW, self.shallow), (self._size.orders, self.deep)):
                    found.setdefault(name, []).append(self._cost(depth, commands))
            for name, levels in (("best price gone", 1), ("a level of a sweep", None)):
                for count, found in ((SHALLOW, self.shallow), (self._size.levels, self.deep)):
                    found.setdefault(name, []).append(self._level_cost(count, count if levels is None else 1))

    def _cost(self, depth: int, commands: "Operation") -> float:
        """Of one operation on half of the orders, in levels of this depth."""
        orders = self._size.orders
        engine = flow.engine_with(_SYMBOL)
        _apply(engine, [_order(number, _BEST_TICKS - number // depth) for number in range(orders)])
        levels = [range(start, start + depth) for start in range(0, orders, depth)]
        todo = commands(levels)
        return _apply(engine, todo) / len(todo) / _NS_PER_US

    def _level_cost(self, levels: int, a_sweep: int) -> float:
        """Of taking a level of one order away: each by a cancel (`a_sweep` 1), or all by sweeps of so many levels."""
        elapsed = done = 0
        while done < self._size.levels:
            engine = flow.engine_with(_SYMBOL)
            _apply(engine, [_order(number, _BEST_TICKS - number) for number in range(levels)])
            if a_sweep == 1:
                todo: list[Command] = [CancelOrder(client_order_id=_id(number)) for number in range(levels)]
            else:
                todo = [EnterOrder("sweep", _SYMBOL, SELL, levels * _LOTS, 1, LIMIT, IOC)]
            elapsed += _apply(engine, todo)
            assert engine.state.instruments[_SYMBOL].book.bids.best is None, "the book is empty"
            done += levels
        return elapsed / done / _NS_PER_US

    def result(self) -> dict[str, Any]:
        """What `--json` prints: medians."""
        return {
            "core": core_kind(),
            "us_per_operation": {
                name: {
                    "shallow": round(statistics.median(self.shallow[name]), 2),
                    "deep": round(statistics.median(self.deep[name]), 2),
                }
                for name in self.deep
            },
        }

    def tables(self) -> list[Table]:
        """For people."""
        rows = [
            (
                name,
                f"{costs['shallow']:.2f}",
                f"{costs['deep']:.2f}",
                f"{costs['deep'] / costs['shallow']:.2f}",
            )
            for name, costs in self.result()["us_per_operation"].items()
        ]
        size = self._size
        title = (
            f"microseconds an operation: {size.orders:,} orders in levels of {SHALLOW}, and in one level;"
            f" {SHALLOW} levels, and {size.levels:,}"
        )
        return [results.table(title, ("", "shallow", "deep", "ratio"), rows)]


#: Levels, each the numbers of its orders, to the commands that are timed: about half as many as orders.
Operation = Callable[[Sequence[range]], list[Command]]


def _fronts(levels: Sequence[range]) -> list[Command]:
    return [
        CancelOrder(client_order_id=_id(number)) for level in levels for number in level[: len(level) // 2]
    ]


def _backs(levels: Sequence[range]) -> list[Command]:
    return [
        CancelOrder(client_order_id=_id(number))
        for level in levels
        for number in reversed(level[len(level) // 2 :])
    ]


def _random(levels: Sequence[range]) -> list[Command]:
    numbers = [number for level in levels for number in random.Random(1).sample(level, len(level) // 2)]
    return [CancelOrder(client_order_id=_id(number)) for number in numbers]


def _replace_down(levels: Sequence[range]) -> list[Command]:
    return [
        ReplaceOrder(f"r{number}", client_order_id=_id(number), quantity_lots=_LOTS - 1)
        for number in _halves(levels)
    ]


def _replace_to_back(levels: Sequence[range]) -> list[Command]:
    return [
        ReplaceOrder(f"r{number}", client_order_id=_id(number), quantity_lots=_LOTS + 1)
        for number in _halves(levels)
    ]


def _halves(levels: Sequence[range]) -> list[int]:
    """Every second order."""
    return [number for level in levels for number in level[::2]]


OPERATIONS: Final[dict[str, Operation]] = {
    "cancel at the front": _fronts,
    "cancel at the back": _backs,
    "cancel at random": _random,
    "replace down": _replace_down,
    "replace to the back": _replace_to_back,
}


def _id(number: int) -> str:
    return f"b{number}"


def _order(number: int, price_ticks: int) -> Command:
    return EnterOrder(_id(number), _SYMBOL, _SIDE, _LOTS, price_ticks)


def _apply(engine: Engine, commands: Sequence[Command]) -> int:
    """Nanoseconds that applying takes. What the engine says is taken and dropped beside the clock."""
    elapsed = 0
    now = time.perf_counter_ns
    for start in range(0, len(commands), _BATCH):
        items = commands[start : start + _BATCH]
        time_ns = engine.time_ns + 1
        begin = now()
        engine.apply_message(1, 1, time_ns, items, time_ns)
        elapsed += now() - begin
        engine.take_outputs()
    return elapsed
