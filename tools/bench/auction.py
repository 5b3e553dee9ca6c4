"""What an auction costs: its end, at which 100,000 orders trade, and telling what it would do while it collects them.

All through the engine without sockets; the clock runs while commands are applied. Half of the orders buy and half sell,
and each of them would trade with most of the others: at few prices, and each at a price of its own. The end is one
command. An update is one order that enters or is cancelled and the tick at which the new price is told. A swing is the
worst update that there is: an order as large as a third of the whole book, so that the price moves over a third of all
prices; and the first time that it is told when all orders came at once.
"""

import time
from collections.abc import Callable
from random import Random
from statistics import median
from typing import Any, Final

from msgspec import Struct
from rich.table import Table

from bus.protocol.commands import CancelOrder, Command, EnterOrder, SetPhase
from bus.protocol.feed import AUCTION_ENDED, INDICATIVE
from bus.protocol.records import TimeTicked
from bus.protocol.terms import BUY, CONTINUOUS, OPENING_AUCTION, SELL
from matcher.engine import Engine
from matcher.resting import INDICATIVE_NS
from tools.bench import flow, results
from tools.bench.results import Target
from tools.core_kind import core_kind
from tools.tuning import tune_garbage_collector

_SYMBOL: Final = "T"
_MIDDLE_TICKS: Final = 1_000_000
_LOTS_MAX: Final = 100
_BATCH: Final = 512
_NS_PER_MS: Final = 1_000_000
#: What was to be reached, at any number of prices.
UNCROSS_MS: Final = 500.0
UPDATE_MS: Final = 5.0


class Size(Struct, frozen=True):
    """Orders of an auction, prices of one that has few, updates, swings, rounds."""

    rounds: int = 5
    orders: int = 100_000
    few_prices: int = 100
    updates: int = 500
    swings: int = 20


QUICK: Final = Size(rounds=1, orders=1_000, few_prices=10, updates=20, swings=2)


class AuctionCosts:
    """Milliseconds, by how many prices there are."""

    def __init__(self, size: Size, progress: Callable[[str], object]) -> None:
        self.uncross_ms: dict[str, list[float]] = {}
        self.trades: dict[str, int] = {}
        self.update_ms: dict[str, list[float]] = {}
        self.swing_ms: dict[str, list[float]] = {}
        self._size = size
        self._progress = progress

    def run(self) -> None:
        """All rounds."""
        tune_garbage_collector()
        size = self._size
        for number in range(1, size.rounds + 1):
            self._progress(f"auctions, round {number} of {size.rounds}")
            for prices in (size.few_prices, size.orders):
                name = f"{prices} prices"
                random = Random(number)
                engine = flow.engine_with(_SYMBOL)
                _apply(engine, [SetPhase(_SYMBOL, OPENING_AUCTION)])
                lots = _collect(engine, random, size.orders, prices)
                first = _told_ms(engine, EnterOrder("first", _SYMBOL, BUY, 1, _MIDDLE_TICKS))
                self.swing_ms.setdefault(name, []).append(first)
                self.update_ms.setdefault(name, []).extend(_updates(engine, random, size.updates, prices))
                self.swing_ms[name].extend(_swings(engine, size.swings, lots // 3, prices))
                elapsed, trades = _uncross(engine)
                self.uncross_ms.setdefault(name, []).append(elapsed)
                self.trades[name] = trades

    def result(self) -> dict[str, Any]:
        """What `--json` prints: medians, and the worst update."""
        return {
            "core": core_kind(),
            "orders": self._size.orders,
            "trades": self.trades,
            "uncross_ms": _medians(self.uncross_ms),
            "update_ms": _medians(self.update_ms),
            "update_ms_max": {name: round(max(times), 3) for name, times in self.update_ms.items()},
            "swing_ms": _medians(self.swing_ms),
            "swing_ms_max": {name: round(max(times), 3) for name, times in self.swing_ms.items()},
        }

    def tables(self) -> list[Table]:
        """For people."""
        found = self.result()
        rows = [(f"the end, {name}", f"{ms:.0f} ms", "") for name, ms in found["uncross_ms"].items()]
        for what, key in (("an update", "update_ms"), ("a swing", "swing_ms")):
            rows += [
                (f"{what}, {name}", f"{ms:.3f} ms", f"{found[f'{key}_max'][name]:.3f} ms")
                for name, ms in found[key].items()
            ]
        targets = [
            Target("the end", max(found["uncross_ms"].values()), UNCROSS_MS, "ms", at_most=True),
            Target("an update", max(found["update_ms_max"].values()), UPDATE_MS, "ms", at_most=True),
        ]
        title = f"an auction of {self._size.orders:,} orders"
        return [results.table(title, ("", "median", "worst"), rows), results.targets_table(targets)]


def _medians(times: dict[str, list[float]]) -> dict[str, float]:
    return {name: round(median(those), 3) for name, those in times.items()}


def _price(random: Random, side: int, prices: int) -> int:
    """Buyers above the middle, sellers below: all of them cross."""
    distance = random.randrange(max(1, prices // 2))
    return _MIDDLE_TICKS + distance if side == BUY else _MIDDLE_TICKS - distance


def _collect(engine: Engine, random: Random, orders: int, prices: int) -> int:
    """Fill the book. With as many prices as orders each has its own. Returns how many lots there are."""
    total = 0
    items: list[Command] = []
    for number in range(orders):
        side = SELL if number % 2 else BUY
        lots = random.randint(1, _LOTS_MAX)
        price = _price(random, side, prices)
        if prices == orders:
            price = _MIDDLE_TICKS + (number // 2 if side == BUY else -(number // 2))
        total += lots
        items.append(EnterOrder(f"o{number}", _SYMBOL, side, lots, price))
    random.shuffle(items)
    for start in range(0, orders, _BATCH):
        _apply(engine, items[start : start + _BATCH])
    return total


def _updates(engine: Engine, random: Random, count: int, prices: int) -> list[float]:
    """Milliseconds of each: an order enters, or the one before it is cancelled; then it is told."""
    times = []
    for number in range(count):
        side = random.choice((BUY, SELL))
        command: Command = CancelOrder(client_order_id=f"u{number - 1}")
        if number % 2 == 0:
            command = EnterOrder(
                f"u{number}", _SYMBOL, side, random.randint(1, _LOTS_MAX), _price(random, side, prices)
            )
        times.append(_told_ms(engine, command))
    return times


def _swings(engine: Engine, count: int, lots: int, prices: int) -> list[float]:
    """As updates, but each moves the price far."""
    times = []
    for number in range(count):
        side = BUY if number % 4 < 2 else SELL
        price = _MIDDLE_TICKS + (prices // 2 if side == BUY else -(prices // 2))
        command: Command = CancelOrder(client_order_id=f"s{number - 1}")
        if number % 2 == 0:
            command = EnterOrder(f"s{number}", _SYMBOL, side, lots, price)
        times.append(_told_ms(engine, command))
    return times


def _told_ms(engine: Engine, command: Command) -> float:
    """Milliseconds until it is told what the auction would do behind a command."""
    time_ns = engine.time_ns + 1
    begin = time.perf_counter_ns()
    engine.apply_message(1, 1, time_ns, [command], time_ns)
    engine.apply_record(TimeTicked(), time_ns + 2 * INDICATIVE_NS)
    elapsed = time.perf_counter_ns() - begin
    told = [event for _, _, events in _taken(engine) for event in events if event[0] == INDICATIVE]
    assert len(told) <= 1, "it is told once"
    return elapsed / _NS_PER_MS


def _uncross(engine: Engine) -> tuple[float, int]:
    """Milliseconds of the end of the auction, and how many trades it had."""
    elapsed = _apply(engine, [SetPhase(_SYMBOL, CONTINUOUS)], keep=True)
    streams = {name: events for name, _, events in _taken(engine)}
    ended = [event for event in streams[f"status.{_SYMBOL}."] if event[0] == AUCTION_ENDED]
    assert len(ended) == 1, "an auction ends once"
    return elapsed, len(streams[f"trade.{_SYMBOL}."])


def _apply(engine: Engine, items: list[Command], *, keep: bool = False) -> float:
    """Milliseconds that applying takes. Outputs are taken beside the clock."""
    time_ns = engine.time_ns + 1
    begin = time.perf_counter_ns()
    engine.apply_message(1, 1, time_ns, items, time_ns)
    elapsed = time.perf_counter_ns() - begin
    if not keep:
        _taken(engine)
    return elapsed / _NS_PER_MS


def _taken(engine: Engine) -> list[tuple[str, int, list[Any]]]:
    private, public = engine.take_outputs()
    return private + public
